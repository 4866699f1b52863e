/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Inside a hub: its options, and what all requests share. */
#ifndef PA_HUB_IMPL_H
#define PA_HUB_IMPL_H
#include <pthread.h>

#include <picoanalyze/hub.h>

#include "base/context_impl.h"
#include "hub/curl.h"

struct pa_hub {
    pa_context *ctx;
    pa_curl curl;
    char *cache;
    char *endpoint; /**< Without a slash at its end. */
    char *token;    /**< NULL: nobody asks. */
    char *proxy;    /**< "" for none. */
    char *no_proxy;
    char *ca_file; /**< NULL: the system's. */
    char *ca_file_from;
    int32_t connections;
    int32_t offline;
    pa_hub_progress_fn progress;
    void *progress_user;
    pthread_mutex_t lock; /**< Of all below, and of calling `progress`. */
    pa_hub_progress state;
    int32_t working;   /**< Operations that have begun and not ended. */
    int32_t cancelled; /**< They are all to stop. */
};

/** @name An operation: whoever stops one stops all that are under way, and none that begins when they have ended
 * @{ */
void pa_hub_enter(pa_hub *hub);
void pa_hub_leave(pa_hub *hub);
/** @} */

/** Add bytes that have come to the progress and tell it, inside of an operation: 1 to go on. */
int pa_hub_tick(pa_hub *hub, int64_t bytes);

/** Sleep, but for being cancelled: PA_OK or PA_ERR_CANCELLED. */
pa_status pa_hub_wait(pa_hub *hub, double seconds, pa_error *err);

/** Nobody wants it any more. */
pa_status pa_hub_fail_cancelled(pa_error *err);
#endif
