/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What a matrix is inside: a node of an expression, and the memo of what has been derived from it. */
#ifndef PA_MATRIX_MATRIX_IMPL_H
#define PA_MATRIX_MATRIX_IMPL_H
#include <pthread.h>

#include <picoanalyze/matrix.h>

#include "base/alloc.h"
#include "base/context_impl.h"
#include "linalg/float_sums.h"
#include "linalg/view.h"
#include "matrix/buffer.h"

typedef enum pa_node {
    PA_NODE_LEAF,      /**< A strided view of a buffer. */
    PA_NODE_SLICE,     /**< Rows and columns of an operand that slicing cannot be pushed into. */
    PA_NODE_TRANSPOSE, /**< Likewise for transposition. */
    PA_NODE_PRODUCT,
    PA_NODE_SUM,
    PA_NODE_SCALE,
    PA_NODE_COLUMNS, /**< Operands side by side. */
    PA_NODE_ROWS,    /**< Operands one above the other. */
    PA_NODE_CENTER   /**< Column means subtracted, where that cannot be pushed into the operand. */
} pa_node;

/** What can be asked and is remembered. The values are indices into the table of memo.c. */
typedef enum pa_query {
    PA_QUERY_NONFINITE,
    PA_QUERY_DENSE,
    PA_QUERY_COLUMNS,
    PA_QUERY_DISTRIBUTION,
    PA_QUERY_EIGENVALUES,
    PA_QUERY_NARROW,
    PA_QUERY_ENTRIES,
    PA_QUERY_SUM_ABS,
    PA_QUERY_SORTED,
    PA_QUERY_COUNTED,
    PA_QUERY_GROUPS,
    PA_QUERY_FROBENIUS,
    PA_QUERY_GRAM_NORM,
    PA_QUERY_ROW_NORMS,
    PA_QUERY_SINGULAR_VALUES,
    PA_QUERY_LEFT_VECTORS,
    PA_QUERY_COLUMN_MEANS,
    PA_QUERY_CENTERED,
    PA_QUERY_STANDARDIZED,
    PA_N_QUERIES
} pa_query;

typedef struct pa_slot {
    pthread_mutex_t lock; /**< Held while the answer is computed. */
    atomic_int ready;
} pa_slot;

/** Backs a pa_magnitude_groups. */
typedef struct pa_groups {
    int64_t *counts;
    double *means;
    int64_t n;
} pa_groups;

/** Backs a pa_column_statistics. */
typedef struct pa_columns {
    int64_t *counts;
    double *numbers; /**< means, sds, max, max_abs, mean_abs, scores: `cols` of each. */
} pa_columns;

/** Answers; each is written once, by the holder of its slot's lock, and never changes after. */
typedef struct pa_memo {
    atomic_int references;
    pa_matrix *self; /**< The matrix that this is the memo of, for those who hold it as const. */
    pa_slot slots[PA_N_QUERIES];
    int64_t nonfinite;
    pa_float_sums float_sums; /**< Of pa_matrix_floats(), together with `nonfinite`. */
    double *dense;            /**< Row-major. */
    double *narrow_values;    /**< Backs `narrow` unless that borrows from a buffer or from `dense`. */
    pa_view narrow;
    pa_entry_stats stats;
    double sum_abs;
    double *row_abs_sums;
    double *sorted;
    pa_groups counted;
    double counted_error;       /**< Bound on the error of a Gini coefficient from `counted`. */
    pa_groups distinct;         /**< Of `sorted`. */
    pa_magnitude_groups groups; /**< One of the two. */
    double frobenius;
    double gram_norm; /**< ||A A^T||_F^2. */
    double *row_norms;
    double *sigma;
    double *eigenvalues; /**< `n_eigenvalues` real parts, then as many imaginary ones. */
    int64_t n_eigenvalues;
    struct pa_distribution *distribution; /**< See statistics.h. */
    pa_columns columns;
    pa_matrix *left;
    double *means;
    pa_matrix *centered;
    pa_matrix *standardized; /**< NULL also when there is none. */
} pa_memo;

struct pa_matrix {
    pa_context *ctx;
    pa_node node;
    pa_dtype dtype;
    int64_t rows;
    int64_t cols;
    int64_t depth; /**< Of the expression; bounds the recursion. */
    /** A companion (centred, left vectors ...) lives as long as the matrix it was derived from and counts on it;
     *  NULL for a matrix of its own. */
    const pa_matrix *owner;
    pa_memo *memo;
    pa_buffer *buffer;  /**< Leaf. */
    int64_t offset;     /**< Leaf: of element (0, 0) in the buffer. */
    int64_t row_stride; /**< Leaf. */
    int64_t col_stride; /**< Leaf. */
    int64_t first_row;  /**< Slice. */
    int64_t first_col;  /**< Slice. */
    double factor;      /**< Scale. */
    int64_t n_operands;
    const pa_matrix *operands[];
};

/** @name matrix.c
 * @{ */
/** A node with its own references to the operands; shape, dtype and the rest are the caller's to set. */
pa_status pa_node_create(pa_context *ctx, pa_node node, const pa_matrix *const *operands, int64_t n_operands,
                         pa_matrix **out, pa_error *err);
/** A leaf over a buffer whose reference it takes on success. */
pa_status pa_leaf_create(pa_context *ctx, pa_buffer *buffer, pa_dtype dtype, int64_t rows, int64_t cols,
                         int64_t row_stride, int64_t col_stride, pa_matrix **out, pa_error *err);
/** Make a fresh matrix the companion of another: it is freed with it and shares its count. */
void pa_matrix_adopt(const pa_matrix *owner, pa_matrix *companion);
/** Free a companion that was adopted. */
void pa_companion_free(pa_matrix *companion);
/** @} */

/** @name memo.c
 * @{ */
pa_status pa_memo_create(const pa_allocator *mem, pa_memo **out, pa_error *err);
void pa_memo_free(const pa_allocator *mem, pa_memo *memo);
/** Make sure that an answer is in the memo; computed at most once, by one thread, with one BLAS thread. */
pa_status pa_matrix_ask(const pa_matrix *m, pa_query query, pa_error *err);
/** One per query: compute and store. Called by pa_matrix_ask() only. */
pa_status pa_compute_nonfinite(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_dense(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_columns(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_distribution(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_eigenvalues(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_narrow(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_entries(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_sum_abs(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_sorted(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_counted(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_groups(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_frobenius(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_gram_norm(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_row_norms(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_singular_values(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_left_vectors(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_column_means(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_centered(const pa_matrix *m, pa_memo *memo, pa_error *err);
pa_status pa_compute_standardized(const pa_matrix *m, pa_memo *memo, pa_error *err);
/** @} */

/** @name evaluate.c
 * @{ */
/** All elements, row after row, where they are many and in memory in single precision; else NULL. See buffer.h. */
const float *pa_matrix_floats(const pa_matrix *m);
/** All elements as a view: a leaf's own, otherwise the dense memo. */
pa_status pa_matrix_view(const pa_matrix *m, pa_view *out, pa_error *err);
/** Rows `row` ... `row + rows - 1`, written row-major with leading dimension `ld`. */
pa_status pa_matrix_evaluate(const pa_matrix *m, int64_t row, int64_t rows, double *dst, int64_t ld, pa_error *err);
/** A visitor of consecutive rows; `panel` is packed row-major. */
typedef void (*pa_panel_fn)(void *user, const double *panel, int64_t row, int64_t rows, int64_t cols);
/** Visit all rows in order, in panels whose size depends on the shape only. */
pa_status pa_matrix_visit(const pa_matrix *m, pa_panel_fn visit, void *user, pa_error *err);
/** @} */

/** `a * b` elements of 8 bytes, or -1 when that is more than can exist: pa_alloc() then fails. */
static inline int64_t pa_area(int64_t a, int64_t b)
{
    int64_t area = 0;
    return __builtin_mul_overflow(a, b, &area) || area > INT64_MAX / 16 ? -1 : area;
}
#endif
