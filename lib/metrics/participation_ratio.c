/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Participation ratio: the dimension of a cloud of samples, from the eigenvalues of their covariance.
 *
 * With \f$\lambda_i\f$ the eigenvalues of the covariance of the columns,
 * \f[ \mathrm{PR}(X) = \frac{\bigl(\sum_i \lambda_i\bigr)^2}{\sum_i \lambda_i^2}. \f]
 * They are the squared singular values of the matrix with centred columns up to a factor that cancels; a covariance is
 * never formed, and wide matrices cost no more than tall ones. `center: false` takes the second moments about zero.
 *
 * @shape      one matrix [n, p], rows are samples
 * @range      [1, min(n - 1, p)], up to n without centring; p when the variance is the same in all directions
 * @invariance scaling by c != 0, orthogonal maps of the columns, any order of the rows; shifts when centred
 * @cost       one factorization of the centred matrix, shared with the metrics that centre
 * @paper      L. Mazzucato, A. Fontanini, G. La Camera, Front. Syst. Neurosci. 10 (2016), arXiv:1510.08167;
 *             P. Gao et al., bioRxiv 214262 (2017)
 *
 * States: degenerate when all columns are constant (one row is enough for that), or zero without centring.
 */
#include "base/error.h"
#include "metrics/metric_impl.h"
#include "metrics/spectral.h"

static double ratio(const double *sigma, int64_t k)
{
    double sum = 0.0; /* in units of lambda_1, so that nothing overflows */
    double squares = 0.0;
    for (int64_t i = k - 1; i >= 0; i--) {
        const double x = sigma[i] / sigma[0];
        sum += x * x;
        squares += (x * x) * (x * x);
    }
    return sum * sum / squares;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const int center = pa_options_bool(options, "center");
    const pa_matrix *m = in[0];
    const double *sigma = NULL;
    int64_t k = 0;
    pa_value_set_definition(out, "participation ratio, arXiv:1510.08167", center ? "centred" : "about zero");
    if (center) {
        PA_TRY(pa_matrix_standardized(in[0], &m, err));
    }
    if (m == NULL) {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "every column is constant");
    } else {
        PA_TRY(pa_spectrum_of(m, &sigma, &k, out, err));
    }
    if (out->state == PA_STATE_UNSET) {
        pa_value_set(out, ratio(sigma, k));
    }

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_SPECTRUM | PA_ASKS_FROBENIUS;
}

static const pa_option_spec options[] = {
    {.name = "center",
     .type = PA_OPTION_BOOL,
     .fallback = "true",
     .help = "Subtract the mean of each column first, as a covariance does."},
};

/** @brief Built-in metric `participation_ratio`; see @ref participation_ratio.c. */
const pa_metric_ops pa_metric_participation_ratio = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "participation_ratio",
    .description = "Participation ratio of the covariance's eigenvalues: the dimension of a cloud of samples.",
    .paper = "Mazzucato et al., Front. Syst. Neurosci. 10 (2016), arXiv:1510.08167; Gao et al., bioRxiv 214262 (2017)",
    .n_inputs = 1,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .compute = compute,
    .asks = asks,
    .formula = "(sum_i l_i)^2 / sum_i l_i^2, l_i the eigenvalues of the covariance of the columns",
    .shape = "one matrix [n, p], rows are samples",
    .range = "[1, min(n - 1, p)]; center: false: [1, min(n, p)]",
    .invariance = "scaling by c != 0, orthogonal maps of the columns, order of the rows, shifts when centred",
    .cost = "one factorization of the centred matrix, shared with the metrics that centre",
    .states = "degenerate: every column is constant, or center: false and the matrix is zero",
};
