/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The last look at numbers before LAPACK gets them. */
#ifndef PA_LINALG_FINITE_H
#define PA_LINALG_FINITE_H
#include <stdint.h>

#include "base/error.h"

/**
 * PA_OK when all `count` elements are finite, else PA_ERR_NONFINITE. Of finite matrices a product may overflow, and
 * LAPACK prints, or returns nonsense and reports success.
 */
pa_status pa_finite_check(const double *x, int64_t count, pa_error *err);
#endif
