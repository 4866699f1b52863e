/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Before a unit is computed: the values it will have, and the tasks. */
#include "analysis/unit.h"
#include "base/alloc.h"
#include "base/sort.h"

static const pa_plan_item *item_at(const pa_unit *unit, int64_t i)
{
    return &unit->plan->items[unit->layer->items[i]];
}

static pa_status build_item(pa_unit *unit, int64_t i, pa_error *err)
{
    const pa_status status = pa_unit_find_parts(unit, i, err);
    if (status == PA_OK && unit->items[i].first_value >= 0) {
        unit->items[i].first_value = unit->n_values;
        unit->n_values += pa_parts_count(unit->parts[unit->plan->sites[item_at(unit, i)->site].number]);
    }
    return status;
}

static int is_wanted(const pa_unit *unit, int64_t site)
{
    const pa_plan_item *items = unit->plan->items;
    for (int64_t i = unit->plan->sites[site].first_item; i >= 0; i = items[i].next_item) {
        if (unit->items[items[i].number].first_value >= 0) {
            return 1;
        }
    }
    return 0;
}

/* Multiplications of a factorization: what takes longest must not start last. */
static double cost_of(const pa_matrix *m)
{
    const double rows = (double)pa_matrix_rows(m);
    const double cols = (double)pa_matrix_cols(m);
    return rows * cols * (rows < cols ? rows : cols);
}

static pa_status add_tasks(pa_unit *unit, int64_t site, int64_t *capacity, pa_error *err)
{
    const pa_parts *parts = unit->parts[unit->plan->sites[site].number];
    const int64_t n = pa_parts_count(parts);
    pa_unit_task *tasks = pa_array_grow(unit->plan->mem, unit->tasks, capacity, unit->n_tasks + n, sizeof(*tasks));
    if (tasks == NULL) {
        return pa_fail_nomem(err, "tasks");
    }
    unit->tasks = tasks;
    for (int64_t k = 0; k < n; k++) {
        const int32_t whole = n > 1 && pa_parts_head(parts, k) < 0;
        tasks[unit->n_tasks++] = (pa_unit_task){site, k, whole, cost_of(pa_parts_matrix(parts, k))};
    }
    return PA_OK;
}

/* Wholes come last: they are made of what was found out of their heads, on all threads, and would otherwise compute all
 * of it by themselves on one. Among equals the last comes first, so that two threads rarely want the same answer. */
static int compare_tasks(const void *items, int64_t a, int64_t b)
{
    const pa_unit_task *tasks = items;
    if (tasks[a].whole != tasks[b].whole) {
        return tasks[a].whole ? 1 : -1;
    }
    if (tasks[a].cost != tasks[b].cost) {
        return tasks[a].cost > tasks[b].cost ? -1 : 1;
    }
    return (a < b) - (a > b);
}

static pa_status sort_tasks(pa_unit *unit, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = unit->plan->mem;
    pa_unit_task *sorted = pa_alloc_raw(mem, unit->n_tasks, sizeof(*sorted));
    int64_t *order = pa_alloc_raw(mem, unit->n_tasks, sizeof(*order));
    PA_REQUIRE(sorted != NULL && order != NULL, err, PA_ERR_NOMEM, "out of memory for tasks");
    pa_sort_numbers(order, unit->n_tasks, compare_tasks, unit->tasks);
    for (int64_t i = 0; i < unit->n_tasks; i++) {
        sorted[i] = unit->tasks[order[i]];
    }
    pa_free(mem, unit->tasks);
    unit->tasks = sorted;
    sorted = NULL;

cleanup:
    pa_free(mem, order);
    pa_free(mem, sorted);
    return status;
}

static pa_status list_tasks(pa_unit *unit, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t capacity = 0;
    for (int64_t i = 0; i < unit->layer->n_items; i++) {
        const int64_t site = item_at(unit, i)->site;
        if (unit->layer->items[i] == unit->plan->sites[site].first_item && is_wanted(unit, site)) {
            PA_TRY(add_tasks(unit, site, &capacity, err));
        }
    }
    PA_TRY(sort_tasks(unit, err));

cleanup:
    return status;
}

static pa_status start(pa_unit *unit, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = unit->plan->mem;
    PA_REQUIRE_MEMORY(unit->parts = pa_alloc(mem, unit->layer->n_sites, sizeof(*unit->parts)), err, "a layer");
    PA_REQUIRE_MEMORY(unit->items = pa_alloc(mem, unit->layer->n_items, sizeof(*unit->items)), err, "a layer");
    PA_TRY(pa_sources_begin(unit->sources, unit->place.step, &unit->source, err));
    for (int64_t i = 0; i < unit->layer->n_items; i++) {
        PA_TRY(build_item(unit, i, err));
    }
    pa_unit_roll(unit);
    PA_TRY(list_tasks(unit, err));
    PA_REQUIRE_MEMORY(unit->values = pa_alloc_raw(mem, unit->n_values, sizeof(*unit->values)), err, "values");
    for (int64_t i = 0; i < unit->n_values; i++) {
        pa_value_init(&unit->values[i], sizeof(*unit->values));
    }

cleanup:
    return status;
}

pa_status pa_unit_create(pa_sources *sources, int64_t number, pa_unit **out, pa_error *err)
{
    const pa_plan *plan = &sources->analysis->plan;
    pa_unit *unit = pa_alloc(plan->mem, 1, sizeof(*unit));
    *out = NULL;
    if (unit == NULL) {
        return pa_fail_nomem(err, "a layer");
    }
    unit->plan = plan;
    unit->number = number;
    unit->place = pa_unit_at(plan, number);
    unit->layer = &plan->layers[unit->place.layer_number];
    unit->sources = sources;
    const pa_status status = start(unit, err);
    if (status != PA_OK) {
        pa_unit_destroy(unit);
        return status;
    }
    pa_unit_announce(unit);
    *out = unit;
    return PA_OK;
}

void pa_unit_destroy(pa_unit *unit)
{
    if (unit != NULL) {
        const pa_allocator *mem = unit->plan->mem;
        pa_unit_release(unit);
        pa_free(mem, (void *)unit->parts);
        pa_free(mem, unit->held);
        pa_free(mem, unit->items);
        for (int64_t i = 0; unit->values != NULL && i < unit->n_values; i++) {
            pa_value_clear(&unit->values[i]);
        }
        pa_free(mem, unit->values);
        pa_free(mem, unit->tasks);
        pa_free(mem, unit);
    }
}
