/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What has changed since a reference, against dense differences; and that thin differences stay thin. */
#include "pa_component_test.h"

enum { D = 24, HEADS = 4, KV = 2, HD = 2 };

typedef struct arrays {
    double v[KV * HD * D];
    double o[D * HEADS * HD];
} arrays;

static pa_checkpoint *make(arrays *a, uint64_t seed)
{
    pa_checkpoint *c = component_checkpoint(D, HEADS, KV);
    pa_random r = {seed};
    pa_random_fill(&r, (double *)a, (int64_t)(sizeof(*a) / sizeof(double)));
    for (pa_kind kind = PA_WEIGHTS; kind <= PA_GRADIENTS; kind++) {
        component_add(c, kind, "layers.0.attention.v_proj", a->v, KV * HD, D);
        component_add(c, kind, "layers.0.attention.o_proj", a->o, D, HEADS * HD);
    }
    return c;
}

static pa_parts *between(const pa_checkpoint *now, const pa_checkpoint *then, const char *options, pa_kind kind)
{
    pa_component *component = NULL;
    pa_parts *parts = NULL;
    assert_ok(pa_component_create(ctx, "residual_delta", kind, options, &component, &err));
    assert_ok(pa_component_build_between(component, now, then, "val", 0, &parts, &err));
    pa_component_destroy(component);
    return parts;
}

static void test_tensors_are_subtracted(void **state)
{
    (void)state;
    arrays a;
    arrays b;
    pa_checkpoint *now = make(&a, 1);
    pa_checkpoint *then = make(&b, 2);
    pa_parts *parts =
        between(now, then, "component: simple, component_options: \"layer_suffixes: attention.v_proj\"", PA_WEIGHTS);
    assert_int_equal(pa_parts_count(parts), 1);
    assert_string_equal(pa_parts_key(parts, 0), "layers.0.residual_delta.attention.v_proj.weights");
    for (int i = 0; i < KV * HD * D; i++) {
        a.v[i] -= b.v[i];
    }
    component_check(pa_parts_matrix(parts, 0), a.v, KV * HD, D);
    pa_parts_destroy(parts);
    pa_checkpoint_destroy(now);
    pa_checkpoint_destroy(then);
}

static void circuit_of(const arrays *a, int64_t head, double sign, double *out)
{
    double *o = component_columns(a->o, D, HEADS * HD, head * HD, HD);
    double *product = dense_product(o, a->v + head / 2 * HD * D, D, HD, D);
    for (int i = 0; i < D * D; i++) {
        out[i] += sign * product[i];
    }
    free(o);
    free(product);
}

static void test_changes_of_circuits_stay_thin(void **state)
{
    (void)state;
    arrays a;
    arrays b;
    pa_checkpoint *now = make(&a, 1);
    pa_checkpoint *then = make(&b, 2);
    pa_parts *parts = between(now, then, "component: ov_circuit", PA_WEIGHTS);
    assert_int_equal(pa_parts_count(parts), HEADS + 1);
    const double *whole = NULL;
    const double *all = NULL;
    int64_t n_all = 0;
    assert_ok(pa_matrix_singular_values(pa_parts_matrix(parts, HEADS), &all, &n_all, &err));
    assert_true(all[2 * HD * HEADS - 1] > 1e-3 && all[2 * HD * HEADS] == 0.0);
    assert_string_equal(pa_parts_key(parts, HEADS), "layers.0.residual_delta.ov_circuit.weights");
    assert_ok(pa_matrix_values(pa_parts_matrix(parts, HEADS), &whole, &err));
    for (int64_t head = 0; head < HEADS; head++) {
        double expected[D * D] = {0};
        double dense[D];
        char key[96];
        const double *sigma = NULL;
        int64_t n = 0;
        circuit_of(&a, head, 1.0, expected);
        circuit_of(&b, head, -1.0, expected);
        (void)snprintf(key, sizeof(key), "layers.0.residual_delta.ov_circuit.weights.heads.%d", (int)head);
        assert_string_equal(pa_parts_key(parts, head), key);
        assert_int_equal(pa_parts_head(parts, head), head);
        component_check(pa_parts_matrix(parts, head), expected, D, D);
        assert_ok(pa_matrix_singular_values(pa_parts_matrix(parts, head), &sigma, &n, &err));
        dense_singular_values(expected, D, D, dense);
        for (int i = 0; i < 2 * HD; i++) {
            assert_close(sigma[i], dense[i], 1e-12);
        }
        assert_true(sigma[2 * HD - 1] > 1e-3 && sigma[2 * HD] == 0.0); /* known from the factors, exactly */
        for (int64_t i = 0; i < D; i++) {
            for (int64_t j = 0; j < D; j++) {
                assert_close(whole[i * D * HEADS + head * D + j], expected[i * D + j], 1e-13);
            }
        }
    }
    pa_parts_destroy(parts);
    pa_checkpoint_destroy(now);
    pa_checkpoint_destroy(then);
}

/* Not rounding noise: norms, ranks and directions of noise would look like changes. */
static void test_equal_checkpoints_differ_by_exactly_nothing(void **state)
{
    (void)state;
    static const char *const options[] = {"component: ov_circuit", "component: ov_circuit, compat: pico",
                                          "component: simple, component_options: 'layer_suffixes: attention.o_proj'"};
    arrays a;
    pa_checkpoint *now = make(&a, 1);
    pa_checkpoint *then = make(&a, 1);
    for (int i = 0; i < 3; i++) {
        for (pa_kind kind = PA_WEIGHTS; kind <= PA_GRADIENTS; kind++) {
            pa_parts *parts = between(now, then, options[i], kind);
            for (int64_t k = 0; k < pa_parts_count(parts); k++) {
                const double *sigma = NULL;
                double norm = -1.0;
                int64_t n = 0;
                assert_ok(pa_matrix_frobenius(pa_parts_matrix(parts, k), &norm, &err));
                assert_ok(pa_matrix_singular_values(pa_parts_matrix(parts, k), &sigma, &n, &err));
                assert_true(norm == 0.0 && sigma[0] == 0.0);
            }
            pa_parts_destroy(parts);
        }
    }
    pa_checkpoint_destroy(now);
    pa_checkpoint_destroy(then);
}

/* A relative change of 2^-20 is found to all digits of a double, although the circuits agree in many: floats times
 * 1 + h are exact, and so is their difference. */
static void test_small_changes_keep_their_digits(void **state)
{
    (void)state;
    const double h = 0x1p-20;
    arrays a;
    double expected[D * D] = {0};
    double norm = 0.0;
    pa_checkpoint_destroy(make(&a, 1));
    pa_checkpoint *now = component_checkpoint(D, HEADS, KV);
    pa_checkpoint *then = component_checkpoint(D, HEADS, KV);
    for (int i = 0; i < D * HEADS * HD; i++) {
        a.o[i] = (double)(float)a.o[i];
    }
    circuit_of(&a, 0, h, expected);
    component_add(then, PA_WEIGHTS, "layers.0.attention.o_proj", a.o, D, HEADS * HD);
    component_add(then, PA_WEIGHTS, "layers.0.attention.v_proj", a.v, KV * HD, D);
    for (int i = 0; i < D * HEADS * HD; i++) {
        a.o[i] *= 1.0 + h;
    }
    component_add(now, PA_WEIGHTS, "layers.0.attention.o_proj", a.o, D, HEADS * HD);
    component_add(now, PA_WEIGHTS, "layers.0.attention.v_proj", a.v, KV * HD, D);
    pa_parts *parts = between(now, then, "component: ov_circuit", PA_WEIGHTS);
    assert_ok(pa_matrix_frobenius(pa_parts_matrix(parts, 0), &norm, &err));
    const double wanted = sqrt(dense_inner(expected, expected, (int64_t)D * D));
    assert_true(fabs(norm - wanted) < 1e-14 * wanted);
    pa_parts_destroy(parts);
    pa_checkpoint_destroy(now);
    pa_checkpoint_destroy(then);
}

static void test_without_a_reference_there_is_nothing(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *now = make(&a, 1);
    pa_parts *parts = between(now, NULL, "component: ov_circuit", PA_WEIGHTS);
    assert_int_equal(pa_parts_count(parts), 0);
    pa_parts_destroy(parts);
    pa_checkpoint_destroy(now);
}

static void refuse(const pa_checkpoint *now, const pa_checkpoint *then, const char *options, pa_status expected,
                   const char *text)
{
    pa_component *component = NULL;
    pa_parts *parts = NULL;
    assert_ok(pa_component_create(ctx, "residual_delta", PA_WEIGHTS, options, &component, &err));
    assert_fails(pa_component_build_between(component, now, then, "val", 0, &parts, &err), expected, text);
    pa_component_destroy(component);
}

static void test_what_is_wrong_is_named(void **state)
{
    (void)state;
    arrays a;
    pa_component *component = NULL;
    pa_checkpoint *now = make(&a, 1);
    pa_checkpoint *other = component_checkpoint(D, HEADS, KV);
    component_add(other, PA_WEIGHTS, "layers.0.attention.v_proj", a.v, D, KV * HD);
    refuse(now, other, "component: simple, component_options: 'layer_suffixes: attention.v_proj'", PA_ERR_SHAPE,
           "'layers.0.attention.v_proj.weights' is [4, 24], in the reference [24, 4]");
    refuse(now, other, "component: ov_circuit", PA_ERR_NOT_FOUND, "the reference of residual_delta: ");
    refuse(now, other, "component: ov_circus", PA_ERR_NOT_FOUND, "ov_circuit");
    refuse(now, other, "component: simple", PA_ERR_CONFIG, "residual_delta: ");
    refuse(now, other, "component: induction_head", PA_ERR_CONFIG, "makes pairs of matrices");
    refuse(now, other, "component: residual_delta, component_options: 'component: simple'", PA_ERR_CONFIG,
           "needs a reference of its own");
    assert_fails(pa_component_create(ctx, "residual_delta", PA_WEIGHTS, NULL, &component, &err), PA_ERR_CONFIG,
                 "option 'component' is required");
    pa_checkpoint_destroy(now);
    pa_checkpoint_destroy(other);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    component_case cases[] = {
        {"residual_delta", "component: ov_circuit", PA_WEIGHTS, 0},
        {"residual_delta", "component: feed_forward, component_options: 'view: neurons'", PA_GRADIENTS, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pa_test_oom_sweep(component_under_pressure, &cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors_are_subtracted),
        cmocka_unit_test(test_changes_of_circuits_stay_thin),
        cmocka_unit_test(test_equal_checkpoints_differ_by_exactly_nothing),
        cmocka_unit_test(test_small_changes_keep_their_digits),
        cmocka_unit_test(test_without_a_reference_there_is_nothing),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
