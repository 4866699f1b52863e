/* SPDX-License-Identifier: Apache-2.0 */
#include "pa_metric_test.h"

enum { D = 24, K = 4 };

/* A circuit of rank k as two factors. */
static pa_matrix *circuit(pa_random *r, int64_t d, int64_t k)
{
    double *data = dense_new(d, k);
    pa_matrix *left = NULL;
    pa_matrix *right = NULL;
    pa_matrix *m = NULL;
    pa_random_fill(r, data, d * k);
    assert_ok(pa_matrix_from_memory(ctx, data, PA_F64, d, k, &left, &err));
    pa_random_fill(r, data, d * k);
    assert_ok(pa_matrix_from_memory(ctx, data, PA_F64, k, d, &right, &err));
    assert_ok(pa_matrix_product(left, right, &m, &err));
    pa_matrix_destroy(right);
    pa_matrix_destroy(left);
    free(data);
    return m;
}

static pa_value score(const pa_matrix *a, const pa_matrix *b)
{
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_compute(ctx, "composition", NULL, (const pa_matrix *[]){a, b}, 2, &value, &err));
    return value;
}

static void test_factored_circuits_match_the_product_of_their_elements(void **state)
{
    (void)state;
    pa_random r = {1};
    pa_matrix *a = circuit(&r, D, K);
    pa_matrix *b = circuit(&r, D, 2);
    const double *x = NULL;
    const double *y = NULL;
    pa_value v = score(a, b);
    assert_ok(pa_matrix_values(a, &x, &err));
    assert_ok(pa_matrix_values(b, &y, &err));
    double *xy = dense_product(x, y, D, D, D);
    const double expected = sqrt(dense_inner(xy, xy, D * D) / dense_inner(x, x, D * D) / dense_inner(y, y, D * D));
    assert_number(&v, expected, 1e-13);
    assert_close(output_number(&v, "baseline"), 1.0 / sqrt(D), 1e-15);
    assert_close(output_number(&v, "excess"), expected - 1.0 / sqrt(D), 1e-13);
    free(xy);
    pa_value_clear(&v);
    pa_matrix_destroy(b);
    pa_matrix_destroy(a);
}

/* 1/sqrt(64) = 0.125 and 1/sqrt(768) = 0.0361 within four standard errors of the squared score. */
static void test_random_heads_score_one_over_the_root_of_the_width(void **state)
{
    (void)state;
    static const int64_t shapes[2][3] = {{64, 16, 24}, {768, 64, 4}};
    pa_random r = {2};
    for (int i = 0; i < 2; i++) {
        double z = 0.0;
        double mean = 0.0;
        for (int64_t k = 0; k < shapes[i][2]; k++) {
            pa_matrix *a = circuit(&r, shapes[i][0], shapes[i][1]);
            pa_matrix *b = circuit(&r, shapes[i][0], shapes[i][1]);
            pa_value v = score(a, b);
            z += output_number(&v, "z");
            mean += v.value / (double)shapes[i][2];
            pa_value_clear(&v);
            pa_matrix_destroy(b);
            pa_matrix_destroy(a);
        }
        assert_true(fabs(z) < 4.0 * sqrt((double)shapes[i][2]));
        assert_close(mean * sqrt((double)shapes[i][0]), 1.0, 0.02);
    }
}

/* One reads just the direction that the other writes: 1, with S = T = u u^T and z = (1 - 1/d) / sqrt(2 (1 - 1/d)^2 /
 * ((d - 1) (d + 2))) = sqrt((d - 1) (d + 2) / 2). Where it reads another direction: 0. */
static void test_single_directions_match_the_closed_form(void **state)
{
    (void)state;
    double reads_first[9] = {0};
    double writes_first[9] = {0};
    double writes_second[9] = {0};
    reads_first[6] = -2.0;  /* e3 e1^T */
    writes_first[1] = 5.0;  /* e1 e2^T */
    writes_second[4] = 5.0; /* e2 e2^T */
    pa_value v = value_of_two("composition", "", reads_first, 3, writes_first, 3, 3);
    assert_number(&v, 1.0, 1e-15);
    assert_close(output_number(&v, "z"), sqrt(5.0), 1e-14);
    pa_value_clear(&v);
    v = value_of_two("composition", "", reads_first, 3, writes_second, 3, 3);
    assert_number(&v, 0.0, 1e-15);
    assert_close(output_number(&v, "z"), -sqrt(5.0) / 2.0, 1e-14);
    pa_value_clear(&v);
}

/* The z-score against heads that are in fact rotated: mean 0 and variance 1. */
static void test_rotated_heads_have_standard_scores(void **state)
{
    (void)state;
    enum { ROTATIONS = 2000, SIDE = 6 };
    pa_random r = {3};
    double *a = dense_new(SIDE, SIDE);
    double *b = dense_new(SIDE, SIDE);
    double sum = 0.0;
    double squares = 0.0;
    pa_random_fill(&r, a, SIDE * SIDE);
    pa_random_fill(&r, b, SIDE * 2); /* rank 2 */
    for (int i = 0; i < ROTATIONS; i++) {
        double *q = random_orthogonal(&r, SIDE);
        double *turned = dense_product(q, b, SIDE, SIDE, SIDE);
        pa_value v = value_of_two("composition", "", a, SIDE, turned, SIDE, SIDE);
        const double z = output_number(&v, "z");
        sum += z;
        squares += z * z;
        pa_value_clear(&v);
        free(turned);
        free(q);
    }
    assert_true(fabs(sum / ROTATIONS) < 4.0 / sqrt(ROTATIONS));
    assert_true(fabs(squares / ROTATIONS - 1.0) < 0.15);
    free(b);
    free(a);
}

static void test_a_change_of_basis_and_scale_do_not_matter(void **state)
{
    (void)state;
    const double scales[] = {-1e200, 1e-200, 3.0};
    pa_random r = {4};
    double *a = dense_new(D, D);
    double *b = dense_new(D, D);
    double *q = random_orthogonal(&r, D);
    double *qt = dense_transpose(q, D, D);
    pa_random_fill(&r, a, D * D);
    pa_random_fill(&r, b, D * D);
    double *aq = dense_product(a, q, D, D, D);
    double *qb = dense_product(qt, b, D, D, D);
    pa_value plain = value_of_two("composition", "", a, D, b, D, D);
    for (int s = 0; s < 3; s++) {
        double *scaled = dense_new(D, D);
        for (int i = 0; i < D * D; i++) {
            scaled[i] = scales[s] * aq[i];
        }
        pa_value turned = value_of_two("composition", "", scaled, D, qb, D, D);
        assert_number(&turned, plain.value, 1e-13);
        assert_close(output_number(&turned, "z"), output_number(&plain, "z"), 1e-10);
        pa_value_clear(&turned);
        free(scaled);
    }
    pa_value_clear(&plain);
    free(qb);
    free(aq);
    free(qt);
    free(q);
    free(b);
    free(a);
}

static void test_undefined_inputs_have_named_states(void **state)
{
    (void)state;
    pa_random r = {5};
    double x[16];
    const double zero[16] = {0};
    double *q = random_orthogonal(&r, 4);
    pa_random_fill(&r, x, 16);
    assert_undefined(value_of_two("composition", "", x, 4, zero, 4, 4), PA_STATE_DEGENERATE);
    assert_undefined(value_of_two("composition", "", x, 4, x, 2, 4), PA_STATE_UNSUPPORTED);
    assert_undefined(value_of_two("composition", "", x, 2, x, 4, 4), PA_STATE_UNSUPPORTED);
    pa_value v = value_of_two("composition", "", q, 4, x, 4, 4); /* composes with all alike */
    assert_number(&v, 0.5, 1e-14);
    assert_int_equal(output_state(&v, "z"), PA_STATE_DEGENERATE);
    pa_value_clear(&v);
    v = value_of_two("composition", "", x, 1, x, 1, 1);
    assert_number(&v, 1.0, 1e-15);
    assert_int_equal(output_state(&v, "z"), PA_STATE_DEGENERATE);
    pa_value_clear(&v);
    free(q);
}

static pa_status under_pressure(const pa_allocator *mem, void *user)
{
    double data[100];
    pa_random r = {6};
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem};
    pa_context *own = NULL;
    pa_matrix *left = NULL;
    pa_matrix *right = NULL;
    pa_matrix *m[2] = {NULL, NULL};
    pa_value value = PA_VALUE_INIT;
    (void)user;
    pa_random_fill(&r, data, 100);
    pa_status s = pa_context_create(&options, &own, NULL);
    s = s != PA_OK ? s : pa_matrix_from_memory(own, data, PA_F64, 8, 2, &left, NULL);
    s = s != PA_OK ? s : pa_matrix_from_memory(own, data + 16, PA_F64, 2, 8, &right, NULL);
    s = s != PA_OK ? s : pa_matrix_product(left, right, &m[0], NULL);
    s = s != PA_OK ? s : pa_matrix_from_memory(own, data + 32, PA_F64, 8, 8, &m[1], NULL);
    s = s != PA_OK ? s : pa_compute(own, "composition", NULL, (const pa_matrix *const *)m, 2, &value, NULL);
    assert_int_equal(value.state, s == PA_OK ? PA_STATE_OK : PA_STATE_UNSET);
    pa_value_clear(&value);
    pa_matrix_destroy(m[0]);
    pa_matrix_destroy(m[1]);
    pa_matrix_destroy(left);
    pa_matrix_destroy(right);
    pa_context_destroy(own);
    return s;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(under_pressure, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_factored_circuits_match_the_product_of_their_elements),
        cmocka_unit_test(test_random_heads_score_one_over_the_root_of_the_width),
        cmocka_unit_test(test_single_directions_match_the_closed_form),
        cmocka_unit_test(test_rotated_heads_have_standard_scores),
        cmocka_unit_test(test_a_change_of_basis_and_scale_do_not_matter),
        cmocka_unit_test(test_undefined_inputs_have_named_states),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
