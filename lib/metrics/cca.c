/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Canonical correlation analysis: the mean correlation, or the mean squared one.
 *
 * X and Y are centred; Q_x and Q_y are orthonormal bases of their column spaces up to the numerical rank. With the
 * singular values \f$\rho_i\f$ of \f$Q_x^T Q_y\f$, i = 1 ... c, c the smaller rank,
 * \f[ \mathrm{CCA} = \frac{1}{c} \sum_i \rho_i, \qquad R^2 = \frac{1}{c} \sum_i \rho_i^2. \f]
 * Every direction counts alike, however little of a matrix it is (`pwcca` weights them, `svcca` leaves small ones out),
 * and unrelated data do not give 0: independent Gaussian data of 4096 x 512 have a mean correlation of 0.30.
 *
 * @shape      two matrices [n, p] and [n, q]; row i of both is the same sample
 * @range      [0, 1]
 * @invariance invertible maps of the columns of either, shifts; the same permutation of both rows
 * @cost       two SVDs of the narrow forms
 * @paper      H. Hotelling, "Relations between two sets of variates", Biometrika 28 (1936),
 *             doi:10.1093/biomet/28.3-4.321; M. Raghu et al., NeurIPS 2017, arXiv:1706.05806; R^2: arXiv:1905.00414
 *
 * States: degenerate when all columns of an input are constant; saturated when a column space holds all centred vectors
 * (rank >= n - 1), where every correlation is 1 whatever the data.
 */
#include <string.h>

#include "base/error.h"
#include "metrics/canonical.h"
#include "metrics/metric_impl.h"

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const char *summary = pa_options_string(options, "summary");
    const pa_canonical_summary which = strcmp(summary, "r2") == 0 ? PA_CANONICAL_R2 : PA_CANONICAL_MEAN;
    const pa_matrix *centered[2];
    int64_t y_rank = 0;
    pa_value_set_definition(out, "CCA, arXiv:1706.05806", which == PA_CANONICAL_R2 ? "mean square" : "mean");
    PA_TRY(pa_canonical_inputs(in, centered, out, err));
    if (centered[0] != NULL) {
        PA_TRY(pa_matrix_rank(centered[0], &out->rank, err));
        PA_TRY(pa_matrix_rank(centered[1], &y_rank, err));
        if (!pa_canonical_saturated(out, out->rank, y_rank)) {
            PA_TRY(pa_canonical_compute(centered, out->rank, y_rank, which, out, err));
        }
    }

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_SPECTRUM | PA_ASKS_VECTORS;
}

static const pa_option_spec options[] = {
    {.name = "summary",
     .type = PA_OPTION_CHOICE,
     .fallback = "mean",
     .choices = "mean|r2",
     .help = "Mean of the correlations, or of their squares."},
};

/** @brief Built-in metric `cca`; see @ref cca.c. */
const pa_metric_ops pa_metric_cca = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "cca",
    .description = "Mean canonical correlation of two representations of the same samples.",
    .paper = "Hotelling, Biometrika 28 (1936), doi:10.1093/biomet/28.3-4.321; Raghu et al., NeurIPS 2017, "
             "arXiv:1706.05806",
    .n_inputs = 2,
    .flags = PA_METRIC_SYMMETRIC,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .compute = compute,
    .asks = asks,
    .formula =
        "mean of the singular values (r2: of their squares) of Q_x^T Q_y, orthonormal bases of the centred columns",
    .shape = "two matrices [n, p] and [n, q], rows paired",
    .range = "[0, 1]",
    .invariance = "invertible maps of the columns of either, shifts",
    .cost = "O(n p min(n, p)) for each",
    .states = "degenerate: every column is constant; saturated: rank >= n - 1",
    .outputs = "correlations: all of them, descending",
};
