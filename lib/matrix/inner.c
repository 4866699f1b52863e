/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Inner products: of the elements of two matrices, of their row Grams, of all columns of one with those of the other, and
 * of the rows of one. */
#include <math.h>

#include "linalg/gemm.h"
#include "linalg/reduce.h"
#include "linalg/svd.h"
#include "matrix/matrix_impl.h"
#include "matrix/pairs.h"

static pa_status check_pair(const pa_matrix *a, const pa_matrix *b, pa_error *err)
{
    const pa_matrix *const both[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        int64_t nonfinite = 0;
        const pa_status status = pa_matrix_nonfinite(both[i], &nonfinite, err);
        if (status != PA_OK) {
            return status;
        }
        if (nonfinite > 0) {
            return pa_fail(err, PA_ERR_NONFINITE, "%lld of the elements are NaN or infinite", (long long)nonfinite);
        }
    }
    return PA_OK;
}

/* <A, B C> = <B^T A, C>: cheaper when the inner size is small, and the rest may simplify further. */
static pa_status inner_with_product(const pa_matrix *a, const pa_matrix *product, double *out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *transposed = NULL;
    pa_matrix *rest = NULL;
    pa_view left = {0};
    pa_view right = {0};
    double *values = NULL;
    PA_TRY(pa_matrix_transpose(product->operands[0], &transposed, err));
    PA_TRY(pa_matrix_product(transposed, a, &rest, err));
    PA_TRY(pa_matrix_view(rest, &left, err));
    PA_TRY(pa_matrix_view(product->operands[1], &right, err));
    const int64_t area = pa_area(right.rows, right.cols);
    PA_REQUIRE_MEMORY(values = pa_alloc_raw(&a->ctx->mem, pa_area(2, area), sizeof(*values)), err, "an inner product");
    pa_view_copy_row_major(left, values);
    pa_view_copy_row_major(right, values + area);
    *out = pa_dot(values, values + area, area);

cleanup:
    pa_free(&a->ctx->mem, values);
    pa_matrix_destroy(rest);
    pa_matrix_destroy(transposed);
    return status;
}

static pa_status inner_of_elements(const pa_matrix *a, const pa_matrix *b, double *out, pa_error *err)
{
    pa_status status = PA_OK;
    double *rows = NULL;
    double total = 0.0;
    const int64_t height = a->cols > 0 && a->cols < 4096 ? 1 + 65536 / a->cols : 1;
    const int64_t area = pa_area(height, a->cols);
    PA_REQUIRE_MEMORY(rows = pa_alloc_raw(&a->ctx->mem, pa_area(2, area), sizeof(*rows)), err, "an inner product");
    for (int64_t row = 0; row < a->rows; row += height) {
        const int64_t n = row + height < a->rows ? height : a->rows - row;
        PA_TRY(pa_matrix_evaluate(a, row, n, rows, a->cols, err));
        PA_TRY(pa_matrix_evaluate(b, row, n, rows + area, a->cols, err));
        total += pa_dot(rows, rows + area, n * a->cols);
    }
    *out = total;

cleanup:
    pa_free(&a->ctx->mem, rows);
    return status;
}

/* Blocks that correspond are multiplied block by block. */
static int same_blocks(const pa_matrix *a, const pa_matrix *b)
{
    if (a->node != b->node || (a->node != PA_NODE_COLUMNS && a->node != PA_NODE_ROWS) ||
        a->n_operands != b->n_operands) {
        return 0;
    }
    for (int64_t i = 0; i < a->n_operands; i++) {
        if (a->operands[i]->rows != b->operands[i]->rows || a->operands[i]->cols != b->operands[i]->cols) {
            return 0;
        }
    }
    return 1;
}

static int is_thin_product(const pa_matrix *m)
{
    return m->node == PA_NODE_PRODUCT && m->operands[0]->cols < m->rows;
}

static pa_status inner(const pa_matrix *a, const pa_matrix *b, double *out, pa_error *err)
{
    if (same_blocks(a, b)) {
        double total = 0.0;
        pa_status status = PA_OK;
        for (int64_t i = 0; i < a->n_operands && status == PA_OK; i++) {
            double part = 0.0;
            status = inner(a->operands[i], b->operands[i], &part, err);
            total += part;
        }
        *out = total;
        return status;
    }
    if (is_thin_product(b)) {
        return inner_with_product(a, b, out, err);
    }
    return is_thin_product(a) ? inner_with_product(b, a, out, err) : inner_of_elements(a, b, out, err);
}

pa_status pa_matrix_inner(const pa_matrix *a, const pa_matrix *b, double *out, pa_error *err)
{
    pa_status status = PA_OK;
    double result = 0.0;
    PA_REQUIRE(a->rows == b->rows && a->cols == b->cols, err, PA_ERR_SHAPE, "[%lld, %lld] and [%lld, %lld]",
               (long long)a->rows, (long long)a->cols, (long long)b->rows, (long long)b->cols);
    PA_TRY(check_pair(a, b, err));
    status = inner(a, b, &result, err);
    if (status == PA_OK) {
        *out = result;
    }

cleanup:
    return status;
}

/* What a multiple is a multiple of, so that its narrow form need not be copied to be scaled. Not for factors whose
 * fourth power may leave the range of doubles: those are there to bring the elements into it. */
static const pa_matrix *without_factor(const pa_matrix *m, double *factor)
{
    *factor = 1.0;
    if (m->node == PA_NODE_SCALE && fabs(m->factor) < 0x1p100 && fabs(m->factor) > 0x1p-100) {
        *factor = m->factor;
        return m->operands[0];
    }
    return m;
}

/* N_a^T N_b of the narrow forms, column-major: A^T B up to orthonormal columns and rows. */
static pa_status cross_product(const pa_matrix *a, const pa_matrix *b, double **out, int64_t *rows, int64_t *cols,
                               pa_error *err)
{
    pa_status status = PA_OK;
    double *cross = NULL;
    double a_factor = 1.0;
    double b_factor = 1.0;
    a = without_factor(a, &a_factor);
    b = without_factor(b, &b_factor);
    PA_TRY(pa_matrix_ask(a, PA_QUERY_NARROW, err));
    PA_TRY(pa_matrix_ask(b, PA_QUERY_NARROW, err));
    const pa_view x = a->memo->narrow;
    const pa_view y = b->memo->narrow;
    const int64_t area = pa_area(x.cols, y.cols);
    PA_REQUIRE_MEMORY(cross = pa_alloc_raw(&a->ctx->mem, area, sizeof(*cross)), err, "a cross product");
    PA_TRY(pa_gemm(a_factor * b_factor, pa_view_transpose(x), y, 0.0, PA_COLUMN_MAJOR, cross, x.cols, err));
    *rows = x.cols;
    *cols = y.cols;
    *out = cross;
    cross = NULL;

cleanup:
    pa_free(&a->ctx->mem, cross);
    return status;
}

/* ||A^T B||_F^2 from the narrow forms. */
static pa_status cross_norm(const pa_matrix *a, const pa_matrix *b, double *out, pa_error *err)
{
    double *cross = NULL;
    int64_t rows = 0;
    int64_t cols = 0;
    const pa_status status = cross_product(a, b, &cross, &rows, &cols, err);
    if (status == PA_OK) {
        *out = pa_dot(cross, cross, rows * cols);
    }
    pa_free(&a->ctx->mem, cross);
    return status;
}

pa_status pa_matrix_cross_nuclear(const pa_matrix *a, const pa_matrix *b, double *out, pa_error *err)
{
    pa_status status = PA_OK;
    double *cross = NULL;
    double *sigma = NULL;
    double sum = 0.0;
    int64_t rows = 0;
    int64_t cols = 0;
    PA_REQUIRE(a->rows == b->rows, err, PA_ERR_SHAPE, "%lld and %lld rows", (long long)a->rows, (long long)b->rows);
    PA_TRY(cross_product(a, b, &cross, &rows, &cols, err));
    const int64_t k = rows < cols ? rows : cols;
    PA_REQUIRE_MEMORY(sigma = pa_alloc(&a->ctx->mem, k, sizeof(*sigma)), err, "singular values");
    PA_TRY(pa_svd_values(&a->ctx->mem, pa_view_column_major(cross, rows, cols), sigma, err));
    for (int64_t i = 0; i < k; i++) {
        sum += sigma[i];
    }
    *out = sum;

cleanup:
    pa_free(&a->ctx->mem, sigma);
    pa_free(&a->ctx->mem, cross);
    return status;
}

pa_status pa_matrix_row_gram(const pa_matrix *m, double *out, pa_error *err)
{
    double factor = 1.0;
    const pa_matrix *inner = without_factor(m, &factor);
    const pa_status status = pa_matrix_ask(inner, PA_QUERY_NARROW, err);
    if (status != PA_OK) {
        return status;
    }
    const pa_view x = inner->memo->narrow;
    return pa_gemm(factor * factor, x, pa_view_transpose(x), 0.0, PA_ROW_MAJOR, out, m->rows, err);
}

pa_status pa_compute_gram_norm(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    return cross_norm(m, m, &memo->gram_norm, err);
}

pa_status pa_matrix_gram_inner(const pa_matrix *a, const pa_matrix *b, double *out, pa_error *err)
{
    pa_status status = PA_OK;
    double result = 0.0;
    PA_REQUIRE(a->rows == b->rows, err, PA_ERR_SHAPE, "%lld and %lld rows", (long long)a->rows, (long long)b->rows);
    if (a == b) {
        PA_TRY(pa_matrix_ask(a, PA_QUERY_GRAM_NORM, err));
        result = a->memo->gram_norm;
    } else {
        status = cross_norm(a, b, &result, err);
    }
    if (status == PA_OK) {
        *out = result;
    }

cleanup:
    return status;
}
