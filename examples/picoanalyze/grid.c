/* SPDX-License-Identifier: Apache-2.0 */
#include "grid.h"

#include <stdlib.h>
#include <string.h>

enum { MARGIN = 2 };

int cli_grid_create(cli_grid *grid, const char *corner, int64_t n_rows, int64_t n_cols)
{
    *grid = (cli_grid){.corner = corner, .n_rows = n_rows, .n_cols = n_cols};
    if (n_rows < 1 || n_cols < 1 || n_rows > INT32_MAX || n_cols > INT32_MAX) {
        return 0;
    }
    grid->rows = calloc((size_t)n_rows, sizeof(*grid->rows));
    grid->cols = calloc((size_t)n_cols, sizeof(*grid->cols));
    grid->cells = calloc((size_t)n_rows * (size_t)n_cols, sizeof(*grid->cells));
    if (grid->rows == NULL || grid->cols == NULL || grid->cells == NULL) {
        cli_grid_destroy(grid);
        return 0;
    }
    return 1;
}

void cli_grid_destroy(cli_grid *grid)
{
    free(grid->rows);
    free(grid->cols);
    free(grid->cells);
    memset(grid, 0, sizeof(*grid));
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int label_width(const cli_grid *grid)
{
    int width = (int)strlen(grid->corner);
    for (int64_t i = 0; i < grid->n_rows; i++) {
        width = larger(width, (int)strlen(grid->rows[i].text));
    }
    return width;
}

static int column_width(const cli_grid *grid, int64_t col)
{
    int width = (int)strlen(grid->cols[col].text);
    for (int64_t i = 0; i < grid->n_rows; i++) {
        width = larger(width, (int)strlen(grid->cells[i * grid->n_cols + col].text));
    }
    return width;
}

/* The first column that no longer fits into a band that begins with `first`. */
static int64_t band_end(const cli_grid *grid, int64_t first, int gap, int room)
{
    int64_t end = first;
    while (end < grid->n_cols) {
        room -= gap + column_width(grid, end);
        if (room < 0 && end > first) {
            break;
        }
        end++;
    }
    return end;
}

static void print_band(const cli_grid *grid, const cli_style *style, int64_t first, int64_t end, int gap)
{
    const int left = label_width(grid);
    printf("%s%*s%*s", style->dim, MARGIN, "", left, grid->corner);
    for (int64_t col = first; col < end; col++) {
        printf("%*s%*s", gap, "", column_width(grid, col), grid->cols[col].text);
    }
    printf("%s\n", style->reset);
    for (int64_t row = 0; row < grid->n_rows; row++) {
        printf("%s%*s%*s%s", style->dim, MARGIN, "", left, grid->rows[row].text, style->reset);
        for (int64_t col = first; col < end; col++) {
            const cli_cell *cell = &grid->cells[row * grid->n_cols + col];
            printf("%*s%s%*s%s", gap, "", cell->dim ? style->dim : "", column_width(grid, col), cell->text,
                   cell->dim ? style->reset : "");
        }
        putchar('\n');
    }
}

void cli_grid_print(const cli_grid *grid, const cli_style *style, int width)
{
    const int room = width - MARGIN - label_width(grid);
    /* One space less between columns is better than a second band. */
    const int gap = band_end(grid, 0, 2, room) < grid->n_cols && band_end(grid, 0, 1, room) == grid->n_cols ? 1 : 2;
    int64_t first = 0;
    while (first < grid->n_cols) {
        const int64_t end = band_end(grid, first, gap, room);
        print_band(grid, style, first, end, gap);
        first = end;
    }
}
