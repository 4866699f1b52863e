/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Moments added block by block, and exact quantiles out of two readings. */
#include <float.h>

#include "base/alloc.h"
#include "linalg/moments.h"
#include "linalg/selection.h"
#include "pa_random.h"
#include "pa_test.h"

static pa_error err;

static pa_moments moments_of(const double *x, int64_t count)
{
    pa_moments m = {0};
    pa_moments_add(&m, x, count);
    return m;
}

static void test_small_sets_match_the_closed_forms(void **state)
{
    (void)state;
    const double x[5] = {1, 2, 3, 4, 10}; /* mean 4; deviations -3 -2 -1 0 6 */
    const pa_moments m = moments_of(x, 5);
    assert_close(pa_moments_mean(&m), 4.0, 1e-15);
    assert_close(pa_moments_sd(&m), sqrt(10.0), 1e-15);
    assert_close(pa_moments_rms(&m), sqrt(26.0), 1e-15);
    assert_close(pa_moments_skew(&m), 36.0 / (10.0 * sqrt(10.0)), 1e-14);
    assert_close(pa_moments_kurtosis(&m), 278.8 / 100.0 - 3.0, 1e-13);
}

/* Any split is the same as one block, whatever the scale: 1e300 has squares beyond a double, and so has 1e-300. */
static void test_parts_merge_to_the_whole(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static double x[COUNT];
    const double scales[] = {1.0, 1e300, 1e-300, 1e70, 1e100, 1e-100};
    for (int s = 0; s < 6; s++) {
        pa_random r = {1};
        pa_random_fill(&r, x, COUNT);
        for (int i = 0; i < COUNT; i++) {
            x[i] = (x[i] + 0.1 * x[i] * x[i]) * scales[s];
        }
        const pa_moments whole = moments_of(x, COUNT);
        pa_moments merged = {0};
        for (int begin = 0, step = 1; begin < COUNT; begin += step, step = step * 3 + 1) {
            const pa_moments part = moments_of(x + begin, begin + step < COUNT ? step : COUNT - begin);
            pa_moments_merge(&merged, &part);
        }
        assert_int_equal(merged.count, COUNT);
        assert_close(pa_moments_mean(&merged) / scales[s], pa_moments_mean(&whole) / scales[s], 1e-13);
        assert_close(pa_moments_sd(&merged) / scales[s], pa_moments_sd(&whole) / scales[s], 1e-13);
        assert_close(pa_moments_skew(&merged), pa_moments_skew(&whole), 1e-12);
        assert_close(pa_moments_kurtosis(&merged), pa_moments_kurtosis(&whole), 1e-12);
        assert_true(pa_moments_sd(&whole) / scales[s] > 0.9 && pa_moments_sd(&whole) / scales[s] < 1.2);
    }
}

static void test_a_large_mean_costs_no_digits(void **state)
{
    (void)state;
    static double x[4000];
    for (int i = 0; i < 4000; i++) {
        x[i] = 1e9 + (i % 4); /* 0 1 2 3: variance 5/4, fourth moment 41/16 */
    }
    const pa_moments m = moments_of(x, 4000);
    assert_close(pa_moments_sd(&m), sqrt(1.25), 1e-13);
    assert_close(pa_moments_skew(&m), 0.0, 1e-12);
    assert_close(pa_moments_kurtosis(&m), 41.0 / 16.0 / (25.0 / 16.0) - 3.0, 1e-12);
    assert_false(pa_moments_is_constant(&m));
}

static void test_equal_numbers_are_constant(void **state)
{
    (void)state;
    static double x[3000];
    const double values[] = {0.1, -7e300, 1e-310, 0.0, DBL_MAX};
    for (int v = 0; v < 5; v++) {
        for (int i = 0; i < 3000; i++) {
            x[i] = values[v];
        }
        const pa_moments m = moments_of(x, 3000);
        assert_true(pa_moments_is_constant(&m));
        assert_true(fabs(pa_moments_mean(&m) - values[v]) <= 1e-15 * fabs(values[v]));
        assert_true(pa_moments_sd(&m) <= 1e-15 * fabs(values[v]));
    }
}

/* Zeros first, then tiny numbers: the zeros must not push those below the smallest double. */
static void test_zeros_do_not_swallow_tiny_numbers(void **state)
{
    (void)state;
    static double x[2048];
    for (int i = 1024; i < 2048; i++) {
        x[i] = i % 2 == 0 ? 3e-290 : -1e-290;
    }
    /* a quarter of 3, a quarter of -1, the rest 0: mean 1/2, variance 9/4 */
    const pa_moments m = moments_of(x, 2048);
    assert_close(pa_moments_mean(&m) / 1e-290, 0.5, 1e-13);
    assert_close(pa_moments_sd(&m) / 1e-290, 1.5, 1e-13);
    assert_close(pa_moments_skew(&m), (2.5 * 2.5 * 2.5 / 4 - 1.5 * 1.5 * 1.5 / 4 - 0.125 / 2) / (2.25 * 1.5), 1e-12);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void check_quantiles(const pa_allocator *mem, double *x, int64_t count, pa_status *status)
{
    const double levels[] = {0.0, 0.001, 0.25, 0.5, 0.77, 1.0};
    pa_selection *s = NULL;
    *status = pa_selection_create(mem, &s, &err);
    if (*status == PA_OK) {
        pa_selection_count(s, x, count / 2);
        pa_selection_count(s, x + count / 2, count - count / 2);
    }
    for (int q = 0; q < 6 && *status == PA_OK; q++) {
        *status = pa_selection_want(s, levels[q], &err);
    }
    if (*status == PA_OK) {
        pa_selection_collect(s, x, count);
        *status = pa_selection_finish(s, &err);
    }
    if (*status == PA_OK) {
        qsort(x, (size_t)count, sizeof(*x), ascending);
        for (int q = 0; q < 6; q++) {
            const double h = levels[q] * (double)(count - 1);
            const int64_t at = (int64_t)h;
            const double w = h - (double)at;
            const double expected = w > 0.0 ? (1.0 - w) * x[at] + w * x[at + 1] : x[at];
            const double got = pa_selection_quantile(s, levels[q]);
            assert_false(got == 0.0 && signbit(got) != 0);
            if (!(fabs(got - expected) <= 1e-14 * (fabs(x[0]) + fabs(x[count - 1])))) {
                fail_msg("quantile %g of %d is %.17g, not %.17g", levels[q], (int)count, got, expected);
            }
        }
    }
    pa_selection_destroy(s);
}

static void test_quantiles_are_those_of_the_sorted_numbers(void **state)
{
    (void)state;
    enum { MOST = 6000 };
    static double x[MOST];
    const int64_t counts[] = {1, 2, 3, 7, 1000, 1001, MOST};
    for (int round = 0; round < 6; round++) {
        for (int c = 0; c < 7; c++) {
            pa_random r = {(uint64_t)(17 * round + c)};
            pa_random_fill(&r, x, counts[c]);
            for (int64_t i = 0; i < counts[c]; i++) {
                x[i] = round == 1   ? 0.1
                       : round == 2 ? (x[i] > 0.0 ? x[i] : -0.0)
                       : round == 3 ? x[i] * 1e307
                       : round == 4 ? exp(50.0 * x[i])
                       : round == 5 ? -fabs(x[i])
                                    : x[i];
            }
            pa_status status = PA_OK;
            check_quantiles(&pa_allocator_default, x, counts[c], &status);
            assert_int_equal(status, PA_OK);
        }
    }
}

static pa_status select_under_pressure(const pa_allocator *mem, void *user)
{
    double x[300];
    pa_random r = {3};
    pa_status status = PA_OK;
    (void)user;
    pa_random_fill(&r, x, 300);
    check_quantiles(mem, x, 300, &status);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(select_under_pressure, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_sets_match_the_closed_forms),
        cmocka_unit_test(test_parts_merge_to_the_whole),
        cmocka_unit_test(test_a_large_mean_costs_no_digits),
        cmocka_unit_test(test_equal_numbers_are_constant),
        cmocka_unit_test(test_zeros_do_not_swallow_tiny_numbers),
        cmocka_unit_test(test_quantiles_are_those_of_the_sorted_numbers),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
