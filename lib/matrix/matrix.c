/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/matrix_impl.h"
#include "matrix/pairs.h"

#include "base/dtype.h"
#include "matrix/leaf.h"

/* Deeper expressions are refused: evaluation recurses. */
enum { MAX_DEPTH = 256 };

static const pa_matrix *root_of(const pa_matrix *m)
{
    return m->owner != NULL ? m->owner : m;
}

pa_matrix *pa_matrix_retain(const pa_matrix *m)
{
    if (m == NULL) {
        return NULL;
    }
    atomic_fetch_add_explicit(&root_of(m)->memo->references, 1, memory_order_relaxed);
    return m->memo->self;
}

int pa_matrix_is_shared(const pa_matrix *m)
{
    return atomic_load_explicit(&root_of(m)->memo->references, memory_order_acquire) > 1 ||
           (m->buffer != NULL && pa_buffer_is_shared(m->buffer));
}

/* References of a companion to its own root are not counted: they would keep the root alive for ever. */
static void free_node(pa_matrix *m)
{
    const pa_allocator *mem = &m->ctx->mem;
    const pa_matrix *root = root_of(m);
    pa_memo_free(mem, m->memo);
    for (int64_t i = 0; i < m->n_operands; i++) {
        if (root_of(m->operands[i]) != root) {
            pa_matrix_destroy(m->operands[i]->memo->self);
        }
    }
    pa_buffer_release(m->buffer);
    pa_free(mem, m);
}

void pa_matrix_destroy(pa_matrix *m)
{
    if (m != NULL) {
        pa_matrix *root = root_of(m)->memo->self;
        if (atomic_fetch_sub_explicit(&root->memo->references, 1, memory_order_acq_rel) == 1) {
            free_node(root);
        }
    }
}

void pa_matrix_adopt(const pa_matrix *owner, pa_matrix *companion)
{
    companion->owner = root_of(owner);
    for (int64_t i = 0; i < companion->n_operands; i++) {
        if (root_of(companion->operands[i]) == companion->owner) {
            pa_matrix_destroy(companion->operands[i]->memo->self);
        }
    }
}

void pa_companion_free(pa_matrix *companion)
{
    if (companion != NULL) {
        free_node(companion);
    }
}

pa_status pa_node_create(pa_context *ctx, pa_node node, const pa_matrix *const *operands, int64_t n_operands,
                         pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *m = NULL;
    *out = NULL;
    int64_t depth = 1;
    for (int64_t i = 0; i < n_operands; i++) {
        PA_REQUIRE(operands[i]->ctx == ctx, err, PA_ERR_INVALID, "operands of different contexts");
        depth = operands[i]->depth >= depth ? operands[i]->depth + 1 : depth;
    }
    PA_REQUIRE(depth <= MAX_DEPTH, err, PA_ERR_LIMIT, "an expression %lld deep, at most %d", (long long)depth,
               MAX_DEPTH);
    const int64_t room = pa_area(n_operands, (int64_t)sizeof(m->operands[0]));
    PA_REQUIRE_MEMORY(m = room >= 0 ? pa_alloc(&ctx->mem, (int64_t)sizeof(*m) + room, 1) : NULL, err, "a matrix");
    PA_TRY(pa_memo_create(&ctx->mem, &m->memo, err));
    m->memo->self = m;
    m->ctx = ctx;
    m->node = node;
    m->depth = depth;
    for (int64_t i = 0; i < n_operands; i++) {
        m->operands[i] = pa_matrix_retain(operands[i]);
        m->dtype = i == 0 ? operands[i]->dtype : pa_dtype_coarser(m->dtype, operands[i]->dtype);
    }
    m->n_operands = n_operands;
    *out = m;
    m = NULL;

cleanup:
    if (m != NULL) {
        pa_free(&ctx->mem, m);
    }
    return status;
}

pa_status pa_leaf_create(pa_context *ctx, pa_buffer *buffer, pa_dtype dtype, int64_t rows, int64_t cols,
                         int64_t row_stride, int64_t col_stride, pa_matrix **out, pa_error *err)
{
    const pa_status status = pa_node_create(ctx, PA_NODE_LEAF, NULL, 0, out, err);
    if (status == PA_OK) {
        pa_matrix *m = *out;
        m->buffer = buffer;
        m->dtype = dtype;
        m->rows = rows;
        m->cols = cols;
        m->row_stride = row_stride;
        m->col_stride = col_stride;
    }
    return status;
}

static pa_status check_array(pa_context *ctx, const void *data, pa_dtype dtype, int64_t rows, int64_t cols,
                             pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(ctx != NULL, err, PA_ERR_INVALID, "no context");
    PA_REQUIRE(pa_dtype_size(dtype) > 0, err, PA_ERR_INVALID, "unknown element type %d", (int)dtype);
    PA_REQUIRE(rows >= 0 && cols >= 0, err, PA_ERR_INVALID, "negative size %lld x %lld", (long long)rows,
               (long long)cols);
    const int64_t area = pa_area(rows, cols);
    PA_REQUIRE(area >= 0, err, PA_ERR_LIMIT, "%lld x %lld elements are too many", (long long)rows, (long long)cols);
    PA_REQUIRE(data != NULL || area == 0, err, PA_ERR_INVALID, "no data");

cleanup:
    return status;
}

/* Copies by converting: from here on the elements are doubles. */
pa_status pa_matrix_from_memory(pa_context *ctx, const void *data, pa_dtype dtype, int64_t rows, int64_t cols,
                                pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    double *values = NULL;
    pa_buffer *buffer = NULL;
    *out = NULL;
    PA_TRY(check_array(ctx, data, dtype, rows, cols, err));
    const int64_t count = rows * cols;
    PA_REQUIRE_MEMORY(values = pa_alloc_raw(&ctx->mem, count, sizeof(*values)), err, "a matrix");
    if (count > 0) {
        (void)pa_dtype_to_f64(dtype, 0, data, 1, count, values);
    }
    PA_TRY(pa_buffer_from_values(&ctx->mem, values, count, values, &buffer, err));
    values = NULL;
    PA_TRY(pa_leaf_create(ctx, buffer, dtype, rows, cols, cols, 1, out, err));
    buffer = NULL;

cleanup:
    pa_buffer_release(buffer);
    pa_free(&ctx->mem, values);
    return status;
}

/* A storage over the caller's memory. */
typedef struct borrowed_storage {
    pa_storage base;
    pa_allocator mem;
} borrowed_storage;

static void destroy_borrowed(pa_storage *self)
{
    borrowed_storage *storage = (borrowed_storage *)(void *)self;
    const pa_allocator mem = storage->mem;
    pa_free(&mem, storage);
}

static const pa_storage_ops borrowed_ops = {.destroy = destroy_borrowed};

static pa_status borrow_strided(pa_context *ctx, const pa_tensor *view, const void *data, pa_matrix **out,
                                pa_error *err)
{
    pa_status status = PA_OK;
    pa_tensor tensor = *view;
    borrowed_storage *storage = pa_alloc(&ctx->mem, 1, sizeof(*storage));
    PA_REQUIRE_MEMORY(storage, err, "a matrix");
    storage->mem = ctx->mem;
    pa_storage_init(&storage->base, &borrowed_ops, data, INT64_MAX); /* where it ends only the caller knows */
    tensor.storage = &storage->base;
    PA_TRY(pa_tensor_check(&tensor, err));
    PA_TRY(pa_matrix_from_tensors(ctx, &tensor, 1, out, err));

cleanup:
    pa_storage_release(storage != NULL ? &storage->base : NULL);
    return status;
}

pa_status pa_matrix_borrow(pa_context *ctx, const void *data, pa_dtype dtype, int64_t rows, int64_t cols,
                           int64_t row_stride, int64_t col_stride, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_buffer *buffer = NULL;
    *out = NULL;
    PA_TRY(check_array(ctx, data, dtype, rows, cols, err));
    PA_REQUIRE(row_stride >= 0 && col_stride >= 0, err, PA_ERR_INVALID, "negative stride");
    if (dtype == PA_F64 && row_stride == cols && col_stride == 1 && (uintptr_t)data % sizeof(double) == 0) {
        PA_TRY(pa_buffer_from_values(&ctx->mem, data, rows * cols, NULL, &buffer, err));
        PA_TRY(pa_leaf_create(ctx, buffer, dtype, rows, cols, cols, 1, out, err));
        buffer = NULL;
    } else {
        const int64_t shape[2] = {rows, cols};
        const int64_t strides[2] = {row_stride, col_stride};
        const pa_tensor tensor = {.dtype = dtype, .ndim = 2, .shape = shape, .strides = strides};
        PA_TRY(borrow_strided(ctx, &tensor, data, out, err));
    }

cleanup:
    pa_buffer_release(buffer);
    return status;
}

pa_status pa_matrix_from_tensors(pa_context *ctx, const pa_tensor *tensors, int64_t n_tensors, pa_matrix **out,
                                 pa_error *err)
{
    pa_status status = PA_OK;
    pa_buffer *buffer = NULL;
    *out = NULL;
    int64_t rows = 0;
    for (int64_t k = 0; k < n_tensors; k++) {
        int64_t own_rows = 1;
        for (int32_t i = 0; i + 1 < tensors[k].ndim; i++) {
            own_rows *= tensors[k].shape[i];
        }
        rows += own_rows;
    }
    const int64_t cols = tensors[0].ndim > 0 ? tensors[0].shape[tensors[0].ndim - 1] : 1;
    PA_TRY(pa_buffer_from_tensors(&ctx->mem, tensors, n_tensors, &buffer, err));
    PA_TRY(pa_leaf_create(ctx, buffer, tensors[0].dtype, rows, cols, cols, 1, out, err));
    buffer = NULL;

cleanup:
    pa_buffer_release(buffer);
    return status;
}

const pa_allocator *pa_matrix_allocator(const pa_matrix *m)
{
    return &m->ctx->mem;
}

int64_t pa_matrix_rows(const pa_matrix *m)
{
    return m->rows;
}

int64_t pa_matrix_cols(const pa_matrix *m)
{
    return m->cols;
}

pa_dtype pa_matrix_dtype(const pa_matrix *m)
{
    return m->dtype;
}
