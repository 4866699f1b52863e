/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Composition of two attention heads: how much of what one writes the other reads.
 *
 * For circuits A of the later head and B of the earlier one (its W_OV), both [d, d],
 * \f[ \frac{\|A B\|_F}{\|A\|_F \, \|B\|_F}, \f]
 * with A = W_QK^T for Q-, W_QK for K- and the later W_OV for V-composition, where the score of a query x against a key y
 * is x^T W_QK y. Unrelated heads do not score 0 but about \f$1/\sqrt{d}\f$ (`baseline`), more or less according to their
 * rank: `z` says how many standard deviations the squared score is from that of heads rotated at random. For R uniform
 * over the orthogonal maps, S = A^T A and T = B B^T, the squared norm \f$\|A R B\|_F^2 = \mathrm{tr}(S R T R^T)\f$ has
 * \f[ \mu = \frac{\mathrm{tr} S \, \mathrm{tr} T}{d}, \qquad
 *     \sigma^2 = \frac{2}{(d-1)(d+2)} \Bigl(\mathrm{tr} S^2 - \frac{(\mathrm{tr} S)^2}{d}\Bigr)
 *                \Bigl(\mathrm{tr} T^2 - \frac{(\mathrm{tr} T)^2}{d}\Bigr), \f]
 * because the traceless parts of S and T turn in a space of (d-1)(d+2)/2 dimensions in which they have no preferred
 * direction. No circuit is formed: all are inner products of narrow forms.
 *
 * @shape      two matrices [d, d]
 * @range      [0, 1]
 * @invariance scaling of either; orthogonal maps of the rows of A and of the columns of B; the same orthogonal change of
 *             basis of the space in between
 * @cost       O(d k^2) for circuits of rank k
 * @paper      N. Elhage et al., "A mathematical framework for transformer circuits", 2021,
 *             https://transformer-circuits.pub/2021/framework; mean and variance: derived here
 *
 * States: degenerate when a circuit is zero (z also when one is a multiple of an orthogonal map, which composes with all
 * alike); unsupported when the circuits are not both [d, d].
 */
#include <math.h>

#include "base/error.h"
#include "metrics/metric_impl.h"

/* M / ||M||_F, or NULL where that cannot be. */
static pa_status normalized(const pa_matrix *m, pa_matrix **out, pa_error *err)
{
    double norm = 0.0;
    *out = NULL;
    const pa_status status = pa_matrix_frobenius(m, &norm, err);
    if (status != PA_OK || !isfinite(1.0 / norm) || !isfinite(norm)) {
        return status;
    }
    return pa_matrix_scale(m, 1.0 / norm, out, err);
}

/* tr S^2 - (tr S)^2 / d of the Gram S of unit trace; 0 where rounding is all that is left of it. */
static pa_status spread(const pa_matrix *m, double d, double *out, pa_error *err)
{
    double squares = 0.0;
    const pa_status status = pa_matrix_gram_inner(m, m, &squares, err);
    const double left = squares - 1.0 / d;
    *out = left > 0x1p-44 * squares ? left : 0.0;
    return status;
}

static pa_status add_outputs(pa_value *out, const pa_matrix *at, const pa_matrix *b, double squared, pa_error *err)
{
    pa_status status = PA_OK;
    const double d = (double)pa_matrix_rows(b);
    const double baseline = 1.0 / sqrt(d);
    double s = 0.0;
    double t = 0.0;
    PA_TRY(pa_value_add_number(out, "baseline", baseline, err));
    PA_TRY(pa_value_add_number(out, "excess", sqrt(squared) - baseline, err));
    PA_TRY(spread(at, d, &s, err));
    PA_TRY(spread(b, d, &t, err));
    const double variance = d > 1.0 ? 2.0 * s * t / ((d - 1.0) * (d + 2.0)) : 0.0;
    if (variance > 0.0) {
        PA_TRY(pa_value_add_number(out, "z", (squared - 1.0 / d) / sqrt(variance), err));
    } else {
        PA_TRY(pa_value_add_undefined(out, "z", PA_STATE_DEGENERATE, err));
    }

cleanup:
    return status;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    (void)options;
    pa_status status = PA_OK;
    pa_matrix *transposed = NULL;
    pa_matrix *at = NULL;
    pa_matrix *b = NULL;
    double squared = 0.0;
    const int64_t d = pa_matrix_rows(in[1]);
    pa_value_set_definition(out, "composition score, Elhage et al. 2021", NULL);
    if (pa_matrix_cols(in[0]) != d || pa_matrix_cols(in[1]) != d) {
        pa_value_set_undefined(out, PA_STATE_UNSUPPORTED, "the circuits are not both [d, d]");
        return PA_OK;
    }
    PA_TRY(pa_matrix_transpose(in[0], &transposed, err));
    PA_TRY(normalized(transposed, &at, err));
    PA_TRY(normalized(in[1], &b, err));
    if (at == NULL || b == NULL) {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "a circuit is zero, or its norm out of range");
    } else {
        PA_TRY(pa_matrix_gram_inner(at, b, &squared, err));
        PA_TRY(add_outputs(out, at, b, squared, err));
        pa_value_set(out, fmin(sqrt(squared), 1.0));
    }

cleanup:
    pa_matrix_destroy(b);
    pa_matrix_destroy(at);
    pa_matrix_destroy(transposed);
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_FROBENIUS | PA_ASKS_GRAM;
}

/** @brief Built-in metric `composition`; see @ref composition.c. */
const pa_metric_ops pa_metric_composition = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "composition",
    .description = "Composition score of two attention heads, against what heads rotated at random would score.",
    .paper = "Elhage et al., 2021, https://transformer-circuits.pub/2021/framework",
    .n_inputs = 2,
    .compute = compute,
    .asks = asks,
    .formula = "||A B||_F / (||A||_F ||B||_F)",
    .shape = "two matrices [d, d]: a circuit of the later head, W_OV of the earlier one",
    .range = "[0, 1]; about 1/sqrt(d) for unrelated heads",
    .invariance = "scaling of either; an orthogonal change of basis of the residual stream",
    .cost = "O(d k^2) for circuits of rank k",
    .states = "degenerate: a circuit is zero, z also when rotations change nothing; unsupported: not both [d, d]",
    .kinds = 1 << PA_WEIGHTS | 1 << PA_GRADIENTS,
    .outputs = "baseline: 1/sqrt(d); excess: value - baseline; z: of the squared score among heads rotated at random",
};
