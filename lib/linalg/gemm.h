/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Matrix product. */
#ifndef PA_LINALG_GEMM_H
#define PA_LINALG_GEMM_H
#include "linalg/view.h"

/** Layout of a product's result. */
typedef enum pa_layout { PA_ROW_MAJOR, PA_COLUMN_MAJOR } pa_layout;

/**
 * C = alpha A B + beta C, with C [a.rows, b.cols] stored by `layout` with leading dimension `ld`.
 * PA_ERR_LIMIT when a side exceeds what the BLAS can count. `beta` 0 does not read C.
 */
pa_status pa_gemm(double alpha, pa_view a, pa_view b, double beta, pa_layout layout, double *c, int64_t ld,
                  pa_error *err);

/** C = A B of packed row-major A [n, k] and B [k, p] in single precision. */
pa_status pa_gemm_f32(const float *a, const float *b, int64_t n, int64_t k, int64_t p, float *c, pa_error *err);

/** PA_OK when every number fits the BLAS' integer, else PA_ERR_LIMIT. */
pa_status pa_blas_size_check(int64_t a, int64_t b, int64_t c, pa_error *err);
#endif
