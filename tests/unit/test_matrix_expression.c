/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Every expression, and every query of it, against naive dense arithmetic on random matrices. */
#include "pa_dense.h"
#include "pa_random.h"
#include "pa_test.h"

/* A matrix and what it must be equal to. */
typedef struct pair {
    pa_matrix *m;
    double *dense;
    int64_t rows;
    int64_t cols;
} pair;

static pa_context *ctx;
static pa_error err;

static int setup(void **state)
{
    (void)state;
    return pa_context_create(NULL, &ctx, &err);
}

static int teardown(void **state)
{
    (void)state;
    pa_context_destroy(ctx);
    return 0;
}

static pair leaf(pa_random *r, int64_t rows, int64_t cols)
{
    pair x = {NULL, dense_new(rows, cols), rows, cols};
    pa_random_fill(r, x.dense, rows * cols);
    assert_ok(pa_matrix_from_memory(ctx, x.dense, PA_F64, rows, cols, &x.m, &err));
    return x;
}

static void drop(pair x)
{
    pa_matrix_destroy(x.m);
    free(x.dense);
}

static pair product(pair a, pair b)
{
    pair x = {NULL, dense_product(a.dense, b.dense, a.rows, a.cols, b.cols), a.rows, b.cols};
    assert_ok(pa_matrix_product(a.m, b.m, &x.m, &err));
    drop(a);
    drop(b);
    return x;
}

static pair sum(pair a, pair b)
{
    pair x = {NULL, dense_new(a.rows, a.cols), a.rows, a.cols};
    for (int64_t i = 0; i < a.rows * a.cols; i++) {
        x.dense[i] = a.dense[i] + b.dense[i];
    }
    assert_ok(pa_matrix_sum(a.m, b.m, &x.m, &err));
    drop(a);
    drop(b);
    return x;
}

static pair scale(pair a, double factor)
{
    pair x = {NULL, a.dense, a.rows, a.cols};
    for (int64_t i = 0; i < a.rows * a.cols; i++) {
        x.dense[i] *= factor;
    }
    assert_ok(pa_matrix_scale(a.m, factor, &x.m, &err));
    pa_matrix_destroy(a.m);
    return x;
}

static pair transpose(pair a)
{
    pair x = {NULL, dense_transpose(a.dense, a.rows, a.cols), a.cols, a.rows};
    assert_ok(pa_matrix_transpose(a.m, &x.m, &err));
    drop(a);
    return x;
}

static pair columns(pair a, pair b)
{
    pair x = {NULL, dense_new(a.rows, a.cols + b.cols), a.rows, a.cols + b.cols};
    for (int64_t i = 0; i < a.rows; i++) {
        memcpy(x.dense + i * x.cols, a.dense + i * a.cols, (size_t)a.cols * sizeof(double));
        memcpy(x.dense + i * x.cols + a.cols, b.dense + i * b.cols, (size_t)b.cols * sizeof(double));
    }
    assert_ok(pa_matrix_concat_columns((const pa_matrix *[]){a.m, b.m}, 2, &x.m, &err));
    drop(a);
    drop(b);
    return x;
}

static pair rows(pair a, pair b)
{
    pair x = {NULL, dense_new(a.rows + b.rows, a.cols), a.rows + b.rows, a.cols};
    memcpy(x.dense, a.dense, (size_t)(a.rows * a.cols) * sizeof(double));
    memcpy(x.dense + a.rows * a.cols, b.dense, (size_t)(b.rows * b.cols) * sizeof(double));
    assert_ok(pa_matrix_concat_rows((const pa_matrix *[]){a.m, b.m}, 2, &x.m, &err));
    drop(a);
    drop(b);
    return x;
}

static pair slice(pair a, int64_t row, int64_t n, int64_t col, int64_t p)
{
    pair x = {NULL, dense_new(n, p), n, p};
    for (int64_t i = 0; i < n; i++) {
        memcpy(x.dense + i * p, a.dense + (row + i) * a.cols + col, (size_t)p * sizeof(double));
    }
    assert_ok(pa_matrix_slice(a.m, row, n, col, p, &x.m, &err));
    drop(a);
    return x;
}

static pair centered(pair a)
{
    pair x = {NULL, dense_centered(a.dense, a.rows, a.cols), a.rows, a.cols};
    const pa_matrix *c = NULL;
    assert_ok(pa_matrix_centered(a.m, &c, &err));
    x.m = pa_matrix_retain(c); /* keeps its owner alive */
    drop(a);
    return x;
}

static void check_elements(pair x, double tolerance)
{
    const double *values = NULL;
    assert_int_equal(pa_matrix_rows(x.m), x.rows);
    assert_int_equal(pa_matrix_cols(x.m), x.cols);
    assert_ok(pa_matrix_values(x.m, &values, &err));
    for (int64_t i = 0; i < x.rows * x.cols; i++) {
        assert_close(values[i], x.dense[i], tolerance);
    }
}

static void check_sums(pair x)
{
    pa_entry_stats stats;
    const double *row_sums = NULL;
    const double *norms = NULL;
    const double *means = NULL;
    double total = 0.0;
    double largest = 0.0;
    double row_max = 0.0;
    double col_max = 0.0;
    assert_ok(pa_matrix_entry_stats(x.m, &stats, &err));
    assert_ok(pa_matrix_row_abs_sums(x.m, &row_sums, &err));
    assert_ok(pa_matrix_row_norms_squared(x.m, &norms, &err));
    assert_ok(pa_matrix_column_means(x.m, &means, &err));
    for (int64_t i = 0; i < x.rows; i++) {
        double row = 0.0;
        for (int64_t j = 0; j < x.cols; j++) {
            row += fabs(x.dense[i * x.cols + j]);
            largest = fmax(largest, fabs(x.dense[i * x.cols + j]));
        }
        assert_close(row_sums[i], row, 1e-11);
        assert_close(norms[i], dense_inner(x.dense + i * x.cols, x.dense + i * x.cols, x.cols), 1e-10);
        total += row;
        row_max = fmax(row_max, row);
    }
    for (int64_t j = 0; j < x.cols; j++) {
        double col = 0.0;
        double mean = 0.0;
        for (int64_t i = 0; i < x.rows; i++) {
            col += fabs(x.dense[i * x.cols + j]);
            mean += x.dense[i * x.cols + j] / (double)x.rows;
        }
        assert_close(means[j], mean, 1e-11);
        col_max = fmax(col_max, col);
    }
    assert_close(stats.sum_abs, total, 1e-11);
    assert_close(stats.max_abs, largest, 1e-11);
    assert_close(stats.max_row_sum, row_max, 1e-11);
    assert_close(stats.max_col_sum, col_max, 1e-11);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void check_order(pair x)
{
    const double *sorted = NULL;
    double *expected = dense_new(x.rows, x.cols);
    for (int64_t i = 0; i < x.rows * x.cols; i++) {
        expected[i] = fabs(x.dense[i]);
    }
    qsort(expected, (size_t)(x.rows * x.cols), sizeof(double), ascending);
    assert_ok(pa_matrix_sorted_magnitudes(x.m, &sorted, &err));
    for (int64_t i = 0; i < x.rows * x.cols; i++) {
        assert_close(sorted[i], expected[i], 1e-11);
    }
    free(expected);
}

/* Singular values, and that the left vectors are orthonormal and reproduce A A^T. */
static void check_spectrum(pair x)
{
    const double *sigma = NULL;
    const pa_matrix *left = NULL;
    const double *u = NULL;
    int64_t k = 0;
    const int64_t smaller = x.rows < x.cols ? x.rows : x.cols;
    double *expected = dense_new(smaller, 1);
    dense_singular_values(x.dense, x.rows, x.cols, expected);
    assert_ok(pa_matrix_singular_values(x.m, &sigma, &k, &err));
    assert_int_equal(k, smaller);
    for (int64_t i = 0; i < k; i++) {
        assert_close(sigma[i] / (1.0 + expected[0]), expected[i] / (1.0 + expected[0]), 1e-13);
    }
    assert_ok(pa_matrix_left_vectors(x.m, &left, &err));
    assert_ok(pa_matrix_values(left, &u, &err));
    const int64_t c = pa_matrix_cols(left);
    assert_true(c <= k);
    double *ut = dense_transpose(u, x.rows, c);
    double *gram = dense_product(ut, u, c, x.rows, c);
    double *ua = dense_product(ut, x.dense, c, x.rows, x.cols);
    for (int64_t i = 0; i < c; i++) {
        for (int64_t j = 0; j < c; j++) {
            assert_close(gram[i * c + j], i == j ? 1.0 : 0.0, 1e-12);
            const double product_ij = dense_inner(ua + i * x.cols, ua + j * x.cols, x.cols);
            assert_close(product_ij / (1.0 + expected[0] * expected[0]),
                         (i == j ? expected[i] * expected[i] : 0.0) / (1.0 + expected[0] * expected[0]), 1e-11);
        }
    }
    free(ua);
    free(gram);
    free(ut);
    free(expected);
}

static void check_norms(pair x, pa_random *r)
{
    double value = 0.0;
    pair y = leaf(r, x.rows, x.cols);
    pair z = leaf(r, x.rows, 7);
    double *xt = dense_transpose(x.dense, x.rows, x.cols);
    double *cross = dense_product(xt, z.dense, x.cols, x.rows, 7);
    double *gram = dense_product(x.dense, xt, x.rows, x.cols, x.rows);
    assert_ok(pa_matrix_frobenius(x.m, &value, &err));
    assert_close(value, sqrt(dense_inner(x.dense, x.dense, x.rows * x.cols)), 1e-12);
    assert_ok(pa_matrix_inner(x.m, y.m, &value, &err));
    assert_close(value, dense_inner(x.dense, y.dense, x.rows * x.cols), 1e-10);
    assert_ok(pa_matrix_inner(y.m, x.m, &value, &err));
    assert_close(value, dense_inner(x.dense, y.dense, x.rows * x.cols), 1e-10);
    assert_ok(pa_matrix_inner(x.m, x.m, &value, &err));
    assert_close(value, dense_inner(x.dense, x.dense, x.rows * x.cols), 1e-12);
    assert_ok(pa_matrix_gram_inner(x.m, z.m, &value, &err));
    assert_close(value, dense_inner(cross, cross, x.cols * 7), 1e-11);
    assert_ok(pa_matrix_gram_inner(x.m, x.m, &value, &err));
    assert_close(value, dense_inner(gram, gram, x.rows * x.rows), 1e-11);
    free(gram);
    free(cross);
    free(xt);
    drop(z);
    drop(y);
}

static void check_companions(pair x)
{
    const pa_matrix *c = NULL;
    const pa_matrix *s = NULL;
    double norm = 0.0;
    double *expected = dense_centered(x.dense, x.rows, x.cols);
    const double expected_norm = sqrt(dense_inner(expected, expected, x.rows * x.cols));
    assert_ok(pa_matrix_centered(x.m, &c, &err));
    const double *values = NULL;
    assert_ok(pa_matrix_values(c, &values, &err));
    for (int64_t i = 0; i < x.rows * x.cols; i++) {
        assert_close(values[i], expected[i], 1e-11);
    }
    assert_ok(pa_matrix_standardized(x.m, &s, &err));
    if (expected_norm > 0.0) {
        assert_non_null(s);
        assert_ok(pa_matrix_frobenius(s, &norm, &err));
        assert_close(norm, 1.0, 1e-13);
        assert_ok(pa_matrix_values(s, &values, &err));
        for (int64_t i = 0; i < x.rows * x.cols; i++) {
            assert_close(values[i], expected[i] / expected_norm, 1e-11);
        }
    }
    free(expected);
}

static void check_all(pair x, pa_random *r)
{
    check_elements(x, 1e-11);
    check_sums(x);
    check_order(x);
    check_spectrum(x);
    check_norms(x, r);
    check_companions(x);
    drop(x);
}

static void test_leaves_of_any_shape(void **state)
{
    (void)state;
    pa_random r = {1};
    const int64_t shapes[][2] = {{1, 1}, {1, 9}, {9, 1}, {6, 4}, {4, 6}, {3, 40}, {40, 3}, {16, 16}};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        check_all(leaf(&r, shapes[i][0], shapes[i][1]), &r);
        check_all(transpose(leaf(&r, shapes[i][0], shapes[i][1])), &r);
    }
}

static void test_products_thin_and_thick(void **state)
{
    (void)state;
    pa_random r = {2};
    const int64_t shapes[][3] = {{12, 3, 10}, {10, 3, 40}, {40, 3, 10}, {5, 20, 6}, {1, 4, 9}, {9, 1, 9}, {7, 7, 7}};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const int64_t *s = shapes[i];
        check_all(product(leaf(&r, s[0], s[1]), leaf(&r, s[1], s[2])), &r);
        check_all(transpose(product(leaf(&r, s[0], s[1]), leaf(&r, s[1], s[2]))), &r);
        check_all(product(product(leaf(&r, s[0], s[1]), leaf(&r, s[1], 5)), leaf(&r, 5, s[2])), &r);
        check_all(product(leaf(&r, s[0], s[1]), product(leaf(&r, s[1], 2), leaf(&r, 2, s[2]))), &r);
    }
}

static void test_sums_and_scales(void **state)
{
    (void)state;
    pa_random r = {3};
    check_all(sum(leaf(&r, 8, 5), leaf(&r, 8, 5)), &r);
    check_all(sum(product(leaf(&r, 20, 3), leaf(&r, 3, 18)), product(leaf(&r, 20, 4), leaf(&r, 4, 18))), &r);
    check_all(sum(product(leaf(&r, 6, 4), leaf(&r, 4, 6)), product(leaf(&r, 6, 4), leaf(&r, 4, 6))), &r);
    check_all(sum(leaf(&r, 6, 9), product(leaf(&r, 6, 2), leaf(&r, 2, 9))), &r);
    check_all(transpose(sum(leaf(&r, 6, 9), product(leaf(&r, 6, 2), leaf(&r, 2, 9)))), &r);
    check_all(scale(product(leaf(&r, 9, 2), leaf(&r, 2, 7)), -3.5), &r);
    check_all(transpose(scale(leaf(&r, 9, 7), 0.0)), &r);
}

static pair thin(pa_random *r, int64_t inner)
{
    return product(leaf(r, 20, inner), leaf(r, inner, 18));
}

static void test_sums_of_scaled_products_and_of_blocks(void **state)
{
    (void)state;
    pa_random r = {8};
    check_all(sum(thin(&r, 3), scale(thin(&r, 3), -1.0)), &r);
    check_all(sum(scale(thin(&r, 3), -2.5), scale(scale(thin(&r, 3), 5.0), 0.5)), &r);
    check_all(sum(scale(thin(&r, 3), 2.0), scale(thin(&r, 4), -2.0)), &r);
    check_all(sum(scale(thin(&r, 3), 2.0), scale(thin(&r, 3), 3.0)), &r);
    check_all(sum(scale(thin(&r, 3), 0.0), scale(thin(&r, 3), 0.0)), &r);
    check_all(sum(thin(&r, 2), scale(sum(thin(&r, 3), scale(thin(&r, 2), -1.0)), -1.0)), &r);
    check_all(sum(scale(scale(leaf(&r, 20, 18), 1e200), 1e-200), thin(&r, 3)), &r);
    check_all(sum(columns(thin(&r, 2), thin(&r, 3)), scale(columns(thin(&r, 4), thin(&r, 3)), -1.0)), &r);
    check_all(sum(rows(thin(&r, 2), thin(&r, 3)), scale(rows(thin(&r, 2), leaf(&r, 20, 18)), -3.0)), &r);
    check_all(sum(columns(leaf(&r, 20, 4), thin(&r, 3)), columns(thin(&r, 3), leaf(&r, 20, 4))), &r);
    check_all(transpose(sum(columns(thin(&r, 2), thin(&r, 3)), columns(thin(&r, 4), thin(&r, 3)))), &r);
}

/* Factors that only together are too large stay where they are. */
static void test_factors_that_multiply_to_infinity_are_not_joined(void **state)
{
    (void)state;
    pa_random r = {9};
    pair zero = scale(thin(&r, 2), 0.0);
    pair x = {NULL, NULL, 20, 18};
    pa_matrix *large = NULL;
    pa_matrix *larger = NULL;
    double norm = -1.0;
    assert_ok(pa_matrix_scale(zero.m, 1e200, &large, &err));
    assert_ok(pa_matrix_scale(large, 1e200, &larger, &err));
    assert_ok(pa_matrix_sum(larger, zero.m, &x.m, &err));
    assert_ok(pa_matrix_frobenius(x.m, &norm, &err));
    assert_true(norm == 0.0);
    pa_matrix_destroy(large);
    pa_matrix_destroy(larger);
    drop(x);
    drop(zero);
}

static void test_concatenations(void **state)
{
    (void)state;
    pa_random r = {4};
    check_all(columns(leaf(&r, 8, 3), leaf(&r, 8, 6)), &r);
    check_all(rows(leaf(&r, 3, 8), leaf(&r, 6, 8)), &r);
    check_all(columns(product(leaf(&r, 12, 2), leaf(&r, 2, 30)), product(leaf(&r, 12, 3), leaf(&r, 3, 25))), &r);
    check_all(rows(product(leaf(&r, 12, 2), leaf(&r, 2, 9)), product(leaf(&r, 8, 3), leaf(&r, 3, 9))), &r);
    check_all(transpose(columns(product(leaf(&r, 12, 2), leaf(&r, 2, 30)), leaf(&r, 12, 5))), &r);
    check_all(columns(columns(leaf(&r, 5, 3), leaf(&r, 5, 2)), rows(leaf(&r, 2, 4), leaf(&r, 3, 4))), &r);
    check_all(product(leaf(&r, 2, 20), columns(product(leaf(&r, 20, 3), leaf(&r, 3, 9)), leaf(&r, 20, 4))), &r);
}

static void test_slices_of_everything(void **state)
{
    (void)state;
    pa_random r = {5};
    check_all(slice(leaf(&r, 10, 12), 2, 5, 3, 7), &r);
    check_all(slice(transpose(leaf(&r, 10, 12)), 2, 5, 3, 7), &r);
    check_all(slice(product(leaf(&r, 10, 3), leaf(&r, 3, 12)), 1, 8, 0, 12), &r);
    check_all(slice(sum(leaf(&r, 10, 12), leaf(&r, 10, 12)), 0, 10, 4, 5), &r);
    check_all(slice(scale(leaf(&r, 10, 12), 2.0), 9, 1, 11, 1), &r);
    check_all(slice(columns(leaf(&r, 10, 5), leaf(&r, 10, 7)), 2, 6, 3, 6), &r);
    check_all(slice(columns(leaf(&r, 10, 5), leaf(&r, 10, 7)), 0, 10, 0, 5), &r);
    check_all(slice(rows(leaf(&r, 4, 12), leaf(&r, 6, 12)), 3, 4, 1, 9), &r);
    check_all(slice(centered(leaf(&r, 10, 12)), 2, 5, 3, 7), &r);
    check_all(slice(slice(centered(leaf(&r, 10, 12)), 1, 8, 1, 8), 2, 5, 3, 4), &r);
}

static void test_centring_of_everything(void **state)
{
    (void)state;
    pa_random r = {6};
    check_all(centered(leaf(&r, 10, 12)), &r);
    check_all(transpose(centered(leaf(&r, 10, 12))), &r);
    check_all(centered(transpose(centered(leaf(&r, 10, 12)))), &r);
    check_all(centered(product(leaf(&r, 10, 3), leaf(&r, 3, 12))), &r);
    check_all(centered(columns(product(leaf(&r, 10, 3), leaf(&r, 3, 12)), leaf(&r, 10, 4))), &r);
    check_all(centered(rows(leaf(&r, 4, 5), leaf(&r, 6, 5))), &r);
    check_all(centered(scale(sum(leaf(&r, 6, 5), leaf(&r, 6, 5)), -2.0)), &r);
    check_all(centered(slice(centered(leaf(&r, 10, 12)), 2, 5, 3, 7)), &r);
}

/* The heads of one group share a factor: [A B1, A B2, C B3] must come out right however it is rearranged. */
static void test_shared_factors_are_kept_in_order(void **state)
{
    (void)state;
    pa_random r = {8};
    for (int by_rows = 0; by_rows < 2; by_rows++) {
        pair a = leaf(&r, 9, 2);
        pair c = leaf(&r, 9, 2);
        pair b[3] = {leaf(&r, 2, 11), leaf(&r, 2, 11), leaf(&r, 2, 11)};
        pa_matrix *parts[3];
        double *dense[3];
        for (int i = 0; i < 3; i++) {
            const pair *left = i < 2 ? &a : &c;
            assert_ok(pa_matrix_product(left->m, b[i].m, &parts[i], &err));
            dense[i] = dense_product(left->dense, b[i].dense, 9, 2, 11);
        }
        pair x = {NULL, dense_new(9, 33), 9, 33};
        for (int i = 0; i < 3; i++) {
            for (int64_t k = 0; k < 9; k++) {
                memcpy(x.dense + k * 33 + i * 11, dense[i] + k * 11, 11 * sizeof(double));
            }
        }
        if (by_rows) {
            for (int i = 0; i < 3; i++) {
                pa_matrix *t = NULL;
                assert_ok(pa_matrix_transpose(parts[i], &t, &err));
                pa_matrix_destroy(parts[i]);
                parts[i] = t;
            }
            assert_ok(pa_matrix_concat_rows((const pa_matrix *const *)parts, 3, &x.m, &err));
            double *t = dense_transpose(x.dense, 9, 33);
            free(x.dense);
            x.dense = t;
            x.rows = 33;
            x.cols = 9;
        } else {
            assert_ok(pa_matrix_concat_columns((const pa_matrix *const *)parts, 3, &x.m, &err));
        }
        for (int i = 0; i < 3; i++) {
            pa_matrix_destroy(parts[i]);
            free(dense[i]);
            drop(b[i]);
        }
        drop(a);
        drop(c);
        check_all(x, &r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaves_of_any_shape),
        cmocka_unit_test(test_products_thin_and_thick),
        cmocka_unit_test(test_sums_and_scales),
        cmocka_unit_test(test_sums_of_scaled_products_and_of_blocks),
        cmocka_unit_test(test_factors_that_multiply_to_infinity_are_not_joined),
        cmocka_unit_test(test_concatenations),
        cmocka_unit_test(test_slices_of_everything),
        cmocka_unit_test(test_centring_of_everything),
        cmocka_unit_test(test_shared_factors_are_kept_in_order),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
