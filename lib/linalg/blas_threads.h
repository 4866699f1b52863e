/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The door through which every call of the BLAS and of LAPACK goes: one thread each, not too many at once. */
#ifndef PA_LINALG_BLAS_THREADS_H
#define PA_LINALG_BLAS_THREADS_H
#include "base/error.h"

/**
 * Make one call. Needs a local `pa_status status` and a `cleanup:` label, to which it goes with PA_ERR_NOMEM when there
 * is no memory for the BLAS to work in:
 *
 *     PA_BLAS_CALL(err, info = LAPACKE_dgeqrf_work(...));
 *
 * The call computes on one thread whatever the host has set; the host's setting is back afterwards. Nothing but the
 * call belongs inside: it neither nests nor waits for anybody else, and fork() waits for it.
 */
#define PA_BLAS_CALL(err, call)                                                                                        \
    do {                                                                                                               \
        int host_threads_ = 1;                                                                                         \
        PA_TRY(pa_blas_enter(&host_threads_, err));                                                                    \
        call;                                                                                                          \
        pa_blas_leave(host_threads_);                                                                                  \
    } while (0)

/** What PA_BLAS_CALL() does before and after. `host_threads`: what enter found, for leave. */
pa_status pa_blas_enter(int *host_threads, pa_error *err);
void pa_blas_leave(int host_threads);

/**
 * In a process with a limit on its address space: map what a caller needs now, when few threads compete for the room.
 * Says nothing: if there is too little, the callers will be told.
 */
void pa_blas_prepare(void);

/** How many threads the BLAS would use for a call by the host on this thread, whoever is inside at the moment. */
int32_t pa_blas_host_threads(void);

/** How many callers are let in at once by the BLAS in use; more of them wait. */
int32_t pa_blas_max_callers(void);
#endif
