/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What a metric compares with, and the second checkpoint of a component. */
#include <stdio.h>
#include <string.h>

#include "analysis/config_impl.h"
#include "base/text.h"
#include "components/component_impl.h"
#include "metrics/metric_impl.h"

static const char *const words[] = {"previous", "initial", "final"}; /* from PA_WHEN_PREVIOUS on */

void pa_config_step_text(char out[PA_CONFIG_STEP_SIZE], const pa_config_step *step)
{
    if (step->when == PA_WHEN_STEP) {
        (void)snprintf(out, PA_CONFIG_STEP_SIZE, "%lld", (long long)step->step);
    } else {
        (void)snprintf(out, PA_CONFIG_STEP_SIZE, "%s",
                       step->when == PA_WHEN_SAME ? "same" : words[step->when - PA_WHEN_PREVIOUS]);
    }
}

static pa_status read_step(const pa_config *config, const pa_yaml_node *node, const char *key, pa_config_step *out,
                           pa_error *err)
{
    if (node->type == PA_YAML_INT && node->integer < 0) {
        return pa_yaml_fail(config->yaml, node, err, "%s is %lld; it must be at least 0", key,
                            (long long)node->integer);
    }
    if (node->type == PA_YAML_INT) {
        *out = (pa_config_step){PA_WHEN_STEP, node->integer};
        return PA_OK;
    }
    for (int i = 0; node->text != NULL && i < 3; i++) {
        if (strcmp(node->text, words[i]) == 0) {
            *out = (pa_config_step){(pa_config_when)(PA_WHEN_PREVIOUS + i), -1};
            return PA_OK;
        }
    }
    return node->type == PA_YAML_STRING ? pa_yaml_fail_unknown(config->yaml, node, err, key, words, 3)
                                        : pa_config_expect(config, node, PA_YAML_INT, key, err);
}

static pa_status read_split(const pa_config *config, const pa_yaml_node *node, const char *own, const char **out,
                            pa_error *err)
{
    static const char *const splits[] = {"train", "val"};
    for (int i = 0; node->text != NULL && i < 2; i++) {
        if (strcmp(node->text, splits[i]) == 0) {
            *out = strcmp(own, splits[i]) != 0 ? splits[i] : "";
            return PA_OK;
        }
    }
    return node->text != NULL ? pa_yaml_fail_unknown(config->yaml, node, err, "target_split", splits, 2)
                              : pa_config_expect(config, node, PA_YAML_STRING, "target_split", err);
}

/* Relative paths start where the configuration is, so that it means the same from everywhere. */
static pa_status read_run(pa_config *config, const pa_yaml_node *node, pa_config_target *target, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text path = {.mem = config->arena.mem};
    const char *name = pa_yaml_name(config->yaml);
    const char *slash = strrchr(name, '/');
    if (node->text == NULL) {
        PA_TRY(pa_config_expect(config, node, PA_YAML_STRING, "target_run", err));
    }
    if (node->text[0] == '\0') {
        PA_TRY(pa_yaml_fail(config->yaml, node, err, "target_run is empty"));
    }
    if (node->text[0] != '/' && slash != NULL) {
        PA_TRY(pa_text_append_bytes(&path, name, slash - name + 1, err));
    }
    PA_TRY(pa_text_append(&path, node->text, err));
    target->run = node->text;
    target->run_path = pa_arena_strndup(&config->arena, path.data, path.length);
    PA_REQUIRE_MEMORY(target->run_path, err, "the configuration");

cleanup:
    pa_text_free(&path);
    return status;
}

static pa_status read_matrix(const pa_config *config, const pa_yaml_node *node, pa_config_target *target, pa_error *err)
{
    static const char *const known[] = {"steps", "layers"};
    if (node->text != NULL && strcmp(node->text, known[0]) == 0) {
        target->compare = PA_COMPARE_STEPS;
        return PA_OK;
    }
    if (node->text != NULL && strcmp(node->text, known[1]) == 0) {
        target->compare = PA_COMPARE_LAYERS;
        return PA_OK;
    }
    return node->text != NULL ? pa_yaml_fail_unknown(config->yaml, node, err, "matrix", known, 2)
                              : pa_config_expect(config, node, PA_YAML_STRING, "matrix", err);
}

pa_status pa_config_read_target(pa_config *config, const pa_yaml_node *map, pa_config_metric *metric, pa_error *err)
{
    enum { CHECKPOINT, SPLIT, RUN, MATRIX, N_KEYS };
    static const char *const keys[N_KEYS] = {"target_checkpoint", "target_split", "target_run", "matrix"};
    pa_status status = PA_OK;
    const pa_yaml_node *nodes[N_KEYS];
    pa_config_target *target = &metric->target;
    const int32_t n_inputs = pa_metric_ops_of(metric->metric)->n_inputs;
    *target = (pa_config_target){
        .compare = n_inputs == 2 ? PA_COMPARE_PAIRS : PA_COMPARE_NOTHING, .split = "", .run = "", .run_path = ""};
    for (int k = 0; k < N_KEYS; k++) {
        nodes[k] = pa_config_value(map, keys[k]);
        if (nodes[k] != NULL && n_inputs == 1) {
            PA_TRY(pa_yaml_fail(config->yaml, nodes[k], err, "metric '%s' compares nothing: it takes no %s",
                                metric->name, keys[k]));
        }
        if (nodes[k] != NULL && k < MATRIX && pa_config_value(map, "matrix") != NULL) {
            PA_TRY(pa_yaml_fail(config->yaml, nodes[k], err, "'matrix' says what is compared: it goes without %s",
                                keys[k]));
        }
        target->node = target->node == NULL ? nodes[k] : target->node;
        target->compare = nodes[k] != NULL ? PA_COMPARE_TARGET : target->compare;
    }
    if (nodes[CHECKPOINT] != NULL) {
        PA_TRY(read_step(config, nodes[CHECKPOINT], keys[CHECKPOINT], &target->checkpoint, err));
    }
    if (nodes[SPLIT] != NULL) {
        PA_TRY(read_split(config, nodes[SPLIT], metric->split, &target->split, err));
    }
    if (nodes[RUN] != NULL) {
        PA_TRY(read_run(config, nodes[RUN], target, err));
    }
    if (nodes[MATRIX] != NULL) {
        PA_TRY(read_matrix(config, nodes[MATRIX], target, err));
    }
    if (target->compare == PA_COMPARE_TARGET && target->checkpoint.when == PA_WHEN_SAME && target->split[0] == '\0' &&
        target->run[0] == '\0') {
        PA_TRY(pa_yaml_fail(config->yaml, nodes[SPLIT], err,
                            "target_split is data_split: each matrix would be compared with itself"));
    }

cleanup:
    return status;
}

pa_status pa_config_check_target(const pa_config *config, const pa_yaml_node *map, const pa_config_metric *metric,
                                 const pa_config_part *part, pa_error *err)
{
    const int pairs = (pa_component_ops_of(part->component)->flags & PA_COMPONENT_PAIRS) != 0;
    const pa_config_target *target = &metric->target;
    const pa_yaml_node *name = pa_config_value(part->node, "component_name");
    const int32_t metric_kinds = pa_metric_ops_of(metric->metric)->kinds;
    if (metric_kinds != 0 && (metric_kinds >> part->kind & 1) == 0) {
        return pa_yaml_fail(config->yaml, name, err, "metric '%s' is not of %s, as this '%s' is", metric->name,
                            pa_kind_name(part->kind), part->name);
    }
    if (pairs && target->compare == PA_COMPARE_NOTHING) {
        return pa_yaml_fail(config->yaml, name, err,
                            "component '%s' gives pairs of matrices, which metric '%s' does not compare", part->name,
                            metric->name);
    }
    if (pairs && target->compare != PA_COMPARE_PAIRS) {
        return pa_yaml_fail(config->yaml, target->node, err,
                            "component '%s' gives pairs, which are compared with each other: there is no other target",
                            part->name);
    }
    if (!pairs && target->compare == PA_COMPARE_PAIRS) {
        return pa_yaml_fail(config->yaml, map, err,
                            "metric '%s' compares two steps: it needs 'target_checkpoint' (or target_split, target_run "
                            "or matrix)",
                            metric->name);
    }
    return PA_OK;
}

pa_status pa_config_read_reference(const pa_config *config, pa_config_part *part, pa_error *err)
{
    const pa_yaml_node *node = pa_config_value(part->node, "reference");
    const int wanted = (pa_component_ops_of(part->component)->flags & PA_COMPONENT_REFERENCE) != 0;
    part->reference = (pa_config_step){PA_WHEN_SAME, -1};
    if (node == NULL && wanted) {
        return pa_yaml_fail(config->yaml, part->node, err,
                            "component '%s' needs 'reference': a step, previous, initial or final", part->name);
    }
    if (node != NULL && !wanted) {
        return pa_yaml_fail(config->yaml, node, err, "component '%s' takes no reference", part->name);
    }
    return node != NULL ? read_step(config, node, "reference", &part->reference, err) : PA_OK;
}
