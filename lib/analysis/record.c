/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/record.h"

#include <string.h>

#include "analysis/results_impl.h"
#include "analysis/series.h"
#include "analysis/skips.h"
#include "base/alloc.h"
#include "base/options_impl.h"
#include "metrics/metric_impl.h"

/** The rows of a unit, until those of its step are recorded. */
typedef struct unit_bytes {
    char *bytes;
    int64_t length;
    int32_t there; /**< Stays 1 when the bytes are gone. */
} unit_bytes;

/** Where the rows of a layer are read. */
typedef struct cursor {
    pa_unit_reader reader;
    pa_unit_row row;
    int more; /**< `row` is one that was not used yet. */
} cursor;

struct pa_record {
    const pa_analysis *analysis;
    const pa_plan *plan;
    pa_results *results;
    pa_skips skips;
    unit_bytes *units;
    cursor *cursors;   /**< By layer. */
    pa_index row_keys; /**< File and key of the rows of a step. */
    pa_text row_key;   /**< The key of a row while it is recorded, */
    pa_text file_key;  /**< and with its file; rows are many, so their memory is used again. */
    pa_series series;
    pa_record_progress progress;
};

pa_status pa_record_create(const pa_analysis *analysis, pa_record **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &analysis->plan;
    *out = NULL;
    pa_record *record = pa_alloc(plan->mem, 1, sizeof(*record));
    PA_REQUIRE_MEMORY(record, err, "results");
    record->analysis = analysis;
    record->plan = plan;
    record->skips.ctx = analysis->ctx;
    record->row_keys.arena.mem = plan->mem;
    record->row_key.mem = plan->mem;
    record->file_key.mem = plan->mem;
    PA_REQUIRE_MEMORY(record->units = pa_alloc(plan->mem, pa_units_count(plan), sizeof(*record->units)), err,
                      "results");
    PA_REQUIRE_MEMORY(record->cursors = pa_alloc(plan->mem, plan->n_layers, sizeof(*record->cursors)), err, "results");
    PA_TRY(pa_results_create(analysis->ctx, &record->results, err));
    PA_TRY(pa_series_start(&record->series, plan, record->results, err));
    *out = record;
    record = NULL;

cleanup:
    pa_record_destroy(record);
    return status;
}

void pa_record_destroy(pa_record *record)
{
    if (record != NULL) {
        const pa_allocator *mem = record->plan->mem;
        for (int64_t u = 0; record->units != NULL && u < pa_units_count(record->plan); u++) {
            pa_free(mem, record->units[u].bytes);
        }
        pa_free(mem, record->units);
        pa_free(mem, record->cursors);
        pa_results_destroy(record->results);
        pa_skips_free(&record->skips);
        pa_index_free(&record->row_keys);
        pa_text_free(&record->row_key);
        pa_text_free(&record->file_key);
        pa_series_free(&record->series);
        pa_free(mem, record);
    }
}

/* Whether a file has a row of that key already at this step; from now on it has. */
static pa_status take_key(pa_record *record, const char *file, const char *key, int *taken, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t known = record->row_keys.count;
    int64_t number = 0;
    pa_text *text = &record->file_key;
    text->length = 0;
    PA_TRY(pa_text_append(text, file, err));
    PA_TRY(pa_text_append(text, "/", err));
    PA_TRY(pa_text_append(text, key, err));
    PA_TRY(pa_index_add(&record->row_keys, text->data, &number, err));
    *taken = number != known;

cleanup:
    return status;
}

/*
 * A component listed twice with different suffixes may emit the same key twice. Then the later one goes to a file of
 * its own, named after what was chosen for it.
 */
static pa_status choose_file(pa_record *record, const pa_plan_item *item, const char *key, pa_text *file, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_config_part *part = record->plan->sites[item->site].part;
    int taken = 0;
    file->length = 0;
    PA_TRY(take_key(record, item->file, key, &taken, err));
    PA_TRY(pa_text_append(file, item->file, err));
    if (taken) {
        PA_TRY(pa_text_append(file, strchr(item->file, '.') == NULL ? "." : ",", err));
        PA_TRY(pa_text_append(file, part->name, err));
        if (part->choice[0] != '\0') {
            PA_TRY(pa_text_append(file, ",", err));
            PA_TRY(pa_file_name_append(file, part->choice, err));
        }
    }

cleanup:
    return status;
}

/* Likewise of entries that differ in their components only, whose pools have one key. */
static pa_status choose_pool_file(pa_record *record, const pa_plan_item *item, const char *key, pa_text *file,
                                  pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t entry = item->metric - record->analysis->config->metrics;
    int taken = 0;
    file->length = 0;
    PA_TRY(take_key(record, item->file, key, &taken, err));
    PA_TRY(pa_text_append(file, item->file, err));
    if (taken) {
        PA_TRY(pa_text_append(file, strchr(item->file, '.') == NULL ? "." : ",", err));
        PA_TRY(pa_text_printf(file, err, "entry=%lld", (long long)entry + 1));
    }

cleanup:
    return status;
}

/* All that a row has of its item; the layer it is compared with only when there is one besides its own. */
static pa_result_row describe_row(const pa_record *record, int64_t step, const pa_plan_item *item)
{
    const pa_plan *plan = record->plan;
    const pa_plan_site *site = &plan->sites[item->site];
    const pa_options *options = pa_metric_options(item->metric->metric);
    const int layers = item->metric->target.compare == PA_COMPARE_LAYERS;
    return (pa_result_row){.run = pa_run_name(record->analysis->run),
                           .split = site->split,
                           .metric = item->metric->name,
                           .options = pa_options_text(options),
                           .component = site->part->name,
                           .step = step,
                           .target_step = pa_plan_target_step(plan, item, step),
                           .layer = site->layer,
                           .kind = site->part->kind,
                           .compat = pa_options_compat(options),
                           .target_split = item->metric->target.split,
                           .target_run = item->metric->target.run,
                           .target_layer = layers ? plan->sites[item->target_site].layer : -1,
                           .unscrambled = site->part->kind == PA_ACTIVATIONS &&
                                          pa_run_opened_with(record->analysis->run)->unscramble};
}

static pa_status skip_row(pa_record *record, const pa_unit_row *row, pa_error *err)
{
    const pa_plan_item *item = &record->plan->items[row->item];
    const int at_target = row->skip_where == PA_SKIP_TARGET && item->target_site >= 0;
    const pa_plan_site *site = &record->plan->sites[at_target ? item->target_site : item->site];
    const pa_skip_cause cause = {.split = site->split,
                                 .kind = row->kind,
                                 .run = at_target ? item->metric->target.run : "",
                                 .reference = row->skip_where == PA_SKIP_REFERENCE ? site->part->name : NULL};
    return pa_skips_add(&record->skips, &cause, row->skip_step, item->metric->name, err);
}

static pa_status record_row(pa_record *record, int64_t step, const pa_unit_row *row, pa_text *file, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan_item *item = &record->plan->items[row->item];
    pa_text *key = &record->row_key;
    if (row->skipped) {
        return skip_row(record, row, err);
    }
    pa_result_row result = describe_row(record, step, item);
    result.value = row->value;
    key->length = 0;
    PA_TRY(pa_text_append(key, row->key, err));
    PA_TRY(pa_text_append(key, item->suffix, err));
    PA_TRY(choose_file(record, item, key->data, file, err));
    result.key = key->data;
    result.file = file->data;
    result.head = row->head;
    PA_TRY(pa_unit_row_outputs(row, record->plan->mem, &result.value.outputs, err));
    PA_TRY(pa_series_follow(&record->series, &result, item, &result.value, err));
    pa_series_note(&record->series, row->item);
    PA_TRY(pa_results_append(record->results, &result, err));

cleanup:
    pa_value_clear(&result.value);
    return status;
}

static pa_status record_pool(pa_record *record, int64_t step, const pa_plan_pool *pool, pa_text *file, pa_error *err)
{
    pa_status status = PA_OK;
    int there = 0;
    const pa_plan_item *item = &record->plan->items[pool->items[0]];
    const int steps = item->metric->target.compare == PA_COMPARE_STEPS;
    pa_text key = {.mem = record->plan->mem};
    pa_result_row result = describe_row(record, step, item);
    pa_value_init(&result.value, sizeof(result.value));
    PA_TRY(pa_series_pool(&record->series, pool, &there, &result.value, err));
    if (there) {
        PA_TRY(pa_text_append(&key, "all", err));
        PA_TRY(pa_text_append(&key, steps ? item->suffix : "", err));
        PA_TRY(choose_pool_file(record, item, key.data, file, err));
        result.component = "all";
        result.key = key.data;
        result.file = file->data;
        result.layer = result.head = result.target_layer = -1;
        PA_TRY(pa_results_append(record->results, &result, err));
    }

cleanup:
    pa_value_clear(&result.value);
    pa_text_free(&key);
    return status;
}

/* All rows of a step: those of its units, merged by item. */
static pa_status record_step(pa_record *record, int64_t step_number, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = record->plan;
    unit_bytes *units = &record->units[step_number * plan->n_layers];
    pa_text file = {.mem = plan->mem};
    int64_t pool = 0;
    pa_index_free(&record->row_keys);
    pa_series_begin(&record->series);
    for (int64_t i = 0; i < plan->n_layers; i++) {
        cursor *at = &record->cursors[i];
        at->reader = pa_unit_rows_read(units[i].bytes, units[i].length);
        at->more = pa_unit_rows_next(&at->reader, &at->row);
    }
    for (int64_t i = 0; i <= plan->n_items; i++) {
        for (; pool < plan->n_pools && plan->pools[pool].after <= i; pool++) {
            PA_TRY(record_pool(record, plan->steps[step_number], &plan->pools[pool], &file, err));
        }
        if (i == plan->n_items) {
            break;
        }
        cursor *at = &record->cursors[plan->sites[plan->items[i].site].layer_number];
        while (at->more && at->row.item == i) {
            PA_TRY(record_row(record, plan->steps[step_number], &at->row, &file, err));
            at->more = pa_unit_rows_next(&at->reader, &at->row);
        }
    }
    for (int64_t i = 0; i < plan->n_layers; i++) {
        pa_free(plan->mem, units[i].bytes);
        units[i].bytes = NULL;
    }
    record->progress.steps_done++;

cleanup:
    pa_text_free(&file);
    return status;
}

static int is_complete(const pa_record *record, int64_t step_number)
{
    const pa_plan *plan = record->plan;
    int64_t there = 0;
    while (step_number < plan->n_steps && there < plan->n_layers &&
           record->units[step_number * plan->n_layers + there].there) {
        there++;
    }
    return step_number < plan->n_steps && there == plan->n_layers;
}

pa_status pa_record_accept(pa_record *record, const char *bytes, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t number = 0;
    int64_t values = 0;
    PA_TRY(pa_unit_rows_check(record->plan, bytes, length, &number, &values, err));
    const pa_unit_place place = pa_unit_at(record->plan, number);
    unit_bytes *unit = &record->units[number];
    PA_REQUIRE(!unit->there, err, PA_ERR_EXISTS, "the values of step %lld, layer %lld are there already",
               (long long)place.step, (long long)place.layer);
    PA_REQUIRE_MEMORY(unit->bytes = pa_alloc_raw(record->plan->mem, length, 1), err, "results");
    memcpy(unit->bytes, bytes, (size_t)length);
    unit->length = length;
    unit->there = 1;
    record->progress.units++;
    record->progress.values += values;
    while (is_complete(record, record->progress.steps_done)) {
        PA_TRY(record_step(record, record->progress.steps_done, err));
    }

cleanup:
    return status;
}

int pa_record_has(const pa_record *record, int64_t unit)
{
    return record->units[unit].there;
}

pa_record_progress pa_record_progress_now(const pa_record *record)
{
    return record->progress;
}

void pa_record_tell_skips(const pa_record *record)
{
    pa_skips_tell(&record->skips);
}

pa_results *pa_record_take(pa_record *record)
{
    pa_results *results = record->results;
    record->results = NULL;
    return results;
}
