/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Matrix norms.
 *
 * | `norm_type` | |
 * |---|---|
 * | `frobenius` | root of the sum of squared elements |
 * | `nuclear`   | sum of the singular values |
 * | `spectral`  | largest singular value (operator 2-norm) |
 * | `inf`       | largest sum of magnitudes of a row (operator infinity norm); under `compat: pico` the largest magnitude |
 * | `l1`        | sum of the magnitudes of all elements |
 *
 * @shape      one matrix [m, n]
 * @range      [0, inf), in the units of the elements; 0 for the zero matrix
 * @invariance frobenius, nuclear, spectral: orthogonal maps on either side, transposition; all scale with |c|
 * @cost       one pass, or one factorization shared with all metrics of singular values
 * @paper      G. Golub, C. Van Loan, "Matrix Computations", 4th ed., section 2.3
 */
#include <string.h>

#include "base/error.h"
#include "metrics/metric_impl.h"
#include "metrics/spectral.h"

static pa_status norm_of_spectrum(const pa_matrix *m, int sum, pa_value *out, pa_error *err)
{
    const double *sigma = NULL;
    int64_t k = 0;
    double norm = 0.0;
    const pa_status status = pa_spectrum_of(m, &sigma, &k, out, err);
    if (status == PA_OK) {
        for (int64_t i = 0; i < (sum ? k : 1); i++) {
            norm += sigma[i];
        }
        pa_value_set(out, norm); /* the zero matrix has a norm */
    }
    return status;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const char *type = pa_options_string(options, "norm_type");
    const int pico = pa_options_compat(options) == PA_COMPAT_PICO;
    pa_entry_stats stats;
    double norm = 0.0;
    pa_value_set_definition(out, pico && strcmp(type, "inf") == 0 ? "largest magnitude" : "norm", type);
    if (strcmp(type, "nuclear") == 0) {
        PA_TRY(norm_of_spectrum(in[0], 1, out, err));
    } else if (strcmp(type, "spectral") == 0) {
        PA_TRY(norm_of_spectrum(in[0], 0, out, err));
    } else if (strcmp(type, "frobenius") == 0) {
        PA_TRY(pa_matrix_frobenius(in[0], &norm, err));
        pa_value_set(out, norm);
    } else if (strcmp(type, "l1") == 0) {
        PA_TRY(pa_matrix_sum_abs(in[0], &norm, err));
        pa_value_set(out, norm);
    } else {
        PA_TRY(pa_matrix_entry_stats(in[0], &stats, err));
        pa_value_set(out, pico ? stats.max_abs : stats.max_row_sum);
    }

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    const char *type = pa_options_string(options, "norm_type");
    if (strcmp(type, "frobenius") == 0) {
        return PA_ASKS_FROBENIUS;
    }
    return strcmp(type, "inf") == 0 || strcmp(type, "l1") == 0 ? PA_ASKS_ELEMENTS : PA_ASKS_SPECTRUM;
}

static const pa_option_spec options[] = {
    {.name = "norm_type",
     .type = PA_OPTION_CHOICE,
     .fallback = "frobenius",
     .choices = "frobenius|nuclear|spectral|inf|l1",
     .help = "Which norm."},
};

/** @brief Built-in metric `norm`; see @ref norm.c. */
const pa_metric_ops pa_metric_norm = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "norm",
    .description = "Matrix norm.",
    .paper = "Golub and Van Loan, Matrix Computations, 4th ed., section 2.3",
    .n_inputs = 1,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .compute = compute,
    .asks = asks,
    .pico = "norm_type inf is the largest magnitude instead of the largest row sum",
    .formula = "frobenius: sqrt(sum_ij a_ij^2); nuclear: sum_i sigma_i; spectral: sigma_1; inf: max_i sum_j "
               "|a_ij|; l1: sum_ij |a_ij|",
    .shape = "one matrix [m, n]",
    .range = "[0, inf), in the units of the elements; 0 for the zero matrix",
    .invariance = "frobenius, nuclear, spectral: orthogonal maps on either side, transposition; all scale with |c|",
    .cost = "one pass, or one factorization shared with all metrics of singular values",
    .states = "nonfinite: the norm exceeds a double",
};
