/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Eigenvalues of square matrices that need not be symmetric. */
#ifndef PA_LINALG_EIGEN_H
#define PA_LINALG_EIGEN_H
#include "linalg/view.h"

/**
 * All eigenvalues of a square matrix, real and imaginary parts, in descending order of magnitude; of a complex pair
 * the one with the positive imaginary part comes first. PA_ERR_NONFINITE, _NOCONV, _NOMEM, _LIMIT.
 */
pa_status pa_eigenvalues(const pa_allocator *mem, pa_view a, double *real, double *imag, pa_error *err);
#endif
