/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Elements in single precision, for counting only: those that lie in memory so, and those of a product of
 *        narrow-stored factors, which takes half the time of doubles.
 *
 * The product's relative rounding error, about 2^-24 sqrt(k) for inner size k, is a thousandth of the width of a bucket.
 */
#ifndef PA_MATRIX_VISIT_F32_H
#define PA_MATRIX_VISIT_F32_H
#include "matrix/matrix_impl.h"

typedef void (*pa_panel_f32_fn)(void *user, const float *panel, int64_t rows, int64_t cols);

/**
 * Visit all rows in order, in packed row-major panels whose size depends on the shape only. `*visited` is 0, and nothing
 * was visited, where single precision will not do: neither floats in memory nor a product, factors stored in doubles, or numbers near its limits.
 */
pa_status pa_matrix_visit_f32(const pa_matrix *m, pa_panel_f32_fn visit, void *user, int *visited, pa_error *err);
#endif
