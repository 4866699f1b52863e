/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Orthogonal Procrustes distance of two representations: what no rotation can bring together.
 *
 * X and Y are centred and divided by their Frobenius norms; the narrower is filled up with zero columns. Over orthogonal
 * R, with the nuclear norm,
 * \f[ d^2 = \min_R \|X R - Y\|_F^2 = 2 - 2\, \|X^T Y\|_*, \qquad \theta = \arccos \|X^T Y\|_*. \f]
 * Both are metrics: zero only where rotation, scale and shift make the two equal, symmetric, with the triangle
 * inequality. The nuclear norm is had from the narrow forms, in which zero columns make no difference. Within 2^-46 of 1
 * it counts as 1: distances below 2e-7 are not told from 0.
 *
 * @shape      two matrices [n, p] and [n, q]; row i of both is the same sample
 * @range      distance: [0, sqrt(2)]; angular: [0, pi/2]
 * @invariance orthogonal maps of the columns of either, scaling by c != 0, shifts; the same permutation of both rows
 * @cost       O(n k l) and an SVD of [k, l], the widths of the narrow forms
 * @paper      F. Ding, J.-S. Denain, J. Steinhardt, NeurIPS 2021, arXiv:2108.01661; angular: A. Williams, E. Kunz,
 *             S. Kornblith, S. Linderman, "Generalized shape metrics on neural representations", NeurIPS 2021,
 *             arXiv:2110.14739
 *
 * States: degenerate when all columns of an input are constant.
 */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "matrix/pairs.h"
#include "metrics/metric_impl.h"

static const double ROUNDING = 0x1p-46;

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const char *form = pa_options_string(options, "form");
    const pa_matrix *x = NULL;
    const pa_matrix *y = NULL;
    double nuclear = 0.0;
    pa_value_set_definition(out, "Procrustes, arXiv:2110.14739", form);
    PA_TRY(pa_matrix_standardized(in[0], &x, err));
    PA_TRY(pa_matrix_standardized(in[1], &y, err));
    if (x == NULL || y == NULL) {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "every column is constant");
    } else {
        PA_TRY(pa_matrix_cross_nuclear(x, y, &nuclear, err));
        nuclear = 1.0 - nuclear <= ROUNDING ? 1.0 : nuclear;
        PA_TRY(pa_value_add_number(out, "nuclear", nuclear, err));
        pa_value_set(out, strcmp(form, "angular") == 0 ? acos(nuclear) : sqrt(2.0 - 2.0 * nuclear));
    }

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_FROBENIUS | PA_ASKS_GRAM;
}

static const pa_option_spec options[] = {
    {.name = "form",
     .type = PA_OPTION_CHOICE,
     .fallback = "distance",
     .choices = "distance|angular",
     .help = "Distance after the best rotation, or the angle in radians."},
};

/** @brief Built-in metric `procrustes`; see @ref procrustes.c. */
const pa_metric_ops pa_metric_procrustes = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "procrustes",
    .description = "Distance of two representations of the same samples after the best rotation.",
    .paper =
        "Ding, Denain, Steinhardt, NeurIPS 2021, arXiv:2108.01661; Williams et al., NeurIPS 2021, arXiv:2110.14739",
    .n_inputs = 2,
    .flags = PA_METRIC_SYMMETRIC,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .compute = compute,
    .asks = asks,
    .formula = "sqrt(2 - 2 ||X^T Y||_*), angular: arccos ||X^T Y||_*; columns centred, Frobenius norms 1",
    .shape = "two matrices [n, p] and [n, q], rows paired",
    .range = "[0, sqrt(2)]; angular: [0, pi/2]",
    .invariance = "orthogonal maps of the columns and scaling of either, shifts",
    .cost = "O(n p q)",
    .states = "degenerate: every column is constant",
    .outputs = "nuclear: ||X^T Y||_*, a similarity in [0, 1]",
};
