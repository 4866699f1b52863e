/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/svd.h"

#include <lapacke.h>
#include <string.h>

#include "base/alloc.h"
#include "linalg/gemm.h"
#include "linalg/qr.h"

/* Of a square k x k matrix stored by columns, which is destroyed. `vt` is scratch for k * k doubles when `u` is wanted. */
static pa_status square_svd(const pa_allocator *mem, double *a, int64_t k, double *sigma, double *u, double *vt,
                            pa_error *err)
{
    pa_status status = PA_OK;
    double *work = NULL;
    lapack_int *iwork = NULL;
    const lapack_int n = (lapack_int)k;
    const char job = u != NULL ? 'A' : 'N';
    double best = 0.0;
    double dummy = 0.0;
    double *left = u != NULL ? u : &dummy;
    double *right = u != NULL ? vt : &dummy;
    const lapack_int ld = u != NULL ? n : 1;
    PA_REQUIRE_MEMORY(iwork = pa_alloc_raw(mem, 8 * k, sizeof(*iwork)), err, "an SVD");
    (void)LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, job, n, n, a, n, sigma, left, ld, right, ld, &best, -1, iwork);
    PA_REQUIRE_MEMORY(work = pa_alloc_raw(mem, (int64_t)best, sizeof(*work)), err, "an SVD");
    const lapack_int info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, job, n, n, a, n, sigma, left, ld, right, ld, work,
                                                (lapack_int)best, iwork);
    PA_REQUIRE(info == 0, err, PA_ERR_NOCONV, "dgesdd did not converge: info %d", (int)info);

cleanup:
    pa_free(mem, iwork);
    pa_free(mem, work);
    return status;
}

/* A tall matrix: QR, SVD of the small R, and U = Q U_R with Q applied, never formed. `qr` holds A by columns. */
static pa_status tall_svd(const pa_allocator *mem, double *qr, int64_t n, int64_t k, double *sigma, double *u,
                          pa_error *err)
{
    pa_status status = PA_OK;
    double *tau = NULL;
    double *work = NULL;
    double *r = NULL; /* R, its left vectors, scratch: three k x k blocks */
    const lapack_int rows = (lapack_int)n;
    const lapack_int cols = (lapack_int)k;
    double best = 0.0;
    double second = 0.0;
    PA_REQUIRE_MEMORY(tau = pa_alloc_raw(mem, k, sizeof(*tau)), err, "an SVD");
    PA_REQUIRE_MEMORY(r = pa_alloc(mem, 3 * k * k, sizeof(*r)), err, "an SVD");
    (void)LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, rows, cols, qr, rows, tau, &best, -1);
    if (u != NULL) {
        (void)LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'N', rows, cols, cols, qr, rows, tau, u, rows, &second, -1);
    }
    const int64_t lwork = (int64_t)(best > second ? best : second);
    PA_REQUIRE_MEMORY(work = pa_alloc_raw(mem, lwork, sizeof(*work)), err, "an SVD");

    lapack_int info = LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, rows, cols, qr, rows, tau, work, (lapack_int)lwork);
    PA_REQUIRE(info == 0, err, PA_ERR_NOCONV, "dgeqrf: info %d", (int)info);
    for (int64_t j = 0; j < k; j++) {
        memcpy(r + j * k, qr + j * n, (size_t)(j + 1) * sizeof(*r));
    }
    double *left = u != NULL ? r + k * k : NULL;
    PA_TRY(square_svd(mem, r, k, sigma, left, r + 2 * k * k, err));
    if (u != NULL) {
        for (int64_t j = 0; j < k; j++) {
            memcpy(u + j * n, left + j * k, (size_t)k * sizeof(*u));
            memset(u + j * n + k, 0, (size_t)(n - k) * sizeof(*u));
        }
        info = LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'N', rows, cols, cols, qr, rows, tau, u, rows, work,
                                   (lapack_int)lwork);
        PA_REQUIRE(info == 0, err, PA_ERR_NOCONV, "dormqr: info %d", (int)info);
    }

cleanup:
    pa_free(mem, r);
    pa_free(mem, work);
    pa_free(mem, tau);
    return status;
}

pa_status pa_svd(const pa_allocator *mem, pa_view a, double *sigma, double *u, pa_error *err)
{
    pa_status status = PA_OK;
    double *copy = NULL;
    const int64_t n = a.rows;
    const int64_t k = n < a.cols ? n : a.cols;
    if (k == 0) {
        return PA_OK;
    }
    PA_TRY(pa_blas_size_check(n, a.cols, 0, err));
    PA_REQUIRE(k <= INT32_MAX / 8, err, PA_ERR_LIMIT, "an SVD of %lld singular values", (long long)k);
    PA_REQUIRE_MEMORY(copy = n <= INT64_MAX / 16 / k ? pa_alloc_raw(mem, n * k, sizeof(*copy)) : NULL, err, "an SVD");
    if (a.cols > n) { /* L has the left vectors and the singular values of A = L Q */
        PA_TRY(pa_lq(mem, a, copy, err));
    } else {
        pa_view_copy_column_major(a, copy);
    }
    PA_TRY(tall_svd(mem, copy, n, k, sigma, u, err));

cleanup:
    pa_free(mem, copy);
    return status;
}
