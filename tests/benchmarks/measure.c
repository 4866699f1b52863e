/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Times whole processes: `measure REPEATS COMMAND...` runs it that often and prints "<median seconds> <MiB>".
 *
 * Wall time from fork to exit, median of the repeats; memory is the largest peak resident set of any of them. The
 * command's own output goes nowhere. Exit code 1 when the command fails.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_REPEATS = 99 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds, or a negative number when the command fails. */
static double run(char **command)
{
    const double start = now();
    const pid_t child = fork();
    if (child == 0) {
        const int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDOUT_FILENO);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    int code = 0;
    if (child < 0 || waitpid(child, &code, 0) != child || !WIFEXITED(code) || WEXITSTATUS(code) != 0) {
        return -1.0;
    }
    return now() - start;
}

int main(int argc, char **argv)
{
    const int repeats = argc > 2 ? atoi(argv[1]) : 0;
    if (repeats < 1 || repeats > MAX_REPEATS) {
        fprintf(stderr, "usage: measure REPEATS COMMAND...   (1 to %d)\n", MAX_REPEATS);
        return 2;
    }
    double seconds[MAX_REPEATS];
    for (int i = 0; i < repeats; i++) {
        seconds[i] = run(argv + 2);
        if (seconds[i] < 0.0) {
            fprintf(stderr, "measure: %s failed\n", argv[2]);
            return 1;
        }
    }
    qsort(seconds, (size_t)repeats, sizeof(seconds[0]), ascending);
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage); /* ru_maxrss: kibibytes, the largest of all children */
    printf("%.3f %ld\n", seconds[repeats / 2], usage.ru_maxrss / 1024);
    return 0;
}
