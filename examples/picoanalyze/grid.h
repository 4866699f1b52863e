/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief An aligned grid of short texts; one that is too wide is shown in bands of columns. */
#ifndef PICOANALYZE_GRID_H
#define PICOANALYZE_GRID_H
#include "cli.h"
#include "format.h"

typedef struct cli_cell {
    char text[CLI_NUMBER_SIZE]; /**< "" where there is nothing. */
    int dim;                    /**< Not a number: shown faintly on a terminal. */
} cli_cell;

enum { CLI_LABEL_SIZE = 96 };
typedef struct cli_label {
    char text[CLI_LABEL_SIZE];
} cli_label;

typedef struct cli_grid {
    const char *corner; /**< Above the row labels. */
    int64_t n_rows;
    int64_t n_cols;
    cli_label *rows;
    cli_label *cols;
    cli_cell *cells; /**< n_rows x n_cols. */
} cli_grid;

/** An empty grid: 1, or 0 when out of memory. */
int cli_grid_create(cli_grid *grid, const char *corner, int64_t n_rows, int64_t n_cols);
void cli_grid_destroy(cli_grid *grid);

/** Print on stdout, at most `width` columns wide where labels allow. */
void cli_grid_print(const cli_grid *grid, const cli_style *style, int width);
#endif
