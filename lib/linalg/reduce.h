/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Sums in a fixed order, so that they do not depend on threads or on the BLAS in use. */
#ifndef PA_LINALG_REDUCE_H
#define PA_LINALG_REDUCE_H
#include "linalg/view.h"

/** Sum of magnitudes of `count` packed numbers. */
double pa_sum_abs(const double *x, int64_t count);

/** Sum of products of two packed arrays. */
double pa_dot(const double *x, const double *y, int64_t count);

/** Largest magnitude; 0 when there is none. */
double pa_max_abs(const double *x, int64_t count);

/** Root of the sum of squares over a view, safe against overflow and underflow. */
double pa_frobenius(pa_view a);
#endif
