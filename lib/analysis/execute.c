/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Executing an analysis, from begin to end. */
#include <string.h>
#include <time.h>

#include "analysis/execution.h"
#include "analysis/results_impl.h"
#include "analysis/team.h"
#include "base/alloc.h"

int64_t pa_execution_next(pa_execution *x)
{
    const int64_t count = pa_units_count(x->plan);
    while (x->next_unit < count && pa_record_has(x->record, x->next_unit)) {
        x->next_unit++;
    }
    return x->next_unit < count ? x->next_unit++ : -1;
}

pa_status pa_execution_accept(pa_execution *x, const char *bytes, int64_t length, int32_t elsewhere, pa_error *err)
{
    pthread_mutex_lock(&x->lock);
    const int64_t values = pa_record_progress_now(x->record).values;
    pa_status status = pa_record_accept(x->record, bytes, length, err);
    if (status == PA_OK && elsewhere) {
        x->kept_units++;
        x->kept_values += pa_record_progress_now(x->record).values - values;
    }
    pthread_mutex_unlock(&x->lock);
    if (status == PA_OK && x->journal != NULL) {
        status = pa_journal_append(x->journal, bytes, length, err);
    }
    return status;
}

/** @name The feed of one process
 * @{ */

static pa_status next(void *user, int64_t *unit, pa_error *err)
{
    (void)err;
    *unit = pa_execution_next(user);
    return PA_OK;
}

static pa_status done(void *user, int64_t unit, const char *bytes, int64_t length, pa_error *err)
{
    (void)unit;
    return pa_execution_accept(user, bytes, length, 0, err);
}

static pa_status tick(void *user, pa_error *err)
{
    return pa_execution_report(user, err);
}
/** @} */

/** @name Progress
 * @{ */

/* Units that have not begun are taken to be like those that have. */
static int64_t estimate_values(const pa_execution *x, const pa_units_progress *at)
{
    const int64_t units = x->kept_units + at->begun;
    const int64_t values = x->kept_values + at->values;
    const int64_t to_come = pa_units_count(x->plan) - units;
    return values + (units > 0 ? (int64_t)((double)values / (double)units * (double)to_come) : 0);
}

static pa_status report_at(pa_execution *x, int64_t step_number, int64_t steps_done, pa_error *err)
{
    const pa_units_progress at = pa_units_progress_now(x->units);
    pthread_mutex_lock(&x->lock);
    const int64_t kept = x->kept_values;
    const int64_t values = estimate_values(x, &at);
    pthread_mutex_unlock(&x->lock);
    const pa_progress progress = {.struct_size = sizeof(progress),
                                  .step = x->plan->steps[step_number],
                                  .steps_done = steps_done,
                                  .steps = x->plan->n_steps,
                                  .values_done = kept + at.values_done,
                                  .values = values};
    if (x->progress == NULL || x->progress(x->user, &progress) != 0) {
        return PA_OK;
    }
    return pa_fail(err, PA_ERR_CANCELLED, "cancelled at step %lld", (long long)progress.step);
}

pa_status pa_execution_report(pa_execution *x, pa_error *err)
{
    pa_status status = PA_OK;
    pthread_mutex_lock(&x->lock);
    const int64_t steps_done = pa_record_progress_now(x->record).steps_done;
    pthread_mutex_unlock(&x->lock);
    if (x->steps_reported == steps_done && steps_done < x->plan->n_steps) {
        PA_TRY(report_at(x, steps_done, steps_done, err));
    }
    while (x->steps_reported < steps_done) { /* each step that was finished is told */
        x->steps_reported++;
        PA_TRY(report_at(x, x->steps_reported - 1, x->steps_reported, err));
    }

cleanup:
    return status;
}
/** @} */

/** @name From begin to end
 * @{ */

static pa_status keep(void *user, const char *bytes, int64_t length, pa_error *err)
{
    pa_execution *x = user;
    return pa_record_accept(x->record, bytes, length, err);
}

static pa_status open_journal(pa_execution *x, pa_error *err)
{
    pa_status status = PA_OK;
    uint64_t hash = 0;
    const pa_analysis *analysis = x->analysis;
    if (analysis->journal_path != NULL) {
        const int resume = analysis->journal_mode == PA_JOURNAL_RESUME;
        PA_TRY(pa_plan_hash(analysis, &hash, err));
        PA_TRY(pa_journal_open(x->plan->mem, analysis->journal_path, hash, resume ? keep : NULL, x, &x->journal, err));
    }
    const pa_record_progress kept = pa_record_progress_now(x->record);
    x->kept_units = kept.units;
    x->kept_values = kept.values;
    x->steps_reported = kept.steps_done;

cleanup:
    return status;
}

static pa_status start(pa_execution *x, const pa_analysis *analysis, pa_error *err)
{
    pa_status status = PA_OK;
    x->analysis = analysis;
    x->plan = &analysis->plan;
    PA_TRY(pa_record_create(analysis, &x->record, err));
    PA_TRY(pa_units_create(analysis, &x->units, err));
    PA_TRY(open_journal(x, err));

cleanup:
    return status;
}

static void end(pa_execution *x)
{
    pa_journal_close(x->journal);
    pa_units_destroy(x->units);
    pa_record_destroy(x->record);
    pthread_mutex_destroy(&x->lock);
}

/* After a failure what was done is to be safe. After success the caller has it all, and flushing takes longer than
 * many an analysis. */
static pa_status run(pa_execution *x, pa_error *err)
{
    const pa_unit_feed feed = {.next = next, .done = done, .tick = tick, .user = x};
    const int shared = pa_team_is_shared(x->analysis);
    const pa_status status = shared ? pa_team_lead(x, err) : pa_units_run(x->units, &feed, err);
    if (status != PA_OK && x->journal != NULL) {
        (void)pa_journal_sync(x->journal, NULL); /* if this fails too, the first failure is what is told */
    }
    return status == PA_OK ? pa_execution_report(x, err) : status;
}

static double now_seconds(void)
{
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* A rank that is not the first. */
static pa_status follow(const pa_analysis *analysis, pa_progress_fn progress, void *user, pa_results **out,
                        pa_error *err)
{
    pa_results_cost cost = {.bytes_read = 0};
    const double started = now_seconds();
    pa_status status = pa_team_follow(analysis, progress, user, &cost.bytes_read, err);
    if (status == PA_OK) {
        status = pa_results_create(analysis->ctx, out, err);
    }
    if (status == PA_OK) {
        cost.seconds = now_seconds() - started;
        pa_results_set_cost(*out, &cost);
    }
    return status;
}

pa_status pa_analysis_execute(pa_analysis *analysis, pa_progress_fn progress, void *user, pa_results **out,
                              pa_error *err)
{
    pa_status status = PA_OK;
    const double started = now_seconds();
    pa_execution x = {.progress = progress, .user = user, .lock = PTHREAD_MUTEX_INITIALIZER};
    pa_error unheard = {0};
    if (out != NULL) {
        *out = NULL;
    }
    if (analysis == NULL || out == NULL) {
        return pa_fail(err, PA_ERR_INVALID, "pa_analysis_execute: an argument is NULL");
    }
    if (analysis->team.rank > 0) {
        return follow(analysis, progress, user, out, err);
    }
    err = err != NULL ? err : &unheard; /* the others of a team are told */
    const int64_t queries = atomic_load(&analysis->ctx->queries);
    const int64_t computed = atomic_load(&analysis->ctx->computed);
    PA_TRY(pa_plan_fetch(analysis, err));
    PA_TRY(start(&x, analysis, err));
    PA_TRY(run(&x, err));
    PA_REQUIRE(pa_record_progress_now(x.record).values > 0, err, PA_ERR_NOT_FOUND,
               "nothing to compute: none of the steps of run '%s' has the splits and kinds asked for",
               pa_run_name(analysis->run));
    pa_record_tell_skips(x.record);
    *out = pa_record_take(x.record);
    const pa_results_cost cost = {.bytes_read = pa_units_bytes_read(x.units) + x.bytes_elsewhere,
                                  .seconds = now_seconds() - started,
                                  .queries = atomic_load(&analysis->ctx->queries) - queries,
                                  .computed = atomic_load(&analysis->ctx->computed) - computed};
    pa_results_set_cost(*out, &cost);

cleanup:
    if (status != PA_OK && x.record != NULL) {
        pa_record_tell_skips(x.record);
    }
    pa_team_dismiss(analysis, status, err);
    end(&x);
    return status;
}
/** @} */

pa_status pa_analysis_set_journal(pa_analysis *analysis, const char *path, pa_journal_mode mode, pa_error *err)
{
    pa_status status = PA_OK;
    char *copy = NULL;
    PA_REQUIRE(analysis != NULL, err, PA_ERR_INVALID, "pa_analysis_set_journal: analysis is NULL");
    PA_REQUIRE(mode == PA_JOURNAL_START || mode == PA_JOURNAL_RESUME, err, PA_ERR_INVALID, "unknown journal mode %d",
               (int)mode);
    if (path != NULL) {
        PA_REQUIRE(path[0] != '\0', err, PA_ERR_INVALID, "pa_analysis_set_journal: the path is \"\"");
        PA_REQUIRE_MEMORY(copy = pa_strdup(analysis->plan.mem, path), err, "the path of a journal");
    }
    pa_free(analysis->plan.mem, analysis->journal_path);
    analysis->journal_path = copy;
    analysis->journal_mode = mode;

cleanup:
    return status;
}
