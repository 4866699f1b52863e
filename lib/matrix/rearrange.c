/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Transposes and slices: pushed down to the leaves, where they are a matter of strides, so that they cost nothing and
 * hide no structure.
 */
#include "matrix/matrix_impl.h"

static pa_status leaf_like(const pa_matrix *m, int64_t offset, int64_t rows, int64_t cols, int64_t row_stride,
                           int64_t col_stride, pa_matrix **out, pa_error *err)
{
    const pa_status status = pa_leaf_create(m->ctx, m->buffer, m->dtype, rows, cols, row_stride, col_stride, out, err);
    if (status == PA_OK) {
        (void)pa_buffer_retain(m->buffer);
        (*out)->offset = offset;
    }
    return status;
}

/* A node whose evaluation does the work, for the operands that nothing can be pushed into. */
static pa_status wrap(pa_node node, const pa_matrix *m, int64_t rows, int64_t cols, pa_matrix **out, pa_error *err)
{
    const pa_status status = pa_node_create(m->ctx, node, &m, 1, out, err);
    if (status == PA_OK) {
        (*out)->rows = rows;
        (*out)->cols = cols;
    }
    return status;
}

/* What to do with one operand of a node; `slice` is NULL for a transpose. */
typedef struct range {
    int64_t row, rows, col, cols;
} range;

static pa_status rearrange(const pa_matrix *m, const range *slice, pa_matrix **out, pa_error *err)
{
    return slice == NULL ? pa_matrix_transpose(m, out, err)
                         : pa_matrix_slice(m, slice->row, slice->rows, slice->col, slice->cols, out, err);
}

static pa_status rearrange_product(const pa_matrix *a, const range *a_slice, const pa_matrix *b, const range *b_slice,
                                   pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *left = NULL;
    pa_matrix *right = NULL;
    PA_TRY(rearrange(a, a_slice, &left, err));
    PA_TRY(rearrange(b, b_slice, &right, err));
    PA_TRY(pa_matrix_product(left, right, out, err));

cleanup:
    pa_matrix_destroy(left);
    pa_matrix_destroy(right);
    return status;
}

static pa_status rearrange_sum(const pa_matrix *m, const range *slice, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *left = NULL;
    pa_matrix *right = NULL;
    PA_TRY(rearrange(m->operands[0], slice, &left, err));
    PA_TRY(rearrange(m->operands[1], slice, &right, err));
    PA_TRY(pa_matrix_sum(left, right, out, err));

cleanup:
    pa_matrix_destroy(left);
    pa_matrix_destroy(right);
    return status;
}

static pa_status rearrange_scaled(const pa_matrix *m, const range *slice, pa_matrix **out, pa_error *err)
{
    pa_matrix *inner = NULL;
    pa_status status = rearrange(m->operands[0], slice, &inner, err);
    if (status == PA_OK) {
        status = pa_matrix_scale(inner, m->factor, out, err);
    }
    pa_matrix_destroy(inner);
    return status;
}

static pa_status concat_parts(pa_node node, pa_matrix *const *parts, int64_t n, pa_matrix **out, pa_error *err)
{
    return node == PA_NODE_COLUMNS ? pa_matrix_concat_columns((const pa_matrix *const *)parts, n, out, err)
                                   : pa_matrix_concat_rows((const pa_matrix *const *)parts, n, out, err);
}

static pa_status transpose_concat(const pa_matrix *m, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    pa_matrix **parts = pa_alloc(mem, m->n_operands, sizeof(*parts));
    PA_REQUIRE_MEMORY(parts, err, "a transpose");
    for (int64_t i = 0; i < m->n_operands; i++) {
        PA_TRY(pa_matrix_transpose(m->operands[i], &parts[i], err));
    }
    PA_TRY(concat_parts(m->node == PA_NODE_COLUMNS ? PA_NODE_ROWS : PA_NODE_COLUMNS, parts, m->n_operands, out, err));

cleanup:
    for (int64_t i = 0; parts != NULL && i < m->n_operands; i++) {
        pa_matrix_destroy(parts[i]);
    }
    pa_free(mem, parts);
    return status;
}

/* Slices each operand that the range touches. */
static pa_status slice_concat(const pa_matrix *m, const range *r, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    const int by_columns = m->node == PA_NODE_COLUMNS;
    const int64_t begin = by_columns ? r->col : r->row;
    const int64_t end = begin + (by_columns ? r->cols : r->rows);
    int64_t at = 0;
    int64_t n = 0;
    pa_matrix **parts = pa_alloc(mem, m->n_operands, sizeof(*parts));
    PA_REQUIRE_MEMORY(parts, err, "a slice");
    for (int64_t i = 0; i < m->n_operands; i++) {
        const pa_matrix *part = m->operands[i];
        const int64_t size = by_columns ? part->cols : part->rows;
        const int64_t from = begin > at ? begin - at : 0;
        const int64_t to = end - at < size ? end - at : size;
        if (from < to) {
            const range inside =
                by_columns ? (range){r->row, r->rows, from, to - from} : (range){from, to - from, r->col, r->cols};
            PA_TRY(rearrange(part, &inside, &parts[n], err));
            n++;
        }
        at += size;
    }
    PA_TRY(concat_parts(m->node, parts, n, out, err));

cleanup:
    for (int64_t i = 0; parts != NULL && i < n; i++) {
        pa_matrix_destroy(parts[i]);
    }
    pa_free(mem, parts);
    return status;
}

pa_status pa_matrix_transpose(const pa_matrix *m, pa_matrix **out, pa_error *err)
{
    *out = NULL;
    if (m == NULL) {
        return pa_fail(err, PA_ERR_INVALID, "no operand");
    }
    switch (m->node) {
    case PA_NODE_LEAF:
        return leaf_like(m, m->offset, m->cols, m->rows, m->col_stride, m->row_stride, out, err);
    case PA_NODE_TRANSPOSE:
        *out = pa_matrix_retain(m->operands[0]);
        return PA_OK;
    case PA_NODE_PRODUCT:
        return rearrange_product(m->operands[1], NULL, m->operands[0], NULL, out, err);
    case PA_NODE_SUM:
        return rearrange_sum(m, NULL, out, err);
    case PA_NODE_SCALE:
        return rearrange_scaled(m, NULL, out, err);
    case PA_NODE_COLUMNS:
    case PA_NODE_ROWS:
        return transpose_concat(m, out, err);
    case PA_NODE_SLICE:
    case PA_NODE_CENTER:
        break;
    }
    return wrap(PA_NODE_TRANSPOSE, m, m->cols, m->rows, out, err);
}

/* A range without elements has no structure to keep. */
static pa_status empty_matrix(const pa_matrix *m, int64_t rows, int64_t cols, pa_matrix **out, pa_error *err)
{
    return pa_matrix_from_memory(m->ctx, NULL, m->dtype, rows, cols, out, err);
}

static pa_status slice_node(const pa_matrix *m, const range *r, pa_matrix **out, pa_error *err)
{
    switch (m->node) {
    case PA_NODE_LEAF:
        return leaf_like(m, m->offset + r->row * m->row_stride + r->col * m->col_stride, r->rows, r->cols,
                         m->row_stride, m->col_stride, out, err);
    case PA_NODE_PRODUCT: {
        const range left = {r->row, r->rows, 0, m->operands[0]->cols};
        const range right = {0, m->operands[1]->rows, r->col, r->cols};
        return rearrange_product(m->operands[0], &left, m->operands[1], &right, out, err);
    }
    case PA_NODE_SUM:
        return rearrange_sum(m, r, out, err);
    case PA_NODE_SCALE:
        return rearrange_scaled(m, r, out, err);
    case PA_NODE_COLUMNS:
    case PA_NODE_ROWS:
        return slice_concat(m, r, out, err);
    case PA_NODE_TRANSPOSE:
    case PA_NODE_SLICE:
    case PA_NODE_CENTER:
        break;
    }
    const pa_status status = wrap(PA_NODE_SLICE, m, r->rows, r->cols, out, err);
    if (status == PA_OK) {
        (*out)->first_row = r->row;
        (*out)->first_col = r->col;
    }
    return status;
}

pa_status pa_matrix_slice(const pa_matrix *m, int64_t row, int64_t rows, int64_t col, int64_t cols, pa_matrix **out,
                          pa_error *err)
{
    pa_status status = PA_OK;
    *out = NULL;
    PA_REQUIRE(m != NULL, err, PA_ERR_INVALID, "no operand");
    PA_REQUIRE(row >= 0 && rows >= 0 && row <= m->rows && rows <= m->rows - row, err, PA_ERR_SHAPE,
               "%lld rows from %lld on of a matrix with %lld", (long long)rows, (long long)row, (long long)m->rows);
    PA_REQUIRE(col >= 0 && cols >= 0 && col <= m->cols && cols <= m->cols - col, err, PA_ERR_SHAPE,
               "%lld columns from %lld on of a matrix with %lld", (long long)cols, (long long)col, (long long)m->cols);
    if (rows == m->rows && cols == m->cols) {
        *out = pa_matrix_retain(m);
    } else if (rows == 0 || cols == 0) {
        PA_TRY(empty_matrix(m, rows, cols, out, err));
    } else {
        const range r = {row, rows, col, cols};
        PA_TRY(slice_node(m, &r, out, err));
    }

cleanup:
    return status;
}
