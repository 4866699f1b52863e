/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief State of one pa_analysis_execute(): units go to the executor, their rows to the record and the journal. */
#ifndef PA_ANALYSIS_EXECUTION_H
#define PA_ANALYSIS_EXECUTION_H
#include "analysis/journal.h"
#include "analysis/record.h"
#include "analysis/units.h"

typedef struct pa_execution {
    const pa_analysis *analysis;
    const pa_plan *plan;
    pa_units *units;
    pa_record *record;
    pa_journal *journal;     /**< NULL: none is kept. */
    int64_t next_unit;       /**< Units before it have been given out or were there from the start. */
    pthread_mutex_t lock;    /**< Of the record and what follows, which progress reads while others add to it. */
    int64_t kept_units;      /**< Units that were not computed here but were in the journal or came from others. */
    int64_t kept_values;     /**< Of those. */
    int64_t bytes_elsewhere; /**< Read by others. */

    pa_progress_fn progress;
    void *user;
    int64_t steps_reported;
} pa_execution;

/** The next unit whose rows are not there, in ascending order; -1 after the last one. */
int64_t pa_execution_next(pa_execution *x);

/** Rows of a unit, computed here or (1) elsewhere. One call at a time. */
pa_status pa_execution_accept(pa_execution *x, const char *bytes, int64_t length, int32_t elsewhere, pa_error *err);

/** Tell the caller how far the work is: PA_ERR_CANCELLED when that asks to stop. The calling thread's. */
pa_status pa_execution_report(pa_execution *x, pa_error *err);
#endif
