/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Registering metrics, looking them up, and pairing them with options. */
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "metrics/metric_impl.h"

static void free_entry(const pa_allocator *mem, pa_metric_entry *entry)
{
    if (entry != NULL) {
        pa_option_specs_free(mem, entry->options, entry->ops.n_options);
        pa_arena_free(&entry->arena);
        pa_free(mem, entry);
    }
}

static pa_status check_ops(const pa_allocator *mem, const pa_metric_ops *ops, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(ops != NULL && ops->struct_size >= sizeof(*ops), err, PA_ERR_INVALID, "metric: struct_size too small");
    PA_REQUIRE(pa_is_identifier(ops->name), err, PA_ERR_INVALID, "a metric's name is [a-z][a-z0-9_]*, not '%s'",
               ops->name != NULL ? ops->name : "");
    PA_REQUIRE(ops->compute != NULL, err, PA_ERR_INVALID, "metric '%s' has no compute", ops->name);
    PA_REQUIRE(ops->n_inputs == 1 || ops->n_inputs == 2, err, PA_ERR_INVALID, "metric '%s' has %d inputs, not 1 or 2",
               ops->name, (int)ops->n_inputs);
    PA_TRY(pa_option_specs_check(mem, ops->options, ops->n_options, ops->name, err));

cleanup:
    return status;
}

/* Fields that are strings; where one is NULL its copy is empty. */
static const size_t texts[] = {
    offsetof(pa_metric_ops, name),   offsetof(pa_metric_ops, description), offsetof(pa_metric_ops, paper),
    offsetof(pa_metric_ops, pico),   offsetof(pa_metric_ops, formula),     offsetof(pa_metric_ops, shape),
    offsetof(pa_metric_ops, range),  offsetof(pa_metric_ops, invariance),  offsetof(pa_metric_ops, cost),
    offsetof(pa_metric_ops, states), offsetof(pa_metric_ops, outputs)};

static pa_status copy_entry(const pa_allocator *mem, const pa_metric_ops *ops, pa_metric_entry **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_metric_entry *entry = pa_alloc(mem, 1, sizeof(*entry));
    PA_REQUIRE_MEMORY(entry, err, "a metric");
    entry->arena.mem = mem;
    entry->ops = *ops;
    entry->ops.struct_size = sizeof(entry->ops);
    entry->ops.n_options = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char **text = (const char **)((char *)&entry->ops + texts[i]);
        PA_REQUIRE_MEMORY(*text = pa_arena_strdup(&entry->arena, *text), err, "a metric");
    }
    if (ops->n_options > 0) {
        PA_REQUIRE_MEMORY(entry->options = pa_option_specs_copy(mem, ops->options, ops->n_options), err, "a metric");
    }
    entry->ops.options = entry->options;
    entry->ops.n_options = ops->n_options;
    *out = entry;
    entry = NULL;

cleanup:
    free_entry(mem, entry);
    return status;
}

pa_status pa_metric_register(pa_context *ctx, const pa_metric_ops *ops, void *user_data, pa_error *err)
{
    pa_status status = PA_OK;
    pa_metric_entry *entry = NULL;
    PA_REQUIRE(ctx != NULL, err, PA_ERR_INVALID, "no context");
    PA_TRY(check_ops(&ctx->mem, ops, err));
    PA_TRY(copy_entry(&ctx->mem, ops, &entry, err));
    PA_TRY(pa_registry_add(&ctx->metrics, &ctx->mem, entry->ops.name, entry, err));
    entry->user_data = user_data;
    entry = NULL;

cleanup:
    if (ctx != NULL) {
        free_entry(&ctx->mem, entry);
    }
    return status;
}

#define PA_METRIC(name) &pa_metric_##name,
static const pa_metric_ops *const builtin[] = {
#include "metrics/metric_list.h"
};
#undef PA_METRIC

pa_status pa_metrics_register_builtin(pa_context *ctx, pa_error *err)
{
    pa_status status = PA_OK;
    for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]) && status == PA_OK; i++) {
        status = pa_metric_register(ctx, builtin[i], NULL, err);
    }
    return status;
}

void pa_metrics_unregister(pa_context *ctx)
{
    for (int64_t i = 0; i < ctx->metrics.count; i++) {
        pa_metric_entry *entry = ctx->metrics.entries[i];
        if (entry->ops.destroy != NULL) {
            entry->ops.destroy(entry->user_data);
        }
        free_entry(&ctx->mem, entry);
    }
    pa_registry_free(&ctx->metrics, &ctx->mem);
}

int64_t pa_metric_count(const pa_context *ctx)
{
    return ctx->metrics.count;
}

const pa_metric_ops *pa_metric_describe(const pa_context *ctx, int64_t index)
{
    const pa_metric_entry *entry = index >= 0 && index < ctx->metrics.count ? ctx->metrics.entries[index] : NULL;
    return entry != NULL ? &entry->ops : NULL;
}

pa_status pa_metric_create_yaml(pa_context *ctx, const char *name, const pa_yaml *yaml, const pa_yaml_node *map,
                                const char *const *other_keys, int64_t n_other_keys, pa_metric **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_metric *metric = NULL;
    pa_text owner = {.mem = &ctx->mem};
    *out = NULL;
    const pa_metric_entry *entry = pa_registry_find(&ctx->metrics, name, err);
    if (entry == NULL) {
        return PA_ERR_NOT_FOUND;
    }
    PA_TRY(pa_text_printf(&owner, err, "metric '%s'", entry->ops.name));
    PA_REQUIRE_MEMORY(metric = pa_alloc(&ctx->mem, 1, sizeof(*metric)), err, "a metric");
    metric->ctx = ctx;
    metric->entry = entry;
    const pa_options_request request = {.mem = &ctx->mem,
                                        .owner = owner.data,
                                        .specs = entry->options,
                                        .n_specs = entry->ops.n_options,
                                        .yaml = yaml,
                                        .map = map,
                                        .other_keys = other_keys,
                                        .n_other_keys = n_other_keys};
    PA_TRY(pa_options_create(&request, &metric->options, err));
    *out = metric;
    metric = NULL;

cleanup:
    pa_text_free(&owner);
    pa_metric_destroy(metric);
    return status;
}

pa_status pa_metric_create(pa_context *ctx, const char *name, const char *options, pa_metric **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_yaml *yaml = NULL;
    *out = NULL;
    PA_REQUIRE(ctx != NULL && name != NULL, err, PA_ERR_INVALID, "no context or no name");
    PA_TRY(pa_options_parse_text(&ctx->mem, options, &yaml, err));
    PA_TRY(pa_metric_create_yaml(ctx, name, yaml, pa_yaml_root(yaml), NULL, 0, out, err));

cleanup:
    pa_yaml_destroy(yaml);
    return status;
}

void pa_metric_destroy(pa_metric *metric)
{
    if (metric != NULL) {
        pa_options_destroy(metric->options);
        pa_free(&metric->ctx->mem, metric);
    }
}

const pa_metric_ops *pa_metric_ops_of(const pa_metric *metric)
{
    return &metric->entry->ops;
}

const pa_options *pa_metric_options(const pa_metric *metric)
{
    return metric->options;
}

void pa_metric_set_compat(pa_metric *metric, pa_compat compat)
{
    pa_options_set_compat(metric->options, compat);
}
