/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief After a step is computed: its values become rows. */
#include <string.h>

#include "analysis/execution.h"
#include "analysis/results_impl.h"
#include "base/options_impl.h"
#include "metrics/metric_impl.h"

/*
 * A component listed twice with different suffixes may emit the same key twice. Then the later one goes to a file of
 * its own, named after what was chosen for it.
 */
static pa_status choose_file(pa_execution *x, const pa_plan_item *item, const char *key, pa_text *file, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_config_part *part = x->plan->sites[item->site].part;
    const int64_t known = x->row_keys.count;
    int64_t number = 0;
    file->length = 0;
    PA_TRY(pa_text_printf(file, err, "%s/%s", item->file, key));
    PA_TRY(pa_index_add(&x->row_keys, file->data, &number, err));
    file->length = 0;
    PA_TRY(pa_text_append(file, item->file, err));
    if (number != known) {
        PA_TRY(pa_text_append(file, strchr(item->file, '.') == NULL ? "." : ",", err));
        PA_TRY(pa_text_append(file, part->name, err));
        PA_TRY(pa_text_append(file, ",", err));
        PA_TRY(pa_file_name_append(file, part->choice, err));
    }

cleanup:
    return status;
}

static pa_status record_item(pa_execution *x, int64_t i, pa_text *file, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan_item *item = &x->plan->items[i];
    const pa_plan_site *site = &x->plan->sites[item->site];
    const pa_parts *parts = x->now->parts[item->site];
    const pa_options *options = pa_metric_options(item->metric->metric);
    for (int64_t k = 0; k < pa_parts_count(parts); k++) {
        PA_TRY(choose_file(x, item, pa_parts_key(parts, k), file, err));
        const pa_result_row row = {.run = pa_run_name(x->analysis->run),
                                   .split = site->split,
                                   .metric = item->metric->name,
                                   .options = pa_options_text(options),
                                   .component = site->part->name,
                                   .key = pa_parts_key(parts, k),
                                   .file = file->data,
                                   .step = x->now->step,
                                   .target_step = item->metric->target,
                                   .layer = site->layer,
                                   .head = pa_parts_head(parts, k),
                                   .kind = site->part->kind,
                                   .compat = pa_options_compat(options),
                                   .value = x->values[x->first_value[i] + k]};
        PA_TRY(pa_results_append(x->results, &row, err));
    }

cleanup:
    return status;
}

pa_status pa_execution_record(pa_execution *x, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text file = {.mem = x->plan->mem};
    pa_index_free(&x->row_keys);
    for (int64_t i = 0; i < x->plan->n_items; i++) {
        if (x->first_value[i] >= 0) {
            PA_TRY(record_item(x, i, &file, err));
        }
    }

cleanup:
    pa_text_free(&file);
    return status;
}
