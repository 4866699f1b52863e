/* SPDX-License-Identifier: Apache-2.0 */
/* gradient_similarity and weight_movement: element by element, and along a run. */
#include "pa_metric_test.h"

enum { N = 30, K = 3, P = 20 };

static const pa_metric_ops *ops_of(const char *name)
{
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        if (strcmp(pa_metric_describe(ctx, i)->name, name) == 0) {
            return pa_metric_describe(ctx, i);
        }
    }
    fail_msg("no metric %s", name);
    return NULL;
}

static pa_matrix *matrix_of(const double *x, int64_t n, int64_t p)
{
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F64, n, p, &m, &err));
    return m;
}

static pa_matrix *product_of(const double *a, const double *b)
{
    pa_matrix *left = matrix_of(a, N, K);
    pa_matrix *right = matrix_of(b, K, P);
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_product(left, right, &m, &err));
    pa_matrix_destroy(left);
    pa_matrix_destroy(right);
    return m;
}

static pa_value compare(const char *metric, const pa_matrix *a, const pa_matrix *b)
{
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_compute(ctx, metric, NULL, (const pa_matrix *[]){a, b}, 2, &value, &err));
    return value;
}

static void test_small_matrices_match_closed_forms(void **state)
{
    (void)state;
    const double a[4] = {3.0, 4.0, 0.0, -1.0};
    const double b[4] = {4.0, 3.0, 7.0, 1.0};
    pa_value v = value_of_two("gradient_similarity", "", a, 2, b, 2, 2);
    assert_close(v.value, 23.0 / sqrt(26.0 * 75.0), 1e-15);
    assert_close(output_number(&v, "sign_agreement"), 2.0 / 3.0, 1e-15);
    assert_close(output_number(&v, "signs_compared"), 3.0, 0.0);
    assert_close(output_number(&v, "norm_ratio"), sqrt(26.0 / 75.0), 1e-15);
    pa_value_clear(&v);
    v = value_of_two("weight_movement", "", a, 2, b, 2, 2);
    assert_close(v.value, sqrt(55.0 / 75.0), 1e-15);
    assert_close(output_number(&v, "update_ratio"), sqrt(55.0 / 26.0), 1e-15);
    pa_value_clear(&v);
}

/* From the smallest to the largest numbers that have a norm. */
static void test_the_size_of_elements_does_not_matter(void **state)
{
    (void)state;
    const double scales[] = {1e-310, 1e-200, 1e-90, 1e90, 1e200, 1e306};
    pa_random r = {1};
    double a[24];
    double b[24];
    double sa[24];
    double sb[24];
    pa_random_fill(&r, a, 24);
    pa_random_fill(&r, b, 24);
    pa_value cosine = value_of_two("gradient_similarity", "", a, 4, b, 4, 6);
    pa_value moved = value_of_two("weight_movement", "", a, 4, b, 4, 6);
    for (int s = 0; s < 6; s++) {
        for (int i = 0; i < 24; i++) {
            sa[i] = scales[s] * a[i];
            sb[i] = scales[s] * b[i];
        }
        const double rtol = scales[s] < 1e-300 ? 1e-11 : 1e-14; /* denormals have lost digits themselves */
        pa_value v = value_of_two("gradient_similarity", "", sa, 4, b, 4, 6);
        assert_close(v.value, cosine.value, rtol);
        pa_value_clear(&v);
        v = value_of_two("gradient_similarity", "", sa, 4, sb, 4, 6);
        assert_close(v.value, cosine.value, rtol);
        pa_value_clear(&v);
        v = value_of_two("weight_movement", "", sa, 4, sb, 4, 6);
        assert_close(v.value, moved.value, rtol);
        assert_close(output_number(&v, "distance") / scales[s], output_number(&moved, "distance"), rtol);
        pa_value_clear(&v);
    }
    pa_value_clear(&moved);
    pa_value_clear(&cosine);
}

static void test_one_rotation_of_both_does_not_matter(void **state)
{
    (void)state;
    const char *const metrics[] = {"gradient_similarity", "weight_movement"};
    pa_random r = {2};
    double *a = dense_new(N, P);
    double *b = dense_new(N, P);
    double *q = random_orthogonal(&r, P);
    pa_random_fill(&r, a, N * P);
    pa_random_fill(&r, b, N * P);
    double *aq = dense_product(a, q, N, P, P);
    double *bq = dense_product(b, q, N, P, P);
    for (int i = 0; i < 2; i++) {
        pa_value plain = value_of_two(metrics[i], "", a, P, b, P, N);
        pa_value turned = value_of_two(metrics[i], "", aq, P, bq, P, N);
        assert_number(&turned, plain.value, 1e-13);
        pa_value_clear(&turned);
        pa_value_clear(&plain);
    }
    free(bq);
    free(aq);
    free(q);
    free(b);
    free(a);
}

static void test_products_of_factors_give_what_their_elements_give(void **state)
{
    (void)state;
    const char *const outputs[] = {"norm", "target_norm"};
    pa_random r = {3};
    double *a = dense_new(N, K);
    double *b = dense_new(K, P);
    double *c = dense_new(N, K);
    double *d = dense_new(K, P);
    pa_random_fill(&r, a, N * K);
    pa_random_fill(&r, b, K * P);
    pa_random_fill(&r, c, N * K);
    pa_random_fill(&r, d, K * P);
    double *ab = dense_product(a, b, N, K, P);
    double *cd = dense_product(c, d, N, K, P);
    pa_matrix *x = product_of(a, b);
    pa_matrix *y = product_of(c, d);
    for (int i = 0; i < 2; i++) {
        const char *metric = i == 0 ? "gradient_similarity" : "weight_movement";
        pa_value dense = value_of_two(metric, "", ab, P, cd, P, N);
        pa_value thin = compare(metric, x, y);
        pa_value self = compare(metric, x, x);
        assert_number(&thin, dense.value, 1e-13);
        assert_number(&self, i == 0 ? 1.0 : 0.0, 1e-13);
        for (int o = 0; o < 2; o++) {
            assert_close(output_number(&thin, outputs[o]), output_number(&dense, outputs[o]), 1e-13);
        }
        pa_value_clear(&self);
        pa_value_clear(&thin);
        pa_value_clear(&dense);
    }
    pa_matrix_destroy(y);
    pa_matrix_destroy(x);
    free(cd);
    free(ab);
    free(d);
    free(c);
    free(b);
    free(a);
}

/* Factors on a grid, moved by 2^-40: an exact small step, which inner products would lose altogether (the square is
 * 2^-80 of what they cancel). */
static void test_small_movements_keep_their_digits(void **state)
{
    (void)state;
    pa_random r = {4};
    double *a = dense_new(N, K);
    double *moved = dense_new(N, K);
    double *step = dense_new(N, K);
    double *b = dense_new(K, P);
    for (int i = 0; i < N * K; i++) {
        a[i] = round(512.0 * pa_random_uniform(&r)) / 256.0;
        step[i] = ldexp(round(64.0 * pa_random_uniform(&r)), -46);
        moved[i] = a[i] + step[i];
    }
    pa_random_fill(&r, b, K * P);
    double *target = dense_product(a, b, N, K, P);
    double *change = dense_product(step, b, N, K, P);
    const double expected = sqrt(dense_inner(change, change, N * P) / dense_inner(target, target, N * P));
    pa_matrix *w = product_of(moved, b);
    pa_matrix *t = product_of(a, b);
    pa_value v = compare("weight_movement", w, t);
    assert_true(expected < 1e-11);
    assert_close(v.value / expected, 1.0, 1e-12);
    pa_value_clear(&v);
    /* the same as one of several blocks */
    pa_matrix *same[2] = {product_of(a, b), product_of(a, b)};
    pa_matrix *ws = NULL;
    pa_matrix *ts = NULL;
    assert_ok(pa_matrix_concat_columns((const pa_matrix *[]){w, same[0]}, 2, &ws, &err));
    assert_ok(pa_matrix_concat_columns((const pa_matrix *[]){t, same[1]}, 2, &ts, &err));
    v = compare("weight_movement", ws, ts);
    assert_close(v.value / expected, sqrt(0.5), 1e-12);
    pa_value_clear(&v);
    pa_matrix_destroy(same[1]);
    pa_matrix_destroy(same[0]);
    pa_matrix_destroy(ts);
    pa_matrix_destroy(ws);
    pa_matrix_destroy(t);
    pa_matrix_destroy(w);
    free(change);
    free(target);
    free(b);
    free(step);
    free(moved);
    free(a);
}

static void test_undefined_inputs_have_named_states(void **state)
{
    (void)state;
    const double x[6] = {1, 2, 3, 4, 5, 6};
    const double zero[6] = {0};
    pa_value v = value_of_two("gradient_similarity", "", x, 2, zero, 2, 3);
    assert_state(&v, PA_STATE_DEGENERATE);
    assert_close(output_number(&v, "norm"), sqrt(91.0), 1e-15);
    assert_close(output_number(&v, "signs_compared"), 0.0, 0.0);
    assert_int_equal(output_state(&v, "sign_agreement"), PA_STATE_DEGENERATE);
    assert_int_equal(output_state(&v, "norm_ratio"), PA_STATE_DEGENERATE);
    pa_value_clear(&v);
    v = value_of_two("weight_movement", "", zero, 2, x, 2, 3);
    assert_number(&v, 1.0, 1e-15);
    assert_int_equal(output_state(&v, "update_ratio"), PA_STATE_DEGENERATE);
    assert_int_equal(output_state(&v, "cosine"), PA_STATE_DEGENERATE);
    pa_value_clear(&v);
    v = value_of_two("weight_movement", "", x, 2, zero, 2, 3);
    assert_state(&v, PA_STATE_DEGENERATE);
    assert_close(output_number(&v, "distance"), sqrt(91.0), 1e-15);
    pa_value_clear(&v);
    assert_undefined(value_of_two("gradient_similarity", "", x, 2, zero, 1, 3), PA_STATE_UNSUPPORTED);
    assert_undefined(value_of_two("weight_movement", "", x, 2, zero, 1, 3), PA_STATE_UNSUPPORTED);
}

/* Several pairs together are one long pair, whatever their sizes; zero ones count with what norm they have. */
static void test_the_pool_is_the_cosine_of_all_together(void **state)
{
    (void)state;
    enum { PARTS = 4, COUNT = 60 };
    static const int64_t rows[PARTS] = {2, 9, 1, 3};
    pa_random r = {5};
    double a[COUNT];
    double b[COUNT];
    pa_value parts[PARTS + 1];
    const pa_value *all[PARTS + 1];
    pa_value pooled = PA_VALUE_INIT;
    pa_random_fill(&r, a, COUNT);
    pa_random_fill(&r, b, COUNT);
    for (int i = 44; i < 48; i++) {
        b[i] = 0.0; /* all of the third */
    }
    for (int i = 0; i < 20; i++) {
        a[i] *= 1e3;
    }
    for (int i = 0, at = 0; i < PARTS; at += 4 * (int)rows[i], i++) {
        parts[i] = value_of_two("gradient_similarity", "", a + at, 4, b + at, 4, rows[i]);
        all[i] = &parts[i];
    }
    assert_int_equal(parts[2].state, PA_STATE_DEGENERATE);
    pa_value expected = value_of_two("gradient_similarity", "", a, 4, b, 4, COUNT / 4);
    const pa_metric_ops *ops = ops_of("gradient_similarity");
    assert_ok(ops->pool(NULL, NULL, all, PARTS, &pooled, &err));
    assert_number(&pooled, expected.value, 1e-14);
    const char *const names[] = {"sign_agreement", "signs_compared", "norm_ratio", "inner", "norm", "target_norm"};
    for (int i = 0; i < 6; i++) {
        assert_close(output_number(&pooled, names[i]), output_number(&expected, names[i]), 1e-13);
    }
    pa_value_clear(&pooled);
    /* one that could not be computed makes the whole undefined; an empty one does not */
    pa_value_init(&parts[PARTS], sizeof(pa_value));
    all[PARTS] = &parts[PARTS];
    pa_value_set_undefined(&parts[PARTS], PA_STATE_EMPTY, "empty");
    assert_ok(ops->pool(NULL, NULL, all, PARTS + 1, &pooled, &err));
    assert_number(&pooled, expected.value, 1e-14);
    pa_value_clear(&pooled);
    pa_value_set_undefined(&parts[PARTS], PA_STATE_NONFINITE, "NaN");
    assert_ok(ops->pool(NULL, NULL, all, PARTS + 1, &pooled, &err));
    assert_state(&pooled, PA_STATE_NONFINITE);
    pa_value_clear(&pooled);
    assert_ok(ops->pool(NULL, NULL, all + 2, 1, &pooled, &err));
    assert_state(&pooled, PA_STATE_DEGENERATE);
    pa_value_clear(&pooled);
    assert_ok(ops->pool(NULL, NULL, all, 0, &pooled, &err));
    assert_state(&pooled, PA_STATE_EMPTY);
    pa_value_clear(&pooled);
    pa_value_clear(&expected);
    for (int i = 0; i < PARTS; i++) {
        pa_value_clear(&parts[i]);
    }
}

/* The first step has no previous one; then 3, 4 and 5 are travelled; then a checkpoint is broken. */
static void test_the_path_adds_up_along_the_run(void **state)
{
    (void)state;
    const double at[4] = {1.0, 4.0, 8.0, 3.0};
    const double sums[4] = {0.0, 3.0, 7.0, 12.0};
    const double nan = NAN;
    const pa_metric_ops *ops = ops_of("weight_movement");
    pa_value before = PA_VALUE_INIT;
    pa_value broken = PA_VALUE_INIT;
    pa_value_set_undefined(&before, PA_STATE_UNSUPPORTED, "there is no step before");
    assert_ok(ops->follow(NULL, NULL, NULL, &before, &err));
    assert_int_equal(pa_value_output_count(&before), 0);
    for (int i = 1; i < 4; i++) {
        pa_value value = value_of_two("weight_movement", "", &at[i], 1, &at[i - 1], 1, 1);
        assert_ok(ops->follow(NULL, NULL, &before, &value, &err));
        assert_close(output_number(&value, "path_length"), sums[i], 1e-15);
        pa_value_clear(&before);
        before = value;
    }
    broken = value_of_two("weight_movement", "", &nan, 1, &at[3], 1, 1);
    assert_ok(ops->follow(NULL, NULL, &before, &broken, &err));
    assert_int_equal(output_state(&broken, "path_length"), PA_STATE_NONFINITE);
    pa_value after = value_of_two("weight_movement", "", &at[0], 1, &at[3], 1, 1);
    assert_ok(ops->follow(NULL, NULL, &broken, &after, &err));
    assert_int_equal(output_state(&after, "path_length"), PA_STATE_NONFINITE);
    assert_int_equal(after.state, PA_STATE_OK);
    pa_value_clear(&after);
    pa_value_clear(&broken);
    broken = value_of_two("weight_movement", "", (const double[]){1.0, 2.0}, 2, &at[3], 1, 1); /* another shape */
    assert_ok(ops->follow(NULL, NULL, &before, &broken, &err));
    assert_int_equal(output_state(&broken, "path_length"), PA_STATE_UNSUPPORTED);
    after = value_of_two("weight_movement", "", &at[0], 1, &at[3], 1, 1);
    assert_ok(ops->follow(NULL, NULL, &broken, &after, &err));
    assert_int_equal(output_state(&after, "path_length"), PA_STATE_UNSUPPORTED);
    pa_value_clear(&after);
    pa_value_clear(&broken);
    pa_value_clear(&before);
}

static pa_status under_pressure(const pa_allocator *mem, void *user)
{
    double data[300];
    pa_random r = {6};
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem};
    pa_context *own = NULL;
    pa_matrix *factors[4] = {NULL, NULL, NULL, NULL};
    pa_matrix *m[2] = {NULL, NULL};
    pa_value value = PA_VALUE_INIT;
    pa_random_fill(&r, data, 300);
    pa_status s = pa_context_create(&options, &own, NULL);
    for (int i = 0; i < 4 && s == PA_OK; i++) {
        s = pa_matrix_from_memory(own, data + 50 * i, PA_F64, i % 2 == 0 ? 15 : 2, i % 2 == 0 ? 2 : 12, &factors[i],
                                  NULL);
    }
    for (int i = 0; i < 2 && s == PA_OK; i++) {
        s = pa_matrix_product(factors[2 * i], factors[2 * i + 1], &m[i], NULL);
    }
    s = s != PA_OK ? s : pa_compute(own, user, NULL, (const pa_matrix *const *)m, 2, &value, NULL);
    assert_int_equal(value.state, s == PA_OK ? PA_STATE_OK : PA_STATE_UNSET);
    pa_value_clear(&value);
    pa_matrix_destroy(m[0]);
    pa_matrix_destroy(m[1]);
    for (int i = 0; i < 4; i++) {
        pa_matrix_destroy(factors[i]);
    }
    pa_context_destroy(own);
    return s;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    char gradient[] = "gradient_similarity";
    char movement[] = "weight_movement";
    pa_test_oom_sweep(under_pressure, gradient);
    pa_test_oom_sweep(under_pressure, movement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_matrices_match_closed_forms),
        cmocka_unit_test(test_the_size_of_elements_does_not_matter),
        cmocka_unit_test(test_one_rotation_of_both_does_not_matter),
        cmocka_unit_test(test_products_of_factors_give_what_their_elements_give),
        cmocka_unit_test(test_small_movements_keep_their_digits),
        cmocka_unit_test(test_undefined_inputs_have_named_states),
        cmocka_unit_test(test_the_pool_is_the_cosine_of_all_together),
        cmocka_unit_test(test_the_path_adds_up_along_the_run),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
