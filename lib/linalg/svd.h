/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Singular values and left singular vectors. */
#ifndef PA_LINALG_SVD_H
#define PA_LINALG_SVD_H
#include "linalg/view.h"

/** All min(rows, cols) singular values in descending order. Elements must be finite. PA_ERR_NOCONV, _NOMEM, _LIMIT. */
pa_status pa_svd_values(const pa_allocator *mem, pa_view a, double *sigma, pa_error *err);

/** The same with the left singular vectors as the columns of U [rows, min(rows, cols)], column-major. */
pa_status pa_svd_left(const pa_allocator *mem, pa_view a, double *sigma, double *u, pa_error *err);
#endif
