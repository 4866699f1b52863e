/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Computing a unit, task by task, and writing down what came out. */
#include "analysis/unit.h"

#include <stdio.h>
#include <string.h>

/* What follows "layers.<n>." in a key. */
static const char *behind_layer(const char *key)
{
    const char *dot = strchr(key, '.');
    dot = dot != NULL ? strchr(dot + 1, '.') : NULL;
    return dot != NULL ? dot : key;
}

/* The matrix of the same key, but for the layer, in what is compared with; most often it has the same number. */
static const pa_matrix *find_counterpart(const pa_parts *parts, const char *key, int64_t guess)
{
    const char *wanted = behind_layer(key);
    const char *guessed = pa_parts_key(parts, guess);
    if (guessed != NULL && strcmp(behind_layer(guessed), wanted) == 0) {
        return pa_parts_matrix(parts, guess);
    }
    for (int64_t k = 0; k < pa_parts_count(parts); k++) {
        if (strcmp(behind_layer(pa_parts_key(parts, k)), wanted) == 0) {
            return pa_parts_matrix(parts, k);
        }
    }
    return NULL;
}

/* The second matrix of an item, or NULL and why there is none. */
static const pa_matrix *second_input(const pa_unit *unit, const pa_plan_item *item, const pa_unit_task *task,
                                     const char **why)
{
    const pa_parts *parts = unit->parts[unit->plan->sites[task->site].number];
    const pa_parts *others = unit->items[item->number].counterpart;
    if (item->against == PA_AGAINST_SECOND) {
        *why = "the component gave one matrix, not a pair";
        return pa_parts_second(parts, task->matrix);
    }
    *why = "there is no step before";
    if (item->against == PA_AGAINST_PREVIOUS && pa_plan_previous(unit->plan, unit->place.step) < 0) {
        return NULL;
    }
    *why = others != NULL ? "the target step has no matrix of this key" : "there is no step before the target";
    return others != NULL ? find_counterpart(others, pa_parts_key(parts, task->matrix), task->matrix) : NULL;
}

static pa_status compute(const pa_unit *unit, const pa_plan_item *item, const pa_unit_task *task, pa_value *value,
                         pa_error *err)
{
    const pa_parts *parts = unit->parts[unit->plan->sites[task->site].number];
    const char *key = pa_parts_key(parts, task->matrix);
    const pa_matrix *in[2] = {pa_parts_matrix(parts, task->matrix), NULL};
    char place[200];
    const int32_t n_inputs = item->against != PA_AGAINST_NOTHING ? 2 : 1;
    if (n_inputs == 2) {
        const char *why = "";
        in[1] = second_input(unit, item, task, &why);
        if (in[1] == NULL) {
            pa_value_set_undefined(value, PA_STATE_UNSUPPORTED, why);
            return PA_OK;
        }
    }
    pa_error_clear(err);
    const pa_status status = pa_metric_compute(item->metric->metric, in, n_inputs, value, err);
    if (status != PA_OK) {
        (void)snprintf(place, sizeof(place), "step %lld, %.60s of %.100s", (long long)unit->place.step,
                       item->metric->name, key);
        pa_error_prefix(err, place);
    }
    return pa_config_locate(unit->sources->analysis->config, item->metric->node, status, err);
}

pa_status pa_unit_run(pa_unit *unit, int64_t task, atomic_llong *values_done, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_unit_task *at = &unit->tasks[task];
    const pa_plan_item *items = unit->plan->items;
    for (int64_t i = unit->plan->sites[at->site].first_item; i >= 0; i = items[i].next_item) {
        const int64_t first = unit->items[items[i].number].first_value;
        if (first >= 0) {
            PA_TRY(compute(unit, &items[i], at, &unit->values[first + at->matrix], err));
            atomic_fetch_add(values_done, 1);
        }
    }

cleanup:
    return status;
}

static pa_status encode_item(const pa_unit *unit, int64_t i, pa_text *bytes, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_unit_item *item = &unit->items[i];
    pa_unit_row row = {.item = unit->layer->items[i]};
    if (item->first_value < 0 && !item->skipped) {
        goto cleanup;
    }
    if (item->first_value < 0) {
        row.skipped = 1;
        row.kind = item->absent_kind;
        row.skip_step = item->absent_step;
        row.skip_where = item->absent_where;
        PA_TRY(pa_unit_rows_add(bytes, &row, err));
        goto cleanup;
    }
    const pa_parts *parts = unit->parts[unit->plan->sites[unit->plan->items[row.item].site].number];
    for (int64_t k = 0; k < pa_parts_count(parts); k++) {
        row.key = pa_parts_key(parts, k);
        row.head = pa_parts_head(parts, k);
        row.value = unit->values[item->first_value + k];
        PA_TRY(pa_unit_rows_add(bytes, &row, err));
    }

cleanup:
    return status;
}

pa_status pa_unit_encode(const pa_unit *unit, pa_text *bytes, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_unit_rows_begin(unit->plan, unit->number, bytes, err));
    for (int64_t i = 0; i < unit->layer->n_items; i++) {
        PA_TRY(encode_item(unit, i, bytes, err));
    }
    PA_TRY(pa_unit_rows_end(bytes, err));

cleanup:
    return status;
}
