/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Eigenvalues, and the copying score that is made of them. */
#include "pa_output_test.h"

static pa_matrix *make(const double *x, int64_t n, int64_t p)
{
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F64, n, p, &m, &err));
    return m;
}

static void test_eigenvalues_of_known_matrices(void **state)
{
    (void)state;
    /* A quarter turn beside 3 and -1/2: i, -i; the companion matrix of (x - 1)(x - 2)(x - 3) */
    const double turn[16] = {0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 7, -0.5};
    const double companion[9] = {6, -11, 6, 1, 0, 0, 0, 1, 0};
    const double real[4] = {3, 0, 0, -0.5};
    const double imag[4] = {0, 1, -1, 0};
    const double *re = NULL;
    const double *im = NULL;
    int64_t k = 0;
    pa_matrix *m = make(turn, 4, 4);
    assert_ok(pa_matrix_eigenvalues(m, &re, &im, &k, &err));
    assert_int_equal(k, 4);
    for (int i = 0; i < 4; i++) {
        assert_close(re[i], real[i], 1e-14);
        assert_close(im[i], imag[i], 1e-14);
    }
    pa_matrix_destroy(m);
    m = make(companion, 3, 3);
    assert_ok(pa_matrix_eigenvalues(m, &re, &im, &k, &err));
    for (int i = 0; i < 3; i++) {
        assert_close(re[i], 3.0 - i, 1e-12);
        assert_close(im[i], 0.0, 1e-12);
    }
    pa_matrix_destroy(m);
    m = make(turn, 2, 8);
    assert_fails(pa_matrix_eigenvalues(m, &re, &im, &k, &err), PA_ERR_SHAPE, "[2, 8]");
    assert_null(re);
    pa_matrix_destroy(m);
}

/* d by d of rank 3: through 3 x 3, and the same when multiplied out, scaled and transposed. */
static void test_a_product_is_asked_in_the_other_order(void **state)
{
    (void)state;
    enum { D = 20, K = 3 };
    pa_random r = {7};
    double a[D * K];
    double b[K * D];
    pa_random_fill(&r, a, D * K);
    pa_random_fill(&r, b, K * D);
    double *dense = dense_product(a, b, D, K, D);
    pa_matrix *left = make(a, D, K);
    pa_matrix *right = make(b, K, D);
    pa_matrix *full = make(dense, D, D);
    pa_matrix *m = NULL;
    pa_matrix *t = NULL;
    pa_matrix *scaled = NULL;
    const double *re[4];
    const double *im[4];
    int64_t k[4];
    assert_ok(pa_matrix_product(left, right, &m, &err));
    assert_ok(pa_matrix_transpose(m, &t, &err));
    assert_ok(pa_matrix_scale(m, -2.0, &scaled, &err));
    const pa_matrix *const all[4] = {m, full, t, scaled};
    for (int i = 0; i < 4; i++) {
        assert_ok(pa_matrix_eigenvalues(all[i], &re[i], &im[i], &k[i], &err));
        assert_int_equal(k[i], i == 1 ? D : K);
    }
    for (int i = 0; i < K; i++) {
        for (int which = 1; which < 4; which++) {
            const double factor = which == 3 ? -2.0 : 1.0;
            assert_close(re[which][i], factor * re[0][i], 1e-12);
            assert_close(im[which][i], fabs(factor) * im[0][i], 1e-12);
        }
    }
    for (int i = K; i < D; i++) {
        assert_true(hypot(re[1][i], im[1][i]) < 1e-12);
    }
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_compute(ctx, "copying", "", (const pa_matrix *[]){m}, 1, &value, &err));
    assert_close(value.value, number_of("copying", "", dense, D, D), 1e-10);
    assert_int_equal(output_of(&value, "real").shape[0], K);
    pa_value_clear(&value);
    pa_matrix_destroy(scaled);
    pa_matrix_destroy(t);
    pa_matrix_destroy(m);
    pa_matrix_destroy(full);
    pa_matrix_destroy(right);
    pa_matrix_destroy(left);
    free(dense);
}

static void test_the_extremes_are_one_and_minus_one(void **state)
{
    (void)state;
    const double identity[4] = {1, 0, 0, 1};
    const double against[4] = {-1e-300, 0, 0, -3e-300};
    const double turn[4] = {0, -1, 1, 0};
    assert_close(number_of("copying", "", identity, 2, 2), 1.0, 0.0);
    assert_close(number_of("copying", "", against, 2, 2), -1.0, 1e-15);
    pa_value value = value_of("copying", "", turn, 2, 2);
    assert_number(&value, 0.0, 1e-15);
    assert_output(&value, "positive_share", 0.0, 0.0);
    assert_output(&value, "magnitude", 2.0, 1e-15);
    assert_close(output_of(&value, "imag").numbers[0], 1.0, 1e-15);
    assert_close(output_of(&value, "imag").numbers[1], -1.0, 1e-15);
    assert_string_equal(output_of(&value, "imag").axes, "eigenvalue");
    pa_value_clear(&value);
}

/* A head that reads and writes the same directions copies; random ones do not. */
static void test_random_heads_score_near_zero(void **state)
{
    (void)state;
    enum { D = 64, K = 16, HEADS = 30 };
    pa_random r = {8};
    double *a = dense_new(D, K);
    double *b = dense_new(K, D);
    double mean = 0.0;
    for (int h = 0; h < HEADS; h++) {
        pa_random_fill(&r, a, D * K);
        pa_random_fill(&r, b, K * D);
        double *random = dense_product(a, b, D, K, D);
        double *t = dense_transpose(a, D, K);
        double *copy = dense_product(a, t, D, K, D);
        mean += number_of("copying", "", random, D, D) / HEADS;
        assert_close(number_of("copying", "", copy, D, D), 1.0, 1e-9);
        free(copy);
        free(t);
        free(random);
    }
    assert_true(fabs(mean) < 0.15);
    free(b);
    free(a);
}

static void test_scale_and_basis_do_not_matter(void **state)
{
    (void)state;
    pa_random r = {9};
    double x[36];
    double y[36];
    pa_random_fill(&r, x, 36);
    double *q = random_orthogonal(&r, 6);
    double *qt = dense_transpose(q, 6, 6);
    double *qx = dense_product(q, x, 6, 6, 6);
    double *turned = dense_product(qx, qt, 6, 6, 6);
    const double expected = number_of("copying", "", x, 6, 6);
    assert_close(number_of("copying", "", turned, 6, 6), expected, 1e-12);
    for (int i = 0; i < 36; i++) {
        y[i] = -1e300 * x[i];
    }
    assert_close(number_of("copying", "", y, 6, 6), -expected, 1e-12);
    free(turned);
    free(qx);
    free(qt);
    free(q);
}

static void test_undefined_inputs_have_named_states(void **state)
{
    (void)state;
    const double x[6] = {1, 2, 3, 4, 5, 6};
    const double zero[4] = {0};
    const double bad[4] = {1, 2, INFINITY, 4};
    const double large[9] = {1.7e308, 0, 0, 0, 1.7e308, 0, 0, 0, -1.7e308};
    const double edge[4] = {1.7e308, 1.7e308, 1.7e308, 1.7e308};
    assert_int_equal(state_of("copying", "", x, 2, 3), PA_STATE_UNSUPPORTED);
    assert_int_equal(state_of("copying", "", zero, 2, 2), PA_STATE_DEGENERATE);
    assert_int_equal(state_of("copying", "", bad, 2, 2), PA_STATE_NONFINITE);
    assert_int_equal(state_of("copying", "", edge, 2, 2), PA_STATE_NONFINITE);
    assert_close(number_of("copying", "", large, 3, 3), 1.0 / 3.0, 1e-15); /* its norm is beyond a double */
    assert_int_equal(state_of("copying", "", NULL, 0, 0), PA_STATE_EMPTY);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_random r = {5};
    double x[36];
    pa_random_fill(&r, x, 36);
    pa_test_oom_sweep(outputs_under_pressure, &(output_case){.name = "copying", .options = "", .x = x, .n = 6, .p = 6});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eigenvalues_of_known_matrices),
        cmocka_unit_test(test_a_product_is_asked_in_the_other_order),
        cmocka_unit_test(test_the_extremes_are_one_and_minus_one),
        cmocka_unit_test(test_random_heads_score_near_zero),
        cmocka_unit_test(test_scale_and_basis_do_not_matter),
        cmocka_unit_test(test_undefined_inputs_have_named_states),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
