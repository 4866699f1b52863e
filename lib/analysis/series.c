/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Done when rows are recorded, in the order of the plan: so the values do not depend on who has computed what, or on
 * whether an earlier execution did.
 */
#include "analysis/series.h"

#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/outputs.h"
#include "metrics/metric_impl.h"

pa_status pa_series_start(pa_series *series, const pa_plan *plan, const pa_results *results, pa_error *err)
{
    pa_status status = PA_OK;
    *series = (pa_series){.plan = plan, .results = results, .keys = {.arena = {.mem = plan->mem}}};
    PA_REQUIRE_MEMORY(series->first = pa_alloc(plan->mem, plan->n_items, sizeof(*series->first)), err, "results");
    PA_REQUIRE_MEMORY(series->last = pa_alloc(plan->mem, plan->n_items, sizeof(*series->last)), err, "results");

cleanup:
    return status;
}

void pa_series_free(pa_series *series)
{
    if (series->plan != NULL) {
        const pa_allocator *mem = series->plan->mem;
        pa_index_free(&series->keys);
        pa_free(mem, series->rows);
        pa_free(mem, series->first);
        pa_free(mem, series->last);
    }
}

void pa_series_begin(pa_series *series)
{
    for (int64_t i = 0; i < series->plan->n_items; i++) {
        series->first[i] = series->last[i] = 0;
    }
}

void pa_series_note(pa_series *series, int64_t item)
{
    const int64_t row = pa_results_count(series->results);
    if (series->first[item] == series->last[item]) {
        series->first[item] = row;
    }
    series->last[item] = row + 1;
}

/* What holds of computed values holds of these: they are set, and finite. */
static pa_status check_value(pa_status status, const pa_metric *metric, const char *what, pa_value *value,
                             pa_error *err)
{
    if (status == PA_OK && value->state == PA_STATE_UNSET) {
        return pa_fail(err, PA_ERR_CALLBACK, "metric '%s': its %s has set no value", pa_metric_ops_of(metric)->name,
                       what);
    }
    if (status == PA_OK && value->state == PA_STATE_OK && !isfinite(value->value)) {
        pa_value_set(value, value->value);
    }
    if (status > PA_OK) {
        return pa_fail(err, PA_ERR_CALLBACK, "metric '%s': its %s returned %d", pa_metric_ops_of(metric)->name, what,
                       (int)status);
    }
    if (status != PA_OK && err != NULL && err->message[0] == '\0') {
        return pa_fail(err, status, "metric '%s': its %s returned %d", pa_metric_ops_of(metric)->name, what,
                       (int)status);
    }
    return status;
}

/* So that a metric may add some. */
static pa_status open_outputs(const pa_series *series, pa_value *value, pa_error *err)
{
    value->outputs = value->outputs != NULL ? value->outputs : pa_outputs_create(series->plan->mem);
    return value->outputs != NULL ? PA_OK : pa_fail_nomem(err, "a value");
}

static void add_place(const pa_result_row *row, pa_error *err)
{
    char place[200];
    (void)snprintf(place, sizeof(place), "step %lld, %.60s of %.100s", (long long)row->step, row->metric, row->key);
    pa_error_prefix(err, place);
}

pa_status pa_series_follow(pa_series *series, const pa_result_row *row, const pa_plan_item *item, pa_value *value,
                           pa_error *err)
{
    pa_status status = PA_OK;
    const pa_metric *metric = item->metric->metric;
    const pa_metric_ops *ops = pa_metric_ops_of(metric);
    const int64_t known = series->keys.count;
    int64_t number = 0;
    pa_result_row before = {.struct_size = sizeof(before)};
    pa_text key = {.mem = series->plan->mem};
    if (ops->follow == NULL || (ops->n_inputs == 2 && item->against != PA_AGAINST_PREVIOUS)) {
        return PA_OK; /* comparisons with anything else do not follow one another */
    }
    PA_GROW(series->plan->mem, series->rows, series->capacity, known + 1, err, "results");
    PA_TRY(pa_text_printf(&key, err, "%s/%s", row->file, row->key));
    PA_TRY(pa_index_add(&series->keys, key.data, &number, err));
    if (number < known) {
        PA_TRY(pa_results_row(series->results, series->rows[number], &before, err));
    }
    series->rows[number] = pa_results_count(series->results);
    PA_TRY(open_outputs(series, value, err));
    pa_error_clear(err);
    status = ops->follow(metric->entry->user_data, pa_metric_options(metric), number < known ? &before.value : NULL,
                         value, err);
    status = check_value(status, metric, "follow", value, err);
    if (status != PA_OK) {
        add_place(row, err);
    }

cleanup:
    pa_text_free(&key);
    return status;
}

static pa_status has_whole(const pa_series *series, int64_t item, int *there, pa_error *err)
{
    pa_status status = PA_OK;
    *there = 0;
    for (int64_t r = series->first[item]; r < series->last[item]; r++) {
        pa_result_row row = {.struct_size = sizeof(row)};
        PA_TRY(pa_results_row(series->results, r, &row, err));
        *there |= row.head < 0;
    }

cleanup:
    return status;
}

/* The values of wholes among the rows of an item; of its heads when it has nothing else. */
static pa_status add_values(const pa_series *series, int64_t item, pa_value *values, int64_t *n, pa_error *err)
{
    pa_status status = PA_OK;
    int wholes = 0;
    PA_TRY(has_whole(series, item, &wholes, err));
    for (int64_t r = series->first[item]; r < series->last[item]; r++) {
        pa_result_row row = {.struct_size = sizeof(row)};
        PA_TRY(pa_results_row(series->results, r, &row, err));
        if (row.head < 0 || !wholes) {
            values[(*n)++] = row.value; /* lent: its outputs stay those of the results */
        }
    }

cleanup:
    return status;
}

pa_status pa_series_pool(const pa_series *series, const pa_plan_pool *pool, int *there, pa_value *value, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = series->plan->mem;
    const pa_plan_item *items = series->plan->items;
    const pa_metric *metric = items[pool->items[0]].metric->metric;
    const pa_metric_ops *ops = pa_metric_ops_of(metric);
    pa_value *values = NULL;
    const pa_value **list = NULL;
    int64_t n = 0;
    *there = 0;
    for (int64_t i = 0; i < pool->n_items; i++) {
        n += series->last[pool->items[i]] - series->first[pool->items[i]];
    }
    PA_REQUIRE_MEMORY(values = pa_alloc_raw(mem, n, sizeof(*values)), err, "results");
    PA_REQUIRE_MEMORY(list = pa_alloc_raw(mem, n, sizeof(*list)), err, "results");
    n = 0;
    for (int64_t i = 0; i < pool->n_items; i++) {
        PA_TRY(add_values(series, pool->items[i], values, &n, err));
    }
    for (int64_t i = 0; i < n; i++) {
        list[i] = &values[i];
    }
    if (n > 0) {
        PA_TRY(open_outputs(series, value, err));
        pa_error_clear(err);
        status = ops->pool(metric->entry->user_data, pa_metric_options(metric), list, n, value, err);
        PA_TRY(check_value(status, metric, "pool", value, err));
        *there = 1;
    }

cleanup:
    if (status != PA_OK) {
        pa_value_clear(value);
    }
    pa_free(mem, values);
    pa_free(mem, (void *)list);
    return status;
}
