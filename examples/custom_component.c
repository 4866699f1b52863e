/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief A component of your own: what each attention head writes into the residual stream, as a plugin.
 *
 * Built and loaded as custom_metric.c. A configuration may then say
 *
 *     components:
 *       - component_name: head_output
 *         data_type: weights
 *         layer_suffixes: attention.o_proj
 *         layers: all
 *
 * and every metric works on it: keys are `layers.<n>.head_output.weights.heads.<h>`.
 */
#include <stdio.h>

#include <picoanalyze/plugin.h>

/* An error is one line with values and bounds. `err` may be NULL. */
static pa_status refuse(pa_error *err, pa_status status, const char *text)
{
    if (err != NULL) {
        err->status = status;
        (void)snprintf(err->message, sizeof(err->message), "head_output: %s", text);
    }
    return status;
}

/*
 * The output projection W_O is [d_model, n_heads * head_size]: its columns belong to the heads one after the other. A
 * slice is an expression: nothing is read or copied here, and nothing is computed until a metric asks.
 */
static pa_status emit_heads(pa_site *site, const pa_matrix *w_o, const char *name, pa_error *err)
{
    const int64_t n_heads = pa_site_model(site)->n_heads;
    const int64_t columns = pa_matrix_cols(w_o);
    if (n_heads < 1 || columns % n_heads != 0) {
        return refuse(err, PA_ERR_SHAPE, "the columns of the output projection are no multiple of the heads");
    }
    const int64_t head_size = columns / n_heads;
    pa_status status = PA_OK;
    for (int64_t head = 0; head < n_heads && status == PA_OK; head++) {
        pa_matrix *slice = NULL;
        status = pa_matrix_slice(w_o, 0, pa_matrix_rows(w_o), head * head_size, head_size, &slice, err);
        if (status == PA_OK) {
            status = pa_site_emit(site, name, head, slice, err); /* takes a reference of its own */
        }
        pa_matrix_destroy(slice);
    }
    return status;
}

static pa_status head_output(void *user_data, pa_site *site, pa_error *err)
{
    (void)user_data;
    const pa_kind kind = pa_site_kind(site);
    if (kind == PA_ACTIVATIONS) {
        return refuse(err, PA_ERR_UNSUPPORTED, "activations of one head are not recorded; use weights or gradients");
    }
    /* The tensor that the configuration's `layer_suffixes` names, at this layer and split. */
    pa_matrix *w_o = NULL;
    pa_status status = pa_site_tensor(site, "", kind, &w_o, err);
    if (status == PA_OK) {
        status = emit_heads(site, w_o, kind == PA_WEIGHTS ? "head_output.weights" : "head_output.gradients", err);
    }
    pa_matrix_destroy(w_o);
    return status;
}

/* One tensor, so `layer_suffixes` is a plain string. Several would have names: {.name = "value_layer", ...}. */
static const pa_role_spec head_output_roles[] = {{.name = "", .fallback = "attention.o_proj"}};

static const pa_component_ops head_output_ops = {
    .struct_size = sizeof(head_output_ops),
    .name = "head_output",
    .description = "Columns of the attention output projection that belong to each head.",
    .paper = "none: an example",
    .roles = head_output_roles,
    .n_roles = 1,
    .build = head_output,
};

pa_status pa_plugin_register(pa_context *ctx, pa_error *err)
{
    return pa_component_register(ctx, &head_output_ops, NULL, err);
}
