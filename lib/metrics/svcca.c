/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Singular vector canonical correlation analysis: the mean canonical correlation of the large directions.
 *
 * X and Y are centred and replaced by their projections onto the fewest leading left singular vectors that hold the share
 * `keep` of the variance,
 * \f[ k = \min \Bigl\{ k : \sum_{i \le k} \sigma_i^2 \ge \mathrm{keep} \sum_i \sigma_i^2 \Bigr\}, \f]
 * and never more than the numerical rank; the value is the mean of the canonical correlations between the two. The
 * variance is the sum of squares: tools that add up singular values keep more directions, those with a fixed number
 * of directions others.
 *
 * @shape      two matrices [n, p] and [n, q]; row i of both is the same sample
 * @range      [0, 1]
 * @invariance orthogonal maps of the columns of either, scaling by c != 0, shifts; the same permutation of both rows
 * @cost       two SVDs of the narrow forms
 * @paper      M. Raghu, J. Gilmer, J. Yosinski, J. Sohl-Dickstein, "SVCCA: singular vector canonical correlation analysis
 *             for deep learning dynamics and interpretability", NeurIPS 2017, arXiv:1706.05806
 *
 * States: degenerate when all columns of an input are constant; saturated when n - 1 directions are kept.
 */
#include "base/error.h"
#include "metrics/canonical.h"
#include "metrics/metric_impl.h"

/* How many directions are kept, and the numerical rank. */
static pa_status kept_directions(const pa_matrix *centered, double keep, int64_t *out, int64_t *rank, pa_error *err)
{
    pa_status status = PA_OK;
    const double *sigma = NULL;
    int64_t k = 0;
    double total = 0.0;
    double sum = 0.0;
    PA_TRY(pa_matrix_rank(centered, rank, err));
    PA_TRY(pa_matrix_singular_values(centered, &sigma, &k, err));
    for (int64_t i = 0; i < k; i++) {
        total += (sigma[i] / sigma[0]) * (sigma[i] / sigma[0]); /* so that nothing overflows */
    }
    int64_t count = 0;
    while (count < *rank && sum < keep * total) {
        sum += (sigma[count] / sigma[0]) * (sigma[count] / sigma[0]);
        count++;
    }
    *out = count;

cleanup:
    return status;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const double keep = pa_options_real(options, "keep");
    const pa_matrix *centered[2];
    int64_t kept[2] = {0, 0};
    int64_t y_rank = 0;
    PA_REQUIRE(keep > 0.0 && keep <= 1.0, err, PA_ERR_CONFIG, "svcca: keep is a share above 0 and at most 1, not %g",
               keep);
    pa_value_set_definition(out, "SVCCA, arXiv:1706.05806", "share of variance");
    PA_TRY(pa_canonical_inputs(in, centered, out, err));
    if (centered[0] != NULL) {
        PA_TRY(kept_directions(centered[0], keep, &kept[0], &out->rank, err));
        PA_TRY(kept_directions(centered[1], keep, &kept[1], &y_rank, err));
        PA_TRY(pa_value_add_number(out, "kept", (double)kept[0], err));
        PA_TRY(pa_value_add_number(out, "target_kept", (double)kept[1], err));
        if (!pa_canonical_saturated(out, kept[0], kept[1])) {
            PA_TRY(pa_canonical_compute(centered, kept[0], kept[1], PA_CANONICAL_MEAN, out, err));
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
    {.name = "keep",
     .type = PA_OPTION_REAL,
     .fallback = "0.99",
     .help = "Share of the variance (sum of squared singular values) that the kept directions hold."},
};

/** @brief Built-in metric `svcca`; see @ref svcca.c. */
const pa_metric_ops pa_metric_svcca = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "svcca",
    .description = "Mean canonical correlation of the directions that hold most of the variance.",
    .paper = "Raghu et al., NeurIPS 2017, arXiv:1706.05806",
    .n_inputs = 2,
    .flags = PA_METRIC_SYMMETRIC,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .compute = compute,
    .asks = asks,
    .formula = "mean canonical correlation of the first k left singular vectors, sum_{i<=k} s_i^2 >= keep sum s_i^2",
    .shape = "two matrices [n, p] and [n, q], rows paired",
    .range = "[0, 1]",
    .invariance = "orthogonal maps of the columns and scaling of either, shifts",
    .cost = "O(n p min(n, p)) for each",
    .states = "degenerate: every column is constant; saturated: n - 1 directions are kept",
    .outputs = "correlations: all of them, descending; kept: directions of the first; target_kept: of the second",
};
