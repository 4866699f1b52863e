/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief How far weights have moved from a target: another checkpoint's.
 *
 * For weights W and a target T,
 * \f[ \frac{\|W - T\|_F}{\|T\|_F}. \f]
 * With `target_checkpoint: initial` that is the movement since the start, and `distance` the displacement; with
 * `previous` it is the size of an update, and `path_length` adds up the distances along the run: how far the weights have
 * travelled, of which the displacement is what is left; with other targets there is none.
 * The difference is formed before its norm, of products factor by factor, so that small movements keep their digits.
 *
 * @shape      two matrices [n, p]
 * @range      [0, inf)
 * @invariance the same scaling of both; the same orthogonal map of both; the same permutation of both
 * @cost       O(n p); products through their factors
 * @paper      F. Schneider, F. Dangel, P. Hennig, "Cockpit: a practical debugging tool for the training of deep neural
 *             networks", NeurIPS 2021, arXiv:2102.06604 (Distance, UpdateSize)
 *
 * States: degenerate when the target is zero (of `cosine` when either is, of `update_ratio` when W is); nonfinite when
 * a norm overflows; unsupported when the shapes differ. A `path_length` is undefined from the first step on that has no
 * distance, with that one's state.
 */
#include <math.h>

#include "base/error.h"
#include "metrics/metric_impl.h"
#include "metrics/pair.h"

static pa_status add_outputs(pa_value *out, const pa_pair *pair, double distance, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_value_add_number(out, "distance", distance, err));
    if (pair->x_norm > 0.0 && pair->y_norm > 0.0 && isfinite(pair->cosine)) {
        PA_TRY(pa_value_add_number(out, "cosine", fmax(-1.0, fmin(pair->cosine, 1.0)), err));
    } else {
        PA_TRY(pa_value_add_undefined(out, "cosine", PA_STATE_DEGENERATE, err));
    }
    PA_TRY(pa_value_add_quotient(out, "update_ratio", distance, pair->x_norm, err));
    PA_TRY(pa_value_add_number(out, "norm", pair->x_norm, err));
    PA_TRY(pa_value_add_number(out, "target_norm", pair->y_norm, err));

cleanup:
    return status;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    (void)options;
    pa_status status = PA_OK;
    pa_pair pair;
    double distance = 0.0;
    int ok = 0;
    pa_value_set_definition(out, "relative Frobenius distance", NULL);
    PA_TRY(pa_pair_create(in, &pair, out, &ok, err));
    if (ok) {
        PA_TRY(pa_pair_distance(&pair, &distance, err));
        PA_TRY(add_outputs(out, &pair, distance, err));
        if (pair.y_norm > 0.0) {
            pa_value_set(out, distance / pair.y_norm);
        } else {
            pa_value_set_undefined(out, PA_STATE_DEGENERATE, "the target is zero");
        }
    }

cleanup:
    return status;
}

/* The first step has no previous one, there the path begins; where a later one has no distance, it is broken from there
 * on. */
static pa_status follow(void *user_data, const pa_options *options, const pa_value *before, pa_value *value,
                        pa_error *err)
{
    (void)user_data;
    (void)options;
    pa_output path = {.struct_size = sizeof(path)};
    double distance = 0.0;
    double so_far = 0.0;
    if (value->state == PA_STATE_UNSUPPORTED || value->state == PA_STATE_EMPTY) {
        return before == NULL ? PA_OK : pa_value_add_undefined(value, "path_length", value->state, err);
    }
    if (!pa_value_number(value, "distance", &distance)) {
        return pa_value_add_undefined(value, "path_length", PA_STATE_NONFINITE, err);
    }
    if (before != NULL && pa_value_find_output(before, "path_length", &path, NULL) == PA_OK) {
        if (path.state != PA_STATE_OK) {
            return pa_value_add_undefined(value, "path_length", path.state, err);
        }
        so_far = path.number;
    }
    return pa_value_add_number(value, "path_length", so_far + distance, err);
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_ELEMENTS | PA_ASKS_FROBENIUS;
}

/** @brief Built-in metric `weight_movement`; see @ref weight_movement.c. */
const pa_metric_ops pa_metric_weight_movement = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "weight_movement",
    .description = "How far weights have moved from a target checkpoint, relative to the target's norm.",
    .paper = "Schneider, Dangel, Hennig, NeurIPS 2021, arXiv:2102.06604",
    .n_inputs = 2,
    .compute = compute,
    .asks = asks,
    .formula = "||W - T||_F / ||T||_F",
    .shape = "two matrices [n, p]",
    .range = "[0, inf)",
    .invariance = "the same scaling, orthogonal map or permutation of both",
    .cost = "O(n p)",
    .states =
        "degenerate: the target is zero; cosine also when W is, update_ratio when W is; nonfinite: a norm overflows; "
        "unsupported: the shapes differ",
    .outputs =
        "distance: ||W - T||_F (from the initial checkpoint: the displacement); cosine: of W and T; "
        "update_ratio: distance / norm; norm: ||W||_F; target_norm: ||T||_F; path_length: sum of the distances "
        "of this and all earlier steps; there is one with target previous only, undefined from the first step on "
        "that has no distance",
    .follow = follow,
};
