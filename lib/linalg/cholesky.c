/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/cholesky.h"

#include <lapacke.h>
#include <string.h>

#include "base/alloc.h"
#include "linalg/blas_threads.h"
#include "linalg/gemm.h"
#include "linalg/gram.h"
#include "linalg/reduce.h"

/* 1 / the condition number of a triangular factor, as estimated by LAPACK. */
static pa_status estimate(const pa_allocator *mem, const double *l, int64_t n, double *rcond, pa_error *err)
{
    pa_status status = PA_OK;
    lapack_int *iwork = NULL;
    lapack_int info = 0;
    double *work = pa_alloc_raw(mem, 3 * n, sizeof(*work));
    PA_REQUIRE_MEMORY(work, err, "a triangular factor");
    PA_REQUIRE_MEMORY(iwork = pa_alloc_raw(mem, n, sizeof(*iwork)), err, "a triangular factor");
    PA_BLAS_CALL(err, info = LAPACKE_dtrcon_work(LAPACK_COL_MAJOR, '1', 'L', 'N', (lapack_int)n, l, (lapack_int)n,
                                                 rcond, work, iwork));
    PA_REQUIRE(info == 0, err, PA_ERR_NOCONV, "dtrcon: info %d", (int)info);

cleanup:
    pa_free(mem, iwork);
    pa_free(mem, work);
    return status;
}

pa_status pa_lq_by_cholesky(const pa_allocator *mem, pa_view a, double tolerance, double *l, int *accurate,
                            pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t n = a.rows;
    const double norm = pa_frobenius(a);
    lapack_int info = 0;
    double rcond = 0.0;
    *accurate = 0;
    if (n == 0 || n > a.cols || !(norm > 0x1p-400) ||
        !(norm < 0x1p400)) { /* squares would leave the range of doubles */
        return PA_OK;
    }
    PA_TRY(pa_blas_size_check(n, n, 0, err));
    PA_TRY(pa_gram_lower(a, l, err));
    PA_BLAS_CALL(err, info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, l, (lapack_int)n));
    if (info == 0) {
        PA_TRY(estimate(mem, l, n, &rcond, err));
        *accurate = 0x1p-52 <= tolerance * rcond * rcond;
    }
    for (int64_t j = 1; j < n; j++) {
        memset(l + j * n, 0, (size_t)j * sizeof(*l));
    }

cleanup:
    return status;
}
