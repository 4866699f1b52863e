/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What depends on each element: sums and extremes of magnitudes, and their order. */
#include <math.h>
#include <string.h>

#include "linalg/reduce.h"
#include "linalg/sort.h"
#include "matrix/matrix_impl.h"

typedef struct tally {
    pa_entry_stats stats;
    double *row_sums;
    double *col_sums;
} tally;

static void add_panel(void *user, const double *panel, int64_t row, int64_t rows, int64_t cols)
{
    tally *into = user;
    for (int64_t i = 0; i < rows; i++) {
        const double *line = panel + i * cols;
        const double sum = pa_sum_abs(line, cols);
        into->row_sums[row + i] = sum;
        into->stats.sum_abs += sum;
        into->stats.max_row_sum = fmax(into->stats.max_row_sum, sum);
        into->stats.max_abs = fmax(into->stats.max_abs, pa_max_abs(line, cols));
        for (int64_t j = 0; j < cols; j++) {
            into->col_sums[j] += fabs(line[j]);
        }
    }
}

pa_status pa_compute_entries(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    tally into = {0};
    PA_REQUIRE_MEMORY(into.row_sums = pa_alloc(mem, m->rows, sizeof(double)), err, "row sums");
    PA_REQUIRE_MEMORY(into.col_sums = pa_alloc(mem, m->cols, sizeof(double)), err, "column sums");
    PA_TRY(pa_matrix_visit(m, add_panel, &into, err));
    if (m->rows > 0) {
        for (int64_t j = 0; j < m->cols; j++) {
            into.stats.max_col_sum = fmax(into.stats.max_col_sum, into.col_sums[j]);
        }
    }
    memo->stats = into.stats;
    memo->row_abs_sums = into.row_sums;
    into.row_sums = NULL;

cleanup:
    pa_free(mem, into.col_sums);
    pa_free(mem, into.row_sums);
    return status;
}

pa_status pa_matrix_entry_stats(const pa_matrix *m, pa_entry_stats *out, pa_error *err)
{
    const pa_status status = pa_matrix_ask(m, PA_QUERY_ENTRIES, err);
    if (status == PA_OK) {
        *out = m->memo->stats;
    }
    return status;
}

pa_status pa_compute_sum_abs(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    if (pa_matrix_floats(m) != NULL) {
        memo->sum_abs = memo->float_sums.magnitudes; /* found with the non-finite elements, before any other query */
        return PA_OK;
    }
    const pa_status status = pa_matrix_ask(m, PA_QUERY_ENTRIES, err);
    memo->sum_abs = memo->stats.sum_abs;
    return status;
}

pa_status pa_matrix_sum_abs(const pa_matrix *m, double *out, pa_error *err)
{
    const pa_status status = pa_matrix_ask(m, PA_QUERY_SUM_ABS, err);
    if (status == PA_OK) {
        *out = m->memo->sum_abs;
    }
    return status;
}

pa_status pa_matrix_row_abs_sums(const pa_matrix *m, const double **out, pa_error *err)
{
    *out = NULL;
    const pa_status status = pa_matrix_ask(m, PA_QUERY_ENTRIES, err);
    if (status == PA_OK) {
        *out = m->memo->row_abs_sums;
    }
    return status;
}

static void copy_panel(void *user, const double *panel, int64_t row, int64_t rows, int64_t cols)
{
    double *all = user;
    memcpy(all + row * cols, panel, (size_t)(rows * cols) * sizeof(*all));
}

pa_status pa_compute_sorted(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    double *all = NULL;
    const int64_t count = pa_area(m->rows, m->cols);
    PA_REQUIRE_MEMORY(all = pa_alloc_raw(&m->ctx->mem, count, sizeof(*all)), err, "sorting");
    PA_TRY(pa_matrix_visit(m, copy_panel, all, err));
    PA_TRY(pa_sort_magnitudes(&m->ctx->mem, all, count, err));
    memo->sorted = all;
    all = NULL;

cleanup:
    pa_free(&m->ctx->mem, all);
    return status;
}

pa_status pa_matrix_sorted_magnitudes(const pa_matrix *m, const double **out, pa_error *err)
{
    *out = NULL;
    const pa_status status = pa_matrix_ask(m, PA_QUERY_SORTED, err);
    if (status == PA_OK) {
        *out = m->memo->sorted;
    }
    return status;
}
