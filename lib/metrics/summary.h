/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Named outputs that the metrics of distributions have in common. */
#ifndef PA_METRICS_SUMMARY_H
#define PA_METRICS_SUMMARY_H
#include <picoanalyze/metric.h>

#include "matrix/statistics.h"

/** What pa_summary_add() adds, for the catalogue. */
#define PA_SUMMARY_OUTPUTS                                                                                             \
    "mean, sd (divided by the count), skew, kurtosis (excess): moments of the finite elements; min, max, rms; q001, "  \
    "q01, q25, q50, q75, q99, q999: quantiles 0.001 ... 0.999, exact, interpolated linearly; median_abs: median of "   \
    "magnitudes; zero_share: share of exact zeros; nan_count, inf_count: elements left out of all else"

/** When its outputs have no number. */
#define PA_SUMMARY_STATES                                                                                              \
    "nonfinite: no element is finite; outputs skew, kurtosis: saturated below 4 elements, degenerate when all agree "  \
    "up to rounding"

/**
 * Add the outputs named above. When no element is finite all but the counts are, like `out` itself, nonfinite.
 */
pa_status pa_summary_add(const pa_distribution *d, pa_value *out, pa_error *err);
#endif
