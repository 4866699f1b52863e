/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Opened checkpoints, and what is built of them: for one unit, for the next step, or for as long as it is a target.
 */
#ifndef PA_ANALYSIS_SOURCE_H
#define PA_ANALYSIS_SOURCE_H
#include "analysis/plan.h"

/** The checkpoint of a step of a run. */
typedef struct pa_source {
    pa_plan_place place;
    pa_checkpoint *checkpoint;
    int64_t users; /**< Units, and what is built of it. */
    int32_t stays; /**< Open to the end: a target, or the second checkpoint of components. */
    struct pa_source *next;
} pa_source;

/** What is built of a site, with all that is derived from it, until nobody uses it any more. */
typedef struct pa_built {
    pa_source *source;
    pa_source *reference; /**< The second checkpoint of the component; NULL: it needs none. */
    int64_t site;
    pa_parts *parts;
    int64_t users;
} pa_built;

/** A step that others are compared with. What is built of it is kept. */
typedef struct pa_target {
    pa_built **built; /**< By site; NULL where nothing was built; NULL until first needed. */
    int32_t *counted; /**< By layer: 1 when what is kept of it is in pa_sources::kept. */
} pa_target;

/** All of an execution. One thread at a time, except that what has been built may be read by any. */
typedef struct pa_sources {
    const pa_analysis *analysis;
    pa_source *open;
    int64_t step;             /**< Of the latest unit; sources of this step stay open without users ... */
    int64_t previous;         /**< ... and so do those of the one before, if it is compared with; else -1. */
    pa_target *targets;       /**< By number of the target. */
    pa_built **rolling;       /**< By site: of the latest step, for the next one; NULL where that is not compared. */
    int32_t *rolling_counted; /**< By layer: 1 when what is kept so is in `kept`. */
    int64_t kept;             /**< Bytes that targets and the step before hold, as estimated. */
    int64_t bytes_read;       /**< Of sources that are closed. */
} pa_sources;

pa_status pa_sources_start(pa_sources *sources, const pa_analysis *analysis, pa_error *err);
void pa_sources_end(pa_sources *sources);

/** A unit of the step begins; give its source back with pa_sources_release(). */
pa_status pa_sources_begin(pa_sources *sources, int64_t step, pa_source **out, pa_error *err);
void pa_sources_release(pa_sources *sources, pa_source *source);

/** The source of a place, opened now if need be; lent until the next unit begins. */
pa_status pa_sources_look(pa_sources *sources, pa_plan_place place, pa_source **out, pa_error *err);

/** Where what is built of a site of a target is kept. */
pa_status pa_sources_kept(pa_sources *sources, int64_t target, int64_t site, pa_built ***out, pa_error *err);

/** Build a site of a place. Errors name run, step, component and layer. Yours: end it with pa_built_release(). */
pa_status pa_sources_build(pa_sources *sources, pa_plan_place place, int64_t site, pa_built **out, pa_error *err);
pa_built *pa_built_share(pa_built *built);
void pa_built_release(pa_sources *sources, pa_built *built);

/** Compare what is built of the latest step at the next one. */
void pa_sources_roll(pa_sources *sources, pa_built *built);

int64_t pa_sources_bytes_read(const pa_sources *sources);
#endif
