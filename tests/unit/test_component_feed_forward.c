/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Feed-forward blocks of a small model in memory. */
#include "pa_component_test.h"

enum { D = 4, HIDDEN = 6, SAMPLES = 5 };

typedef struct arrays {
    double gate[HIDDEN * D];
    double up[HIDDEN * D];
    double down[D * HIDDEN];
    double gate_acts[SAMPLES * HIDDEN];
    double up_acts[SAMPLES * HIDDEN];
    double down_acts[SAMPLES * D];
} arrays;

static pa_checkpoint *make(arrays *a)
{
    pa_checkpoint *c = component_checkpoint(D, 2, 2);
    pa_random r = {31};
    pa_random_fill(&r, (double *)a, (int64_t)(sizeof(*a) / sizeof(double)));
    for (pa_kind kind = PA_WEIGHTS; kind <= PA_GRADIENTS; kind++) {
        component_add(c, kind, "layers.1.swiglu.w_0", a->gate, HIDDEN, D);
        component_add(c, kind, "layers.1.swiglu.w_1", a->up, HIDDEN, D);
        component_add(c, kind, "layers.1.swiglu.w_2", a->down, D, HIDDEN);
    }
    component_add(c, PA_ACTIVATIONS, "layers.1.swiglu.w_0", a->gate_acts, SAMPLES, HIDDEN);
    component_add(c, PA_ACTIVATIONS, "layers.1.swiglu.w_1", a->up_acts, SAMPLES, HIDDEN);
    component_add(c, PA_ACTIVATIONS, "layers.1.swiglu.w_2", a->down_acts, SAMPLES, D);
    component_add(c, PA_WEIGHTS, "layers.2.swiglu.w_2", a->down, D, HIDDEN);
    return c;
}

static void test_a_block_is_its_three_projections_stacked(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    for (pa_kind kind = PA_WEIGHTS; kind <= PA_GRADIENTS; kind++) {
        char key[64];
        double expected[3 * HIDDEN * D];
        double *written = dense_transpose(a.down, D, HIDDEN);
        pa_parts *parts = component_build(c, "feed_forward", kind, NULL, 1);
        (void)snprintf(key, sizeof(key), "layers.1.feed_forward.block.%s", pa_kind_name(kind));
        memcpy(expected, a.gate, sizeof(a.gate));
        memcpy(expected + HIDDEN * D, a.up, sizeof(a.up));
        memcpy(expected + 2 * HIDDEN * D, written, sizeof(a.down));
        assert_int_equal(pa_parts_count(parts), 1);
        assert_string_equal(pa_parts_key(parts, 0), key);
        assert_int_equal(pa_parts_head(parts, 0), -1);
        component_check(pa_parts_matrix(parts, 0), expected, 3 * HIDDEN, D);
        pa_parts_destroy(parts);
        free(written);
    }
    pa_checkpoint_destroy(c);
}

static void test_a_block_of_activations_is_side_by_side(void **state)
{
    (void)state;
    enum { COLS = 2 * HIDDEN + D };
    arrays a;
    double expected[SAMPLES * COLS];
    pa_checkpoint *c = make(&a);
    pa_parts *parts = component_build(c, "feed_forward", PA_ACTIVATIONS, "view: block", 1);
    for (int64_t i = 0; i < SAMPLES; i++) {
        memcpy(expected + i * COLS, a.gate_acts + i * HIDDEN, HIDDEN * sizeof(double));
        memcpy(expected + i * COLS + HIDDEN, a.up_acts + i * HIDDEN, HIDDEN * sizeof(double));
        memcpy(expected + i * COLS + 2 * HIDDEN, a.down_acts + i * D, D * sizeof(double));
    }
    assert_string_equal(pa_parts_key(parts, 0), "layers.1.feed_forward.block.activations");
    component_check(pa_parts_matrix(parts, 0), expected, SAMPLES, COLS);
    pa_parts_destroy(parts);
    pa_checkpoint_destroy(c);
}

static void test_neurons_are_rows_of_what_they_read_and_write(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    double *written = dense_transpose(a.down, D, HIDDEN);
    pa_parts *parts = component_build(c, "feed_forward", PA_WEIGHTS, "view: neurons", 1);
    assert_int_equal(pa_parts_count(parts), 3);
    component_check(pa_parts_matrix(parts, component_part(parts, "layers.1.feed_forward.read_gate.weights")), a.gate,
                    HIDDEN, D);
    component_check(pa_parts_matrix(parts, component_part(parts, "layers.1.feed_forward.read_up.weights")), a.up,
                    HIDDEN, D);
    component_check(pa_parts_matrix(parts, component_part(parts, "layers.1.feed_forward.write.weights")), written,
                    HIDDEN, D);
    pa_parts_destroy(parts);
    free(written);
    pa_checkpoint_destroy(c);
}

/* Learning-dynamics files have the down projection only. */
static void test_one_projection_needs_no_other(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    pa_parts *parts = component_build(c, "feed_forward", PA_WEIGHTS, "view: down", 2);
    assert_string_equal(pa_parts_key(parts, 0), "layers.2.feed_forward.down.weights");
    component_check(pa_parts_matrix(parts, 0), a.down, D, HIDDEN);
    pa_parts_destroy(parts);
    parts = component_build(c, "feed_forward", PA_ACTIVATIONS, "view: up", 1);
    assert_string_equal(pa_parts_key(parts, 0), "layers.1.feed_forward.up.activations");
    component_check(pa_parts_matrix(parts, 0), a.up_acts, SAMPLES, HIDDEN);
    pa_parts_destroy(parts);
    parts = component_build(c, "feed_forward", PA_WEIGHTS, "view: gate, layer_suffixes: {gate_layer: swiglu.w_1}", 1);
    component_check(pa_parts_matrix(parts, 0), a.up, HIDDEN, D);
    pa_parts_destroy(parts);
    pa_checkpoint_destroy(c);
}

static void test_what_is_missing_or_does_not_fit_is_named(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    component_refuse(c, "feed_forward", PA_WEIGHTS, NULL, 2, PA_ERR_NOT_FOUND, "layer 2 has no 'swiglu.w_0'");
    component_refuse(c, "feed_forward", PA_ACTIVATIONS, "view: neurons", 1, PA_ERR_CONFIG, "no 'view: neurons'");
    component_refuse(c, "feed_forward", PA_WEIGHTS, "layer_suffixes: {up_layer: swiglu.w_2}", 1, PA_ERR_SHAPE,
                     "feed_forward: up is [4, 6], expected [6, 4]");
    component_refuse(c, "feed_forward", PA_WEIGHTS, "layer_suffixes: {down_layer: swiglu.w_1}", 1, PA_ERR_SHAPE,
                     "feed_forward: down is [6, 4], expected [4, 6]");
    pa_component *component = NULL;
    assert_fails(pa_component_create(ctx, "feed_forward", PA_ATTENTION, NULL, &component, &err), PA_ERR_CONFIG,
                 "is not made of attention");
    pa_checkpoint_destroy(c);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    component_case cases[] = {
        {"feed_forward", NULL, PA_WEIGHTS, 0},
        {"feed_forward", "view: neurons", PA_GRADIENTS, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pa_test_oom_sweep(component_under_pressure, &cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_is_its_three_projections_stacked),
        cmocka_unit_test(test_a_block_of_activations_is_side_by_side),
        cmocka_unit_test(test_neurons_are_rows_of_what_they_read_and_write),
        cmocka_unit_test(test_one_projection_needs_no_other),
        cmocka_unit_test(test_what_is_missing_or_does_not_fit_is_named),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
