/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * activation_stats and weight_distribution. */
#include <float.h>

#include "pa_output_test.h"

/* Columns: a ramp, its negative, nothing, a whisper. */
static const double four_units[16] = {1, -1, 0, 0.01, 2, -2, 0, -0.01, 3, -3, 0, 0.01, 4, -4, 0, -0.01};

static void test_units_are_dead_or_dormant(void **state)
{
    (void)state;
    pa_value value = value_of("activation_stats", "per_unit: true", four_units, 4, 4);
    assert_number(&value, 0.0, 1e-16);
    assert_output(&value, "dead_units", 1.0, 0.0);
    assert_output(&value, "dormant_units", 2.0, 0.0);
    assert_output(&value, "zero_share", 0.25, 0.0);
    assert_output(&value, "max", 4.0, 0.0);
    assert_output(&value, "outlier_share", 0.0, 0.0);
    const pa_output score = output_of(&value, "unit_score");
    assert_string_equal(score.axes, "unit");
    assert_int_equal(score.shape[0], 4);
    assert_close(score.numbers[0], 2.5 / (20.04 / 16.0), 1e-15);
    assert_close(score.numbers[2], 0.0, 0.0);
    assert_close(output_of(&value, "unit_mean").numbers[1], -2.5, 1e-15);
    assert_close(output_of(&value, "unit_sd").numbers[0], sqrt(1.25), 1e-15);
    assert_close(output_of(&value, "unit_max").numbers[1], -1.0, 0.0);
    pa_value_clear(&value);
    value = value_of("activation_stats", "dead: relu, tau: 0.001", four_units, 4, 4);
    assert_output(&value, "dead_units", 2.0, 0.0);
    assert_output(&value, "dormant_units", 1.0, 0.0);
    assert_int_equal(pa_value_find_output(&value, "unit_mean", &(pa_output){.struct_size = sizeof(pa_output)}, NULL),
                     PA_ERR_NOT_FOUND);
    pa_value_clear(&value);
}

/* Ten columns of equal variance, uncorrelated: nine of them hold nine tenths, on the tie. */
static void test_saturation_counts_principal_components(void **state)
{
    (void)state;
    double x[200] = {0};
    for (int j = 0; j < 10; j++) {
        x[2 * j * 10 + j] = 0.3;
        x[(2 * j + 1) * 10 + j] = -0.3;
    }
    pa_value value = value_of("activation_stats", "share: 0.9", x, 20, 10);
    assert_output(&value, "saturation_rank", 9.0, 0.0);
    assert_output(&value, "saturation", 0.9, 1e-15);
    pa_value_clear(&value);
    value = value_of("activation_stats", "share: 0.91", x, 20, 10);
    assert_output(&value, "saturation_rank", 10.0, 0.0);
    pa_value_clear(&value);
    value = value_of("activation_stats", "saturation: false", x, 20, 10);
    assert_int_equal(pa_value_find_output(&value, "saturation", &(pa_output){.struct_size = sizeof(pa_output)}, NULL),
                     PA_ERR_NOT_FOUND);
    pa_value_clear(&value);
}

static void test_massive_activations_are_outliers(void **state)
{
    (void)state;
    double x[100];
    for (int i = 0; i < 100; i++) {
        x[i] = i % 2 == 0 ? 0.2 : -0.2;
    }
    x[7] = 201.0;
    x[8] = -201.0;
    x[9] = 199.0; /* above 100, but not 1000 medians */
    pa_value value = value_of("activation_stats", "", x, 10, 10);
    assert_output(&value, "outlier_share", 0.02, 1e-15);
    assert_output(&value, "median_abs", 0.2, 0.0);
    pa_value_clear(&value);
    for (int i = 0; i < 100; i++) {
        x[i] /= 3.0; /* 67: a thousand medians, but not above 100 */
    }
    value = value_of("activation_stats", "", x, 10, 10);
    assert_output(&value, "outlier_share", 0.0, 0.0);
    pa_value_clear(&value);
}

static void test_what_is_not_finite_is_counted_and_left_out(void **state)
{
    (void)state;
    const double x[8] = {1, NAN, 2, NAN, 3, INFINITY, 6, -INFINITY};
    const char *const names[2] = {"activation_stats", "weight_distribution"};
    for (int i = 0; i < 2; i++) {
        pa_value value = value_of(names[i], "", x, 4, 2);
        assert_number(&value, i == 0 ? 3.0 : sqrt(3.5), 1e-15);
        assert_output(&value, "nan_count", 2.0, 0.0);
        assert_output(&value, "inf_count", 2.0, 0.0);
        assert_output(&value, "q50", 2.5, 1e-15);
        assert_output(&value, "min", 1.0, 0.0);
        assert_int_equal(value.nonfinite, 4);
        pa_value_clear(&value);
    }
    pa_value value = value_of("activation_stats", "", x, 4, 2);
    assert_output_undefined(&value, "saturation", PA_STATE_NONFINITE);
    assert_output(&value, "dead_units", 0.0, 0.0); /* a column of nothing finite is not dead */
    pa_value_clear(&value);
    value = value_of("weight_distribution", "", (const double[]){NAN, INFINITY}, 1, 2);
    assert_int_equal(value.state, PA_STATE_NONFINITE);
    assert_output_undefined(&value, "q99", PA_STATE_NONFINITE);
    assert_output(&value, "nan_count", 1.0, 0.0);
    assert_output(&value, "inf_count", 1.0, 0.0);
    pa_value_clear(&value);
    assert_int_equal(state_of("activation_stats", "", NULL, 0, 3), PA_STATE_EMPTY);
}

static void test_few_or_equal_elements_have_no_shape(void **state)
{
    (void)state;
    double same[6];
    for (int i = 0; i < 6; i++) {
        same[i] = 0.1;
    }
    pa_value value = value_of("weight_distribution", "", same, 3, 1);
    assert_output_undefined(&value, "skew", PA_STATE_SATURATED);
    assert_output_undefined(&value, "kurtosis", PA_STATE_SATURATED);
    pa_value_clear(&value);
    value = value_of("activation_stats", "", same, 3, 2);
    assert_number(&value, 0.1, 1e-16);
    assert_output(&value, "sd", 0.0, 1e-17);
    assert_output_undefined(&value, "skew", PA_STATE_DEGENERATE);
    assert_output_undefined(&value, "saturation", PA_STATE_DEGENERATE);
    pa_value_clear(&value);
}

/* The mean of equal numbers is off by an ulp when they are added up: that is no deviation. */
static void test_a_constant_unit_does_not_vary(void **state)
{
    (void)state;
    double x[1400];
    for (int i = 0; i < 700; i++) {
        x[2 * i] = 1e9 + 0.1;
        x[2 * i + 1] = i;
    }
    pa_value value = value_of("activation_stats", "per_unit: true", x, 700, 2);
    assert_true(output_of(&value, "unit_sd").numbers[0] < 1e-12);
    assert_close(output_of(&value, "unit_sd").numbers[1], sqrt((700.0 * 700.0 - 1.0) / 12.0), 1e-14);
    pa_value_clear(&value);
}

static double total_of(const pa_value *value, const char *counts, const char *below, const char *above)
{
    const pa_output bins = output_of(value, counts);
    double total = output_of(value, below).number + output_of(value, above).number;
    for (int64_t i = 0; i < bins.shape[0]; i++) {
        total += bins.numbers[i];
    }
    return total;
}

static void test_histograms_lose_nothing_and_share_their_edges(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    double *x = dense_new(COUNT, 1);
    pa_random r = {4};
    pa_random_fill(&r, x, COUNT);
    for (int i = 0; i < COUNT; i++) {
        x[i] = i % 10 == 0 ? 0.0 : x[i] * exp(10.0 * sin((double)i));
    }
    pa_value value = value_of("weight_distribution", "", x, 100, 30);
    assert_close(total_of(&value, "counts", "underflow", "overflow"), COUNT, 0.0);
    assert_close(total_of(&value, "log_counts", "log_underflow", "log_overflow"), COUNT * 0.9, 0.0);
    const pa_output edges = output_of(&value, "edges");
    const pa_output log_edges = output_of(&value, "log_edges");
    assert_int_equal(edges.shape[0], 129);
    assert_int_equal(log_edges.shape[0], 61);
    assert_true(edges.numbers[0] == -0.5 && edges.numbers[64] == 0.0 && edges.numbers[128] == 0.5);
    assert_close(log_edges.numbers[48], 1.0, 0.0);
    assert_close(log_edges.numbers[60], 1000.0, 1e-12);
    for (int i = 0; i < COUNT; i++) {
        x[i] = -x[i];
    }
    pa_value mirrored = value_of("weight_distribution", "", x, 100, 30);
    assert_memory_equal(output_of(&mirrored, "edges").numbers, edges.numbers, 129 * sizeof(double));
    assert_memory_equal(output_of(&mirrored, "log_counts").numbers, output_of(&value, "log_counts").numbers,
                        60 * sizeof(double));
    assert_close(output_of(&mirrored, "overflow").number, output_of(&value, "underflow").number, 0.0);
    assert_close(output_of(&mirrored, "q01").number, -output_of(&value, "q99").number, 1e-14);
    assert_close(output_of(&mirrored, "skew").number, -output_of(&value, "skew").number, 1e-12);
    pa_value_clear(&mirrored);
    pa_value_clear(&value);
    free(x);
}

/* Enough rows for several panels; the same elements in any order, stored by columns, and as a product. */
static void test_storage_and_order_do_not_matter(void **state)
{
    (void)state;
    enum { N = 700, P = 600 };
    double *x = dense_new(N, P);
    pa_random r = {6};
    pa_random_fill(&r, x, N * P);
    for (int64_t i = 0; i < N * P; i++) {
        x[i] += 5.0;
    }
    double *t = dense_transpose(x, N, P);
    pa_matrix *turned = NULL;
    assert_ok(pa_matrix_borrow(ctx, t, PA_F64, N, P, 1, N, &turned, &err));
    pa_value value = value_of("activation_stats", "saturation: false, per_unit: true", x, N, P);
    pa_value other = PA_VALUE_INIT;
    assert_ok(pa_compute(ctx, "activation_stats", "saturation: false, per_unit: true", (const pa_matrix *[]){turned}, 1,
                         &other, &err));
    for (int64_t i = 0; i < pa_value_output_count(&value); i++) {
        pa_output a = {.struct_size = sizeof(a)};
        pa_output b = {.struct_size = sizeof(b)};
        assert_ok(pa_value_output(&value, i, &a, &err));
        assert_ok(pa_value_output(&other, i, &b, &err));
        assert_true(a.number == b.number && a.state == b.state);
        for (int64_t j = 0; a.ndim > 0 && j < P; j++) {
            assert_true(a.numbers[j] == b.numbers[j]);
        }
    }
    /* column 17, in two passes */
    double mean = 0.0;
    double square = 0.0;
    for (int i = 0; i < N; i++) {
        mean += x[i * P + 17] / N;
    }
    for (int i = 0; i < N; i++) {
        square += (x[i * P + 17] - mean) * (x[i * P + 17] - mean) / N;
    }
    assert_close(output_of(&value, "unit_mean").numbers[17], mean, 1e-13);
    assert_close(output_of(&value, "unit_sd").numbers[17], sqrt(square), 1e-13);
    pa_value_clear(&other);
    pa_value_clear(&value);
    other = value_of("activation_stats", "saturation: false", t, P, N);
    value = value_of("activation_stats", "saturation: false", x, N, P);
    const char *const names[] = {"mean", "sd", "skew", "kurtosis", "q001", "q50", "q999", "median_abs"};
    for (int i = 0; i < 8; i++) {
        assert_close(output_of(&other, names[i]).number, output_of(&value, names[i]).number, 1e-12);
    }
    pa_value_clear(&other);
    pa_value_clear(&value);
    pa_matrix_destroy(turned);
    free(t);
    free(x);
}

static void test_a_product_is_described_as_if_multiplied_out(void **state)
{
    (void)state;
    pa_random r = {7};
    double a[60];
    double b[90];
    pa_random_fill(&r, a, 60);
    pa_random_fill(&r, b, 90);
    double *dense = dense_product(a, b, 20, 3, 30);
    pa_matrix *left = NULL;
    pa_matrix *right = NULL;
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_from_memory(ctx, a, PA_F64, 20, 3, &left, &err));
    assert_ok(pa_matrix_from_memory(ctx, b, PA_F64, 3, 30, &right, &err));
    assert_ok(pa_matrix_product(left, right, &m, &err));
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_compute(ctx, "activation_stats", "", (const pa_matrix *[]){m}, 1, &value, &err));
    pa_value expected = value_of("activation_stats", "", dense, 20, 30);
    for (int64_t i = 0; i < pa_value_output_count(&value); i++) {
        pa_output x = {.struct_size = sizeof(x)};
        assert_ok(pa_value_output(&value, i, &x, &err));
        assert_close(x.number, output_of(&expected, x.name).number, 1e-11);
    }
    pa_value_clear(&expected);
    pa_value_clear(&value);
    pa_matrix_destroy(m);
    pa_matrix_destroy(right);
    pa_matrix_destroy(left);
    free(dense);
}

static void test_numbers_at_the_edge_of_a_double(void **state)
{
    (void)state;
    const double huge[6] = {DBL_MAX, -DBL_MAX, DBL_MAX, DBL_MAX, -DBL_MAX, DBL_MAX};
    const double tiny[4] = {5e-324, -5e-324, 5e-324, 1e-310};
    pa_value value = value_of("activation_stats", "per_unit: true", huge, 3, 2);
    assert_close(value.value / DBL_MAX, 1.0 / 3.0, 1e-14);
    assert_close(output_of(&value, "sd").number / DBL_MAX, sqrt(8.0) / 3.0, 1e-14);
    assert_close(output_of(&value, "unit_sd").numbers[1] / DBL_MAX, sqrt(8.0) / 3.0, 1e-14);
    pa_value_clear(&value);
    value = value_of("weight_distribution", "", huge, 3, 2);
    assert_output_undefined(&value, "l1", PA_STATE_NONFINITE);
    assert_output(&value, "overflow", 4.0, 0.0);
    assert_output(&value, "log_overflow", 6.0, 0.0);
    pa_value_clear(&value);
    value = value_of("weight_distribution", "", tiny, 2, 2);
    assert_int_equal(value.state, PA_STATE_OK);
    assert_output(&value, "log_underflow", 4.0, 0.0);
    pa_value_clear(&value);
}

static void test_bad_options_are_errors(void **state)
{
    (void)state;
    pa_matrix *m = NULL;
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_matrix_from_memory(ctx, four_units, PA_F64, 4, 4, &m, &err));
    const pa_matrix *const in[1] = {m};
    assert_fails(pa_compute(ctx, "weight_distribution", "bins: 0", in, 1, &value, &err), PA_ERR_INVALID, "0 bins");
    assert_fails(pa_compute(ctx, "weight_distribution", "bins: 1025", in, 1, &value, &err), PA_ERR_INVALID, "1025");
    assert_fails(pa_compute(ctx, "weight_distribution", "range: -1", in, 1, &value, &err), PA_ERR_INVALID, "range -1");
    assert_fails(pa_compute(ctx, "activation_stats", "share: 1.5", in, 1, &value, &err), PA_ERR_INVALID, "share 1.5");
    pa_matrix_destroy(m);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    output_case c = {.name = "activation_stats", .options = "per_unit: true", .x = four_units, .n = 4, .p = 4};
    pa_test_oom_sweep(outputs_under_pressure, &c);
    c.name = "weight_distribution";
    c.options = "bins: 4";
    pa_test_oom_sweep(outputs_under_pressure, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_are_dead_or_dormant),
        cmocka_unit_test(test_saturation_counts_principal_components),
        cmocka_unit_test(test_massive_activations_are_outliers),
        cmocka_unit_test(test_what_is_not_finite_is_counted_and_left_out),
        cmocka_unit_test(test_few_or_equal_elements_have_no_shape),
        cmocka_unit_test(test_a_constant_unit_does_not_vary),
        cmocka_unit_test(test_histograms_lose_nothing_and_share_their_edges),
        cmocka_unit_test(test_storage_and_order_do_not_matter),
        cmocka_unit_test(test_a_product_is_described_as_if_multiplied_out),
        cmocka_unit_test(test_numbers_at_the_edge_of_a_double),
        cmocka_unit_test(test_bad_options_are_errors),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
