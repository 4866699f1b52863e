/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Singular values and left singular vectors. */
#ifndef PA_LINALG_SVD_H
#define PA_LINALG_SVD_H
#include "linalg/view.h"

/**
 * All k = min(rows, cols) singular values in descending order, and, unless `u` is NULL, the left singular vectors as
 * the columns of U [rows, k], column-major. Elements must be finite. PA_ERR_NOCONV, PA_ERR_NOMEM, PA_ERR_LIMIT.
 */
pa_status pa_svd(const pa_allocator *mem, pa_view a, double *sigma, double *u, pa_error *err);
#endif
