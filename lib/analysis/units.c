/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The scheduler: what a thread does next.
 *
 * A unit is prepared, then its tasks run, then it is finished. Preparing and finishing touch what all units share and
 * happen one at a time; one unit is prepared ahead, so that its files are opened and fetched while others compute.
 */
#include "analysis/units.h"

#include "analysis/unit.h"
#include "base/alloc.h"
#include "base/pool.h"

/* Indices of a unit's tasks in the pool that are not tasks of the unit. */
enum { PREPARE = -1, FINISH = -2 };

struct pa_units {
    const pa_analysis *analysis;
    pa_pool *pool;
    pa_sources sources;
    const pa_unit_feed *feed;
    atomic_llong begun;
    atomic_llong values;
    atomic_llong values_done;

    /* Guarded by the pool's lock. */
    pa_unit *first; /* prepared and not finished, in the order of the feed */
    pa_unit *last;
    int64_t live; /* bytes of those that have started */
    int64_t kept; /* bytes that targets hold */
    int64_t next_number;
    int32_t serial; /* somebody prepares or finishes */
    int32_t feed_ended;

    pa_unit *prepared; /* by whoever is `serial` */
};

pa_status pa_units_create(const pa_analysis *analysis, pa_units **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = analysis->plan.mem;
    *out = NULL;
    pa_units *units = pa_alloc(mem, 1, sizeof(*units));
    PA_REQUIRE_MEMORY(units, err, "an analysis");
    units->analysis = analysis;
    atomic_init(&units->begun, 0);
    atomic_init(&units->values, 0);
    atomic_init(&units->values_done, 0);
    PA_TRY(pa_sources_start(&units->sources, analysis, err));
    PA_TRY(pa_pool_create(mem, pa_context_threads(analysis->ctx), &units->pool, err));
    *out = units;
    units = NULL;

cleanup:
    pa_units_destroy(units);
    return status;
}

void pa_units_destroy(pa_units *units)
{
    if (units != NULL) {
        const pa_allocator *mem = units->analysis->plan.mem;
        pa_pool_destroy(units->pool);
        pa_unit_destroy(units->prepared);
        while (units->first != NULL) {
            pa_unit *unit = units->first;
            units->first = unit->next;
            pa_unit_destroy(unit);
        }
        pa_sources_end(&units->sources);
        pa_free(mem, units);
    }
}

pa_units_progress pa_units_progress_now(const pa_units *units)
{
    pa_units_progress now;
    now.values_done = atomic_load(&units->values_done); /* first: it must not overtake what there is to do */
    now.values = atomic_load(&units->values);
    now.begun = atomic_load(&units->begun);
    return now;
}

int64_t pa_units_bytes_read(const pa_units *units)
{
    return pa_sources_bytes_read(&units->sources);
}

/** @name What comes next; with the pool's lock held
 * @{ */

static int take(pa_unit *unit, int64_t number, int64_t index, int64_t limit, pa_task *task)
{
    *task = (pa_task){.number = number, .index = index, .what = unit};
    return number < limit;
}

static int64_t finish_number(const pa_unit *unit)
{
    return unit->first_number + unit->n_tasks;
}

/* The earliest unit whose tasks have ended, or else one to look ahead to. */
static int next_serial(pa_units *units, int64_t limit, pa_task *task)
{
    for (pa_unit *unit = units->first; unit != NULL; unit = unit->next) {
        if (unit->ended == unit->n_tasks && take(unit, finish_number(unit), FINISH, limit, task)) {
            return 1;
        }
    }
    const int ahead = units->last != NULL && units->last->started == 0 && units->last->n_tasks > 0;
    return !ahead && !units->feed_ended && take(NULL, units->next_number, PREPARE, limit, task);
}

/* One unit is computed in any case. */
static int may_start(const pa_units *units, const pa_unit *unit)
{
    const int64_t limit = units->analysis->ctx->max_memory;
    return unit == units->first || limit == 0 || units->live + units->kept + unit->bytes <= limit;
}

static int next_task(pa_units *units, int64_t limit, pa_task *task)
{
    for (pa_unit *unit = units->first; unit != NULL; unit = unit->next) {
        if (unit->started < unit->n_tasks) {
            if (unit->started == 0 && !may_start(units, unit)) {
                return 0;
            }
            if (!take(unit, unit->first_number + unit->started, unit->started, limit, task)) {
                return 0;
            }
            units->live += unit->started++ == 0 ? unit->bytes : 0;
            return 1;
        }
    }
    return 0;
}

static int next(void *user, int64_t limit, pa_task *task)
{
    pa_units *units = user;
    if (!units->serial && next_serial(units, limit, task)) {
        units->serial = 1;
        return 1;
    }
    return next_task(units, limit, task);
}

static void append(pa_units *units, pa_unit *unit)
{
    unit->first_number = units->next_number + 1;
    units->next_number = finish_number(unit) + 1;
    *(units->last != NULL ? &units->last->next : &units->first) = unit;
    units->last = unit;
    units->kept = units->sources.kept;
}

static void remove_unit(pa_units *units, pa_unit *unit)
{
    pa_unit *before = NULL;
    for (pa_unit *at = units->first; at != unit; at = at->next) {
        before = at;
    }
    *(before != NULL ? &before->next : &units->first) = unit->next;
    units->last = units->last == unit ? before : units->last;
    units->live -= unit->n_tasks > 0 ? unit->bytes : 0;
}

static void ended(void *user, const pa_task *task)
{
    pa_units *units = user;
    pa_unit *unit = task->what;
    if (task->index >= 0) {
        unit->ended++;
        return;
    }
    units->serial = 0;
    if (task->index == PREPARE && units->prepared != NULL) {
        append(units, units->prepared);
        units->prepared = NULL;
    } else if (task->index == PREPARE) {
        units->feed_ended = 1;
    } else {
        remove_unit(units, unit);
        pa_unit_destroy(unit);
    }
}
/** @} */

/** @name What is done then
 * @{ */

static pa_status prepare(pa_units *units, pa_error *err)
{
    int64_t number = -1;
    pa_status status = units->feed->next(units->feed->user, &number, err);
    if (status == PA_OK && number >= 0) {
        status = pa_unit_create(&units->sources, number, &units->prepared, err);
    }
    if (units->prepared != NULL) {
        atomic_fetch_add(&units->values, units->prepared->n_values);
        atomic_fetch_add(&units->begun, 1);
    }
    return status;
}

static pa_status finish(const pa_units *units, pa_unit *unit, pa_error *err)
{
    pa_text bytes = {.mem = unit->plan->mem};
    pa_status status = pa_unit_encode(unit, &bytes, err);
    if (status == PA_OK) {
        pa_unit_release(unit);
        status = units->feed->done(units->feed->user, unit->number, bytes.data, bytes.length, err);
    }
    pa_text_free(&bytes);
    return status;
}

static pa_status run(void *user, const pa_task *task, pa_error *err)
{
    pa_units *units = user;
    if (task->index == PREPARE) {
        return prepare(units, err);
    }
    if (task->index == FINISH) {
        return finish(units, task->what, err);
    }
    return pa_unit_run(task->what, task->index, &units->values_done, err);
}

static pa_status tick(void *user, pa_error *err)
{
    const pa_units *units = user;
    return units->feed->tick(units->feed->user, err);
}
/** @} */

pa_status pa_units_run(pa_units *units, const pa_unit_feed *feed, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_job job = {
        .next = next, .run = run, .ended = ended, .tick = feed->tick != NULL ? tick : NULL, .user = units};
    pa_task first;
    units->feed = feed;
    units->feed_ended = 0;
    (void)next(units, INT64_MAX, &first); /* prepares: nothing runs yet */
    status = prepare(units, err);
    ended(units, &first);
    PA_TRY(status);
    if (feed->tick != NULL) {
        PA_TRY(tick(units, err));
    }
    PA_TRY(pa_pool_run(units->pool, &job, err));

cleanup:
    return status;
}
