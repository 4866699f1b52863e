/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"
#include "table_rows.h"

/** What is needed to print one step. */
typedef struct painter {
    const cli_rows *rows;
    cli_style style;
    int width;
} painter;

/** Distinct numbers in ascending order. */
typedef struct number_set {
    int64_t *items;
    int64_t count;
} number_set;

static int compare_numbers(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void sort_unique(number_set *set)
{
    int64_t kept = 0;
    qsort(set->items, (size_t)set->count, sizeof(*set->items), compare_numbers);
    for (int64_t i = 0; i < set->count; i++) {
        if (kept == 0 || set->items[kept - 1] != set->items[i]) {
            set->items[kept++] = set->items[i];
        }
    }
    set->count = kept;
}

static int64_t position(const number_set *set, int64_t number)
{
    const int64_t *found = bsearch(&number, set->items, (size_t)set->count, sizeof(*set->items), compare_numbers);
    return found != NULL ? found - set->items : 0;
}

/* The layers and the columns (heads, or series) of entries `begin` ... `end - 1`: 1, or 0 when out of memory. */
static int collect(const cli_entry *entries, int64_t begin, int64_t end, int by_head, number_set *layers,
                   number_set *columns)
{
    const size_t n = end > begin ? (size_t)(end - begin) : 0;
    layers->count = columns->count = (int64_t)n;
    layers->items = calloc(n, sizeof(*layers->items));
    columns->items = calloc(n, sizeof(*columns->items));
    if (layers->items == NULL || columns->items == NULL) {
        return 0;
    }
    for (int64_t i = begin; i < end; i++) {
        layers->items[i - begin] = entries[i].layer;
        columns->items[i - begin] = by_head ? entries[i].head : entries[i].series;
    }
    sort_unique(layers);
    sort_unique(columns);
    return 1;
}

/* "nuclear" for "norm_type: nuclear", "debiased" for "debiased: true". */
static void append_options(char *out, size_t size, const char *options)
{
    while (options[0] != '\0') {
        const size_t name = strcspn(options, ":,");
        const char *value = options + name + strspn(options + name, ": ");
        const size_t length = strcspn(value, ",");
        const int is_true = length == 4 && strncmp(value, "true", 4) == 0;
        const int is_false = length == 5 && strncmp(value, "false", 5) == 0;
        const size_t used = strlen(out);
        (void)snprintf(out + used, size - used, " %s%.*s", is_false ? "no " : "",
                       (int)(is_true || is_false ? name : length), is_true || is_false ? options : value);
        options = value + length;
        options += strspn(options, ", ");
    }
}

static void format_series(char *out, size_t size, const cli_series *series, const char *versus)
{
    (void)snprintf(out, size, "%s", series->metric);
    append_options(out, size, series->options);
    if (series->target_step >= 0) {
        const size_t used = strlen(out);
        (void)snprintf(out + used, size - used, "%s%" PRId64, versus, series->target_step);
    }
    if (series->compat == PA_COMPAT_PICO) {
        const size_t used = strlen(out);
        (void)snprintf(out + used, size - used, " (pico)");
    }
}

static void fill_cell(cli_cell *cell, const cli_entry *entry)
{
    if (entry->state == PA_STATE_OK) {
        cli_format_number(cell->text, entry->value);
    } else {
        (void)snprintf(cell->text, sizeof(cell->text), "%s", pa_state_name(entry->state));
        cell->dim = 1;
    }
}

static void fill_labels(const painter *p, cli_grid *grid, int by_head, const number_set *layers,
                        const number_set *columns)
{
    for (int64_t i = 0; i < layers->count; i++) {
        (void)snprintf(grid->rows[i].text, CLI_LABEL_SIZE, "%" PRId64, layers->items[i]);
    }
    for (int64_t i = 0; i < columns->count; i++) {
        const int64_t column = columns->items[i];
        if (!by_head) {
            format_series(grid->cols[i].text, CLI_LABEL_SIZE, &p->rows->series[column], " vs ");
        } else if (column < 0) {
            (void)snprintf(grid->cols[i].text, CLI_LABEL_SIZE, "all");
        } else {
            (void)snprintf(grid->cols[i].text, CLI_LABEL_SIZE, "h%" PRId64, column);
        }
    }
}

/* Why values are missing, one line a reason. */
static void print_reasons(const painter *p, int64_t begin, int64_t end)
{
    const cli_entry *entries = p->rows->entries;
    for (int64_t i = begin; i < end; i++) {
        if (entries[i].state == PA_STATE_OK) {
            continue;
        }
        int64_t same = 0;
        int told = 0;
        for (int64_t j = begin; j < end && !told; j++) {
            const int equal = entries[j].state == entries[i].state && strcmp(entries[j].note, entries[i].note) == 0;
            told = equal && j < i;
            same += equal;
        }
        if (!told) {
            printf("%s  %" PRId64 " %s%s%s%s\n", p->style.dim, same, pa_state_name(entries[i].state),
                   entries[i].note[0] != '\0' ? ": " : "", entries[i].note, p->style.reset);
        }
    }
}

/* What the table leaves out, one line a series; entries of a series stand together. */
static void print_named(const painter *p, int64_t begin, int64_t end)
{
    const cli_entry *entries = p->rows->entries;
    for (int64_t i = begin; i < end; i++) {
        const cli_series *series = &p->rows->series[entries[i].series];
        if (series->named[0] != '\0' && (i == begin || entries[i].series != entries[i - 1].series)) {
            printf("%s  %s, in the files also: %s%s\n", p->style.dim, series->metric, series->named, p->style.reset);
        }
    }
}

/* One grid of entries `begin` ... `end - 1`, with heads or series across: CLI_OK or CLI_ERROR. */
static int print_grid(const painter *p, int64_t begin, int64_t end, int by_head)
{
    const cli_entry *entries = p->rows->entries;
    number_set layers = {.count = 0};
    number_set columns = {.count = 0};
    cli_grid grid = {.n_rows = 0};
    int code = CLI_OK;
    if (!collect(entries, begin, end, by_head, &layers, &columns) ||
        !cli_grid_create(&grid, "layer", layers.count, columns.count)) {
        code = cli_fail("out of memory for the table");
        goto cleanup;
    }
    fill_labels(p, &grid, by_head, &layers, &columns);
    for (int64_t i = begin; i < end; i++) {
        const int64_t row = position(&layers, entries[i].layer);
        const int64_t column = position(&columns, by_head ? entries[i].head : entries[i].series);
        fill_cell(&grid.cells[row * grid.n_cols + column], &entries[i]);
    }
    cli_grid_print(&grid, &p->style, p->width);
    print_reasons(p, begin, end);
    print_named(p, begin, end);

cleanup:
    cli_grid_destroy(&grid);
    free(layers.items);
    free(columns.items);
    return code;
}

static void print_title(const painter *p, const cli_block *block, const cli_series *series)
{
    printf("\n%s%.*s%s, %s", p->style.bold, block->name_length, block->name, p->style.reset, block->split);
    if (series != NULL) {
        char text[CLI_LABEL_SIZE * 2];
        format_series(text, sizeof(text), series, " against step ");
        printf(": %s%s%s", p->style.bold, text, p->style.reset);
    }
    putchar('\n');
}

/* A block with heads gets one grid a metric, heads across; one without gets one grid, metrics across. */
static int print_block(const painter *p, int64_t begin, int64_t end)
{
    const cli_entry *entries = p->rows->entries;
    const cli_block *block = &p->rows->blocks[entries[begin].block];
    int by_head = 0;
    for (int64_t i = begin; i < end; i++) {
        by_head = by_head || entries[i].head >= 0;
    }
    if (!by_head) {
        print_title(p, block, NULL);
        return print_grid(p, begin, end, 0);
    }
    int code = CLI_OK;
    for (int64_t first = begin, i = begin + 1; i <= end && code == CLI_OK; i++) {
        if (i == end || entries[i].series != entries[first].series) {
            print_title(p, block, &p->rows->series[entries[first].series]);
            code = print_grid(p, first, i, 1);
            first = i;
        }
    }
    return code;
}

static int print_step(const pa_results *results, int64_t begin, int64_t end)
{
    cli_rows rows;
    int code = cli_rows_create(&rows, results, begin, end);
    if (code != CLI_OK) {
        return code;
    }
    const painter p = {.rows = &rows, .style = cli_stdout_style(), .width = cli_stdout_width()};
    for (int64_t first = 0, i = 1; i <= rows.n_entries && code == CLI_OK; i++) {
        if (i == rows.n_entries || rows.entries[i].block != rows.entries[first].block) {
            code = print_block(&p, first, i);
            first = i;
        }
    }
    cli_rows_destroy(&rows);
    return code;
}

int cli_table_print(const pa_results *results)
{
    const cli_style style = cli_stdout_style();
    const int64_t n_rows = pa_results_count(results);
    int code = CLI_OK;
    int64_t first = 0;
    while (first < n_rows && code == CLI_OK) {
        pa_error err = {0};
        pa_result_row row = {.struct_size = sizeof(row)};
        int64_t step = 0;
        int64_t end = first;
        for (; end < n_rows; end++) {
            if (pa_results_row(results, end, &row, &err) != PA_OK) {
                return cli_fail("%s", err.message);
            }
            if (end > first && row.step != step) {
                break;
            }
            step = row.step;
        }
        printf("%s%sstep %" PRId64 "%s  (%s)\n", first > 0 ? "\n" : "", style.bold, step, style.reset, row.run);
        code = print_step(results, first, end);
        first = end;
    }
    return code;
}
