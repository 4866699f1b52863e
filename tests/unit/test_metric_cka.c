/* SPDX-License-Identifier: Apache-2.0 */
#include "pa_metric_test.h"

enum { N = 40, P = 6, Q = 9 };

/* The definition on Gram matrices, with explicit centring: none of it is how the library computes. */
static double gram_cka(const double *x, int64_t p, const double *y, int64_t q, int64_t n)
{
    double *xc = dense_centered(x, n, p);
    double *yc = dense_centered(y, n, q);
    double *xt = dense_transpose(xc, n, p);
    double *yt = dense_transpose(yc, n, q);
    double *k = dense_product(xc, xt, n, p, n);
    double *l = dense_product(yc, yt, n, q, n);
    const double cka = dense_inner(k, l, n * n) / sqrt(dense_inner(k, k, n * n) * dense_inner(l, l, n * n));
    free(l);
    free(k);
    free(yt);
    free(xt);
    free(yc);
    free(xc);
    return cka;
}

/* Song et al.'s HSIC_1 on Gram matrices with zero diagonals. */
static double hsic1(const double *x, int64_t p, const double *y, int64_t q, int64_t n)
{
    double *xt = dense_transpose(x, n, p);
    double *yt = dense_transpose(y, n, q);
    double *k = dense_product(x, xt, n, p, n);
    double *l = dense_product(y, yt, n, q, n);
    double trace = 0.0;
    double k_sum = 0.0;
    double l_sum = 0.0;
    double both = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double k_row = 0.0;
        double l_row = 0.0;
        for (int64_t j = 0; j < n; j++) {
            if (i != j) {
                trace += k[i * n + j] * l[i * n + j];
                k_row += k[i * n + j];
                l_row += l[i * n + j];
            }
        }
        k_sum += k_row;
        l_sum += l_row;
        both += k_row * l_row;
    }
    free(l);
    free(k);
    free(yt);
    free(xt);
    const double m = (double)n;
    return (trace + k_sum * l_sum / ((m - 1) * (m - 2)) - 2.0 * both / (m - 2)) / (m * (m - 3));
}

static void test_it_matches_the_gram_form(void **state)
{
    (void)state;
    const int64_t shapes[][3] = {{40, 6, 9}, {8, 30, 5}, {8, 5, 30}, {12, 40, 50}, {5, 1, 1}};
    pa_random r = {1};
    for (int i = 0; i < 5; i++) {
        const int64_t n = shapes[i][0];
        const int64_t p = shapes[i][1];
        const int64_t q = shapes[i][2];
        double *x = dense_new(n, p);
        double *y = dense_new(n, q);
        pa_random_fill(&r, x, n * p);
        pa_random_fill(&r, y, n * q);
        assert_value(value_of_two("cka", "", x, p, y, q, n), gram_cka(x, p, y, q, n), 1e-13);
        const double debiased = hsic1(x, p, y, q, n) / sqrt(hsic1(x, p, x, p, n) * hsic1(y, q, y, q, n));
        if (isfinite(debiased)) {
            assert_value(value_of_two("cka", "debiased: true", x, p, y, q, n), debiased, 1e-11);
        }
        free(x);
        free(y);
    }
}

static void test_a_rotated_scaled_shifted_copy_is_the_same(void **state)
{
    (void)state;
    pa_random r = {2};
    double *x = dense_new(N, P);
    pa_random_fill(&r, x, N * P);
    double *q = random_orthogonal(&r, P);
    double *y = dense_product(x, q, N, P, P);
    for (int64_t i = 0; i < N * P; i++) {
        y[i] = -3.0 * y[i] + (double)(i % P);
    }
    assert_value(value_of_two("cka", "", x, P, y, P, N), 1.0, 1e-14);
    assert_value(value_of_two("cka", "debiased: true", x, P, y, P, N), 1.0, 1e-13);
    free(y);
    free(q);
    free(x);
}

/* metrics literature: independent Gaussian data of 64 x 512 give about 0.89 biased and about 0 debiased. */
static void test_the_debiased_form_is_unbiased_for_independent_data(void **state)
{
    (void)state;
    enum { SEEDS = 40, ROWS = 24, COLS = 48 };
    double *x = dense_new(ROWS, COLS);
    double *y = dense_new(ROWS, COLS);
    double sum = 0.0;
    double squares = 0.0;
    double biased = 0.0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        pa_random r = {1000 + seed};
        pa_random_fill(&r, x, ROWS * COLS);
        pa_random_fill(&r, y, ROWS * COLS);
        const double v = value_of_two("cka", "debiased: true", x, COLS, y, COLS, ROWS).value;
        sum += v;
        squares += v * v;
        biased += value_of_two("cka", "", x, COLS, y, COLS, ROWS).value / SEEDS;
    }
    const double mean = sum / SEEDS;
    const double deviation = sqrt((squares / SEEDS - mean * mean) / SEEDS);
    assert_true(fabs(mean) < 3.0 * deviation);
    assert_true(biased > 0.5);
    free(x);
    free(y);
}

static void test_it_is_symmetric(void **state)
{
    (void)state;
    pa_random r = {3};
    double *x = dense_new(N, P);
    double *y = dense_new(N, Q);
    pa_random_fill(&r, x, N * P);
    pa_random_fill(&r, y, N * Q);
    const double xy = value_of_two("cka", "", x, P, y, Q, N).value;
    assert_value(value_of_two("cka", "", y, Q, x, P, N), xy, 1e-15);
    free(x);
    free(y);
}

static void test_scale_and_offset_do_not_matter(void **state)
{
    (void)state;
    pa_random r = {4};
    double *x = dense_new(N, P);
    double *y = dense_new(N, Q);
    pa_random_fill(&r, x, N * P);
    pa_random_fill(&r, y, N * Q);
    const double expected = value_of_two("cka", "", x, P, y, Q, N).value;
    const double scales[] = {1e200, 1e-200, -1e100};
    for (int s = 0; s < 3; s++) {
        double *scaled = dense_new(N, P);
        for (int64_t i = 0; i < N * P; i++) {
            scaled[i] = scales[s] * x[i];
        }
        assert_value(value_of_two("cka", "", scaled, P, y, Q, N), expected, 1e-13);
        free(scaled);
    }
    for (int64_t i = 0; i < N * P; i++) {
        x[i] += 1e4; /* feature means that dwarf the spread */
    }
    assert_value(value_of_two("cka", "", x, P, y, Q, N), expected, 1e-10);
    free(x);
    free(y);
}

static void test_undefined_inputs_have_named_states(void **state)
{
    (void)state;
    pa_random r = {5};
    double x[12];
    const double constant[12] = {7, 8, 7, 8, 7, 8, 7, 8, 7, 8, 7, 8};
    pa_random_fill(&r, x, 12);
    assert_undefined(value_of_two("cka", "", x, 2, constant, 2, 6), PA_STATE_DEGENERATE);
    assert_undefined(value_of_two("cka", "", constant, 2, x, 2, 6), PA_STATE_DEGENERATE);
    assert_undefined(value_of_two("cka", "", x, 12, x, 12, 1), PA_STATE_DEGENERATE);
    assert_undefined(value_of_two("cka", "debiased: true", x, 4, x, 4, 3), PA_STATE_SATURATED);
    x[3] = NAN;
    assert_undefined(value_of_two("cka", "", x, 2, x, 2, 6), PA_STATE_NONFINITE);
    assert_int_equal(value_of_two("cka", "", x, 2, x, 2, 6).nonfinite, 2);
}

static void test_rows_that_do_not_pair_are_unsupported(void **state)
{
    (void)state;
    const double x[6] = {1, 2, 3, 4, 5, 7};
    pa_matrix *a = NULL;
    pa_matrix *b = NULL;
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F64, 3, 2, &a, &err));
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F64, 2, 3, &b, &err));
    assert_ok(pa_compute(ctx, "cka", NULL, (const pa_matrix *[]){a, b}, 2, &value, &err));
    assert_int_equal(value.state, PA_STATE_UNSUPPORTED);
    assert_string_equal(value.note, "3 rows cannot be paired with 2");
    pa_matrix_destroy(a);
    pa_matrix_destroy(b);
}

/* exp(-d / 2 s^2) = 1 - d / 2 s^2 + ...: what centring leaves of a wide kernel is the linear one. One so narrow that no
 * two rows are neighbours is the unit matrix, the same for all data. */
static void test_a_wide_kernel_is_linear_and_a_narrow_one_blind(void **state)
{
    (void)state;
    pa_random r = {6};
    double *x = dense_new(N, P);
    double *y = dense_new(N, Q);
    pa_random_fill(&r, x, N * P);
    pa_random_fill(&r, y, N * Q);
    const double linear = value_of_two("cka", "", x, P, y, Q, N).value;
    const double debiased = value_of_two("cka", "debiased: true", x, P, y, Q, N).value;
    const double rbf = value_of_two("cka", "kernel: rbf", x, P, y, Q, N).value;
    assert_true(fabs(rbf - linear) > 1e-3);
    assert_value(value_of_two("cka", "kernel: rbf, threshold: 1e4", x, P, y, Q, N), linear, 1e-7);
    assert_value(value_of_two("cka", "kernel: rbf, threshold: 1e6", x, P, y, Q, N), linear, 1e-11);
    assert_value(value_of_two("cka", "kernel: rbf, debiased: true, threshold: 1e6", x, P, y, Q, N), debiased, 1e-11);
    assert_value(value_of_two("cka", "kernel: rbf, threshold: 1e-3", x, P, y, Q, N), 1.0, 1e-14);
    assert_value(value_of_two("cka", "kernel: rbf, threshold: 1e-300", x, P, y, Q, N), 1.0, 1e-14);
    assert_undefined(value_of_two("cka", "kernel: rbf, debiased: true, threshold: 1e-3", x, P, y, Q, N),
                     PA_STATE_DEGENERATE);
    assert_undefined(value_of_two("cka", "kernel: rbf, threshold: 1e200", x, P, y, Q, N), PA_STATE_DEGENERATE);
    free(y);
    free(x);
}

/* HKH: columns, then rows. */
static double *doubly_centered(const double *k, int64_t n)
{
    double *columns = dense_centered(k, n, n);
    double *turned = dense_transpose(columns, n, n);
    double *both = dense_centered(turned, n, n);
    free(turned);
    free(columns);
    return both;
}

/* Rows on a line: squared distances 1, 4 and 9 of x, median 4; with each twice and three zeros, 1. Of y 1, 1 and 0, of
 * which the median is 1, and with the diagonal 0. */
static void test_the_median_may_count_the_diagonal(void **state)
{
    (void)state;
    const double x[3] = {0.0, 1.0, 3.0};
    const double y[3] = {1.0, 0.0, 0.0};
    double k[9];
    double l[9];
    for (int i = 0; i < 9; i++) {
        k[i] = exp(-(x[i / 3] - x[i % 3]) * (x[i / 3] - x[i % 3]) / 8.0);
        l[i] = exp(-(y[i / 3] - y[i % 3]) * (y[i / 3] - y[i % 3]) / 2.0);
    }
    double *kh = doubly_centered(k, 3);
    double *lh = doubly_centered(l, 3);
    const double expected = dense_inner(kh, lh, 9) / sqrt(dense_inner(kh, kh, 9) * dense_inner(lh, lh, 9));
    assert_value(value_of_two("cka", "kernel: rbf", x, 1, y, 1, 3), expected, 1e-14);
    assert_undefined(value_of_two("cka", "kernel: rbf, median_diagonal: true", x, 1, y, 1, 3), PA_STATE_DEGENERATE);
    const double z[3] = {0.0, 2.0, 1.0}; /* 4, 1, 1: median 1, and 1 with the diagonal */
    const double narrow = value_of_two("cka", "kernel: rbf, median_diagonal: true", x, 1, z, 1, 3).value;
    assert_true(fabs(value_of_two("cka", "kernel: rbf", x, 1, z, 1, 3).value - narrow) > 1e-3);
    free(lh);
    free(kh);
}

static void test_the_debiased_kernel_is_unbiased_for_independent_data(void **state)
{
    (void)state;
    enum { SEEDS = 60, ROWS = 16, COLS = 6 };
    double x[ROWS * COLS];
    double y[ROWS * COLS];
    double sum = 0.0;
    double squares = 0.0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        pa_random r = {2000 + seed};
        pa_random_fill(&r, x, ROWS * COLS);
        pa_random_fill(&r, y, ROWS * COLS);
        const double v = value_of_two("cka", "kernel: rbf, debiased: true", x, COLS, y, COLS, ROWS).value;
        sum += v;
        squares += v * v;
    }
    const double mean = sum / SEEDS;
    assert_true(fabs(mean) < 3.0 * sqrt((squares / SEEDS - mean * mean) / SEEDS));
    assert_true(squares > 0.0);
}

static void test_kernels_that_say_nothing_are_degenerate(void **state)
{
    (void)state;
    enum { MANY = 20001 };
    pa_random r = {7};
    double x[30];
    double twins[30];
    const double corners[25] = {1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
    pa_random_fill(&r, x, 30);
    pa_random_fill(&r, twins, 30);
    for (int i = 3; i < 24; i++) {
        twins[i] = twins[i % 3]; /* eight of ten rows */
    }
    assert_undefined(value_of_two("cka", "kernel: rbf", x, 3, twins, 3, 10), PA_STATE_DEGENERATE);
    assert_value(value_of_two("cka", "", twins, 3, twins, 3, 10), 1.0, 1e-14);
    for (int i = 3; i < 24; i++) { /* equal up to rounding */
        twins[i] *= 1.0 + (double)(i % 5) * 0x1p-52;
    }
    assert_undefined(value_of_two("cka", "kernel: rbf", x, 3, twins, 3, 10), PA_STATE_DEGENERATE);
    /* all rows equally far from each other: nothing is left without the diagonal */
    assert_undefined(value_of_two("cka", "kernel: rbf, debiased: true", corners, 5, x, 5, 5), PA_STATE_DEGENERATE);
    assert_value(value_of_two("cka", "kernel: rbf", corners, 5, corners, 5, 5), 1.0, 1e-14);
    assert_undefined(value_of_two("cka", "kernel: rbf, debiased: true", x, 4, x, 4, 3), PA_STATE_SATURATED);
    double *many = dense_new(MANY, 1);
    pa_random_fill(&r, many, MANY);
    assert_undefined(value_of_two("cka", "kernel: rbf", many, 1, many, 1, MANY), PA_STATE_UNSUPPORTED);
    free(many);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(metric_under_pressure, &(metric_case){"cka", "kernel: rbf, debiased: true", 2});
    pa_test_oom_sweep(metric_under_pressure, &(metric_case){"cka", "", 2});
    pa_test_oom_sweep(metric_under_pressure, &(metric_case){"cka", "debiased: true", 2});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_matches_the_gram_form),
        cmocka_unit_test(test_a_rotated_scaled_shifted_copy_is_the_same),
        cmocka_unit_test(test_the_debiased_form_is_unbiased_for_independent_data),
        cmocka_unit_test(test_it_is_symmetric),
        cmocka_unit_test(test_scale_and_offset_do_not_matter),
        cmocka_unit_test(test_undefined_inputs_have_named_states),
        cmocka_unit_test(test_rows_that_do_not_pair_are_unsupported),
        cmocka_unit_test(test_a_wide_kernel_is_linear_and_a_narrow_one_blind),
        cmocka_unit_test(test_the_median_may_count_the_diagonal),
        cmocka_unit_test(test_the_debiased_kernel_is_unbiased_for_independent_data),
        cmocka_unit_test(test_kernels_that_say_nothing_are_degenerate),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
