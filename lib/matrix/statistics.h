/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Queries about the distribution of elements: moments, quantiles, histograms, statistics of columns.
 *
 * All are of the finite elements; others are counted. Elements of an expression are visited some rows at a time and
 * never kept: a product is formed as often as it is visited.
 */
#ifndef PA_MATRIX_STATISTICS_H
#define PA_MATRIX_STATISTICS_H
#include <picoanalyze/matrix.h>

#include "linalg/moments.h"

/** Quantiles that a pa_distribution has, in ascending order. */
enum { PA_N_QUANTILES = 7, PA_MEDIAN = 3 };

/** 0.001, 0.01, 0.25, 0.5, 0.75, 0.99, 0.999. */
extern const double pa_quantile_levels[PA_N_QUANTILES];

/** The distribution of all elements. Everything but the counts is 0 when none is finite. */
typedef struct pa_distribution {
    int64_t zeros;
    int64_t nans;
    int64_t infinities;
    pa_moments moments; /**< With the number of finite elements. */
    double min;
    double max;
    double sum_abs; /**< May overflow to infinity. */
    double quantiles[PA_N_QUANTILES];
    double median_abs; /**< Median of magnitudes. */
} pa_distribution;

/** Two visits. Remembered. */
pa_status pa_matrix_distribution(const pa_matrix *m, pa_distribution *out, pa_error *err);

/** Elements whose magnitude exceeds a threshold; one visit, not remembered. */
pa_status pa_matrix_count_above(const pa_matrix *m, double threshold, int64_t *out, pa_error *err);

/** Statistics of each column: arrays of `cols` numbers, 0 where no element is finite. */
typedef struct pa_column_statistics {
    const int64_t *counts; /**< Finite elements. */
    const double *means;
    const double *sds; /**< Divided by the count. */
    const double *max;
    const double *max_abs;
    const double *mean_abs;
    const double *scores; /**< `mean_abs` over the mean magnitude of all elements; 0 when all are zero. */
} pa_column_statistics;

/** One visit after those of pa_matrix_distribution(). Remembered; the arrays are borrowed. */
pa_status pa_matrix_column_statistics(const pa_matrix *m, pa_column_statistics *out, pa_error *err);

/** A histogram over n_bins half-open bins [edges[i], edges[i + 1]), the last closed. */
typedef struct pa_bins {
    const double *edges; /**< n_bins + 1, ascending. */
    int64_t n_bins;
    double *counts; /**< Whole numbers, added to. */
    double below;
    double above;
} pa_bins;

/** Count elements in `linear`, whose bins are equally wide, and magnitudes of non-zero ones in `log`; one visit. */
pa_status pa_matrix_fill_bins(const pa_matrix *m, pa_bins *linear, pa_bins *log, pa_error *err);
#endif
