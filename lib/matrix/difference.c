/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The difference of two matrices of the same structure: subtraction goes down to the leaves, where it is exact to the
 * last bit of what is left, and comes back up as thin products. */
#include "matrix/matrix_impl.h"
#include "matrix/pairs.h"

static int same_shape(const pa_matrix *a, const pa_matrix *b)
{
    return a->rows == b->rows && a->cols == b->cols;
}

static int same_operands(const pa_matrix *a, const pa_matrix *b)
{
    if (a->node != b->node || a->n_operands != b->n_operands) {
        return 0;
    }
    for (int64_t i = 0; i < a->n_operands; i++) {
        if (!same_shape(a->operands[i], b->operands[i])) {
            return 0;
        }
    }
    return 1;
}

/* A1 B1 - A2 B2 = (A1 - A2) B1 + A2 (B1 - B2). */
static pa_status of_products(const pa_matrix *a, const pa_matrix *b, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *left = NULL;
    pa_matrix *right = NULL;
    pa_matrix *by_left = NULL;
    pa_matrix *by_right = NULL;
    PA_TRY(pa_matrix_difference(a->operands[0], b->operands[0], &left, err));
    PA_TRY(pa_matrix_difference(a->operands[1], b->operands[1], &right, err));
    PA_TRY(pa_matrix_product(left, a->operands[1], &by_left, err));
    PA_TRY(pa_matrix_product(b->operands[0], right, &by_right, err));
    PA_TRY(pa_matrix_sum(by_left, by_right, out, err));

cleanup:
    pa_matrix_destroy(by_right);
    pa_matrix_destroy(by_left);
    pa_matrix_destroy(right);
    pa_matrix_destroy(left);
    return status;
}

static pa_status of_blocks(const pa_matrix *a, const pa_matrix *b, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &a->ctx->mem;
    const int64_t n = a->n_operands;
    pa_matrix **parts = pa_alloc(mem, n, sizeof(*parts));
    PA_REQUIRE_MEMORY(parts, err, "a difference");
    for (int64_t i = 0; i < n; i++) {
        PA_TRY(pa_matrix_difference(a->operands[i], b->operands[i], &parts[i], err));
    }
    if (a->node == PA_NODE_COLUMNS) {
        PA_TRY(pa_matrix_concat_columns((const pa_matrix *const *)parts, n, out, err));
    } else {
        PA_TRY(pa_matrix_concat_rows((const pa_matrix *const *)parts, n, out, err));
    }

cleanup:
    for (int64_t i = 0; parts != NULL && i < n; i++) {
        pa_matrix_destroy(parts[i]);
    }
    pa_free(mem, parts);
    return status;
}

static pa_status of_elements(const pa_matrix *a, const pa_matrix *b, pa_matrix **out, pa_error *err)
{
    pa_matrix *negative = NULL;
    pa_status status = pa_matrix_scale(b, -1.0, &negative, err);
    if (status == PA_OK) {
        status = pa_matrix_sum(a, negative, out, err);
    }
    pa_matrix_destroy(negative);
    return status;
}

pa_status pa_matrix_difference(const pa_matrix *a, const pa_matrix *b, pa_matrix **out, pa_error *err)
{
    *out = NULL;
    if (!same_shape(a, b)) {
        return pa_fail(err, PA_ERR_SHAPE, "[%lld, %lld] minus [%lld, %lld]", (long long)a->rows, (long long)a->cols,
                       (long long)b->rows, (long long)b->cols);
    }
    if (same_operands(a, b) && a->node == PA_NODE_PRODUCT) {
        return of_products(a, b, out, err);
    }
    if (same_operands(a, b) && (a->node == PA_NODE_COLUMNS || a->node == PA_NODE_ROWS)) {
        return of_blocks(a, b, out, err);
    }
    return of_elements(a, b, out, err);
}
