/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The narrow form N of a matrix A: few columns, and N N^T = A A^T. It decides what is never made dense.
 *
 * Whatever depends on A only through A A^T (singular values, left vectors, norms, CKA, canonical correlations) can be
 * had from N. For a product B C with inner size k, N = B L where C = L Q is an LQ factorization: [n, k], exact up to
 * rounding, no squared condition number. A concatenation is the concatenation of its narrow parts.
 */
#include <math.h>
#include <string.h>

#include "linalg/cholesky.h"
#include "linalg/gemm.h"
#include "linalg/qr.h"
#include "linalg/reduce.h"
#include "matrix/route.h"

static pa_status narrow_of(const pa_matrix *m, pa_view *out, pa_error *err)
{
    const pa_status status = pa_matrix_ask(m, PA_QUERY_NARROW, err);
    if (status == PA_OK) {
        *out = m->memo->narrow;
    }
    return status;
}

/* Keeps `view`, or its LQ factor when it is wide. `owned` backs the view or is NULL; taken on success. */
static pa_status keep(const pa_matrix *m, pa_memo *memo, pa_view view, double *owned, pa_error *err)
{
    pa_status status = PA_OK;
    double *l = NULL;
    const pa_narrow_plan plan = pa_route_narrow(m);
    int done = 0;
    if (plan.shortens) {
        PA_REQUIRE_MEMORY(l = pa_alloc_raw(&m->ctx->mem, pa_area(view.rows, view.rows), sizeof(*l)), err, "an LQ");
        if (plan.cholesky) {
            PA_TRY(pa_lq_by_cholesky(&m->ctx->mem, view, PA_GRAM_TOLERANCE, l, &done, err));
        }
        if (!done) {
            PA_TRY(pa_lq(&m->ctx->mem, view, l, err));
        }
        pa_free(&m->ctx->mem, owned);
        owned = l;
        view = pa_view_column_major(l, view.rows, view.rows);
        l = NULL;
    }
    memo->narrow = view;
    memo->narrow_values = owned;

cleanup:
    pa_free(&m->ctx->mem, l);
    return status;
}

static pa_status narrow_elements(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_view view = {0};
    const pa_status status = pa_matrix_view(m, &view, err);
    return status == PA_OK ? keep(m, memo, view, NULL, err) : status;
}

static pa_status narrow_product(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    double *values = NULL;
    pa_view left = {0};
    pa_view right = {0};
    PA_TRY(narrow_of(m->operands[1], &right, err));
    PA_TRY(pa_matrix_view(m->operands[0], &left, err));
    const int64_t area = pa_area(m->rows, right.cols);
    PA_REQUIRE_MEMORY(values = pa_alloc_raw(&m->ctx->mem, area, sizeof(*values)), err, "a product");
    PA_TRY(pa_gemm(1.0, left, right, 0.0, PA_COLUMN_MAJOR, values, m->rows, err));
    PA_TRY(keep(m, memo, pa_view_column_major(values, m->rows, right.cols), values, err));
    values = NULL;

cleanup:
    pa_free(&m->ctx->mem, values);
    return status;
}

static pa_status narrow_columns(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    double *values = NULL;
    int64_t cols = 0;
    for (int64_t i = 0; i < m->n_operands; i++) {
        pa_view part = {0};
        PA_TRY(narrow_of(m->operands[i], &part, err));
        cols += part.cols;
    }
    PA_REQUIRE_MEMORY(values = pa_alloc_raw(&m->ctx->mem, pa_area(m->rows, cols), sizeof(*values)), err,
                      "a concatenation");
    double *at = values;
    for (int64_t i = 0; i < m->n_operands; i++) {
        const pa_view part = m->operands[i]->memo->narrow;
        pa_view_copy_column_major(part, at);
        at += m->rows * part.cols;
    }
    PA_TRY(keep(m, memo, pa_view_column_major(values, m->rows, cols), values, err));
    values = NULL;

cleanup:
    pa_free(&m->ctx->mem, values);
    return status;
}

static pa_status narrow_scale(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    double *values = NULL;
    pa_view inner = {0};
    PA_TRY(narrow_of(m->operands[0], &inner, err));
    const int64_t area = pa_area(inner.rows, inner.cols);
    PA_REQUIRE_MEMORY(values = pa_alloc_raw(&m->ctx->mem, area, sizeof(*values)), err, "a scaled matrix");
    pa_view_copy_column_major(inner, values);
    for (int64_t i = 0; i < area; i++) {
        values[i] *= m->factor;
    }
    memo->narrow = pa_view_column_major(values, inner.rows, inner.cols);
    memo->narrow_values = values;
    values = NULL;

cleanup:
    pa_free(&m->ctx->mem, values);
    return status;
}

pa_status pa_compute_narrow(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    switch (pa_route_narrow(m).route) {
    case PA_NARROW_ELEMENTS:
        return narrow_elements(m, memo, err);
    case PA_NARROW_PRODUCT:
        return narrow_product(m, memo, err);
    case PA_NARROW_COLUMNS:
        return narrow_columns(m, memo, err);
    case PA_NARROW_SCALE:
        return narrow_scale(m, memo, err);
    }
    return pa_fail(err, PA_ERR_INVALID, "unknown route");
}

pa_status pa_compute_frobenius(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    pa_view view = {0};
    double norm = 0.0;
    switch (m->node) {
    case PA_NODE_PRODUCT:
        PA_TRY(narrow_of(m, &view, err));
        norm = pa_frobenius(view);
        break;
    case PA_NODE_COLUMNS:
    case PA_NODE_ROWS:
        for (int64_t i = 0; i < m->n_operands; i++) {
            double part = 0.0;
            PA_TRY(pa_matrix_frobenius(m->operands[i], &part, err));
            norm = hypot(norm, part);
        }
        break;
    case PA_NODE_SCALE:
        PA_TRY(pa_matrix_frobenius(m->operands[0], &norm, err));
        norm *= fabs(m->factor);
        break;
    case PA_NODE_TRANSPOSE:
        PA_TRY(pa_matrix_frobenius(m->operands[0], &norm, err));
        break;
    default:
        if (pa_matrix_floats(m) != NULL) {
            norm = sqrt(memo->float_sums.squares); /* asked with the non-finite elements, before any other query */
            break;
        }
        PA_TRY(pa_matrix_view(m, &view, err));
        norm = pa_frobenius(view);
        break;
    }
    memo->frobenius = norm;

cleanup:
    return status;
}

pa_status pa_matrix_frobenius(const pa_matrix *m, double *out, pa_error *err)
{
    const pa_status status = pa_matrix_ask(m, PA_QUERY_FROBENIUS, err);
    if (status == PA_OK) {
        *out = m->memo->frobenius;
    }
    return status;
}

pa_status pa_compute_row_norms(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    pa_view view = {0};
    double *norms = NULL;
    PA_TRY(narrow_of(m, &view, err));
    PA_REQUIRE_MEMORY(norms = pa_alloc(&m->ctx->mem, m->rows, sizeof(*norms)), err, "row norms");
    for (int64_t j = 0; j < view.cols; j++) {
        for (int64_t i = 0; i < view.rows; i++) {
            const double x = view.data[i * view.row_stride + j * view.col_stride];
            norms[i] += x * x;
        }
    }
    memo->row_norms = norms;

cleanup:
    return status;
}

pa_status pa_matrix_row_norms_squared(const pa_matrix *m, const double **out, pa_error *err)
{
    *out = NULL;
    const pa_status status = pa_matrix_ask(m, PA_QUERY_ROW_NORMS, err);
    if (status == PA_OK) {
        *out = m->memo->row_norms;
    }
    return status;
}
