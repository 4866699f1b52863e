/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Worker threads for tasks that are made while others run. */
#ifndef PA_BASE_POOL_H
#define PA_BASE_POOL_H
#include "base/error.h"

typedef struct pa_pool pa_pool;

/** Start `threads - 1` workers; the thread that calls pa_pool_run() is the last one. */
pa_status pa_pool_create(const pa_allocator *mem, int32_t threads, pa_pool **out, pa_error *err);
void pa_pool_destroy(pa_pool *pool);

typedef struct pa_task {
    int64_t number; /**< At least 0; says whose failure comes first. */
    int64_t index;  /**< The job's own. */
    void *what;     /**< The job's own. */
} pa_task;

/** `next` and `ended` are called with the pool's lock held, so that one alone is in them: they must be quick. */
typedef struct pa_job {
    /** A task with a number below `limit` that may start now: 1 and the task, else 0. 0 while nothing runs is the end. */
    int (*next)(void *user, int64_t limit, pa_task *task);
    pa_status (*run)(void *user, const pa_task *task, pa_error *err); /**< Any thread. */
    void (*ended)(void *user, const pa_task *task);                   /**< After `run`, also when that failed. */
    /** On the calling thread: after its tasks, and now and then while it has none. May be NULL. */
    pa_status (*tick)(void *user, pa_error *err);
    void *user;
} pa_job;

/**
 * Run tasks until there are none and return when none is running. After a failure only tasks with lower numbers start;
 * the failure with the lowest number is returned, which does not depend on the number of threads as long as every
 * task that can fail is given out in the end. A failing `tick` starts nothing more, and is returned if no task failed.
 */
pa_status pa_pool_run(pa_pool *pool, const pa_job *job, pa_error *err);
#endif
