/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Column means, and the centred and standardized companions of a matrix. Centring moves into the left factor of a
 * product and into the blocks of a concatenation, so that the centred matrix keeps all structure.
 */
#include <math.h>
#include <string.h>

#include "linalg/gemm.h"
#include "linalg/reduce.h"
#include "matrix/matrix_impl.h"

typedef struct column_sums {
    double *sums;
    const double *shift; /* subtracted from each row first; NULL for none */
} column_sums;

static void add_rows(void *user, const double *panel, int64_t row, int64_t rows, int64_t cols)
{
    (void)row;
    const column_sums *into = user;
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < cols; j++) {
            into->sums[j] += panel[i * cols + j] - (into->shift != NULL ? into->shift[j] : 0.0);
        }
    }
}

/* Twice: the mean of what remains after subtracting the first mean removes its rounding error, so that a constant
 * column is left with nothing. */
static pa_status mean_of_elements(const pa_matrix *m, double *means, double *correction, pa_error *err)
{
    pa_status status = PA_OK;
    const double n = (double)m->rows;
    column_sums into = {means, NULL};
    PA_TRY(pa_matrix_visit(m, add_rows, &into, err));
    for (int64_t j = 0; j < m->cols; j++) {
        means[j] /= n;
    }
    into.sums = correction;
    into.shift = means;
    PA_TRY(pa_matrix_visit(m, add_rows, &into, err));
    for (int64_t j = 0; j < m->cols; j++) {
        means[j] += correction[j] / n;
    }

cleanup:
    return status;
}

/* Means of A B are the means of A, times B. */
static pa_status means_of_product(const pa_matrix *m, double *means, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_matrix *a = m->operands[0];
    const double *left = NULL;
    pa_view right = {0};
    PA_TRY(pa_matrix_column_means(a, &left, err));
    PA_TRY(pa_matrix_view(m->operands[1], &right, err));
    if (a->cols > 0) {
        PA_TRY(pa_gemm(1.0, pa_view_row_major(left, 1, a->cols), right, 0.0, PA_ROW_MAJOR, means, m->cols, err));
    }

cleanup:
    return status;
}

static pa_status means_of_columns(const pa_matrix *m, double *means, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < m->n_operands && status == PA_OK; i++) {
        const double *part = NULL;
        status = pa_matrix_column_means(m->operands[i], &part, err);
        if (status == PA_OK && m->operands[i]->cols > 0) {
            memcpy(means, part, (size_t)m->operands[i]->cols * sizeof(*means));
            means += m->operands[i]->cols;
        }
    }
    return status;
}

pa_status pa_compute_column_means(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    double *correction = NULL;
    double *means = pa_alloc(mem, m->cols, sizeof(*means));
    PA_REQUIRE_MEMORY(means, err, "column means");
    if (m->rows > 0 && m->node == PA_NODE_PRODUCT) {
        PA_TRY(means_of_product(m, means, err));
    } else if (m->node == PA_NODE_COLUMNS) {
        PA_TRY(means_of_columns(m, means, err));
    } else if (m->rows > 0) {
        PA_REQUIRE_MEMORY(correction = pa_alloc(mem, m->cols, sizeof(*correction)), err, "column means");
        PA_TRY(mean_of_elements(m, means, correction, err));
    }
    memo->means = means;
    means = NULL;

cleanup:
    pa_free(mem, correction);
    pa_free(mem, means);
    return status;
}

pa_status pa_matrix_column_means(const pa_matrix *m, const double **out, pa_error *err)
{
    *out = NULL;
    const pa_status status = pa_matrix_ask(m, PA_QUERY_COLUMN_MEANS, err);
    if (status == PA_OK) {
        *out = m->memo->means;
    }
    return status;
}

/* The same kind of node over other operands. */
static pa_status like(const pa_matrix *m, const pa_matrix *const *operands, pa_matrix **out, pa_error *err)
{
    const pa_status status = pa_node_create(m->ctx, m->node, operands, m->n_operands, out, err);
    if (status == PA_OK) {
        (*out)->rows = m->rows;
        (*out)->cols = m->cols;
        (*out)->factor = m->factor;
    }
    return status;
}

/* How many operands centring goes into, from the first on; 0 when the node itself must be centred. */
static int64_t centered_operands(const pa_matrix *m)
{
    switch (m->node) {
    case PA_NODE_PRODUCT:
    case PA_NODE_SCALE:
        return 1;
    case PA_NODE_SUM:
    case PA_NODE_COLUMNS:
        return m->n_operands;
    default:
        return 0;
    }
}

pa_status pa_compute_centered(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    const int64_t n_centered = centered_operands(m);
    pa_matrix *centered = NULL;
    const pa_matrix **operands = pa_alloc(mem, m->n_operands, sizeof(*operands));
    PA_REQUIRE_MEMORY(operands, err, "a centred matrix");
    if (n_centered > 0) {
        for (int64_t i = 0; i < m->n_operands; i++) {
            operands[i] = m->operands[i];
            if (i < n_centered) {
                PA_TRY(pa_matrix_centered(m->operands[i], &operands[i], err));
            }
        }
        PA_TRY(like(m, operands, &centered, err));
    } else {
        PA_TRY(pa_node_create(m->ctx, PA_NODE_CENTER, &m, 1, &centered, err));
        centered->rows = m->rows;
        centered->cols = m->cols;
    }
    pa_matrix_adopt(m, centered);
    memo->centered = centered;

cleanup:
    pa_free(mem, operands);
    return status;
}

pa_status pa_matrix_centered(const pa_matrix *m, const pa_matrix **out, pa_error *err)
{
    if (m->node == PA_NODE_CENTER) {
        *out = m;
        return PA_OK;
    }
    *out = NULL;
    const pa_status status = pa_matrix_ask(m, PA_QUERY_CENTERED, err);
    if (status == PA_OK) {
        *out = m->memo->centered;
    }
    return status;
}

/* Root of the sum of squares of all elements: of those of the centred matrix and of the means, which are orthogonal. */
static pa_status norm_before(const pa_matrix *m, double norm_centered, double *out, pa_error *err)
{
    const double *means = NULL;
    const pa_status status = pa_matrix_column_means(m, &means, err);
    if (status == PA_OK) {
        const pa_view row = pa_view_row_major(means, 1, m->cols);
        *out = hypot(norm_centered, sqrt((double)m->rows) * pa_frobenius(row));
    }
    return status;
}

pa_status pa_compute_standardized(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_matrix *centered = NULL;
    double norm = 0.0;
    double before = 0.0;
    PA_TRY(pa_matrix_centered(m, &centered, err));
    PA_TRY(pa_matrix_frobenius(centered, &norm, err));
    PA_TRY(norm_before(m, norm, &before, err));
    /* What rounding leaves of constant columns: an ulp or two of each element. */
    if (norm > 16.0 * 0x1p-52 * before && isfinite(1.0 / norm)) {
        pa_matrix *scaled = NULL;
        PA_TRY(pa_matrix_scale(centered, 1.0 / norm, &scaled, err));
        pa_matrix_adopt(m, scaled);
        memo->standardized = scaled;
    }

cleanup:
    return status;
}

pa_status pa_matrix_standardized(const pa_matrix *m, const pa_matrix **out, pa_error *err)
{
    *out = NULL;
    const pa_status status = pa_matrix_ask(m, PA_QUERY_STANDARDIZED, err);
    if (status == PA_OK) {
        *out = m->memo->standardized;
    }
    return status;
}
