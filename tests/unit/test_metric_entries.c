/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The metrics of single elements: gini, hoyer, and the frobenius, inf and l1 norms. */
#include "pa_metric_test.h"

static void test_small_matrices_match_the_closed_forms(void **state)
{
    (void)state;
    const double x[4] = {1, -2, 3, -4};
    /* sorted 1 2 3 4 with weights -3 -1 1 3: 10 / (4 * 10) */
    assert_value(value_of("gini", "", x, 2, 2), 0.25, 1e-15);
    assert_value(value_of("hoyer", "", x, 2, 2), 2.0 - 10.0 / sqrt(30.0), 1e-15);
    assert_value(value_of("norm", "", x, 2, 2), sqrt(30.0), 1e-15);
    assert_value(value_of("norm", "norm_type: inf", x, 2, 2), 7.0, 1e-15);
    assert_value(value_of("norm", "norm_type: inf, compat: pico", x, 2, 2), 4.0, 1e-15);
    assert_value(value_of("norm", "norm_type: l1", x, 2, 2), 10.0, 1e-15);
}

/* Gini as the mean absolute difference of all pairs, over twice the mean: the other definition, O(N^2). */
static void test_gini_is_half_the_relative_mean_difference(void **state)
{
    (void)state;
    enum { COUNT = 600 };
    double *x = dense_new(COUNT, 1);
    pa_random r = {1};
    pa_random_fill(&r, x, COUNT);
    double difference = 0.0;
    double total = 0.0;
    for (int i = 0; i < COUNT; i++) {
        total += fabs(x[i]);
        for (int j = 0; j < COUNT; j++) {
            difference += fabs(fabs(x[i]) - fabs(x[j]));
        }
    }
    assert_value(value_of("gini", "", x, 20, 30), difference / (2.0 * COUNT * total), 1e-12);
    free(x);
}

static void test_the_extremes_are_zero_and_nearly_one(void **state)
{
    (void)state;
    double x[100];
    for (int i = 0; i < 100; i++) {
        x[i] = i % 2 == 0 ? 2.5 : -2.5;
    }
    assert_value(value_of("gini", "", x, 10, 10), 0.0, 1e-15);
    assert_value(value_of("hoyer", "", x, 10, 10), 0.0, 1e-14);
    memset(x, 0, sizeof(x));
    x[37] = -5e-300;
    assert_value(value_of("gini", "", x, 10, 10), 0.99, 1e-15);
    assert_value(value_of("hoyer", "", x, 10, 10), 1.0, 1e-15);
}

static void test_order_and_scale_do_not_matter(void **state)
{
    (void)state;
    pa_random r = {2};
    double *x = dense_new(30, 40);
    pa_random_fill(&r, x, 1200);
    const double gini = value_of("gini", "", x, 30, 40).value;
    const double hoyer = value_of("hoyer", "", x, 30, 40).value;
    double *y = dense_new(30, 40);
    for (int i = 0; i < 1200; i++) {
        y[(i * 7) % 1200] = -1e280 * x[i];
    }
    assert_value(value_of("gini", "", y, 40, 30), gini, 1e-13);
    assert_value(value_of("hoyer", "", y, 60, 20), hoyer, 1e-13);
    free(y);
    free(x);
}

static void test_undefined_inputs_have_named_states(void **state)
{
    (void)state;
    const double zero[6] = {0};
    const double one[1] = {3.0};
    const double bad[2] = {1.0, INFINITY};
    assert_undefined(value_of("gini", "", zero, 2, 3), PA_STATE_DEGENERATE);
    assert_undefined(value_of("hoyer", "", zero, 2, 3), PA_STATE_DEGENERATE);
    assert_value(value_of("gini", "compat: pico", zero, 2, 3), 0.0, 0.0);
    assert_undefined(value_of("gini", "", one, 1, 1), PA_STATE_DEGENERATE);
    assert_undefined(value_of("hoyer", "", one, 1, 1), PA_STATE_DEGENERATE);
    assert_undefined(value_of("norm", "", bad, 1, 2), PA_STATE_NONFINITE);
    assert_undefined(value_of("gini", "", bad, 1, 2), PA_STATE_NONFINITE);
    assert_undefined(value_of("gini", "", NULL, 0, 2), PA_STATE_EMPTY);
    assert_value(value_of("norm", "", zero, 2, 3), 0.0, 0.0);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(metric_under_pressure, &(metric_case){"gini", "", 1});
    pa_test_oom_sweep(metric_under_pressure, &(metric_case){"hoyer", "", 1});
    pa_test_oom_sweep(metric_under_pressure, &(metric_case){"norm", "norm_type: inf", 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_matrices_match_the_closed_forms),
        cmocka_unit_test(test_gini_is_half_the_relative_mean_difference),
        cmocka_unit_test(test_the_extremes_are_zero_and_nearly_one),
        cmocka_unit_test(test_order_and_scale_do_not_matter),
        cmocka_unit_test(test_undefined_inputs_have_named_states),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
