/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The sites, items and pools of an entry of `metrics`. */
#include "analysis/plan.h"
#include "base/alloc.h"
#include "base/options_impl.h"
#include "metrics/metric_impl.h"

static pa_status find_site(pa_plan *plan, const pa_config_part *part, const char *split, int64_t layer, int64_t *out,
                           pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t known = plan->site_keys.count;
    pa_text key = {.mem = plan->mem};
    PA_GROW(plan->mem, plan->sites, plan->site_capacity, plan->n_sites + 1, err, "a plan");
    PA_TRY(pa_text_printf(&key, err, "%s|%d|%s|%lld|%s", part->name, (int)part->kind, split, (long long)layer,
                          part->choice));
    PA_TRY(pa_index_add(&plan->site_keys, key.data, out, err));
    if (*out == known) {
        plan->sites[plan->n_sites++] = (pa_plan_site){
            .part = part, .split = split, .layer = layer, .first_item = -1, .last_item = -1, .first_targeting = -1};
        plan->uses_previous |= part->reference.when == PA_WHEN_PREVIOUS;
    }

cleanup:
    pa_text_free(&key);
    return status;
}

/** @name Pools
 * @{ */

int64_t pa_plan_pools_begin(const pa_plan *plan)
{
    return plan->n_pools;
}

void pa_plan_pools_end(pa_plan *plan, int64_t first)
{
    for (int64_t i = first; i < plan->n_pools; i++) {
        plan->pools[i].after = plan->n_items;
    }
}

/* Number `pool` is the one of the item's entry and target; it is the next one when it is new. */
static pa_status add_to_pool(pa_plan *plan, int64_t pool, int64_t item, pa_error *err)
{
    pa_status status = PA_OK;
    if (pool == plan->n_pools) {
        PA_GROW(plan->mem, plan->pools, plan->pool_capacity, plan->n_pools + 1, err, "a plan");
        plan->pools[plan->n_pools++] = (pa_plan_pool){.n_items = 0};
    }
    if (plan->items[item].pool != pool) { /* else the entry lists it twice */
        pa_plan_pool *to = &plan->pools[pool];
        PA_GROW(plan->mem, to->items, to->capacity, to->n_items + 1, err, "a plan");
        to->items[to->n_items++] = item;
        plan->items[item].pool = pool;
    }

cleanup:
    return status;
}
/** @} */

static void enter(pa_plan *plan, int64_t number)
{
    pa_plan_item *item = &plan->items[number];
    pa_plan_site *site = &plan->sites[item->site];
    if (site->last_item >= 0) {
        plan->items[site->last_item].next_item = number;
    } else {
        site->first_item = number;
    }
    site->last_item = number;
    if (item->against == PA_AGAINST_TARGET) {
        pa_plan_site *other = &plan->sites[item->target_site];
        item->next_targeting = other->first_targeting;
        other->first_targeting = number;
    }
    if (item->against == PA_AGAINST_PREVIOUS) {
        plan->sites[item->target_site].rolls |= item->run == 0;
        plan->uses_previous = 1;
    }
}

/* Adds an item unless the same metric was asked of the same site before: then there is one value to give, not two. */
static pa_status add_item(pa_plan *plan, const pa_plan_item *item, int64_t *number, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t known = plan->item_keys.count;
    pa_text key = {.mem = plan->mem};
    const char *suffix = item->suffix[0] != '\0' ? pa_arena_strdup(&plan->arena, item->suffix) : "";
    PA_REQUIRE(plan->n_items < PA_PLAN_MAX_ITEMS, err, PA_ERR_LIMIT,
               "more than %d combinations of metric, component and layer", PA_PLAN_MAX_ITEMS);
    PA_REQUIRE_MEMORY(suffix, err, "a plan");
    PA_GROW(plan->mem, plan->items, plan->item_capacity, plan->n_items + 1, err, "a plan");
    const pa_options *options = pa_metric_options(item->metric->metric);
    PA_TRY(pa_text_printf(&key, err, "%lld|%s|%d %lld %lld %lld%s|%d|%s", (long long)item->site, item->metric->name,
                          (int)item->against, (long long)item->run, (long long)item->target,
                          (long long)item->target_site, item->suffix, (int)pa_options_compat(options),
                          pa_options_text(options)));
    PA_TRY(pa_index_add(&plan->item_keys, key.data, number, err));
    if (*number == known) {
        plan->items[known] = *item;
        plan->items[known].suffix = suffix;
        plan->items[known].next_item = plan->items[known].next_targeting = plan->items[known].pool = -1;
        plan->n_items++;
        enter(plan, known);
    }

cleanup:
    pa_text_free(&key);
    return status;
}

/** What the items of a component at a layer have in common. */
typedef struct span {
    pa_plan *plan;
    const pa_config_part *part;
    const int64_t *layers; /**< Of the component. */
    int64_t n_layers;
    int64_t pool; /**< The first one of the entry; -1: it has none. */
} span;

static pa_status add(const span *s, const pa_plan_item *item, int64_t pool, pa_error *err)
{
    int64_t number = 0;
    const pa_status status = add_item(s->plan, item, &number, err);
    return status == PA_OK && s->pool >= 0 ? add_to_pool(s->plan, s->pool + pool, number, err) : status;
}

static pa_status add_steps(const span *s, pa_plan_item *at, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text suffix = {.mem = s->plan->mem};
    for (int64_t t = 0; t < s->plan->n_steps; t++) {
        const pa_plan_place place = {0, s->plan->steps[t]};
        suffix.length = 0;
        PA_TRY(pa_text_printf(&suffix, err, ".step_%lld", (long long)place.step));
        PA_TRY(pa_plan_add_target(s->plan, place, &at->target, err));
        at->suffix = suffix.data;
        PA_TRY(add(s, at, t, err));
    }

cleanup:
    pa_text_free(&suffix);
    return status;
}

static pa_status add_layers(const span *s, pa_plan_item *at, int64_t layer, pa_error *err)
{
    pa_status status = PA_OK;
    const int symmetric = (pa_metric_ops_of(at->metric->metric)->flags & PA_METRIC_SYMMETRIC) != 0;
    pa_text suffix = {.mem = s->plan->mem};
    for (int64_t i = 0; i < s->n_layers; i++) {
        if (symmetric && s->layers[i] > layer) {
            continue;
        }
        suffix.length = 0;
        PA_TRY(pa_text_printf(&suffix, err, ".layers.%lld", (long long)s->layers[i]));
        PA_TRY(find_site(s->plan, s->part, at->metric->split, s->layers[i], &at->target_site, err));
        at->suffix = suffix.data;
        PA_TRY(add(s, at, 0, err));
    }

cleanup:
    pa_text_free(&suffix);
    return status;
}

static pa_status plan_layer(const span *s, const pa_plan_item *item, int64_t layer, pa_error *err)
{
    pa_status status = PA_OK;
    pa_plan_item at = *item;
    const pa_config_target *target = &item->metric->target;
    at.target_site = -1;
    PA_TRY(find_site(s->plan, s->part, item->metric->split, layer, &at.site, err));
    if (at.against >= PA_AGAINST_TARGET) {
        const char *split = target->split[0] != '\0' ? target->split : item->metric->split;
        PA_TRY(find_site(s->plan, s->part, split, layer, &at.target_site, err));
    }
    if (target->compare == PA_COMPARE_STEPS) {
        PA_TRY(add_steps(s, &at, err));
    } else if (target->compare == PA_COMPARE_LAYERS) {
        PA_TRY(add_layers(s, &at, layer, err));
    } else {
        PA_TRY(add(s, &at, 0, err));
    }

cleanup:
    return status;
}

static pa_status check_layer(const pa_analysis *analysis, const pa_yaml_node *node, pa_error *err)
{
    const int64_t n = pa_run_model(analysis->run)->n_layers;
    if (n > 0 && node->integer >= n) {
        return pa_yaml_fail(analysis->config->yaml, node, err,
                            "layer %lld is outside the model, whose layers are 0 to %lld", (long long)node->integer,
                            (long long)n - 1);
    }
    return PA_OK;
}

/* The layers of a component in the order in which they are listed; yours. */
static pa_status list_layers(const pa_analysis *analysis, const pa_config_part *part, int64_t **out, int64_t *n,
                             pa_error *err)
{
    pa_status status = PA_OK;
    const pa_yaml_node *node = part->layers;
    const pa_yaml_node *listed = node != NULL && node->type != PA_YAML_INT ? node->items : node;
    *n = node == NULL ? pa_run_model(analysis->run)->n_layers : node->type == PA_YAML_INT ? 1 : node->count;
    if (*n <= 0) {
        PA_TRY(pa_yaml_fail(analysis->config->yaml, part->node, err,
                            "all layers are asked for, but the run does not say how many it has: list 'layers'"));
    }
    int64_t *layers = pa_alloc_raw(analysis->plan.mem, *n, sizeof(*layers));
    PA_REQUIRE_MEMORY(layers, err, "a plan");
    *out = layers;
    for (int64_t i = 0; i < *n; i++) {
        if (node != NULL) {
            PA_TRY(check_layer(analysis, &listed[i], err));
        }
        layers[i] = node != NULL ? listed[i].integer : i;
    }

cleanup:
    return status;
}

pa_status pa_plan_part(pa_analysis *analysis, const pa_plan_item *item, const pa_config_part *part, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t *layers = NULL;
    const pa_metric_ops *ops = pa_metric_ops_of(item->metric->metric);
    span s = {.plan = &analysis->plan, .part = part, .pool = ops->pool != NULL ? item->pool : -1}; /* -1: none */
    PA_TRY(pa_plan_check_reference(analysis, part, item->run, err));
    PA_TRY(list_layers(analysis, part, &layers, &s.n_layers, err));
    s.layers = layers;
    for (int64_t i = 0; i < s.n_layers; i++) {
        PA_TRY(plan_layer(&s, item, layers[i], err));
    }

cleanup:
    pa_free(analysis->plan.mem, layers);
    return status;
}
