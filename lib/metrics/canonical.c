/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Canonical correlations: the singular values of Q_x^T Q_y for orthonormal bases of the two column spaces. */
#include "metrics/canonical.h"

#include <math.h>

#include "base/alloc.h"
#include "base/error.h"
#include "matrix/pairs.h"

pa_status pa_canonical_inputs(const pa_matrix *const *in, const pa_matrix *centered[2], pa_value *value, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_matrix *standardized = NULL;
    centered[0] = NULL;
    centered[1] = NULL;
    for (int i = 0; i < 2; i++) {
        PA_TRY(pa_matrix_standardized(in[i], &standardized, err));
        if (standardized == NULL) {
            pa_value_set_undefined(value, PA_STATE_DEGENERATE, "every column is constant");
            return PA_OK;
        }
    }
    PA_TRY(pa_matrix_centered(in[0], &centered[0], err));
    PA_TRY(pa_matrix_centered(in[1], &centered[1], err));

cleanup:
    return status;
}

int pa_canonical_saturated(pa_value *value, int64_t x_dims, int64_t y_dims)
{
    if (x_dims < value->n - 1 && y_dims < value->n - 1) {
        return 0;
    }
    pa_value_set_undefined(value, PA_STATE_SATURATED, "the rank reaches n - 1: every correlation is 1");
    return 1;
}

pa_status pa_canonical_basis(const pa_matrix *centered, int64_t dims, pa_matrix **out, pa_error *err)
{
    const pa_matrix *left = NULL;
    *out = NULL;
    const pa_status status = pa_matrix_left_vectors(centered, &left, err);
    if (status != PA_OK) {
        return status;
    }
    return pa_matrix_slice(left, 0, pa_matrix_rows(left), 0, dims, out, err);
}

pa_status pa_canonical_project(const pa_matrix *q, const pa_matrix *m, pa_matrix **out, pa_error *err)
{
    pa_matrix *transposed = NULL;
    pa_status status = pa_matrix_transpose(q, &transposed, err);
    if (status == PA_OK) {
        status = pa_matrix_product(transposed, m, out, err);
    }
    pa_matrix_destroy(transposed);
    return status;
}

/* Cosines of angles, which rounding may have made a little more than 1. */
static pa_status summarize(const pa_matrix *cross, pa_canonical_summary summary, pa_value *value, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = pa_matrix_allocator(cross);
    const double *sigma = NULL;
    double *rho = NULL;
    double sum = 0.0;
    int64_t c = 0;
    PA_TRY(pa_matrix_singular_values(cross, &sigma, &c, err));
    PA_REQUIRE_MEMORY(rho = pa_alloc_raw(mem, c, sizeof(*rho)), err, "correlations");
    for (int64_t i = 0; i < c; i++) {
        rho[i] = fmin(sigma[i], 1.0);
        sum += summary == PA_CANONICAL_R2 ? rho[i] * rho[i] : rho[i];
    }
    PA_TRY(pa_value_add_array(value, "correlations", "direction", &c, 1, rho, err));
    pa_value_set(value, sum / (double)c); /* c > 0: neither matrix is constant */

cleanup:
    pa_free(mem, rho);
    return status;
}

pa_status pa_canonical_compute(const pa_matrix *const centered[2], int64_t x_dims, int64_t y_dims,
                               pa_canonical_summary summary, pa_value *value, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *qx = NULL;
    pa_matrix *qy = NULL;
    pa_matrix *cross = NULL;
    PA_TRY(pa_canonical_basis(centered[0], x_dims, &qx, err));
    PA_TRY(pa_canonical_basis(centered[1], y_dims, &qy, err));
    PA_TRY(pa_canonical_project(qx, qy, &cross, err));
    PA_TRY(summarize(cross, summary, value, err));

cleanup:
    pa_matrix_destroy(cross);
    pa_matrix_destroy(qy);
    pa_matrix_destroy(qx);
    return status;
}
