/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Constructors of expressions. They simplify where algebra allows it for free: transposes and slices move down to the
 * leaves, chains of products are associated the cheaper way, concatenations share common factors. What is left of
 * structure is what narrow.c and evaluate.c then make use of.
 */
#include <math.h>

#include "matrix/matrix_impl.h"

static pa_status check_operand(const pa_matrix *m, pa_error *err)
{
    return m != NULL ? PA_OK : pa_fail(err, PA_ERR_INVALID, "no operand");
}

static void set_shape(pa_matrix *m, int64_t rows, int64_t cols)
{
    m->rows = rows;
    m->cols = cols;
}

static pa_status binary(pa_node node, const pa_matrix *a, const pa_matrix *b, int64_t rows, int64_t cols,
                        pa_matrix **out, pa_error *err)
{
    const pa_matrix *const operands[2] = {a, b};
    const pa_status status = pa_node_create(a->ctx, node, operands, 2, out, err);
    if (status == PA_OK) {
        set_shape(*out, rows, cols);
    }
    return status;
}

static pa_status unary(pa_node node, const pa_matrix *m, int64_t rows, int64_t cols, pa_matrix **out, pa_error *err)
{
    const pa_status status = pa_node_create(m->ctx, node, &m, 1, out, err);
    if (status == PA_OK) {
        set_shape(*out, rows, cols);
    }
    return status;
}

/* Multiply-adds of the chain a b c for the two ways to associate it. */
static double left_first(const pa_matrix *a, const pa_matrix *b, const pa_matrix *c)
{
    return (double)a->rows * (double)a->cols * (double)b->cols + (double)a->rows * (double)b->cols * (double)c->cols;
}

static double right_first(const pa_matrix *a, const pa_matrix *b, const pa_matrix *c)
{
    return (double)b->rows * (double)b->cols * (double)c->cols + (double)a->rows * (double)a->cols * (double)c->cols;
}

/* (a b) c out of three factors. */
static pa_status product_of_three(const pa_matrix *a, const pa_matrix *b, const pa_matrix *c, pa_matrix **out,
                                  pa_error *err)
{
    pa_matrix *ab = NULL;
    pa_status status = pa_matrix_product(a, b, &ab, err);
    if (status == PA_OK) {
        status = binary(PA_NODE_PRODUCT, ab, c, a->rows, c->cols, out, err);
    }
    pa_matrix_destroy(ab);
    return status;
}

/* a [b1 b2 ...] = [a b1, a b2, ...]: each block then keeps its own structure. */
static pa_status distribute(const pa_matrix *a, const pa_matrix *columns, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &a->ctx->mem;
    const int64_t n = columns->n_operands;
    pa_matrix **parts = pa_alloc(mem, n, sizeof(*parts));
    PA_REQUIRE_MEMORY(parts, err, "a product");
    for (int64_t i = 0; i < n; i++) {
        PA_TRY(pa_matrix_product(a, columns->operands[i], &parts[i], err));
    }
    PA_TRY(pa_node_create(a->ctx, PA_NODE_COLUMNS, (const pa_matrix *const *)parts, n, out, err));
    set_shape(*out, a->rows, columns->cols);

cleanup:
    for (int64_t i = 0; parts != NULL && i < n; i++) {
        pa_matrix_destroy(parts[i]);
    }
    pa_free(mem, parts);
    return status;
}

static int has_product(const pa_matrix *columns)
{
    for (int64_t i = 0; i < columns->n_operands; i++) {
        if (columns->operands[i]->node == PA_NODE_PRODUCT) {
            return 1;
        }
    }
    return 0;
}

pa_status pa_matrix_product(const pa_matrix *a, const pa_matrix *b, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    *out = NULL;
    PA_TRY(check_operand(a, err));
    PA_TRY(check_operand(b, err));
    PA_REQUIRE(a->cols == b->rows, err, PA_ERR_SHAPE, "[%lld, %lld] times [%lld, %lld]", (long long)a->rows,
               (long long)a->cols, (long long)b->rows, (long long)b->cols);
    if (b->node == PA_NODE_COLUMNS && a->rows < b->rows && has_product(b)) {
        PA_TRY(distribute(a, b, out, err));
    } else if (b->node == PA_NODE_PRODUCT &&
               left_first(a, b->operands[0], b->operands[1]) < right_first(a, b->operands[0], b->operands[1])) {
        PA_TRY(product_of_three(a, b->operands[0], b->operands[1], out, err));
    } else {
        PA_TRY(binary(PA_NODE_PRODUCT, a, b, a->rows, b->cols, out, err));
    }

cleanup:
    return status;
}

pa_status pa_matrix_scale(const pa_matrix *m, double factor, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    *out = NULL;
    PA_TRY(check_operand(m, err));
    PA_REQUIRE(isfinite(factor), err, PA_ERR_INVALID, "the factor is not finite");
    PA_TRY(unary(PA_NODE_SCALE, m, m->rows, m->cols, out, err));
    (*out)->factor = factor;

cleanup:
    return status;
}

/* Where neighbours i ... j-1 are products with the same factor on side `shared` (0 left, 1 right), finds j. */
static int64_t run_of_shared(const pa_matrix *const *parts, int64_t n, int64_t i, int shared)
{
    int64_t j = i + 1;
    while (j < n && parts[i]->node == PA_NODE_PRODUCT && parts[j]->node == PA_NODE_PRODUCT &&
           parts[j]->operands[shared] == parts[i]->operands[shared]) {
        j++;
    }
    return j;
}

static pa_status concat(pa_node node, const pa_matrix *const *parts, int64_t n, pa_matrix **out, pa_error *err);

/* [A B1, A B2] = A [B1 B2], and the same for rows: out of parts that share their factor `shared`. */
static pa_status factor_out(pa_node node, const pa_matrix *const *parts, int64_t n, int shared, pa_matrix **out,
                            pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &parts[0]->ctx->mem;
    pa_matrix *rest = NULL;
    const pa_matrix **others = pa_alloc(mem, n, sizeof(*others));
    PA_REQUIRE_MEMORY(others, err, "a concatenation");
    for (int64_t i = 0; i < n; i++) {
        others[i] = parts[i]->operands[1 - shared];
    }
    PA_TRY(concat(node, others, n, &rest, err));
    const pa_matrix *common = parts[0]->operands[shared];
    const pa_matrix *left = shared == 0 ? common : rest;
    const pa_matrix *right = shared == 0 ? rest : common;
    PA_TRY(binary(PA_NODE_PRODUCT, left, right, left->rows, right->cols, out, err));

cleanup:
    pa_matrix_destroy(rest);
    pa_free(mem, others);
    return status;
}

static void set_concat_shape(pa_matrix *m)
{
    m->rows = m->operands[0]->rows;
    m->cols = m->operands[0]->cols;
    for (int64_t i = 1; i < m->n_operands; i++) {
        m->rows += m->node == PA_NODE_ROWS ? m->operands[i]->rows : 0;
        m->cols += m->node == PA_NODE_COLUMNS ? m->operands[i]->cols : 0;
    }
}

static pa_status concat(pa_node node, const pa_matrix *const *parts, int64_t n, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &parts[0]->ctx->mem;
    const int shared = node == PA_NODE_COLUMNS ? 0 : 1;
    int64_t groups = 0;
    pa_matrix **grouped = pa_alloc(mem, n, sizeof(*grouped));
    PA_REQUIRE_MEMORY(grouped, err, "a concatenation");
    for (int64_t i = 0; i < n; groups++) {
        const int64_t j = run_of_shared(parts, n, i, shared);
        if (j - i > 1) {
            PA_TRY(factor_out(node, parts + i, j - i, shared, &grouped[groups], err));
        } else {
            grouped[groups] = pa_matrix_retain(parts[i]);
        }
        i = j;
    }
    if (groups == 1) {
        *out = grouped[0];
        grouped[0] = NULL;
    } else {
        PA_TRY(pa_node_create(parts[0]->ctx, node, (const pa_matrix *const *)grouped, groups, out, err));
        set_concat_shape(*out);
    }

cleanup:
    for (int64_t i = 0; grouped != NULL && i < groups; i++) {
        pa_matrix_destroy(grouped[i]);
    }
    pa_free(mem, grouped);
    return status;
}

static pa_status check_parts(const pa_matrix *const *parts, int64_t n, pa_node node, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(parts != NULL && n >= 1, err, PA_ERR_INVALID, "nothing to concatenate");
    int64_t total = 0;
    for (int64_t i = 0; i < n; i++) {
        PA_TRY(check_operand(parts[i], err));
        PA_REQUIRE(parts[i]->ctx == parts[0]->ctx, err, PA_ERR_INVALID, "operands of different contexts");
        const int64_t side = node == PA_NODE_COLUMNS ? parts[i]->rows : parts[i]->cols;
        const int64_t first = node == PA_NODE_COLUMNS ? parts[0]->rows : parts[0]->cols;
        PA_REQUIRE(side == first, err, PA_ERR_SHAPE, "part %lld has %lld %s, part 0 has %lld", (long long)i,
                   (long long)side, node == PA_NODE_COLUMNS ? "rows" : "columns", (long long)first);
        const int64_t more = node == PA_NODE_COLUMNS ? parts[i]->cols : parts[i]->rows;
        PA_REQUIRE(!__builtin_add_overflow(total, more, &total), err, PA_ERR_LIMIT, "the concatenation is too large");
    }

cleanup:
    return status;
}

pa_status pa_matrix_concat_columns(const pa_matrix *const *parts, int64_t n_parts, pa_matrix **out, pa_error *err)
{
    *out = NULL;
    const pa_status status = check_parts(parts, n_parts, PA_NODE_COLUMNS, err);
    return status == PA_OK ? concat(PA_NODE_COLUMNS, parts, n_parts, out, err) : status;
}

pa_status pa_matrix_concat_rows(const pa_matrix *const *parts, int64_t n_parts, pa_matrix **out, pa_error *err)
{
    *out = NULL;
    const pa_status status = check_parts(parts, n_parts, PA_NODE_ROWS, err);
    return status == PA_OK ? concat(PA_NODE_ROWS, parts, n_parts, out, err) : status;
}
