/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Worker threads for independent tasks. */
#ifndef PA_BASE_POOL_H
#define PA_BASE_POOL_H
#include "base/error.h"

typedef struct pa_pool pa_pool;

/** Start `threads - 1` workers; the thread that calls pa_pool_run() is the last one. */
pa_status pa_pool_create(const pa_allocator *mem, int32_t threads, pa_pool **out, pa_error *err);
void pa_pool_destroy(pa_pool *pool);

typedef struct pa_job {
    int64_t count;                                               /**< Tasks 0 ... count - 1, started in this order. */
    pa_status (*task)(void *user, int64_t index, pa_error *err); /**< Any thread. */
    pa_status (*tick)(void *user, int64_t done, pa_error *err);  /**< After tasks of the calling thread; may be NULL. */
    void *user;
} pa_job;

/**
 * Run all tasks and return when none is running. After a failure no further task starts; the error of the failed task
 * with the lowest index is returned, which does not depend on the number of threads.
 */
pa_status pa_pool_run(pa_pool *pool, const pa_job *job, pa_error *err);
#endif
