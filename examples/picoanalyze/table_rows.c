/* SPDX-License-Identifier: Apache-2.0 */
#include "table_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* "swiglu.w_2.weights" in "layers.3.swiglu.w_2.weights", "ov_circuit.weights" in "layers.3.ov_circuit.weights.heads.1" */
static cli_block block_of(const pa_result_row *row)
{
    char prefix[48];
    char suffix[48];
    cli_block block = {.name = row->key, .name_length = (int)strlen(row->key), .split = row->split};
    const int n_prefix = snprintf(prefix, sizeof(prefix), "layers.%" PRId64 ".", row->layer);
    const int n_suffix = row->head >= 0 ? snprintf(suffix, sizeof(suffix), ".heads.%" PRId64, row->head) : 0;
    if (block.name_length > n_prefix && strncmp(block.name, prefix, (size_t)n_prefix) == 0) {
        block.name += n_prefix;
        block.name_length -= n_prefix;
    }
    if (n_suffix > 0 && block.name_length > n_suffix &&
        strcmp(block.name + block.name_length - n_suffix, suffix) == 0) {
        block.name_length -= n_suffix;
    }
    return block;
}

static int64_t find_block(cli_rows *rows, const pa_result_row *row)
{
    const cli_block block = block_of(row);
    for (int64_t i = rows->n_blocks - 1; i >= 0; i--) {
        const cli_block *other = &rows->blocks[i];
        if (other->name_length == block.name_length && strcmp(other->split, block.split) == 0 &&
            memcmp(other->name, block.name, (size_t)block.name_length) == 0) {
            return i;
        }
    }
    rows->blocks[rows->n_blocks] = block;
    return rows->n_blocks++;
}

/* As many names as there is room for. */
static void name_numbers(char *out, size_t size, const pa_value *value)
{
    out[0] = '\0';
    for (int64_t i = 0; i < pa_value_output_count(value); i++) {
        pa_output output = {.struct_size = sizeof(output)};
        const size_t used = strlen(out);
        if (pa_value_output(value, i, &output, NULL) != PA_OK || output.ndim > 0) {
            continue;
        }
        if (used + strlen(output.name) + sizeof(", , ...") > size) {
            (void)snprintf(out + used, size - used, "%s...", used > 0 ? ", " : "");
            return;
        }
        (void)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", output.name);
    }
}

static int64_t find_series(cli_rows *rows, int64_t block, const pa_result_row *row)
{
    for (int64_t i = rows->n_series - 1; i >= 0; i--) {
        const cli_series *other = &rows->series[i];
        if (other->block == block && other->target_step == row->target_step && other->compat == row->compat &&
            strcmp(other->metric, row->metric) == 0 && strcmp(other->options, row->options) == 0) {
            return i;
        }
    }
    rows->series[rows->n_series] = (cli_series){.block = block,
                                                .metric = row->metric,
                                                .options = row->options,
                                                .target_step = row->target_step,
                                                .compat = row->compat};
    name_numbers(rows->series[rows->n_series].named, sizeof(rows->series->named), &row->value);
    return rows->n_series++;
}

static int order(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_entries(const void *left, const void *right)
{
    const cli_entry *a = left;
    const cli_entry *b = right;
    const int by_block = order(a->block, b->block);
    const int by_series = order(a->series, b->series);
    const int by_layer = order(a->layer, b->layer);
    if (by_block != 0) {
        return by_block;
    }
    if (by_series != 0) {
        return by_series;
    }
    return by_layer != 0 ? by_layer : order(a->head, b->head);
}

static int fill(cli_rows *rows, const pa_results *results, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++) {
        pa_error err = {0};
        pa_result_row row = {.struct_size = sizeof(row)};
        if (pa_results_row(results, i, &row, &err) != PA_OK) {
            return cli_fail("%s", err.message);
        }
        cli_entry *entry = &rows->entries[rows->n_entries++];
        entry->block = find_block(rows, &row);
        entry->series = find_series(rows, entry->block, &row);
        entry->layer = row.layer;
        entry->head = row.head;
        entry->value = row.value.value;
        entry->state = row.value.state;
        memcpy(entry->note, row.value.note, sizeof(entry->note));
    }
    return CLI_OK;
}

int cli_rows_create(cli_rows *rows, const pa_results *results, int64_t begin, int64_t end)
{
    memset(rows, 0, sizeof(*rows));
    const size_t n = (size_t)(end - begin); /* as many blocks and series at most */
    rows->blocks = calloc(n, sizeof(*rows->blocks));
    rows->series = calloc(n, sizeof(*rows->series));
    rows->entries = calloc(n, sizeof(*rows->entries));
    if (rows->blocks == NULL || rows->series == NULL || rows->entries == NULL) {
        cli_rows_destroy(rows);
        return cli_fail("out of memory for the table");
    }
    if (fill(rows, results, begin, end) != CLI_OK) {
        cli_rows_destroy(rows);
        return CLI_ERROR;
    }
    qsort(rows->entries, n, sizeof(*rows->entries), compare_entries);
    return CLI_OK;
}

void cli_rows_destroy(cli_rows *rows)
{
    free(rows->blocks);
    free(rows->series);
    free(rows->entries);
    memset(rows, 0, sizeof(*rows));
}
