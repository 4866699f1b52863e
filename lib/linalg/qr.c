/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/qr.h"

#include <lapacke.h>

#include "base/alloc.h"
#include "linalg/blas_threads.h"
#include "linalg/finite.h"
#include "linalg/gemm.h"
#include "linalg/reduce.h"

/* QR of A^T in place, then L = R^T: geqrf is the better optimised of the two. */
pa_status pa_lq(const pa_allocator *mem, pa_view a, double *l, pa_error *err)
{
    pa_status status = PA_OK;
    double *qr = NULL;
    double *tau = NULL;
    double *work = NULL;
    const int64_t n = a.rows;
    const int64_t p = a.cols;
    const int64_t k = n < p ? n : p;
    if (k == 0) {
        return PA_OK;
    }
    PA_TRY(pa_blas_size_check(n, p, 0, err));
    PA_REQUIRE_MEMORY(qr = n <= INT64_MAX / 16 / p ? pa_alloc_raw(mem, n * p, sizeof(*qr)) : NULL, err, "a QR");
    PA_REQUIRE_MEMORY(tau = pa_alloc_raw(mem, k, sizeof(*tau)), err, "a QR");
    pa_view_copy_row_major(a, qr); /* A by rows is A^T by columns */
    PA_TRY(pa_finite_check(qr, n * p, err));
    const int exponent = pa_scale_into_range(qr, n * p);

    double best = 0.0;
    (void)LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, (lapack_int)p, (lapack_int)n, qr, (lapack_int)p, tau, &best, -1);
    const int64_t lwork = (int64_t)best > n ? (int64_t)best : n;
    PA_REQUIRE_MEMORY(work = pa_alloc_raw(mem, lwork, sizeof(*work)), err, "a QR");
    lapack_int info = 0;
    PA_BLAS_CALL(err, info = LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, (lapack_int)p, (lapack_int)n, qr, (lapack_int)p, tau,
                                                 work, (lapack_int)lwork));
    PA_REQUIRE(info == 0, err, PA_ERR_NOCONV, "dgeqrf: info %d", (int)info);
    for (int64_t j = 0; j < k; j++) {
        for (int64_t i = 0; i < n; i++) {
            l[i + j * n] = i >= j ? qr[j + i * p] : 0.0;
        }
    }
    pa_scale_back(l, n * k, exponent);

cleanup:
    pa_free(mem, work);
    pa_free(mem, tau);
    pa_free(mem, qr);
    return status;
}
