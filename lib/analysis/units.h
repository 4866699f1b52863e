/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The executor. Its unit of work is one layer at one step: built when it starts, gone when its values are out.
 *
 * Units do not wait for each other: a thread that finds nothing to do in the earliest one takes from the next, as far
 * as `max_memory` lets it. Which units there are and where their rows go is the feed's affair, so that one process, a
 * resumed one and several machines compute in the same way.
 */
#ifndef PA_ANALYSIS_UNITS_H
#define PA_ANALYSIS_UNITS_H
#include "analysis/plan.h"

/** What a number of a unit stands for. */
typedef struct pa_unit_place {
    int64_t step_number;  /**< In pa_plan::steps. */
    int64_t step;         /**< Training step. */
    int64_t layer_number; /**< In pa_plan::layers. */
    int64_t layer;        /**< Layer. */
} pa_unit_place;

/** Units are numbered step by step and, within a step, by layer. */
int64_t pa_units_count(const pa_plan *plan);
pa_unit_place pa_unit_at(const pa_plan *plan, int64_t unit);

/**
 * Where units come from and go to. `next` and `done` may be called from any thread, but never two calls at a time;
 * `tick` is called on the thread that called pa_units_run(), now and then, also while `next` or `done` run elsewhere.
 * Any of them ends the run by failing.
 */
typedef struct pa_unit_feed {
    /** The next unit to compute, or -1: there is none left, and there is no further call. Numbers that ascend let each
     *  checkpoint be opened once. Called a little ahead of need: one unit beyond those being computed. */
    pa_status (*next)(void *user, int64_t *unit, pa_error *err);
    /** A unit has been computed; these are its rows (unit_rows.h), lent for the call. Units may end out of order. */
    pa_status (*done)(void *user, int64_t unit, const char *bytes, int64_t length, pa_error *err);
    /** May be NULL. */
    pa_status (*tick)(void *user, pa_error *err);
    void *user;
} pa_unit_feed;

/** Opaque: threads, opened checkpoints, units being computed. */
typedef struct pa_units pa_units;

pa_status pa_units_create(const pa_analysis *analysis, pa_units **out, pa_error *err);
void pa_units_destroy(pa_units *units);

/**
 * Compute all units of a feed. The first `tick` comes before anything is computed. On failure: the error of the
 * earliest unit that fails, and of the dearest task in it, whatever the number of threads; a failed pa_units can only be
 * destroyed. After success it may run another feed, which finds the targets that were built.
 */
pa_status pa_units_run(pa_units *units, const pa_unit_feed *feed, pa_error *err);

/** How far: may be asked in `tick`. */
typedef struct pa_units_progress {
    int64_t begun;       /**< Units that have been taken from the feed. */
    int64_t values;      /**< Values of those. */
    int64_t values_done; /**< Of them, computed. */
} pa_units_progress;
pa_units_progress pa_units_progress_now(const pa_units *units);

/** Bytes of files read so far; call while nothing runs. */
int64_t pa_units_bytes_read(const pa_units *units);
#endif
