/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `metrics` and their `components`: the keys of the schema; options are the metric's and component's own. */
#include <string.h>

#include "analysis/config_impl.h"
#include "base/text.h"
#include "components/component_impl.h"
#include "metrics/metric_impl.h"

static const char *const metric_keys[] = {"metric_name",  "data_split", "components", "target_checkpoint",
                                          "target_split", "target_run", "matrix"};
static const char *const component_keys[] = {"component_name", "data_type", "layers", "reference"};

/* The scalar at a required key. */
static pa_status read_word(const pa_config *config, const pa_yaml_node *map, const char *key, const char *what,
                           const pa_yaml_node **out, pa_error *err)
{
    const pa_yaml_node *node = pa_config_value(map, key);
    if (node == NULL) {
        return pa_yaml_fail(config->yaml, map, err, "%s needs '%s'", what, key);
    }
    *out = node;
    return node->text != NULL ? PA_OK : pa_config_expect(config, node, PA_YAML_STRING, key, err);
}

/* What a registry says without a place gets the place of the name; what knows its place already is kept. */
static pa_status with_place(const pa_config *config, const pa_yaml_node *name, pa_status status, pa_error *err)
{
    if (status != PA_ERR_NOT_FOUND || err == NULL) {
        return status == PA_ERR_NOT_FOUND ? PA_ERR_CONFIG : status;
    }
    const pa_error reason = *err;
    return pa_yaml_fail(config->yaml, name, err, "%s", reason.message);
}

pa_status pa_config_locate(const pa_config *config, const pa_yaml_node *node, pa_status status, pa_error *err)
{
    if ((status != PA_ERR_CONFIG && status != PA_ERR_INVALID) || err == NULL) {
        return status;
    }
    const pa_error reason = *err;
    return pa_yaml_fail(config->yaml, node, err, "%s", reason.message);
}

static pa_status read_one_of(const pa_config *config, const pa_yaml_node *node, const char *key,
                             const char *const *known, int64_t n_known, int64_t *out, pa_error *err)
{
    for (int64_t i = 0; node->text != NULL && i < n_known; i++) {
        if (strcmp(node->text, known[i]) == 0) {
            *out = i;
            return PA_OK;
        }
    }
    if (node->text == NULL) {
        return pa_config_expect(config, node, PA_YAML_STRING, key, err);
    }
    return pa_yaml_fail_unknown(config->yaml, node, err, key, known, n_known);
}

static pa_status check_layer(const pa_config *config, const pa_yaml_node *node, pa_error *err)
{
    const pa_status status = pa_config_expect(config, node, PA_YAML_INT, "a layer", err);
    if (status == PA_OK && node->integer < 0) {
        return pa_yaml_fail(config->yaml, node, err, "layer %lld is negative", (long long)node->integer);
    }
    return status;
}

static pa_status read_layers(const pa_config *config, pa_config_part *part, pa_error *err)
{
    const pa_yaml_node *node = pa_config_value(part->node, "layers");
    pa_status status = PA_OK;
    if (node == NULL || (node->text != NULL && strcmp(node->text, "all") == 0)) {
        return PA_OK;
    }
    if (node->type == PA_YAML_INT) {
        PA_TRY(check_layer(config, node, err));
    } else if (node->type != PA_YAML_SEQUENCE || node->count == 0) {
        PA_TRY(pa_yaml_fail(config->yaml, node, err, "'layers' must be 'all' or a list of layer numbers"));
    }
    for (int64_t i = 0; i < node->count; i++) {
        PA_TRY(check_layer(config, &node->items[i], err));
    }
    part->layers = node;

cleanup:
    return status;
}

/* What the entry stands for: whatever differs from the defaults. */
static pa_status describe_choice(pa_config *config, pa_config_part *part, pa_error *err)
{
    const pa_component_ops *ops = pa_component_ops_of(part->component);
    const pa_options *options = pa_component_options(part->component);
    pa_status status = PA_OK;
    pa_text text = {.mem = config->arena.mem};
    for (int64_t i = 0; i < ops->n_roles; i++) {
        const pa_role_spec *role = &ops->roles[i];
        const char *suffix = pa_component_suffix(part->component, i);
        if (role->fallback == NULL || strcmp(role->fallback, suffix) != 0) {
            PA_TRY(pa_text_printf(&text, err, "%s%s%s%s", text.length > 0 ? ", " : "", role->name,
                                  role->name[0] != '\0' ? ": " : "", suffix));
        }
    }
    if (pa_options_text(options)[0] != '\0') {
        PA_TRY(pa_text_printf(&text, err, "%s%s", text.length > 0 ? ", " : "", pa_options_text(options)));
    }
    if (part->reference.when != PA_WHEN_SAME) {
        char reference[PA_CONFIG_STEP_SIZE];
        pa_config_step_text(reference, &part->reference);
        PA_TRY(pa_text_printf(&text, err, "%sreference: %s", text.length > 0 ? ", " : "", reference));
    }
    if (part->own_compat) {
        PA_TRY(pa_text_printf(&text, err, "%scompat: %s", text.length > 0 ? ", " : "",
                              pa_options_compat(options) == PA_COMPAT_PICO ? "pico" : "literature"));
    }
    part->choice = pa_arena_strndup(&config->arena, text.data != NULL ? text.data : "", text.length);
    PA_REQUIRE_MEMORY(part->choice, err, "the configuration");

cleanup:
    pa_text_free(&text);
    return status;
}

/* Activations for metrics that compare, else weights; the first kind there is for a component that has no such. */
static pa_kind default_kind(const pa_config *config, const char *component, int32_t n_inputs)
{
    pa_kind kind = n_inputs == 2 ? PA_ACTIVATIONS : PA_WEIGHTS;
    for (int64_t i = 0; i < pa_component_count(config->ctx); i++) {
        const pa_component_ops *ops = pa_component_describe(config->ctx, i);
        if (strcmp(ops->name, component) == 0 && ops->kinds != 0 && (ops->kinds >> kind & 1) == 0) {
            for (kind = 0; kind < PA_N_KINDS - 1 && (ops->kinds >> kind & 1) == 0; kind++) {
            }
        }
    }
    return kind;
}

static pa_status read_part(pa_config *config, pa_config_part *part, int32_t n_inputs, pa_error *err)
{
    static const char *const kinds[PA_N_KINDS] = {"weights", "gradients", "activations", "attention"};
    pa_status status = PA_OK;
    const pa_yaml_node *name = NULL;
    const pa_yaml_node *type = NULL;
    int64_t kind = 0;
    PA_TRY(pa_config_expect(config, part->node, PA_YAML_MAPPING, "an entry of 'components'", err));
    PA_TRY(read_word(config, part->node, "component_name", "a component", &name, err));
    part->name = name->text;
    part->own_compat = pa_config_value(part->node, "compat") != NULL;
    kind = default_kind(config, part->name, n_inputs);
    type = pa_config_value(part->node, "data_type");
    if (type != NULL) {
        PA_TRY(read_one_of(config, type, "data_type", kinds, PA_N_KINDS, &kind, err));
    }
    part->kind = (pa_kind)kind;
    PA_TRY(with_place(config, name,
                      pa_component_create_yaml(config->ctx, part->name, part->kind, config->yaml, part->node,
                                               component_keys, 4, &part->component, err),
                      err));
    PA_TRY(read_layers(config, part, err));
    PA_TRY(pa_config_read_reference(config, part, err));
    PA_TRY(describe_choice(config, part, err));

cleanup:
    return status;
}

static pa_status read_split(const pa_config *config, const pa_yaml_node *map, pa_config_metric *metric, pa_error *err)
{
    static const char *const splits[] = {"train", "val"};
    const pa_yaml_node *node = pa_config_value(map, "data_split");
    int64_t split = 1;
    const pa_status status = node != NULL ? read_one_of(config, node, "data_split", splits, 2, &split, err) : PA_OK;
    metric->split = splits[split];
    return status;
}

static pa_status read_parts(pa_config *config, const pa_yaml_node *map, pa_config_metric *metric, int32_t n_inputs,
                            pa_error *err)
{
    const pa_yaml_node *list = pa_config_value(map, "components");
    pa_status status = PA_OK;
    if (list == NULL) {
        PA_TRY(pa_yaml_fail(config->yaml, map, err, "metric '%s' needs 'components'", metric->name));
    }
    PA_TRY(pa_config_expect(config, list, PA_YAML_SEQUENCE, "'components'", err));
    if (list->count == 0) {
        PA_TRY(pa_yaml_fail(config->yaml, list, err, "'components' is empty"));
    }
    metric->parts = pa_arena_alloc(&config->arena, list->count, sizeof(*metric->parts));
    PA_REQUIRE_MEMORY(metric->parts, err, "the configuration");
    metric->n_parts = list->count;
    for (int64_t i = 0; i < list->count; i++) {
        metric->parts[i].node = &list->items[i];
        PA_TRY(read_part(config, &metric->parts[i], n_inputs, err));
        PA_TRY(pa_config_check_target(config, map, metric, &metric->parts[i], err));
    }

cleanup:
    return status;
}

static pa_status read_metric(pa_config *config, const pa_yaml_node *map, pa_config_metric *metric, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_yaml_node *name = NULL;
    PA_TRY(pa_config_expect(config, map, PA_YAML_MAPPING, "an entry of 'metrics'", err));
    PA_TRY(read_word(config, map, "metric_name", "a metric", &name, err));
    metric->name = name->text;
    metric->node = map;
    metric->own_compat = pa_config_value(map, "compat") != NULL;
    PA_TRY(with_place(
        config, name,
        pa_metric_create_yaml(config->ctx, metric->name, config->yaml, map, metric_keys, 7, &metric->metric, err),
        err));
    const int32_t n_inputs = pa_metric_ops_of(metric->metric)->n_inputs;
    PA_TRY(read_split(config, map, metric, err));
    PA_TRY(pa_config_read_target(config, map, metric, err));
    PA_TRY(read_parts(config, map, metric, n_inputs, err));

cleanup:
    return status;
}

pa_status pa_config_read_metrics(pa_config *config, const pa_yaml_node *node, pa_error *err)
{
    pa_status status = PA_OK;
    if (node == NULL) {
        PA_TRY(pa_yaml_fail(config->yaml, pa_yaml_root(config->yaml), err, "'metrics' is missing"));
    }
    PA_TRY(pa_config_expect(config, node, PA_YAML_SEQUENCE, "'metrics'", err));
    if (node->count == 0) {
        PA_TRY(pa_yaml_fail(config->yaml, node, err, "'metrics' is empty"));
    }
    config->metrics = pa_arena_alloc(&config->arena, node->count, sizeof(*config->metrics));
    PA_REQUIRE_MEMORY(config->metrics, err, "the configuration");
    config->n_metrics = node->count;
    for (int64_t i = 0; i < node->count; i++) {
        PA_TRY(read_metric(config, &node->items[i], &config->metrics[i], err));
    }

cleanup:
    return status;
}
