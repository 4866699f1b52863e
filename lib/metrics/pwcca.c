/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Projection-weighted canonical correlation analysis.
 *
 * X and Y are centred; Q_x and Q_y are orthonormal bases of their column spaces up to the numerical rank. With
 * \f$ Q_x^T Q_y = U \,\mathrm{diag}(\rho)\, V^T \f$ the canonical variates of X are \f$ H = Q_x U \f$, and
 * \f[ \mathrm{PWCCA}(X, Y) = \frac{\sum_i \alpha_i \rho_i}{\sum_i \alpha_i}, \qquad
 *     \alpha_i = \sum_j |\langle h_i, x_j \rangle| \f]
 * over the centred columns \f$x_j\f$: each correlation counts as much as its direction matters to X. Not symmetric.
 * Where correlations agree to 1e-8 their directions are not unique, and neither are the weights; the directions taken
 * are then those along which X varies most, the left singular vectors of the group's \f$ H_g^T X \f$.
 *
 * @shape      two matrices [n, p] and [n, q]; row i of both is the same sample
 * @range      [0, 1]
 * @invariance invertible maps of the columns of Y; scaling, shifts and sign flips of columns of X
 * @cost       two SVDs of the narrow forms, O(c n p) for the weights with c the smaller rank
 * @paper      A. Morcos, M. Raghu, S. Bengio, "Insights on representational similarity in neural networks with
 *             canonical correlation", NeurIPS 2018, arXiv:1806.05759, section 3
 *
 * States: degenerate when all columns of an input are constant; saturated when a column space holds all centred
 * vectors (rank >= n - 1), where every correlation is 1 whatever the data; unsupported under `compat: pico`, because
 * pico-analyze's value depends on random noise for rank-deficient input and, for any input with non-zero means, on the
 * arbitrary signs of singular vectors.
 */
#include <math.h>

#include "base/error.h"
#include "metrics/canonical.h"
#include "metrics/metric_impl.h"

static const double TIE = 1e-8; /* correlations closer than this are one */

/* Sums of alpha and of alpha rho over rows `first` ... `first + count - 1` of the loadings H^T X, which share their
 * correlation when there are several. */
typedef struct sums {
    double alpha;
    double weighted;
} sums;

static pa_status add_group(const pa_matrix *loadings, const double *rho, int64_t first, int64_t count, sums *into,
                           pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *group = NULL;
    pa_matrix *turned = NULL;
    const pa_matrix *u = NULL;
    const double *alpha = NULL;
    PA_TRY(pa_matrix_slice(loadings, first, count, 0, pa_matrix_cols(loadings), &group, err));
    PA_TRY(pa_matrix_left_vectors(group, &u, err));
    PA_TRY(pa_canonical_project(u, group, &turned, err));
    PA_TRY(pa_matrix_row_abs_sums(turned, &alpha, err));
    for (int64_t i = 0; i < pa_matrix_rows(turned); i++) {
        into->alpha += alpha[i];
        into->weighted += alpha[i] * fmin(rho[first + i], 1.0);
    }

cleanup:
    pa_matrix_destroy(turned);
    pa_matrix_destroy(group);
    return status;
}

static pa_status add_all(const pa_matrix *loadings, const double *rho, int64_t c, sums *into, pa_error *err)
{
    pa_status status = PA_OK;
    const double *alpha = NULL;
    PA_TRY(pa_matrix_row_abs_sums(loadings, &alpha, err));
    for (int64_t i = 0, end = 0; i < c; i = end) {
        for (end = i + 1; end < c && rho[end - 1] - rho[end] <= TIE; end++) {
        }
        if (end - i > 1 && end - i < c) { /* if all agree the weights do not matter */
            PA_TRY(add_group(loadings, rho, i, end - i, into, err));
            continue;
        }
        for (int64_t k = i; k < end; k++) {
            into->alpha += alpha[k];
            into->weighted += alpha[k] * fmin(rho[k], 1.0);
        }
    }

cleanup:
    return status;
}

/* The weighted mean of the correlations between the spaces of `qx` and `qy`. */
static pa_status weighted_mean(const pa_matrix *qx, const pa_matrix *qy, const pa_matrix *x, pa_value *out,
                               pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *cross = NULL;
    pa_matrix *variates = NULL;
    pa_matrix *loadings = NULL;
    const pa_matrix *u = NULL;
    const double *rho = NULL;
    int64_t c = 0;
    sums total = {0.0, 0.0};
    PA_TRY(pa_canonical_project(qx, qy, &cross, err));
    PA_TRY(pa_matrix_singular_values(cross, &rho, &c, err));
    PA_TRY(pa_matrix_left_vectors(cross, &u, err));
    PA_TRY(pa_matrix_product(qx, u, &variates, err));
    PA_TRY(pa_canonical_project(variates, x, &loadings, err));
    PA_TRY(add_all(loadings, rho, c, &total, err));
    pa_value_set(out, total.weighted / total.alpha); /* alpha > 0: the rank is at least 1 */

cleanup:
    pa_matrix_destroy(loadings);
    pa_matrix_destroy(variates);
    pa_matrix_destroy(cross);
    return status;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const pa_matrix *centered[2];
    pa_matrix *qx = NULL;
    pa_matrix *qy = NULL;
    int64_t rank_y = 0;
    pa_value_set_definition(out, "PWCCA, arXiv:1806.05759", "weights of x");
    if (pa_options_compat(options) == PA_COMPAT_PICO) {
        pa_value_set_undefined(out, PA_STATE_UNSUPPORTED, "pico-analyze's PWCCA is random or depends on signs");
        return PA_OK;
    }
    PA_TRY(pa_canonical_inputs(in, centered, out, err));
    if (centered[0] != NULL) {
        PA_TRY(pa_matrix_rank(centered[0], &out->rank, err));
        PA_TRY(pa_matrix_rank(centered[1], &rank_y, err));
        if (!pa_canonical_saturated(out, out->rank, rank_y)) {
            PA_TRY(pa_canonical_basis(centered[0], out->rank, &qx, err));
            PA_TRY(pa_canonical_basis(centered[1], rank_y, &qy, err));
            PA_TRY(weighted_mean(qx, qy, centered[0], out, err));
        }
    }

cleanup:
    pa_matrix_destroy(qy);
    pa_matrix_destroy(qx);
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_SPECTRUM | PA_ASKS_VECTORS;
}

/** @brief Built-in metric `pwcca`; see @ref pwcca.c. */
const pa_metric_ops pa_metric_pwcca = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "pwcca",
    .description = "Mean canonical correlation, each direction weighted by how much it matters to the first input.",
    .paper = "Morcos, Raghu, Bengio, NeurIPS 2018, arXiv:1806.05759",
    .n_inputs = 2,
    .compute = compute,
    .asks = asks,
    .pico = "its projection weights are not the paper's: random for rank-deficient input, dependent on the signs of "
            "singular vectors otherwise; no value is given",
    .formula = "sum_i alpha_i rho_i / sum_i alpha_i, alpha_i = sum_j |<h_i, x_j>|; rho_i the canonical "
               "correlations, h_i the canonical variates of X, x_j its centred columns",
    .shape = "two matrices [n, p] and [n, q]; row i of both is the same sample; the weights are those of the "
             "first",
    .range = "[0, 1]",
    .invariance = "invertible maps of the columns of Y; scaling, shifts and sign flips of columns of X",
    .cost = "two SVDs of the narrow forms, O(c n p) for the weights with c the smaller rank",
    .states = "degenerate: all columns of an input are constant; saturated: a rank reaches n - 1, where every "
              "correlation is 1 whatever the data; unsupported: under `compat: pico`",
};
