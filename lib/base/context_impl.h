/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What is inside a context, for the layers above. */
#ifndef PA_BASE_CONTEXT_IMPL_H
#define PA_BASE_CONTEXT_IMPL_H
#include <pthread.h>
#include <stdatomic.h>

#include <picoanalyze/context.h>

#include "base/registry.h"

struct pa_context {
    pa_allocator mem;
    pa_log_fn log;
    void *log_user;
    pthread_mutex_t log_lock;
    int32_t threads;
    int64_t max_memory;     /**< 0: no limit. */
    atomic_llong queries;   /**< Asked of matrices. */
    atomic_llong computed;  /**< Of these, not answered by a memo. */
    pa_registry metrics;    /**< Entries are lib/metrics' own. */
    pa_registry components; /**< Entries are lib/components' own. */
};

/** Send one line to the log callback, if there is one. */
void pa_log(pa_context *ctx, pa_log_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#endif
