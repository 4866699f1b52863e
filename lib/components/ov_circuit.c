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
 * Keys: `layers.<layer>.ov_circuit.<kind>.heads.<h>`, and without `.heads.<h>` for [head 0, head 1, ...].
 *
 * Under `compat: pico` the weights are V O [head_dim, head_dim]: the same non-zero eigenvalues, but other singular
 * values, and so other norms, ranks and condition numbers.
 *
 * @paper N. Elhage et al., "A mathematical framework for transformer circuits", 2021; grouped queries: J. Ainslie et
 *        al., arXiv:2305.13245
 */
#include "base/alloc.h"
#include "base/text.h"
#include "components/component_impl.h"

/* The tensors that the circuits of one layer are made of; all but the kind's own may be NULL. */
typedef struct tensors {
    pa_matrix *v;   /* W_V */
    pa_matrix *o;   /* W_O */
    pa_matrix *dv;  /* gradient of W_V */
    pa_matrix *d_o; /* gradient of W_O */
    pa_matrix *activations;
    int64_t n_heads;
    int64_t n_kv_heads;
    int64_t head_dim;
} tensors;

static pa_status check_shape(const pa_matrix *m, const char *name, int64_t rows, int64_t cols, pa_error *err)
{
    if (m != NULL && ((rows >= 0 && pa_matrix_rows(m) != rows) || (cols >= 0 && pa_matrix_cols(m) != cols))) {
        return pa_fail(err, PA_ERR_SHAPE, "ov_circuit: %s is [%lld, %lld], expected [%lld, %lld]", name,
                       (long long)pa_matrix_rows(m), (long long)pa_matrix_cols(m),
                       (long long)(rows >= 0 ? rows : pa_matrix_rows(m)),
                       (long long)(cols >= 0 ? cols : pa_matrix_cols(m)));
    }
    return PA_OK;
}

static pa_status check_shapes(tensors *t, const pa_model *model, pa_error *err)
{
    pa_status status = PA_OK;
    t->n_heads = model->n_heads;
    t->n_kv_heads = model->n_kv_heads > 0 ? model->n_kv_heads : model->n_heads;
    PA_REQUIRE(t->n_heads > 0 && t->n_kv_heads <= t->n_heads, err, PA_ERR_SHAPE,
               "ov_circuit: the model has %lld heads and %lld key/value heads", (long long)t->n_heads,
               (long long)t->n_kv_heads);
    const int64_t inner = pa_matrix_cols(t->o);
    PA_REQUIRE(inner % t->n_heads == 0, err, PA_ERR_SHAPE, "ov_circuit: %lld columns do not divide into %lld heads",
               (long long)inner, (long long)t->n_heads);
    t->head_dim = inner / t->n_heads;
    const int64_t d = pa_matrix_rows(t->o);
    const int64_t kv = t->n_kv_heads * t->head_dim;
    PA_TRY(check_shape(t->v, "the value projection", kv, d, err));
    PA_TRY(check_shape(t->dv, "the value gradient", kv, d, err));
    PA_TRY(check_shape(t->d_o, "the output gradient", d, inner, err));
    PA_TRY(check_shape(t->activations, "the value activations", -1, kv, err));

cleanup:
    return status;
}

static pa_status read_tensors(const pa_site *site, tensors *t, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_kind kind = pa_site_kind(site);
    PA_TRY(pa_site_tensor(site, "output_layer", PA_WEIGHTS, &t->o, err));
    if (kind == PA_ACTIVATIONS) {
        PA_TRY(pa_site_tensor(site, "value_layer", PA_ACTIVATIONS, &t->activations, err));
    } else {
        PA_TRY(pa_site_tensor(site, "value_layer", PA_WEIGHTS, &t->v, err));
    }
    if (kind == PA_GRADIENTS) {
        PA_TRY(pa_site_tensor(site, "value_layer", PA_GRADIENTS, &t->dv, err));
        PA_TRY(pa_site_tensor(site, "output_layer", PA_GRADIENTS, &t->d_o, err));
    }
    PA_TRY(check_shapes(t, pa_site_model(site), err));

cleanup:
    return status;
}

static void free_tensors(tensors *t)
{
    pa_matrix_destroy(t->v);
    pa_matrix_destroy(t->o);
    pa_matrix_destroy(t->dv);
    pa_matrix_destroy(t->d_o);
    pa_matrix_destroy(t->activations);
}

static pa_status head_rows(const tensors *t, const pa_matrix *m, int64_t index, pa_matrix **out, pa_error *err)
{
    return pa_matrix_slice(m, index * t->head_dim, t->head_dim, 0, pa_matrix_cols(m), out, err);
}

static pa_status head_cols(const tensors *t, const pa_matrix *m, int64_t index, pa_matrix **out, pa_error *err)
{
    return pa_matrix_slice(m, 0, pa_matrix_rows(m), index * t->head_dim, t->head_dim, out, err);
}

/* What the heads of one key/value group share: made once, so that what is derived from it is, too. */
typedef struct group {
    pa_matrix *v;
    pa_matrix *changes; /* [dV; V] */
    pa_matrix *activations;
} group;

static pa_status stack_changes(const tensors *t, int64_t kv_head, group *g, pa_error *err)
{
    pa_matrix *dv = NULL;
    pa_status status = head_rows(t, t->dv, kv_head, &dv, err);
    if (status == PA_OK) {
        status = pa_matrix_concat_rows((const pa_matrix *[]){dv, g->v}, 2, &g->changes, err);
    }
    pa_matrix_destroy(dv);
    return status;
}

static pa_status make_group(const tensors *t, int64_t kv_head, group *out, pa_error *err)
{
    pa_status status = PA_OK;
    if (t->v != NULL) {
        PA_TRY(head_rows(t, t->v, kv_head, &out->v, err));
    }
    if (t->dv != NULL) {
        PA_TRY(stack_changes(t, kv_head, out, err));
    }
    if (t->activations != NULL) {
        PA_TRY(head_cols(t, t->activations, kv_head, &out->activations, err));
    }

cleanup:
    return status;
}

static void free_group(group *g)
{
    pa_matrix_destroy(g->v);
    pa_matrix_destroy(g->changes);
    pa_matrix_destroy(g->activations);
    const group none = {0};
    *g = none;
}

static pa_status circuit_of_gradients(const tensors *t, const group *g, const pa_matrix *o, int64_t head,
                                      pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *d_o = NULL;
    pa_matrix *left = NULL;
    PA_TRY(head_cols(t, t->d_o, head, &d_o, err));
    PA_TRY(pa_matrix_concat_columns((const pa_matrix *[]){o, d_o}, 2, &left, err));
    PA_TRY(pa_matrix_product(left, g->changes, out, err));

cleanup:
    pa_matrix_destroy(left);
    pa_matrix_destroy(d_o);
    return status;
}

static pa_status circuit_of_activations(const group *g, const pa_matrix *o, pa_matrix **out, pa_error *err)
{
    pa_matrix *transposed = NULL;
    pa_status status = pa_matrix_transpose(o, &transposed, err);
    if (status == PA_OK) {
        status = pa_matrix_product(g->activations, transposed, out, err);
    }
    pa_matrix_destroy(transposed);
    return status;
}

static pa_status circuit(const pa_site *site, const tensors *t, const group *g, int64_t head, pa_matrix **out,
                         pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *o = NULL;
    PA_TRY(head_cols(t, t->o, head, &o, err));
    if (pa_site_kind(site) == PA_ACTIVATIONS) {
        PA_TRY(circuit_of_activations(g, o, out, err));
    } else if (pa_site_kind(site) == PA_GRADIENTS) {
        PA_TRY(circuit_of_gradients(t, g, o, head, out, err));
    } else if (pa_options_compat(pa_site_options(site)) == PA_COMPAT_PICO) {
        PA_TRY(pa_matrix_product(g->v, o, out, err));
    } else {
        PA_TRY(pa_matrix_product(o, g->v, out, err));
    }

cleanup:
    pa_matrix_destroy(o);
    return status;
}

static pa_status make_circuits(const pa_site *site, const tensors *t, pa_matrix **circuits, pa_error *err)
{
    pa_status status = PA_OK;
    group g = {0};
    int64_t current = -1;
    for (int64_t head = 0; head < t->n_heads; head++) {
        const int64_t kv_head = head * t->n_kv_heads / t->n_heads;
        if (kv_head != current) {
            free_group(&g);
            PA_TRY(make_group(t, kv_head, &g, err));
            current = kv_head;
        }
        PA_TRY(circuit(site, t, &g, head, &circuits[head], err));
    }

cleanup:
    free_group(&g);
    return status;
}

static pa_status build(void *user_data, pa_site *site, pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const pa_allocator *mem = &site->component->ctx->mem;
    tensors t = {0};
    pa_matrix **circuits = NULL;
    pa_matrix *all = NULL;
    pa_text name = {.mem = mem};
    PA_TRY(pa_text_printf(&name, err, "ov_circuit.%s", pa_kind_name(pa_site_kind(site))));
    PA_TRY(read_tensors(site, &t, err));
    PA_REQUIRE_MEMORY(circuits = pa_alloc(mem, t.n_heads, sizeof(pa_matrix *)), err, "the OV circuits");
    PA_TRY(make_circuits(site, &t, circuits, err));
    for (int64_t head = 0; head < t.n_heads; head++) {
        PA_TRY(pa_site_emit(site, name.data, head, circuits[head], err));
    }
    PA_TRY(pa_matrix_concat_columns((const pa_matrix *const *)circuits, t.n_heads, &all, err));
    PA_TRY(pa_site_emit(site, name.data, -1, all, err));

cleanup:
    pa_matrix_destroy(all);
    for (int64_t head = 0; circuits != NULL && head < t.n_heads; head++) {
        pa_matrix_destroy(circuits[head]);
    }
    pa_free(mem, circuits);
    free_tensors(&t);
    pa_text_free(&name);
    return status;
}

static const pa_role_spec roles[] = {
    {.name = "output_layer", .fallback = "attention.o_proj"},
    {.name = "value_layer", .fallback = "attention.v_proj"},
};

/** @brief Built-in component `ov_circuit`; see @ref ov_circuit.c. */
const pa_component_ops pa_component_ov_circuit = {
    .struct_size = sizeof(pa_component_ops),
    .name = "ov_circuit",
    .description = "Output times value projection of each attention head, and of all heads of a layer side by side.",
    .paper = "Elhage et al., A mathematical framework for transformer circuits, 2021",
    .roles = roles,
    .n_roles = sizeof(roles) / sizeof(roles[0]),
    .build = build,
    .pico = "circuits of weights are V O instead of O V: other singular values, norms and ranks",
};
