/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The triangular factor of a well-conditioned matrix, at a fraction of the cost of an LQ. */
#ifndef PA_LINALG_CHOLESKY_H
#define PA_LINALG_CHOLESKY_H
#include "linalg/view.h"

/**
 * L of A = L Q, as pa_lq() gives it, from A A^T = L L^T: [a.rows, a.rows] column-major, zero above the diagonal.
 *
 * Squaring squares the condition number kappa of A. What rounding adds to A A^T changes L to L (1 + E) with |E| about
 * 2^-52 kappa^2, and so every singular value of every product B L by that at most, relatively. `accurate` says whether
 * that is within `tolerance`; if not, or if A has more rows than columns, `l` is of no use.
 */
pa_status pa_lq_by_cholesky(const pa_allocator *mem, pa_view a, double tolerance, double *l, int *accurate,
                            pa_error *err);
#endif
