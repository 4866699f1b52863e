/* SPDX-License-Identifier: Apache-2.0 */
/* cca, svcca and procrustes: closed forms, invariances, and what other implementations get wrong. */
#include "pa_metric_test.h"

enum { N = 50, P = 6, Q = 4 };

/* Orthogonal centred columns of 8 rows and norm sqrt(8). */
static const double e[3][8] = {
    {1, -1, 1, -1, 1, -1, 1, -1}, {1, 1, -1, -1, 1, 1, -1, -1}, {1, 1, 1, 1, -1, -1, -1, -1}};

/* Columns a e_i and b e_j, shifted. */
static void two_columns(double *x, double a, int i, double b, int j)
{
    for (int row = 0; row < 8; row++) {
        x[2 * row] = a * e[i][row] + 5.0;
        x[2 * row + 1] = b * e[j][row] - 1.0;
    }
}

static void check(const char *metric, const char *options, const double *x, int64_t p, const double *y, int64_t q,
                  int64_t n, double expected, double rtol)
{
    pa_value v = value_of_two(metric, options, x, p, y, q, n);
    if (v.state != PA_STATE_OK || !(fabs(v.value - expected) <= rtol)) {
        fail_msg("%s (%s): %.17g (%s), expected %.17g", metric, options, v.value, pa_state_name(v.state), expected);
    }
    pa_value_clear(&v);
}

static double value_from(const char *metric, const char *options, const double *x, int64_t p, const double *y,
                         int64_t q, int64_t n)
{
    pa_value v = value_of_two(metric, options, x, p, y, q, n);
    const double value = v.value;
    assert_int_equal(v.state, PA_STATE_OK);
    pa_value_clear(&v);
    return value;
}

static void refuse(const char *metric, const char *options, const double *x, int64_t p, const double *y, int64_t q,
                   int64_t n, pa_state expected)
{
    pa_value v = value_of_two(metric, options, x, p, y, q, n);
    assert_state(&v, expected);
    pa_value_clear(&v);
}

/* One direction of two in common, the other at right angles. */
static void test_known_directions_match_closed_forms(void **state)
{
    (void)state;
    double x[16];
    double y[16];
    two_columns(x, 3.0, 0, 1.0, 1);
    two_columns(y, 10.0, 0, 1.0, 2);
    check("cca", "", x, 2, y, 2, 8, 0.5, 1e-14);
    check("cca", "summary: r2", x, 2, y, 2, 8, 0.5, 1e-14);
    check("svcca", "keep: 0.85", x, 2, y, 2, 8, 1.0, 1e-14); /* 9 of 10, and 100 of 101 */
    check("svcca", "keep: 0.999", x, 2, y, 2, 8, 0.5, 1e-14);
    /* Two equal directions against one: the nuclear norm is 1/sqrt(2). */
    two_columns(x, 1.0, 0, 1.0, 1);
    two_columns(y, 7.0, 0, 0.0, 2);
    check("procrustes", "", x, 2, y, 2, 8, sqrt(2.0 - sqrt(2.0)), 1e-14);
    check("procrustes", "form: angular", x, 2, y, 2, 8, atan(1.0), 1e-14);
    check("procrustes", "", x, 2, e[2], 1, 8, sqrt(2.0), 1e-14);
    check("procrustes", "form: angular", x, 2, e[2], 1, 8, 2.0 * atan(1.0), 1e-14);
}

static void test_correlations_are_an_output(void **state)
{
    (void)state;
    double x[16];
    double y[16];
    pa_output found = {.struct_size = sizeof(found)};
    two_columns(x, 3.0, 0, 1.0, 1);
    for (int row = 0; row < 8; row++) { /* one direction in x's plane, one at 30 degrees to it */
        y[2 * row] = sqrt(3.0) * e[0][row] + e[2][row];
        y[2 * row + 1] = e[1][row];
    }
    pa_value v = value_of_two("cca", "summary: r2", x, 2, y, 2, 8);
    assert_number(&v, (1.0 + 0.75) / 2.0, 1e-14);
    assert_ok(pa_value_find_output(&v, "correlations", &found, &err));
    assert_int_equal(found.ndim, 1);
    assert_int_equal(found.shape[0], 2);
    assert_string_equal(found.axes, "direction");
    assert_close(found.numbers[0], 1.0, 1e-14);
    assert_close(found.numbers[1], sqrt(0.75), 1e-14);
    pa_value_clear(&v);
}

/* One implementation compares a share of the variance with 0.99 of the variance itself, and so keeps one direction of any
 * data with a variance above 1.01. Here five equal ones are kept at any scale. */
static void test_svcca_keeps_as_many_directions_as_hold_the_variance(void **state)
{
    (void)state;
    const double scales[] = {1e-150, 0.01, 1.0, 100.0, 1e150};
    pa_random r = {1};
    double x[40 * 5];
    double scaled[40 * 5];
    double *q = random_orthogonal(&r, 40);
    double *columns = dense_new(40, 5);
    for (int i = 0; i < 40; i++) {
        for (int j = 0; j < 5; j++) {
            columns[i * 5 + j] = q[i * 40 + j];
        }
    }
    double *c = dense_centered(columns, 40, 5);
    memcpy(x, c, sizeof(x));
    for (int s = 0; s < 5; s++) {
        for (int i = 0; i < 200; i++) {
            scaled[i] = scales[s] * x[i];
        }
        pa_value v = value_of_two("svcca", "", scaled, 5, x, 5, 40);
        assert_number(&v, 1.0, 1e-12);
        assert_close(output_number(&v, "kept"), 5.0, 0.0);
        assert_close(output_number(&v, "target_kept"), 5.0, 0.0);
        pa_value_clear(&v);
    }
    free(c);
    free(columns);
    free(q);
}

/* Squares, not values: of singular values 3 and 1 the first has 9/10 of the variance, 3/4 of the sum. */
static void test_svcca_counts_squares(void **state)
{
    (void)state;
    const double keep[] = {0.2, 0.8, 0.89, 0.91, 1.0};
    const double kept[] = {1, 1, 1, 2, 2};
    char options[32];
    double x[16];
    two_columns(x, 3.0, 0, 1.0, 1);
    for (int i = 0; i < 5; i++) {
        (void)snprintf(options, sizeof(options), "keep: %.3f", keep[i]);
        pa_value v = value_of_two("svcca", options, x, 2, x, 2, 8);
        assert_close(output_number(&v, "kept"), kept[i], 0.0);
        pa_value_clear(&v);
    }
}

static void test_rank_deficient_input_against_itself_is_one(void **state)
{
    (void)state;
    pa_random r = {2};
    double *a = dense_new(60, 4);
    double *b = dense_new(4, 20);
    pa_random_fill(&r, a, 240);
    pa_random_fill(&r, b, 80);
    double *x = dense_product(a, b, 60, 4, 20);
    pa_matrix *left = NULL;
    pa_matrix *right = NULL;
    pa_matrix *dense = NULL;
    pa_matrix *product = NULL;
    assert_ok(pa_matrix_from_memory(ctx, a, PA_F64, 60, 4, &left, &err));
    assert_ok(pa_matrix_from_memory(ctx, b, PA_F64, 4, 20, &right, &err));
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F64, 60, 20, &dense, &err));
    assert_ok(pa_matrix_product(left, right, &product, &err));
    const char *const metrics[] = {"cca", "svcca", "procrustes", "cka"};
    const char *const options[] = {"", "", "", "kernel: rbf"};
    for (int i = 0; i < 4; i++) {
        const double self = i == 2 ? 0.0 : 1.0;
        for (int k = 0; k < 3; k++) { /* dense, from factors, and one against the other */
            pa_value v = PA_VALUE_INIT;
            const pa_matrix *const in[2] = {k == 0 ? dense : product, k == 1 ? product : dense};
            assert_ok(pa_compute(ctx, metrics[i], options[i], in, 2, &v, &err));
            assert_number(&v, self, 1e-12);
            assert_true(i > 1 || v.rank == 4);
            pa_value_clear(&v);
        }
    }
    pa_matrix_destroy(product);
    pa_matrix_destroy(dense);
    pa_matrix_destroy(right);
    pa_matrix_destroy(left);
    free(x);
    free(b);
    free(a);
}

/* Not a bit more: rounding makes cosines of equal directions a little larger than 1. */
static void test_no_correlation_exceeds_one(void **state)
{
    (void)state;
    pa_random r = {9};
    double x[N * P];
    for (int trial = 0; trial < 50; trial++) {
        pa_output found = {.struct_size = sizeof(found)};
        pa_random_fill(&r, x, N * P);
        pa_value v = value_of_two("cca", "", x, P, x, P, N);
        assert_ok(pa_value_find_output(&v, "correlations", &found, &err));
        for (int i = 0; i < P; i++) {
            assert_true(found.numbers[i] <= 1.0);
        }
        assert_true(v.value <= 1.0);
        pa_value_clear(&v);
    }
}

typedef struct data {
    double *x; /* [N, P] */
    double *y; /* [N, Q] */
} data;

static data make_data(pa_random *r)
{
    const data d = {dense_new(N, P), dense_new(N, Q)};
    pa_random_fill(r, d.x, N * P);
    pa_random_fill(r, d.y, N * Q);
    for (int i = 0; i < N; i++) { /* something in common */
        d.y[i * Q] += d.x[i * P];
        d.y[i * Q + 1] -= 2.0 * d.x[i * P + 3];
    }
    return d;
}

static void free_data(data d)
{
    free(d.y);
    free(d.x);
}

static const char *const all[][2] = {{"cca", ""},        {"cca", "summary: r2"}, {"svcca", "keep: 0.8"},
                                     {"procrustes", ""}, {"cka", "kernel: rbf"}, {"procrustes", "form: angular"}};
enum { N_ALL = sizeof(all) / sizeof(all[0]) };

static void test_rotations_scale_and_offset_do_not_matter(void **state)
{
    (void)state;
    const double scales[] = {-3.0, 1e200, 1e-200};
    pa_random r = {3};
    const data d = make_data(&r);
    double *q = random_orthogonal(&r, P);
    double *turned = dense_product(d.x, q, N, P, P);
    for (int s = 0; s < 3; s++) {
        double *moved = dense_new(N, P);
        for (int i = 0; i < N * P; i++) {
            moved[i] = scales[s] * (turned[i] + (double)(i % P));
        }
        for (int i = 0; i < N_ALL; i++) {
            const double expected = value_from(all[i][0], all[i][1], d.x, P, d.y, Q, N);
            check(all[i][0], all[i][1], moved, P, d.y, Q, N, expected, 1e-12);
        }
        free(moved);
    }
    free(turned);
    free(q);
    free_data(d);
}

static void test_invertible_maps_do_not_matter_to_cca(void **state)
{
    (void)state;
    pa_random r = {4};
    const data d = make_data(&r);
    double map[P * P];
    pa_random_fill(&r, map, P * P);
    double *mapped = dense_product(d.x, map, N, P, P);
    for (int i = 0; i < 2; i++) {
        const double expected = value_from(all[i][0], all[i][1], d.x, P, d.y, Q, N);
        assert_true(expected > 0.3 && expected < 0.95);
        check(all[i][0], all[i][1], mapped, P, d.y, Q, N, expected, 1e-11);
    }
    const double svcca = value_from("svcca", "keep: 0.8", d.x, P, d.y, Q, N);
    assert_true(fabs(value_from("svcca", "keep: 0.8", mapped, P, d.y, Q, N) - svcca) > 1e-3);
    free(mapped);
    free_data(d);
}

static void test_the_order_of_rows_and_of_inputs_does_not_matter(void **state)
{
    (void)state;
    pa_random r = {5};
    const data d = make_data(&r);
    double *x = dense_new(N, P);
    double *y = dense_new(N, Q);
    for (int i = 0; i < N; i++) {
        const int to = (i * 7 + 3) % N;
        memcpy(x + to * P, d.x + i * P, P * sizeof(*x));
        memcpy(y + to * Q, d.y + i * Q, Q * sizeof(*y));
    }
    for (int i = 0; i < N_ALL; i++) {
        const double expected = value_from(all[i][0], all[i][1], d.x, P, d.y, Q, N);
        check(all[i][0], all[i][1], x, P, y, Q, N, expected, 1e-13);
        check(all[i][0], all[i][1], d.y, Q, d.x, P, N, expected, 1e-13);
        assert_true(fabs(value_from(all[i][0], all[i][1], d.x, P, y, Q, N) - expected) > 1e-3); /* rows are paired */
    }
    free(y);
    free(x);
    free_data(d);
}

static void test_procrustes_is_a_metric(void **state)
{
    (void)state;
    pa_random r = {6};
    for (int trial = 0; trial < 30; trial++) {
        const data d = make_data(&r);
        double z[N * 2];
        for (int i = 0; i < N * 2; i++) {
            z[i] = d.x[i / 2 * P + i % 2] + 0.3 * d.y[i / 2 * Q + i % 2];
        }
        for (int form = 0; form < 2; form++) {
            const char *options = form == 0 ? "form: distance" : "form: angular";
            const double xy = value_from("procrustes", options, d.x, P, d.y, Q, N);
            const double xz = value_from("procrustes", options, d.x, P, z, 2, N);
            const double zy = value_from("procrustes", options, z, 2, d.y, Q, N);
            assert_true(xy <= xz + zy && xz <= xy + zy && zy <= xy + xz);
        }
        free_data(d);
    }
}

/* Unrelated Gaussian data, eight rows a column: the mean correlation is about 0.30, not 0. */
static void test_unrelated_data_do_not_score_zero(void **state)
{
    (void)state;
    enum { ROWS = 1024, COLS = 128 };
    pa_random r = {7};
    double *x = dense_new(ROWS, COLS);
    double *y = dense_new(ROWS, COLS);
    pa_random_fill(&r, x, ROWS * COLS);
    pa_random_fill(&r, y, ROWS * COLS);
    check("cca", "", x, COLS, y, COLS, ROWS, 0.30, 0.01);
    free(y);
    free(x);
}

static void test_undefined_inputs_have_named_states(void **state)
{
    (void)state;
    pa_random r = {8};
    double x[24];
    double y[24];
    const double constant[24] = {0};
    pa_random_fill(&r, x, 24);
    pa_random_fill(&r, y, 24);
    for (int i = 0; i < N_ALL; i++) {
        refuse(all[i][0], all[i][1], x, 2, constant, 2, 12, PA_STATE_DEGENERATE);
        refuse(all[i][0], all[i][1], constant, 2, y, 2, 12, PA_STATE_DEGENERATE);
        refuse(all[i][0], all[i][1], x, 12, y, 12, 1, PA_STATE_DEGENERATE);
    }
    refuse("cca", "", x, 6, y, 6, 4, PA_STATE_SATURATED);
    refuse("cca", "", x, 6, y, 1, 4, PA_STATE_SATURATED);
    refuse("cca", "", x, 1, y, 6, 4, PA_STATE_SATURATED);
    refuse("svcca", "", x, 6, y, 6, 4, PA_STATE_SATURATED);
    assert_true(value_from("procrustes", "", x, 6, y, 6, 4) > 0.0); /* defined also for few rows */
}

static void test_options_out_of_range_are_errors(void **state)
{
    (void)state;
    const char *const wrong[][2] = {{"svcca", "keep: 0"},
                                    {"svcca", "keep: 1.5"},
                                    {"cka", "kernel: rbf, threshold: 0"},
                                    {"cka", "kernel: rbf, threshold: -1"}};
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_from_memory(ctx, e, PA_F64, 8, 3, &m, &err));
    for (int i = 0; i < 4; i++) {
        pa_value v = PA_VALUE_INIT;
        assert_int_equal(pa_compute(ctx, wrong[i][0], wrong[i][1], (const pa_matrix *[]){m, m}, 2, &v, &err),
                         PA_ERR_CONFIG);
        assert_int_equal(v.state, PA_STATE_UNSET);
    }
    assert_string_equal(err.message, "cka: threshold is positive, not -1");
    pa_matrix_destroy(m);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (int i = 0; i < N_ALL; i++) {
        metric_case c = {all[i][0], all[i][1], 2};
        pa_test_oom_sweep(metric_under_pressure, &c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_directions_match_closed_forms),
        cmocka_unit_test(test_correlations_are_an_output),
        cmocka_unit_test(test_svcca_keeps_as_many_directions_as_hold_the_variance),
        cmocka_unit_test(test_svcca_counts_squares),
        cmocka_unit_test(test_rank_deficient_input_against_itself_is_one),
        cmocka_unit_test(test_no_correlation_exceeds_one),
        cmocka_unit_test(test_rotations_scale_and_offset_do_not_matter),
        cmocka_unit_test(test_invertible_maps_do_not_matter_to_cca),
        cmocka_unit_test(test_the_order_of_rows_and_of_inputs_does_not_matter),
        cmocka_unit_test(test_procrustes_is_a_metric),
        cmocka_unit_test(test_unrelated_data_do_not_score_zero),
        cmocka_unit_test(test_undefined_inputs_have_named_states),
        cmocka_unit_test(test_options_out_of_range_are_errors),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
