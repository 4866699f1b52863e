/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief From a configuration and a run to a plan, which belongs to an analysis. */
#include "analysis/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

/* The steps asked for that the run has; both lists ascend. */
static pa_status plan_steps(pa_analysis *analysis, pa_error *err)
{
    pa_status status = PA_OK;
    pa_plan *plan = &analysis->plan;
    const pa_config *config = analysis->config;
    int64_t n_there = 0;
    int64_t n_absent = 0;
    int64_t t = 0;
    char text[256];
    char what[300];
    const int64_t *there = pa_run_steps(analysis->run, &n_there);
    int64_t *absent = pa_alloc_raw(plan->mem, config->n_steps, sizeof(*absent));
    PA_REQUIRE_MEMORY(absent, err, "a plan");
    plan->steps =
        pa_arena_alloc(&plan->arena, n_there < config->n_steps ? n_there : config->n_steps, sizeof(*plan->steps));
    PA_REQUIRE_MEMORY(plan->steps, err, "a plan");
    for (int64_t s = 0; s < config->n_steps; s++) {
        while (t < n_there && there[t] < config->steps[s]) {
            t++;
        }
        if (t < n_there && there[t] == config->steps[s]) {
            plan->steps[plan->n_steps++] = there[t];
        } else {
            absent[n_absent++] = config->steps[s];
        }
    }
    pa_plan_list_steps(text, sizeof(text), absent, n_absent);
    (void)snprintf(what, sizeof(what), "step %s", text);
    if (plan->n_steps == 0) {
        PA_TRY(pa_plan_fail_steps(analysis->run, err, what));
    }
    if (n_absent > 0) {
        pa_log(analysis->ctx, PA_LOG_WARNING, "run '%s' has no step %s: skipped", pa_run_name(analysis->run), text);
    }

cleanup:
    pa_free(plan->mem, absent);
    return status;
}

static pa_status make_plan(pa_analysis *analysis, pa_error *err)
{
    pa_status status = PA_OK;
    pa_plan *plan = &analysis->plan;
    const pa_config *config = analysis->config;
    const char **files = NULL;
    PA_TRY(plan_steps(analysis, err));
    PA_TRY(pa_plan_file_names(config, &plan->arena, &files, err));
    PA_TRY(pa_plan_open_runs(analysis, err));
    for (int64_t m = 0; m < config->n_metrics; m++) {
        const pa_config_metric *metric = &config->metrics[m];
        const int64_t first_pool = pa_plan_pools_begin(plan);
        pa_plan_item item = {.metric = metric, .file = files[m], .suffix = ""};
        PA_TRY(pa_plan_against_of(analysis, metric, &item, err));
        for (int64_t p = 0; p < metric->n_parts; p++) {
            PA_TRY(pa_plan_part(analysis, &item, &metric->parts[p], err));
        }
        pa_plan_pools_end(plan, first_pool);
    }
    PA_TRY(pa_plan_list_layers(plan, err));

cleanup:
    return status;
}

pa_status pa_analysis_create(pa_context *ctx, const pa_config *config, const pa_run *run, pa_analysis **out,
                             pa_error *err)
{
    pa_status status = PA_OK;
    pa_analysis *analysis = NULL;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_analysis_create: an argument is NULL");
    *out = NULL;
    PA_REQUIRE(ctx != NULL && config != NULL && run != NULL, err, PA_ERR_INVALID,
               "pa_analysis_create: an argument is NULL");
    PA_REQUIRE(config->ctx == ctx, err, PA_ERR_INVALID, "pa_analysis_create: the configuration has another context");
    analysis = pa_alloc(&ctx->mem, 1, sizeof(*analysis));
    PA_REQUIRE_MEMORY(analysis, err, "an analysis");
    analysis->ctx = ctx;
    analysis->config = config;
    analysis->run = run;
    analysis->plan.mem = &ctx->mem;
    analysis->plan.run_name = pa_run_name(run);
    analysis->plan.arena.mem = &ctx->mem;
    analysis->plan.target_keys.arena.mem = &ctx->mem;
    analysis->plan.site_keys.arena.mem = &ctx->mem;
    analysis->plan.item_keys.arena.mem = &ctx->mem;
    PA_TRY(make_plan(analysis, err));
    pa_row_notes_tell(analysis);
    pa_pico_notes_tell(analysis);
    *out = analysis;
    analysis = NULL;

cleanup:
    pa_analysis_destroy(analysis);
    return status;
}

void pa_analysis_destroy(pa_analysis *analysis)
{
    if (analysis != NULL) {
        pa_plan *plan = &analysis->plan;
        pa_plan_close_runs(plan);
        for (int64_t i = 0; i < plan->n_pools; i++) {
            pa_free(plan->mem, plan->pools[i].items);
        }
        pa_free(plan->mem, plan->pools);
        pa_free(plan->mem, plan->targets);
        pa_free(plan->mem, plan->sites);
        pa_free(plan->mem, plan->items);
        pa_index_free(&plan->target_keys);
        pa_index_free(&plan->site_keys);
        pa_index_free(&plan->item_keys);
        pa_arena_free(&plan->arena);
        pa_free(plan->mem, analysis->journal_path);
        pa_free(plan->mem, analysis);
    }
}
