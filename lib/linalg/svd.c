/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/svd.h"

#include <lapacke.h>
#include <string.h>

#include "base/alloc.h"
#include "linalg/blas_threads.h"
#include "linalg/finite.h"
#include "linalg/gemm.h"
#include "linalg/qr.h"
#include "linalg/reduce.h"

/* dgesdd's workspace of about 3 k^2 must fit a 32-bit integer; it does not see when its own sum overflows. */
enum { MAX_VECTORS = 26000 };

/* dgesdd of an [m, n] matrix stored by columns, which is destroyed. With `u` (m = n only) also the left vectors; `vt` is
 * then scratch for n * n doubles. */
static pa_status gesdd(const pa_allocator *mem, double *a, int64_t m, int64_t n, double *sigma, double *u, double *vt,
                       pa_error *err)
{
    pa_status status = PA_OK;
    double *work = NULL;
    lapack_int *iwork = NULL;
    const lapack_int rows = (lapack_int)m;
    const lapack_int cols = (lapack_int)n;
    const char job = u != NULL ? 'A' : 'N';
    double best = 0.0;
    double dummy = 0.0;
    double *left = u != NULL ? u : &dummy;
    double *right = u != NULL ? vt : &dummy;
    const lapack_int ld = u != NULL ? rows : 1;
    lapack_int info = 0;
    PA_REQUIRE_MEMORY(iwork = pa_alloc_raw(mem, 8 * (m < n ? m : n), sizeof(*iwork)), err, "an SVD");
    (void)LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, job, rows, cols, a, rows, sigma, left, ld, right, ld, &best, -1, iwork);
    PA_REQUIRE_MEMORY(work = pa_alloc_raw(mem, (int64_t)best, sizeof(*work)), err, "an SVD");
    PA_BLAS_CALL(err, info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, job, rows, cols, a, rows, sigma, left, ld, right, ld,
                                                 work, (lapack_int)best, iwork));
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
    lapack_int info = 0;
    PA_REQUIRE_MEMORY(tau = pa_alloc_raw(mem, k, sizeof(*tau)), err, "an SVD");
    PA_REQUIRE_MEMORY(r = pa_alloc(mem, 3 * k * k, sizeof(*r)), err, "an SVD");
    (void)LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, rows, cols, qr, rows, tau, &best, -1);
    (void)LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'N', rows, cols, cols, qr, rows, tau, u, rows, &second, -1);
    const int64_t lwork = (int64_t)(best > second ? best : second);
    PA_REQUIRE_MEMORY(work = pa_alloc_raw(mem, lwork, sizeof(*work)), err, "an SVD");

    PA_BLAS_CALL(err, info = LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, rows, cols, qr, rows, tau, work, (lapack_int)lwork));
    PA_REQUIRE(info == 0, err, PA_ERR_NOCONV, "dgeqrf: info %d", (int)info);
    double *left = r + k * k;
    for (int64_t j = 0; j < k; j++) {
        memcpy(r + j * k, qr + j * n, (size_t)(j + 1) * sizeof(*r));
    }
    PA_TRY(gesdd(mem, r, k, k, sigma, left, r + 2 * k * k, err));
    for (int64_t j = 0; j < k; j++) {
        memcpy(u + j * n, left + j * k, (size_t)k * sizeof(*u));
        memset(u + j * n + k, 0, (size_t)(n - k) * sizeof(*u));
    }
    PA_BLAS_CALL(err, info = LAPACKE_dormqr_work(LAPACK_COL_MAJOR, 'L', 'N', rows, cols, cols, qr, rows, tau, u, rows,
                                                 work, (lapack_int)lwork));
    PA_REQUIRE(info == 0, err, PA_ERR_NOCONV, "dormqr: info %d", (int)info);

cleanup:
    pa_free(mem, r);
    pa_free(mem, work);
    pa_free(mem, tau);
    return status;
}

static pa_status check_size(pa_view a, pa_error *err)
{
    const int64_t k = a.rows < a.cols ? a.rows : a.cols;
    if (k > INT32_MAX / 8) {
        return pa_fail(err, PA_ERR_LIMIT, "an SVD of %lld singular values", (long long)k);
    }
    return pa_blas_size_check(a.rows, a.cols, 0, err);
}

pa_status pa_svd_values(const pa_allocator *mem, pa_view a, double *sigma, pa_error *err)
{
    pa_status status = PA_OK;
    double *copy = NULL;
    const int64_t k = a.rows < a.cols ? a.rows : a.cols;
    int64_t count = 0;
    if (k == 0) {
        return PA_OK;
    }
    PA_TRY(check_size(a, err));
    const int overflow = __builtin_mul_overflow(a.rows, a.cols, &count);
    PA_REQUIRE_MEMORY(copy = overflow ? NULL : pa_alloc_raw(mem, count, sizeof(*copy)), err, "an SVD");
    if (a.row_stride == 1) {
        pa_view_copy_column_major(a, copy);
    } else { /* the transpose has the same singular values, and is there without transposing */
        pa_view_copy_row_major(a, copy);
        a = pa_view_transpose(a);
    }
    PA_TRY(pa_finite_check(copy, count, err));
    const int exponent = pa_scale_into_range(copy, count);
    PA_TRY(gesdd(mem, copy, a.rows, a.cols, sigma, NULL, NULL, err));
    pa_scale_back(sigma, k, exponent);

cleanup:
    pa_free(mem, copy);
    return status;
}

pa_status pa_svd_left(const pa_allocator *mem, pa_view a, double *sigma, double *u, pa_error *err)
{
    pa_status status = PA_OK;
    double *copy = NULL;
    const int64_t n = a.rows;
    const int64_t k = n < a.cols ? n : a.cols;
    if (k == 0) {
        return PA_OK;
    }
    PA_TRY(check_size(a, err));
    PA_REQUIRE(k <= MAX_VECTORS, err, PA_ERR_LIMIT, "%lld singular vectors, at most %d", (long long)k, MAX_VECTORS);
    PA_REQUIRE_MEMORY(copy = n <= INT64_MAX / 16 / k ? pa_alloc_raw(mem, n * k, sizeof(*copy)) : NULL, err, "an SVD");
    if (a.cols > n) { /* L has the left vectors and the singular values of A = L Q */
        PA_TRY(pa_lq(mem, a, copy, err));
    } else {
        pa_view_copy_column_major(a, copy);
    }
    PA_TRY(pa_finite_check(copy, n * k, err));
    const int exponent = pa_scale_into_range(copy, n * k);
    PA_TRY(tall_svd(mem, copy, n, k, sigma, u, err));
    pa_scale_back(sigma, k, exponent);

cleanup:
    pa_free(mem, copy);
    return status;
}
