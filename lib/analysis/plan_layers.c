/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A plan by layers, which is how it is executed. Layers that are compared with each other count as one. */
#include "analysis/plan.h"
#include "analysis/units.h"
#include "base/alloc.h"
#include "base/sort.h"

/** Distinct layers, ascending, and for each the number of the first one that it is computed together with. */
typedef struct layer_list {
    int64_t *layers;
    int64_t *first;
    int64_t n;
} layer_list;

static int compare_numbers(const void *items, int64_t a, int64_t b)
{
    (void)items; /* the "element numbers" are the layers themselves */
    return (a > b) - (a < b);
}

static int64_t find_layer(const layer_list *list, int64_t layer)
{
    int64_t low = 0;
    int64_t high = list->n - 1;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (list->layers[middle] < layer) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static pa_status list_layers(const pa_plan *plan, layer_list *list, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE_MEMORY(list->layers = pa_alloc_raw(plan->mem, plan->n_sites, sizeof(*list->layers)), err, "a plan");
    PA_REQUIRE_MEMORY(list->first = pa_alloc_raw(plan->mem, plan->n_sites, sizeof(*list->first)), err, "a plan");
    for (int64_t site = 0; site < plan->n_sites; site++) {
        list->layers[site] = plan->sites[site].layer;
    }
    pa_sort_order(list->layers, plan->n_sites, compare_numbers, NULL);
    for (int64_t i = 0; i < plan->n_sites; i++) {
        if (i == 0 || list->layers[i] != list->layers[i - 1]) {
            list->layers[list->n] = list->layers[i];
            list->first[list->n] = list->n;
            list->n++;
        }
    }

cleanup:
    return status;
}

static int64_t first_of(layer_list *list, int64_t i)
{
    while (list->first[i] != i) {
        list->first[i] = list->first[list->first[i]]; /* shortens the way for the next who asks */
        i = list->first[i];
    }
    return i;
}

static void join(const pa_plan *plan, layer_list *list)
{
    for (int64_t i = 0; i < plan->n_items; i++) {
        const pa_plan_item *item = &plan->items[i];
        if (item->target_site >= 0 && plan->sites[item->site].layer != plan->sites[item->target_site].layer) {
            const int64_t a = first_of(list, find_layer(list, plan->sites[item->site].layer));
            const int64_t b = first_of(list, find_layer(list, plan->sites[item->target_site].layer));
            list->first[a < b ? b : a] = a < b ? a : b;
        }
    }
}

/* Makes `first` the number in pa_plan::layers. */
static pa_status make_layers(pa_plan *plan, layer_list *list, pa_error *err)
{
    pa_status status = PA_OK;
    plan->layers = pa_arena_alloc(&plan->arena, list->n, sizeof(*plan->layers));
    PA_REQUIRE_MEMORY(plan->layers, err, "a plan");
    for (int64_t i = 0; i < list->n; i++) {
        list->first[i] = first_of(list, i);
    }
    for (int64_t i = 0; i < list->n; i++) {
        if (list->first[i] == i) {
            plan->layers[plan->n_layers].layer = list->layers[i];
            list->first[i] = plan->n_layers++;
        } else { /* the first of several comes before them and has its number already */
            list->first[i] = list->first[list->first[i]];
        }
        plan->layers[list->first[i]].n_members++;
    }
    for (int64_t i = 0; i < plan->n_layers; i++) {
        pa_plan_layer *layer = &plan->layers[i];
        layer->members = pa_arena_alloc(&plan->arena, layer->n_members, sizeof(*layer->members));
        PA_REQUIRE_MEMORY(layer->members, err, "a plan");
        layer->n_members = 0;
    }
    for (int64_t i = 0; i < list->n; i++) {
        pa_plan_layer *layer = &plan->layers[list->first[i]];
        layer->members[layer->n_members++] = list->layers[i];
    }

cleanup:
    return status;
}

static pa_plan_layer *layer_of(const pa_plan *plan, int64_t item)
{
    return &plan->layers[plan->sites[plan->items[item].site].layer_number];
}

static pa_status list_items(pa_plan *plan, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < plan->n_items; i++) {
        layer_of(plan, i)->n_items++;
    }
    for (int64_t i = 0; i < plan->n_layers; i++) {
        pa_plan_layer *layer = &plan->layers[i];
        layer->items = pa_arena_alloc(&plan->arena, layer->n_items, sizeof(*layer->items));
        PA_REQUIRE_MEMORY(layer->items, err, "a plan");
        layer->n_items = 0;
    }
    for (int64_t i = 0; i < plan->n_items; i++) {
        pa_plan_layer *layer = layer_of(plan, i);
        plan->items[i].number = layer->n_items;
        layer->items[layer->n_items++] = i;
    }

cleanup:
    return status;
}

pa_status pa_plan_list_layers(pa_plan *plan, pa_error *err)
{
    pa_status status = PA_OK;
    layer_list list = {.n = 0};
    PA_TRY(list_layers(plan, &list, err));
    join(plan, &list);
    PA_TRY(make_layers(plan, &list, err));
    for (int64_t i = 0; i < plan->n_sites; i++) {
        pa_plan_site *site = &plan->sites[i];
        site->layer_number = list.first[find_layer(&list, site->layer)];
        site->number = plan->layers[site->layer_number].n_sites++;
    }
    PA_TRY(list_items(plan, err));

cleanup:
    pa_free(plan->mem, list.layers);
    pa_free(plan->mem, list.first);
    return status;
}

int64_t pa_units_count(const pa_plan *plan)
{
    return plan->n_steps * plan->n_layers;
}

pa_unit_place pa_unit_at(const pa_plan *plan, int64_t unit)
{
    const int64_t step = unit / plan->n_layers;
    const int64_t layer = unit % plan->n_layers;
    return (pa_unit_place){step, plan->steps[step], layer, plan->layers[layer].layer};
}
