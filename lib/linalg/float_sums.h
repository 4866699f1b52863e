/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Sums over single-precision numbers in memory, at the speed of memory. */
#ifndef PA_LINALG_FLOAT_SUMS_H
#define PA_LINALG_FLOAT_SUMS_H
#include <stdint.h>

typedef struct pa_float_sums {
    double squares;    /**< Finite if and only if all numbers are: their squares are far inside the range of doubles. */
    double magnitudes; /**< Of |x|. */
} pa_float_sums;

/** In a fixed order, the same on every processor. */
pa_float_sums pa_sum_f32(const float *x, int64_t count);
#endif
