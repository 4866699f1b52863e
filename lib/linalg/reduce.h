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

/**
 * Multiply by a power of two when the largest magnitude is so large or small that a factorization's inner products would
 * leave the range of doubles; exact but for denormals. Returns the exponent e: x = (scaled x) 2^e; most often 0.
 */
int pa_scale_into_range(double *x, int64_t count);

/** Multiply by 2^exponent. */
void pa_scale_back(double *x, int64_t count, int exponent);
#endif
