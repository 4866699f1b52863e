/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Mean and central moments of many numbers, added block by block and merged without cancellation.
 *
 * Blocks are reduced in two passes and merged by the formulas of Chan and Pebay, so that a large mean costs no digits.
 * Powers cannot leave the range of doubles: numbers so large or small are held divided by a power of two.
 */
#ifndef PA_LINALG_MOMENTS_H
#define PA_LINALG_MOMENTS_H
#include <stdint.h>

/** Zero-initialised: of no numbers. */
typedef struct pa_moments {
    int64_t count;
    int exponent; /**< What follows is of the numbers times 2^-exponent. */
    double mean;
    double m2; /**< Sums of the second to fourth powers of deviations from the mean. */
    double m3;
    double m4;
} pa_moments;

/** Add finite numbers. The result depends on how they are split into calls, in the last bits. */
void pa_moments_add(pa_moments *moments, const double *x, int64_t count);

/** As if all numbers of `other` had been added. */
void pa_moments_merge(pa_moments *moments, const pa_moments *other);

/** @name Of at least one number; `sd` divides by the count
 * @{ */
double pa_moments_mean(const pa_moments *moments);
double pa_moments_sd(const pa_moments *moments);
double pa_moments_rms(const pa_moments *moments);
/** @} */

/** Whether all numbers agree up to rounding: the following two are then 0/0. */
int pa_moments_is_constant(const pa_moments *moments);
double pa_moments_skew(const pa_moments *moments);
/** Excess kurtosis: 0 for a normal distribution. */
double pa_moments_kurtosis(const pa_moments *moments);
#endif
