/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Singular values, rank and left singular vectors, all from the narrow form. */
#include <math.h>
#include <string.h>

#include "base/dtype.h"
#include "linalg/gram.h"
#include "linalg/svd.h"
#include "matrix/route.h"

static int64_t smaller_side(const pa_matrix *m)
{
    return m->rows < m->cols ? m->rows : m->cols;
}

/* Values and vectors come from separate factorizations: an answer must not depend on what was asked before. */
pa_status pa_compute_singular_values(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    double *sigma = NULL;
    double *found = NULL;
    int accurate = 0;
    PA_TRY(pa_matrix_ask(m, PA_QUERY_NARROW, err));
    const pa_view narrow = memo->narrow;
    const int64_t k = narrow.rows < narrow.cols ? narrow.rows : narrow.cols;
    PA_REQUIRE_MEMORY(sigma = pa_alloc(&m->ctx->mem, smaller_side(m), sizeof(*sigma)), err, "singular values");
    PA_REQUIRE_MEMORY(found = pa_alloc(&m->ctx->mem, k, sizeof(*found)), err, "singular values");
    if (pa_route_spectrum(m) == PA_SPECTRUM_GRAM) {
        PA_TRY(pa_gram_singular_values(&m->ctx->mem, narrow, PA_GRAM_TOLERANCE, found, &accurate, err));
    }
    if (!accurate) {
        PA_TRY(pa_svd_values(&m->ctx->mem, narrow, found, err));
    }
    const int64_t kept = k < smaller_side(m) ? k : smaller_side(m);
    memcpy(sigma, found, (size_t)kept * sizeof(*sigma));
    memo->sigma = sigma;
    sigma = NULL;

cleanup:
    pa_free(&m->ctx->mem, found);
    pa_free(&m->ctx->mem, sigma);
    return status;
}

pa_status pa_matrix_singular_values(const pa_matrix *m, const double **out, int64_t *k, pa_error *err)
{
    *out = NULL;
    const pa_status status = pa_matrix_ask(m, PA_QUERY_SINGULAR_VALUES, err);
    if (status == PA_OK) {
        *out = m->memo->sigma;
        *k = smaller_side(m);
    }
    return status;
}

static pa_status count_above(const pa_matrix *m, double threshold, int64_t *out, pa_error *err)
{
    const double *sigma = NULL;
    int64_t k = 0;
    const pa_status status = pa_matrix_singular_values(m, &sigma, &k, err);
    if (status == PA_OK) {
        int64_t rank = 0;
        while (rank < k && sigma[rank] > threshold) {
            rank++;
        }
        *out = rank;
    }
    return status;
}

pa_status pa_matrix_rank(const pa_matrix *m, int64_t *out, pa_error *err)
{
    const double *sigma = NULL;
    int64_t k = 0;
    const pa_status status = pa_matrix_singular_values(m, &sigma, &k, err);
    if (status != PA_OK || k == 0) {
        *out = status == PA_OK ? 0 : *out;
        return status;
    }
    const double side = (double)(m->rows > m->cols ? m->rows : m->cols);
    return count_above(m, side * pa_dtype_rank_epsilon(m->dtype) * sigma[0], out, err);
}

pa_status pa_matrix_rank_storage(const pa_matrix *m, int64_t *out, pa_error *err)
{
    double norm = 0.0;
    const pa_status status = pa_matrix_frobenius(m, &norm, err);
    if (status != PA_OK) {
        return status;
    }
    const double n = (double)m->rows;
    const double p = (double)m->cols;
    const double noise = 0.5 * pa_dtype_roundoff(m->dtype); /* root mean square of rounding, about */
    return count_above(m, n > 0.0 && p > 0.0 ? noise * norm * (sqrt(n) + sqrt(p)) / sqrt(n * p) : 0.0, out, err);
}

pa_status pa_compute_left_vectors(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    double *u = NULL;
    double *sigma = NULL;
    pa_buffer *buffer = NULL;
    PA_TRY(pa_matrix_ask(m, PA_QUERY_NARROW, err));
    const pa_view narrow = memo->narrow;
    int64_t k = narrow.rows < narrow.cols ? narrow.rows : narrow.cols;
    const int64_t area = pa_area(narrow.rows, k);
    PA_REQUIRE_MEMORY(u = pa_alloc_raw(mem, area, sizeof(*u)), err, "singular vectors");
    PA_REQUIRE_MEMORY(sigma = pa_alloc(mem, k, sizeof(*sigma)), err, "singular vectors");
    PA_TRY(pa_svd_left(mem, narrow, sigma, u, err));
    PA_TRY(pa_buffer_from_values(mem, u, area, u, &buffer, err));
    u = NULL;
    k = k < smaller_side(m) ? k : smaller_side(m);
    PA_TRY(pa_leaf_create(m->ctx, buffer, PA_F64, m->rows, k, 1, m->rows, &memo->left, err));
    buffer = NULL;
    pa_matrix_adopt(m, memo->left);

cleanup:
    pa_buffer_release(buffer);
    pa_free(mem, sigma);
    pa_free(mem, u);
    return status;
}

pa_status pa_matrix_left_vectors(const pa_matrix *m, const pa_matrix **out, pa_error *err)
{
    *out = NULL;
    const pa_status status = pa_matrix_ask(m, PA_QUERY_LEFT_VECTORS, err);
    if (status == PA_OK) {
        *out = m->memo->left;
    }
    return status;
}
