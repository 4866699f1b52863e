/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Gini coefficient of the magnitudes of all elements: how unequal they are.
 *
 * With the N magnitudes in ascending order,
 * \f[ G = \frac{\sum_{i=1}^{N} (2i - N - 1)\, |x|_{(i)}}{N \sum_i |x|_i}. \f]
 *
 * @shape      one matrix of N elements
 * @range      [0, 1 - 1/N]: 0 when all magnitudes agree, the maximum when one element holds everything
 * @invariance scaling by c != 0, any permutation of the elements
 * Large matrices stored in less than doubles are not sorted but counted in buckets of relative width 2^-11; the error
 * is then below 1e-7, checked for each matrix (in practice 1e-9), and `estimator` says so.
 *
 * @cost       O(N)
 * @paper      N. Hurley, S. Rickard, "Comparing measures of sparsity", IEEE Trans. Inf. Theory 55 (2009),
 *             arXiv:0811.4706
 *
 * States: degenerate for an all-zero matrix (0 under `compat: pico`) and for a single element.
 */
#include "base/error.h"
#include "metrics/metric_impl.h"

/* A group of c elements from rank `before` on has the mean rank before + (c + 1) / 2. */
static double coefficient(const pa_magnitude_groups *groups, int64_t count)
{
    const double n = (double)count;
    const double unit = groups->means[groups->n_groups - 1]; /* so that nothing overflows */
    double total = 0.0;
    double weighted = 0.0;
    double before = 0.0;
    for (int64_t g = 0; g < groups->n_groups; g++) {
        const double c = (double)groups->counts[g];
        const double sum = c * (groups->means[g] / unit);
        total += sum;
        weighted += (2.0 * before + c - n) * sum;
        before += c;
    }
    return weighted / (n * total);
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    pa_magnitude_groups groups = {0};
    const int64_t count = out->n * out->p;
    PA_TRY(pa_matrix_magnitude_groups(in[0], &groups, err));
    pa_value_set_definition(out, "Gini, arXiv:0811.4706", groups.width > 0.0 ? "counted, width 2^-11" : "sorted");
    if (count < 2) {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "a single element");
    } else if (groups.means[groups.n_groups - 1] > 0.0) {
        pa_value_set(out, coefficient(&groups, count));
    } else if (pa_options_compat(options) == PA_COMPAT_PICO) {
        pa_value_set(out, 0.0);
    } else {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "the matrix is zero");
    }

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_ORDER;
}

/** @brief Built-in metric `gini`; see @ref gini.c. */
const pa_metric_ops pa_metric_gini = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "gini",
    .description = "Gini coefficient of the magnitudes: 0 all equal, 1 sparse.",
    .paper = "Hurley and Rickard, IEEE Trans. Inf. Theory 55 (2009), arXiv:0811.4706",
    .n_inputs = 1,
    .compute = compute,
    .asks = asks,
    .pico = "a zero matrix has Gini 0 instead of none",
    .formula = "sum_i (2i - N - 1) |x|_(i) / (N sum_i |x|_i), the N magnitudes in ascending order",
    .shape = "one matrix of N elements",
    .range = "[0, 1 - 1/N]: 0 when all magnitudes agree, the maximum when one element holds everything",
    .invariance = "scaling by c != 0, any permutation of the elements",
    .cost = "O(N); large matrices stored in less than doubles are counted in buckets, error below 1e-7, "
            "`estimator` says so",
    .states = "degenerate: an all-zero matrix, a single element",
};
