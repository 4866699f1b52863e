/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Which steps of which runs are compared with. */
#include <stdio.h>
#include <string.h>

#include "analysis/plan.h"
#include "base/alloc.h"
#include "metrics/metric_impl.h"

/** @name Steps of runs
 * @{ */

void pa_plan_list_steps(char *out, size_t room, const int64_t *steps, int64_t n)
{
    enum { SHOWN = 8 };
    size_t used = 0;
    out[0] = '\0';
    for (int64_t i = 0; i < n; i++) {
        const char *separator = i == 0 ? "" : i == SHOWN ? " ... " : ", ";
        if (i == SHOWN) {
            i = n - 1;
        }
        const int written = snprintf(out + used, room - used, "%s%lld", separator, (long long)steps[i]);
        if (written < 0 || (size_t)written >= room - used) {
            return;
        }
        used += (size_t)written;
    }
}

pa_status pa_plan_fail_steps(const pa_run *run, pa_error *err, const char *what)
{
    char there[256];
    int64_t n = 0;
    const int64_t *steps = pa_run_steps(run, &n);
    pa_plan_list_steps(there, sizeof(there), steps, n);
    return pa_fail(err, PA_ERR_NOT_FOUND, "run '%s' has no %s; it has %lld steps: %s", pa_run_name(run), what,
                   (long long)n, there);
}

/* How many of ascending numbers are less than `number`. */
static int64_t count_below(const int64_t *numbers, int64_t n, int64_t number)
{
    int64_t low = 0;
    int64_t high = n;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (numbers[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int pa_run_has_step(const pa_run *run, int64_t step)
{
    int64_t n = 0;
    const int64_t *steps = pa_run_steps(run, &n);
    const int64_t place = count_below(steps, n, step);
    return place < n && steps[place] == step;
}

int64_t pa_plan_previous(const pa_plan *plan, int64_t step)
{
    const int64_t place = count_below(plan->steps, plan->n_steps, step);
    return place > 0 ? plan->steps[place - 1] : -1;
}

/* Words are relative to the run; runs have at least one step. */
static int64_t resolve(const pa_plan *plan, const pa_config_step *which, pa_plan_place place)
{
    int64_t n = 0;
    const int64_t *steps = pa_run_steps(plan->runs[place.run].run, &n);
    switch (which->when) {
    case PA_WHEN_STEP:
        return which->step;
    case PA_WHEN_PREVIOUS:
        return pa_plan_previous(plan, place.step);
    case PA_WHEN_INITIAL:
        return steps[0];
    case PA_WHEN_FINAL:
        return steps[n - 1];
    default:
        return place.step;
    }
}
/** @} */

/** @name Runs
 * @{ */

static pa_status open_run(pa_analysis *analysis, const pa_config_metric *metric, pa_error *err)
{
    pa_status status = PA_OK;
    pa_plan *plan = &analysis->plan;
    char place[400];
    for (int64_t r = 1; r < plan->n_runs; r++) {
        if (strcmp(plan->runs[r].text, metric->target.run) == 0) {
            return PA_OK;
        }
    }
    pa_plan_run *run = &plan->runs[plan->n_runs];
    /* What says how one run lies in its directory says it of the others, too. */
    status =
        pa_run_open_with(analysis->ctx, metric->target.run_path, pa_run_opened_with(analysis->run), &run->own, err);
    if (status == PA_OK) {
        run->text = metric->target.run;
        run->run = run->own;
        plan->n_runs++;
    } else if (status != PA_ERR_NOMEM) {
        (void)snprintf(place, sizeof(place), "%.200s:%d: the target_run of '%.64s'",
                       pa_yaml_name(analysis->config->yaml), (int)metric->target.node->line, metric->name);
        pa_error_prefix(err, place);
    }
    return status;
}

pa_status pa_plan_open_runs(pa_analysis *analysis, pa_error *err)
{
    pa_status status = PA_OK;
    pa_plan *plan = &analysis->plan;
    const pa_config *config = analysis->config;
    plan->runs = pa_arena_alloc(&plan->arena, config->n_metrics + 1, sizeof(*plan->runs));
    PA_REQUIRE_MEMORY(plan->runs, err, "a plan");
    plan->runs[plan->n_runs++] = (pa_plan_run){.text = "", .run = analysis->run};
    for (int64_t m = 0; m < config->n_metrics; m++) {
        if (config->metrics[m].target.run[0] != '\0') {
            PA_TRY(open_run(analysis, &config->metrics[m], err));
        }
    }

cleanup:
    return status;
}

void pa_plan_close_runs(pa_plan *plan)
{
    for (int64_t r = 0; r < plan->n_runs; r++) {
        pa_run_destroy(plan->runs[r].own);
    }
}

static int64_t find_run(const pa_plan *plan, const char *text)
{
    int64_t r = 0;
    while (strcmp(plan->runs[r].text, text) != 0) {
        r++;
    }
    return r;
}
/** @} */

/** @name Targets
 * @{ */

pa_status pa_plan_add_target(pa_plan *plan, pa_plan_place place, int64_t *out, pa_error *err)
{
    pa_status status = PA_OK;
    char key[48];
    const int64_t known = plan->target_keys.count;
    PA_GROW(plan->mem, plan->targets, plan->target_capacity, plan->n_targets + 1, err, "a plan");
    (void)snprintf(key, sizeof(key), "%lld %lld", (long long)place.run, (long long)place.step);
    PA_TRY(pa_index_add(&plan->target_keys, key, out, err));
    if (*out == known) {
        plan->targets[plan->n_targets++] = place;
    }

cleanup:
    return status;
}

/* Of another run, at the steps that are analysed: what it lacks is skipped, and told. */
static pa_status check_other_run(pa_analysis *analysis, const pa_config_metric *metric, int64_t run, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &analysis->plan;
    const pa_run *other = plan->runs[run].run;
    int64_t n = 0;
    char text[256];
    char what[400];
    const int previous = metric->target.checkpoint.when == PA_WHEN_PREVIOUS;
    int64_t *absent = pa_alloc_raw(plan->mem, plan->n_steps, sizeof(*absent));
    PA_REQUIRE_MEMORY(absent, err, "a plan");
    for (int64_t s = 0; s < plan->n_steps - previous; s++) {
        if (!pa_run_has_step(other, plan->steps[s])) {
            absent[n++] = plan->steps[s];
        }
    }
    pa_plan_list_steps(text, sizeof(text), absent, n);
    (void)snprintf(what, sizeof(what), "step %s, with which '%.64s' compares", text, metric->name);
    if (n > 0 && n == plan->n_steps - previous) {
        PA_TRY(pa_plan_fail_steps(other, err, what));
    }
    if (n > 0) {
        pa_log(analysis->ctx, PA_LOG_WARNING, "run '%s' has no %s: skipped", pa_run_name(other), what);
    }

cleanup:
    pa_free(plan->mem, absent);
    return status;
}

pa_status pa_plan_against_of(pa_analysis *analysis, const pa_config_metric *metric, pa_plan_item *item, pa_error *err)
{
    pa_status status = PA_OK;
    pa_plan *plan = &analysis->plan;
    const pa_config_target *target = &metric->target;
    char what[160];
    item->run = find_run(plan, target->run);
    item->target = -1;
    item->pool = plan->n_pools;
    switch (target->compare) {
    case PA_COMPARE_NOTHING:
        item->against = PA_AGAINST_NOTHING;
        return PA_OK;
    case PA_COMPARE_PAIRS:
        item->against = PA_AGAINST_SECOND;
        return PA_OK;
    case PA_COMPARE_STEPS:
        item->against = PA_AGAINST_TARGET;
        return PA_OK;
    case PA_COMPARE_LAYERS:
        item->against = PA_AGAINST_SAME_STEP;
        item->pool = -1; /* all pairs together are no vector: each layer would be in it many times */
        return PA_OK;
    default:
        break;
    }
    if (target->checkpoint.when == PA_WHEN_SAME || target->checkpoint.when == PA_WHEN_PREVIOUS) {
        item->against = target->checkpoint.when == PA_WHEN_SAME ? PA_AGAINST_SAME_STEP : PA_AGAINST_PREVIOUS;
        return item->run > 0 ? check_other_run(analysis, metric, item->run, err) : PA_OK;
    }
    const pa_run *run = plan->runs[item->run].run;
    const pa_plan_place place = {item->run, resolve(plan, &target->checkpoint, (pa_plan_place){item->run, -1})};
    if (!pa_run_has_step(run, place.step)) {
        (void)snprintf(what, sizeof(what), "step %lld, the target_checkpoint of '%.64s'", (long long)place.step,
                       metric->name);
        PA_TRY(pa_plan_fail_steps(run, err, what));
    }
    item->against = PA_AGAINST_TARGET;
    PA_TRY(pa_plan_add_target(plan, place, &item->target, err));

cleanup:
    return status;
}

pa_status pa_plan_check_reference(const pa_analysis *analysis, const pa_config_part *part, int64_t run, pa_error *err)
{
    char what[160];
    for (int64_t r = 0; part->reference.when == PA_WHEN_STEP && r <= run; r += run > 0 ? run : 1) {
        const pa_run *of = analysis->plan.runs[r].run;
        if (!pa_run_has_step(of, part->reference.step)) {
            (void)snprintf(what, sizeof(what), "step %lld, the reference of '%.64s'", (long long)part->reference.step,
                           part->name);
            return pa_plan_fail_steps(of, err, what);
        }
    }
    return PA_OK;
}

int64_t pa_plan_target_step(const pa_plan *plan, const pa_plan_item *item, int64_t step)
{
    switch (item->against) {
    case PA_AGAINST_TARGET:
        return plan->targets[item->target].step;
    case PA_AGAINST_SAME_STEP:
        return step;
    case PA_AGAINST_PREVIOUS:
        return pa_plan_previous(plan, step);
    default:
        return -1;
    }
}

int pa_plan_is_asked(const pa_plan *plan, const pa_plan_item *item, int64_t step)
{
    const int symmetric = (pa_metric_ops_of(item->metric->metric)->flags & PA_METRIC_SYMMETRIC) != 0;
    const int64_t target = pa_plan_target_step(plan, item, step);
    if (item->metric->target.compare == PA_COMPARE_STEPS) {
        return !symmetric || target <= step;
    }
    return item->run == 0 || target < 0 || pa_run_has_step(plan->runs[item->run].run, target);
}

int64_t pa_plan_reference_step(const pa_plan *plan, const pa_plan_site *site, pa_plan_place place)
{
    const int64_t step = resolve(plan, &site->part->reference, place);
    return pa_run_has_step(plan->runs[place.run].run, step) ? step : -1;
}
/** @} */
