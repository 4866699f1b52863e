/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Distribution of the elements of a weight or gradient: moments, quantiles, norms and two histograms.
 *
 * The value is the standard deviation of all finite elements; everything else is a named output. The edges of the
 * histograms depend on the options only, so that those of all steps, layers and runs compare bin by bin:
 *
 * - `counts` over `bins` equal bins of [-range, range], with `edges`; `underflow` and `overflow` are what lies beyond;
 * - `log_counts` of the magnitudes of non-zero elements over 60 bins, 4 a decade, from 1e-12 to 1e3, with `log_edges`;
 *   `log_underflow` and `log_overflow` likewise. Zeros are in `zero_share`.
 *
 * Bins are half-open [e_i, e_(i+1)), the last is closed, as in NumPy.
 *
 * @shape      one matrix of N elements
 * @range      [0, inf), in the units of the elements
 * @invariance any permutation of the elements
 * @cost       O(N), three visits of the elements
 * @paper      moments: P. Pebay, SAND2008-6212 (2008); quantiles: R. Hyndman, Y. Fan, Am. Stat. 50 (1996)
 *
 * States: nonfinite when no element is finite; the histograms are then empty.
 */
#include <math.h>

#include "base/error.h"
#include "metrics/metric_impl.h"
#include "metrics/summary.h"

enum { MAX_BINS = 1024, PER_DECADE = 4, FIRST_DECADE = -12, DECADES = 15, LOG_BINS = PER_DECADE * DECADES };

static void set_edges(double range, int64_t n, double *edges)
{
    for (int64_t i = 0; i <= n; i++) {
        edges[i] = range * ((double)(2 * i - n) / (double)n);
    }
}

static void set_log_edges(double *edges)
{
    for (int i = 0; i <= LOG_BINS; i++) {
        edges[i] = pow(10.0, (double)FIRST_DECADE + (double)i / PER_DECADE);
    }
}

static pa_status add_bins(const pa_bins *bins, const char *const names[4], pa_value *out, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t n_edges = bins->n_bins + 1;
    PA_TRY(pa_value_add_array(out, names[0], "bin", &bins->n_bins, 1, bins->counts, err));
    PA_TRY(pa_value_add_array(out, names[1], "edge", &n_edges, 1, bins->edges, err));
    PA_TRY(pa_value_add_number(out, names[2], bins->below, err));
    PA_TRY(pa_value_add_number(out, names[3], bins->above, err));

cleanup:
    return status;
}

static pa_status add_histograms(const pa_matrix *m, double range, int64_t n_bins, pa_value *out, pa_error *err)
{
    static const char *const names[4] = {"counts", "edges", "underflow", "overflow"};
    static const char *const log_names[4] = {"log_counts", "log_edges", "log_underflow", "log_overflow"};
    pa_status status = PA_OK;
    double edges[MAX_BINS + 1];
    double counts[MAX_BINS] = {0};
    double log_edges[LOG_BINS + 1];
    double log_counts[LOG_BINS] = {0};
    pa_bins linear = {.edges = edges, .n_bins = n_bins, .counts = counts};
    pa_bins log = {.edges = log_edges, .n_bins = LOG_BINS, .counts = log_counts};
    set_edges(range, n_bins, edges);
    set_log_edges(log_edges);
    PA_TRY(pa_matrix_fill_bins(m, &linear, &log, err));
    PA_TRY(add_bins(&linear, names, out, err));
    PA_TRY(add_bins(&log, log_names, out, err));

cleanup:
    return status;
}

static pa_status add_norms(const pa_distribution *d, pa_value *out, pa_error *err)
{
    pa_status status = PA_OK;
    const double count = (double)d->moments.count;
    PA_TRY(pa_value_add_number(out, "l1", d->sum_abs, err));
    PA_TRY(pa_value_add_number(out, "l2", count > 0.0 ? sqrt(count) * pa_moments_rms(&d->moments) : 0.0, err));
    PA_TRY(pa_value_add_number(out, "max_abs", fmax(fabs(d->min), fabs(d->max)), err));

cleanup:
    return status;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    pa_distribution d = {0};
    const double range = pa_options_real(options, "range");
    const int64_t n_bins = pa_options_int(options, "bins");
    PA_REQUIRE(range >= 1e-100 && range <= 1e100, err, PA_ERR_INVALID,
               "weight_distribution: range %g is not in [1e-100, 1e100]", range);
    PA_REQUIRE(n_bins >= 1 && n_bins <= MAX_BINS, err, PA_ERR_INVALID, "weight_distribution: %lld bins, not 1 ... %d",
               (long long)n_bins, MAX_BINS);
    pa_value_set_definition(out, "standard deviation", "finite elements");
    PA_TRY(pa_matrix_distribution(in[0], &d, err));
    if (d.moments.count > 0) {
        pa_value_set(out, pa_moments_sd(&d.moments));
    }
    PA_TRY(pa_summary_add(&d, out, err));
    PA_TRY(add_norms(&d, out, err));
    PA_TRY(add_histograms(in[0], range, n_bins, out, err));

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_ELEMENTS;
}

static const pa_option_spec options[] = {
    {.name = "range", .type = PA_OPTION_REAL, .fallback = "0.5", .help = "The histogram covers [-range, range]."},
    {.name = "bins", .type = PA_OPTION_INT, .fallback = "128", .help = "Bins of the histogram, at most 1024."},
};

/** @brief Built-in metric `weight_distribution`; see @ref weight_distribution.c. */
const pa_metric_ops pa_metric_weight_distribution = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "weight_distribution",
    .description = "Distribution of all elements: moments, quantiles, norms, and histograms with fixed edges.",
    .paper = "Pebay, SAND2008-6212 (2008); Hyndman and Fan, Am. Stat. 50 (1996)",
    .n_inputs = 1,
    .flags = PA_METRIC_ACCEPTS_NONFINITE,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .compute = compute,
    .asks = asks,
    .formula = "sqrt(sum (x - mean)^2 / N) of the finite elements",
    .shape = "one matrix of N elements",
    .range = "[0, inf)",
    .invariance = "any permutation of the elements; scales with |c|",
    .cost = "O(N)",
    .states = PA_SUMMARY_STATES,
    .outputs =
        PA_SUMMARY_OUTPUTS "; l1, l2, max_abs: norms; counts, edges: histogram over [-range, range], with what is "
                           "beyond in underflow, overflow; log_counts, log_edges, log_underflow, log_overflow: "
                           "of magnitudes of non-zero elements, 4 bins a decade from 1e-12 to 1e3",
};
