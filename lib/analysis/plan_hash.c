/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief One number for all that decides about the values of a plan. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#include <limits.h>
#include <stdlib.h>

#include "analysis/plan.h"
#include "components/component_impl.h"

/* The run by its full path: journals may be used from another working directory. */
static pa_status describe_run(const pa_analysis *analysis, pa_text *text, pa_error *err)
{
    char resolved[PATH_MAX];
    const pa_model *model = pa_run_model(analysis->run);
    const char *path = pa_run_path(analysis->run);
    if (realpath(path, resolved) != NULL) {
        path = resolved;
    }
    return pa_text_printf(text, err, "%s\n%s\n%s\n%lld %lld %lld %lld\n", pa_version(), pa_run_name(analysis->run),
                          path, (long long)model->d_model, (long long)model->n_layers, (long long)model->n_heads,
                          (long long)model->n_kv_heads);
}

pa_status pa_plan_hash(const pa_analysis *analysis, uint64_t *out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &analysis->plan;
    pa_text text = {.mem = plan->mem};
    PA_TRY(describe_run(analysis, &text, err));
    for (int64_t i = 0; i < plan->n_steps; i++) {
        PA_TRY(pa_text_printf(&text, err, "step %lld\n", (long long)plan->steps[i]));
    }
    for (int64_t i = 0; i < plan->n_sites; i++) {
        const pa_options *options = pa_component_options(plan->sites[i].part->component);
        PA_TRY(pa_text_printf(&text, err, "site %s|%d\n", plan->site_keys.texts[i], (int)pa_options_compat(options)));
    }
    for (int64_t i = 0; i < plan->n_items; i++) {
        PA_TRY(pa_text_printf(&text, err, "item %s|%lld|%s\n", plan->item_keys.texts[i],
                              (long long)plan->items[i].metric->target, plan->items[i].file));
    }
    *out = pa_hash_text(text.data);

cleanup:
    pa_text_free(&text);
    return status;
}
