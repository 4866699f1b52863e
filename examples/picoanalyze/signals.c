/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

/* Not a sig_atomic_t: a handler runs on whichever thread the kernel picks, and downloads ask from threads of their own. */
static atomic_int pending;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may touch atomics that need no lock, no others");

static void note(int number)
{
    atomic_store(&pending, number);
}

void cli_signals_catch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction old;
        struct sigaction action;
        memset(&action, 0, sizeof(action));
        action.sa_handler = note;
        action.sa_flags = SA_RESTART | (int)SA_RESETHAND;
        (void)sigemptyset(&action.sa_mask);
        /* Who started the program may have had signals ignored (nohup, '&' in a script): that stays. */
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
            (void)sigaction(numbers[i], &action, NULL);
        }
    }
}

int cli_signal_pending(void)
{
    return atomic_load(&pending);
}

void cli_signal_reraise(void)
{
    const int number = atomic_load(&pending);
    if (number != 0) {
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
}
