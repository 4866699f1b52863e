/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief A metric of your own: the spectral gap, as a plugin.
 *
 * Build it as a shared object and load it:
 *
 *     cc -shared -fPIC custom_metric.c -o custom_metric.so $(pkg-config --cflags picoanalyze)
 *     picoanalyze metrics --plugin ./custom_metric.so
 *     picoanalyze analyze --plugin ./custom_metric.so --config_path my.yaml --run_path my_run
 *
 * From then on a configuration may say
 *
 *     metrics:
 *       - metric_name: spectral_gap
 *         position: 2
 *         components: ...
 *
 * A program of yours that links the library calls pa_metric_register() itself and loads nothing: built-in metrics come
 * in through the same door.
 */
#include <picoanalyze/plugin.h>

/*
 * The spectral gap at position k is sigma_{k+1} / sigma_k: near 1 where the spectrum is flat, near 0 where it breaks
 * off. The library has seen to it that `in` holds one matrix with at least one element, all of them finite, and that
 * `options` is complete and valid.
 */
static pa_status spectral_gap(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                              pa_error *err)
{
    (void)user_data;
    const int64_t position = pa_options_int(options, "position");

    /* Ask the matrix. The answer is borrowed from it, and shared with every other metric that asks the same: together
       with `per` or `condition_number` this metric costs nothing. Errors are passed on as they are. */
    const double *sigma = NULL; /* descending */
    int64_t n_sigma = 0;
    pa_status status = pa_matrix_singular_values(in[0], &sigma, &n_sigma, err);
    if (status != PA_OK) {
        return status;
    }

    /* Where there is no answer say so, and why: it becomes null in the files and a named state in the tables. */
    if (position < 1 || position >= n_sigma) {
        pa_value_set_undefined(out, PA_STATE_UNSUPPORTED, "there are not so many singular values");
    } else if (sigma[position - 1] == 0.0) {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "the rank is below the position");
    } else {
        pa_value_set(out, sigma[position] / sigma[position - 1]);
        pa_value_set_definition(out, "spectral_gap", NULL);
    }

    /* A value may carry more: named numbers, which all files have, and arrays with named axes, which results.jsonl has.
       They are copied. */
    status = pa_value_add_number(out, "largest", sigma[0], err);
    if (status == PA_OK) {
        status = pa_value_add_array(out, "spectrum", "position", &n_sigma, 1, sigma, err);
    }
    return status;
}

/* Options are declared; the library reads them from the YAML, checks them and fills in defaults. */
static const pa_option_spec spectral_gap_options[] = {
    {.name = "position", .type = PA_OPTION_INT, .fallback = "1", .help = "Gap behind this singular value, from 1."},
};

static const pa_metric_ops spectral_gap_ops = {
    .struct_size = sizeof(spectral_gap_ops),
    .name = "spectral_gap",
    .description = "Ratio of two neighbouring singular values.",
    .paper = "none: an example",
    .n_inputs = 1, /* 2 for a metric that compares a step with target_checkpoint */
    .options = spectral_gap_options,
    .n_options = sizeof(spectral_gap_options) / sizeof(spectral_gap_options[0]),
    .compute = spectral_gap,

    /* What `picoanalyze metrics` prints. */
    .formula = "sigma_(k+1) / sigma_k, k the position",
    .range = "[0, 1]",
    .states = "unsupported: no singular value at that position; degenerate: the one before is zero",
    .outputs = "largest: the largest singular value; spectrum: all of them, descending",
};

/* What the program looks for in a plugin. It may register as many metrics and components as it likes. */
pa_status pa_plugin_register(pa_context *ctx, pa_error *err)
{
    return pa_metric_register(ctx, &spectral_gap_ops, NULL, err);
}
