/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief The gated feed-forward block W_down (silu(W_gate x) * W_up x): whole, by projection, or by neuron.
 *
 * W_gate and W_up are [hidden, d], W_down is [d, hidden]. Neuron j reads with row j of W_gate and of W_up and writes
 * column j of W_down. pico-train's names are swiglu.w_0, the gate, swiglu.w_1, up, and swiglu.w_2, down.
 *
 * | view           | weights, gradients                                          | activations |
 * |----------------|-------------------------------------------------------------|-------------|
 * | block          | [W_gate; W_up; W_down^T] [3 hidden, d]                      | [A_gate A_up A_down] [samples, 2 hidden + d] |
 * | gate, up, down | the tensor; only that one is needed                         | its outputs |
 * | neurons        | read_gate, read_up, write: [hidden, d] each, a row a neuron | none: see gate and up |
 *
 * Models whose names say that they have no gate (GPT-2, GPT-NeoX) have the other two; see docs/configuration.md.
 *
 * Keys: `layers.<layer>.feed_forward.<block|gate|up|down|read_gate|read_up|write>.<kind>`.
 *
 * @paper N. Shazeer, "GLU variants improve transformer", arXiv:2002.05202; neurons as key and value vectors: M. Geva et
 *        al., arXiv:2012.14913
 */
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "checkpoint/checkpoint_impl.h"
#include "components/component_impl.h"

enum { GATE, UP, DOWN, N_TENSORS };

static const pa_role_spec roles[N_TENSORS] = {
    [GATE] = {.name = "gate_layer", .fallback = "swiglu.w_0"},
    [UP] = {.name = "up_layer", .fallback = "swiglu.w_1"},
    [DOWN] = {.name = "down_layer", .fallback = "swiglu.w_2"},
};

static const char *const names[N_TENSORS] = {[GATE] = "gate", [UP] = "up", [DOWN] = "down"};

static pa_status check_shape(const pa_matrix *m, const char *name, int64_t rows, int64_t cols, pa_error *err)
{
    if (pa_matrix_rows(m) != rows || pa_matrix_cols(m) != cols) {
        return pa_fail(err, PA_ERR_SHAPE, "feed_forward: %s is [%lld, %lld], expected [%lld, %lld]", name,
                       (long long)pa_matrix_rows(m), (long long)pa_matrix_cols(m), (long long)rows, (long long)cols);
    }
    return PA_OK;
}

/* Models of some namings have no gate; a name of the user's own must be there. */
static int has_no_gate(const pa_site *site)
{
    const char *suffix = pa_site_suffix(site, roles[GATE].name);
    return strcmp(suffix, roles[GATE].fallback) == 0 && pa_naming_lacks(pa_site_checkpoint(site), suffix);
}

/* All three, or two where there is no gate. W_down is turned over, so that row j is what neuron j writes; activations
 * stay as they are. */
static pa_status read_all(const pa_site *site, pa_matrix *tensors[N_TENSORS], pa_error *err)
{
    pa_status status = PA_OK;
    const pa_kind kind = pa_site_kind(site);
    pa_matrix *down = NULL;
    status = pa_site_tensor(site, roles[GATE].name, kind, &tensors[GATE], err);
    if (status == PA_ERR_NOT_FOUND && has_no_gate(site)) {
        pa_error_clear(err);
        status = PA_OK;
    }
    PA_TRY(status);
    PA_TRY(pa_site_tensor(site, roles[UP].name, kind, &tensors[UP], err));
    PA_TRY(pa_site_tensor(site, roles[DOWN].name, kind, &down, err));
    const int first = tensors[GATE] != NULL ? GATE : UP;
    const int64_t rows = pa_matrix_rows(tensors[first]);
    const int64_t cols = pa_matrix_cols(tensors[first]);
    PA_TRY(check_shape(tensors[UP], "up", rows, cols, err));
    if (kind == PA_ACTIVATIONS) {
        PA_TRY(check_shape(down, "down", rows, pa_matrix_cols(down), err));
        tensors[DOWN] = down;
        down = NULL;
    } else {
        PA_TRY(check_shape(down, "down", cols, rows, err));
        PA_TRY(pa_matrix_transpose(down, &tensors[DOWN], err));
    }

cleanup:
    pa_matrix_destroy(down);
    return status;
}

static pa_status emit(pa_site *site, const char *name, const pa_matrix *m, pa_error *err)
{
    pa_text text = {.mem = &site->component->ctx->mem};
    pa_status status = pa_text_printf(&text, err, "feed_forward.%s.%s", name, pa_kind_name(pa_site_kind(site)));
    if (status == PA_OK) {
        status = pa_site_emit(site, text.data, -1, m, err);
    }
    pa_text_free(&text);
    return status;
}

static pa_status emit_one(pa_site *site, int which, pa_error *err)
{
    pa_matrix *tensor = NULL;
    pa_status status = pa_site_tensor(site, roles[which].name, pa_site_kind(site), &tensor, err);
    if (status == PA_OK) {
        status = emit(site, names[which], tensor, err);
    }
    pa_matrix_destroy(tensor);
    return status;
}

static pa_status emit_block(pa_site *site, pa_matrix *const tensors[N_TENSORS], pa_error *err)
{
    pa_matrix *block = NULL;
    const int first = tensors[GATE] != NULL ? GATE : UP;
    const int64_t n = N_TENSORS - first;
    const pa_matrix *const *parts = (const pa_matrix *const *)&tensors[first];
    pa_status status = pa_site_kind(site) == PA_ACTIVATIONS ? pa_matrix_concat_columns(parts, n, &block, err)
                                                            : pa_matrix_concat_rows(parts, n, &block, err);
    if (status == PA_OK) {
        status = emit(site, "block", block, err);
    }
    pa_matrix_destroy(block);
    return status;
}

static pa_status emit_neurons(pa_site *site, pa_matrix *const tensors[N_TENSORS], pa_error *err)
{
    pa_status status = PA_OK;
    if (tensors[GATE] != NULL) {
        PA_TRY(emit(site, "read_gate", tensors[GATE], err));
    }
    PA_TRY(emit(site, "read_up", tensors[UP], err));
    PA_TRY(emit(site, "write", tensors[DOWN], err));

cleanup:
    return status;
}

static pa_status build(void *user_data, pa_site *site, pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    const char *view = pa_options_string(pa_site_options(site), "view");
    const int neurons = strcmp(view, "neurons") == 0;
    pa_matrix *tensors[N_TENSORS] = {NULL};
    for (int i = 0; i < N_TENSORS; i++) {
        if (strcmp(view, names[i]) == 0) {
            return emit_one(site, i, err);
        }
    }
    PA_REQUIRE(!neurons || pa_site_kind(site) != PA_ACTIVATIONS, err, PA_ERR_CONFIG,
               "feed_forward: activations have a column a neuron in 'view: gate' and 'view: up', there is no 'view: "
               "neurons' of them");
    PA_TRY(read_all(site, tensors, err));
    PA_TRY(neurons ? emit_neurons(site, tensors, err) : emit_block(site, tensors, err));

cleanup:
    for (int i = 0; i < N_TENSORS; i++) {
        pa_matrix_destroy(tensors[i]);
    }
    return status;
}

static const pa_option_spec options[] = {
    {.name = "view",
     .type = PA_OPTION_CHOICE,
     .fallback = "block",
     .choices = "block|gate|up|down|neurons",
     .help = "All three as one matrix, one of them, or what each neuron reads and writes, a row a neuron."},
};

/** @brief Built-in component `feed_forward`; see @ref feed_forward.c. */
const pa_component_ops pa_component_feed_forward = {
    .struct_size = sizeof(pa_component_ops),
    .name = "feed_forward",
    .description = "Gate, up and down projection of a gated feed-forward block: together, singly, or by neuron.",
    .paper = "Shazeer, GLU variants improve transformer, arXiv:2002.05202; Geva et al., arXiv:2012.14913",
    .roles = roles,
    .n_roles = N_TENSORS,
    .options = options,
    .n_options = sizeof(options) / sizeof(options[0]),
    .build = build,
    .kinds = 1 << PA_WEIGHTS | 1 << PA_GRADIENTS | 1 << PA_ACTIVATIONS,
    .formula = "block: [W_gate; W_up; W_down^T]; neurons: W_gate, W_up, W_down^T, a row a neuron",
    .shape = "block: [3 hidden, d], of activations [samples, 2 hidden + d]; gate, up: [hidden, d]; down: [d, hidden]; "
             "neurons: [hidden, d]",
};
