/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The BLAS' number of threads belongs to the process, not to a context, so what guards it must too: this is the one
 * place of the library with static mutable state. One thread each makes results independent of scheduling, and
 * callers that compute side by side two orders of magnitude faster than with threads inside threads.
 */
#include "linalg/blas_threads.h"

#include <cblas.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int users;   /* how many are between enter and leave */
static int threads; /* the host's setting, to be restored by the last one */

void pa_blas_enter(void)
{
    pthread_mutex_lock(&lock);
    if (users++ == 0) {
        threads = openblas_get_num_threads();
        if (threads != 1) {
            openblas_set_num_threads(1);
        }
    }
    pthread_mutex_unlock(&lock);
}

void pa_blas_leave(void)
{
    pthread_mutex_lock(&lock);
    if (--users == 0 && threads != 1) {
        openblas_set_num_threads(threads);
    }
    pthread_mutex_unlock(&lock);
}
