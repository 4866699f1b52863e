/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Opened checkpoints: those of steps being computed, and those of targets, which stay. */
#ifndef PA_ANALYSIS_SOURCE_H
#define PA_ANALYSIS_SOURCE_H
#include "analysis/plan.h"

/** A step's checkpoint. */
typedef struct pa_source {
    int64_t step;
    pa_checkpoint *checkpoint;
    int64_t users; /**< Units and targets. */
    struct pa_source *next;
} pa_source;

/** A step that others are compared with. What is built of it is kept, with all that is derived from it. */
typedef struct pa_target {
    pa_source *source; /**< NULL until first needed. */
    pa_parts **parts;  /**< By site; NULL where nothing was built. */
    int32_t *counted;  /**< By layer: 1 when what is kept of it is in pa_sources::kept. */
} pa_target;

/** All of an execution. One thread at a time, except that what has been built may be read by any. */
typedef struct pa_sources {
    const pa_analysis *analysis;
    pa_source *open;
    pa_source *latest;  /**< Stays open without users: the next unit is most likely of the same step. */
    pa_target *targets; /**< By number of the target. */
    int64_t kept;       /**< Bytes that targets hold, as estimated. */
    int64_t bytes_read; /**< Of sources that are closed. */
} pa_sources;

pa_status pa_sources_start(pa_sources *sources, const pa_analysis *analysis, pa_error *err);
void pa_sources_end(pa_sources *sources);

/** The step's checkpoint, opened now if need be; give it back with pa_sources_release(). */
pa_status pa_sources_open(pa_sources *sources, int64_t step, pa_source **out, pa_error *err);
void pa_sources_release(pa_sources *sources, pa_source *source);

/** A target's checkpoint, opened now if need be; it stays open. */
pa_status pa_sources_target(pa_sources *sources, int64_t target, pa_source **out, pa_error *err);

/** Build a site of a step. Errors name step, component and layer. */
pa_status pa_source_build(const pa_source *source, const pa_plan *plan, int64_t site, pa_parts **out, pa_error *err);

int64_t pa_sources_bytes_read(const pa_sources *sources);
#endif
