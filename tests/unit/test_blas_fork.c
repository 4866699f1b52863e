/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A host that forks while the library computes: neither side hangs, and the child can compute. */
#include <cblas.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pa_load.h"
#include "pa_sanitizers.h"
#include "pa_test.h"

enum { N_FORKS = 200, N_WORKERS = 2, PATIENCE = 60 /* seconds; slow is not hung */ };

static atomic_int stop;
static atomic_int failed;
static atomic_int forks;
static uint64_t expected;

static uint64_t digest_in_own_context(uint64_t seed, int64_t size)
{
    pa_context *ctx = NULL;
    uint64_t digest = 0;
    if (pa_context_create(NULL, &ctx, NULL) != PA_OK || pa_load_run(ctx, seed, size, &digest) != PA_OK) {
        digest = 0;
    }
    pa_context_destroy(ctx);
    return digest;
}

/* Many short calls, so that forks meet every part of them. */
static void *keep_computing(void *user)
{
    (void)user;
    while (!atomic_load(&stop)) {
        if (digest_in_own_context(3, 30) != expected) {
            atomic_store(&failed, 1);
        }
    }
    return NULL;
}

static void pause_for(long nanoseconds)
{
    const struct timespec time = {0, nanoseconds};
    (void)nanosleep(&time, NULL);
}

/* A hang inside fork() itself can be seen from another thread only. Waits longer than a child may take. */
static void *watch(void *user)
{
    (void)user;
    int seen = -1;
    int waited = 0;
    while (!atomic_load(&stop)) {
        const int now = atomic_load(&forks);
        waited = now == seen ? waited + 1 : 0;
        seen = now;
        if (waited > 20 * PATIENCE) {
            (void)fprintf(stderr, "fork number %d hangs in the parent\n", now);
            abort();
        }
        pause_for(100000000);
    }
    return NULL;
}

/* The allocators of the sanitizers may be left locked in the child, which then hangs in malloc() whoever calls it. */
static int child_may_allocate(void)
{
    return !PA_UNDER_ASAN && !PA_UNDER_TSAN;
}

/* Forks a child that computes what the parent did. Zero when it could; else its exit code, or 128 and the signal. */
static int fork_and_compute(void)
{
    const pid_t child = fork();
    if (child == 0) {
        (void)alarm(PATIENCE); /* a hung child ends by itself, also when the parent is gone */
        _exit(!child_may_allocate() || digest_in_own_context(3, 30) == expected ? 0 : 1);
    }
    int how = 0;
    int ended = child;
    while (ended > 0 && waitpid(child, &how, 0) < 0) {
        ended = errno == EINTR ? child : -1;
    }
    atomic_fetch_add(&forks, 1);
    if (ended < 0) {
        return -1;
    }
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

static void fork_often(int host_threads)
{
    pthread_t workers[N_WORKERS];
    pthread_t watchdog;
    openblas_set_num_threads(host_threads);
    expected = digest_in_own_context(3, 30);
    atomic_store(&stop, 0);
    atomic_store(&failed, 0);
    atomic_store(&forks, 0);
    assert_int_equal(pthread_create(&watchdog, NULL, watch, NULL), 0);
    for (int i = 0; i < N_WORKERS; i++) {
        assert_int_equal(pthread_create(&workers[i], NULL, keep_computing, NULL), 0);
    }
    int bad = 0;
    for (int i = 0; i < N_FORKS && bad == 0; i++) {
        bad = fork_and_compute();
        pause_for(100000L * (i % 17));
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < N_WORKERS; i++) {
        assert_int_equal(pthread_join(workers[i], NULL), 0);
    }
    assert_int_equal(pthread_join(watchdog, NULL), 0);
    if (bad != 0) {
        fail_msg("child %d: %s (%d)", atomic_load(&forks), bad == 128 + SIGALRM ? "hung" : "failed", bad);
    }
    assert_int_equal(atomic_load(&failed), 0);
}

/* In the child, valgrind finds lost what threads hold that exist in the parent only. */
static int can_fork(void)
{
    return !PA_UNDER_VALGRIND;
}

static void test_forks_with_one_blas_thread(void **state)
{
    (void)state;
    if (!can_fork()) {
        skip();
    }
    fork_often(1);
}

static void test_forks_with_two_blas_threads_of_the_host(void **state)
{
    (void)state;
    if (!can_fork() || PA_UNDER_TSAN) {
        skip(); /* the BLAS may start its threads anew in the child, which ThreadSanitizer forbids */
    }
    fork_often(2);
}

/* Two threads that fork at the same time must not wait for each other. */
static void *fork_a_few(void *user)
{
    atomic_int *bad = user;
    for (int i = 0; i < 20; i++) {
        atomic_fetch_add(bad, fork_and_compute() != 0);
    }
    return NULL;
}

static void test_several_threads_may_fork_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    pthread_t watchdog;
    pthread_t worker;
    atomic_int bad;
    atomic_init(&bad, 0);
    if (!can_fork()) {
        skip();
    }
    openblas_set_num_threads(1);
    expected = digest_in_own_context(3, 30);
    atomic_store(&stop, 0);
    assert_int_equal(pthread_create(&watchdog, NULL, watch, NULL), 0);
    assert_int_equal(pthread_create(&worker, NULL, keep_computing, NULL), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, fork_a_few, &bad), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    atomic_store(&stop, 1);
    assert_int_equal(pthread_join(worker, NULL), 0);
    assert_int_equal(pthread_join(watchdog, NULL), 0);
    assert_int_equal(atomic_load(&bad), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forks_with_one_blas_thread),
        cmocka_unit_test(test_forks_with_two_blas_threads_of_the_host),
        cmocka_unit_test(test_several_threads_may_fork_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
