/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Cosine of two gradients, or of any two matrices of one shape.
 *
 * With the inner product of elements,
 * \f[ \cos(A, B) = \frac{\langle A, B \rangle}{\|A\|_F \, \|B\|_F}. \f]
 * The outputs beside it are exact over all elements. Several tensors together are one long vector: `all` is
 * \f$ \sum_i \langle A_i, B_i \rangle / \sqrt{\sum_i \|A_i\|^2 \sum_i \|B_i\|^2} \f$, not the mean of the cosines.
 * Comparing gradients of different batches supposes that both are sums, or both means, over equally many tokens: the
 * cosine does not see the difference, the norm ratio does.
 *
 * @shape      two matrices [n, p]
 * @range      [-1, 1]
 * @invariance scaling of either by c > 0; the same orthogonal map of both; the same permutation of both
 * @cost       O(n p); products through their factors, but for the signs, which need their elements
 * @paper      T. Yu et al., "Gradient surgery for multi-task learning", NeurIPS 2020, arXiv:2001.06782, definition 1
 *
 * States: degenerate when a matrix is zero; unsupported when the shapes differ.
 */
#include <math.h>

#include "base/error.h"
#include "matrix/pairs.h"
#include "metrics/metric_impl.h"
#include "metrics/pair.h"

static const char definition[] = "cosine of all elements";

/* What one number is made of, and what the pool needs. */
static pa_status add_outputs(pa_value *out, const pa_pair *pair, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t agreeing = 0;
    int64_t compared = 0;
    PA_TRY(pa_matrix_sign_agreement(pair->x, pair->y, &agreeing, &compared, err));
    PA_TRY(pa_value_add_quotient(out, "sign_agreement", (double)agreeing, (double)compared, err));
    PA_TRY(pa_value_add_number(out, "signs_compared", (double)compared, err));
    PA_TRY(pa_value_add_quotient(out, "norm_ratio", pair->x_norm, pair->y_norm, err));
    PA_TRY(pa_value_add_number(out, "inner", pair->inner, err));
    PA_TRY(pa_value_add_number(out, "norm", pair->x_norm, err));
    PA_TRY(pa_value_add_number(out, "target_norm", pair->y_norm, err));

cleanup:
    return status;
}

static void set_cosine(pa_value *out, double cosine, double norm, double target_norm)
{
    if (norm > 0.0 && target_norm > 0.0) {
        pa_value_set(out, isfinite(cosine) ? fmax(-1.0, fmin(cosine, 1.0)) : cosine);
    } else {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "a matrix is zero");
    }
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    (void)options;
    pa_status status = PA_OK;
    pa_pair pair;
    int ok = 0;
    pa_value_set_definition(out, definition, NULL);
    PA_TRY(pa_pair_create(in, &pair, out, &ok, err));
    if (ok) {
        PA_TRY(add_outputs(out, &pair, err));
        set_cosine(out, pair.cosine, pair.x_norm, pair.y_norm);
    }

cleanup:
    return status;
}

/* Of several pairs as one. */
typedef struct sums {
    double norm;
    double target_norm;
    double compared;
    double agreeing;
    int64_t n;
} sums;

/* Adds the norms and signs of each pair; says which value, if any, makes the whole undefined. */
static const pa_value *add_up(const pa_value *const *values, int64_t n_values, sums *into)
{
    for (int64_t i = 0; i < n_values; i++) {
        double norm = 0.0;
        double target_norm = 0.0;
        double compared = 0.0;
        double agreement = 0.0;
        if (values[i]->state == PA_STATE_EMPTY) {
            continue;
        }
        if (!pa_value_number(values[i], "norm", &norm) || !pa_value_number(values[i], "target_norm", &target_norm) ||
            !pa_value_number(values[i], "signs_compared", &compared)) {
            return values[i];
        }
        (void)pa_value_number(values[i], "sign_agreement", &agreement); /* there is none where nothing was compared */
        into->norm = hypot(into->norm, norm);
        into->target_norm = hypot(into->target_norm, target_norm);
        into->compared += compared;
        into->agreeing += round(agreement * compared);
        into->n++;
    }
    return NULL;
}

/* The sum of inner products over the product of the norms of the whole, term by term so that nothing overflows. */
static double whole_cosine(const pa_value *const *values, int64_t n_values, const sums *all)
{
    double cosine = 0.0;
    for (int64_t i = 0; i < n_values; i++) {
        double norm = 0.0;
        double target_norm = 0.0;
        if (values[i]->state == PA_STATE_OK && pa_value_number(values[i], "norm", &norm) &&
            pa_value_number(values[i], "target_norm", &target_norm)) {
            cosine += values[i]->value * (norm / all->norm) * (target_norm / all->target_norm);
        }
    }
    return cosine;
}

static pa_status pool(void *user_data, const pa_options *options, const pa_value *const *values, int64_t n_values,
                      pa_value *out, pa_error *err)
{
    (void)user_data;
    (void)options;
    pa_status status = PA_OK;
    sums all = {0};
    pa_value_set_definition(out, definition, "of all together");
    const pa_value *missing = add_up(values, n_values, &all);
    if (missing != NULL) {
        pa_value_set_undefined(out, missing->state != PA_STATE_OK ? missing->state : PA_STATE_UNSUPPORTED,
                               "one of the values is undefined");
        return PA_OK;
    }
    if (all.n == 0) {
        pa_value_set_undefined(out, PA_STATE_EMPTY, "there is nothing to put together");
        return PA_OK;
    }
    const double cosine = all.norm > 0.0 && all.target_norm > 0.0 ? whole_cosine(values, n_values, &all) : 0.0;
    PA_TRY(pa_value_add_quotient(out, "sign_agreement", all.agreeing, all.compared, err));
    PA_TRY(pa_value_add_number(out, "signs_compared", all.compared, err));
    PA_TRY(pa_value_add_quotient(out, "norm_ratio", all.norm, all.target_norm, err));
    PA_TRY(pa_value_add_number(out, "inner", cosine * all.norm * all.target_norm, err));
    PA_TRY(pa_value_add_number(out, "norm", all.norm, err));
    PA_TRY(pa_value_add_number(out, "target_norm", all.target_norm, err));
    set_cosine(out, cosine, all.norm, all.target_norm);

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_ELEMENTS | PA_ASKS_FROBENIUS;
}

/** @brief Built-in metric `gradient_similarity`; see @ref gradient_similarity.c. */
const pa_metric_ops pa_metric_gradient_similarity = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "gradient_similarity",
    .description = "Cosine of two gradients: whether two steps, or two batches, pull the same way.",
    .paper = "Yu et al., NeurIPS 2020, arXiv:2001.06782",
    .n_inputs = 2,
    .compute = compute,
    .asks = asks,
    .formula = "<A, B> / (||A||_F ||B||_F); all together: sum <A_i, B_i> / sqrt(sum ||A_i||^2 sum ||B_i||^2)",
    .shape = "two matrices [n, p]",
    .range = "[-1, 1]",
    .invariance = "positive scaling of either; the same orthogonal map or permutation of both",
    .cost = "O(n p)",
    .states =
        "degenerate: a matrix is zero; sign_agreement when no element was compared, norm_ratio when the second is "
        "zero; nonfinite: a norm overflows; unsupported: the shapes differ",
    .outputs = "sign_agreement: share of equal signs among the elements that are zero in neither; signs_compared: how "
               "many those are; norm_ratio: norm / target_norm; inner: inner product; norm: of the first; target_norm: "
               "of the second",
    .pool = pool,
};
