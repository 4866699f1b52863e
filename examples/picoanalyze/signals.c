/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t pending;

static void note(int number)
{
    pending = number;
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
    return pending;
}

void cli_signal_reraise(void)
{
    if (pending != 0) {
        (void)signal(pending, SIG_DFL);
        (void)raise(pending);
    }
}
