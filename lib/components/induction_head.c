/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Candidates for induction: pairs of an earlier and a later head by their circuits, or heads by their patterns.
 *
 * Of weights, for each later head (L, h2) of the layer and each head (l, h1) of each earlier layer, the two matrices
 * whose product says how much the later head reads what the earlier one writes; the metric `composition` has the rest.
 *
 * | composition | first, of the later head | second, of the earlier head |
 * |-------------|--------------------------|-----------------------------|
 * | k           | Q^T K                    | O V                         |
 * | q           | K^T Q                    | O V                         |
 * | v           | O V                      | O V                         |
 *
 * All are [d, d] products of thin factors. `rope_window` averages Q^T K over distances as in attention_head. The first
 * layer has no earlier one, and so no pairs: that is no error.
 *
 * Of attention, for each head its pattern [T, T] and the token ids [T, 1] that it attended to, for the metric
 * `attention_pattern`. The pattern is the tensor [heads, T, T] of the layer, the ids the tensor [T] of no layer.
 *
 * Keys: `layers.<L>.induction_head.<k|q|v>.weights.from.<l>.<h1>.heads.<h2>` (`k_rope<N>` with a window) and
 * `layers.<L>.induction_head.attention.heads.<h>`.
 *
 * @paper N. Elhage et al., "A mathematical framework for transformer circuits", 2021; C. Olsson et al.,
 *        arXiv:2209.11895
 */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "components/circuit.h"

/* Circuits of the heads of one layer; NULL where a head is not wanted. */
typedef struct layer_heads {
    pa_matrix **circuits;
    int64_t n;
} layer_heads;

static void free_heads(const pa_allocator *mem, layer_heads *h)
{
    for (int64_t i = 0; h->circuits != NULL && i < h->n; i++) {
        pa_matrix_destroy(h->circuits[i]);
    }
    pa_free(mem, h->circuits);
    *h = (layer_heads){NULL, 0};
}

static pa_status make_heads(const pa_site *site, const pa_circuit *c, const unsigned char *wanted, layer_heads *out,
                            pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE_MEMORY(out->circuits = pa_alloc(&site->component->ctx->mem, c->n_heads, sizeof(pa_matrix *)), err,
                      "the circuits of heads");
    out->n = c->n_heads;
    PA_TRY(pa_circuit_make(c, PA_WEIGHTS, PA_CIRCUIT_LEFT_RIGHT, wanted, out->circuits, err));

cleanup:
    return status;
}

static pa_status make_ov(const pa_site *site, int64_t layer, const unsigned char *wanted, layer_heads *out,
                         pa_error *err)
{
    pa_circuit c = {0};
    pa_status status = pa_circuit_read_ov(site, layer, PA_WEIGHTS, &c, err);
    if (status == PA_OK) {
        status = make_heads(site, &c, wanted, out, err);
    }
    pa_circuit_free(&c);
    return status;
}

static pa_status transpose_all(layer_heads *h, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < h->n && status == PA_OK; i++) {
        pa_matrix *transposed = NULL;
        if (h->circuits[i] != NULL) {
            status = pa_matrix_transpose(h->circuits[i], &transposed, err);
            pa_matrix_destroy(h->circuits[i]);
            h->circuits[i] = transposed;
        }
    }
    return status;
}

static pa_status make_qk(const pa_site *site, int of_queries, const unsigned char *wanted, layer_heads *out,
                         pa_error *err)
{
    pa_status status = PA_OK;
    pa_circuit c = {0};
    PA_TRY(pa_circuit_read_qk(site, pa_site_layer(site), PA_WEIGHTS, &c, err));
    PA_TRY(pa_rope_mean(site, c.head_dim, &c.turn, err));
    PA_TRY(make_heads(site, &c, wanted, out, err));
    if (of_queries) {
        PA_TRY(transpose_all(out, err));
    }

cleanup:
    pa_circuit_free(&c);
    return status;
}

static pa_status emit_pairs(pa_site *site, const char *name, const layer_heads *later, int64_t layer,
                            const layer_heads *earlier, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text key = {.mem = &site->component->ctx->mem};
    for (int64_t h2 = 0; h2 < later->n; h2++) {
        for (int64_t h1 = 0; h1 < earlier->n && later->circuits[h2] != NULL; h1++) {
            key.length = 0;
            PA_TRY(pa_text_printf(&key, err, "%s.from.%lld.%lld", name, (long long)layer, (long long)h1));
            PA_TRY(pa_site_emit_pair(site, key.data, h2, later->circuits[h2], earlier->circuits[h1], err));
        }
    }

cleanup:
    pa_text_free(&key);
    return status;
}

static pa_status write_name(const pa_site *site, const char *composition, pa_text *name, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t window = pa_options_int(pa_site_options(site), "rope_window");
    PA_REQUIRE(window == 0 || strcmp(composition, "v") != 0, err, PA_ERR_CONFIG,
               "induction_head: 'rope_window' is an option of 'composition: k' and 'q'");
    PA_REQUIRE(window != 0 || !pa_rope_is_asked(pa_site_options(site)), err, PA_ERR_CONFIG,
               "induction_head: 'rope_theta' and 'rope_pairing' need a 'rope_window'");
    PA_TRY(pa_text_printf(name, err, "induction_head.%s", composition));
    if (window != 0) {
        PA_TRY(pa_text_printf(name, err, "_rope%lld", (long long)window));
    }
    PA_TRY(pa_text_append(name, ".weights", err));

cleanup:
    return status;
}

static pa_status build_weights(pa_site *site, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &site->component->ctx->mem;
    const char *composition = pa_options_string(pa_site_options(site), "composition");
    const int64_t layer = pa_site_layer(site);
    const int64_t n_layers = pa_site_model(site)->n_layers;
    int64_t n_heads = 0;
    int64_t n_kv_heads = 0;
    unsigned char *heads = NULL;
    unsigned char *layers = NULL;
    layer_heads later = {NULL, 0};
    layer_heads earlier = {NULL, 0};
    pa_text name = {.mem = mem};
    PA_TRY(write_name(site, composition, &name, err));
    PA_TRY(pa_circuit_heads(site, &n_heads, &n_kv_heads, err));
    PA_TRY(pa_choice_read(site, "heads", "heads", n_heads, &heads, err));
    PA_TRY(pa_choice_read(site, "from_layers", "layers", n_layers > layer ? n_layers : layer + 1, &layers, err));
    if (layer == 0) {
        goto cleanup;
    }
    PA_TRY(strcmp(composition, "v") == 0 ? make_ov(site, layer, heads, &later, err)
                                         : make_qk(site, strcmp(composition, "q") == 0, heads, &later, err));
    for (int64_t l = 0; l < layer; l++) {
        if (layers[l]) {
            PA_TRY(make_ov(site, l, NULL, &earlier, err));
            PA_TRY(emit_pairs(site, name.data, &later, l, &earlier, err));
            free_heads(mem, &earlier);
        }
    }

cleanup:
    free_heads(mem, &earlier);
    free_heads(mem, &later);
    pa_free(mem, heads);
    pa_free(mem, layers);
    pa_text_free(&name);
    return status;
}

/* Token ids as a column. A tensor [T] is read as one row. */
static pa_status read_tokens(const pa_site *site, int64_t n, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *tokens = NULL;
    PA_TRY(pa_site_tensor_at(site, -1, "tokens", PA_ATTENTION, &tokens, err));
    const int64_t rows = pa_matrix_rows(tokens);
    const int64_t cols = pa_matrix_cols(tokens);
    PA_REQUIRE((rows == 1 && cols == n) || (rows == n && cols == 1), err, PA_ERR_SHAPE,
               "induction_head: the token ids are [%lld, %lld], the patterns are of %lld tokens", (long long)rows,
               (long long)cols, (long long)n);
    PA_TRY(rows == n ? pa_matrix_slice(tokens, 0, n, 0, 1, out, err) : pa_matrix_transpose(tokens, out, err));

cleanup:
    pa_matrix_destroy(tokens);
    return status;
}

static pa_status build_attention(pa_site *site, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t known = pa_site_model(site)->n_heads;
    pa_matrix *patterns = NULL;
    pa_matrix *tokens = NULL;
    pa_matrix *pattern = NULL;
    unsigned char *heads = NULL;
    PA_TRY(pa_site_tensor(site, "pattern", PA_ATTENTION, &patterns, err));
    const int64_t n = pa_matrix_cols(patterns);
    const int64_t rows = pa_matrix_rows(patterns);
    PA_REQUIRE(n > 0 && rows % n == 0 && (known == 0 || rows / n == known), err, PA_ERR_SHAPE,
               "induction_head: the patterns are [%lld, %lld], heads times tokens by tokens, of %lld heads",
               (long long)rows, (long long)n, (long long)known);
    PA_TRY(pa_choice_read(site, "heads", "heads", rows / n, &heads, err));
    PA_TRY(read_tokens(site, n, &tokens, err));
    for (int64_t head = 0; head < rows / n; head++) {
        if (heads[head]) {
            PA_TRY(pa_matrix_slice(patterns, head * n, n, 0, n, &pattern, err));
            PA_TRY(pa_site_emit_pair(site, "induction_head.attention", head, pattern, tokens, err));
            pa_matrix_destroy(pattern);
            pattern = NULL;
        }
    }

cleanup:
    pa_matrix_destroy(pattern);
    pa_matrix_destroy(tokens);
    pa_matrix_destroy(patterns);
    pa_free(&site->component->ctx->mem, heads);
    return status;
}

static pa_status build(void *user_data, pa_site *site, pa_error *err)
{
    (void)user_data;
    return pa_site_kind(site) == PA_ATTENTION ? build_attention(site, err) : build_weights(site, err);
}

static const pa_role_spec roles[] = {
    {.name = "query_layer", .fallback = "attention.q_proj"}, {.name = "key_layer", .fallback = "attention.k_proj"},
    {.name = "value_layer", .fallback = "attention.v_proj"}, {.name = "output_layer", .fallback = "attention.o_proj"},
    {.name = "pattern", .fallback = "attention.pattern"},    {.name = "tokens", .fallback = "tokens"},
};

static const pa_option_spec options[] = {
    {.name = "composition",
     .type = PA_OPTION_CHOICE,
     .fallback = "k",
     .choices = "k|q|v",
     .help = "What of the later head reads the earlier one: keys, queries or values."},
    {.name = "heads", .type = PA_OPTION_LIST, .fallback = "all", .help = "Which later heads, as [0, 3]; or all."},
    {.name = "from_layers", .type = PA_OPTION_LIST, .fallback = "all", .help = "Which earlier layers; or all."},
    PA_ROPE_OPTIONS,
};

/** @brief Built-in component `induction_head`; see @ref induction_head.c. */
const pa_component_ops pa_component_induction_head = {
    .struct_size = sizeof(pa_component_ops),
    .name = "induction_head",
    .description = "Pairs of an earlier and a later head's circuits, or of a head's attention pattern and its tokens.",
    .paper = "Elhage et al., A mathematical framework for transformer circuits, 2021; Olsson et al., arXiv:2209.11895",
    .roles = roles,
    .n_roles = sizeof(roles) / sizeof(roles[0]),
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .build = build,
    .flags = PA_COMPONENT_PAIRS,
    .kinds = 1 << PA_WEIGHTS | 1 << PA_ATTENTION,
    .formula = "weights: (W_Q^T W_K, its transpose, or W_O W_V of the later head; W_O W_V of the earlier head); "
               "attention: (pattern, token ids)",
    .shape = "weights: [d, d] and [d, d], rank <= head_dim; attention: [tokens, tokens] and [tokens, 1]",
};
