/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The BLAS belongs to the process, not to a context, so what guards it must too: this is the one place of the library
 * with static mutable state. What it guards against, each seen in OpenBLAS:
 *
 * - Threads. One thread a call makes results independent of scheduling, and callers that compute side by side two
 *   orders of magnitude faster than with threads inside threads. The setting belongs to the process in the build with
 *   POSIX threads, to the calling thread in the build with OpenMP. (openblas_set_num_threads_local() of later versions
 *   sets it for the process in spite of its name.)
 * - A build without threads takes its work buffers without a lock: two callers compute in one buffer, and matrix
 *   products are wrong. It gets one caller at a time.
 * - More callers than buffers end the process, and a buffer that cannot be mapped is waited for for ever:
 *   blas_buffers.c.
 * - fork() while a call holds one of the BLAS' locks leaves it locked in the child for ever. So fork() waits until no
 *   call is inside, and no call begins until it is over.
 */
#include "linalg/blas_threads.h"

#include <cblas.h>
#include <pthread.h>
#include <sys/resource.h>

#include <picoanalyze/context.h>

#include "linalg/blas_buffers.h"

/* There when the BLAS is built with OpenMP. */
int omp_get_max_threads(void) __attribute__((weak));
void omp_set_num_threads(int threads) __attribute__((weak));

/* What OpenBLAS itself calls before a fork; it starts the threads again only when asked for more than one. */
int blas_thread_shutdown_(void) __attribute__((weak));

static struct {
    pthread_mutex_t lock;
    pthread_cond_t turn;     /* a caller has left, or a fork is over */
    pthread_cond_t idle;     /* the last caller has left */
    pa_blas_buffers buffers; /* one a caller */
    int32_t inside;
    int32_t forks;      /* threads that wait to fork */
    int32_t sees_forks; /* the handlers are registered */
    int host_threads;   /* the process' setting, to be restored by the last caller */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .turn = PTHREAD_COND_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};

/* The lock is held from here to the end of the fork. */
static void before_fork(void)
{
    pthread_mutex_lock(&gate.lock);
    gate.forks++;
    while (gate.inside > 0) {
        pthread_cond_wait(&gate.idle, &gate.lock);
    }
}

static void after_fork_in_parent(void)
{
    gate.forks--;
    pthread_cond_broadcast(&gate.turn);
    pthread_mutex_unlock(&gate.lock);
}

/* Threads that waited for something exist in the parent only. */
static void after_fork_in_child(void)
{
    gate.forks = 0;
    pthread_cond_init(&gate.turn, NULL);
    pthread_cond_init(&gate.idle, NULL);
    pthread_mutex_unlock(&gate.lock);
}

static int has_setting_per_thread(void)
{
    return openblas_get_parallel() == OPENBLAS_OPENMP && omp_get_max_threads != NULL && omp_set_num_threads != NULL;
}

static int limit_threads(void)
{
    if (has_setting_per_thread()) {
        const int threads = omp_get_max_threads();
        if (threads != 1) {
            omp_set_num_threads(1);
        }
        return threads;
    }
    const int threads = openblas_get_num_threads();
    if (gate.inside == 0 || threads != 1) { /* the host may set it at any time */
        gate.host_threads = threads;
    }
    if (threads != 1) {
        openblas_set_num_threads(1);
    }
    return 1;
}

static void restore_threads(int host_threads)
{
    if (has_setting_per_thread()) {
        if (host_threads != 1) {
            omp_set_num_threads(host_threads);
        }
    } else if (gate.inside == 0 && gate.host_threads != 1 && openblas_get_num_threads() == 1) {
        openblas_set_num_threads(gate.host_threads);
    }
}

/* Handlers that are registered last run first: before those by which OpenBLAS ends its threads. */
static pa_status see_forks(pa_error *err)
{
    if (!gate.sees_forks) {
        if (pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) != 0) {
            return pa_fail_nomem(err, "the BLAS");
        }
        gate.sees_forks = 1;
    }
    return PA_OK;
}

static int has_buffer(void)
{
    return gate.inside < gate.buffers.count ||
           (gate.buffers.count < pa_blas_max_callers() && pa_blas_buffers_add(&gate.buffers));
}

void pa_blas_prepare(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        pthread_mutex_lock(&gate.lock);
        if (gate.buffers.count == 0) {
            (void)pa_blas_buffers_add(&gate.buffers);
        }
        pthread_mutex_unlock(&gate.lock);
    }
}

int32_t pa_blas_host_threads(void)
{
    if (has_setting_per_thread()) {
        return omp_get_max_threads();
    }
    pthread_mutex_lock(&gate.lock);
    const int threads = openblas_get_num_threads();
    const int32_t host_threads = gate.inside > 0 && threads == 1 ? gate.host_threads : threads;
    pthread_mutex_unlock(&gate.lock);
    return host_threads;
}

void pa_runtime_end_blas_threads(void)
{
    if (openblas_get_parallel() == OPENBLAS_THREAD && blas_thread_shutdown_ != NULL) {
        openblas_set_num_threads(1);
        (void)blas_thread_shutdown_();
    }
}

int32_t pa_blas_max_callers(void)
{
    return openblas_get_parallel() == OPENBLAS_SEQUENTIAL ? 1 : PA_BLAS_MAX_BUFFERS;
}

pa_status pa_blas_enter(int *host_threads, pa_error *err)
{
    pa_status status = PA_OK;
    pthread_mutex_lock(&gate.lock);
    PA_TRY(see_forks(err));
    while (gate.forks > 0 || !has_buffer()) {
        PA_REQUIRE(gate.forks > 0 || gate.buffers.count > 0, err, PA_ERR_NOMEM,
                   "out of memory: no address space for the work buffer of the BLAS");
        pthread_cond_wait(&gate.turn, &gate.lock);
    }
    *host_threads = limit_threads();
    gate.inside++;

cleanup:
    pthread_mutex_unlock(&gate.lock);
    return status;
}

void pa_blas_leave(int host_threads)
{
    pthread_mutex_lock(&gate.lock);
    gate.inside--;
    restore_threads(host_threads);
    if (gate.inside == 0 && gate.forks > 0) {
        pthread_cond_broadcast(&gate.idle);
    }
    pthread_cond_signal(&gate.turn);
    pthread_mutex_unlock(&gate.lock);
}
