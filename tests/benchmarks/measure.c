/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Times whole processes side by side: `measure ROUNDS COMMAND... [, COMMAND...]...`
 *
 * Every round runs each command once, so that a busy machine hurts all alike. Prints a line a command:
 * "<median wall seconds> <median processor seconds> <MiB>". Wall time is from fork to exit, memory the largest peak
 * resident set of its runs. The commands' own output goes nowhere. Exit code 1, and the command on stderr, when one
 * fails.
 */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ROUNDS = 99, MAX_COMMANDS = 16 };
enum { PAUSE_NANOSECONDS = 200000000 };

typedef struct command {
    char **argv;
    double wall[MAX_ROUNDS], processor[MAX_ROUNDS];
    long kib;
} command;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(values[0]), ascending);
    return values[count / 2];
}

/* Returns 0, or -1 when the command fails. */
static int run(command *c, int round)
{
    /* The scheduler's memory of who was busy where would put the threads of one program on the processor that the one
       before left: let it fade, as it has when somebody types the command. */
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NANOSECONDS}, NULL);
    const double start = now();
    const pid_t child = fork();
    if (child == 0) {
        const int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        execvp(c->argv[0], c->argv);
        _exit(127);
    }
    int code = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &code, 0, &usage) != child || !WIFEXITED(code) || WEXITSTATUS(code) != 0) {
        fputs("measure: this failed:", stderr);
        for (char **argument = c->argv; *argument != NULL; argument++) {
            fprintf(stderr, " %s", *argument);
        }
        fputs("\n", stderr);
        return -1;
    }
    c->wall[round] = now() - start;
    c->processor[round] = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    c->kib = usage.ru_maxrss > c->kib ? usage.ru_maxrss : c->kib;
    return 0;
}

/* Cuts the arguments at each ","; returns the number of commands. */
static int split(char **argv, command *commands)
{
    int count = 0;
    commands[count++].argv = argv;
    for (; *argv != NULL && count < MAX_COMMANDS; argv++) {
        if (strcmp(*argv, ",") == 0) {
            *argv = NULL;
            commands[count++].argv = argv + 1;
        }
    }
    return count;
}

int main(int argc, char **argv)
{
    static command commands[MAX_COMMANDS];
    const int rounds = argc > 2 ? atoi(argv[1]) : 0;
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: measure ROUNDS COMMAND... [, COMMAND...]...   (1 to %d)\n", MAX_ROUNDS);
        return 2;
    }
    const int count = split(argv + 2, commands);
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < count; i++) {
            if (run(&commands[i], round) != 0) {
                return 1;
            }
        }
    }
    for (int i = 0; i < count; i++) {
        printf("%.4f %.4f %.1f\n", median(commands[i].wall, rounds), median(commands[i].processor, rounds),
               (double)commands[i].kib / 1024.0);
    }
    return 0;
}
