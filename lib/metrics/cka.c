/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Centered kernel alignment, with the linear or the Gaussian kernel.
 *
 * For X and Y with centred columns,
 * \f[ \mathrm{CKA}(X, Y) = \frac{\|Y^T X\|_F^2}{\|X^T X\|_F \, \|Y^T Y\|_F}. \f]
 * It is biased upwards when there are not many more rows than columns: independent Gaussian data of 64 x 512 give 0.89.
 * `debiased: true` replaces each squared norm by the unbiased estimate of Song et al., in its feature form
 * \f[ D(X, Y) = \|X^T Y\|_F^2 - \frac{n}{n-2} \sum_i \|x_i\|^2 \|y_i\|^2
 *             + \frac{\|X\|_F^2 \|Y\|_F^2}{(n-1)(n-2)}, \f]
 * and is then 0 on average for independent data; it may be below 0 or above 1 and is not clipped.
 *
 * `kernel: rbf` compares neighbourhoods instead of all distances alike: with
 * \f$ K_{ij} = \exp(-\|x_i - x_j\|^2 / 2 \sigma^2) \f$, L the same of Y, and H the centring matrix,
 * \f[ \mathrm{CKA} = \frac{\langle HKH, HLH \rangle}{\|HKH\|_F \|HLH\|_F}, \qquad
 *     \sigma^2 = \mathrm{threshold}^2 \cdot \mathrm{median}_{i < j} \|x_i - x_j\|^2. \f]
 * The median is over pairs of distinct rows; `median_diagonal: true` takes that of all elements of the matrix of
 * distances, zero diagonal included, as the code of the paper does, which gives a slightly smaller bandwidth. Debiased,
 * the inner products are Song's HSIC_1 of K and L without their diagonals. A wide kernel tends to the linear one; one so
 * narrow that no two rows are neighbours makes all inputs alike.
 *
 * @shape      two matrices [n, p] and [n, q]; row i of both is the same sample
 * @range      [0, 1]; debiased: any real number
 * @invariance orthogonal maps of the columns, scaling by c != 0, shifts; the same permutation of both rows
 * @cost       O(n k l) with k, l the widths of the narrow forms; rbf: O(n^2 (k + l)) time and 16 n^2 bytes
 * @paper      S. Kornblith, M. Norouzi, H. Lee, G. Hinton, "Similarity of neural network representations revisited",
 *             ICML 2019, arXiv:1905.00414; debiased: L. Song et al., JMLR 13 (2012), and arXiv:2010.15327
 *
 * States: degenerate when all columns of an input are constant, or when D(X, X) or D(Y, Y) is not positive; saturated
 * when debiased is asked of fewer than 4 rows; rbf: degenerate also when half of the distances are zero or the kernel is
 * constant, unsupported for more than 20000 rows.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "linalg/reduce.h"
#include "matrix/pairs.h"
#include "metrics/kernel.h"
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

static pa_status linear(const pa_matrix *x, const pa_matrix *y, int debiased, pa_value *out, pa_error *err)
{
    pa_status status = PA_OK;
    double xy = 0.0;
    double xx = 0.0;
    double yy = 0.0;
    if (debiased) {
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

static pa_status gaussian(const pa_matrix *x, const pa_matrix *y, const pa_rbf *how, pa_value *out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = pa_matrix_allocator(x);
    const int64_t n = pa_matrix_rows(x);
    double *k = NULL;
    double *l = NULL;
    if (n > PA_RBF_MAX_ROWS) {
        pa_value_set_undefined(out, PA_STATE_UNSUPPORTED, "kernel rbf is for at most 20000 rows");
        return PA_OK;
    }
    PA_TRY(pa_rbf_kernel(x, how, &k, err));
    PA_TRY(pa_rbf_kernel(y, how, &l, err));
    if (k != NULL && l != NULL) {
        pa_value_set(out, pa_dot(k, l, n * n));
    } else {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "half of the distances are zero, or the kernel is constant");
    }

cleanup:
    pa_free(mem, l);
    pa_free(mem, k);
    return status;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const int debiased = pa_options_bool(options, "debiased");
    const int is_linear = strcmp(pa_options_string(options, "kernel"), "linear") == 0;
    const pa_rbf rbf = {.threshold = pa_options_real(options, "threshold"),
                        .median_of_pairs = !pa_options_bool(options, "median_diagonal"),
                        .without_diagonal = debiased};
    const pa_matrix *x = NULL;
    const pa_matrix *y = NULL;
    PA_REQUIRE(is_linear || rbf.threshold > 0.0, err, PA_ERR_CONFIG, "cka: threshold is positive, not %g",
               rbf.threshold);
    pa_value_set_definition(out, is_linear ? "linear CKA, arXiv:1905.00414" : "RBF CKA, arXiv:1905.00414",
                            debiased ? "debiased" : "biased");
    PA_TRY(pa_matrix_standardized(in[0], &x, err));
    PA_TRY(pa_matrix_standardized(in[1], &y, err));
    if (x == NULL || y == NULL) {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "every column is constant");
    } else if (debiased && pa_matrix_rows(x) < 4) {
        pa_value_set_undefined(out, PA_STATE_SATURATED, "debiased CKA needs at least 4 rows");
    } else if (is_linear) {
        PA_TRY(linear(x, y, debiased, out, err));
    } else {
        PA_TRY(gaussian(x, y, &rbf, out, err));
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
    {.name = "kernel",
     .type = PA_OPTION_CHOICE,
     .fallback = "linear",
     .choices = "linear|rbf",
     .help = "Inner products of rows, or Gaussians of their distances."},
    {.name = "threshold",
     .type = PA_OPTION_REAL,
     .fallback = "1.0",
     .help = "kernel rbf: sigma over the root of the median squared distance."},
    {.name = "median_diagonal",
     .type = PA_OPTION_BOOL,
     .fallback = "false",
     .help = "kernel rbf: the median counts the zero distances of rows to themselves."},
};

/** @brief Built-in metric `cka`; see @ref cka.c. */
const pa_metric_ops pa_metric_cka = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "cka",
    .description = "Similarity of two representations of the same samples: centered kernel alignment.",
    .paper = "Kornblith et al., ICML 2019, arXiv:1905.00414; debiased: Song et al., JMLR 13 (2012)",
    .n_inputs = 2,
    .flags = PA_METRIC_SYMMETRIC,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .compute = compute,
    .asks = asks,
    .formula = "||Y^T X||_F^2 / (||X^T X||_F ||Y^T Y||_F), columns centred; debiased: D(X, Y) / sqrt(D(X, X) "
               "D(Y, Y)), D(X, Y) = ||X^T Y||_F^2 - n/(n-2) sum_i |x_i|^2 |y_i|^2 + ||X||_F^2 ||Y||_F^2 / "
               "((n-1)(n-2))",
    .shape = "two matrices [n, p] and [n, q]; row i of both is the same sample",
    .range = "[0, 1]; debiased: any real number, 0 on average for independent data",
    .invariance = "orthogonal maps of the columns, scaling by c != 0, shifts; the same permutation of both rows",
    .cost = "O(n k l) with k, l the widths of the narrow forms; kernel rbf: O(n^2 (k + l)) and 16 n^2 bytes",
    .states =
        "degenerate: all columns of an input are constant, or D(X, X) or D(Y, Y) is not positive; kernel rbf: half "
        "of the distances are zero, or a kernel is constant; saturated: debiased of fewer than 4 rows; "
        "unsupported: kernel rbf of more than 20000 rows",
};
