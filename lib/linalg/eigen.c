/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/eigen.h"

#include <lapacke.h>
#include <math.h>

#include "base/alloc.h"
#include "base/sort.h"
#include "linalg/blas_threads.h"
#include "linalg/finite.h"
#include "linalg/gemm.h"
#include "linalg/reduce.h"

/* Eigenvalues of a packed matrix, which is destroyed, as LAPACK orders them. */
static pa_status geev(const pa_allocator *mem, double *a, int64_t n, double *real, double *imag, pa_error *err)
{
    pa_status status = PA_OK;
    double *work = NULL;
    double best = 0.0;
    double none = 0.0;
    lapack_int info = 0;
    const lapack_int side = (lapack_int)n;
    (void)LAPACKE_dgeev_work(LAPACK_COL_MAJOR, 'N', 'N', side, a, side, real, imag, &none, 1, &none, 1, &best, -1);
    const int64_t lwork = (int64_t)best > 3 * n ? (int64_t)best : 3 * n;
    PA_REQUIRE_MEMORY(work = pa_alloc_raw(mem, lwork, sizeof(*work)), err, "eigenvalues");
    PA_BLAS_CALL(err, info = LAPACKE_dgeev_work(LAPACK_COL_MAJOR, 'N', 'N', side, a, side, real, imag, &none, 1, &none,
                                                1, work, (lapack_int)lwork));
    PA_REQUIRE(info == 0, err, PA_ERR_NOCONV, "dgeev did not converge: info %d", (int)info);

cleanup:
    pa_free(mem, work);
    return status;
}

/* Unordered numbers, for the comparison of two of them. */
typedef struct spectrum {
    const double *real;
    const double *imag;
} spectrum;

static int compare_numbers(double a, double b)
{
    return (a < b) - (a > b);
}

static int compare(const void *items, int64_t a, int64_t b)
{
    const spectrum *of = items;
    int order = compare_numbers(hypot(of->real[a], of->imag[a]), hypot(of->real[b], of->imag[b]));
    order = order != 0 ? order : compare_numbers(of->real[a], of->real[b]);
    return order != 0 ? order : compare_numbers(of->imag[a], of->imag[b]);
}

pa_status pa_eigenvalues(const pa_allocator *mem, pa_view a, double *real, double *imag, pa_error *err)
{
    pa_status status = PA_OK;
    double *copy = NULL;
    double *found = NULL;
    int64_t *order = NULL;
    const int64_t n = a.rows;
    if (n == 0) {
        return PA_OK;
    }
    PA_REQUIRE(n <= INT32_MAX / 64, err, PA_ERR_LIMIT, "%lld eigenvalues",
               (long long)n); /* its work is 34 n at least */
    PA_TRY(pa_blas_size_check(n, n, 0, err));
    PA_REQUIRE_MEMORY(copy = pa_alloc_raw(mem, n * n, sizeof(*copy)), err, "eigenvalues");
    PA_REQUIRE_MEMORY(found = pa_alloc(mem, 2 * n, sizeof(*found)), err, "eigenvalues");
    PA_REQUIRE_MEMORY(order = pa_alloc_raw(mem, n, sizeof(*order)), err, "eigenvalues");
    pa_view_copy_column_major(a, copy);
    PA_TRY(pa_finite_check(copy, n * n, err));
    const int exponent = pa_scale_into_range(copy, n * n);
    PA_TRY(geev(mem, copy, n, found, found + n, err));
    const spectrum unordered = {found, found + n};
    pa_sort_numbers(order, n, compare, &unordered);
    for (int64_t i = 0; i < n; i++) {
        real[i] = found[order[i]] + 0.0; /* no negative zeros */
        imag[i] = found[n + order[i]] + 0.0;
    }
    pa_scale_back(real, n, exponent);
    pa_scale_back(imag, n, exponent);

cleanup:
    pa_free(mem, order);
    pa_free(mem, found);
    pa_free(mem, copy);
    return status;
}
