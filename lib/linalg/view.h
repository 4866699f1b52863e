/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Dense matrices as the linear algebra layer sees them. */
#ifndef PA_LINALG_VIEW_H
#define PA_LINALG_VIEW_H
#include "base/error.h"

/** Read-only doubles. At least one stride is 1, or that side has at most one element. */
typedef struct pa_view {
    const double *data;
    int64_t rows;
    int64_t cols;
    int64_t row_stride; /**< In elements. */
    int64_t col_stride; /**< In elements. */
} pa_view;

static inline pa_view pa_view_row_major(const double *data, int64_t rows, int64_t cols)
{
    const pa_view view = {data, rows, cols, cols, 1};
    return view;
}

static inline pa_view pa_view_column_major(const double *data, int64_t rows, int64_t cols)
{
    const pa_view view = {data, rows, cols, 1, rows};
    return view;
}

static inline pa_view pa_view_transpose(pa_view a)
{
    const pa_view view = {a.data, a.cols, a.rows, a.col_stride, a.row_stride};
    return view;
}

static inline pa_view pa_view_slice(pa_view a, int64_t row, int64_t rows, int64_t col, int64_t cols)
{
    const pa_view view = {a.data, rows, cols, a.row_stride, a.col_stride};
    pa_view moved = view;
    if (rows > 0 && cols > 0) {
        moved.data = a.data + row * a.row_stride + col * a.col_stride;
    }
    return moved;
}

/** Copy to packed column-major (`dst[i + j * rows]`) or row-major (`dst[i * cols + j]`) order. */
void pa_view_copy_column_major(pa_view a, double *dst);
void pa_view_copy_row_major(pa_view a, double *dst);
#endif
