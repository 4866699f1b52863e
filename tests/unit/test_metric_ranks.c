/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Dimensions from singular values: stable_rank, effective_rank, participation_ratio. */
#include "pa_output_test.h"

static const char *const names[] = {"stable_rank", "effective_rank", "effective_rank", "participation_ratio"};
static const char *const variants[] = {"", "", "of: squared", "center: false"};
enum { N_VARIANTS = 4 };

static void test_diagonal_matrices_match_the_closed_forms(void **state)
{
    (void)state;
    const double x[4] = {3, 0, 0, 1};
    assert_close(number_of("stable_rank", "", x, 2, 2), 10.0 / 9.0, 1e-14);
    assert_close(number_of("effective_rank", "", x, 2, 2), 4.0 / pow(3.0, 0.75), 1e-14);
    /* p = (9/10, 1/10): exp(H) = 10 / 9^(9/10) */
    assert_close(number_of("effective_rank", "of: squared", x, 2, 2), 10.0 / pow(9.0, 0.9), 1e-14);
    assert_close(number_of("participation_ratio", "center: false", x, 2, 2), 100.0 / 82.0, 1e-14);
    pa_value value = value_of("stable_rank", "", x, 2, 2);
    assert_output(&value, "nuclear_rank", 4.0 / 3.0, 1e-14);
    assert_int_equal(value.rank, 2);
    pa_value_clear(&value);
}

/* Opposite corners of a box of half sides 1 and 2: mean zero, eigenvalues in the ratio 1 to 4. */
static void test_centring_subtracts_the_mean_of_each_column(void **state)
{
    (void)state;
    const double box[8] = {1, 2, 1, -2, -1, 2, -1, -2};
    double moved[8];
    for (int i = 0; i < 8; i++) {
        moved[i] = box[i] + (i % 2 == 0 ? 1000.0 : -3.0);
    }
    assert_close(number_of("participation_ratio", "", box, 4, 2), 25.0 / 17.0, 1e-14);
    assert_close(number_of("participation_ratio", "", moved, 4, 2), 25.0 / 17.0, 1e-12);
    assert_true(fabs(number_of("participation_ratio", "center: false", moved, 4, 2) - 1.0) < 1e-5);
}

static void test_equal_singular_values_give_the_rank(void **state)
{
    (void)state;
    pa_random r = {1};
    double *q = random_orthogonal(&r, 12);
    for (int v = 0; v < N_VARIANTS; v++) {
        assert_close(number_of(names[v], variants[v], q, 12, 12), 12.0, 1e-13);
        assert_close(number_of(names[v], variants[v], q, 5, 12), 5.0, 1e-13);
    }
    free(q);
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
    for (int v = 0; v < N_VARIANTS; v++) {
        const double expected = number_of(names[v], variants[v], x, 9, 5);
        assert_true(expected >= 1.0 && expected <= 5.0);
        assert_close(number_of(names[v], variants[v], t, 5, 9), expected, 1e-13);
        assert_close(number_of(names[v], variants[v], rotated, 9, 5), expected, 1e-12);
        double *big = dense_new(9, 5);
        for (int i = 0; i < 45; i++) {
            big[i] = -1e290 * x[i];
        }
        assert_close(number_of(names[v], variants[v], big, 9, 5), expected, 1e-12);
        free(big);
    }
    free(rotated);
    free(q);
    free(t);
    free(x);
}

static void test_the_definitions_are_ordered(void **state)
{
    (void)state;
    pa_random r = {3};
    double x[60];
    for (int round = 0; round < 20; round++) {
        pa_random_fill(&r, x, 60);
        const double stable = number_of("stable_rank", "", x, 6, 10);
        const double ratio = number_of("participation_ratio", "center: false", x, 6, 10);
        const double squared = number_of("effective_rank", "of: squared", x, 6, 10);
        const double effective = number_of("effective_rank", "", x, 6, 10);
        /* Renyi entropies of the same shares of orders infinity, 2 and 1; then those of flatter shares */
        assert_true(stable <= ratio && ratio <= squared && squared <= effective && effective <= 6.0);
    }
}

static void test_factors_are_not_multiplied_out(void **state)
{
    (void)state;
    pa_random r = {4};
    double *a = dense_new(40, 3);
    double *b = dense_new(3, 50);
    pa_random_fill(&r, a, 120);
    pa_random_fill(&r, b, 150);
    double *dense = dense_product(a, b, 40, 3, 50);
    pa_matrix *left = NULL;
    pa_matrix *right = NULL;
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_from_memory(ctx, a, PA_F64, 40, 3, &left, &err));
    assert_ok(pa_matrix_from_memory(ctx, b, PA_F64, 3, 50, &right, &err));
    assert_ok(pa_matrix_product(left, right, &m, &err));
    for (int v = 0; v < N_VARIANTS; v++) {
        pa_value value = PA_VALUE_INIT;
        assert_ok(pa_compute(ctx, names[v], variants[v], (const pa_matrix *[]){m}, 1, &value, &err));
        assert_close(value.value, number_of(names[v], variants[v], dense, 40, 50), 1e-12);
        pa_value_clear(&value);
    }
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_compute(ctx, "participation_ratio", "", (const pa_matrix *[]){m}, 1, &value, &err));
    assert_close(value.value, number_of("participation_ratio", "", dense, 40, 50), 1e-12);
    pa_value_clear(&value);
    pa_matrix_destroy(m);
    pa_matrix_destroy(right);
    pa_matrix_destroy(left);
    free(dense);
    free(b);
    free(a);
}

static void test_undefined_inputs_have_named_states(void **state)
{
    (void)state;
    const double zero[6] = {0};
    const double same[6] = {0.1, 7, 0.1, 7, 0.1, 7};
    const double bad[2] = {1.0, NAN};
    for (int v = 0; v < N_VARIANTS; v++) {
        assert_int_equal(state_of(names[v], variants[v], zero, 2, 3), PA_STATE_DEGENERATE);
        assert_int_equal(state_of(names[v], variants[v], bad, 1, 2), PA_STATE_NONFINITE);
        assert_int_equal(state_of(names[v], variants[v], NULL, 0, 2), PA_STATE_EMPTY);
    }
    assert_int_equal(state_of("participation_ratio", "", same, 3, 2), PA_STATE_DEGENERATE);
    assert_int_equal(state_of("participation_ratio", "", same, 1, 6), PA_STATE_DEGENERATE);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_random r = {5};
    double x[35];
    pa_random_fill(&r, x, 35);
    for (int v = 0; v < N_VARIANTS; v++) {
        pa_test_oom_sweep(outputs_under_pressure,
                          &(output_case){.name = names[v], .options = variants[v], .x = x, .n = 7, .p = 5});
    }
    pa_test_oom_sweep(outputs_under_pressure,
                      &(output_case){.name = "participation_ratio", .options = "", .x = x, .n = 7, .p = 5});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_diagonal_matrices_match_the_closed_forms),
        cmocka_unit_test(test_centring_subtracts_the_mean_of_each_column),
        cmocka_unit_test(test_equal_singular_values_give_the_rank),
        cmocka_unit_test(test_scale_transposition_and_rotation_do_not_matter),
        cmocka_unit_test(test_the_definitions_are_ordered),
        cmocka_unit_test(test_factors_are_not_multiplied_out),
        cmocka_unit_test(test_undefined_inputs_have_named_states),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
