/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/gram.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>

#include "base/alloc.h"
#include "linalg/blas_threads.h"
#include "linalg/gemm.h"
#include "linalg/reduce.h"

/* Eigenvalues come a quarter faster from the lower triangle than from the upper one. */
pa_status pa_gram_lower(pa_view a, double *gram, pa_error *err)
{
    pa_status status = PA_OK;
    const int by_columns = a.row_stride == 1;
    const int64_t least = by_columns ? a.rows : a.cols; /* what the BLAS wants of a leading dimension */
    const int64_t stride = by_columns ? a.col_stride : a.row_stride;
    const int64_t ld = stride > least ? stride : least;
    PA_TRY(pa_blas_size_check(a.rows, a.cols, ld, err));
    PA_BLAS_CALL(err, cblas_dsyrk(CblasColMajor, CblasLower, by_columns ? CblasNoTrans : CblasTrans, (blasint)a.rows,
                                  (blasint)a.cols, 1.0, a.data, (blasint)ld, 0.0, gram, (blasint)a.rows));

cleanup:
    return status;
}

/* Eigenvalues of a symmetric matrix, ascending; the matrix is destroyed. */
static pa_status eigenvalues(const pa_allocator *mem, double *a, int64_t n, double *lambda, pa_error *err)
{
    pa_status status = PA_OK;
    double *work = NULL;
    double best = 0.0;
    lapack_int iwork = 0; /* the job without vectors needs one */
    lapack_int info = 0;
    const lapack_int side = (lapack_int)n;
    (void)LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'N', 'L', side, a, side, lambda, &best, -1, &iwork, -1);
    const int64_t lwork = (int64_t)best > 2 * n + 1 ? (int64_t)best : 2 * n + 1;
    PA_REQUIRE_MEMORY(work = pa_alloc_raw(mem, lwork, sizeof(*work)), err, "eigenvalues");
    PA_BLAS_CALL(err, info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'N', 'L', side, a, side, lambda, work,
                                                 (lapack_int)lwork, &iwork, 1));
    PA_REQUIRE(info == 0, err, PA_ERR_NOCONV, "dsyevd did not converge: info %d", (int)info);

cleanup:
    pa_free(mem, work);
    return status;
}

pa_status pa_gram_singular_values(const pa_allocator *mem, pa_view a, double tolerance, double *sigma, int *accurate,
                                  pa_error *err)
{
    pa_status status = PA_OK;
    double *gram = NULL;
    *accurate = 0;
    if (a.rows > a.cols) {
        a = pa_view_transpose(a);
    }
    const int64_t n = a.rows;
    const double norm = pa_frobenius(a);
    if (n == 0 || !(norm > 0x1p-400) || !(norm < 0x1p400)) { /* squares would leave the range of doubles */
        return PA_OK;
    }
    PA_TRY(pa_blas_size_check(n, n, 0, err));
    PA_REQUIRE_MEMORY(gram = pa_alloc_raw(mem, n * n, sizeof(*gram)), err, "a Gram matrix");
    PA_TRY(pa_gram_lower(a, gram, err));
    PA_TRY(eigenvalues(mem, gram, n, sigma, err));
    *accurate = sigma[0] > 0.0 && 0x1p-52 * (sigma[n - 1] / sigma[0]) <= tolerance;
    for (int64_t i = 0; *accurate && i < (n + 1) / 2; i++) { /* to roots, in descending order */
        const double small = sqrt(sigma[i]);
        sigma[i] = sqrt(sigma[n - 1 - i]);
        sigma[n - 1 - i] = small;
    }

cleanup:
    pa_free(mem, gram);
    return status;
}
