/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "pa_test.h"

enum { N_TASKS = 500 };

typedef struct work {
    atomic_int runs[N_TASKS];
    int64_t count;
    int64_t given; /* by next(), under the pool's lock */
    int64_t ended;
    int64_t held_back; /* task that waits until all before it have ended; 0: none */
    int64_t fail_at[2];
    int64_t ticks;
    int64_t stop_after;
    pthread_t caller;
} work;

static int next(void *user, int64_t limit, pa_task *task)
{
    work *w = user;
    *task = (pa_task){.number = w->given, .index = w->given, .what = w};
    if (w->given >= w->count || w->given >= limit ||
        (w->held_back > 0 && w->given == w->held_back && w->ended < w->given)) {
        return 0;
    }
    w->given++;
    return 1;
}

static pa_status run(void *user, const pa_task *task, pa_error *err)
{
    work *w = user;
    assert_ptr_equal(task->what, w);
    atomic_fetch_add(&w->runs[task->index], 1);
    if (task->index == w->fail_at[0] || task->index == w->fail_at[1]) {
        return pa_fail(err, PA_ERR_FORMAT, "task %d", (int)task->index);
    }
    return PA_OK;
}

static void ended(void *user, const pa_task *task)
{
    work *w = user;
    (void)task;
    w->ended++;
}

static pa_status tick(void *user, pa_error *err)
{
    work *w = user;
    assert_true(pthread_equal(pthread_self(), w->caller));
    w->ticks++;
    return w->stop_after > 0 && w->ticks >= w->stop_after ? pa_fail(err, PA_ERR_CANCELLED, "stop") : PA_OK;
}

static pa_job job_of(work *w)
{
    return (pa_job){.next = next, .run = run, .ended = ended, .tick = tick, .user = w};
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
            work w = {.count = N_TASKS, .fail_at = {-1, -1}, .caller = pthread_self()};
            const pa_job job = job_of(&w);
            assert_ok(pa_pool_run(pool, &job, &err));
            for (int i = 0; i < N_TASKS; i++) {
                assert_int_equal(atomic_load(&w.runs[i]), 1);
            }
            assert_int_equal(w.ended, N_TASKS);
            assert_true(threads[t] > 1 || w.ticks == N_TASKS);
        }
        work nothing = {.count = 0};
        const pa_job job = job_of(&nothing);
        assert_ok(pa_pool_run(pool, &job, &err));
        pa_pool_destroy(pool);
    }
}

static void test_a_task_may_wait_for_others_to_end(void **state)
{
    (void)state;
    pa_error err;
    for (int32_t threads = 1; threads <= 4; threads++) {
        pa_pool *pool = NULL;
        assert_ok(pa_pool_create(&pa_allocator_default, threads, &pool, &err));
        for (int64_t at = 1; at < N_TASKS; at += 100) {
            work w = {.count = N_TASKS, .held_back = at, .fail_at = {-1, -1}, .caller = pthread_self()};
            const pa_job job = job_of(&w);
            assert_ok(pa_pool_run(pool, &job, &err));
            assert_int_equal(w.ended, N_TASKS);
        }
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
        work w = {.count = N_TASKS, .fail_at = {38, 37}, .caller = pthread_self()};
        const pa_job job = job_of(&w);
        assert_fails(pa_pool_run(pool, &job, &err), PA_ERR_FORMAT, "task 37");
        assert_true(atomic_load(&w.runs[N_TASKS - 1]) == 0);
        w.fail_at[0] = w.fail_at[1] = -1;
        w.given = 0;
        assert_ok(pa_pool_run(pool, &job, &err)); /* a failure does not stick */
        pa_pool_destroy(pool);
    }
}

/* Tasks 0 and 1 run at the same time, and the first one fails first. */
static pa_status fail_in_order(void *user, const pa_task *task, pa_error *err)
{
    work *w = user;
    atomic_fetch_add(&w->runs[task->index], 1);
    if (task->index == 0) {
        while (atomic_load(&w->runs[1]) == 0) {
        }
    } else {
        while (atomic_load(&w->runs[2]) == 0) { /* set when task 0 has ended */
        }
    }
    return pa_fail(err, PA_ERR_FORMAT, "task %d", (int)task->index);
}

static void ended_in_order(void *user, const pa_task *task)
{
    work *w = user;
    if (task->index == 0) {
        atomic_store(&w->runs[2], 1);
    }
    w->ended++;
}

static void test_a_later_failure_does_not_hide_an_earlier_one(void **state)
{
    (void)state;
    pa_error err;
    pa_pool *pool = NULL;
    assert_ok(pa_pool_create(&pa_allocator_default, 2, &pool, &err));
    work w = {.count = 2, .caller = pthread_self()};
    const pa_job job = {.next = next, .run = fail_in_order, .ended = ended_in_order, .user = &w};
    assert_fails(pa_pool_run(pool, &job, &err), PA_ERR_FORMAT, "task 0");
    assert_int_equal(w.ended, 2);
    pa_pool_destroy(pool);
}

/* Task 1 fails before task 0 has started: task 0 is run nevertheless, and its failure comes first. */
static int next_backwards(void *user, int64_t limit, pa_task *task)
{
    work *w = user;
    const int64_t number = w->given == 0 ? 1 : 0;
    *task = (pa_task){.number = number, .index = number, .what = w};
    if (w->given > 1 || number >= limit) {
        return 0;
    }
    w->given++;
    return 1;
}

static void test_a_failure_lets_earlier_tasks_start(void **state)
{
    (void)state;
    pa_error err;
    for (int32_t threads = 1; threads <= 4; threads++) {
        pa_pool *pool = NULL;
        assert_ok(pa_pool_create(&pa_allocator_default, threads, &pool, &err));
        work w = {.fail_at = {0, 1}, .caller = pthread_self()};
        pa_job job = job_of(&w);
        job.next = next_backwards;
        assert_fails(pa_pool_run(pool, &job, &err), PA_ERR_FORMAT, "task 0");
        pa_pool_destroy(pool);
    }
}

static void test_the_caller_can_stop_the_work(void **state)
{
    (void)state;
    pa_error err;
    pa_pool *pool = NULL;
    assert_ok(pa_pool_create(&pa_allocator_default, 1, &pool, &err));
    work w = {.count = N_TASKS, .fail_at = {-1, -1}, .stop_after = 10, .caller = pthread_self()};
    const pa_job job = job_of(&w);
    assert_fails(pa_pool_run(pool, &job, &err), PA_ERR_CANCELLED, "stop");
    assert_int_equal(atomic_load(&w.runs[9]), 1);
    assert_int_equal(atomic_load(&w.runs[10]), 0);
    pa_pool_destroy(pool);
}

/* The calling thread's task ends when the worker's has begun, which ends after three ticks: one after the first task,
 * the others while the calling thread has nothing to do. */
static pa_status run_until_ticked(void *user, const pa_task *task, pa_error *err)
{
    work *w = user;
    (void)task;
    (void)err;
    const int is_caller = pthread_equal(pthread_self(), w->caller) != 0;
    atomic_fetch_add(&w->runs[is_caller], 1);
    while (atomic_load(&w->runs[is_caller ? 0 : 2]) == 0) {
    }
    return PA_OK;
}

/* One each. */
static int next_for_each(void *user, int64_t limit, pa_task *task)
{
    work *w = user;
    const int is_caller = pthread_equal(pthread_self(), w->caller) != 0;
    if (w->fail_at[is_caller] == 0) {
        return 0;
    }
    w->fail_at[is_caller] = 0;
    *task = (pa_task){.number = is_caller};
    return task->number < limit;
}

static pa_status tick_and_release(void *user, pa_error *err)
{
    work *w = user;
    (void)err;
    if (++w->ticks == 3) {
        atomic_store(&w->runs[2], 1);
    }
    return PA_OK;
}

static void test_the_caller_ticks_while_it_waits(void **state)
{
    (void)state;
    pa_error err;
    pa_pool *pool = NULL;
    assert_ok(pa_pool_create(&pa_allocator_default, 2, &pool, &err));
    work w = {.fail_at = {1, 1}, .caller = pthread_self()};
    const pa_job job = {
        .next = next_for_each, .run = run_until_ticked, .ended = ended, .tick = tick_and_release, .user = &w};
    assert_ok(pa_pool_run(pool, &job, &err));
    assert_int_equal(w.ended, 2);
    assert_true(w.ticks >= 3);
    pa_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_runs_once_on_any_number_of_threads),
        cmocka_unit_test(test_a_task_may_wait_for_others_to_end),
        cmocka_unit_test(test_the_first_failure_is_reported_whatever_the_schedule),
        cmocka_unit_test(test_a_later_failure_does_not_hide_an_earlier_one),
        cmocka_unit_test(test_a_failure_lets_earlier_tasks_start),
        cmocka_unit_test(test_the_caller_can_stop_the_work),
        cmocka_unit_test(test_the_caller_ticks_while_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
