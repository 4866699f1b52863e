/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief State of one pa_analysis_execute(). */
#ifndef PA_ANALYSIS_EXECUTION_H
#define PA_ANALYSIS_EXECUTION_H
#include <stdatomic.h>

#include "analysis/plan.h"
#include "analysis/skips.h"
#include "analysis/source.h"
#include "base/pool.h"

/** One matrix; all metrics over it are computed in one go, so that they find each other's work in its memo. */
typedef struct pa_task {
    int64_t site;
    int64_t matrix; /**< Number among the matrices of the site. */
} pa_task;

typedef struct pa_execution {
    const pa_analysis *analysis;
    const pa_plan *plan;
    pa_pool *pool;
    pa_results *results;
    pa_skips skips;
    pa_progress_fn progress;
    void *user;

    pa_source *targets; /**< By number of the target; opened when first needed and kept. */
    pa_source own;      /**< The step's checkpoint, unless the step is a target. */
    pa_source *now;     /**< Of the step being computed. */
    int64_t step_number;
    int64_t bytes_read;

    int64_t *first_value; /**< By item: where its values start in `values`; -1: skipped at this step. */
    pa_value *values;
    int64_t n_values;
    int64_t values_capacity;
    pa_task *tasks;
    int64_t n_tasks;
    int64_t tasks_capacity;
    pa_index row_keys;     /**< File and key of the step's rows. */
    int64_t values_before; /**< Values of the steps that are done. */
    atomic_llong values_done;
} pa_execution;

/** Open checkpoints and build what the step needs: fills `first_value`, `tasks` and the number of values. */
pa_status pa_execution_prepare(pa_execution *x, int64_t step, pa_error *err);

/** Append the step's values to the results, in the order of the plan. */
pa_status pa_execution_record(pa_execution *x, pa_error *err);

/** End the matrices of the step, but not those that later steps are compared with. */
void pa_execution_finish(pa_execution *x);
#endif
