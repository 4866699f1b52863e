/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "pa_test.h"

typedef struct work {
    atomic_int runs[500];
    int64_t fail_at[2];
    int64_t ticks;
    int64_t stop_after;
    pthread_t caller;
} work;

static pa_status task(void *user, int64_t index, pa_error *err)
{
    work *w = user;
    atomic_fetch_add(&w->runs[index], 1);
    if (index == w->fail_at[0] || index == w->fail_at[1]) {
        return pa_fail(err, PA_ERR_FORMAT, "task %d", (int)index);
    }
    return PA_OK;
}

static pa_status tick(void *user, int64_t done, pa_error *err)
{
    work *w = user;
    assert_true(pthread_equal(pthread_self(), w->caller));
    w->ticks++;
    return w->stop_after > 0 && done >= w->stop_after ? pa_fail(err, PA_ERR_CANCELLED, "stop") : PA_OK;
}

static void test_every_task_runs_once_on_any_number_of_threads(void **state)
{
    (void)state;
    pa_error err;
    const int32_t threads[] = {1, 2, 8};
    for (int t = 0; t < 3; t++) {
        pa_pool *pool = NULL;
        assert_ok(pa_pool_create(&pa_allocator_default, threads[t], &pool, &err));
        for (int repeat = 0; repeat < 20; repeat++) {
            work w = {.fail_at = {-1, -1}, .caller = pthread_self()};
            const pa_job job = {500, task, tick, &w};
            assert_ok(pa_pool_run(pool, &job, &err));
            for (int i = 0; i < 500; i++) {
                assert_int_equal(atomic_load(&w.runs[i]), 1);
            }
            assert_true(threads[t] > 1 || w.ticks == 500);
        }
        const pa_job nothing = {0, task, tick, NULL};
        assert_ok(pa_pool_run(pool, &nothing, &err));
        pa_pool_destroy(pool);
    }
}

static void test_the_first_failure_is_reported_whatever_the_schedule(void **state)
{
    (void)state;
    pa_error err;
    for (int repeat = 0; repeat < 50; repeat++) {
        pa_pool *pool = NULL;
        assert_ok(pa_pool_create(&pa_allocator_default, 4, &pool, &err));
        work w = {.fail_at = {37, 38}, .caller = pthread_self()};
        const pa_job job = {500, task, NULL, &w};
        assert_fails(pa_pool_run(pool, &job, &err), PA_ERR_FORMAT, "task 37");
        assert_true(atomic_load(&w.runs[499]) == 0);
        w.fail_at[0] = w.fail_at[1] = -1;
        assert_ok(pa_pool_run(pool, &job, &err)); /* a failure does not stick */
        pa_pool_destroy(pool);
    }
}

static void test_the_caller_can_stop_the_work(void **state)
{
    (void)state;
    pa_error err;
    pa_pool *pool = NULL;
    assert_ok(pa_pool_create(&pa_allocator_default, 1, &pool, &err));
    work w = {.fail_at = {-1, -1}, .stop_after = 10, .caller = pthread_self()};
    const pa_job job = {500, task, tick, &w};
    assert_fails(pa_pool_run(pool, &job, &err), PA_ERR_CANCELLED, "stop");
    assert_int_equal(atomic_load(&w.runs[9]), 1);
    assert_int_equal(atomic_load(&w.runs[10]), 0);
    pa_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_runs_once_on_any_number_of_threads),
        cmocka_unit_test(test_the_first_failure_is_reported_whatever_the_schedule),
        cmocka_unit_test(test_the_caller_can_stop_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
