/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Effective rank: the exponential of the entropy of the normalised singular values.
 *
 * With singular values \f$\sigma_i\f$ and \f$p_i = \sigma_i / \sum_j \sigma_j\f$,
 * \f[ \mathrm{erank}(A) = \exp\Bigl(-\sum_i p_i \ln p_i\Bigr), \quad 0 \ln 0 = 0. \f]
 * `of: squared` takes \f$p_i = \sigma_i^2 / \sum_j \sigma_j^2\f$ instead, the shares of variance: other tools call that
 * effective rank, too, and its values are lower. The metric `per` is the first form divided by min(m, n).
 *
 * @shape      one matrix [m, n]
 * @range      [1, min(m, n)]; equals the rank when all nonzero singular values agree
 * @invariance scaling by c != 0, transposition, orthogonal maps on either side
 * @cost       one factorization, shared with all metrics of singular values
 * @paper      O. Roy, M. Vetterli, "The effective rank", EUSIPCO 2007, definition 1
 *
 * States: degenerate for an all-zero matrix.
 */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "metrics/metric_impl.h"
#include "metrics/spectral.h"

/* A singular value's part before normalisation, in units of the largest one's, so that nothing overflows. */
static double weight_of(double sigma, double largest, int squared)
{
    const double x = sigma / largest;
    return squared ? x * x : x;
}

static double entropy_of(const double *sigma, int64_t k, int squared)
{
    double total = 0.0;
    double entropy = 0.0;
    for (int64_t i = 0; i < k; i++) {
        total += weight_of(sigma[i], sigma[0], squared);
    }
    for (int64_t i = 0; i < k; i++) {
        const double p = weight_of(sigma[i], sigma[0], squared) / total;
        entropy -= p > 0.0 ? p * log(p) : 0.0;
    }
    return entropy;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const double *sigma = NULL;
    int64_t k = 0;
    const char *of = pa_options_string(options, "of");
    const int squared = strcmp(of, "squared") == 0;
    pa_value_set_definition(out, "effective rank, EUSIPCO 2007", of);
    PA_TRY(pa_spectrum_of(in[0], &sigma, &k, out, err));
    if (out->state == PA_STATE_UNSET) {
        const double entropy = entropy_of(sigma, k, squared);
        pa_value_set(out, exp(entropy));
        PA_TRY(pa_value_add_number(out, "entropy", entropy, err));
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

static const pa_option_spec options[] = {
    {.name = "of",
     .type = PA_OPTION_CHOICE,
     .fallback = "singular_values",
     .choices = "singular_values|squared",
     .help = "Whose entropy: the singular values' as in the paper, or their squares'."},
};

/** @brief Built-in metric `effective_rank`; see @ref effective_rank.c. */
const pa_metric_ops pa_metric_effective_rank = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "effective_rank",
    .description = "Effective rank: exponential of the entropy of the normalised singular values.",
    .paper = "Roy and Vetterli, EUSIPCO 2007, definition 1",
    .n_inputs = 1,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .compute = compute,
    .asks = asks,
    .formula = "exp(-sum_i p_i ln p_i), p_i = sigma_i / sum_j sigma_j; of: squared takes the squares",
    .shape = "one matrix [m, n]",
    .range = "[1, min(m, n)]",
    .invariance = "scaling by c != 0, transposition, orthogonal maps on either side",
    .cost = "one factorization, shared with all metrics of singular values",
    .states = "degenerate: the matrix is zero",
    .outputs = "entropy: the entropy itself, in nats",
};
