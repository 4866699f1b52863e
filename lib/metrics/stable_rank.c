/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Stable rank: how many directions carry the energy of a matrix, counted in units of the largest.
 *
 * With singular values \f$\sigma_i\f$ in descending order,
 * \f[ \mathrm{srank}(A) = \frac{\|A\|_F^2}{\sigma_1^2} = \sum_i \frac{\sigma_i^2}{\sigma_1^2}. \f]
 * It is at most the rank, and unlike the rank it does not jump when a matrix changes a little. The output
 * `nuclear_rank` is the same without the squares, the nuclear norm over the spectral one.
 *
 * @shape      one matrix [m, n]
 * @range      [1, min(m, n)]; 1 for rank one, min(m, n) when all singular values agree
 * @invariance scaling by c != 0, transposition, orthogonal maps on either side
 * @cost       one factorization, shared with all metrics of singular values
 * @paper      M. Rudelson, R. Vershynin, J. ACM 54 (2007), arXiv:math/0503442; of weights: C. Martin, M. Mahoney,
 *             arXiv:1810.01075
 *
 * States: degenerate for an all-zero matrix.
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
    pa_value_set_definition(out, "stable rank, arXiv:1810.01075", "");
    PA_TRY(pa_spectrum_of(in[0], &sigma, &k, out, err));
    if (out->state == PA_STATE_UNSET) {
        double sum = 0.0; /* in units of sigma_1, so that nothing overflows; the smallest first, which rounds least */
        double squares = 0.0;
        for (int64_t i = k - 1; i >= 0; i--) {
            const double x = sigma[i] / sigma[0];
            sum += x;
            squares += x * x;
        }
        pa_value_set(out, squares);
        PA_TRY(pa_value_add_number(out, "nuclear_rank", sum, err));
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

/** @brief Built-in metric `stable_rank`; see @ref stable_rank.c. */
const pa_metric_ops pa_metric_stable_rank = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "stable_rank",
    .description = "Stable rank: squared Frobenius norm over squared spectral norm.",
    .paper = "Rudelson and Vershynin, J. ACM 54 (2007), arXiv:math/0503442; Martin and Mahoney, arXiv:1810.01075",
    .n_inputs = 1,
    .compute = compute,
    .asks = asks,
    .formula = "||A||_F^2 / sigma_1^2",
    .shape = "one matrix [m, n]",
    .range = "[1, min(m, n)]",
    .invariance = "scaling by c != 0, transposition, orthogonal maps on either side",
    .cost = "one factorization, shared with all metrics of singular values",
    .states = "degenerate: the matrix is zero",
    .outputs = "nuclear_rank: sum of the singular values over the largest",
};
