/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <pthread.h>
#include <time.h>

#include "base/alloc.h"

/* How long the calling thread waits for something to do before it ticks. */
enum { TICK_NANOSECONDS = 50000000 };

struct pa_pool {
    pa_allocator mem;
    pthread_mutex_t lock;
    pthread_cond_t change; /* a job has come, a task has ended, or the end */
    const pa_job *job;     /* NULL between jobs */
    int64_t running;       /* tasks */
    int64_t limit;         /* tasks from this number on are not started any more */
    int32_t ending;
    pa_status status; /* of the failed task with the lowest number, or of the tick */
    pa_error error;
    int32_t n_workers;
    pthread_t workers[];
};

/* Called and returns with the lock held. */
static void fail(pa_pool *pool, int64_t number, pa_status status, const pa_error *error)
{
    if (status != PA_OK && number < pool->limit) {
        pool->limit = number;
        pool->status = status;
        pool->error = *error;
    }
}

/* Called and returns with the lock held: 1 when a task was run, 0 when there is none to start now. */
static int run_one(pa_pool *pool)
{
    const pa_job *job = pool->job;
    pa_task task = {0};
    if (job == NULL || !job->next(job->user, pool->limit, &task)) {
        return 0;
    }
    pool->running++;
    pthread_mutex_unlock(&pool->lock);
    pa_error error = {0};
    const pa_status status = job->run(job->user, &task, &error);
    pthread_mutex_lock(&pool->lock);
    pool->running--;
    fail(pool, task.number, status, &error);
    job->ended(job->user, &task);
    pthread_cond_broadcast(&pool->change);
    return 1;
}

static void *worker(void *argument)
{
    pa_pool *pool = argument;
    pthread_mutex_lock(&pool->lock);
    while (!pool->ending) {
        if (!run_one(pool)) {
            pthread_cond_wait(&pool->change, &pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

pa_status pa_pool_create(const pa_allocator *mem, int32_t threads, pa_pool **out, pa_error *err)
{
    pa_status status = PA_OK;
    *out = NULL;
    pa_pool *pool = pa_alloc(mem, (int64_t)(sizeof(*pool) + (size_t)threads * sizeof(pthread_t)), 1);
    PA_REQUIRE_MEMORY(pool, err, "the worker threads");
    pool->mem = *mem;
    pthread_mutex_init(&pool->lock, NULL);
    init_condition(&pool->change);
    for (; pool->n_workers < threads - 1; pool->n_workers++) {
        if (pthread_create(&pool->workers[pool->n_workers], NULL, worker, pool) != 0) {
            break; /* fewer workers give the same results, later */
        }
    }
    *out = pool;

cleanup:
    return status;
}

void pa_pool_destroy(pa_pool *pool)
{
    if (pool != NULL) {
        pthread_mutex_lock(&pool->lock);
        pool->ending = 1;
        pthread_cond_broadcast(&pool->change);
        pthread_mutex_unlock(&pool->lock);
        for (int32_t i = 0; i < pool->n_workers; i++) {
            pthread_join(pool->workers[i], NULL);
        }
        pthread_cond_destroy(&pool->change);
        pthread_mutex_destroy(&pool->lock);
        const pa_allocator mem = pool->mem;
        pa_free(&mem, pool);
    }
}

/* Called and returns with the lock held, which the tick is not: it may take its time. */
static void tick(pa_pool *pool, int *ticking)
{
    pa_error error = {0};
    pthread_mutex_unlock(&pool->lock);
    const pa_status status = pool->job->tick(pool->job->user, &error);
    pthread_mutex_lock(&pool->lock);
    if (status != PA_OK) {
        *ticking = 0;
        if (pool->status == PA_OK) {
            pool->status = status;
            pool->error = error;
        }
        pool->limit = 0;
    }
}

static void wait_for_change(pa_pool *pool, int ticking)
{
    struct timespec until;
    if (!ticking || clock_gettime(CLOCK_MONOTONIC, &until) != 0) {
        pthread_cond_wait(&pool->change, &pool->lock);
        return;
    }
    until.tv_nsec += TICK_NANOSECONDS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&pool->change, &pool->lock, &until);
}

pa_status pa_pool_run(pa_pool *pool, const pa_job *job, pa_error *err)
{
    int ticking = job->tick != NULL;
    pthread_mutex_lock(&pool->lock);
    pool->job = job;
    pool->limit = INT64_MAX;
    pool->status = PA_OK;
    pthread_cond_broadcast(&pool->change);
    for (;;) {
        if (!run_one(pool)) {
            if (pool->running == 0) {
                break;
            }
            wait_for_change(pool, ticking);
        }
        if (ticking && pool->status == PA_OK) {
            tick(pool, &ticking);
        }
    }
    pool->job = NULL;
    const pa_status status = pool->status;
    if (status != PA_OK && err != NULL) {
        *err = pool->error;
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}
