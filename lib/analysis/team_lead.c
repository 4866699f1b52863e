/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Rank 0: gives out units, takes their rows, and computes too.
 *
 * A thread of its own looks for messages, so that nobody waits for a long task of rank 0. It sleeps between looks.
 */
#include "analysis/team.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "analysis/team_message.h"
#include "base/alloc.h"

/* In place of the rank that computes a unit. */
enum { NOT_GIVEN = -2, FINISHED = -1 };

typedef struct lead {
    pa_execution *x;
    const pa_team *team;
    const pa_allocator *mem;
    int64_t count; /**< Of units. */
    int64_t execution;

    pthread_mutex_t lock; /**< Of all below, of the execution's record and journal and of the team's functions. */
    int32_t *owners;      /**< Of units: a rank, or one of the above. */
    int64_t given;        /**< Units before it have been given out or were there from the start. */
    int32_t *gone;        /**< By rank: 1 once it has ended or was told to stop: nothing more is expected of it. */
    int64_t bytes_read;   /**< By others. */
    int64_t limit;        /**< Units from this one on are not wanted any more: one before them has failed. */
    int64_t failed;       /**< The unit that `status` and `error` come from. */
    int32_t cancelled;    /**< The progress callback said so; it is not asked again. */
    pa_status status;
    pa_error error;
} lead;

/** @name Failure; with the lock held
 * @{ */

/* Of several failures that of the earliest unit counts, as in one process. */
static void fail(lead *l, int64_t unit, pa_status status, const pa_error *error)
{
    if (l->status == PA_OK || unit < l->failed) {
        l->status = status;
        l->error = *error;
        l->failed = unit;
    }
    l->limit = unit < l->limit ? unit : l->limit;
}

/* Ends everything at once, but is told only where nothing has failed. */
static void cancel(lead *l, const pa_error *error)
{
    fail(l, INT64_MAX, PA_ERR_CANCELLED, error);
    l->limit = l->limit < 0 ? l->limit : 0;
}

/* The transport, or what somebody sends over it, is not to be relied upon. */
static void fail_all(lead *l, pa_status status, const pa_error *error)
{
    fail(l, -1, status, error);
}

/* The earliest unit that a rank has been given and is not done with; INT64_MAX: none. */
static int64_t earliest_of(const lead *l, int32_t rank)
{
    for (int64_t unit = 0; unit < l->given; unit++) {
        if (l->owners[unit] == rank) {
            return unit;
        }
    }
    return INT64_MAX;
}

static int is_unwanted(const lead *l, int32_t rank)
{
    return l->limit < INT64_MAX && earliest_of(l, rank) >= l->limit;
}
/** @} */

/** @name Messages; with the lock held
 * @{ */

static void say(lead *l, int32_t rank, pa_message_kind kind, int64_t number, int64_t more)
{
    pa_error error = {0};
    const pa_message message = {.rank = rank, .kind = kind, .number = number, .more = more};
    const pa_status status = pa_message_send(l->team, l->mem, &message, &error);
    if (status != PA_OK) {
        fail_all(l, status, &error);
    }
}

static int64_t give(lead *l, int32_t rank)
{
    if (l->limit < INT64_MAX) {
        return -1;
    }
    const int64_t unit = pa_execution_next(l->x);
    if (unit >= 0) {
        l->owners[unit] = rank;
        l->given = unit + 1;
    }
    return unit;
}

static pa_status take_rows(lead *l, const pa_message *message, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t unit = 0;
    int64_t values = 0;
    PA_TRY(pa_unit_rows_check(l->x->plan, message->bytes, message->length, &unit, &values, err));
    const pa_unit_place place = pa_unit_at(l->x->plan, unit);
    PA_REQUIRE(l->owners[unit] == message->rank, err, PA_ERR_FORMAT,
               "sent values of step %lld, layer %lld, which it was not given", (long long)place.step,
               (long long)place.layer);
    PA_TRY(pa_execution_accept(l->x, message->bytes, message->length, 1, err));
    l->owners[unit] = FINISHED;

cleanup:
    return status;
}

static void take_leave_of(lead *l, const pa_message *message)
{
    pa_error error = {0};
    char name[32];
    const int64_t earliest = earliest_of(l, message->rank);
    const pa_status status = pa_message_error(message, (pa_status)message->number, &error);
    l->gone[message->rank] = 1;
    l->bytes_read += message->more;
    (void)snprintf(name, sizeof(name), "rank %d", (int)message->rank);
    pa_error_prefix(&error, name);
    if (status == PA_ERR_CANCELLED) {
        cancel(l, &error);
    } else if (status != PA_OK) {
        fail(l, earliest < INT64_MAX ? earliest : -1, status, &error);
    } else if (earliest < INT64_MAX) {
        (void)pa_fail(&error, PA_ERR_FORMAT, "rank %d: has ended before its work", (int)message->rank);
        fail_all(l, PA_ERR_FORMAT, &error);
    }
}

static void hear(lead *l, const pa_message *message)
{
    char name[32];
    pa_error error = {0};
    if (l->gone[message->rank]) {
        return;
    }
    if (message->kind == PA_SAY_ASK) {
        say(l, message->rank, PA_SAY_UNIT, give(l, message->rank), 0);
    } else if (message->kind == PA_SAY_ENDED) {
        take_leave_of(l, message);
    } else {
        const pa_status status = take_rows(l, message, &error);
        if (status != PA_OK) {
            (void)snprintf(name, sizeof(name), "rank %d", (int)message->rank);
            pa_error_prefix(&error, name);
            fail_all(l, status, &error);
        }
    }
}

/* Of an earlier execution, which rank 0 has left before the others did. Who never heard of one has no number for it. */
static int is_late(const lead *l, const pa_message *message)
{
    return message->execution != l->execution && !(message->kind == PA_SAY_ENDED && message->execution == 0);
}

/* Take all that has come, and tell those to stop whose work is not wanted any more. Returns how many messages. */
static int64_t serve(lead *l)
{
    int64_t n = 0;
    pa_error error = {0};
    pa_message message = {0};
    for (;; n++) {
        const pa_status status = pa_message_receive(l->team, l->mem, &message, &error);
        if (status != PA_OK) {
            fail_all(l, status, &error);
        }
        if (status != PA_OK || message.kind == 0) {
            break;
        }
        if (!is_late(l, &message)) {
            hear(l, &message);
        }
        pa_message_free(l->mem, &message);
    }
    for (int32_t rank = 1; rank < l->team->size; rank++) {
        if (!l->gone[rank] && is_unwanted(l, rank)) {
            say(l, rank, PA_SAY_STOP, 0, 0);
            l->gone[rank] = 1;
        }
    }
    return n;
}

static int is_alone(const lead *l)
{
    int32_t gone = 0;
    for (int32_t rank = 1; rank < l->team->size; rank++) {
        gone += l->gone[rank];
    }
    return gone == l->team->size - 1;
}

/* 1 when nothing more is to be expected. */
static int serve_once(lead *l, int64_t *pause)
{
    pthread_mutex_lock(&l->lock);
    *pause = serve(l) > 0 ? 0 : *pause;
    const int alone = is_alone(l);
    pthread_mutex_unlock(&l->lock);
    return alone;
}

static void *keep_serving(void *argument)
{
    lead *l = argument;
    int64_t pause = 0;
    while (!serve_once(l, &pause)) {
        pa_team_pause(&pause);
    }
    return NULL;
}
/** @} */

/** @name The feed of rank 0 itself
 * @{ */

static pa_status next(void *user, int64_t *unit, pa_error *err)
{
    lead *l = user;
    (void)err;
    pthread_mutex_lock(&l->lock);
    *unit = give(l, 0);
    pthread_mutex_unlock(&l->lock);
    return PA_OK;
}

static pa_status done(void *user, int64_t unit, const char *bytes, int64_t length, pa_error *err)
{
    lead *l = user;
    pthread_mutex_lock(&l->lock);
    const pa_status status = pa_execution_accept(l->x, bytes, length, 0, err);
    if (status == PA_OK) {
        l->owners[unit] = FINISHED;
    }
    pthread_mutex_unlock(&l->lock);
    return status;
}

static void report(lead *l)
{
    pa_error error = {0};
    if (!l->cancelled && pa_execution_report(l->x, &error) != PA_OK) {
        l->cancelled = 1;
        pthread_mutex_lock(&l->lock);
        cancel(l, &error);
        pthread_mutex_unlock(&l->lock);
    }
}

/* Fails when somebody has failed before anything that is computed here. */
static pa_status tick(void *user, pa_error *err)
{
    pa_status status = PA_OK;
    lead *l = user;
    report(l);
    pthread_mutex_lock(&l->lock);
    if (is_unwanted(l, 0)) {
        *err = l->error;
        status = l->status;
    }
    pthread_mutex_unlock(&l->lock);
    return status;
}
/** @} */

/** @name From begin to end
 * @{ */

/* Tells executions over one team apart: what is left of an earlier one must not be taken for an answer. */
static int64_t number_execution(void)
{
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec + 1;
}

static pa_status start(lead *l, pa_error *err)
{
    pa_status status = PA_OK;
    uint64_t hash = 0;
    PA_REQUIRE_MEMORY(l->owners = pa_alloc(l->mem, l->count, sizeof(*l->owners)), err, "a team");
    PA_REQUIRE_MEMORY(l->gone = pa_alloc(l->mem, l->team->size, sizeof(*l->gone)), err, "a team");
    for (int64_t unit = 0; unit < l->count; unit++) {
        l->owners[unit] = NOT_GIVEN;
    }
    PA_TRY(pa_plan_hash(l->x->analysis, &hash, err));
    for (int32_t rank = 1; rank < l->team->size; rank++) {
        say(l, rank, PA_SAY_BEGIN, l->execution, (int64_t)hash);
    }

cleanup:
    return status;
}

static void compute(lead *l)
{
    pa_error error = {0};
    const pa_unit_feed feed = {.next = next, .done = done, .tick = tick, .user = l};
    const pa_status status = pa_units_run(l->x->units, &feed, &error);
    pthread_mutex_lock(&l->lock);
    if (status != PA_OK && !is_unwanted(l, 0)) { /* if it is, this is what the tick has returned, or comes too late */
        const int64_t unit = earliest_of(l, 0);
        fail(l, unit < INT64_MAX ? unit : -1, status, &error);
    }
    pthread_mutex_unlock(&l->lock);
}

static void await_the_others(lead *l)
{
    int64_t pause = 0;
    while (!serve_once(l, &pause)) {
        report(l);
        pa_team_pause(&pause);
    }
}

pa_status pa_team_lead(pa_execution *x, pa_error *err)
{
    pthread_t thread;
    lead l = {.x = x,
              .team = &x->analysis->team,
              .mem = x->plan->mem,
              .count = pa_units_count(x->plan),
              .execution = number_execution(),
              .lock = PTHREAD_MUTEX_INITIALIZER,
              .limit = INT64_MAX,
              .failed = INT64_MAX};
    pa_status status = start(&l, err);
    if (status == PA_OK) {
        const int threaded = pthread_create(&thread, NULL, keep_serving, &l) == 0;
        compute(&l);
        await_the_others(&l); /* all that happens where there is no thread to be had */
        if (threaded) {
            pthread_join(thread, NULL);
        }
        status = l.status;
        x->bytes_elsewhere = l.bytes_read;
        if (status != PA_OK && err != NULL) {
            *err = l.error;
        }
    }
    pa_free(l.mem, l.owners);
    pa_free(l.mem, l.gone);
    pthread_mutex_destroy(&l.lock);
    return status;
}
/** @} */
