/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/gemm.h"

#include <cblas.h>
#include <string.h>

#include "linalg/blas_threads.h"

enum { TILE = 32 };

/* Copies so that both sides are walked in cache-sized tiles. `dst_row`, `dst_col`: strides of the packed copy. */
static void copy_tiled(pa_view a, double *dst, int64_t dst_row, int64_t dst_col)
{
    for (int64_t i0 = 0; i0 < a.rows; i0 += TILE) {
        const int64_t i1 = i0 + TILE < a.rows ? i0 + TILE : a.rows;
        for (int64_t j0 = 0; j0 < a.cols; j0 += TILE) {
            const int64_t j1 = j0 + TILE < a.cols ? j0 + TILE : a.cols;
            for (int64_t i = i0; i < i1; i++) {
                for (int64_t j = j0; j < j1; j++) {
                    dst[i * dst_row + j * dst_col] = a.data[i * a.row_stride + j * a.col_stride];
                }
            }
        }
    }
}

void pa_view_copy_row_major(pa_view a, double *dst)
{
    if (a.rows > 0 && a.cols > 0 && a.col_stride == 1) {
        for (int64_t i = 0; i < a.rows; i++) {
            memcpy(dst + i * a.cols, a.data + i * a.row_stride, (size_t)a.cols * sizeof(*dst));
        }
    } else {
        copy_tiled(a, dst, a.cols, 1);
    }
}

void pa_view_copy_column_major(pa_view a, double *dst)
{
    pa_view_copy_row_major(pa_view_transpose(a), dst);
}

pa_status pa_blas_size_check(int64_t a, int64_t b, int64_t c, pa_error *err)
{
    const int64_t limit = INT32_MAX;
    if (a > limit || b > limit || c > limit) {
        return pa_fail(err, PA_ERR_LIMIT, "a matrix side of %lld is beyond what the BLAS can count",
                       (long long)(a > limit   ? a
                                   : b > limit ? b
                                               : c));
    }
    return PA_OK;
}

/* How the BLAS, told that matrices are stored by columns, sees a view: as it is or transposed. */
typedef struct operand {
    CBLAS_TRANSPOSE transpose;
    blasint ld;
} operand;

static operand as_column_major(pa_view a)
{
    operand o = {CblasNoTrans, 1};
    if (a.row_stride == 1 || a.rows <= 1) {
        o.ld = (blasint)(a.col_stride > a.rows ? a.col_stride : a.rows);
        if (a.cols > 1) {
            o.ld = (blasint)a.col_stride;
        }
    } else {
        o.transpose = CblasTrans;
        o.ld = (blasint)(a.cols > 1 || a.row_stride >= a.cols ? a.row_stride : a.cols);
    }
    if (o.ld < 1) {
        o.ld = 1;
    }
    return o;
}

pa_status pa_gemm(double alpha, pa_view a, pa_view b, double beta, pa_layout layout, double *c, int64_t ld,
                  pa_error *err)
{
    if (layout == PA_ROW_MAJOR) { /* C^T = B^T A^T is stored by columns */
        const pa_view transposed = pa_view_transpose(b);
        b = pa_view_transpose(a);
        a = transposed;
    }
    const int64_t strides = a.row_stride > a.col_stride ? a.row_stride : a.col_stride;
    const int64_t more = b.row_stride > b.col_stride ? b.row_stride : b.col_stride;
    pa_status status = PA_OK;
    PA_TRY(pa_blas_size_check(a.rows, a.cols, b.cols, err));
    PA_TRY(pa_blas_size_check(strides, more, ld, err));
    if (a.cols == 0 && beta == 0.0) { /* an empty sum; not every BLAS writes it */
        for (int64_t j = 0; j < b.cols; j++) {
            memset(c + j * ld, 0, (size_t)a.rows * sizeof(*c));
        }
    } else if (a.rows > 0 && b.cols > 0) {
        const operand left = as_column_major(a);
        const operand right = as_column_major(b);
        PA_BLAS_CALL(err, cblas_dgemm(CblasColMajor, left.transpose, right.transpose, (blasint)a.rows, (blasint)b.cols,
                                      (blasint)a.cols, alpha, a.data, left.ld, b.data, right.ld, beta, c, (blasint)ld));
    }

cleanup:
    return status;
}

pa_status pa_gemm_f32(const float *a, const float *b, int64_t n, int64_t k, int64_t p, float *c, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_blas_size_check(n, k, p, err));
    if (n > 0 && p > 0) {
        PA_BLAS_CALL(err, cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)n, (blasint)p, (blasint)k,
                                      1.0F, a, (blasint)k, b, (blasint)p, 0.0F, c, (blasint)p));
    }

cleanup:
    return status;
}
