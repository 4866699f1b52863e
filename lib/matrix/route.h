/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Which way an answer is computed, and what it costs: decided from shapes alone, in one place.
 *
 * Decisions depend on the expression only, never on what happens to be in a memo, on threads or on time: a result must
 * be the same whoever asked what before.
 */
#ifndef PA_MATRIX_ROUTE_H
#define PA_MATRIX_ROUTE_H
#include "base/text.h"
#include "matrix/matrix_impl.h"

/** How the narrow form of a matrix comes about; see narrow.c. */
typedef enum pa_narrow_route {
    PA_NARROW_ELEMENTS, /**< Its own elements, dense. */
    PA_NARROW_PRODUCT,  /**< Left factor times the narrow form of the right one. */
    PA_NARROW_COLUMNS,  /**< The narrow forms of the blocks, side by side. */
    PA_NARROW_SCALE     /**< The operand's, scaled. */
} pa_narrow_route;

typedef struct pa_narrow_plan {
    pa_narrow_route route;
    int64_t inner;    /**< Columns that the route gives. */
    int64_t cols;     /**< Columns of the narrow form: `inner`, or the number of rows after an LQ. */
    int32_t shortens; /**< Whether that LQ is made. */
    int32_t cholesky; /**< It is had from a Gram matrix, unless the condition number is too large for that. */
} pa_narrow_plan;

pa_narrow_plan pa_route_narrow(const pa_matrix *m);

/** How singular values are computed from the narrow form. */
typedef enum pa_spectrum_route {
    PA_SPECTRUM_SVD,
    PA_SPECTRUM_GRAM /**< Eigenvalues of the Gram matrix; the SVD after all when the condition number is too large. */
} pa_spectrum_route;

pa_spectrum_route pa_route_spectrum(const pa_matrix *m);

/** Relative error of a singular value that the Gram route may make: far below what binary32 storage leaves. */
#define PA_GRAM_TOLERANCE 1e-8

/** How the distribution of magnitudes is computed. */
typedef enum pa_order_route {
    PA_ORDER_SORT, /**< Exact. */
    PA_ORDER_COUNT /**< Counted in buckets of relative width 2^-11; exact sorting after all when that is too coarse. */
} pa_order_route;

pa_order_route pa_route_order(const pa_matrix *m);

/** What a matrix is made of, in a few words: "[768, 64] [64, 768]", "12 blocks side by side". */
pa_status pa_route_describe(const pa_matrix *m, pa_text *out, pa_error *err);

/** The way an answer is computed, in a few words: "Gram matrix of [768, 768], else SVD". */
pa_status pa_route_name(const pa_matrix *m, pa_query query, pa_text *out, pa_error *err);

/** Floating-point operations of an answer from all elements, without structure: what the route is compared with. */
double pa_route_dense_flops(const pa_matrix *m, pa_query query);

/** Floating-point operations of an answer, for a matrix whose memo is empty; an estimate for plans and schedules. */
double pa_route_flops(const pa_matrix *m, pa_query query);
#endif
