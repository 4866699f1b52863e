/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Canonical correlations between the column spaces of two matrices, truncated at their ranks or before. */
#ifndef PA_METRICS_CANONICAL_H
#define PA_METRICS_CANONICAL_H
#include <picoanalyze/metric.h>

/** The centred inputs, or NULL and a state in `value` when all columns of one are constant. */
pa_status pa_canonical_inputs(const pa_matrix *const *in, const pa_matrix *centered[2], pa_value *value, pa_error *err);

/** Whether one of two subspaces of centred vectors holds all of them; `value` then gets its state. */
int pa_canonical_saturated(pa_value *value, int64_t x_dims, int64_t y_dims);

/** Orthonormal basis of the `dims` directions along which a centred matrix varies most, at most its rank. */
pa_status pa_canonical_basis(const pa_matrix *centered, int64_t dims, pa_matrix **out, pa_error *err);

/** Q^T M. */
pa_status pa_canonical_project(const pa_matrix *q, const pa_matrix *m, pa_matrix **out, pa_error *err);

/** The value out of correlations. */
typedef enum pa_canonical_summary { PA_CANONICAL_MEAN, PA_CANONICAL_R2 } pa_canonical_summary;

/** Sets the value, and the output `correlations`, for the first directions of two centred matrices. */
pa_status pa_canonical_compute(const pa_matrix *const centered[2], int64_t x_dims, int64_t y_dims,
                               pa_canonical_summary summary, pa_value *value, pa_error *err);
#endif
