/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief One opened checkpoint and what has been built of it. */
#ifndef PA_ANALYSIS_SOURCE_H
#define PA_ANALYSIS_SOURCE_H
#include "analysis/plan.h"

typedef struct pa_source {
    int64_t step;
    pa_checkpoint *checkpoint; /**< NULL while closed. */
    pa_parts **parts;          /**< By site; NULL where nothing was built. */
} pa_source;

/** Open the step unless that was done; on failure the source is closed. */
pa_status pa_source_open(pa_source *source, const pa_analysis *analysis, int64_t step, pa_error *err);

/** Build a site unless that was done. Errors name step, component and layer. */
pa_status pa_source_build(pa_source *source, const pa_plan *plan, int64_t site, pa_error *err);

/** End what was built of a site. */
void pa_source_drop(pa_source *source, int64_t site);

/** End everything; returns the bytes that were read. A closed source may be closed again. */
int64_t pa_source_close(pa_source *source, const pa_plan *plan);
#endif
