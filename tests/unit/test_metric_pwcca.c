/* SPDX-License-Identifier: Apache-2.0 */
#include "pa_metric_test.h"

/* Computed with NumPy's QR and SVD from the definition of arXiv:1806.05759, independently of this library. */
static const double x7[] = {-1, -1, 2, 3, 9, -2, -1, 2, 8, 6, -2, 1, 2, 5, -3, -2, 1, 4, 5, -3, 0};
static const double y7[] = {-4, -4, 2, -1, -1, 1, -6, 4,  4, 8,  -1, -4, -4, -2,
                            4,  1,  1, 3,  -2, 6, 6,  -5, 1, -2, -2, 0,  6,  5};

static void test_it_matches_the_reference_value(void **state)
{
    (void)state;
    assert_value(value_of_two("pwcca", "", x7, 3, y7, 4, 7), 0.9271025241732829, 1e-13);
}

/* Orthogonal, centred columns: x has e1 and e2 with weights 3 and 1; y spans e1 and another direction. So rho = (1, 0)
 * and alpha = (3, 1): PWCCA = 3/4. */
static void test_known_directions_match_the_closed_form(void **state)
{
    (void)state;
    const double e[3][8] = {{1, -1, 1, -1, 1, -1, 1, -1}, {1, 1, -1, -1, 1, 1, -1, -1}, {1, 1, 1, 1, -1, -1, -1, -1}};
    double x[16];
    double y[16];
    for (int i = 0; i < 8; i++) {
        x[2 * i] = 3.0 * e[0][i] + 5.0;
        x[2 * i + 1] = e[1][i];
        y[2 * i] = 10.0 * e[0][i];
        y[2 * i + 1] = e[2][i] - 1.0;
    }
    assert_value(value_of_two("pwcca", "", x, 2, y, 2, 8), 0.75, 1e-14);
    /* From y's side the shared direction weighs 10 of 11: it is not symmetric. */
    assert_value(value_of_two("pwcca", "", y, 2, x, 2, 8), 10.0 / 11.0, 1e-14);
}

/* A low-rank product against itself: exactly 1, where pico-analyze gives 0.996 ... 1.006 depending on its noise. */
static void test_rank_deficient_input_against_itself_is_one(void **state)
{
    (void)state;
    pa_random r = {1};
    double *a = dense_new(60, 4);
    double *b = dense_new(4, 20);
    pa_random_fill(&r, a, 240);
    pa_random_fill(&r, b, 80);
    double *x = dense_product(a, b, 60, 4, 20);
    assert_value(value_of_two("pwcca", "", x, 20, x, 20, 60), 1.0, 1e-12);
    assert_int_equal(value_of_two("pwcca", "", x, 20, x, 20, 60).rank, 4);
    free(x);
    free(b);
    free(a);
}

static void test_invertible_maps_of_y_do_not_matter(void **state)
{
    (void)state;
    pa_random r = {2};
    double *x = dense_new(50, 5);
    double *y = dense_new(50, 4);
    double *map = dense_new(4, 4);
    pa_random_fill(&r, x, 250);
    pa_random_fill(&r, y, 200);
    pa_random_fill(&r, map, 16);
    double *mapped = dense_product(y, map, 50, 4, 4);
    const double expected = value_of_two("pwcca", "", x, 5, y, 4, 50).value;
    assert_true(expected > 0.0 && expected < 1.0);
    assert_value(value_of_two("pwcca", "", x, 5, mapped, 4, 50), expected, 1e-11);
    for (int i = 0; i < 250; i++) {
        x[i] = -7.0 * x[i] + 3.0;
    }
    assert_value(value_of_two("pwcca", "", x, 5, mapped, 4, 50), expected, 1e-11);
    free(mapped);
    free(map);
    free(y);
    free(x);
}

static void test_undefined_inputs_have_named_states(void **state)
{
    (void)state;
    pa_random r = {3};
    double x[24];
    double wide[24];
    const double constant[24] = {0};
    pa_random_fill(&r, x, 24);
    pa_random_fill(&r, wide, 24);
    assert_undefined(value_of_two("pwcca", "", x, 2, constant, 2, 12), PA_STATE_DEGENERATE);
    assert_undefined(value_of_two("pwcca", "", x, 6, wide, 6, 4), PA_STATE_SATURATED);
    assert_undefined(value_of_two("pwcca", "", x, 6, wide, 1, 4), PA_STATE_SATURATED);
    assert_undefined(value_of_two("pwcca", "", x, 1, wide, 6, 4), PA_STATE_SATURATED);
    assert_undefined(value_of_two("pwcca", "compat: pico", x, 2, wide, 2, 12), PA_STATE_UNSUPPORTED);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(metric_under_pressure, &(metric_case){"pwcca", "", 2});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_matches_the_reference_value),
        cmocka_unit_test(test_known_directions_match_the_closed_form),
        cmocka_unit_test(test_rank_deficient_input_against_itself_is_one),
        cmocka_unit_test(test_invertible_maps_of_y_do_not_matter),
        cmocka_unit_test(test_undefined_inputs_have_named_states),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
