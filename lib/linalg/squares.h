/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Sum of squares of single-precision numbers in memory, at the speed of memory. */
#ifndef PA_LINALG_SQUARES_H
#define PA_LINALG_SQUARES_H
#include <stdint.h>

/**
 * In a fixed order, the same on every processor. The square of a finite binary32 is far inside the range of doubles, so
 * that the sum is finite if and only if all numbers are.
 */
double pa_sum_squares_f32(const float *x, int64_t count);
#endif
