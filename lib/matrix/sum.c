/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Sums and differences that stay as thin as their terms: of products, and block by block of concatenations.
 */
#include <math.h>

#include "matrix/matrix_impl.h"

/* A term without its factor. */
typedef struct term {
    const pa_matrix *m;
    double factor;
} term;

static term term_of(const pa_matrix *m)
{
    term t = {m, 1.0};
    while (t.m->node == PA_NODE_SCALE && isfinite(t.factor * t.m->factor)) {
        t.factor *= t.m->factor;
        t.m = t.m->operands[0];
    }
    return t;
}

static pa_status scaled(const pa_matrix *m, double factor, pa_matrix **out, pa_error *err)
{
    if (factor < 1.0 || factor > 1.0) {
        return pa_matrix_scale(m, factor, out, err);
    }
    *out = pa_matrix_retain(m);
    return PA_OK;
}

static pa_status difference(const pa_matrix *a, const pa_matrix *b, pa_matrix **out, pa_error *err)
{
    pa_matrix *negative = NULL;
    pa_status status = pa_matrix_scale(b, -1.0, &negative, err);
    if (status == PA_OK) {
        status = pa_matrix_sum(a, negative, out, err);
    }
    pa_matrix_destroy(negative);
    return status;
}

/* [first second] [third; fourth] */
static pa_status joined(pa_matrix *const lefts[2], pa_matrix *const rights[2], pa_matrix **out, pa_error *err)
{
    pa_matrix *left = NULL;
    pa_matrix *right = NULL;
    pa_status status = pa_matrix_concat_columns((const pa_matrix *const *)lefts, 2, &left, err);
    if (status == PA_OK) {
        status = pa_matrix_concat_rows((const pa_matrix *const *)rights, 2, &right, err);
    }
    if (status == PA_OK) {
        status = pa_matrix_product(left, right, out, err);
    }
    pa_matrix_destroy(left);
    pa_matrix_destroy(right);
    return status;
}

static int is_thin_sum(const term *a, const term *b)
{
    const int64_t side = a->m->rows < a->m->cols ? a->m->rows : a->m->cols;
    return a->m->node == PA_NODE_PRODUCT && b->m->node == PA_NODE_PRODUCT &&
           a->m->operands[0]->cols + b->m->operands[0]->cols < side;
}

/*
 * A B - A' B' = [A - A'  A'] [B; B - B']: the differences are taken of elements, where nothing is lost, so that the
 * result is as exact as they are, and exactly zero for equal terms. Any other sum of A B and A' B' is [A A'] [B; B'].
 */
static pa_status sum_of_products(const term *a, const term *b, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *lefts[2] = {NULL, NULL};
    pa_matrix *rights[2] = {NULL, NULL};
    const pa_matrix *const *x = a->m->operands;
    const pa_matrix *const *y = b->m->operands;
    const int opposite = !(a->factor + b->factor < 0.0 || a->factor + b->factor > 0.0);
    if (opposite && x[0]->cols == y[0]->cols) {
        pa_matrix *step = NULL;
        status = difference(x[0], y[0], &step, err);
        status = status == PA_OK ? scaled(step, a->factor, &lefts[0], err) : status;
        pa_matrix_destroy(step);
        PA_TRY(status);
        PA_TRY(scaled(y[0], a->factor, &lefts[1], err));
        rights[0] = pa_matrix_retain(x[1]);
        PA_TRY(difference(x[1], y[1], &rights[1], err));
    } else {
        PA_TRY(scaled(x[0], a->factor, &lefts[0], err));
        PA_TRY(scaled(y[0], b->factor, &lefts[1], err));
        rights[0] = pa_matrix_retain(x[1]);
        rights[1] = pa_matrix_retain(y[1]);
    }
    PA_TRY(joined(lefts, rights, out, err));

cleanup:
    for (int i = 0; i < 2; i++) {
        pa_matrix_destroy(lefts[i]);
        pa_matrix_destroy(rights[i]);
    }
    return status;
}

/* Blocks of equal shapes in both, and something to keep in them. */
static int is_sum_of_blocks(const pa_matrix *a, const pa_matrix *b)
{
    int has_product = 0;
    if ((a->node != PA_NODE_COLUMNS && a->node != PA_NODE_ROWS) || b->node != a->node ||
        a->n_operands != b->n_operands) {
        return 0;
    }
    for (int64_t i = 0; i < a->n_operands; i++) {
        const pa_matrix *x = a->operands[i];
        const pa_matrix *y = b->operands[i];
        if (x->rows != y->rows || x->cols != y->cols) {
            return 0;
        }
        has_product |= x->node == PA_NODE_PRODUCT && y->node == PA_NODE_PRODUCT;
    }
    return has_product;
}

static pa_status sum_of_block(const term *a, const term *b, int64_t i, pa_matrix **out, pa_error *err)
{
    pa_matrix *first = NULL;
    pa_matrix *second = NULL;
    pa_status status = scaled(a->m->operands[i], a->factor, &first, err);
    if (status == PA_OK) {
        status = scaled(b->m->operands[i], b->factor, &second, err);
    }
    if (status == PA_OK) {
        status = pa_matrix_sum(first, second, out, err);
    }
    pa_matrix_destroy(first);
    pa_matrix_destroy(second);
    return status;
}

static pa_status sum_of_blocks(const term *a, const term *b, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &a->m->ctx->mem;
    const int64_t n = a->m->n_operands;
    pa_matrix **blocks = pa_alloc(mem, n, sizeof(*blocks));
    PA_REQUIRE_MEMORY(blocks, err, "a sum");
    for (int64_t i = 0; i < n; i++) {
        PA_TRY(sum_of_block(a, b, i, &blocks[i], err));
    }
    PA_TRY(a->m->node == PA_NODE_COLUMNS ? pa_matrix_concat_columns((const pa_matrix *const *)blocks, n, out, err)
                                         : pa_matrix_concat_rows((const pa_matrix *const *)blocks, n, out, err));

cleanup:
    for (int64_t i = 0; blocks != NULL && i < n; i++) {
        pa_matrix_destroy(blocks[i]);
    }
    pa_free(mem, blocks);
    return status;
}

pa_status pa_matrix_sum(const pa_matrix *a, const pa_matrix *b, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    *out = NULL;
    PA_REQUIRE(a != NULL && b != NULL, err, PA_ERR_INVALID, "no operand");
    PA_REQUIRE(a->rows == b->rows && a->cols == b->cols, err, PA_ERR_SHAPE, "[%lld, %lld] plus [%lld, %lld]",
               (long long)a->rows, (long long)a->cols, (long long)b->rows, (long long)b->cols);
    PA_REQUIRE(a->ctx == b->ctx, err, PA_ERR_INVALID, "operands of different contexts");
    const term first = term_of(a);
    const term second = term_of(b);
    if (is_thin_sum(&first, &second)) {
        PA_TRY(sum_of_products(&first, &second, out, err));
    } else if (is_sum_of_blocks(first.m, second.m)) {
        PA_TRY(sum_of_blocks(&first, &second, out, err));
    } else {
        PA_TRY(pa_node_create(a->ctx, PA_NODE_SUM, (const pa_matrix *const[]){a, b}, 2, out, err));
        (*out)->rows = a->rows;
        (*out)->cols = a->cols;
    }

cleanup:
    return status;
}
