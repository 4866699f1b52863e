/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Singular values by way of the Gram matrix: a fraction of the work of an SVD, for matrices that allow it. */
#ifndef PA_LINALG_GRAM_H
#define PA_LINALG_GRAM_H
#include "linalg/view.h"

/** The lower triangle of A A^T, [a.rows, a.rows] by columns; what is above the diagonal stays as it is. */
pa_status pa_gram_lower(pa_view a, double *gram, pa_error *err);

/**
 * The singular values of A, descending, as roots of the eigenvalues of its smaller Gram matrix. Squaring squares the
 * condition number: the relative error of the smallest value is about 2^-52 kappa^2. `*accurate` is 1 when that stays
 * below `tolerance`; else 0, and `sigma` is not to be used. Elements must be finite. PA_ERR_NOCONV, _NOMEM, _LIMIT.
 */
pa_status pa_gram_singular_values(const pa_allocator *mem, pa_view a, double tolerance, double *sigma, int *accurate,
                                  pa_error *err);
#endif
