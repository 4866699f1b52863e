/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief One layer at one step, from opened checkpoints to encoded rows. */
#ifndef PA_ANALYSIS_UNIT_H
#define PA_ANALYSIS_UNIT_H
#include <stdatomic.h>

#include "analysis/source.h"
#include "analysis/unit_rows.h"

/** One matrix; all metrics over it are computed in one go, so that they find each other's work in its memo. */
typedef struct pa_unit_task {
    int64_t site;
    int64_t matrix; /**< Number among the matrices of the site. */
    int32_t whole;  /**< Of heads that are tasks of their own. */
    double cost;
} pa_unit_task;

/** What becomes of an item in a unit. */
typedef struct pa_unit_item {
    int64_t first_value;         /**< Where its values start in `values`; -1: there are none. */
    int32_t skipped;             /**< There are none because of what is absent: */
    pa_kind absent_kind;         /**< tensors of this kind ... */
    int64_t absent_step;         /**< ... at this step ... */
    pa_skip_where absent_where;  /**< ... of what. */
    const pa_parts *counterpart; /**< Compared with; NULL: nothing, or what is compared is a pair. */
} pa_unit_item;

typedef struct pa_unit {
    const pa_plan *plan;
    int64_t number;
    pa_unit_place place;
    const pa_plan_layer *layer;
    pa_sources *sources;
    pa_source *source;
    const pa_parts **parts; /**< By number of the site in the layer; NULL where none are asked for. */
    pa_built **held;        /**< What the unit uses and no target keeps. */
    int64_t n_held;
    int64_t held_capacity;
    int32_t rolls; /**< Some of it is compared with at the next step. */
    pa_unit_item *items;
    pa_value *values;
    int64_t n_values;
    pa_unit_task *tasks; /**< Wholes after heads; the dearest first. */
    int64_t n_tasks;
    int64_t bytes; /**< Estimate of what it takes while it is computed. */

    /* The scheduler's (units.c). */
    int64_t first_number; /**< Of its tasks in the pool. */
    int64_t started;      /**< Tasks. */
    int64_t ended;        /**< Tasks. */
    struct pa_unit *next;
} pa_unit;

/** Find what there is data for and build it; reads no tensor. One thread at a time, as for the sources. */
pa_status pa_unit_create(pa_sources *sources, int64_t number, pa_unit **out, pa_error *err);

/** @name unit_parts.c: what a unit is computed of
 * @{ */
/** Build what item number `i` of the layer needs, or note what is absent. */
pa_status pa_unit_find_parts(pa_unit *unit, int64_t i, pa_error *err);
/** Once all are built: the next step may find what it compares with. */
void pa_unit_roll(pa_unit *unit);
/** Announce what will be read, and estimate what it takes. */
void pa_unit_announce(pa_unit *unit);
/** @} */

/** Compute a task; any thread. Adds to `values_done` one by one. */
pa_status pa_unit_run(pa_unit *unit, int64_t task, atomic_llong *values_done, pa_error *err);

/** The values, once all tasks are done. */
pa_status pa_unit_encode(const pa_unit *unit, pa_text *bytes, pa_error *err);

/** Let go of the matrices; what remains is small. One thread at a time, as for the sources. */
void pa_unit_release(pa_unit *unit);
void pa_unit_destroy(pa_unit *unit);
#endif
