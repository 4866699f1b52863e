/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Statistics of activations: moments, quantiles, outliers, dead and dormant units, saturation.
 *
 * The value is the mean of all finite elements; everything else is a named output. Beside those of every distribution:
 *
 * - `outlier_share`: share of massive activations, |a| > 100 and |a| > 1000 times the median magnitude;
 * - `dead_units`: columns j with \f$\max_i |a_{ij}| \le\f$ `dead_below`; with `dead: relu` \f$\max_i a_{ij} \le\f$ it.
 *   Dead means "not seen alive in these n rows";
 * - `dormant_units`: columns whose score \f$\mathrm{mean}_i |a_{ij}| / \mathrm{mean}_{ik} |a_{ik}|\f$ is at most `tau`;
 *   when all are zero, all are dormant;
 * - `saturation`: the least number of principal components with a share of at least `share` of the variance, divided by
 *   the number of columns; `saturation_rank` is that number. Needs a factorization of the centred matrix;
 *   `saturation: false` leaves it out.
 *
 * `per_unit: true` adds arrays over the columns. Columns without a finite element count as neither dead nor dormant,
 * and have zeros there.
 *
 * @shape      one matrix [n, p], rows are samples, columns units
 * @range      any real number, in the units of the elements; shares in [0, 1]
 * @invariance the order of the rows; all but the arrays: the order of the columns
 * @cost       O(n p), three visits of the elements; saturation: one factorization, shared with participation_ratio
 * @paper      massive activations: M. Sun et al., arXiv:2402.17762; dead units: R. Voita et al., arXiv:2309.04827;
 *             dormant units: G. Sokar et al., arXiv:2302.12902; saturation: J. Shenk et al., arXiv:2006.08679;
 *             moments: P. Pebay, SAND2008-6212 (2008); quantiles: R. Hyndman, Y. Fan, Am. Stat. 50 (1996)
 *
 * States: nonfinite when no element is finite. Single outputs have states of their own, see `states` below.
 */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "metrics/metric_impl.h"
#include "metrics/summary.h"

static pa_status add_outliers(const pa_matrix *m, const pa_distribution *d, pa_value *out, pa_error *err)
{
    pa_status status = PA_OK;
    const double threshold = fmax(100.0, 1000.0 * d->median_abs);
    int64_t count = 0;
    if (d->moments.count == 0) {
        return pa_value_add_undefined(out, "outlier_share", PA_STATE_NONFINITE, err);
    }
    if (fmax(fabs(d->min), fabs(d->max)) > threshold) { /* seldom: it costs another visit */
        PA_TRY(pa_matrix_count_above(m, threshold, &count, err));
    }
    PA_TRY(pa_value_add_number(out, "outlier_share", (double)count / (double)d->moments.count, err));

cleanup:
    return status;
}

static int is_dead(const pa_column_statistics *c, int64_t j, int relu, double below)
{
    return (relu ? c->max[j] : c->max_abs[j]) <= below;
}

static pa_status add_units(const pa_matrix *m, const pa_options *options, pa_value *out, pa_error *err)
{
    pa_status status = PA_OK;
    const int relu = strcmp(pa_options_string(options, "dead"), "relu") == 0;
    const double below = pa_options_real(options, "dead_below");
    const double tau = pa_options_real(options, "tau");
    const int64_t p = out->p;
    pa_column_statistics c = {0};
    int64_t dead = 0;
    int64_t dormant = 0;
    PA_REQUIRE(tau >= 0.0, err, PA_ERR_CONFIG, "activation_stats: 'tau' is %g, a share of at least 0", tau);
    PA_REQUIRE(below >= 0.0 || relu, err, PA_ERR_CONFIG,
               "activation_stats: 'dead_below' is %g; no magnitude is below 0 ('dead: relu' looks at signed elements)",
               below);
    PA_TRY(pa_matrix_column_statistics(m, &c, err));
    for (int64_t j = 0; j < p; j++) {
        dead += c.counts[j] > 0 && is_dead(&c, j, relu, below);
        dormant += c.counts[j] > 0 && c.scores[j] <= tau;
    }
    PA_TRY(pa_value_add_number(out, "dead_units", (double)dead, err));
    PA_TRY(pa_value_add_number(out, "dormant_units", (double)dormant, err));
    if (pa_options_bool(options, "per_unit")) {
        PA_TRY(pa_value_add_array(out, "unit_mean", "unit", &p, 1, c.means, err));
        PA_TRY(pa_value_add_array(out, "unit_sd", "unit", &p, 1, c.sds, err));
        PA_TRY(pa_value_add_array(out, "unit_max", "unit", &p, 1, c.max, err));
        PA_TRY(pa_value_add_array(out, "unit_score", "unit", &p, 1, c.scores, err));
    }

cleanup:
    return status;
}

/* Principal components that together have that share of the variance; sigma of the centred matrix. */
static int64_t components(const double *sigma, int64_t k, double share)
{
    double total = 0.0;
    double sum = 0.0;
    int64_t n = 0;
    for (int64_t i = k - 1; i >= 0; i--) {
        total += (sigma[i] / sigma[0]) * (sigma[i] / sigma[0]);
    }
    const double wanted = share * total * (1.0 - 0x1p-40); /* a tie is met in spite of rounding */
    while (n < k && sum < wanted) {
        sum += (sigma[n] / sigma[0]) * (sigma[n] / sigma[0]);
        n++;
    }
    return n;
}

/* What keeps other metrics of the spectrum from having a value is here but a state of two outputs. */
static pa_status rank_of(const pa_matrix *m, double share, int64_t *rank, pa_state *state, pa_error *err)
{
    const pa_matrix *x = NULL;
    const double *sigma = NULL;
    int64_t k = 0;
    pa_status status = pa_matrix_standardized(m, &x, err);
    if (status == PA_OK && x != NULL) {
        status = pa_matrix_singular_values(x, &sigma, &k, err);
    }
    if (status == PA_ERR_NONFINITE || status == PA_ERR_NOCONV) {
        *state = status == PA_ERR_NONFINITE ? PA_STATE_NONFINITE : PA_STATE_UNSUPPORTED;
        pa_error_clear(err);
        return PA_OK;
    }
    *state = x != NULL ? PA_STATE_OK : PA_STATE_DEGENERATE;
    if (status == PA_OK && x != NULL) {
        *rank = components(sigma, k, share);
    }
    return status;
}

static pa_status add_saturation(const pa_matrix *m, const pa_options *options, pa_value *out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_state state = PA_STATE_UNSET;
    int64_t rank = 0;
    if (!pa_options_bool(options, "saturation")) {
        return PA_OK;
    }
    PA_TRY(rank_of(m, pa_options_real(options, "share"), &rank, &state, err));
    if (state == PA_STATE_OK) {
        PA_TRY(pa_value_add_number(out, "saturation", (double)rank / (double)out->p, err));
        PA_TRY(pa_value_add_number(out, "saturation_rank", (double)rank, err));
    } else {
        PA_TRY(pa_value_add_undefined(out, "saturation", state, err));
        PA_TRY(pa_value_add_undefined(out, "saturation_rank", state, err));
    }

cleanup:
    return status;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    pa_distribution d = {0};
    const double share = pa_options_real(options, "share");
    PA_REQUIRE(share > 0.0 && share <= 1.0, err, PA_ERR_INVALID, "activation_stats: share %g is not in (0, 1]", share);
    pa_value_set_definition(out, "mean", "finite elements");
    PA_TRY(pa_matrix_distribution(in[0], &d, err));
    if (d.moments.count > 0) {
        pa_value_set(out, pa_moments_mean(&d.moments));
    }
    PA_TRY(pa_summary_add(&d, out, err));
    PA_TRY(add_outliers(in[0], &d, out, err));
    PA_TRY(add_units(in[0], options, out, err));
    PA_TRY(add_saturation(in[0], options, out, err));

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    const int32_t spectrum = PA_ASKS_SPECTRUM | PA_ASKS_FROBENIUS;
    return PA_ASKS_ELEMENTS | (pa_options_bool(options, "saturation") ? spectrum : 0);
}

static const pa_option_spec options[] = {
    {.name = "per_unit",
     .type = PA_OPTION_BOOL,
     .fallback = "false",
     .help = "Add arrays over the columns: unit_mean, unit_sd, unit_max, unit_score."},
    {.name = "dead",
     .type = PA_OPTION_CHOICE,
     .fallback = "magnitude",
     .choices = "magnitude|relu",
     .help = "A unit is dead when its largest magnitude, or for relu its largest element, is at most dead_below."},
    {.name = "dead_below", .type = PA_OPTION_REAL, .fallback = "0", .help = "See dead."},
    {.name = "tau",
     .type = PA_OPTION_REAL,
     .fallback = "0.025",
     .help = "A unit is dormant when its mean magnitude is at most this share of that of all units."},
    {.name = "saturation",
     .type = PA_OPTION_BOOL,
     .fallback = "true",
     .help = "Count the principal components: the one output that needs a factorization."},
    {.name = "share",
     .type = PA_OPTION_REAL,
     .fallback = "0.99",
     .help = "Share of the variance that the components of saturation have, in (0, 1]."},
};

/** @brief Built-in metric `activation_stats`; see @ref activation_stats.c. */
const pa_metric_ops pa_metric_activation_stats = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "activation_stats",
    .description = "Statistics of activations: moments, quantiles, outliers, dead and dormant units, saturation.",
    .paper = "Sun et al., arXiv:2402.17762; Voita et al., arXiv:2309.04827; Sokar et al., arXiv:2302.12902; Shenk et "
             "al., arXiv:2006.08679",
    .n_inputs = 1,
    .flags = PA_METRIC_ACCEPTS_NONFINITE,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .compute = compute,
    .asks = asks,
    .formula =
        "mean of the finite elements; saturation: min k with sum_(i<=k) l_i >= share sum_i l_i, over p; dormant: "
        "mean_i |a_ij| <= tau mean_ik |a_ik|",
    .shape = "one matrix [n, p], rows are samples, columns units",
    .range = "any real number; shares and saturation in [0, 1]",
    .invariance = "the order of the rows; all but the arrays: the order of the columns",
    .cost = "O(n p); saturation: one factorization, shared with participation_ratio",
    .states = PA_SUMMARY_STATES "; outputs saturation, saturation_rank: degenerate when every column is constant, "
                                "nonfinite when an element is not finite",
    .outputs = PA_SUMMARY_OUTPUTS "; outlier_share: share of |a| > 100 and > 1000 median_abs; dead_units, "
                                  "dormant_units: numbers of columns; saturation, saturation_rank: share and number of "
                                  "principal components; per_unit: unit_mean, unit_sd, unit_max, unit_score "
                                  "(dormancy score) over the axis unit",
};
