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
 * @cost       O(N)
 * @paper      N. Hurley, S. Rickard, "Comparing measures of sparsity", IEEE Trans. Inf. Theory 55 (2009),
 *             arXiv:0811.4706
 *
 * States: degenerate for an all-zero matrix (0 under `compat: pico`) and for a single element.
 */
#include "base/error.h"
#include "metrics/metric_impl.h"

enum { BLOCK = 4096 }; /* partial sums keep the rounding of long sums small */

static double coefficient(const double *sorted, int64_t count)
{
    const double largest = sorted[count - 1];
    double total = 0.0;
    double weighted = 0.0;
    for (int64_t begin = 0; begin < count; begin += BLOCK) {
        const int64_t end = begin + BLOCK < count ? begin + BLOCK : count;
        double block_total = 0.0;
        double block_weighted = 0.0;
        for (int64_t i = begin; i < end; i++) {
            const double x = sorted[i] / largest;
            block_total += x;
            block_weighted += (double)(2 * i + 1 - count) * x;
        }
        total += block_total;
        weighted += block_weighted;
    }
    return weighted / ((double)count * total);
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const double *sorted = NULL;
    const int64_t count = out->n * out->p;
    pa_value_set_definition(out, "Gini, arXiv:0811.4706", "magnitudes");
    PA_TRY(pa_matrix_sorted_magnitudes(in[0], &sorted, err));
    if (count < 2) {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "a single element");
    } else if (sorted[count - 1] > 0.0) {
        pa_value_set(out, coefficient(sorted, count));
    } else if (pa_options_compat(options) == PA_COMPAT_PICO) {
        pa_value_set(out, 0.0);
    } else {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "the matrix is zero");
    }

cleanup:
    return status;
}

/** @brief Built-in metric `gini`; see @ref gini.c. */
const pa_metric_ops pa_metric_gini = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "gini",
    .description = "Gini coefficient of the magnitudes: 0 all equal, 1 sparse.",
    .paper = "Hurley and Rickard, IEEE Trans. Inf. Theory 55 (2009), arXiv:0811.4706",
    .n_inputs = 1,
    .compute = compute,
    .pico = "a zero matrix has Gini 0 instead of none",
};
