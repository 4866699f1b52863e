/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The Gaussian kernel \f$K_{ij} = \exp(-\|x_i - x_j\|^2 / 2 \sigma^2)\f$, centred. Centring takes away what all elements
 * have in common, so K - 1 is computed instead: for a wide kernel, where all elements are near 1, no digit is lost.
 */
#include "metrics/kernel.h"

#include <math.h>

#include "base/alloc.h"
#include "base/error.h"
#include "linalg/reduce.h"
#include "linalg/sort.h"
#include "matrix/pairs.h"

static const double SAME_ROW = 0x1p-44; /* of squared norms: closer rows are equal up to rounding */
static const double CONSTANT = 0x1p-40; /* of the kernel before centring: what rounding leaves of a constant one */

/* Squared distances of rows, in place of their Gram matrix. */
static void distances_of_gram(double *gram, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = i + 1; j < n; j++) {
            const double norms = gram[i * n + i] + gram[j * n + j];
            const double distance = norms - 2.0 * gram[i * n + j];
            gram[i * n + j] = distance > SAME_ROW * norms ? distance : 0.0;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        gram[i * n + i] = 0.0;
        for (int64_t j = 0; j < i; j++) {
            gram[i * n + j] = gram[j * n + i];
        }
    }
}

/* Element i of all n x n distances in ascending order, out of the sorted ones of pairs: n zeros, then each twice. */
static double among_all(const double *sorted, int64_t n, int64_t i)
{
    return i < n ? 0.0 : sorted[(i - n) / 2];
}

static pa_status median(const pa_allocator *mem, const double *distances, int64_t n, int of_pairs, double *out,
                        pa_error *err)
{
    pa_status status = PA_OK;
    double *sorted = NULL;
    const int64_t pairs = n * (n - 1) / 2;
    int64_t at = 0;
    PA_REQUIRE_MEMORY(sorted = pa_alloc_raw(mem, pairs, sizeof(*sorted)), err, "distances");
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = i + 1; j < n; j++) {
            sorted[at++] = distances[i * n + j];
        }
    }
    PA_TRY(pa_sort_magnitudes(mem, sorted, pairs, err));
    *out = of_pairs ? 0.5 * (sorted[(pairs - 1) / 2] + sorted[pairs / 2])
                    : 0.5 * (among_all(sorted, n, (n * n - 1) / 2) + among_all(sorted, n, n * n / 2));

cleanup:
    pa_free(mem, sorted);
    return status;
}

static void kernel_of_distances(double *k, int64_t n, double middle, double threshold)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = i + 1; j < n; j++) {
            const double x = expm1(-0.5 * (k[i * n + j] / middle) / threshold / threshold);
            k[i * n + j] = x;
            k[j * n + i] = x;
        }
    }
}

/* With `without_diagonal` after Szekely and Rizzo: each row's sum over its n - 1 others is zero, and the inner products
 * of such matrices over n (n - 3) are Song's unbiased HSIC_1. */
static void center(double *k, int64_t n, int without_diagonal, double *means)
{
    const double m = (double)n;
    double total = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j < n; j++) {
            sum += k[i * n + j];
        }
        means[i] = without_diagonal ? sum / (m - 2.0) : sum / m;
        total += sum;
    }
    total /= without_diagonal ? (m - 1.0) * (m - 2.0) : m * m;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            k[i * n + j] -= means[i] + means[j] - total;
        }
        if (without_diagonal) {
            k[i * n + i] = 0.0;
        }
    }
}

/* Centred and divided by its norm; `*defined` is 0 when nothing is left. */
static pa_status normalize(const pa_allocator *mem, double *k, int64_t n, int without_diagonal, int *defined,
                           pa_error *err)
{
    double *means = pa_alloc_raw(mem, n, sizeof(*means));
    if (means == NULL) {
        return pa_fail_nomem(err, "row means");
    }
    const double before = pa_frobenius(pa_view_row_major(k, n, n));
    center(k, n, without_diagonal, means);
    const double norm = pa_frobenius(pa_view_row_major(k, n, n));
    *defined = norm > CONSTANT * before && isfinite(1.0 / norm);
    for (int64_t i = 0; i < n * n && *defined; i++) {
        k[i] /= norm;
    }
    pa_free(mem, means);
    return PA_OK;
}

pa_status pa_rbf_kernel(const pa_matrix *m, const pa_rbf *how, double **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = pa_matrix_allocator(m);
    const int64_t n = pa_matrix_rows(m);
    double *k = NULL;
    double middle = 0.0;
    int defined = 0;
    *out = NULL;
    PA_REQUIRE(n <= PA_RBF_MAX_ROWS, err, PA_ERR_LIMIT, "a kernel of %lld rows", (long long)n);
    PA_REQUIRE_MEMORY(k = pa_alloc_raw(mem, n * n, sizeof(*k)), err, "a kernel");
    PA_TRY(pa_matrix_row_gram(m, k, err));
    distances_of_gram(k, n);
    PA_TRY(median(mem, k, n, how->median_of_pairs, &middle, err));
    if (middle > 0.0) {
        kernel_of_distances(k, n, middle, how->threshold);
        PA_TRY(normalize(mem, k, n, how->without_diagonal, &defined, err));
    }
    if (defined) {
        *out = k;
        k = NULL;
    }

cleanup:
    pa_free(mem, k);
    return status;
}
