/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Copying score of an attention head: how positive the eigenvalues of its OV circuit are.
 *
 * With \f$\lambda_i\f$ the eigenvalues of a square matrix,
 * \f[ C = \frac{\sum_i \mathrm{Re}\,\lambda_i}{\sum_i |\lambda_i|}. \f]
 * A head whose circuit has positive eigenvalues moves a residual direction to itself: it copies. The component
 * `ov_circuit` gives \f$W_O W_V\f$, and thus the score in the residual stream; a component that gives the product
 * \f$W_U W_O W_V W_E\f$ of its factors has the full score over the vocabulary. Either is read from the matrix of the
 * factors in the other order, [head_dim, head_dim], whose non-zero eigenvalues are the same: neither is ever formed.
 * For independent random factors the score is near 0.
 *
 * Eigenvalues below n 2^-52 of the Frobenius norm are rounding: they count as neither positive nor negative.
 *
 * @shape      one square matrix [d, d]
 * @range      [-1, 1]; 1 when all eigenvalues are positive, e.g. for the identity
 * @invariance scaling by c > 0 (a negative c changes the sign), any change of basis B A B^-1, transposition
 * @cost       O(d k^2 + k^3) for a product with k inner columns, O(d^3) otherwise
 * @paper      N. Elhage et al., "A mathematical framework for transformer circuits", transformer-circuits.pub (2021)
 *
 * States: unsupported for a matrix that is not square; degenerate when all eigenvalues are zero up to rounding. Of a
 * defective matrix, zeros come out as large as \f$\varepsilon^{1/m} \|A\|\f$ for a Jordan block of size m: a nilpotent
 * matrix gets a value near 0, not a state.
 */
#include <float.h>
#include <math.h>

#include "base/error.h"
#include "metrics/metric_impl.h"

/* Sums in units of the largest magnitude, so that they cannot overflow. */
typedef struct sums {
    double real;
    double magnitude;
    double largest;
    int64_t positive;
    int64_t nonzero;
} sums;

static sums sums_of(const double *real, const double *imag, int64_t k, double rounding)
{
    sums s = {.largest = hypot(real[0], imag[0])};
    for (int64_t i = 0; i < k; i++) {
        const double magnitude = hypot(real[i], imag[i]);
        s.real += real[i] / s.largest;
        s.magnitude += magnitude / s.largest;
        s.positive += real[i] > rounding;
        s.nonzero += magnitude > rounding;
    }
    return s;
}

static pa_status add_outputs(const sums *s, const double *real, const double *imag, int64_t k, pa_value *out,
                             pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_value_add_number(out, "positive_share", (double)s->positive / (double)s->nonzero, err));
    PA_TRY(pa_value_add_number(out, "magnitude", s->magnitude * s->largest, err));
    PA_TRY(pa_value_add_array(out, "real", "eigenvalue", &k, 1, real, err));
    PA_TRY(pa_value_add_array(out, "imag", "eigenvalue", &k, 1, imag, err));

cleanup:
    return status;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    (void)options;
    pa_status status = PA_OK;
    const double *real = NULL;
    const double *imag = NULL;
    int64_t k = 0;
    double norm = 0.0;
    pa_value_set_definition(out, "sum Re lambda/sum |lambda|", "eigenvalues");
    if (out->n != out->p) {
        pa_value_set_undefined(out, PA_STATE_UNSUPPORTED, "the matrix is not square");
        return PA_OK;
    }
    PA_TRY(pa_matrix_eigenvalues(in[0], &real, &imag, &k, err));
    PA_TRY(pa_matrix_frobenius(in[0], &norm, err));
    const double rounding = (double)out->n * 0x1p-52 * fmin(norm, DBL_MAX); /* the norm may overflow */
    if (k == 0 || !(hypot(real[0], imag[0]) > rounding)) {
        pa_value_set_undefined(out, PA_STATE_DEGENERATE, "every eigenvalue is zero");
        return PA_OK;
    }
    const sums s = sums_of(real, imag, k, rounding);
    pa_value_set(out, s.real / s.magnitude);
    PA_TRY(add_outputs(&s, real, imag, k, out, err));

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_FROBENIUS; /* there is no bit for eigenvalues, and singular values are not asked */
}

/** @brief Built-in metric `copying`; see @ref copying.c. */
const pa_metric_ops pa_metric_copying = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "copying",
    .description = "Copying score of an attention head: how positive the eigenvalues of its OV circuit are.",
    .paper = "Elhage et al., A mathematical framework for transformer circuits, transformer-circuits.pub (2021)",
    .n_inputs = 1,
    .compute = compute,
    .asks = asks,
    .formula = "sum_i Re lambda_i / sum_i |lambda_i|, lambda_i the eigenvalues",
    .shape = "one square matrix [d, d], e.g. the OV circuit of a head",
    .range = "[-1, 1]",
    .invariance = "scaling by c > 0, any change of basis, transposition",
    .cost = "O(d k^2 + k^3) for a product with k inner columns, else O(d^3)",
    .states =
        "unsupported: the matrix is not square; degenerate: every eigenvalue is below n 2^-52 ||A||_F. A "
        "multiple eigenvalue 0 with fewer eigenvectors comes out as rounding up to (2^-52)^(1/multiplicity) ||A||_F "
        "and is not recognised",
    .outputs = "positive_share: share of the non-zero eigenvalues with a positive real part; magnitude: sum of "
               "|lambda_i|; real, imag: the eigenvalues, the largest first, without those that the structure makes 0",
};
