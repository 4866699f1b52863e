/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Counts and sums of magnitudes in buckets of equal leading bits: one pass instead of a sort, and they add up.
 *
 * A bucket is what has the same exponent and the same 11 leading bits of the mantissa: magnitudes in one bucket differ
 * by less than 2^-11 of themselves. Only exponents that occur take memory, 32 KiB each.
 */
#ifndef PA_LINALG_HISTOGRAM_H
#define PA_LINALG_HISTOGRAM_H
#include "base/error.h"

/** Leading bits of the mantissa that tell buckets apart. */
enum { PA_HISTOGRAM_BITS = 11 };

typedef struct pa_histogram pa_histogram;

pa_status pa_histogram_create(const pa_allocator *mem, pa_histogram **out, pa_error *err);
void pa_histogram_destroy(pa_histogram *histogram);

/** Count finite numbers, in either precision. PA_ERR_NOMEM leaves the histogram unusable. */
pa_status pa_histogram_add_f64(pa_histogram *histogram, const double *x, int64_t count, pa_error *err);
pa_status pa_histogram_add_f32(pa_histogram *histogram, const float *x, int64_t count, pa_error *err);

/** Count `counts[i]` numbers of mean `means[i]`, as pa_histogram_read() gives them: for the distribution of a union. */
pa_status pa_histogram_add_groups(pa_histogram *histogram, const int64_t *counts, const double *means, int64_t n,
                                  pa_error *err);

/** Number of buckets that are not empty. */
int64_t pa_histogram_size(const pa_histogram *histogram);

/** The buckets that are not empty in ascending order; the arrays have pa_histogram_size() elements. */
void pa_histogram_read(const pa_histogram *histogram, int64_t *counts, double *means);

/**
 * Bound on the error of the Gini coefficient when the elements of a bucket are taken to be in any order: with c
 * elements of a bucket of width w, sum of c^2 w / (4 N S) over the buckets, N elements of sum S in all.
 */
double pa_histogram_gini_error(const pa_histogram *histogram);
#endif
