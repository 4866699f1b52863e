/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Triangular factors: the shape of a matrix without its orthogonal part. */
#ifndef PA_LINALG_QR_H
#define PA_LINALG_QR_H
#include "linalg/view.h"

/**
 * L of A = L Q with orthonormal rows of Q: [a.rows, k] column-major, k = min(a.rows, a.cols), zero above the diagonal.
 * A A^T = L L^T, without squaring the condition number. `l` has room for a.rows * k doubles.
 */
pa_status pa_lq(const pa_allocator *mem, pa_view a, double *l, pa_error *err);
#endif
