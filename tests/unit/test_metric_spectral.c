/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The metrics of singular values: per, condition_number, and the nuclear and spectral norms. */
#include "pa_metric_test.h"

static const double diagonal[] = {3, 0, 0, 1};

static void test_diagonal_matrices_match_the_closed_forms(void **state)
{
    (void)state;
    /* p = (3/4, 1/4): exp(H) = 4 / 3^(3/4) */
    assert_value(value_of("per", "", diagonal, 2, 2), 2.0 / pow(3.0, 0.75), 1e-14);
    assert_value(value_of("condition_number", "", diagonal, 2, 2), 3.0, 1e-14);
    assert_value(value_of("norm", "norm_type: nuclear", diagonal, 2, 2), 4.0, 1e-14);
    assert_value(value_of("norm", "norm_type: spectral", diagonal, 2, 2), 3.0, 1e-14);
}

static void test_equal_singular_values_give_one(void **state)
{
    (void)state;
    pa_random r = {1};
    double *q = random_orthogonal(&r, 12);
    assert_value(value_of("per", "", q, 12, 12), 1.0, 1e-14);
    assert_value(value_of("per", "", q, 5, 12), 1.0, 1e-14); /* orthonormal rows */
    assert_value(value_of("condition_number", "", q, 12, 12), 1.0, 1e-13);
    assert_value(value_of("norm", "norm_type: nuclear", q, 12, 12), 12.0, 1e-14);
    free(q);
}

static void test_rank_one_is_the_least_effective(void **state)
{
    (void)state;
    double x[12];
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 4; j++) {
            x[i * 4 + j] = (i + 1.0) * (j - 5.0);
        }
    }
    assert_value(value_of("per", "", x, 3, 4), 1.0 / 3.0, 1e-13);
    assert_undefined(value_of("condition_number", "", x, 3, 4), PA_STATE_SINGULAR);
    assert_int_equal(value_of("condition_number", "", x, 3, 4).rank, 1);
    assert_int_equal(value_of("per", "", x, 3, 4).rank, 1);
}

static void test_scale_transposition_and_rotation_do_not_matter(void **state)
{
    (void)state;
    pa_random r = {2};
    double *x = dense_new(9, 5);
    pa_random_fill(&r, x, 45);
    double *t = dense_transpose(x, 9, 5);
    double *q = random_orthogonal(&r, 9);
    double *rotated = dense_product(q, x, 9, 9, 5);
    const char *const names[] = {"per", "condition_number"};
    for (int i = 0; i < 2; i++) {
        const double expected = value_of(names[i], "", x, 9, 5).value;
        assert_value(value_of(names[i], "", t, 5, 9), expected, 1e-13);
        assert_value(value_of(names[i], "", rotated, 9, 5), expected, 1e-12);
        for (int64_t k = 0; k < 45; k++) {
            t[k] *= -1e250;
        }
        assert_value(value_of(names[i], "", t, 5, 9), expected, 1e-12);
        for (int64_t k = 0; k < 45; k++) {
            t[k] /= -1e250;
        }
    }
    free(rotated);
    free(q);
    free(t);
    free(x);
}

/* The Hilbert matrix of order 6: its condition number is known (1.4951058642254665e7; N. Higham, "Accuracy and
 * Stability of Numerical Algorithms", section 28.1). */
static void test_an_ill_conditioned_matrix_keeps_its_digits(void **state)
{
    (void)state;
    double h[36];
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 6; j++) {
            h[i * 6 + j] = 1.0 / (i + j + 1.0);
        }
    }
    assert_value(value_of("condition_number", "", h, 6, 6), 1.4951058642254665e7, 1e-9);
}

static void test_zero_is_degenerate_but_has_norms(void **state)
{
    (void)state;
    const double zero[6] = {0};
    assert_undefined(value_of("per", "", zero, 2, 3), PA_STATE_DEGENERATE);
    assert_undefined(value_of("condition_number", "", zero, 2, 3), PA_STATE_DEGENERATE);
    assert_value(value_of("norm", "norm_type: nuclear", zero, 2, 3), 0.0, 0.0);
    assert_value(value_of("norm", "norm_type: spectral", zero, 2, 3), 0.0, 0.0);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(metric_under_pressure, &(metric_case){"per", "", 1});
    pa_test_oom_sweep(metric_under_pressure, &(metric_case){"norm", "norm_type: nuclear", 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diagonal_matrices_match_the_closed_forms),
        cmocka_unit_test(test_equal_singular_values_give_one),
        cmocka_unit_test(test_rank_one_is_the_least_effective),
        cmocka_unit_test(test_scale_transposition_and_rotation_do_not_matter),
        cmocka_unit_test(test_an_ill_conditioned_matrix_keeps_its_digits),
        cmocka_unit_test(test_zero_is_degenerate_but_has_norms),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
