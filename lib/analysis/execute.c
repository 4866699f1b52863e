/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The executor: step by step, one task a matrix. */
#include "analysis/execution.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "analysis/results_impl.h"
#include "base/alloc.h"

/* The matrix of the same key at the target step; most often it has the same number. */
static const pa_matrix *find_counterpart(const pa_parts *parts, const char *key, int64_t guess)
{
    const char *guessed = pa_parts_key(parts, guess);
    if (guessed != NULL && strcmp(guessed, key) == 0) {
        return pa_parts_matrix(parts, guess);
    }
    for (int64_t k = 0; k < pa_parts_count(parts); k++) {
        if (strcmp(pa_parts_key(parts, k), key) == 0) {
            return pa_parts_matrix(parts, k);
        }
    }
    return NULL;
}

static pa_status compute(pa_execution *x, const pa_plan_item *item, const pa_task *task, pa_value *value, pa_error *err)
{
    const pa_parts *parts = x->now->parts[task->site];
    const char *key = pa_parts_key(parts, task->matrix);
    const pa_matrix *in[2] = {pa_parts_matrix(parts, task->matrix), NULL};
    char place[200];
    if (item->target >= 0) {
        in[1] = find_counterpart(x->targets[item->target].parts[task->site], key, task->matrix);
        if (in[1] == NULL) {
            pa_value_set_undefined(value, PA_STATE_UNSUPPORTED, "the target step has no matrix of this key");
            return PA_OK;
        }
    }
    pa_error_clear(err);
    const pa_status status = pa_metric_compute(item->metric->metric, in, item->target >= 0 ? 2 : 1, value, err);
    if (status != PA_OK) {
        (void)snprintf(place, sizeof(place), "step %lld, %.60s of %.100s", (long long)x->now->step, item->metric->name,
                       key);
        pa_error_prefix(err, place);
    }
    return status;
}

static pa_status run_task(void *user, int64_t index, pa_error *err)
{
    pa_execution *x = user;
    const pa_task *task = &x->tasks[index];
    pa_status status = PA_OK;
    for (int64_t i = x->plan->sites[task->site].first_item; i >= 0; i = x->plan->items[i].next_item) {
        if (x->first_value[i] >= 0) {
            PA_TRY(compute(x, &x->plan->items[i], task, &x->values[x->first_value[i] + task->matrix], err));
            atomic_fetch_add(&x->values_done, 1);
        }
    }

cleanup:
    return status;
}

/* Steps that are not open yet are taken to be like the one being computed. */
static pa_status report(pa_execution *x, int64_t steps_done, pa_error *err)
{
    const int64_t to_come = x->plan->n_steps - steps_done;
    const pa_progress progress = {.struct_size = sizeof(progress),
                                  .step = x->plan->steps[x->step_number],
                                  .steps_done = steps_done,
                                  .steps = x->plan->n_steps,
                                  .values_done = atomic_load(&x->values_done),
                                  .values = x->values_before + x->n_values * to_come};
    if (x->progress == NULL || x->progress(x->user, &progress) != 0) {
        return PA_OK;
    }
    return pa_fail(err, PA_ERR_CANCELLED, "cancelled at step %lld", (long long)progress.step);
}

static pa_status tick(void *user, int64_t done, pa_error *err)
{
    pa_execution *x = user;
    (void)done;
    return report(x, x->step_number, err);
}

static pa_status run_step(pa_execution *x, pa_error *err)
{
    pa_status status = PA_OK;
    pa_job job = {.task = run_task, .tick = tick, .user = x};
    PA_TRY(pa_execution_prepare(x, x->plan->steps[x->step_number], err));
    PA_TRY(report(x, x->step_number, err));
    job.count = x->n_tasks;
    PA_TRY(pa_pool_run(x->pool, &job, err));
    PA_TRY(pa_execution_record(x, err));
    x->values_before += x->n_values;
    pa_execution_finish(x);
    PA_TRY(report(x, x->step_number + 1, err));

cleanup:
    return status;
}

static pa_status start(pa_execution *x, const pa_analysis *analysis, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &analysis->plan;
    x->analysis = analysis;
    x->plan = plan;
    x->skips.ctx = analysis->ctx;
    x->row_keys.arena.mem = plan->mem;
    atomic_init(&x->values_done, 0);
    x->targets = pa_alloc(plan->mem, plan->n_targets, sizeof(*x->targets));
    PA_REQUIRE_MEMORY(x->targets, err, "an analysis");
    x->first_value = pa_alloc(plan->mem, plan->n_items, sizeof(*x->first_value));
    PA_REQUIRE_MEMORY(x->first_value, err, "an analysis");
    PA_TRY(pa_results_create(analysis->ctx, &x->results, err));
    PA_TRY(pa_pool_create(plan->mem, pa_context_threads(analysis->ctx), &x->pool, err));

cleanup:
    return status;
}

static void close_sources(pa_execution *x)
{
    x->bytes_read += pa_source_close(&x->own, x->plan);
    for (int64_t t = 0; x->targets != NULL && t < x->plan->n_targets; t++) {
        x->bytes_read += pa_source_close(&x->targets[t], x->plan);
    }
}

static void end(pa_execution *x)
{
    const pa_allocator *mem = x->plan->mem;
    close_sources(x);
    pa_pool_destroy(x->pool);
    pa_results_destroy(x->results);
    pa_skips_free(&x->skips);
    pa_index_free(&x->row_keys);
    pa_free(mem, x->targets);
    pa_free(mem, x->first_value);
    pa_free(mem, x->values);
    pa_free(mem, x->tasks);
}

static double now_seconds(void)
{
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

pa_status pa_analysis_execute(pa_analysis *analysis, pa_progress_fn progress, void *user, pa_results **out,
                              pa_error *err)
{
    pa_status status = PA_OK;
    const double started = now_seconds();
    pa_execution x = {.progress = progress, .user = user};
    if (out != NULL) {
        *out = NULL;
    }
    if (analysis == NULL || out == NULL) {
        return pa_fail(err, PA_ERR_INVALID, "pa_analysis_execute: an argument is NULL");
    }
    PA_TRY(start(&x, analysis, err));
    for (x.step_number = 0; x.step_number < x.plan->n_steps; x.step_number++) {
        PA_TRY(run_step(&x, err));
    }
    PA_REQUIRE(pa_results_count(x.results) > 0, err, PA_ERR_NOT_FOUND,
               "nothing to compute: none of the steps of run '%s' has the splits and kinds asked for",
               pa_run_name(analysis->run));
    close_sources(&x);
    pa_results_set_cost(x.results, x.bytes_read, now_seconds() - started);
    *out = x.results;
    x.results = NULL;

cleanup:
    pa_skips_tell(&x.skips);
    end(&x);
    return status;
}
