/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief The OV circuit of each attention head, and of all heads of a layer side by side.
 *
 * With W_V [n_kv * head_dim, d] and W_O [d, n_heads * head_dim] as PyTorch stores them, V the rows of W_V that belong
 * to the key/value head floor(h * n_kv / n_heads) of head h, and O the columns of W_O that belong to h:
 *
 * | kind        | head h                                               | shape |
 * |-------------|------------------------------------------------------|-------|
 * | weights     | O V, what the head writes for what it reads          | [d, d], rank <= head_dim |
 * | gradients   | O dV + dO V = [O dO] [dV; V], its first-order change | [d, d], rank <= 2 head_dim |
 * | activations | A_V O^T with A_V the head's slice of the value activations | [samples, d], rank <= head_dim |
 *
 * With `form: full`, of weights, the circuit is followed from token to token: W_U O V W_E [vocabulary, vocabulary] with
 * the embedding W_E^T and the unembedding W_U as stored, [vocabulary, d]. It is kept as (W_U O) (V W_E), rank <= head_dim.
 * Gains of normalizations are not folded in.
 *
 * Keys: `layers.<layer>.ov_circuit.<kind>.heads.<h>` (`ov_circuit_full` for the full form), and without `.heads.<h>` for
 * [head 0, head 1, ...].
 *
 * Under `compat: pico` the weights are V O [head_dim, head_dim]: the same non-zero eigenvalues, but other singular
 * values, and so other norms, ranks and condition numbers.
 *
 * @paper N. Elhage et al., "A mathematical framework for transformer circuits", 2021; grouped queries: J. Ainslie et
 *        al., arXiv:2305.13245
 */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "components/circuit.h"

/* W_U L for L and R W_E for R. */
static pa_status follow_tokens(const pa_site *site, pa_circuit *c, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *embedding = NULL;
    pa_matrix *unembedding = NULL;
    pa_matrix *by_column = NULL;
    pa_matrix *left = NULL;
    pa_matrix *right = NULL;
    PA_REQUIRE(pa_site_kind(site) == PA_WEIGHTS, err, PA_ERR_CONFIG,
               "ov_circuit: 'form: full' is of weights, not of %s", pa_kind_name(pa_site_kind(site)));
    PA_TRY(pa_site_tensor_at(site, -1, "embedding_layer", PA_WEIGHTS, &embedding, err));
    PA_TRY(pa_site_tensor_at(site, -1, "unembedding_layer", PA_WEIGHTS, &unembedding, err));
    PA_REQUIRE(pa_matrix_cols(embedding) == pa_matrix_cols(c->right) &&
                   pa_matrix_cols(unembedding) == pa_matrix_rows(c->left) &&
                   pa_matrix_rows(embedding) == pa_matrix_rows(unembedding),
               err, PA_ERR_SHAPE, "ov_circuit: the embedding is [%lld, %lld] and the unembedding [%lld, %lld]",
               (long long)pa_matrix_rows(embedding), (long long)pa_matrix_cols(embedding),
               (long long)pa_matrix_rows(unembedding), (long long)pa_matrix_cols(unembedding));
    PA_TRY(pa_matrix_transpose(embedding, &by_column, err));
    PA_TRY(pa_matrix_product(unembedding, c->left, &left, err));
    PA_TRY(pa_matrix_product(c->right, by_column, &right, err));
    pa_matrix_destroy(c->left);
    pa_matrix_destroy(c->right);
    c->left = left;
    c->right = right;
    left = NULL;

cleanup:
    pa_matrix_destroy(left);
    pa_matrix_destroy(by_column);
    pa_matrix_destroy(unembedding);
    pa_matrix_destroy(embedding);
    return status;
}

static pa_status build(void *user_data, pa_site *site, pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const pa_allocator *mem = &site->component->ctx->mem;
    const pa_kind kind = pa_site_kind(site);
    const int is_full = strcmp(pa_options_string(pa_site_options(site), "form"), "full") == 0;
    const pa_circuit_order order =
        pa_options_compat(pa_site_options(site)) == PA_COMPAT_PICO ? PA_CIRCUIT_RIGHT_LEFT : PA_CIRCUIT_LEFT_RIGHT;
    pa_circuit c = {0};
    pa_matrix **circuits = NULL;
    pa_matrix *all = NULL;
    pa_text name = {.mem = mem};
    PA_TRY(pa_text_printf(&name, err, "ov_circuit%s.%s", is_full ? "_full" : "", pa_kind_name(kind)));
    PA_TRY(pa_circuit_read_ov(site, pa_site_layer(site), kind, &c, err));
    if (is_full) {
        PA_TRY(follow_tokens(site, &c, err));
    }
    PA_REQUIRE_MEMORY(circuits = pa_alloc(mem, c.n_heads, sizeof(pa_matrix *)), err, "the OV circuits");
    PA_TRY(pa_circuit_make(&c, kind, order, NULL, circuits, err));
    for (int64_t head = 0; head < c.n_heads; head++) {
        PA_TRY(pa_site_emit(site, name.data, head, circuits[head], err));
    }
    PA_TRY(pa_matrix_concat_columns((const pa_matrix *const *)circuits, c.n_heads, &all, err));
    PA_TRY(pa_site_emit(site, name.data, -1, all, err));

cleanup:
    pa_matrix_destroy(all);
    for (int64_t head = 0; circuits != NULL && head < c.n_heads; head++) {
        pa_matrix_destroy(circuits[head]);
    }
    pa_free(mem, circuits);
    pa_circuit_free(&c);
    pa_text_free(&name);
    return status;
}

static const pa_role_spec roles[] = {
    {.name = "output_layer", .fallback = "attention.o_proj"},
    {.name = "value_layer", .fallback = "attention.v_proj"},
    {.name = "embedding_layer", .fallback = "embedding_proj"},
    {.name = "unembedding_layer", .fallback = "de_embedding_proj"},
};

static const pa_option_spec options[] = {
    {.name = "form",
     .type = PA_OPTION_CHOICE,
     .fallback = "residual",
     .choices = "residual|full",
     .help = "Within the residual stream, or from token to token through embedding and unembedding (weights only)."},
};

/** @brief Built-in component `ov_circuit`; see @ref ov_circuit.c. */
const pa_component_ops pa_component_ov_circuit = {
    .struct_size = sizeof(pa_component_ops),
    .name = "ov_circuit",
    .description = "Output times value projection of each attention head, and of all heads of a layer side by side. "
                   "The gain of a norm before the projections is not folded in.",
    .paper = "Elhage et al., A mathematical framework for transformer circuits, 2021",
    .roles = roles,
    .n_roles = sizeof(roles) / sizeof(roles[0]),
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .build = build,
    .kinds = 1 << PA_WEIGHTS | 1 << PA_GRADIENTS | 1 << PA_ACTIVATIONS,
    .formula = "W_O[:, h] W_V[kv(h), :], full: W_U W_O W_V W_E; gradients: W_O dW_V + dW_O W_V; activations: A_V[:, "
               "kv(h)] W_O[:, h]^T",
    .shape = "weights: [d, d], rank <= head_dim; gradients: [d, d], rank <= 2 head_dim; activations: [samples, d]",
    .pico = "circuits of weights are V O instead of O V: other singular values, norms and ranks",
};
