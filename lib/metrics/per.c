/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Proportional effective rank: the effective rank of a matrix as a share of its smaller side.
 *
 * With singular values \f$\sigma_i\f$ and \f$p_i = \sigma_i / \sum_j \sigma_j\f$,
 * \f[ \mathrm{PER}(A) = \frac{\exp\bigl(-\sum_i p_i \ln p_i\bigr)}{\min(m, n)}, \quad 0 \ln 0 = 0. \f]
 *
 * @shape      one matrix [m, n]
 * @range      (0, 1]; 1 when all singular values agree, 1/min(m, n) for rank one
 * @invariance scaling by c != 0, transposition, orthogonal maps on either side
 * @cost       one factorization, shared with all metrics of singular values
 * @paper      R. Diehl Martinez et al., "Tending towards stability", arXiv:2410.11451; effective rank: O. Roy,
 *             M. Vetterli, "The effective rank", EUSIPCO 2007, definition 1
 *
 * States: degenerate for an all-zero matrix.
 */
#include <math.h>

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
    pa_value_set_definition(out, "PER, arXiv:2410.11451", "");
    PA_TRY(pa_spectrum_of(in[0], &sigma, &k, out, err));
    if (out->state == PA_STATE_UNSET) {
        double total = 0.0; /* in units of sigma_1, so that it cannot overflow */
        double entropy = 0.0;
        for (int64_t i = 0; i < k; i++) {
            total += sigma[i] / sigma[0];
        }
        for (int64_t i = 0; i < k; i++) {
            const double p = sigma[i] / sigma[0] / total;
            entropy -= p > 0.0 ? p * log(p) : 0.0;
        }
        pa_value_set(out, exp(entropy) / (double)k);
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

/** @brief Built-in metric `per`; see @ref per.c. */
const pa_metric_ops pa_metric_per = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "per",
    .description = "Proportional effective rank: effective rank divided by the smaller side.",
    .paper = "Diehl Martinez et al., arXiv:2410.11451; Roy and Vetterli, EUSIPCO 2007",
    .n_inputs = 1,
    .compute = compute,
    .asks = asks,
    .formula = "exp(-sum_i p_i ln p_i) / min(m, n), p_i = sigma_i / sum_j sigma_j",
    .shape = "one matrix [m, n]",
    .range = "(0, 1]; 1 when all singular values agree, 1/min(m, n) for rank one",
    .invariance = "scaling by c != 0, transposition, orthogonal maps on either side",
    .cost = "one factorization, shared with all metrics of singular values",
    .states = "degenerate: an all-zero matrix",
};
