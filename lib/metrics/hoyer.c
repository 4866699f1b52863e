/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Hoyer's sparseness of all elements.
 *
 * For N elements,
 * \f[ H = \frac{\sqrt{N} - \|x\|_1 / \|x\|_2}{\sqrt{N} - 1}. \f]
 *
 * @shape      one matrix of N elements
 * @range      [0, 1]: 0 when all magnitudes agree, 1 when one element holds everything
 * @invariance scaling by c != 0, any permutation of the elements
 * @cost       O(N)
 * @paper      P. Hoyer, "Non-negative matrix factorization with sparseness constraints", JMLR 5 (2004)
 *
 * States: degenerate for an all-zero matrix and for a single element.
 */
#include <math.h>

#include "base/error.h"
#include "metrics/metric_impl.h"

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    (void)options;
    pa_status status = PA_OK;
    double sum = 0.0;
    double norm = 0.0;
    const double root = sqrt((double)out->n * (double)out->p);
    pa_value_set_definition(out, "Hoyer, JMLR 5 (2004)", "");
    PA_TRY(pa_matrix_sum_abs(in[0], &sum, err));
    PA_TRY(pa_matrix_frobenius(in[0], &norm, err));
    if (!(root > 1.0)) {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "a single element");
    } else if (norm > 0.0) {
        pa_value_set(out, (root - sum / norm) / (root - 1.0));
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
    return PA_ASKS_ELEMENTS | PA_ASKS_FROBENIUS;
}

/** @brief Built-in metric `hoyer`; see @ref hoyer.c. */
const pa_metric_ops pa_metric_hoyer = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "hoyer",
    .description = "Hoyer's sparseness: 0 all equal, 1 a single non-zero element.",
    .paper = "Hoyer, JMLR 5 (2004)",
    .n_inputs = 1,
    .compute = compute,
    .asks = asks,
    .formula = "(sqrt(N) - ||x||_1 / ||x||_2) / (sqrt(N) - 1)",
    .shape = "one matrix of N elements",
    .range = "[0, 1]: 0 when all magnitudes agree, 1 when one element holds everything",
    .invariance = "scaling by c != 0, any permutation of the elements",
    .cost = "O(N)",
    .states = "degenerate: an all-zero matrix, a single element",
};
