/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <pthread.h>

#include "base/alloc.h"

struct pa_pool {
    pa_allocator mem;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* a job has come, or the end */
    pthread_cond_t idle; /* a worker has finished with the job */
    const pa_job *job;   /* NULL between jobs */
    int64_t next;        /* first task not started */
    int64_t done;
    int64_t generation; /* counts jobs, so that a worker joins each once */
    int32_t working;    /* workers inside the job */
    int32_t ending;
    pa_status status; /* of the failed task with the lowest index */
    int64_t failed;
    pa_error error;
    int32_t n_workers;
    pthread_t workers[];
};

/* Called and returns with the lock held. */
static void record(pa_pool *pool, int64_t index, pa_status status, const pa_error *error)
{
    if (status != PA_OK && (pool->status == PA_OK || index < pool->failed)) {
        pool->status = status;
        pool->failed = index;
        pool->error = *error;
    }
}

/* Called and returns with the lock held. Takes tasks in order, so every task before a failed one has been started. */
static void work(pa_pool *pool, int is_caller)
{
    const pa_job *job = pool->job;
    while (pool->next < job->count && pool->status == PA_OK) {
        const int64_t index = pool->next++;
        pthread_mutex_unlock(&pool->lock);
        pa_error error = {0};
        const pa_status status = job->task(job->user, index, &error);
        pthread_mutex_lock(&pool->lock);
        pool->done++;
        record(pool, index, status, &error);
        if (is_caller && job->tick != NULL && pool->status == PA_OK) {
            const int64_t done = pool->done;
            pthread_mutex_unlock(&pool->lock);
            const pa_status ticked = job->tick(job->user, done, &error);
            pthread_mutex_lock(&pool->lock);
            record(pool, job->count, ticked, &error);
        }
    }
}

static void *worker(void *argument)
{
    pa_pool *pool = argument;
    int64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    while (!pool->ending) {
        if (pool->job != NULL && pool->generation != seen) {
            seen = pool->generation;
            pool->working++;
            work(pool, 0);
            pool->working--;
            pthread_cond_signal(&pool->idle);
        } else {
            pthread_cond_wait(&pool->wake, &pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

pa_status pa_pool_create(const pa_allocator *mem, int32_t threads, pa_pool **out, pa_error *err)
{
    pa_status status = PA_OK;
    *out = NULL;
    pa_pool *pool = pa_alloc(mem, (int64_t)(sizeof(*pool) + (size_t)threads * sizeof(pthread_t)), 1);
    PA_REQUIRE_MEMORY(pool, err, "the worker threads");
    pool->mem = *mem;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->idle, NULL);
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
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
        for (int32_t i = 0; i < pool->n_workers; i++) {
            pthread_join(pool->workers[i], NULL);
        }
        pthread_cond_destroy(&pool->idle);
        pthread_cond_destroy(&pool->wake);
        pthread_mutex_destroy(&pool->lock);
        const pa_allocator mem = pool->mem;
        pa_free(&mem, pool);
    }
}

pa_status pa_pool_run(pa_pool *pool, const pa_job *job, pa_error *err)
{
    pthread_mutex_lock(&pool->lock);
    pool->job = job;
    pool->next = 0;
    pool->done = 0;
    pool->status = PA_OK;
    pool->generation++;
    pthread_cond_broadcast(&pool->wake);
    work(pool, 1);
    while (pool->working > 0) {
        pthread_cond_wait(&pool->idle, &pool->lock);
    }
    pool->job = NULL;
    const pa_status status = pool->status;
    if (status != PA_OK && err != NULL) {
        *err = pool->error;
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}
