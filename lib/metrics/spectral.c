/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/spectral.h"

#include "base/error.h"

pa_status pa_spectrum_of(const pa_matrix *m, const double **sigma, int64_t *k, pa_value *out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_matrix_singular_values(m, sigma, k, err));
    PA_TRY(pa_matrix_rank(m, &out->rank, err));
    PA_TRY(pa_matrix_rank_storage(m, &out->rank_storage, err));
    if (!((*sigma)[0] > 0.0)) {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "the matrix is zero");
    }

cleanup:
    return status;
}
