/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Elements of an expression: whole, or some rows at a time so that large ones are never dense at once. */
#include <math.h>
#include <string.h>

#include "base/dtype.h"
#include "linalg/gemm.h"
#include "linalg/float_sums.h"
#include "matrix/matrix_impl.h"

enum { PANEL_ELEMENTS = 1 << 18 };

const float *pa_matrix_floats(const pa_matrix *m)
{
    const float *floats = m->node == PA_NODE_LEAF ? pa_buffer_floats(m->buffer) : NULL;
    const int packed = m->col_stride == 1 && m->row_stride == m->cols;
    return floats != NULL && packed && m->rows > 0 && m->cols > 0 ? floats + m->offset : NULL;
}

static pa_status leaf_view(const pa_matrix *m, pa_view *out, pa_error *err)
{
    const double *values = NULL;
    int64_t nonfinite = 0;
    const pa_status status = pa_buffer_values(m->buffer, &values, &nonfinite, err);
    if (status == PA_OK) {
        const pa_view view = {values, m->rows, m->cols, m->row_stride, m->col_stride};
        *out = view;
        if (m->rows > 0 && m->cols > 0) {
            out->data = values + m->offset;
        }
    }
    return status;
}

pa_status pa_matrix_view(const pa_matrix *m, pa_view *out, pa_error *err)
{
    if (m->node == PA_NODE_LEAF) {
        return leaf_view(m, out, err);
    }
    const pa_status status = pa_matrix_ask(m, PA_QUERY_DENSE, err);
    if (status == PA_OK) {
        *out = pa_view_row_major(m->memo->dense, m->rows, m->cols);
    }
    return status;
}

static void copy_rows(pa_view from, double *dst, int64_t ld)
{
    if (ld == from.cols) {
        pa_view_copy_row_major(from, dst);
        return;
    }
    for (int64_t i = 0; i < from.rows; i++) {
        pa_view_copy_row_major(pa_view_slice(from, i, 1, 0, from.cols), dst + i * ld);
    }
}

static pa_status copy_of_view(const pa_matrix *m, pa_view view, int64_t row, int64_t rows, double *dst, int64_t ld)
{
    copy_rows(pa_view_slice(view, row, rows, 0, m->cols), dst, ld);
    return PA_OK;
}

static pa_status evaluate_product(const pa_matrix *m, int64_t row, int64_t rows, double *dst, int64_t ld, double beta,
                                  pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    const pa_matrix *a = m->operands[0];
    double *panel = NULL;
    pa_view left = {0};
    pa_view right = {0};
    PA_TRY(pa_matrix_view(m->operands[1], &right, err));
    if (a->node == PA_NODE_LEAF ||
        rows == m->rows) { /* never by what happens to be there: results must not depend on it */
        PA_TRY(pa_matrix_view(a, &left, err));
        left = pa_view_slice(left, row, rows, 0, a->cols);
    } else {
        PA_REQUIRE_MEMORY(panel = pa_alloc_raw(mem, pa_area(rows, a->cols), sizeof(*panel)), err, "a product");
        PA_TRY(pa_matrix_evaluate(a, row, rows, panel, a->cols, err));
        left = pa_view_row_major(panel, rows, a->cols);
    }
    PA_TRY(pa_gemm(1.0, left, right, beta, PA_ROW_MAJOR, dst, ld, err));

cleanup:
    pa_free(mem, panel);
    return status;
}

static pa_status evaluate_sum(const pa_matrix *m, int64_t row, int64_t rows, double *dst, int64_t ld, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    double *panel = NULL;
    PA_TRY(pa_matrix_evaluate(m->operands[0], row, rows, dst, ld, err));
    if (m->operands[1]->node == PA_NODE_PRODUCT) {
        PA_TRY(evaluate_product(m->operands[1], row, rows, dst, ld, 1.0, err));
    } else {
        PA_REQUIRE_MEMORY(panel = pa_alloc_raw(mem, pa_area(rows, m->cols), sizeof(*panel)), err, "a sum");
        PA_TRY(pa_matrix_evaluate(m->operands[1], row, rows, panel, m->cols, err));
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; j < m->cols; j++) {
                dst[i * ld + j] += panel[i * m->cols + j];
            }
        }
    }

cleanup:
    pa_free(mem, panel);
    return status;
}

static pa_status evaluate_columns(const pa_matrix *m, int64_t row, int64_t rows, double *dst, int64_t ld, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t col = 0;
    for (int64_t i = 0; i < m->n_operands && status == PA_OK; i++) {
        status = pa_matrix_evaluate(m->operands[i], row, rows, dst + col, ld, err);
        col += m->operands[i]->cols;
    }
    return status;
}

static pa_status evaluate_rows(const pa_matrix *m, int64_t row, int64_t rows, double *dst, int64_t ld, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t first = 0;
    for (int64_t i = 0; i < m->n_operands && status == PA_OK; i++) {
        const pa_matrix *part = m->operands[i];
        const int64_t from = row > first ? row - first : 0;
        const int64_t to = row + rows - first < part->rows ? row + rows - first : part->rows;
        if (from < to) {
            status = pa_matrix_evaluate(part, from, to - from, dst + (first + from - row) * ld, ld, err);
        }
        first += part->rows;
    }
    return status;
}

static pa_status evaluate_scale(const pa_matrix *m, int64_t row, int64_t rows, double *dst, int64_t ld, pa_error *err)
{
    const pa_status status = pa_matrix_evaluate(m->operands[0], row, rows, dst, ld, err);
    for (int64_t i = 0; i < rows && status == PA_OK; i++) {
        for (int64_t j = 0; j < m->cols; j++) {
            dst[i * ld + j] *= m->factor;
        }
    }
    return status;
}

static pa_status evaluate_center(const pa_matrix *m, int64_t row, int64_t rows, double *dst, int64_t ld, pa_error *err)
{
    const double *means = NULL;
    pa_status status = pa_matrix_column_means(m->operands[0], &means, err);
    if (status == PA_OK) {
        status = pa_matrix_evaluate(m->operands[0], row, rows, dst, ld, err);
    }
    for (int64_t i = 0; i < rows && status == PA_OK; i++) {
        for (int64_t j = 0; j < m->cols; j++) {
            dst[i * ld + j] -= means[j];
        }
    }
    return status;
}

pa_status pa_matrix_evaluate(const pa_matrix *m, int64_t row, int64_t rows, double *dst, int64_t ld, pa_error *err)
{
    pa_view view = {0};
    pa_status status = PA_OK;
    if (rows == 0 || m->cols == 0) {
        return PA_OK;
    }
    switch (m->node) {
    case PA_NODE_PRODUCT:
        return evaluate_product(m, row, rows, dst, ld, 0.0, err);
    case PA_NODE_SUM:
        return evaluate_sum(m, row, rows, dst, ld, err);
    case PA_NODE_SCALE:
        return evaluate_scale(m, row, rows, dst, ld, err);
    case PA_NODE_COLUMNS:
        return evaluate_columns(m, row, rows, dst, ld, err);
    case PA_NODE_ROWS:
        return evaluate_rows(m, row, rows, dst, ld, err);
    case PA_NODE_CENTER:
        return evaluate_center(m, row, rows, dst, ld, err);
    case PA_NODE_LEAF:
        status = leaf_view(m, &view, err);
        return status == PA_OK ? copy_of_view(m, view, row, rows, dst, ld) : status;
    case PA_NODE_TRANSPOSE:
        status = pa_matrix_view(m->operands[0], &view, err);
        return status == PA_OK ? copy_of_view(m, pa_view_transpose(view), row, rows, dst, ld) : status;
    case PA_NODE_SLICE:
        status = pa_matrix_view(m->operands[0], &view, err);
        if (status == PA_OK) {
            view = pa_view_slice(view, m->first_row, m->rows, m->first_col, m->cols);
            status = copy_of_view(m, view, row, rows, dst, ld);
        }
        return status;
    }
    return pa_fail(err, PA_ERR_INVALID, "unknown node");
}

pa_status pa_compute_dense(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    double *dense = NULL;
    PA_REQUIRE_MEMORY(dense = pa_alloc_raw(&m->ctx->mem, pa_area(m->rows, m->cols), sizeof(*dense)), err,
                      "a dense matrix");
    PA_TRY(pa_matrix_evaluate(m, 0, m->rows, dense, m->cols, err));
    memo->dense = dense;
    dense = NULL;

cleanup:
    pa_free(&m->ctx->mem, dense);
    return status;
}

pa_status pa_matrix_values(const pa_matrix *m, const double **out, pa_error *err)
{
    pa_view view = {0};
    pa_status status = PA_OK;
    *out = NULL;
    PA_TRY(pa_matrix_view(m, &view, err));
    if (view.col_stride != 1 || view.row_stride != m->cols) { /* a leaf that is not packed */
        PA_TRY(pa_matrix_ask(m, PA_QUERY_DENSE, err));
        view.data = m->memo->dense;
    }
    *out = view.data;

cleanup:
    return status;
}

/* Rows as they are visited: where they lie, or written to `panel`. */
static pa_status rows_of(const pa_matrix *m, pa_view packed, int64_t row, int64_t rows, double *panel,
                         const double **out, pa_error *err)
{
    const float *floats = pa_matrix_floats(m);
    *out = panel;
    if (floats != NULL) {
        (void)pa_dtype_to_f64(PA_F32, 0, floats + row * m->cols, 1, rows * m->cols, panel);
        return PA_OK;
    }
    if (packed.data != NULL) {
        *out = packed.data + row * m->cols;
        return PA_OK;
    }
    return pa_matrix_evaluate(m, row, rows, panel, m->cols, err);
}

pa_status pa_matrix_visit(const pa_matrix *m, pa_panel_fn visit, void *user, pa_error *err)
{
    pa_status status = PA_OK;
    double *panel = NULL;
    pa_view packed = {0};
    if (m->rows == 0 || m->cols == 0) {
        return PA_OK;
    }
    int64_t height = PANEL_ELEMENTS / m->cols;
    height = height < 1 ? 1 : height > m->rows ? m->rows : height;
    if (m->node == PA_NODE_LEAF && m->col_stride == 1 && m->row_stride == m->cols && pa_matrix_floats(m) == NULL) {
        PA_TRY(pa_matrix_view(m, &packed, err));
    } else {
        PA_REQUIRE_MEMORY(panel = pa_alloc_raw(&m->ctx->mem, pa_area(height, m->cols), sizeof(*panel)), err,
                          "rows of a matrix");
    }
    for (int64_t row = 0; row < m->rows; row += height) {
        const int64_t rows = row + height < m->rows ? height : m->rows - row;
        const double *here = NULL;
        PA_TRY(rows_of(m, packed, row, rows, panel, &here, err));
        visit(user, here, row, rows, m->cols);
    }

cleanup:
    pa_free(&m->ctx->mem, panel);
    return status;
}

static int64_t count_nonfinite(pa_view view)
{
    int64_t count = 0;
    for (int64_t i = 0; i < view.rows; i++) {
        for (int64_t j = 0; j < view.cols; j++) {
            count += !isfinite(view.data[i * view.row_stride + j * view.col_stride]);
        }
    }
    return count;
}

static pa_status count_in_leaf(const pa_matrix *m, pa_memo *memo, int64_t *count, pa_error *err)
{
    pa_status status = PA_OK;
    const double *values = NULL;
    pa_view view = {0};
    const float *floats = pa_matrix_floats(m);
    if (floats != NULL) {
        memo->float_sums = pa_sum_f32(floats, m->rows * m->cols);
        if (isfinite(memo->float_sums.squares)) {
            return PA_OK;
        }
    }
    PA_TRY(pa_buffer_values(m->buffer, &values, count, err));
    if (*count > 0) { /* of the whole buffer: this may be a part of it */
        PA_TRY(leaf_view(m, &view, err));
        *count = count_nonfinite(view);
    }

cleanup:
    return status;
}

/* Counted where elements are stored: what they are multiplied with does not matter. */
pa_status pa_compute_nonfinite(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t count = 0;
    if (m->node == PA_NODE_LEAF) {
        PA_TRY(count_in_leaf(m, memo, &count, err));
    }
    for (int64_t i = 0; i < m->n_operands; i++) {
        int64_t more = 0;
        PA_TRY(pa_matrix_nonfinite(m->operands[i], &more, err));
        count += more;
    }
    memo->nonfinite = count;

cleanup:
    return status;
}

pa_status pa_matrix_nonfinite(const pa_matrix *m, int64_t *out, pa_error *err)
{
    const pa_status status = pa_matrix_ask(m, PA_QUERY_NONFINITE, err);
    if (status == PA_OK) {
        *out = m->memo->nonfinite;
    }
    return status;
}
