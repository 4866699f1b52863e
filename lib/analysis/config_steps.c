/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `steps`: a list, or a range whose end is included when the step hits it and never passed. */
#include "analysis/config_impl.h"

#include "base/sort.h"

static pa_status read_step(const pa_config *config, const pa_yaml_node *node, const char *what, int64_t lowest,
                           int64_t *out, pa_error *err)
{
    const pa_status status = pa_config_expect(config, node, PA_YAML_INT, what, err);
    if (status == PA_OK && node->integer < lowest) {
        return pa_yaml_fail(config->yaml, node, err, "%s is %lld; it must be at least %lld", what,
                            (long long)node->integer, (long long)lowest);
    }
    *out = status == PA_OK ? node->integer : 0;
    return status;
}

static pa_status read_range_key(const pa_config *config, const pa_yaml_node *map, const char *key, int64_t lowest,
                                int64_t *out, pa_error *err)
{
    const pa_yaml_node *node = pa_config_value(map, key);
    if (node == NULL) {
        return pa_yaml_fail(config->yaml, map, err, "'steps' needs '%s' (or be a list)", key);
    }
    return read_step(config, node, key, lowest, out, err);
}

static pa_status read_range(pa_config *config, const pa_yaml_node *map, pa_error *err)
{
    static const char *const known[] = {"start", "end", "step"};
    pa_status status = PA_OK;
    int64_t start = 0;
    int64_t end = 0;
    int64_t step = 0;
    PA_TRY(pa_config_check_keys(config, map, known, 3, "key of 'steps':", err));
    PA_TRY(read_range_key(config, map, "start", 0, &start, err));
    PA_TRY(read_range_key(config, map, "end", 0, &end, err));
    PA_TRY(read_range_key(config, map, "step", 1, &step, err));
    if (end < start) {
        PA_TRY(pa_yaml_fail(config->yaml, pa_config_value(map, "end"), err, "end is %lld, before start, which is %lld",
                            (long long)end, (long long)start));
    }
    const int64_t last = (end - start) / step; /* both are >= 0: no overflow, also in start + last * step <= end */
    if (last >= PA_CONFIG_MAX_STEPS) {
        PA_TRY(pa_yaml_fail(config->yaml, map, err, "more than %d steps", PA_CONFIG_MAX_STEPS));
    }
    config->steps = pa_arena_alloc(&config->arena, last + 1, sizeof(*config->steps));
    PA_REQUIRE_MEMORY(config->steps, err, "steps");
    for (int64_t i = 0; i <= last; i++) {
        config->steps[i] = start + i * step;
    }
    config->n_steps = last + 1;

cleanup:
    return status;
}

static int by_step(const void *items, int64_t a, int64_t b)
{
    const pa_yaml_node *nodes = items;
    return (nodes[a].integer > nodes[b].integer) - (nodes[a].integer < nodes[b].integer);
}

static pa_status read_list(pa_config *config, const pa_yaml_node *list, pa_error *err)
{
    pa_status status = PA_OK;
    if (list->count == 0) {
        PA_TRY(pa_yaml_fail(config->yaml, list, err, "'steps' is empty"));
    }
    config->steps = pa_arena_alloc(&config->arena, list->count, sizeof(*config->steps));
    PA_REQUIRE_MEMORY(config->steps, err, "steps");
    for (int64_t i = 0; i < list->count; i++) {
        int64_t step = 0;
        PA_TRY(read_step(config, &list->items[i], "a step", 0, &step, err));
        config->steps[i] = i;
    }
    pa_sort_order(config->steps, list->count, by_step, list->items);
    for (int64_t i = 0; i < list->count; i++) {
        const int64_t step = list->items[config->steps[i]].integer;
        if (config->n_steps == 0 || config->steps[config->n_steps - 1] != step) {
            config->steps[config->n_steps++] = step;
        }
    }

cleanup:
    return status;
}

pa_status pa_config_read_steps(pa_config *config, const pa_yaml_node *node, pa_error *err)
{
    if (node == NULL) {
        return pa_yaml_fail(config->yaml, pa_yaml_root(config->yaml), err, "'steps' is missing");
    }
    if (node->type == PA_YAML_SEQUENCE) {
        return read_list(config, node, err);
    }
    if (node->type == PA_YAML_MAPPING) {
        return read_range(config, node, err);
    }
    return pa_yaml_fail(config->yaml, node, err, "'steps' must be a list of steps or have start, end and step");
}
