/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief One number for all that decides about the values of a plan. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#include <limits.h>
#include <stdlib.h>

#include "analysis/plan.h"
#include "checkpoint/reading.h"
#include "checkpoint/origin.h"
#include "components/component_impl.h"

/* A run by its full path: journals may be used from another working directory. */
static pa_status describe_run(const pa_run *run, pa_text *text, pa_error *err)
{
    char resolved[PATH_MAX];
    const pa_model *model = pa_run_model(run);
    const pa_run_options *how = pa_run_opened_with(run);
    const char *path = pa_run_path(run);
    if (realpath(path, resolved) != NULL) {
        path = resolved;
    }
    return pa_text_printf(text, err, "%s\n%s\n%s\n%s\n%s\n%lld\n%lld %lld %lld %lld %.17g %.17g %d\n", pa_version(),
                          pa_run_name(run), path, how->layout, how->naming, (long long)pa_run_unscrambled_batch(run),
                          (long long)model->d_model, (long long)model->n_layers, (long long)model->n_heads,
                          (long long)model->n_kv_heads, model->rope_theta, model->rope_share, (int)model->rope_other);
}

static pa_status describe_step(const pa_plan *plan, pa_plan_place place, const char *what, pa_text *text, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_text_printf(text, err, "%s %lld ", what, (long long)place.step));
    PA_TRY(place.step >= 0 ? pa_run_identify(plan->runs[place.run].run, place.step, text, err) : PA_OK);
    PA_TRY(pa_text_append(text, "\n", err));

cleanup:
    return status;
}

/* What is compared with, or is a second checkpoint, by its step: "final" is another one when the run has gone on. */
static pa_status describe_target(const pa_plan *plan, const pa_plan_item *item, pa_text *text, pa_error *err)
{
    const int64_t fixed = item->against == PA_AGAINST_TARGET ? plan->targets[item->target].step : -1;
    return pa_text_printf(text, err, "%d %lld %lld|", (int)item->against, (long long)item->run, (long long)fixed);
}

static pa_status describe_reference(const pa_plan *plan, const pa_plan_site *site, pa_text *text, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_config_when when = site->part->reference.when;
    for (int64_t r = 0; when != PA_WHEN_SAME && when != PA_WHEN_PREVIOUS && r < plan->n_runs; r++) {
        const int64_t step = pa_plan_reference_step(plan, site, (pa_plan_place){r, -1});
        PA_TRY(describe_step(plan, (pa_plan_place){r, step}, "reference", text, err));
    }

cleanup:
    return status;
}

pa_status pa_plan_hash(const pa_analysis *analysis, uint64_t *out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &analysis->plan;
    pa_text text = {.mem = plan->mem};
    for (int64_t i = 0; i < plan->n_runs; i++) {
        PA_TRY(describe_run(plan->runs[i].run, &text, err));
    }
    for (int64_t i = 0; i < plan->n_steps; i++) {
        PA_TRY(describe_step(plan, (pa_plan_place){0, plan->steps[i]}, "step", &text, err));
    }
    for (int64_t i = 0; i < plan->n_targets; i++) {
        PA_TRY(describe_step(plan, plan->targets[i], "target", &text, err));
    }
    for (int64_t i = 0; i < plan->n_sites; i++) {
        const pa_options *options = pa_component_options(plan->sites[i].part->component);
        PA_TRY(pa_text_printf(&text, err, "site %s|%d\n", plan->site_keys.texts[i], (int)pa_options_compat(options)));
        PA_TRY(describe_reference(plan, &plan->sites[i], &text, err));
    }
    for (int64_t i = 0; i < plan->n_items; i++) {
        PA_TRY(describe_target(plan, &plan->items[i], &text, err));
        PA_TRY(pa_text_printf(&text, err, "item %s|%s\n", plan->item_keys.texts[i], plan->items[i].file));
    }
    *out = pa_hash_text(text.data);

cleanup:
    pa_text_free(&text);
    return status;
}
