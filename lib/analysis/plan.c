/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief From a configuration and a run to sites and items. */
#include "analysis/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/options_impl.h"
#include "metrics/metric_impl.h"

/* "0, 50, 100 ... 5000" */
static void list_steps(char *out, size_t room, const int64_t *steps, int64_t n)
{
    enum { SHOWN = 8 };
    size_t used = 0;
    out[0] = '\0';
    for (int64_t i = 0; i < n; i++) {
        const char *separator = i == 0 ? "" : i == SHOWN ? " ... " : ", ";
        if (i == SHOWN) {
            i = n - 1;
        }
        const int written = snprintf(out + used, room - used, "%s%lld", separator, (long long)steps[i]);
        if (written < 0 || (size_t)written >= room - used) {
            return;
        }
        used += (size_t)written;
    }
}

static pa_status fail_steps(const pa_analysis *analysis, pa_error *err, const char *what)
{
    char there[256];
    int64_t n = 0;
    const int64_t *steps = pa_run_steps(analysis->run, &n);
    list_steps(there, sizeof(there), steps, n);
    return pa_fail(err, PA_ERR_NOT_FOUND, "run '%s' has no %s; it has %lld steps: %s", pa_run_name(analysis->run), what,
                   (long long)n, there);
}

/* The steps asked for that the run has; both lists ascend. */
static pa_status plan_steps(pa_analysis *analysis, pa_error *err)
{
    pa_status status = PA_OK;
    pa_plan *plan = &analysis->plan;
    const pa_config *config = analysis->config;
    int64_t n_there = 0;
    int64_t n_absent = 0;
    int64_t t = 0;
    char text[256];
    char what[300];
    const int64_t *there = pa_run_steps(analysis->run, &n_there);
    int64_t *absent = pa_alloc_raw(plan->mem, config->n_steps, sizeof(*absent));
    PA_REQUIRE_MEMORY(absent, err, "a plan");
    plan->steps =
        pa_arena_alloc(&plan->arena, n_there < config->n_steps ? n_there : config->n_steps, sizeof(*plan->steps));
    PA_REQUIRE_MEMORY(plan->steps, err, "a plan");
    for (int64_t s = 0; s < config->n_steps; s++) {
        while (t < n_there && there[t] < config->steps[s]) {
            t++;
        }
        if (t < n_there && there[t] == config->steps[s]) {
            plan->steps[plan->n_steps++] = there[t];
        } else {
            absent[n_absent++] = config->steps[s];
        }
    }
    list_steps(text, sizeof(text), absent, n_absent);
    (void)snprintf(what, sizeof(what), "step %s", text);
    if (plan->n_steps == 0) {
        PA_TRY(fail_steps(analysis, err, what));
    }
    if (n_absent > 0) {
        pa_log(analysis->ctx, PA_LOG_WARNING, "run '%s' has no step %s: skipped", pa_run_name(analysis->run), text);
    }

cleanup:
    pa_free(plan->mem, absent);
    return status;
}

static int has_step(const pa_run *run, int64_t step)
{
    int64_t n = 0;
    const int64_t *steps = pa_run_steps(run, &n);
    int64_t low = 0;
    while (low < n) {
        const int64_t middle = low + (n - low) / 2;
        if (steps[middle] == step) {
            return 1;
        }
        if (steps[middle] < step) {
            low = middle + 1;
        } else {
            n = middle;
        }
    }
    return 0;
}

static pa_status plan_target(pa_analysis *analysis, const pa_config_metric *metric, int64_t *out, pa_error *err)
{
    pa_plan *plan = &analysis->plan;
    char what[160];
    *out = -1;
    if (metric->target < 0) {
        return PA_OK;
    }
    for (int64_t i = 0; i < plan->n_targets; i++) {
        if (plan->targets[i] == metric->target) {
            *out = i;
            return PA_OK;
        }
    }
    if (!has_step(analysis->run, metric->target)) {
        (void)snprintf(what, sizeof(what), "step %lld, the target_checkpoint of '%.64s'", (long long)metric->target,
                       metric->name);
        return fail_steps(analysis, err, what);
    }
    plan->targets[plan->n_targets] = metric->target;
    *out = plan->n_targets++;
    return PA_OK;
}

static pa_status find_site(pa_plan *plan, const pa_config_part *part, const char *split, int64_t layer, int64_t *out,
                           pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t known = plan->site_keys.count;
    pa_text key = {.mem = plan->mem};
    pa_plan_site *sites =
        pa_array_grow(plan->mem, plan->sites, &plan->site_capacity, plan->n_sites + 1, sizeof(*sites));
    PA_REQUIRE_MEMORY(sites, err, "a plan");
    plan->sites = sites;
    PA_TRY(pa_text_printf(&key, err, "%s|%d|%s|%lld|%s", part->name, (int)part->kind, split, (long long)layer,
                          part->choice));
    PA_TRY(pa_index_add(&plan->site_keys, key.data, out, err));
    if (*out == known) {
        plan->sites[plan->n_sites++] =
            (pa_plan_site){.part = part, .split = split, .layer = layer, .first_item = -1, .last_item = -1};
    }

cleanup:
    pa_text_free(&key);
    return status;
}

/* Adds an item unless the same metric was asked of the same site before: then there is one value to give, not two. */
static pa_status add_item(pa_plan *plan, const pa_plan_item *item, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t known = plan->item_keys.count;
    int64_t number = 0;
    pa_text key = {.mem = plan->mem};
    PA_REQUIRE(plan->n_items < PA_PLAN_MAX_ITEMS, err, PA_ERR_LIMIT,
               "more than %d combinations of metric, component and layer", PA_PLAN_MAX_ITEMS);
    pa_plan_item *items =
        pa_array_grow(plan->mem, plan->items, &plan->item_capacity, plan->n_items + 1, sizeof(*items));
    PA_REQUIRE_MEMORY(items, err, "a plan");
    plan->items = items;
    const pa_options *options = pa_metric_options(item->metric->metric);
    PA_TRY(pa_text_printf(&key, err, "%lld|%s|%lld|%d|%s", (long long)item->site, item->metric->name,
                          (long long)item->target, (int)pa_options_compat(options), pa_options_text(options)));
    PA_TRY(pa_index_add(&plan->item_keys, key.data, &number, err));
    if (number == known) {
        pa_plan_site *site = &plan->sites[item->site];
        items[number] = *item;
        plan->n_items++;
        if (site->last_item >= 0) {
            items[site->last_item].next_item = number;
        } else {
            site->first_item = number;
        }
        site->last_item = number;
    }

cleanup:
    pa_text_free(&key);
    return status;
}

static pa_status plan_layer(pa_plan *plan, const pa_plan_item *item, const pa_config_part *part, int64_t layer,
                            pa_error *err)
{
    pa_plan_item at = *item;
    const pa_status status = find_site(plan, part, item->metric->split, layer, &at.site, err);
    return status == PA_OK ? add_item(plan, &at, err) : status;
}

static pa_status plan_listed_layer(pa_analysis *analysis, const pa_plan_item *item, const pa_config_part *part,
                                   const pa_yaml_node *node, pa_error *err)
{
    const int64_t n = pa_run_model(analysis->run)->n_layers;
    if (n > 0 && node->integer >= n) {
        return pa_yaml_fail(analysis->config->yaml, node, err,
                            "layer %lld is outside the model, whose layers are 0 to %lld", (long long)node->integer,
                            (long long)n - 1);
    }
    return plan_layer(&analysis->plan, item, part, node->integer, err);
}

static pa_status plan_part(pa_analysis *analysis, const pa_plan_item *item, const pa_config_part *part, pa_error *err)
{
    pa_status status = PA_OK;
    if (part->layers == NULL) {
        const int64_t n = pa_run_model(analysis->run)->n_layers;
        if (n <= 0) {
            PA_TRY(pa_yaml_fail(analysis->config->yaml, part->node, err,
                                "all layers are asked for, but the run does not say how many it has: list 'layers'"));
        }
        for (int64_t layer = 0; layer < n; layer++) {
            PA_TRY(plan_layer(&analysis->plan, item, part, layer, err));
        }
    } else if (part->layers->type == PA_YAML_INT) {
        PA_TRY(plan_listed_layer(analysis, item, part, part->layers, err));
    } else {
        for (int64_t i = 0; i < part->layers->count; i++) {
            PA_TRY(plan_listed_layer(analysis, item, part, &part->layers->items[i], err));
        }
    }

cleanup:
    return status;
}

static pa_status make_plan(pa_analysis *analysis, pa_error *err)
{
    pa_status status = PA_OK;
    pa_plan *plan = &analysis->plan;
    const pa_config *config = analysis->config;
    const char **files = NULL;
    PA_TRY(plan_steps(analysis, err));
    PA_TRY(pa_plan_file_names(config, &plan->arena, &files, err));
    plan->targets = pa_arena_alloc(&plan->arena, config->n_metrics, sizeof(*plan->targets));
    PA_REQUIRE_MEMORY(plan->targets, err, "a plan");
    for (int64_t m = 0; m < config->n_metrics; m++) {
        const pa_config_metric *metric = &config->metrics[m];
        pa_plan_item item = {.metric = metric, .file = files[m], .next_item = -1};
        PA_TRY(plan_target(analysis, metric, &item.target, err));
        for (int64_t p = 0; p < metric->n_parts; p++) {
            PA_TRY(plan_part(analysis, &item, &metric->parts[p], err));
        }
    }
    PA_TRY(pa_plan_list_layers(plan, err));

cleanup:
    return status;
}

pa_status pa_analysis_create(pa_context *ctx, const pa_config *config, const pa_run *run, pa_analysis **out,
                             pa_error *err)
{
    pa_status status = PA_OK;
    pa_analysis *analysis = NULL;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_analysis_create: an argument is NULL");
    *out = NULL;
    PA_REQUIRE(ctx != NULL && config != NULL && run != NULL, err, PA_ERR_INVALID,
               "pa_analysis_create: an argument is NULL");
    PA_REQUIRE(config->ctx == ctx, err, PA_ERR_INVALID, "pa_analysis_create: the configuration has another context");
    analysis = pa_alloc(&ctx->mem, 1, sizeof(*analysis));
    PA_REQUIRE_MEMORY(analysis, err, "an analysis");
    analysis->ctx = ctx;
    analysis->config = config;
    analysis->run = run;
    analysis->plan.mem = &ctx->mem;
    analysis->plan.run_name = pa_run_name(run);
    analysis->plan.arena.mem = &ctx->mem;
    analysis->plan.site_keys.arena.mem = &ctx->mem;
    analysis->plan.item_keys.arena.mem = &ctx->mem;
    PA_TRY(make_plan(analysis, err));
    pa_pico_notes_tell(analysis);
    *out = analysis;
    analysis = NULL;

cleanup:
    pa_analysis_destroy(analysis);
    return status;
}

void pa_analysis_destroy(pa_analysis *analysis)
{
    if (analysis != NULL) {
        pa_plan *plan = &analysis->plan;
        pa_free(plan->mem, plan->sites);
        pa_free(plan->mem, plan->items);
        pa_index_free(&plan->site_keys);
        pa_index_free(&plan->item_keys);
        pa_arena_free(&plan->arena);
        pa_free(plan->mem, analysis->journal_path);
        pa_free(plan->mem, analysis);
    }
}
