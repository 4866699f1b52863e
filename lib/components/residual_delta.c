/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief What training has changed: the matrices of another component minus the same ones at a reference checkpoint.
 *
 * `component` names the other component, `component_options` its options as one text, e.g.
 * `component_options: "layer_suffixes: swiglu.w_2"`; the kind is this component's. The reference is that of the
 * configuration (`reference: initial`). At the first step of `reference: previous` there is none, and no matrix.
 *
 * Differences of products stay products: A B - A' B' = [A - A'  A'] [B; B - B'], so that the change of an OV circuit
 * has rank <= 2 head_dim and is never formed; equal checkpoints give exactly zero.
 *
 * Key: `layers.<layer>.residual_delta.<what follows the layer in the other component's key>`.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "components/component_impl.h"

static pa_status create_inner(const pa_site *site, pa_component **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_options *options = pa_site_options(site);
    const char *name = pa_options_string(options, "component");
    pa_component *inner = NULL;
    *out = NULL;
    status = pa_component_create(site->component->ctx, name, pa_site_kind(site),
                                 pa_options_string(options, "component_options"), &inner, err);
    if (status != PA_OK && status != PA_ERR_NOMEM) {
        pa_error_prefix(err, "residual_delta");
    }
    PA_TRY(status);
    const int32_t flags = pa_component_ops_of(inner)->flags;
    PA_REQUIRE((flags & (PA_COMPONENT_PAIRS | PA_COMPONENT_REFERENCE)) == 0, err, PA_ERR_CONFIG,
               "residual_delta: '%s' %s", name,
               (flags & PA_COMPONENT_PAIRS) != 0 ? "makes pairs of matrices, which have no difference"
                                                 : "needs a reference of its own");
    if (pa_options_compat(options) == PA_COMPAT_PICO) {
        pa_component_set_compat(inner, PA_COMPAT_PICO);
    }
    *out = inner;
    inner = NULL;

cleanup:
    pa_component_destroy(inner);
    return status;
}

static const pa_matrix *find(const pa_parts *parts, int64_t index, const char *key)
{
    const char *same = pa_parts_key(parts, index);
    if (same != NULL && strcmp(same, key) == 0) {
        return pa_parts_matrix(parts, index);
    }
    for (int64_t i = 0; i < pa_parts_count(parts); i++) {
        if (strcmp(pa_parts_key(parts, i), key) == 0) {
            return pa_parts_matrix(parts, i);
        }
    }
    return NULL;
}

/* "layers.3.ov_circuit.weights.heads.0" of head 0 becomes "residual_delta.ov_circuit.weights". */
static pa_status write_name(const pa_site *site, const char *key, int64_t head, pa_text *name, pa_error *err)
{
    pa_status status = PA_OK;
    char head_end[40] = "";
    char layer[40];
    const int skipped = snprintf(layer, sizeof(layer), "layers.%lld.", (long long)pa_site_layer(site));
    const int cut = head >= 0 ? snprintf(head_end, sizeof(head_end), ".heads.%lld", (long long)head) : 0;
    name->length = 0;
    PA_TRY(pa_text_append(name, "residual_delta.", err));
    PA_TRY(pa_text_append_bytes(name, key + skipped, (int64_t)strlen(key) - skipped - cut, err));

cleanup:
    return status;
}

static pa_status emit_difference(pa_site *site, const pa_parts *now, int64_t index, const pa_matrix *then,
                                 pa_error *err)
{
    pa_status status = PA_OK;
    const char *key = pa_parts_key(now, index);
    const pa_matrix *m = pa_parts_matrix(now, index);
    pa_matrix *negative = NULL;
    pa_matrix *difference = NULL;
    pa_text name = {.mem = &site->component->ctx->mem};
    PA_REQUIRE(then != NULL, err, PA_ERR_SHAPE, "residual_delta: the reference has no '%s'", key);
    PA_REQUIRE(pa_matrix_rows(m) == pa_matrix_rows(then) && pa_matrix_cols(m) == pa_matrix_cols(then), err,
               PA_ERR_SHAPE, "residual_delta: '%s' is [%lld, %lld], in the reference [%lld, %lld]", key,
               (long long)pa_matrix_rows(m), (long long)pa_matrix_cols(m), (long long)pa_matrix_rows(then),
               (long long)pa_matrix_cols(then));
    PA_TRY(pa_matrix_scale(then, -1.0, &negative, err));
    PA_TRY(pa_matrix_sum(m, negative, &difference, err));
    PA_TRY(write_name(site, key, pa_parts_head(now, index), &name, err));
    PA_TRY(pa_site_emit(site, name.data, pa_parts_head(now, index), difference, err));

cleanup:
    pa_text_free(&name);
    pa_matrix_destroy(difference);
    pa_matrix_destroy(negative);
    return status;
}

static pa_status build(void *user_data, pa_site *site, pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    pa_component *inner = NULL;
    pa_parts *now = NULL;
    pa_parts *then = NULL;
    PA_TRY(create_inner(site, &inner, err));
    if (pa_site_reference(site) == NULL) {
        goto cleanup;
    }
    PA_TRY(pa_component_build(inner, pa_site_checkpoint(site), pa_site_split(site), pa_site_layer(site), &now, err));
    status = pa_component_build(inner, pa_site_reference(site), pa_site_split(site), pa_site_layer(site), &then, err);
    if (status != PA_OK && status != PA_ERR_NOMEM) {
        pa_error_prefix(err, "the reference of residual_delta");
    }
    PA_TRY(status);
    for (int64_t i = 0; i < pa_parts_count(now); i++) {
        PA_TRY(emit_difference(site, now, i, find(then, i, pa_parts_key(now, i)), err));
    }

cleanup:
    pa_parts_destroy(then);
    pa_parts_destroy(now);
    pa_component_destroy(inner);
    return status;
}

static const pa_option_spec options[] = {
    {.name = "component", .type = PA_OPTION_STRING, .help = "Which component's matrices are compared, e.g. simple."},
    {.name = "component_options",
     .type = PA_OPTION_STRING,
     .fallback = "",
     .help = "Its options and layer suffixes, e.g. \"layer_suffixes: swiglu.w_2\"."},
};

/** @brief Built-in component `residual_delta`; see @ref residual_delta.c. */
const pa_component_ops pa_component_residual_delta = {
    .struct_size = sizeof(pa_component_ops),
    .name = "residual_delta",
    .description = "The matrices of another component minus the same ones at a reference checkpoint.",
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .build = build,
    .flags = PA_COMPONENT_REFERENCE,
    .kinds = 1 << PA_WEIGHTS | 1 << PA_GRADIENTS | 1 << PA_ACTIVATIONS,
    .formula = "M(step) - M(reference)",
    .shape = "that of the other component; products of rank r give rank <= 2 r, in factored form",
};
