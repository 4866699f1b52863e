/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Eigenvalues of square matrices. Those of A B and of B A are the same but for zeros, so that a product with few inner
 * columns needs no more than the small matrix of the factors in the other order; a chain of them shrinks repeatedly.
 */
#include "linalg/eigen.h"
#include "linalg/finite.h"
#include "matrix/matrix_impl.h"

static pa_status of_elements(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    pa_view view = {0};
    double *lambda = NULL;
    PA_TRY(pa_matrix_view(m, &view, err));
    PA_REQUIRE_MEMORY(lambda = pa_alloc(mem, pa_area(2, m->rows), sizeof(*lambda)), err, "eigenvalues");
    PA_TRY(pa_eigenvalues(mem, view, lambda, lambda + m->rows, err));
    PA_TRY(pa_finite_check(lambda, 2 * m->rows, err)); /* of finite elements: a sum of them may be beyond a double */
    memo->eigenvalues = lambda;
    memo->n_eigenvalues = m->rows;
    lambda = NULL;

cleanup:
    pa_free(mem, lambda);
    return status;
}

/* Those of another matrix, times a factor. */
static pa_status of_other(const pa_matrix *m, const pa_matrix *other, double factor, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    const double *real = NULL;
    const double *imag = NULL;
    double *lambda = NULL;
    int64_t k = 0;
    PA_TRY(pa_matrix_eigenvalues(other, &real, &imag, &k, err));
    PA_REQUIRE_MEMORY(lambda = pa_alloc(&m->ctx->mem, pa_area(2, k), sizeof(*lambda)), err, "eigenvalues");
    for (int64_t i = 0; i < k; i++) {
        lambda[i] = factor * real[i] + 0.0;                          /* no negative zeros */
        lambda[k + i] = (factor < 0.0 ? -factor : factor) * imag[i]; /* in pairs: a sign would only swap them */
    }
    PA_TRY(pa_finite_check(lambda, 2 * k, err));
    memo->eigenvalues = lambda;
    memo->n_eigenvalues = k;
    lambda = NULL;

cleanup:
    pa_free(&m->ctx->mem, lambda);
    return status;
}

static pa_status of_small_product(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_matrix *small = NULL;
    pa_status status = pa_matrix_product(m->operands[1], m->operands[0], &small, err);
    if (status == PA_OK) {
        status = of_other(m, small, 1.0, memo, err);
    }
    pa_matrix_destroy(small);
    return status;
}

pa_status pa_compute_eigenvalues(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    switch (m->node) {
    case PA_NODE_PRODUCT:
        return m->operands[0]->cols < m->rows ? of_small_product(m, memo, err) : of_elements(m, memo, err);
    case PA_NODE_SCALE:
        return of_other(m, m->operands[0], m->factor, memo, err);
    case PA_NODE_TRANSPOSE:
        return of_other(m, m->operands[0], 1.0, memo, err);
    default:
        return of_elements(m, memo, err);
    }
}

pa_status pa_matrix_eigenvalues(const pa_matrix *m, const double **real, const double **imag, int64_t *k, pa_error *err)
{
    pa_status status = PA_OK;
    *real = NULL;
    *imag = NULL;
    PA_REQUIRE(m->rows == m->cols, err, PA_ERR_SHAPE, "eigenvalues of [%lld, %lld]", (long long)m->rows,
               (long long)m->cols);
    PA_TRY(pa_matrix_ask(m, PA_QUERY_EIGENVALUES, err));
    *k = m->memo->n_eigenvalues;
    *real = m->memo->eigenvalues;
    *imag = m->memo->eigenvalues + *k;

cleanup:
    return status;
}
