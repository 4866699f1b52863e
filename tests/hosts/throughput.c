/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A host with many threads that all compute: how many matrices a second, by callers and by the host's BLAS threads. A
 * measurement, not a test.
 */
#include <cblas.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "pa_load.h"

enum { MAX_CALLERS = 32, ROUNDS = 5 };

typedef struct race {
    pa_context *ctx;
    atomic_int to_do;
    atomic_int failed;
} race;

static void *compute(void *user)
{
    race *r = user;
    uint64_t digest = 0;
    for (int i = atomic_fetch_sub(&r->to_do, 1); i > 0; i = atomic_fetch_sub(&r->to_do, 1)) {
        if (pa_load_run(r->ctx, (uint64_t)i, i % 8 == 0 ? 120 : 30, &digest) != PA_OK) {
            atomic_store(&r->failed, 1);
        }
    }
    return NULL;
}

static double now(void)
{
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double matrices_per_second(pa_context *ctx, int n_callers, int n_matrices)
{
    pthread_t threads[MAX_CALLERS];
    race r = {.ctx = ctx};
    int started = 0;
    atomic_init(&r.to_do, n_matrices);
    atomic_init(&r.failed, 0);
    const double begin = now();
    while (started < n_callers && pthread_create(&threads[started], NULL, compute, &r) == 0) {
        started++;
    }
    for (int i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return atomic_load(&r.failed) ? 0.0 : 2.0 * n_matrices / (now() - begin);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    static const int callers[] = {1, 2, 4, 8, 32};
    pa_context *ctx = NULL;
    if (pa_context_create(NULL, &ctx, NULL) != PA_OK) {
        return 1;
    }
    printf("%s\nhost's BLAS threads, callers: matrices a second, all metrics (median of %d)\n", openblas_get_config(),
           ROUNDS);
    for (int host_threads = 1; host_threads <= 2; host_threads++) {
        openblas_set_num_threads(host_threads);
        (void)matrices_per_second(ctx, 2, 20);
        for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
            double rates[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                rates[round] = matrices_per_second(ctx, callers[i], 120);
            }
            qsort(rates, ROUNDS, sizeof(rates[0]), by_size);
            printf("%2d %3d: %7.0f\n", host_threads, callers[i], rates[ROUNDS / 2]);
        }
    }
    pa_context_destroy(ctx);
    return 0;
}
