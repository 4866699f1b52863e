/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Visiting what is finite of a matrix. */
#ifndef PA_MATRIX_STATISTICS_IMPL_H
#define PA_MATRIX_STATISTICS_IMPL_H
#include <math.h>

#include "matrix/matrix_impl.h"
#include "matrix/statistics.h"

/** A visitor of finite elements, at most 1024 at a time, in the order of rows. */
typedef void (*pa_finite_fn)(void *user, const double *x, int64_t count);

/** Visit all finite elements; the blocks depend on the shape and on which elements are finite only. */
pa_status pa_matrix_visit_finite(const pa_matrix *m, pa_finite_fn visit, void *user, pa_error *err);
#endif
