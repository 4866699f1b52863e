/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Before a step is computed: which items there is data for, their matrices, and the tasks. */
#include "analysis/execution.h"
#include "base/alloc.h"

/* Whether there are tensors for an item at one checkpoint; if not, that is noted. */
static pa_status check_there(pa_execution *x, const pa_plan_item *item, const pa_source *source, pa_kind kind,
                             int *there, pa_error *err)
{
    const char *split = x->plan->sites[item->site].split;
    *there = pa_checkpoint_has(source->checkpoint, split, kind) != 0;
    return *there ? PA_OK : pa_skips_add(&x->skips, split, kind, source->step, item->metric->name, err);
}

static pa_status check_item(pa_execution *x, int64_t i, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan_item *item = &x->plan->items[i];
    const pa_kind kind = x->plan->sites[item->site].part->kind;
    int there = 0;
    PA_TRY(check_there(x, item, x->now, kind, &there, err));
    if (there && item->target >= 0) {
        pa_source *target = &x->targets[item->target];
        PA_TRY(pa_source_open(target, x->analysis, x->plan->targets[item->target], err));
        PA_TRY(check_there(x, item, target, kind, &there, err));
    }
    x->first_value[i] = there ? 0 : -1;

cleanup:
    return status;
}

/*
 * Components may need a second kind (the OV circuit's activations its weights). Where the whole file of it is absent,
 * the item is skipped like one whose own file is; a tensor that is missing in a file that is there is an error.
 */
static pa_status build_for_item(pa_execution *x, int64_t i, pa_source *source, pa_error *err)
{
    const pa_plan_item *item = &x->plan->items[i];
    const pa_plan_site *site = &x->plan->sites[item->site];
    int there = 1;
    pa_status status = pa_source_build(source, x->plan, item->site, err);
    if (status == PA_ERR_NOT_FOUND && site->part->kind != PA_WEIGHTS) {
        const pa_status checked = check_there(x, item, source, PA_WEIGHTS, &there, err);
        status = !there || checked != PA_OK ? checked : status;
    }
    if (!there) {
        x->first_value[i] = -1;
    }
    return status;
}

static pa_status build_items(pa_execution *x, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = x->plan;
    for (int64_t i = 0; i < plan->n_items; i++) {
        PA_TRY(check_item(x, i, err));
        if (x->first_value[i] >= 0) {
            PA_TRY(build_for_item(x, i, x->now, err));
        }
        if (x->first_value[i] >= 0 && plan->items[i].target >= 0) {
            PA_TRY(build_for_item(x, i, &x->targets[plan->items[i].target], err));
        }
        if (x->first_value[i] >= 0) {
            x->first_value[i] = x->n_values;
            x->n_values += pa_parts_count(x->now->parts[plan->items[i].site]);
        }
    }

cleanup:
    return status;
}

static int is_wanted(const pa_execution *x, int64_t site)
{
    for (int64_t i = x->plan->sites[site].first_item; i >= 0; i = x->plan->items[i].next_item) {
        if (x->first_value[i] >= 0) {
            return 1;
        }
    }
    return 0;
}

/* Whole matrices before heads: what takes longest must not start last. */
static pa_status list_tasks(pa_execution *x, int heads, pa_error *err)
{
    for (int64_t site = 0; site < x->plan->n_sites; site++) {
        const pa_parts *parts = x->now->parts[site];
        const int64_t n = parts != NULL && is_wanted(x, site) ? pa_parts_count(parts) : 0;
        pa_task *tasks = pa_array_grow(x->plan->mem, x->tasks, &x->tasks_capacity, x->n_tasks + n, sizeof(*tasks));
        if (tasks == NULL && n > 0) {
            return pa_fail_nomem(err, "tasks");
        }
        x->tasks = tasks;
        for (int64_t k = 0; k < n; k++) {
            if ((pa_parts_head(parts, k) >= 0) == heads) {
                x->tasks[x->n_tasks++] = (pa_task){site, k};
            }
        }
    }
    return PA_OK;
}

pa_status pa_execution_prepare(pa_execution *x, int64_t step, pa_error *err)
{
    pa_status status = PA_OK;
    x->now = &x->own;
    x->n_values = 0;
    x->n_tasks = 0;
    for (int64_t t = 0; t < x->plan->n_targets; t++) {
        x->now = x->plan->targets[t] == step ? &x->targets[t] : x->now;
    }
    PA_TRY(pa_source_open(x->now, x->analysis, step, err));
    PA_TRY(build_items(x, err));
    PA_TRY(list_tasks(x, 0, err));
    PA_TRY(list_tasks(x, 1, err));
    pa_value *values = pa_array_grow(x->plan->mem, x->values, &x->values_capacity, x->n_values, sizeof(*values));
    PA_REQUIRE(values != NULL || x->n_values == 0, err, PA_ERR_NOMEM, "out of memory for values");
    x->values = values;
    for (int64_t i = 0; i < x->n_values; i++) {
        pa_value_init(&x->values[i], sizeof(*x->values));
    }

cleanup:
    return status;
}

static int is_compared(const pa_plan *plan, int64_t site)
{
    for (int64_t i = plan->sites[site].first_item; i >= 0; i = plan->items[i].next_item) {
        if (plan->items[i].target >= 0) {
            return 1;
        }
    }
    return 0;
}

void pa_execution_finish(pa_execution *x)
{
    if (x->now == &x->own) {
        x->bytes_read += pa_source_close(&x->own, x->plan);
        return;
    }
    for (int64_t site = 0; site < x->plan->n_sites; site++) {
        if (!is_compared(x->plan, site)) {
            pa_source_drop(x->now, site);
        }
    }
}
