/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Rows of units, in whatever order they come, become results in the order of the plan. */
#ifndef PA_ANALYSIS_RECORD_H
#define PA_ANALYSIS_RECORD_H
#include "analysis/unit_rows.h"

/** Opaque. One thread at a time. */
typedef struct pa_record pa_record;

pa_status pa_record_create(const pa_analysis *analysis, pa_record **out, pa_error *err);
void pa_record_destroy(pa_record *record);

/** Take the rows of a unit. PA_ERR_FORMAT when they are malformed, PA_ERR_EXISTS when those of the unit are there. */
pa_status pa_record_accept(pa_record *record, const char *bytes, int64_t length, pa_error *err);

/** Whether the rows of a unit are there. */
int pa_record_has(const pa_record *record, int64_t unit);

typedef struct pa_record_progress {
    int64_t units;
    int64_t values;     /**< Of those units. */
    int64_t steps_done; /**< Steps that are complete, and so are all before. */
} pa_record_progress;
pa_record_progress pa_record_progress_now(const pa_record *record);

/** Warn of what was skipped in the steps that are done. */
void pa_record_tell_skips(const pa_record *record);

/** Once all units are there: the results, the caller's from now on. */
pa_results *pa_record_take(pa_record *record);
#endif
