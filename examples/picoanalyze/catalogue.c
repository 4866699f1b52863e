/* SPDX-License-Identifier: Apache-2.0 */
/* Texts come from whoever registered them: what Markdown or Doxygen would take for markup is escaped, except between
   backticks, which mean code there as here. */
#include "catalogue.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *cli_option_type(pa_option_type type)
{
    static const char *const types[] = {"true or false", "integer", "number", "choice", "text", "list"};
    return type >= 0 && type < (int)(sizeof(types) / sizeof(types[0])) ? types[type] : "value";
}

/** @name Text
 * @{ */

static int is_there(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* "W_O" has nothing to emphasize, "_F" could. */
static int is_inside_word(const char *begin, const char *at)
{
    return at > begin && isalnum((unsigned char)at[-1]) && isalnum((unsigned char)at[1]);
}

static void print_character(const char *begin, const char *at)
{
    if (*at == '<') {
        fputs("&lt;", stdout);
    } else if (*at == '>') {
        fputs("&gt;", stdout);
    } else if (*at == '\n') {
        putchar(' ');
    } else {
        const int escaped = strchr("\\*|#@", *at) != NULL || (*at == '_' && !is_inside_word(begin, at));
        printf("%s%c", escaped ? "\\" : "", *at);
    }
}

/* In a table a '|' ends the cell, also between backticks. */
static void print_code_character(char c)
{
    printf("%s%c", c == '|' ? "\\" : "", c);
}

static void print_text(const char *text, size_t length)
{
    const char *code_end = NULL;
    for (const char *at = text; at < text + length; at++) {
        if (code_end == NULL && *at == '`') {
            code_end = memchr(at + 1, '`', (size_t)(text + length - at - 1));
        }
        if (code_end != NULL) {
            print_code_character(*at);
            code_end = at == code_end ? NULL : code_end;
        } else {
            print_character(text, at);
        }
    }
}

/* The length of the identifier that begins at `text`, without what ends the sentence around it. */
static size_t identifier_length(const char *text)
{
    size_t length = strcspn(text, " ,;)\n");
    while (length > 0 && text[length - 1] == '.') {
        length--;
    }
    return length;
}

/* As print_text(), with arXiv and DOI identifiers as links. */
static void print_citation(const char *text)
{
    static const struct {
        const char *prefix;
        const char *address;
    } links[] = {{"arXiv:", "https://arxiv.org/abs/"}, {"doi:", "https://doi.org/"}};
    const char *plain = text;
    const char *at = text;
    while (*at != '\0') {
        size_t length = 0;
        for (int i = 0; i < 2 && length == 0; i++) {
            const size_t prefix = strlen(links[i].prefix);
            if (strncmp(at, links[i].prefix, prefix) == 0 && identifier_length(at) > prefix) {
                length = identifier_length(at);
                print_text(plain, (size_t)(at - plain));
                printf("[%.*s](%s%.*s)", (int)length, at, links[i].address, (int)(length - prefix), at + prefix);
                plain = at + length;
            }
        }
        at += length > 0 ? length : 1;
    }
    print_text(plain, strlen(plain));
}
/** @} */

/** @name Pieces of an entry
 * @{ */

/* What "; " separates stands in lines of its own. */
static void print_formula(const char *formula)
{
    printf("%s", is_there(formula) ? "\n```\n" : "");
    for (const char *at = formula; is_there(at);) {
        const char *end = strstr(at, "; ");
        printf("%.*s\n", end != NULL ? (int)(end - at) : (int)strlen(at), at);
        at = end != NULL ? end + 2 : NULL;
    }
    printf("%s", is_there(formula) ? "```\n" : "");
}

static void print_property(const char *name, const char *text, void (*print)(const char *text))
{
    if (is_there(text)) {
        printf("| %s | ", name);
        print(text);
        printf(" |\n");
    }
}

static void print_whole(const char *text)
{
    print_text(text, strlen(text));
}

static void print_choices(const char *choices)
{
    while (*choices != '\0') {
        const size_t length = strcspn(choices, "|");
        printf("`%.*s`%s", (int)length, choices, choices[length] == '|' ? ", " : "");
        choices += length + (choices[length] == '|');
    }
}

static void print_options(const pa_option_spec *options, int64_t n_options)
{
    if (n_options > 0) {
        printf("\n| option | value | when absent | |\n|---|---|---|---|\n");
    }
    for (int64_t i = 0; i < n_options; i++) {
        const pa_option_spec *option = &options[i];
        printf("| `%s` | ", option->name);
        if (option->type == PA_OPTION_CHOICE && option->choices != NULL) {
            print_choices(option->choices);
        } else {
            fputs(cli_option_type(option->type), stdout);
        }
        if (option->fallback == NULL) {
            printf(" | error | ");
        } else {
            printf(" | `%s` | ", option->fallback[0] != '\0' ? option->fallback : "\"\"");
        }
        print_whole(option->help != NULL ? option->help : "");
        printf(" |\n");
    }
}

/* "sd (divided by n), skew": the names as code, what is in brackets as text. */
static void print_names(const char *text, size_t length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    for (size_t i = 0; i < length;) {
        const size_t name = strspn(text + i, letters);
        const char *end = text[i] == '(' ? memchr(text + i, ')', length - i) : NULL;
        const size_t other = end != NULL ? (size_t)(end - (text + i)) + 1 : 1;
        if (name > 0) {
            printf("`%.*s`", (int)name, text + i);
        } else {
            print_text(text + i, other);
        }
        i += name > 0 ? name : other;
    }
}

/* "name: meaning; name, name: meaning" as a table; a part without a colon is all name. */
static void print_outputs(const char *outputs)
{
    if (is_there(outputs)) {
        printf("\n| output | |\n|---|---|\n");
    }
    while (is_there(outputs)) {
        const char *end = strstr(outputs, "; ");
        const size_t length = end != NULL ? (size_t)(end - outputs) : strlen(outputs);
        const char *colon = memchr(outputs, ':', length);
        const size_t name = colon != NULL ? (size_t)(colon - outputs) : length;
        printf("| ");
        print_names(outputs, name);
        printf(" | ");
        if (colon != NULL) {
            const size_t skipped = name + 1 + strspn(colon + 1, " ");
            print_text(outputs + skipped, length > skipped ? length - skipped : 0);
        }
        printf(" |\n");
        outputs = end != NULL ? end + 2 : NULL;
    }
}

static void print_head(const char *name, const char *description)
{
    printf("\n## %s\n", name);
    if (is_there(description)) {
        putchar('\n');
        print_whole(description);
        putchar('\n');
    }
}

static void print_page(const char *title, const char *command, const char *folder, const char *page)
{
    printf("# %s\n\n", title);
    printf("Every one that the program has built in. This page is printed by `picoanalyze %s --markdown` from the\n"
           "descriptions in `%s`, and a test compares the two. After a change:\n\n"
           "```sh\npicoanalyze %s --markdown >docs/%s\n```\n",
           command, folder, command, page);
}
/** @} */

static void print_metric(const pa_metric_ops *ops)
{
    print_head(ops->name, ops->description);
    print_formula(ops->formula);
    printf("\n| | |\n|---|---|\n");
    print_property("input",
                   is_there(ops->shape) ? ops->shape
                   : ops->n_inputs == 2 ? "two matrices"
                                        : "one matrix",
                   print_whole);
    print_property("range", ops->range, print_whole);
    print_property("unchanged by", ops->invariance, print_whole);
    print_property("cost", ops->cost, print_whole);
    print_property("no value", ops->states, print_whole);
    print_property("NaN and infinity", (ops->flags & PA_METRIC_ACCEPTS_NONFINITE) != 0 ? "accepted" : NULL,
                   print_whole);
    print_property("symmetric", (ops->flags & PA_METRIC_SYMMETRIC) != 0 ? "yes" : NULL, print_whole);
    print_property("paper", ops->paper, print_citation);
    print_property("pico-analyze", ops->pico, print_whole);
    print_options(ops->options, ops->n_options);
    print_outputs(ops->outputs);
}

void cli_catalogue_metrics(const pa_context *ctx)
{
    print_page("Metrics", "metrics", "lib/metrics/", "metrics.md");
    printf("\nInput without an element has the state `empty`, input with NaN or infinity `nonfinite` unless a metric "
           "accepts "
           "it,\nand two inputs with unequal numbers of rows `unsupported`; an entry lists what else its metric has no "
           "value "
           "for.\nWhere pico-analyze gives another value, the last line of the table says which; `compat: pico` asks "
           "for it.\n");
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        print_metric(pa_metric_describe(ctx, i));
    }
}

static void print_kinds(int32_t kinds)
{
    int n = 0;
    printf("| data | %s", kinds == 0 ? "any" : "");
    for (int32_t kind = 0; kind < PA_N_KINDS; kind++) {
        if ((kinds >> kind & 1) != 0) {
            printf("%s`%s`", n++ > 0 ? ", " : "", pa_kind_name(kind));
        }
    }
    printf(" |\n");
}

static void print_roles(const pa_component_ops *ops)
{
    printf("\n| `layer_suffixes` | when absent |\n|---|---|\n");
    for (int64_t i = 0; i < ops->n_roles; i++) {
        const pa_role_spec *role = &ops->roles[i];
        const char *name_quote = role->name[0] != '\0' ? "`" : "";
        const char *fallback_quote = role->fallback != NULL ? "`" : "";
        printf("| %s%s%s ", name_quote, role->name[0] != '\0' ? role->name : "one suffix", name_quote);
        printf("| %s%s%s |\n", fallback_quote, role->fallback != NULL ? role->fallback : "error", fallback_quote);
    }
}

static void print_component(const pa_component_ops *ops)
{
    print_head(ops->name, ops->description);
    print_formula(ops->formula);
    printf("\n| | |\n|---|---|\n");
    print_kinds(ops->kinds);
    print_property("gives", ops->shape, print_whole);
    print_property("pairs",
                   (ops->flags & PA_COMPONENT_PAIRS) != 0 ? "yes: a metric that compares needs no target" : NULL,
                   print_whole);
    print_property("second checkpoint", (ops->flags & PA_COMPONENT_REFERENCE) != 0 ? "`reference`" : NULL, print_whole);
    print_property("paper", ops->paper, print_citation);
    print_property("pico-analyze", ops->pico, print_whole);
    print_roles(ops);
    print_options(ops->options, ops->n_options);
}

void cli_catalogue_components(const pa_context *ctx)
{
    print_page("Components", "components", "lib/components/", "components.md");
    for (int64_t i = 0; i < pa_component_count(ctx); i++) {
        print_component(pa_component_describe(ctx, i));
    }
}
