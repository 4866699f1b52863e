/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What metrics of singular values share. */
#ifndef PA_METRICS_SPECTRAL_H
#define PA_METRICS_SPECTRAL_H
#include <picoanalyze/metric.h>

/**
 * The singular values of a matrix, with its ranks noted in `out`. When the matrix is zero `out` becomes degenerate;
 * look at its state before using sigma[0].
 */
pa_status pa_spectrum_of(const pa_matrix *m, const double **sigma, int64_t *k, pa_value *out, pa_error *err);
#endif
