/* SPDX-License-Identifier: Apache-2.0 */
#include "args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "suggest.h"

cli_verdict cli_bad_usage(const char *command, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("picoanalyze: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\ntry 'picoanalyze %s%s--help'\n", command != NULL ? command : "", command != NULL ? " " : "");
    return CLI_BAD_USAGE;
}

void cli_print_version(void)
{
    printf("picoanalyze %s\n", pa_version());
}

int cli_parse_integer(const char *text, int64_t low, int64_t high, int64_t *out)
{
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text)) {
        return 0;
    }
    errno = 0;
    const long long number = strtoll(text, NULL, 10);
    if (errno != 0 || number < low || number > high) {
        return 0;
    }
    *out = number;
    return 1;
}

int cli_parse_bytes(const char *text, int64_t *out)
{
    static const char units[] = "KMGT";
    char digits[24];
    const size_t length = strlen(text);
    const char *unit = length > 0 ? strchr(units, text[length - 1]) : NULL;
    const size_t n = unit != NULL && *unit != '\0' ? length - 1 : length;
    const int64_t factor = n < length ? (int64_t)1 << (10 * (unit - units + 1)) : 1;
    int64_t number = 0;
    if (n >= sizeof(digits)) {
        return 0;
    }
    memcpy(digits, text, n);
    digits[n] = '\0';
    if (!cli_parse_integer(digits, 1, INT64_MAX / factor, &number)) {
        return 0;
    }
    *out = number * factor;
    return 1;
}

/* "--config_path FILE", as help and errors write it. */
static int format_option(char *out, size_t size, const cli_option *option)
{
    return snprintf(out, size, "--%s%s%s", option->name, option->value != NULL ? " " : "",
                    option->value != NULL ? option->value : "");
}

static void print_help(const cli_command *command)
{
    printf("usage: picoanalyze %s%s%s%s%s%s\n\n%s\n", command->name, command->n_options > 0 ? " [options]" : "",
           command->operand_name != NULL ? " " : "", command->operand_name != NULL ? command->operand_name : "",
           command->second_name != NULL ? " " : "", command->second_name != NULL ? command->second_name : "",
           command->summary);
    printf("\noptions:\n");
    for (int i = 0; i < command->n_options; i++) {
        char left[64];
        (void)format_option(left, sizeof(left), &command->options[i]);
        printf("  %-24s %s%s\n", left, command->options[i].help, command->options[i].required ? " (required)" : "");
    }
    printf("  %-24s %s\n", "--help", "show this text");
    printf("  %-24s %s\n", "--version", "show the version");
    if (command->n_options > 0) {
        printf("\nOptions may be written with '-' or '_' in their names, and as '--name value' or '--name=value'.\n");
    }
    if (command->details != NULL) {
        printf("\n%s\n", command->details);
    }
}

/* Equal up to '-' for '_'; `length` bytes of `written`. */
static int same_name(const char *name, const char *written, size_t length)
{
    if (strlen(name) != length) {
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        if (name[i] != (written[i] == '-' ? '_' : written[i])) {
            return 0;
        }
    }
    return 1;
}

static const cli_option *find_option(const cli_command *command, const char *written, size_t length)
{
    for (int i = 0; i < command->n_options; i++) {
        if (same_name(command->options[i].name, written, length)) {
            return &command->options[i];
        }
    }
    return NULL;
}

static cli_verdict unknown_option(const cli_command *command, const char *written, size_t length)
{
    char name[64] = "";
    const char *candidates[CLI_MAX_VALUES];
    int n = 0;
    for (; n < command->n_options && n < CLI_MAX_VALUES - 2; n++) {
        candidates[n] = command->options[n].name;
    }
    candidates[n++] = "help";
    candidates[n++] = "version";
    for (size_t i = 0; i < length && i < sizeof(name) - 1; i++) {
        name[i] = written[i] == '-' ? '_' : written[i];
    }
    const char *nearest = cli_nearest(name, candidates, n);
    if (nearest != NULL) {
        return cli_bad_usage(command->name, "unknown option '--%.*s'; did you mean '--%s'?", (int)length, written,
                             nearest);
    }
    return cli_bad_usage(command->name, "unknown option '--%.*s'", (int)length, written);
}

static cli_verdict store(const cli_command *command, const cli_option *option, const char *value)
{
    if (option->flag != NULL) {
        if (value != NULL) {
            return cli_bad_usage(command->name, "option '--%s' takes no value", option->name);
        }
        *option->flag = 1;
        return CLI_GO_ON;
    }
    if (value == NULL || value[0] == '\0') {
        return cli_bad_usage(command->name, "option '--%s' needs a value: %s", option->name, option->value);
    }
    if (option->values != NULL) {
        if (option->values->count == CLI_MAX_VALUES) {
            return cli_bad_usage(command->name, "option '--%s' is given more than %d times", option->name,
                                 (int)CLI_MAX_VALUES);
        }
        option->values->items[option->values->count++] = value;
        return CLI_GO_ON;
    }
    if (*option->text != NULL) {
        return cli_bad_usage(command->name, "option '--%s' is given twice", option->name);
    }
    *option->text = value;
    return CLI_GO_ON;
}

static cli_verdict store_operand(const cli_command *command, const char *value)
{
    if (command->operand_name == NULL) {
        return cli_bad_usage(command->name, "unexpected argument '%s'", value);
    }
    if (*command->operand != NULL && command->second != NULL && *command->second == NULL) {
        *command->second = value;
        return CLI_GO_ON;
    }
    if (*command->operand != NULL && command->second != NULL) {
        return cli_bad_usage(command->name, "'%s' takes %s and %s, got '%s' as well", command->name,
                             command->operand_name, command->second_name, value);
    }
    if (*command->operand != NULL) {
        return cli_bad_usage(command->name, "'%s' takes one %s, got '%s' as well", command->name, command->operand_name,
                             value);
    }
    *command->operand = value;
    return CLI_GO_ON;
}

static cli_verdict check_required(const cli_command *command)
{
    for (int i = 0; i < command->n_options; i++) {
        const cli_option *option = &command->options[i];
        if (option->required && *option->text == NULL) {
            char name[64];
            (void)format_option(name, sizeof(name), option);
            return cli_bad_usage(command->name, "'%s' needs %s", command->name, name);
        }
    }
    if (command->operand_name != NULL && *command->operand == NULL) {
        return cli_bad_usage(command->name, "'%s' needs %s", command->name, command->operand_name);
    }
    if (command->second_name != NULL && *command->second == NULL) {
        return cli_bad_usage(command->name, "'%s' needs %s", command->name, command->second_name);
    }
    return CLI_GO_ON;
}

/* One "--name", "--name=value" or "--name value"; `*at` moves past a value that stands on its own. */
static cli_verdict parse_option(const cli_command *command, int argc, char **argv, int *at)
{
    const char *written = argv[*at] + 2;
    const size_t length = strcspn(written, "=");
    const cli_option *option = find_option(command, written, length);
    if (option == NULL) {
        return unknown_option(command, written, length);
    }
    const char *value = NULL;
    if (written[length] == '=') {
        value = written + length + 1;
    } else if (option->flag == NULL && *at + 1 < argc) {
        value = argv[++*at];
    }
    return store(command, option, value);
}

cli_verdict cli_parse(const cli_command *command, int argc, char **argv)
{
    cli_verdict verdict = CLI_GO_ON;
    int only_operands = 0;
    for (int i = 0; i < argc && verdict == CLI_GO_ON; i++) {
        const char *arg = argv[i];
        if (only_operands || arg[0] != '-' || arg[1] == '\0') {
            verdict = store_operand(command, arg);
        } else if (strcmp(arg, "--") == 0) {
            only_operands = 1;
        } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            print_help(command);
            return CLI_HELP_SHOWN;
        } else if (strcmp(arg, "--version") == 0 || strcmp(arg, "-V") == 0) {
            cli_print_version();
            return CLI_HELP_SHOWN;
        } else if (arg[1] == '-') {
            verdict = parse_option(command, argc, argv, &i);
        } else {
            verdict = cli_bad_usage(command->name, "unknown option '%s'", arg);
        }
    }
    return verdict == CLI_GO_ON ? check_required(command) : verdict;
}
