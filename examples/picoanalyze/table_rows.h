/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The rows of one step, sorted into blocks (what was measured) and series (how). */
#ifndef PICOANALYZE_TABLE_ROWS_H
#define PICOANALYZE_TABLE_ROWS_H
#include "cli.h"

/** What was measured: the key without layer and head, and the split. */
typedef struct cli_block {
    const char *name; /**< Inside a row's key; borrowed from the results. */
    int name_length;
    const char *split;
} cli_block;

/** How it was measured: one metric with options, of one block. */
typedef struct cli_series {
    int64_t block;
    const char *metric;
    const char *options;
    int64_t target_step;
    pa_compat compat;
    char named[64]; /**< Named numbers that its values have beside what the table shows, "mean, sd, ..."; "": none. */
} cli_series;

/** A value and its place. */
typedef struct cli_entry {
    int64_t block;
    int64_t series;
    int64_t layer;
    int64_t head;
    double value;
    pa_state state;
    char note[sizeof(((pa_value *)0)->note)];
} cli_entry;

typedef struct cli_rows {
    cli_block *blocks;
    int64_t n_blocks;
    cli_series *series;
    int64_t n_series;
    cli_entry *entries; /**< By block, series, layer, head; blocks and series as they first appear in the results. */
    int64_t n_entries;
} cli_rows;

/** Rows `begin` ... `end - 1` of the results: CLI_OK or CLI_ERROR with the reason on stderr. */
int cli_rows_create(cli_rows *rows, const pa_results *results, int64_t begin, int64_t end);
void cli_rows_destroy(cli_rows *rows);
#endif
