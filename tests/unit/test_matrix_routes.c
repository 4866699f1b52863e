/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The fast routes against the dense way in doubles: on random, ill-conditioned and rank-deficient matrices, stored in
 * doubles and in less, of sizes at which the routes change. */
#include "linalg/histogram.h"
#include "matrix/route.h"
#include "pa_metric_test.h"

static float *rounded(const double *x, int64_t count)
{
    float *f = calloc((size_t)count + 1, sizeof(*f));
    assert_non_null(f);
    for (int64_t i = 0; i < count; i++) {
        f[i] = (float)x[i];
    }
    return f;
}

/* As f32 or f64; rounds `x` to what is stored. */
static pa_matrix *stored(double *x, int64_t rows, int64_t cols, pa_dtype dtype)
{
    pa_matrix *m = NULL;
    if (dtype == PA_F32) {
        float *f = rounded(x, rows * cols);
        for (int64_t i = 0; i < rows * cols; i++) {
            x[i] = (double)f[i];
        }
        assert_ok(pa_matrix_from_memory(ctx, f, PA_F32, rows, cols, &m, &err));
        free(f);
    } else {
        assert_ok(pa_matrix_from_memory(ctx, x, dtype, rows, cols, &m, &err));
    }
    return m;
}

/* Q1 diag(spectrum) Q2 with the singular values falling from 1 to 1/kappa, `rank` of them. */
static double *with_spectrum(pa_random *r, int64_t n, double kappa, int64_t rank)
{
    double *q1 = random_orthogonal(r, n);
    double *q2 = random_orthogonal(r, n);
    for (int64_t j = 0; j < n; j++) {
        const double sigma = j < rank ? pow(kappa, -(double)j / (double)(rank - 1)) : 0.0;
        for (int64_t i = 0; i < n; i++) {
            q1[i * n + j] *= sigma;
        }
    }
    double *x = dense_product(q1, q2, n, n, n);
    free(q1);
    free(q2);
    return x;
}

static void check_spectrum(pa_dtype dtype, double kappa, int64_t rank, double tolerance)
{
    enum { N = 100 };
    pa_random r = {(uint64_t)rank};
    double *x = with_spectrum(&r, N, kappa, rank);
    pa_matrix *m = stored(x, N, N, dtype);
    double expected[N];
    const double *sigma = NULL;
    int64_t k = 0;
    assert_int_equal(pa_route_spectrum(m), dtype == PA_F32 ? PA_SPECTRUM_GRAM : PA_SPECTRUM_SVD);
    dense_singular_values(x, N, N, expected);
    assert_ok(pa_matrix_singular_values(m, &sigma, &k, &err));
    for (int64_t i = 0; i < rank; i++) {
        assert_close(sigma[i] / expected[i], 1.0, tolerance);
    }
    for (int64_t i = 0; i < N; i++) {
        assert_close(sigma[i], expected[i], 1e-13); /* relative to the largest, which is 1 */
    }
    pa_matrix_destroy(m);
    free(x);
}

static void test_well_conditioned_spectra_agree_by_way_of_the_gram_matrix(void **state)
{
    (void)state;
    check_spectrum(PA_F32, 10.0, 100, 1e-12);
    check_spectrum(PA_F32, 1000.0, 100, PA_GRAM_TOLERANCE);
}

static void test_ill_conditioned_and_deficient_spectra_are_left_to_the_svd(void **state)
{
    (void)state;
    check_spectrum(PA_F32, 1e6, 100, 1e-8);
    check_spectrum(PA_F64, 1e6, 100, 1e-9);
    check_spectrum(PA_F64, 10.0, 100, 1e-12);
    check_spectrum(PA_F64, 10.0, 60, 1e-12);
}

/* Heads side by side, as the OV circuits of a layer are, with a condition number of the whole around 1e3. */
static void test_concatenated_products_agree_with_their_dense_form(void **state)
{
    (void)state;
    enum { D = 112, HD = 8, HEADS = 14 };
    pa_random r = {3};
    double *o = dense_new(D, D);
    double *v = dense_new(D, D);
    pa_random_fill(&r, o, D * D);
    pa_random_fill(&r, v, D * D);
    pa_matrix *mo = stored(o, D, D, PA_F32);
    pa_matrix *mv = stored(v, D, D, PA_F32);
    pa_matrix *heads[HEADS];
    double *dense = dense_new(D, (int64_t)D * HEADS);
    for (int64_t h = 0; h < HEADS; h++) {
        pa_matrix *oh = NULL;
        pa_matrix *vh = NULL;
        assert_ok(pa_matrix_slice(mo, 0, D, h * HD, HD, &oh, &err));
        assert_ok(pa_matrix_slice(mv, h * HD, HD, 0, D, &vh, &err));
        assert_ok(pa_matrix_product(oh, vh, &heads[h], &err));
        pa_matrix_destroy(oh);
        pa_matrix_destroy(vh);
        for (int64_t i = 0; i < D; i++) {
            for (int64_t j = 0; j < D; j++) {
                for (int64_t k = 0; k < HD; k++) {
                    dense[i * D * HEADS + h * D + j] += o[i * D + h * HD + k] * v[(h * HD + k) * D + j];
                }
            }
        }
    }
    pa_matrix *all = NULL;
    assert_ok(pa_matrix_concat_columns((const pa_matrix *const *)heads, HEADS, &all, &err));
    double expected[D];
    const double *sigma = NULL;
    int64_t k = 0;
    dense_singular_values(dense, D, (int64_t)D * HEADS, expected);
    assert_ok(pa_matrix_singular_values(all, &sigma, &k, &err));
    for (int64_t i = 0; i < D; i++) {
        assert_close(sigma[i] / expected[i], 1.0, 1e-7);
    }
    const double naive = value_of("gini", "", dense, D, (int64_t)D * HEADS).value;
    pa_value counted = PA_VALUE_INIT;
    assert_int_equal(pa_route_order(heads[0]), PA_ORDER_SORT); /* small by itself ... */
    assert_ok(pa_compute(ctx, "gini", NULL, (const pa_matrix *[]){all}, 1, &counted, &err));
    assert_close(counted.value, naive, 1e-8);
    for (int64_t h = 0; h < HEADS; h++) {
        pa_matrix_destroy(heads[h]);
    }
    pa_matrix_destroy(all);
    pa_matrix_destroy(mo);
    pa_matrix_destroy(mv);
    free(dense);
    free(o);
    free(v);
}

static double gini_of(pa_matrix *m, char estimator[32])
{
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_compute(ctx, "gini", NULL, (const pa_matrix *[]){m}, 1, &value, &err));
    assert_int_equal(value.state, PA_STATE_OK);
    memcpy(estimator, value.estimator, 32);
    return value.value;
}

/* Of large arrays: counted where they are stored in f32, sorted where in f64, and equal to 1e-8. */
static void check_gini(double *x, int64_t rows, int64_t cols, const char *expected_estimator, double tolerance)
{
    char estimator[32];
    pa_matrix *narrow = stored(x, rows, cols, PA_F32); /* rounds x */
    pa_matrix *wide = stored(x, rows, cols, PA_F64);
    const double exact = gini_of(wide, estimator);
    assert_string_equal(estimator, "sorted");
    const double counted = gini_of(narrow, estimator);
    assert_string_equal(estimator, expected_estimator);
    assert_close(counted, exact, tolerance);
    pa_matrix_destroy(wide);
    pa_matrix_destroy(narrow);
}

static void test_counting_agrees_with_sorting(void **state)
{
    (void)state;
    enum { ROWS = 700, COLS = 500, COUNT = ROWS * COLS };
    double *x = dense_new(ROWS, COLS);
    pa_random r = {4};
    const char *const counted = "counted, width 2^-11";
    pa_random_fill(&r, x, COUNT);
    check_gini(x, ROWS, COLS, counted, 1e-8);
    for (int64_t i = 0; i < COUNT; i++) { /* heavy tails over hundreds of binades of f32 */
        x[i] = exp(20.0 * pa_random_normal(&r));
        x[i] = x[i] > 1e30 ? 1e30 : x[i];
    }
    check_gini(x, ROWS, COLS, counted, 1e-7);
    for (int64_t i = 0; i < COUNT; i++) { /* mostly zero */
        x[i] = i % 10 == 0 ? pa_random_normal(&r) : 0.0;
    }
    check_gini(x, ROWS, COLS, counted, 1e-8);
    for (int64_t i = 0; i < COUNT; i++) { /* nearly constant: buckets cannot tell, so they are not used */
        x[i] = 1.0 + 1e-5 * pa_random_uniform(&r);
    }
    check_gini(x, ROWS, COLS, "sorted", 1e-12);
    free(x);
}

static void test_products_are_counted_in_single_precision_where_that_is_safe(void **state)
{
    (void)state;
    enum { N = 600, K = 5 };
    const double scales[] = {1.0, 1e25, 1e-25};
    for (int s = 0; s < 3; s++) {
        pa_random r = {5};
        double *a = dense_new(N, K);
        double *b = dense_new(K, N);
        pa_random_fill(&r, a, N * K);
        pa_random_fill(&r, b, K * N);
        for (int64_t i = 0; i < N * K; i++) { /* 1e50 and 1e-50 do not exist in single precision */
            a[i] *= scales[s];
            b[i] *= scales[s];
        }
        pa_matrix *ma = stored(a, N, K, PA_F32);
        pa_matrix *mb = stored(b, K, N, PA_F32);
        pa_matrix *product = NULL;
        char estimator[32];
        assert_ok(pa_matrix_product(ma, mb, &product, &err));
        double *dense = dense_product(a, b, N, K, N);
        const double exact = value_of("gini", "", dense, N, N).value;
        assert_close(gini_of(product, estimator), exact, 1e-8);
        assert_string_equal(estimator, "counted, width 2^-11");
        free(dense);
        free(a);
        free(b);
        pa_matrix_destroy(product);
        pa_matrix_destroy(mb);
        pa_matrix_destroy(ma);
    }
}

static void test_histograms_add_up(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    const pa_allocator mem = {pa_test_heap_alloc, pa_test_heap_free, &(pa_test_heap)PA_TEST_HEAP(-1, 0)};
    double x[COUNT];
    float f[COUNT];
    pa_random r = {6};
    pa_random_fill(&r, x, COUNT);
    for (int i = 0; i < COUNT; i++) {
        f[i] = (float)x[i];
        x[i] = (double)f[i];
    }
    pa_histogram *whole = NULL;
    pa_histogram *parts = NULL;
    pa_histogram *second = NULL;
    assert_ok(pa_histogram_create(&mem, &whole, &err));
    assert_ok(pa_histogram_create(&mem, &parts, &err));
    assert_ok(pa_histogram_create(&mem, &second, &err));
    assert_ok(pa_histogram_add_f64(whole, x, COUNT, &err));
    assert_ok(pa_histogram_add_f32(parts, f, 1234, &err));
    assert_ok(pa_histogram_add_f64(second, x + 1234, COUNT - 1234, &err));
    const int64_t n_second = pa_histogram_size(second);
    int64_t counts[2][COUNT];
    double means[2][COUNT];
    pa_histogram_read(second, counts[0], means[0]);
    assert_ok(pa_histogram_add_groups(parts, counts[0], means[0], n_second, &err));
    const int64_t n = pa_histogram_size(whole);
    assert_int_equal(pa_histogram_size(parts), n);
    pa_histogram_read(whole, counts[0], means[0]);
    pa_histogram_read(parts, counts[1], means[1]);
    int64_t total = 0;
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(counts[0][i], counts[1][i]);
        assert_close(means[0][i], means[1][i], 1e-15);
        assert_true(i == 0 || means[0][i] > means[0][i - 1]);
        total += counts[0][i];
    }
    assert_int_equal(total, COUNT);
    pa_histogram_destroy(second);
    pa_histogram_destroy(parts);
    pa_histogram_destroy(whole);
}

/* Many floats in memory are not copied: they must give what a copy in doubles gives. */
static void test_large_arrays_of_floats_are_read_where_they_lie(void **state)
{
    (void)state;
    enum { ROWS = 2100, COLS = 2050 };
    const int64_t count = (int64_t)ROWS * COLS;
    float *x = malloc((size_t)count * sizeof(*x));
    double *copy = dense_new(ROWS, COLS);
    pa_random r = {8};
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) {
        x[i] = (float)pa_random_normal(&r);
        copy[i] = (double)x[i];
    }
    pa_matrix *lying = NULL;
    pa_matrix *copied = NULL;
    pa_matrix *rows = NULL;
    pa_matrix *columns = NULL;
    double norm = 0.0;
    char estimator[32];
    pa_entry_stats a;
    pa_entry_stats b;
    assert_ok(pa_matrix_borrow(ctx, x, PA_F32, ROWS, COLS, COLS, 1, &lying, &err));
    assert_ok(pa_matrix_borrow(ctx, copy, PA_F64, ROWS, COLS, COLS, 1, &copied, &err));
    assert_ptr_equal(pa_matrix_floats(lying), x);
    assert_null(pa_matrix_floats(copied));
    assert_ok(pa_matrix_frobenius(lying, &norm, &err));
    assert_close(norm / sqrt(dense_inner(copy, copy, count)), 1.0, 1e-12);
    assert_ok(pa_matrix_entry_stats(lying, &a, &err));
    assert_ok(pa_matrix_entry_stats(copied, &b, &err));
    assert_memory_equal(&a, &b, sizeof(a));
    double sum = 0.0;
    assert_ok(pa_matrix_sum_abs(lying, &sum, &err));
    assert_close(sum / b.sum_abs, 1.0, 1e-13);
    assert_ok(pa_matrix_sum_abs(copied, &sum, &err));
    assert_true(sum == b.sum_abs);
    assert_close(gini_of(lying, estimator), gini_of(copied, estimator), 1e-8);
    assert_ok(pa_matrix_slice(lying, 1, ROWS - 1, 0, COLS, &rows, &err));
    assert_ptr_equal(pa_matrix_floats(rows), x + COLS);
    assert_ok(pa_matrix_slice(lying, 0, ROWS, 1, COLS - 1, &columns, &err));
    assert_null(pa_matrix_floats(columns));
    assert_ok(pa_matrix_frobenius(rows, &norm, &err));
    assert_close(norm / sqrt(dense_inner(copy + COLS, copy + COLS, count - COLS)), 1.0, 1e-12);
    pa_matrix_destroy(lying);
    x[5] = NAN;
    x[count - 1] = -INFINITY;
    int64_t nonfinite = -1;
    assert_ok(pa_matrix_borrow(ctx, x, PA_F32, ROWS, COLS, COLS, 1, &lying, &err));
    assert_ok(pa_matrix_nonfinite(lying, &nonfinite, &err));
    assert_int_equal(nonfinite, 2);
    pa_matrix_destroy(columns);
    pa_matrix_destroy(rows);
    pa_matrix_destroy(copied);
    pa_matrix_destroy(lying);
    free(copy);
    free(x);
}

/* The cost model's word for a head of an OV circuit of 768: factors, not 768 x 768. */
static void test_structure_is_cheaper_than_elements(void **state)
{
    (void)state;
    float *x = calloc(768 * 64, sizeof(*x));
    pa_matrix *a = NULL;
    pa_matrix *b = NULL;
    pa_matrix *head = NULL;
    assert_non_null(x);
    assert_ok(pa_matrix_borrow(ctx, x, PA_F32, 768, 64, 64, 1, &a, &err));
    assert_ok(pa_matrix_borrow(ctx, x, PA_F32, 64, 768, 768, 1, &b, &err));
    assert_ok(pa_matrix_product(a, b, &head, &err));
    const pa_narrow_plan plan = pa_route_narrow(head);
    assert_int_equal(plan.route, PA_NARROW_PRODUCT);
    assert_int_equal(plan.cols, 64);
    assert_true(pa_route_flops(head, PA_QUERY_SINGULAR_VALUES) < 0.03e9);
    assert_true(pa_route_flops(head, PA_QUERY_DENSE) > 0.07e9);
    pa_matrix_destroy(head);
    pa_matrix_destroy(b);
    pa_matrix_destroy(a);
    free(x);
}

static pa_status count_and_factor(const pa_allocator *mem, void *user)
{
    const float *x = user;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem};
    pa_context *own = NULL;
    pa_matrix *a = NULL;
    pa_matrix *b = NULL;
    pa_matrix *product = NULL;
    pa_matrix *both = NULL;
    pa_magnitude_groups groups;
    const double *sigma = NULL;
    int64_t k = 0;
    pa_status s = pa_context_create(&options, &own, NULL);
    s = s != PA_OK ? s : pa_matrix_borrow(own, x, PA_F32, 600, 100, 100, 1, &a, NULL);
    s = s != PA_OK ? s : pa_matrix_borrow(own, x, PA_F32, 100, 600, 600, 1, &b, NULL);
    s = s != PA_OK ? s : pa_matrix_product(a, b, &product, NULL);
    s = s != PA_OK ? s : pa_matrix_concat_columns((const pa_matrix *[]){product, a}, 2, &both, NULL);
    s = s != PA_OK ? s : pa_matrix_magnitude_groups(both, &groups, NULL);
    s = s != PA_OK ? s : pa_matrix_singular_values(a, &sigma, &k, NULL);
    pa_matrix_destroy(both);
    pa_matrix_destroy(product);
    pa_matrix_destroy(b);
    pa_matrix_destroy(a);
    pa_context_destroy(own);
    return s;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    double *x = dense_new(600, 100);
    pa_random r = {7};
    pa_random_fill(&r, x, 60000);
    for (int i = 0; i < 60000; i++) {
        x[i] = ldexp(1.0 + x[i] * 0.01, (int)(x[i] * 0.5)); /* few exponents: a short sweep */
    }
    float *f = rounded(x, 60000);
    pa_test_oom_sweep(count_and_factor, f);
    free(f);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well_conditioned_spectra_agree_by_way_of_the_gram_matrix),
        cmocka_unit_test(test_ill_conditioned_and_deficient_spectra_are_left_to_the_svd),
        cmocka_unit_test(test_concatenated_products_agree_with_their_dense_form),
        cmocka_unit_test(test_counting_agrees_with_sorting),
        cmocka_unit_test(test_products_are_counted_in_single_precision_where_that_is_safe),
        cmocka_unit_test(test_histograms_add_up),
        cmocka_unit_test(test_large_arrays_of_floats_are_read_where_they_lie),
        cmocka_unit_test(test_structure_is_cheaper_than_elements),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
