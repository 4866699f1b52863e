/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `picoanalyze metrics` and `picoanalyze components`: what is registered, with options and papers. */
#include <inttypes.h>
#include <string.h>

#include "args.h"
#include "catalogue.h"
#include "plugins.h"

/* Text from column `indent` on, wrapped before column 100; the cursor stands at `indent` already. */
static void print_wrapped(const char *text, int indent)
{
    int column = indent;
    while (*text != '\0') {
        const int length = (int)strcspn(text, " ");
        if (column > indent && column + 1 + length > 100) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_choices(const char *choices)
{
    for (const char *c = choices; *c != '\0'; c++) {
        if (*c == '|') {
            fputs(", ", stdout);
        } else {
            putchar(*c);
        }
    }
}

static void print_option(const pa_option_spec *option)
{
    printf("      %s: ", option->name);
    if (option->type == PA_OPTION_CHOICE && option->choices != NULL) {
        print_choices(option->choices);
    } else {
        fputs(cli_option_type(option->type), stdout);
    }
    if (option->fallback != NULL) {
        printf(" (default %s)\n", option->fallback[0] != '\0' ? option->fallback : "\"\"");
    } else {
        printf(" (required)\n");
    }
    if (option->help != NULL) {
        fputs("          ", stdout);
        print_wrapped(option->help, 10);
    }
}

static void print_options(const pa_option_spec *options, int64_t n_options)
{
    if (n_options > 0) {
        printf("    options\n");
    }
    for (int64_t i = 0; i < n_options; i++) {
        print_option(&options[i]);
    }
}

static void print_head(const char *name, const char *note, const char *description)
{
    printf("%s%s%s%s\n", name, note != NULL ? " (" : "", note != NULL ? note : "", note != NULL ? ")" : "");
    if (description != NULL) {
        fputs("    ", stdout);
        print_wrapped(description, 4);
    }
}

static void print_property(const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        printf("    %-8s ", name);
        print_wrapped(text, 13);
    }
}

static void print_metrics(const pa_context *ctx)
{
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        const pa_metric_ops *ops = pa_metric_describe(ctx, i);
        printf("%s", i > 0 ? "\n" : "");
        print_head(ops->name, ops->n_inputs == 2 ? "compares two steps" : NULL, ops->description);
        print_property("formula", ops->formula);
        print_property("range", ops->range);
        print_options(ops->options, ops->n_options);
        print_property("outputs", ops->outputs);
        print_property("no value", ops->states);
        print_property("paper", ops->paper);
        print_property("pico", ops->pico);
    }
}

static void print_roles(const pa_component_ops *ops)
{
    for (int64_t i = 0; i < ops->n_roles; i++) {
        const pa_role_spec *role = &ops->roles[i];
        const int has_fallback = role->fallback != NULL;
        printf("    layer_suffixes%s%s: %s%s\n", role->name[0] != '\0' ? "." : "", role->name,
               has_fallback ? "default " : "required", has_fallback ? role->fallback : "");
    }
}

static void print_components(const pa_context *ctx)
{
    for (int64_t i = 0; i < pa_component_count(ctx); i++) {
        const pa_component_ops *ops = pa_component_describe(ctx, i);
        printf("%s", i > 0 ? "\n" : "");
        print_head(ops->name, NULL, ops->description);
        print_property("formula", ops->formula);
        print_property("gives", ops->shape);
        print_roles(ops);
        print_options(ops->options, ops->n_options);
        print_property("paper", ops->paper);
        print_property("pico", ops->pico);
    }
}

/* One of the two ways to print what is registered. */
typedef void (*print_fn)(const pa_context *ctx);

static int list(const char *name, const char *summary, print_fn as_text, print_fn as_markdown, int argc, char **argv)
{
    cli_values plugin_paths = {.count = 0};
    int markdown = 0;
    const cli_option options[] = {
        {.name = "markdown", .help = "print the page of the documentation, with all details", .flag = &markdown},
        {.name = "plugin",
         .value = "FILE",
         .help = "also what this shared object registers; may be repeated",
         .values = &plugin_paths},
    };
    const cli_command command = {.name = name, .summary = summary, .options = options, .n_options = 2};
    const cli_verdict verdict = cli_parse(&command, argc, argv);
    if (verdict != CLI_GO_ON) {
        return verdict == CLI_HELP_SHOWN ? CLI_OK : CLI_USAGE;
    }

    pa_error err = {0};
    pa_context *ctx = NULL;
    cli_plugins plugins = {.count = 0};
    const pa_context_options context_options = {.struct_size = sizeof(context_options), .log = cli_log, .threads = 1};
    int code = CLI_OK;
    if (pa_context_create(&context_options, &ctx, &err) != PA_OK) {
        code = cli_fail("%s", err.message);
    } else {
        code = cli_plugins_load(&plugins, &plugin_paths, ctx);
    }
    if (code == CLI_OK) {
        (markdown ? as_markdown : as_text)(ctx);
    }
    pa_context_destroy(ctx);
    cli_plugins_unload(&plugins);
    return code;
}

int cli_metrics(int argc, char **argv)
{
    return list("metrics", "List the metrics with their options and papers.", print_metrics, cli_catalogue_metrics,
                argc, argv);
}

int cli_components(int argc, char **argv)
{
    return list("components", "List the components with their layer suffixes, options and papers.", print_components,
                cli_catalogue_components, argc, argv);
}
