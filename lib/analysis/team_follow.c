/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Any rank but 0: asks for units, computes them, sends their rows. */
#include "analysis/team.h"

#include <string.h>

#include "analysis/team_message.h"

typedef struct follower {
    const pa_analysis *analysis;
    const pa_team *team;
    const pa_allocator *mem;
    pa_progress_fn progress;
    void *user;
    pa_units *units;

    pthread_mutex_t lock; /**< Of all below, and of the team's functions. */
    int32_t begun;        /**< Rank 0 has said PA_SAY_BEGIN: `execution` and `plan` are set. */
    int64_t execution;
    int64_t plan;
    int32_t answered; /**< Rank 0 has said which is the next: `unit`. */
    int64_t unit;
    int32_t stopped;
    int32_t ended; /**< With `end_status`, `end_error`. */
    int32_t lost;  /**< Rank 0 cannot be understood. */
    pa_status end_status;
    pa_error end_error;
} follower;

/** @name Messages; with the lock held
 * @{ */

static void hear(follower *f, const pa_message *message)
{
    switch (message->kind) {
    case PA_SAY_BEGIN:
        f->begun = 1;
        f->execution = message->number;
        f->plan = message->more;
        break;
    case PA_SAY_UNIT:
        f->answered = 1;
        f->unit = message->number;
        break;
    case PA_SAY_STOP:
        f->stopped = 1;
        break;
    default:
        f->ended = 1;
        f->end_status = pa_message_error(message, (pa_status)message->number, &f->end_error);
        break;
    }
}

/* All that has come. After PA_SAY_END nothing is taken: it is of the next execution. */
static pa_status listen(follower *f, pa_error *err)
{
    pa_status status = PA_OK;
    pa_message message = {0};
    while (!f->ended) {
        status = pa_message_receive(f->team, f->mem, &message, err);
        if (status != PA_OK || message.kind == 0) {
            f->lost |= status != PA_OK;
            break;
        }
        hear(f, &message);
        pa_message_free(f->mem, &message);
    }
    return status;
}

static pa_status say(follower *f, pa_message_kind kind, int64_t number, int64_t more, const char *bytes, int64_t length,
                     pa_error *err)
{
    const pa_message message = {.rank = 0,
                                .kind = kind,
                                .execution = f->execution,
                                .number = number,
                                .more = more,
                                .bytes = bytes,
                                .length = length};
    return pa_message_send(f->team, f->mem, &message, err);
}
/** @} */

/* Look for messages, waiting a little before: 1 once `what`, or the end, has come. */
static pa_status wait_for(follower *f, const int32_t *what, int64_t *pause, int *there, pa_error *err)
{
    pa_team_pause(pause);
    pthread_mutex_lock(&f->lock);
    const pa_status status = listen(f, err);
    *there = *what || f->ended;
    pthread_mutex_unlock(&f->lock);
    return status;
}

/** @name The feed
 * @{ */

static pa_status next(void *user, int64_t *unit, pa_error *err)
{
    pa_status status = PA_OK;
    follower *f = user;
    int64_t pause = 0;
    int there = 0;
    pthread_mutex_lock(&f->lock);
    f->answered = 0;
    status = say(f, PA_SAY_ASK, 0, 0, NULL, 0, err);
    pthread_mutex_unlock(&f->lock);
    PA_TRY(status);
    while (!there) { /* rank 0 answers whatever else it does, unless it has said or will say stop */
        pa_team_pause(&pause);
        pthread_mutex_lock(&f->lock);
        status = listen(f, err);
        there = f->answered || f->stopped || f->ended;
        *unit = f->answered && !f->stopped && !f->ended ? f->unit : -1;
        pthread_mutex_unlock(&f->lock);
        PA_TRY(status);
    }
    PA_REQUIRE(*unit >= -1 && *unit < pa_units_count(&f->analysis->plan), err, PA_ERR_FORMAT,
               "rank 0 asks for unit %lld of %lld", (long long)*unit, (long long)pa_units_count(&f->analysis->plan));

cleanup:
    return status;
}

static pa_status done(void *user, int64_t unit, const char *bytes, int64_t length, pa_error *err)
{
    follower *f = user;
    (void)unit;
    pthread_mutex_lock(&f->lock);
    const pa_status status = f->stopped || f->ended ? PA_OK : say(f, PA_SAY_ROWS, 0, 0, bytes, length, err);
    pthread_mutex_unlock(&f->lock);
    return status;
}

static pa_status report(const follower *f, pa_error *err)
{
    const pa_units_progress at = f->units != NULL ? pa_units_progress_now(f->units) : (pa_units_progress){0};
    const pa_plan *plan = &f->analysis->plan;
    const pa_progress progress = {.struct_size = sizeof(progress),
                                  .step = plan->steps[0],
                                  .steps = plan->n_steps,
                                  .values_done = at.values_done,
                                  .values = at.values};
    if (f->progress == NULL || f->progress(f->user, &progress) != 0) {
        return PA_OK;
    }
    return pa_fail(err, PA_ERR_CANCELLED, "cancelled");
}

static pa_status tick(void *user, pa_error *err)
{
    pa_status status = PA_OK;
    follower *f = user;
    PA_TRY(report(f, err));
    pthread_mutex_lock(&f->lock);
    status = listen(f, err);
    const int unwanted = f->stopped || f->ended;
    pthread_mutex_unlock(&f->lock);
    PA_TRY(status);
    PA_REQUIRE(!unwanted, err, PA_ERR_CANCELLED, "stopped by rank 0");

cleanup:
    return status;
}
/** @} */

/** @name From begin to end
 * @{ */

static pa_status await_begin(follower *f, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t pause = 0;
    int there = 0;
    while (!there) {
        PA_TRY(wait_for(f, &f->begun, &pause, &there, err));
        PA_TRY(report(f, err));
    }

cleanup:
    return status;
}

static pa_status compute(follower *f, pa_error *err)
{
    pa_status status = PA_OK;
    uint64_t hash = 0;
    const pa_unit_feed feed = {.next = next, .done = done, .tick = tick, .user = f};
    PA_TRY(await_begin(f, err));
    if (f->ended) {
        goto cleanup;
    }
    PA_TRY(pa_plan_hash(f->analysis, &hash, err));
    PA_REQUIRE((uint64_t)f->plan == hash, err, PA_ERR_INVALID,
               "the analysis is not that of rank 0: the configuration, the run or the library is not the same");
    PA_TRY(pa_units_create(f->analysis, &f->units, err));
    PA_TRY(pa_units_run(f->units, &feed, err));

cleanup:
    return status;
}

static pa_status await(follower *f, const int32_t *what, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t pause = 0;
    int there = 0;
    while (status == PA_OK && !there) {
        status = wait_for(f, what, &pause, &there, err);
    }
    return status;
}

/* Tell rank 0 how it went here, and hear how it went everywhere. */
static pa_status take_leave(follower *f, pa_status status, const pa_error *error, pa_error *err)
{
    const int64_t bytes_read = f->units != NULL ? pa_units_bytes_read(f->units) : 0;
    const char *text = status != PA_OK ? error->message : "";
    pa_status told = f->lost ? PA_OK : await(f, &f->begun, err);
    if (!f->ended) {
        pthread_mutex_lock(&f->lock);
        const pa_status said = say(f, PA_SAY_ENDED, status, bytes_read, text, (int64_t)strlen(text), err);
        pthread_mutex_unlock(&f->lock);
        told = told == PA_OK ? said : told;
    }
    if (told == PA_OK && !f->lost) {
        told = await(f, &f->ended, err);
    }
    return told;
}

pa_status pa_team_follow(const pa_analysis *analysis, pa_progress_fn progress, void *user, int64_t *bytes_read,
                         pa_error *err)
{
    follower f = {.analysis = analysis,
                  .team = &analysis->team,
                  .mem = analysis->plan.mem,
                  .progress = progress,
                  .user = user,
                  .lock = PTHREAD_MUTEX_INITIALIZER};
    pa_error error = {0};
    pa_status status = compute(&f, &error);
    pa_error last = {0};
    const pa_status left = f.ended ? PA_OK : take_leave(&f, status, &error, &last);
    if (f.ended) {
        status = f.end_status;
        error = f.end_error;
    } else if (status == PA_OK) {
        status = left;
        error = last;
    }
    *bytes_read = f.units != NULL ? pa_units_bytes_read(f.units) : 0;
    pa_units_destroy(f.units);
    pthread_mutex_destroy(&f.lock);
    if (status != PA_OK && err != NULL) {
        *err = error;
    }
    return status;
}
/** @} */
