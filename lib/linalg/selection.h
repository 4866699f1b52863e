/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Exact order statistics (quantiles) of numbers that come by twice, without sorting or keeping them all.
 *
 * The first time numbers are counted by their leading 16 bits; the second time only those that share them with a wanted
 * rank are kept and sorted: a few hundredths of them for common data, all of them for constant data.
 */
#ifndef PA_LINALG_SELECTION_H
#define PA_LINALG_SELECTION_H
#include "base/error.h"

typedef struct pa_selection pa_selection;

pa_status pa_selection_create(const pa_allocator *mem, pa_selection **out, pa_error *err);
void pa_selection_destroy(pa_selection *selection);

/** First time: count finite numbers. */
void pa_selection_count(pa_selection *selection, const double *x, int64_t count);

/** In between: ask for a quantile, 0 <= q <= 1, of at least one number. At most 8 different ones. */
pa_status pa_selection_want(pa_selection *selection, double q, pa_error *err);

/** Second time: the same numbers, in any order. */
void pa_selection_collect(pa_selection *selection, const double *x, int64_t count);

/** After the second time, before any reading. */
pa_status pa_selection_finish(pa_selection *selection, pa_error *err);

/**
 * A quantile that was wanted: with h = q (n - 1) the number of rank floor(h) from 0 on, and towards the next by what
 * is left of h (definition 7 of Hyndman and Fan, that of NumPy and R).
 */
double pa_selection_quantile(const pa_selection *selection, double q);
#endif
