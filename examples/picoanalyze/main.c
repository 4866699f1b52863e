/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief The program `picoanalyze`: chooses the command. Everything it does goes through the public headers.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "heap.h"
#include "progress.h"
#include "remedy.h"
#include "suggest.h"

typedef struct command_entry {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
    int computes; /**< Worth a restart with faster kernels. */
} command_entry;

static const command_entry commands[] = {
    {"analyze", "compute the metrics of a configuration over a run", cli_analyze, 1},
    {"inspect", "list the tensors of a file or a run", cli_inspect, 0},
    {"convert", "write the tensors of a file to a safetensors file", cli_convert, 0},
    {"metrics", "list metrics with their options and papers", cli_metrics, 0},
    {"components", "list components with their options and papers", cli_components, 0},
    {"doctor", "show what this machine computes with, and what would be faster", cli_doctor, 0},
};
enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static int32_t speaking_rank;

void cli_speak_as(int32_t rank)
{
    speaking_rank = rank;
}

int cli_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("picoanalyze: ", stderr);
    if (speaking_rank > 0) {
        fprintf(stderr, "rank %d: ", (int)speaking_rank);
    }
    (void)vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return CLI_ERROR;
}

void cli_log(void *user, pa_log_level level, const char *message)
{
    cli_progress_clear(user);
    fprintf(stderr, "picoanalyze: %s%s\n", level >= PA_LOG_WARNING ? "warning: " : "", message);
}

int cli_finish_stdout(void)
{
    const int failed_before = ferror(stdout);
    errno = 0;
    if (fflush(stdout) != 0 || failed_before) {
        return cli_fail("standard output: %s", errno != 0 ? strerror(errno) : "some of it could not be written");
    }
    return CLI_OK;
}

static void print_help(void)
{
    printf("usage: picoanalyze COMMAND [options]\n\n"
           "Learning-dynamics analysis of language models: a pico-train run and a YAML file in, numbers out.\n\n"
           "commands:\n");
    for (int i = 0; i < N_COMMANDS; i++) {
        printf("  %-12s %s\n", commands[i].name, commands[i].summary);
    }
    printf("\n'picoanalyze COMMAND --help' shows the options of a command; '--version' the version.\n"
           "Exit codes: 0 all computed, 1 error, 2 wrong usage. Undefined values are results, not errors.\n");
}

/* --help and --version need no kernels. */
static int asks_for_text(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--version") == 0 ||
            strcmp(argv[i], "-V") == 0) {
            return 1;
        }
    }
    return 0;
}

static int run_command(int argc, char **argv)
{
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i].name;
        if (strcmp(argv[1], names[i]) == 0) {
            if (commands[i].computes && !asks_for_text(argc, argv)) {
                cli_remedy_apply(argv);
                cli_heap_prepare();
                pa_runtime_end_blas_threads();
            }
            return commands[i].run(argc - 2, argv + 2);
        }
    }
    const char *nearest = cli_nearest(argv[1], names, N_COMMANDS);
    const char *what = argv[1][0] == '-' ? "option" : "command";
    if (nearest != NULL) {
        (void)cli_bad_usage(NULL, "unknown %s '%s'; did you mean '%s'?", what, argv[1], nearest);
    } else {
        (void)cli_bad_usage(NULL, "unknown %s '%s'", what, argv[1]);
    }
    return CLI_USAGE;
}

/*
 * A stream that was closed (>&-) gives its number to the first file that is opened, and then what is printed lands in
 * results. What takes its place fails as a closed one does.
 */
static int occupy_streams(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) {
            return CLI_ERROR; /* and there is nobody to tell */
        }
    }
    return CLI_OK;
}

int main(int argc, char **argv)
{
    if (occupy_streams() != CLI_OK) {
        return CLI_ERROR;
    }
    /* A reader that goes away is an error with a text, not a silent death between two files. */
    (void)signal(SIGPIPE, SIG_IGN);
    int code = CLI_OK;
    if (argc < 2) {
        (void)cli_bad_usage(NULL, "a command is needed: analyze, inspect, convert, metrics, components or doctor");
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help();
    } else if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        cli_print_version();
    } else {
        code = run_command(argc, argv);
    }
    const int written = cli_finish_stdout();
    return code != CLI_OK ? code : written;
}
