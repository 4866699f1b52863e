/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signal_when [-k] FILE SIGNAL PROGRAM [ARG...]: runs a program, sends it a signal once FILE exists, and exits with 0
 * when the program died of that signal, 3 when it ended by itself with status 0, and 1 otherwise. The program starts
 * with the default action for the signal, which shells take from background jobs; with -k what is inherited is kept.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int judge(int status, int number)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == number) {
        return 0;
    }
    fprintf(stderr, "signal_when: %s %d\n", WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 3 : 1;
}

int main(int argc, char **argv)
{
    const int keep = argc > 1 && strcmp(argv[1], "-k") == 0;
    argc -= keep;
    argv += keep;
    if (argc < 4) {
        return 2;
    }
    const int number = atoi(argv[2]);
    const pid_t child = fork();
    if (child == 0) {
        if (!keep) {
            (void)signal(number, SIG_DFL);
        }
        (void)execv(argv[3], argv + 3);
        _exit(127);
    }
    int status = 0;
    int sent = 0;
    for (int i = 0; i < 6000; i++) { /* a minute */
        const struct timespec pause = {.tv_nsec = 10000000};
        if (waitpid(child, &status, WNOHANG) == child) {
            return judge(status, number);
        }
        if (!sent && access(argv[1], F_OK) == 0) {
            (void)kill(child, number);
            sent = 1;
        }
        (void)nanosleep(&pause, NULL);
    }
    (void)kill(child, SIGKILL);
    fprintf(stderr, "signal_when: still running after a minute\n");
    return 1;
}
