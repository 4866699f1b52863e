/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Centered kernel alignment with the linear kernel.
 *
 * For X and Y with centred columns,
 * \f[ \mathrm{CKA}(X, Y) = \frac{\|Y^T X\|_F^2}{\|X^T X\|_F \, \|Y^T Y\|_F}. \f]
 * It is biased upwards when there are not many more rows than columns: independent Gaussian data of 64 x 512 give 0.89.
 * `debiased: true` replaces each squared norm by the unbiased estimate of Song et al., in its feature form
 * \f[ D(X, Y) = \|X^T Y\|_F^2 - \frac{n}{n-2} \sum_i \|x_i\|^2 \|y_i\|^2
 *             + \frac{\|X\|_F^2 \|Y\|_F^2}{(n-1)(n-2)}, \f]
 * and is then 0 on average for independent data; it may be below 0 or above 1 and is not clipped.
 *
 * @shape      two matrices [n, p] and [n, q]; row i of both is the same sample
 * @range      [0, 1]; debiased: any real number
 * @invariance orthogonal maps of the columns, scaling by c != 0, shifts; the same permutation of both rows
 * @cost       O(n k l) with k, l the widths of the narrow forms
 * @paper      S. Kornblith, M. Norouzi, H. Lee, G. Hinton, "Similarity of neural network representations revisited",
 *             ICML 2019, arXiv:1905.00414; debiased: L. Song et al., JMLR 13 (2012), and arXiv:2010.15327
 *
 * States: degenerate when all columns of an input are constant, or when D(X, X) or D(Y, Y) is not positive; saturated
 * when debiased is asked of fewer than 4 rows.
 */
#include <math.h>

#include "base/error.h"
#include "metrics/metric_impl.h"

/* D(X, Y) for X and Y with centred columns and Frobenius norm 1. */
static pa_status debiased_inner(const pa_matrix *x, const pa_matrix *y, double *out, pa_error *err)
{
    pa_status status = PA_OK;
    const double n = (double)pa_matrix_rows(x);
    const double *x_norms = NULL;
    const double *y_norms = NULL;
    double inner = 0.0;
    double diagonal = 0.0;
    PA_TRY(pa_matrix_gram_inner(x, y, &inner, err));
    PA_TRY(pa_matrix_row_norms_squared(x, &x_norms, err));
    PA_TRY(pa_matrix_row_norms_squared(y, &y_norms, err));
    for (int64_t i = 0; i < pa_matrix_rows(x); i++) {
        diagonal += x_norms[i] * y_norms[i];
    }
    *out = inner - n / (n - 2.0) * diagonal + 1.0 / ((n - 1.0) * (n - 2.0));

cleanup:
    return status;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const int debiased = pa_options_bool(options, "debiased");
    const pa_matrix *x = NULL;
    const pa_matrix *y = NULL;
    double xy = 0.0;
    double xx = 0.0;
    double yy = 0.0;
    pa_value_set_definition(out, "linear CKA, arXiv:1905.00414", debiased ? "debiased" : "biased");
    PA_TRY(pa_matrix_standardized(in[0], &x, err));
    PA_TRY(pa_matrix_standardized(in[1], &y, err));
    if (x == NULL || y == NULL) {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "every column is constant");
    } else if (debiased && pa_matrix_rows(x) < 4) {
        pa_value_set_undefined(out, PA_STATE_SATURATED, "debiased CKA needs at least 4 rows");
    } else if (debiased) {
        PA_TRY(debiased_inner(x, y, &xy, err));
        PA_TRY(debiased_inner(x, x, &xx, err));
        PA_TRY(debiased_inner(y, y, &yy, err));
        const double rounding = 0x1p-46; /* the terms are at most 1, and cancel */
        if (xx > rounding && yy > rounding) {
            pa_value_set(out, xy / (sqrt(xx) * sqrt(yy)));
        } else {
            pa_value_set_undefined(out, PA_STATE_DEGENERATE, "the debiased self-similarity is not positive");
        }
    } else {
        PA_TRY(pa_matrix_gram_inner(x, y, &xy, err));
        PA_TRY(pa_matrix_gram_inner(x, x, &xx, err));
        PA_TRY(pa_matrix_gram_inner(y, y, &yy, err));
        pa_value_set(out, xy / (sqrt(xx) * sqrt(yy)));
    }

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_GRAM | PA_ASKS_FROBENIUS;
}

static const pa_option_spec options[] = {
    {.name = "debiased",
     .type = PA_OPTION_BOOL,
     .fallback = "false",
     .help = "Use the unbiased estimates of the squared norms."},
};

/** @brief Built-in metric `cka`; see @ref cka.c. */
const pa_metric_ops pa_metric_cka = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "cka",
    .description = "Similarity of two representations of the same samples: linear centered kernel alignment.",
    .paper = "Kornblith et al., ICML 2019, arXiv:1905.00414; debiased: Song et al., JMLR 13 (2012)",
    .n_inputs = 2,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .compute = compute,
    .asks = asks,
};
