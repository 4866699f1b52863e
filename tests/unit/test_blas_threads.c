/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The host's number of BLAS threads: not used for what the library computes, and never lost. */
#include "linalg/blas_threads.h"

#include <cblas.h>
#include <dirent.h>
#include <stdatomic.h>
#include <time.h>

#include <picoanalyze/context.h>

#include "pa_load.h"
#include "pa_sanitizers.h"
#include "pa_test.h"

enum { HOST_THREADS = 3, N_THREADS = 8, N_ROUNDS = 200 };

int omp_get_max_threads(void) __attribute__((weak));

static pa_error err;

/* What the next call of the BLAS by this thread would use. */
static int threads_now(void)
{
    return omp_get_max_threads != NULL ? omp_get_max_threads() : openblas_get_num_threads();
}

static int has_threads(void)
{
    if (openblas_get_parallel() == OPENBLAS_SEQUENTIAL) {
        print_message("the BLAS in use has no threads\n");
        return 0;
    }
    return 1;
}

static void test_a_call_has_one_thread_and_the_setting_comes_back(void **state)
{
    (void)state;
    int host = 0;
    if (!has_threads()) {
        skip();
    }
    openblas_set_num_threads(HOST_THREADS);
    assert_int_equal(threads_now(), HOST_THREADS);
    assert_ok(pa_blas_enter(&host, &err));
    assert_int_equal(threads_now(), 1);
    assert_int_equal(pa_blas_host_threads(), omp_get_max_threads != NULL ? 1 : HOST_THREADS);
    pa_blas_leave(host);
    assert_int_equal(threads_now(), HOST_THREADS);
    assert_int_equal(pa_blas_host_threads(), HOST_THREADS);
    openblas_set_num_threads(1);
    assert_ok(pa_blas_enter(&host, &err));
    pa_blas_leave(host);
    assert_int_equal(threads_now(), 1);
}

/* Also when the host changes its mind while somebody is inside; the latest setting is the host's. */
static void test_a_setting_made_meanwhile_is_kept(void **state)
{
    (void)state;
    int first = 0;
    int second = 0;
    if (!has_threads() || omp_get_max_threads != NULL) {
        skip(); /* the setting belongs to the thread, which is inside */
    }
    openblas_set_num_threads(HOST_THREADS);
    assert_ok(pa_blas_enter(&first, &err));
    openblas_set_num_threads(2);
    pa_blas_leave(first);
    assert_int_equal(threads_now(), 2);

    assert_ok(pa_blas_enter(&first, &err));
    openblas_set_num_threads(HOST_THREADS);
    assert_ok(pa_blas_enter(&second, &err));
    assert_int_equal(threads_now(), 1);
    pa_blas_leave(first);
    assert_int_equal(threads_now(), 1);
    pa_blas_leave(second);
    assert_int_equal(threads_now(), HOST_THREADS);
}

static void *enter_often(void *user)
{
    atomic_int *wrong = user;
    const struct timespec while_ = {0, 1000};
    if (omp_get_max_threads != NULL) {
        openblas_set_num_threads(HOST_THREADS); /* of this thread */
    }
    for (int i = 0; i < N_ROUNDS; i++) {
        int host = 0;
        if (pa_blas_enter(&host, NULL) != PA_OK) {
            atomic_fetch_add(wrong, 1);
            continue;
        }
        (void)nanosleep(&while_, NULL); /* so that callers do overlap */
        atomic_fetch_add(wrong, threads_now() != 1);
        pa_blas_leave(host);
    }
    if (omp_get_max_threads != NULL) {
        atomic_fetch_add(wrong, threads_now() != HOST_THREADS);
    }
    return NULL;
}

static void run_in_threads(void *(*body)(void *), void *user)
{
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, body, user), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void test_overlapping_callers_leave_the_setting_as_it_was(void **state)
{
    (void)state;
    atomic_int wrong;
    atomic_init(&wrong, 0);
    if (!has_threads()) {
        skip();
    }
    openblas_set_num_threads(HOST_THREADS);
    run_in_threads(enter_often, &wrong);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_int_equal(threads_now(), HOST_THREADS);
}

static void *query_in_own_context(void *user)
{
    atomic_int *wrong = user;
    pa_context *ctx = NULL;
    uint64_t digest = 0;
    int ok = pa_context_create(NULL, &ctx, NULL) == PA_OK;
    for (uint64_t i = 0; i < 5 && ok; i++) {
        ok = pa_load_run(ctx, i, 40, &digest) == PA_OK;
    }
    atomic_fetch_add(wrong, !ok);
    pa_context_destroy(ctx);
    return NULL;
}

static void test_queries_of_several_contexts_leave_the_setting_as_it_was(void **state)
{
    (void)state;
    atomic_int wrong;
    atomic_init(&wrong, 0);
    if (!has_threads()) {
        skip();
    }
    openblas_set_num_threads(HOST_THREADS);
    run_in_threads(query_in_own_context, &wrong);
    assert_int_equal(atomic_load(&wrong), 0);
    assert_int_equal(threads_now(), HOST_THREADS);
}

/* Sizes at which factorizations and products on two threads have other last bits than on one. */
static void test_values_do_not_depend_on_the_setting(void **state)
{
    (void)state;
    uint64_t digests[3] = {0};
    for (int threads = 1; threads <= 3; threads++) {
        pa_context *ctx = NULL;
        openblas_set_num_threads(threads);
        assert_ok(pa_context_create(NULL, &ctx, &err));
        assert_ok(pa_load_run(ctx, 1, PA_UNDER_VALGRIND ? 20 : 260, &digests[threads - 1]));
        pa_context_destroy(ctx);
    }
    assert_true(digests[0] == digests[1]);
    assert_true(digests[0] == digests[2]);
}

static int count_threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
        count += entry->d_name[0] != '.';
    }
    closedir(tasks);
    return count;
}

/* Last: they do not come back by themselves. */
static void test_idle_threads_end_and_stay_away(void **state)
{
    (void)state;
    int host = 0;
    if (openblas_get_parallel() != OPENBLAS_THREAD) {
        skip();
    }
    openblas_set_num_threads(HOST_THREADS);
    const int before = count_threads();
    pa_runtime_end_blas_threads();
    const int after = count_threads();
    assert_true(before - after >= HOST_THREADS - 1);
    assert_int_equal(threads_now(), 1);
    assert_ok(pa_blas_enter(&host, &err));
    double x[4] = {1.0, 2.0, 3.0, 4.0};
    assert_true(cblas_dnrm2(4, x, 1) > 5.4);
    pa_blas_leave(host);
    assert_int_equal(count_threads(), after);
    openblas_set_num_threads(HOST_THREADS); /* a host that wants them again gets them */
    assert_int_equal(threads_now(), HOST_THREADS);
    openblas_set_num_threads(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_has_one_thread_and_the_setting_comes_back),
        cmocka_unit_test(test_a_setting_made_meanwhile_is_kept),
        cmocka_unit_test(test_overlapping_callers_leave_the_setting_as_it_was),
        cmocka_unit_test(test_queries_of_several_contexts_leave_the_setting_as_it_was),
        cmocka_unit_test(test_values_do_not_depend_on_the_setting),
        cmocka_unit_test(test_idle_threads_end_and_stay_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
