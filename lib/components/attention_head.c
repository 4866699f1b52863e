/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief One attention head at a time: its slice of a projection, or its QK or OV circuit.
 *
 * `circuit: none` takes the slice that belongs to head h out of the tensor that `projection` names; of keys and values
 * it is that of the key/value head floor(h * n_kv / n_heads).
 *
 * | projection | weights, gradients      | activations             |
 * |------------|-------------------------|-------------------------|
 * | q          | [head_dim, d], rows     | [samples, head_dim], columns |
 * | k, v       | [head_dim, d], rows     | [samples, head_dim], columns |
 * | o          | [d, head_dim], columns  | none: what leaves W_O is the sum over heads; see ov_circuit |
 *
 * `circuit: qk` is Q^T K [d, d] of rank <= head_dim, with Q and K the head's rows of W_Q and W_K; of gradients its
 * first-order change dQ^T K + Q^T dK. It scores what a query reads against what a key reads: x_q^T Q^T K x_k. That is
 * without positions, or at distance 0. `rope_window: N` gives the mean over the distances 0 ... N-1 between a query and
 * the keys before it, Q^T M K with M the mean rotation (see rope.c), and needs no more rank.
 *
 * `circuit: ov` is the component ov_circuit without the concatenation of all heads.
 *
 * Keys: `layers.<layer>.attention_head.<q|k|v|o|qk|qk_rope<N>|ov>.<kind>.heads.<h>`.
 *
 * @paper N. Elhage et al., "A mathematical framework for transformer circuits", 2021; J. Su et al., arXiv:2104.09864;
 *        grouped queries: J. Ainslie et al., arXiv:2305.13245
 */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "components/circuit.h"

/* A projection, and how its elements belong to heads. */
typedef struct projection {
    const char *name;
    const char *role;
    int32_t is_of_kv_heads;
    int32_t reads_heads; /* the columns belong to heads, not the rows */
} projection;

static const projection projections[] = {
    {"q", "query_layer", 0, 0},
    {"k", "key_layer", 1, 0},
    {"v", "value_layer", 1, 0},
    {"o", "output_layer", 0, 1},
};

static const projection *find_projection(const char *name)
{
    const projection *found = &projections[0];
    for (size_t i = 0; i < sizeof(projections) / sizeof(projections[0]); i++) {
        found = strcmp(projections[i].name, name) == 0 ? &projections[i] : found;
    }
    return found;
}

/* One slice a key/value head or head; heads of a group share theirs, and so what is derived from it. */
static pa_status slice_heads(const pa_matrix *m, int by_columns, int64_t n_slices, int64_t n_heads,
                             const unsigned char *wanted, pa_matrix **heads, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t size = (by_columns ? pa_matrix_cols(m) : pa_matrix_rows(m)) / n_slices;
    pa_matrix *slice = NULL;
    int64_t current = -1;
    for (int64_t head = 0; head < n_heads; head++) {
        const int64_t index = head * n_slices / n_heads;
        if (!wanted[head]) {
            continue;
        }
        if (index != current) {
            pa_matrix_destroy(slice);
            slice = NULL;
            PA_TRY(by_columns ? pa_matrix_slice(m, 0, pa_matrix_rows(m), index * size, size, &slice, err)
                              : pa_matrix_slice(m, index * size, size, 0, pa_matrix_cols(m), &slice, err));
            current = index;
        }
        heads[head] = pa_matrix_retain(slice);
    }

cleanup:
    pa_matrix_destroy(slice);
    return status;
}

static pa_status make_slices(const pa_site *site, const unsigned char *wanted, pa_matrix **heads, pa_error *err)
{
    pa_status status = PA_OK;
    const projection *p = find_projection(pa_options_string(pa_site_options(site), "projection"));
    const pa_kind kind = pa_site_kind(site);
    pa_matrix *tensor = NULL;
    int64_t n_heads = 0;
    int64_t n_kv_heads = 0;
    PA_REQUIRE(kind != PA_ACTIVATIONS || !p->reads_heads, err, PA_ERR_CONFIG,
               "attention_head: activations of the output projection are sums over the heads, no slice is one head's; "
               "'circuit: ov' has what each head writes");
    PA_TRY(pa_circuit_heads(site, &n_heads, &n_kv_heads, err));
    PA_TRY(pa_site_tensor(site, p->role, kind, &tensor, err));
    const int by_columns = p->reads_heads || kind == PA_ACTIVATIONS;
    const int64_t n_slices = p->is_of_kv_heads ? n_kv_heads : n_heads;
    const int64_t side = by_columns ? pa_matrix_cols(tensor) : pa_matrix_rows(tensor);
    PA_REQUIRE(side % n_slices == 0, err, PA_ERR_SHAPE, "attention_head: %lld %s of '%s' do not divide into %lld heads",
               (long long)side, by_columns ? "columns" : "rows", pa_site_suffix(site, p->role), (long long)n_slices);
    PA_TRY(slice_heads(tensor, by_columns, n_slices, n_heads, wanted, heads, err));

cleanup:
    pa_matrix_destroy(tensor);
    return status;
}

static pa_status make_circuits(const pa_site *site, int is_qk, const unsigned char *wanted, pa_matrix **heads,
                               pa_error *err)
{
    pa_status status = PA_OK;
    const pa_kind kind = pa_site_kind(site);
    const int pico = !is_qk && pa_options_compat(pa_site_options(site)) == PA_COMPAT_PICO;
    pa_circuit c = {0};
    if (is_qk) {
        PA_TRY(pa_circuit_read_qk(site, pa_site_layer(site), kind, &c, err));
        PA_TRY(pa_rope_mean(site, c.head_dim, &c.turn, err));
    } else {
        PA_TRY(pa_circuit_read_ov(site, pa_site_layer(site), kind, &c, err));
    }
    PA_TRY(pa_circuit_make(&c, kind, pico ? PA_CIRCUIT_RIGHT_LEFT : PA_CIRCUIT_LEFT_RIGHT, wanted, heads, err));

cleanup:
    pa_circuit_free(&c);
    return status;
}

static pa_status write_name(const pa_site *site, pa_text *name, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_options *options = pa_site_options(site);
    const char *circuit = pa_options_string(options, "circuit");
    const int64_t window = pa_options_int(options, "rope_window");
    const int is_none = strcmp(circuit, "none") == 0;
    PA_REQUIRE(window == 0 || strcmp(circuit, "qk") == 0, err, PA_ERR_CONFIG,
               "attention_head: 'rope_window' is an option of 'circuit: qk'");
    PA_REQUIRE(is_none || strcmp(pa_options_string(options, "projection"), "q") == 0, err, PA_ERR_CONFIG,
               "attention_head: 'projection' is of slices, not of 'circuit: %s'", circuit);
    PA_REQUIRE(window != 0 || !pa_rope_is_asked(options), err, PA_ERR_CONFIG,
               "attention_head: 'rope_theta' and 'rope_pairing' need a 'rope_window'");
    PA_TRY(
        pa_text_printf(name, err, "attention_head.%s", is_none ? pa_options_string(options, "projection") : circuit));
    if (window != 0) {
        PA_TRY(pa_text_printf(name, err, "_rope%lld", (long long)window));
    }
    PA_TRY(pa_text_printf(name, err, ".%s", pa_kind_name(pa_site_kind(site))));

cleanup:
    return status;
}

static pa_status build(void *user_data, pa_site *site, pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const pa_allocator *mem = &site->component->ctx->mem;
    const char *circuit = pa_options_string(pa_site_options(site), "circuit");
    pa_text name = {.mem = mem};
    unsigned char *wanted = NULL;
    pa_matrix **heads = NULL;
    int64_t n_heads = 0;
    int64_t n_kv_heads = 0;
    PA_TRY(write_name(site, &name, err));
    PA_TRY(pa_circuit_heads(site, &n_heads, &n_kv_heads, err));
    PA_TRY(pa_choice_read(site, "heads", "heads", n_heads, &wanted, err));
    PA_REQUIRE_MEMORY(heads = pa_alloc(mem, n_heads, sizeof(pa_matrix *)), err, "the heads");
    PA_TRY(strcmp(circuit, "none") == 0 ? make_slices(site, wanted, heads, err)
                                        : make_circuits(site, strcmp(circuit, "qk") == 0, wanted, heads, err));
    for (int64_t head = 0; head < n_heads; head++) {
        if (wanted[head]) {
            PA_TRY(pa_site_emit(site, name.data, head, heads[head], err));
        }
    }

cleanup:
    for (int64_t head = 0; heads != NULL && head < n_heads; head++) {
        pa_matrix_destroy(heads[head]);
    }
    pa_free(mem, heads);
    pa_free(mem, wanted);
    pa_text_free(&name);
    return status;
}

static const pa_role_spec roles[] = {
    {.name = "query_layer", .fallback = "attention.q_proj"},
    {.name = "key_layer", .fallback = "attention.k_proj"},
    {.name = "value_layer", .fallback = "attention.v_proj"},
    {.name = "output_layer", .fallback = "attention.o_proj"},
};

static const pa_option_spec options[] = {
    {.name = "circuit",
     .type = PA_OPTION_CHOICE,
     .fallback = "none",
     .choices = "none|qk|ov",
     .help = "A product of two projections instead of a slice of one."},
    {.name = "projection",
     .type = PA_OPTION_CHOICE,
     .fallback = "q",
     .choices = "q|k|v|o",
     .help = "Which projection is sliced when there is no circuit."},
    {.name = "heads", .type = PA_OPTION_LIST, .fallback = "all", .help = "Which heads, as [0, 3]; or all."},
    PA_ROPE_OPTIONS,
};

/** @brief Built-in component `attention_head`; see @ref attention_head.c. */
const pa_component_ops pa_component_attention_head = {
    .struct_size = sizeof(pa_component_ops),
    .name = "attention_head",
    .description = "Each attention head's slice of a projection, or its QK or OV circuit. "
                   "The gain of a norm before the projections is not folded in.",
    .paper = "Elhage et al., A mathematical framework for transformer circuits, 2021; Su et al., RoFormer, "
             "arXiv:2104.09864",
    .roles = roles,
    .n_roles = sizeof(roles) / sizeof(roles[0]),
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .build = build,
    .pico = "circuits ov of weights are V O instead of O V: other singular values, norms and ranks",
    .kinds = 1 << PA_WEIGHTS | 1 << PA_GRADIENTS | 1 << PA_ACTIVATIONS,
    .formula = "q: W_Q[h, :]; k, v: W[kv(h), :]; o: W_O[:, h]; qk: W_Q[h, :]^T W_K[kv(h), :]; "
               "ov: W_O[:, h] W_V[kv(h), :]",
    .shape = "q, k, v: [head_dim, d]; o: [d, head_dim]; circuits: [d, d], rank <= head_dim (gradients 2 head_dim); "
             "activations: [samples, head_dim]",
};
