/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Options of a command: a table that is parsed, checked and printed as help. */
#ifndef PICOANALYZE_ARGS_H
#define PICOANALYZE_ARGS_H
#include "cli.h"

/** Values of an option that may be given several times. */
enum { CLI_MAX_VALUES = 64 };
typedef struct cli_values {
    const char *items[CLI_MAX_VALUES];
    int count;
} cli_values;

/** One option. Names are written with '_'; users may write '-' instead. Exactly one target is set. */
typedef struct cli_option {
    const char *name;
    const char *value;  /**< What help calls the value, e.g. "FILE"; NULL for a flag. */
    const char *help;   /**< One line. */
    const char **text;  /**< Target: the value. */
    cli_values *values; /**< Target: one more value. */
    int *flag;          /**< Target: set to 1. */
    int required;       /**< 1: an error when absent. */
} cli_option;

/** A command. */
typedef struct cli_command {
    const char *name;    /**< "analyze". */
    const char *summary; /**< One sentence. */
    const char *details; /**< More for --help; may be NULL. */
    const cli_option *options;
    int n_options;
    const char *operand_name; /**< "FILE|RUN" when the command takes an operand, else NULL. */
    const char **operand;     /**< Target of the operand. */
    const char *second_name;  /**< "OUT" when it takes a second one, else NULL. */
    const char **second;      /**< Target of the second one. */
} cli_command;

/** What to do after parsing. */
typedef enum cli_verdict { CLI_GO_ON, CLI_HELP_SHOWN, CLI_BAD_USAGE } cli_verdict;

/** Parse; --help and --version print on stdout, errors on stderr. */
cli_verdict cli_parse(const cli_command *command, int argc, char **argv);

/** Whole decimal number from `low` to `high`: 1 and `*out`, else 0. */
int cli_parse_integer(const char *text, int64_t low, int64_t high, int64_t *out);

/** Bytes, at least 1, as a decimal number that may end in K, M, G or T (powers of 1024): 1 and `*out`, else 0. */
int cli_parse_bytes(const char *text, int64_t *out);

/** "error; see 'picoanalyze <command> --help'" on stderr; returns CLI_BAD_USAGE. `command` may be NULL. */
cli_verdict cli_bad_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Print "picoanalyze <version>" with the library's version. */
void cli_print_version(void);
#endif
