/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief What rotary positions leave of the product of a query and a key, on average over a window of distances.
 *
 * At position m the pair number i of a head's elements is turned by the angle m f_i, f_i = theta^(-2i / head_dim). Of
 * a query at m and a key at n = m - D there remains q^T R_D k with R_D the turn of each pair by -D f_i. The mean over
 * D = 0 ... N-1 turns and shrinks each pair,
 * \f[ \frac{1}{N} \sum_{D=0}^{N-1} e^{-\mathrm{i} D f} = \frac{\sin(N f / 2)}{N \sin(f / 2)}\,
 *     e^{-\mathrm{i} (N - 1) f / 2}, \f]
 * so that it is block-diagonal with 2 x 2 blocks. The pairs are neighbours (2i, 2i + 1) in `rope_pairing: interleaved`,
 * which pico-train uses, and (i, i + head_dim / 2) in `halves`. Where a model turns a share of each head only, as
 * GPT-NeoX does, the first `share head_dim` elements take the place of the head in all this, and the others stay.
 *
 * @paper J. Su et al., "RoFormer: enhanced transformer with rotary position embedding", arXiv:2104.09864
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "components/circuit.h"

/* theta >= 1 keeps f in (0, 1], where the sine below is not zero. */
static void mean_of_pair(double f, double window, double *cosine, double *sine)
{
    const double shrink = sin(0.5 * f) > 0.0 ? sin(0.5 * window * f) / (window * sin(0.5 * f)) : 1.0;
    const double angle = 0.5 * (window - 1.0) * f;
    *cosine = shrink * cos(angle);
    *sine = shrink * sin(angle);
}

/* The first `n` of `dim` elements are turned. */
static void fill(double *turn, int64_t dim, int64_t n, double window, double theta, int halves)
{
    for (int64_t i = n; i < dim; i++) {
        turn[i * dim + i] = 1.0;
    }
    for (int64_t i = 0; i < n / 2; i++) {
        const int64_t a = halves ? i : 2 * i;
        const int64_t b = halves ? i + n / 2 : 2 * i + 1;
        double cosine = 0.0;
        double sine = 0.0;
        mean_of_pair(pow(theta, -2.0 * (double)i / (double)n), window, &cosine, &sine);
        turn[a * dim + a] = cosine;
        turn[a * dim + b] = sine;
        turn[b * dim + a] = -sine;
        turn[b * dim + b] = cosine;
    }
}

int pa_rope_is_asked(const pa_options *options)
{
    return fpclassify(pa_options_real(options, "rope_theta")) != FP_ZERO ||
           strcmp(pa_options_string(options, "rope_pairing"), "interleaved") != 0;
}

pa_status pa_rope_mean(const pa_site *site, int64_t head_dim, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_context *ctx = site->component->ctx;
    const pa_options *options = pa_site_options(site);
    const char *owner = pa_component_ops_of(site->component)->name;
    const int64_t window = pa_options_int(options, "rope_window");
    const pa_model *model = pa_site_model(site);
    double theta = pa_options_real(options, "rope_theta");
    double *turn = NULL;
    *out = NULL;
    PA_REQUIRE(window >= 0 && window <= (int64_t)1 << 40, err, PA_ERR_CONFIG,
               "%s: 'rope_window' is %lld; it counts positions, 0 for none", owner, (long long)window);
    PA_REQUIRE(theta >= 1.0 || fpclassify(theta) == FP_ZERO, err, PA_ERR_CONFIG,
               "%s: 'rope_theta' is %g, at least 1, or 0 for the model's", owner, theta);
    if (window == 0) {
        goto cleanup;
    }
    PA_REQUIRE(theta >= 1.0 || !model->rope_other, err, PA_ERR_UNSUPPORTED,
               "%s: the model scales its rotary positions, or has others in some layers, which 'rope_window' does not "
               "compute; 'rope_theta' gives the mean without",
               owner);
    theta = theta >= 1.0 ? theta : model->rope_theta >= 1.0 ? model->rope_theta : 10000.0;
    PA_REQUIRE(head_dim <= 1 << 15, err, PA_ERR_LIMIT, "%s: a head of %lld elements", owner, (long long)head_dim);
    const int64_t turned = model->rope_share > 0.0 ? (int64_t)(model->rope_share * (double)head_dim) : head_dim;
    PA_REQUIRE(turned % 2 == 0, err, PA_ERR_SHAPE,
               "%s: rotary positions turn pairs, a head has %lld elements to be turned", owner, (long long)turned);
    PA_REQUIRE_MEMORY(turn = pa_alloc(&ctx->mem, head_dim * head_dim, sizeof(*turn)), err, "rotations");
    fill(turn, head_dim, turned, (double)window, theta,
         strcmp(pa_options_string(options, "rope_pairing"), "halves") == 0);
    PA_TRY(pa_matrix_from_memory(ctx, turn, PA_F64, head_dim, head_dim, out, err));

cleanup:
    pa_free(&ctx->mem, turn);
    return status;
}
