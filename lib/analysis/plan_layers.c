/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A plan by layers, which is how it is executed. */
#include "analysis/plan.h"
#include "analysis/units.h"
#include "base/alloc.h"
#include "base/sort.h"

static int compare_numbers(const void *items, int64_t a, int64_t b)
{
    (void)items; /* the "element numbers" are the layers themselves */
    return (a > b) - (a < b);
}

/* The layers of all sites, ascending, each once. */
static pa_status list_layers(pa_plan *plan, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t n = 0;
    int64_t *numbers = pa_alloc_raw(plan->mem, plan->n_sites, sizeof(*numbers));
    PA_REQUIRE_MEMORY(numbers, err, "a plan");
    for (int64_t site = 0; site < plan->n_sites; site++) {
        numbers[site] = plan->sites[site].layer;
    }
    pa_sort_order(numbers, plan->n_sites, compare_numbers, NULL);
    for (int64_t i = 0; i < plan->n_sites; i++) {
        if (i == 0 || numbers[i] != numbers[i - 1]) {
            numbers[n++] = numbers[i];
        }
    }
    plan->layers = pa_arena_alloc(&plan->arena, n, sizeof(*plan->layers));
    PA_REQUIRE_MEMORY(plan->layers, err, "a plan");
    for (int64_t i = 0; i < n; i++) {
        plan->layers[i].layer = numbers[i];
    }
    plan->n_layers = n;

cleanup:
    pa_free(plan->mem, numbers);
    return status;
}

static int64_t find_layer(const pa_plan *plan, int64_t layer)
{
    int64_t low = 0;
    int64_t high = plan->n_layers - 1;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (plan->layers[middle].layer < layer) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static pa_plan_layer *layer_of(const pa_plan *plan, int64_t item)
{
    return &plan->layers[plan->sites[plan->items[item].site].layer_number];
}

pa_status pa_plan_list_layers(pa_plan *plan, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(list_layers(plan, err));
    for (int64_t i = 0; i < plan->n_sites; i++) {
        pa_plan_site *site = &plan->sites[i];
        site->layer_number = find_layer(plan, site->layer);
        site->number = plan->layers[site->layer_number].n_sites++;
    }
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
