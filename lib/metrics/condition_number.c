/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Condition number: largest over smallest singular value.
 *
 * \f[ \kappa(A) = \sigma_1 / \sigma_{\min(m, n)} \f]
 * The smallest singular values of weights stored in 16 bits are rounding noise, and so is their condition number:
 * compare `rank_storage` with min(m, n).
 *
 * @shape      one matrix [m, n]
 * @range      [1, 2^52 / max(m, n)]
 * @invariance scaling by c != 0, transposition, orthogonal maps on either side
 * @cost       one factorization, shared with all metrics of singular values
 * @paper      G. Golub, C. Van Loan, "Matrix Computations", 4th ed., section 2.6
 *
 * States: degenerate for an all-zero matrix; singular when the smallest singular value is zero up to the rounding of
 * doubles, max(m, n) 2^-52 sigma_1.
 */
#include "base/error.h"
#include "metrics/metric_impl.h"
#include "metrics/spectral.h"

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    (void)options;
    pa_status status = PA_OK;
    const double *sigma = NULL;
    int64_t k = 0;
    pa_value_set_definition(out, "sigma_1/sigma_min", "2-norm");
    PA_TRY(pa_spectrum_of(in[0], &sigma, &k, out, err));
    if (out->state == PA_STATE_UNSET) {
        const double side = (double)(out->n > out->p ? out->n : out->p);
        if (sigma[k - 1] > side * 0x1p-52 * sigma[0]) {
            pa_value_set(out, sigma[0] / sigma[k - 1]);
        } else {
            pa_value_set_undefined(out, PA_STATE_SINGULAR, "the smallest singular value is zero");
        }
    }

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_SPECTRUM;
}

/** @brief Built-in metric `condition_number`; see @ref condition_number.c. */
const pa_metric_ops pa_metric_condition_number = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "condition_number",
    .description = "Largest over smallest singular value.",
    .paper = "Golub and Van Loan, Matrix Computations, 4th ed., section 2.6",
    .n_inputs = 1,
    .compute = compute,
    .asks = asks,
    .formula = "sigma_1 / sigma_min(m, n)",
    .shape = "one matrix [m, n]",
    .range = "[1, 2^52 / max(m, n)]; of weights stored in 16 bits it is rounding noise, compare `rank_storage`"
             " with min(m, n)",
    .invariance = "scaling by c != 0, transposition, orthogonal maps on either side",
    .cost = "one factorization, shared with all metrics of singular values",
    .states = "degenerate: an all-zero matrix; singular: the smallest singular value is zero up to the rounding"
              " of doubles, max(m, n) 2^-52 sigma_1",
};
