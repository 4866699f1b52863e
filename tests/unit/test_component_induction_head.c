/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Pairs of heads of a small model in memory, against dense circuits; patterns and tokens. */
#include "pa_component_test.h"

enum { D = 16, HEADS = 4, KV = 2, HD = 2, LAYERS = 3, TOKENS = 5 };

typedef struct layer_arrays {
    double q[HEADS * HD * D];
    double k[KV * HD * D];
    double v[KV * HD * D];
    double o[D * HEADS * HD];
} layer_arrays;

static pa_checkpoint *make(layer_arrays *a)
{
    pa_checkpoint *c = component_checkpoint(D, HEADS, KV);
    pa_random r = {41};
    pa_random_fill(&r, (double *)a, (int64_t)(LAYERS * sizeof(*a) / sizeof(double)));
    for (int l = 0; l < LAYERS; l++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "layers.%d.attention.q_proj", l);
        component_add(c, PA_WEIGHTS, name, a[l].q, HEADS * HD, D);
        name[strlen(name) - 6] = 'k';
        component_add(c, PA_WEIGHTS, name, a[l].k, KV * HD, D);
        name[strlen(name) - 6] = 'v';
        component_add(c, PA_WEIGHTS, name, a[l].v, KV * HD, D);
        name[strlen(name) - 6] = 'o';
        component_add(c, PA_WEIGHTS, name, a[l].o, D, HEADS * HD);
    }
    return c;
}

static double *ov_of(const layer_arrays *a, int64_t head)
{
    double *o = component_columns(a->o, D, HEADS * HD, head * HD, HD);
    double *product = dense_product(o, a->v + head / 2 * HD * D, D, HD, D);
    free(o);
    return product;
}

static double *qk_of(const layer_arrays *a, int64_t head)
{
    double *qt = dense_transpose(a->q + head * HD * D, HD, D);
    double *product = dense_product(qt, a->k + head / 2 * HD * D, D, HD, D);
    free(qt);
    return product;
}

static double *first_of(const layer_arrays *a, const char *composition, int64_t head)
{
    if (composition[0] == 'v') {
        return ov_of(a, head);
    }
    double *qk = qk_of(a, head);
    double *kq = dense_transpose(qk, D, D);
    double *keep = composition[0] == 'q' ? kq : qk;
    free(composition[0] == 'q' ? qk : kq);
    return keep;
}

static void test_pairs_are_the_circuits_of_two_heads(void **state)
{
    (void)state;
    static const char *const compositions[] = {"k", "q", "v"};
    layer_arrays a[LAYERS];
    pa_checkpoint *c = make(a);
    for (int i = 0; i < 3; i++) {
        char options[64];
        (void)snprintf(options, sizeof(options), "composition: %s", compositions[i]);
        pa_parts *parts = component_build(c, "induction_head", PA_WEIGHTS, i == 0 ? NULL : options, 2);
        assert_int_equal(pa_parts_count(parts), 2 * HEADS * HEADS);
        for (int64_t k = 0; k < 2 * HEADS * HEADS; k++) {
            const int64_t l = k / (HEADS * HEADS);
            const int64_t h2 = k / HEADS % HEADS;
            const int64_t h1 = k % HEADS;
            char key[96];
            (void)snprintf(key, sizeof(key), "layers.2.induction_head.%s.weights.from.%d.%d.heads.%d", compositions[i],
                           (int)l, (int)h1, (int)h2);
            double *first = first_of(&a[2], compositions[i], h2);
            double *second = ov_of(&a[l], h1);
            assert_string_equal(pa_parts_key(parts, k), key);
            assert_int_equal(pa_parts_head(parts, k), h2);
            component_check(pa_parts_matrix(parts, k), first, D, D);
            component_check(pa_parts_second(parts, k), second, D, D);
            free(first);
            free(second);
        }
        /* A head's circuit is one matrix in all its pairs: what is derived from it is found once. */
        assert_ptr_equal(pa_parts_matrix(parts, 0), pa_parts_matrix(parts, HEADS * HEADS));
        assert_ptr_equal(pa_parts_second(parts, 1), pa_parts_second(parts, HEADS + 1));
        pa_parts_destroy(parts);
    }
    pa_checkpoint_destroy(c);
}

static void test_circuits_stay_thin(void **state)
{
    (void)state;
    layer_arrays a[LAYERS];
    pa_checkpoint *c = make(a);
    pa_parts *parts = component_build(c, "induction_head", PA_WEIGHTS, "composition: q, rope_window: 8", 1);
    const pa_matrix *const both[] = {pa_parts_matrix(parts, 3), pa_parts_second(parts, 3)};
    for (int i = 0; i < 2; i++) {
        const double *sigma = NULL;
        int64_t n = 0;
        assert_ok(pa_matrix_singular_values(both[i], &sigma, &n, &err));
        assert_true(n == D && sigma[HD - 1] > 1e-4 && sigma[HD] == 0.0);
    }
    pa_parts_destroy(parts);
    pa_checkpoint_destroy(c);
}

static void test_heads_and_layers_are_chosen(void **state)
{
    (void)state;
    layer_arrays a[LAYERS];
    pa_checkpoint *c = make(a);
    pa_parts *parts = component_build(c, "induction_head", PA_WEIGHTS, "heads: [3], from_layers: [1, 3]", 2);
    assert_int_equal(pa_parts_count(parts), HEADS);
    assert_string_equal(pa_parts_key(parts, 2), "layers.2.induction_head.k.weights.from.1.2.heads.3");
    pa_parts_destroy(parts);
    parts = component_build(c, "induction_head", PA_WEIGHTS, "from_layers: [2]", 2); /* not earlier */
    assert_int_equal(pa_parts_count(parts), 0);
    pa_parts_destroy(parts);
    pa_checkpoint_destroy(c);
}

static void test_the_first_layer_has_no_pairs(void **state)
{
    (void)state;
    layer_arrays a[LAYERS];
    pa_checkpoint *c = make(a);
    pa_parts *parts = component_build(c, "induction_head", PA_WEIGHTS, NULL, 0);
    assert_int_equal(pa_parts_count(parts), 0);
    pa_parts_destroy(parts);
    pa_checkpoint_destroy(c);
}

static void test_rotary_windows_turn_the_later_head(void **state)
{
    (void)state;
    layer_arrays a[LAYERS];
    pa_checkpoint *c = make(a);
    static const char *const options[] = {"rope_window: 64", "composition: q, rope_window: 64"};
    pa_parts *heads = component_build(c, "attention_head", PA_WEIGHTS, "circuit: qk, rope_window: 64", 1);
    for (int i = 0; i < 2; i++) {
        pa_parts *parts = component_build(c, "induction_head", PA_WEIGHTS, options[i], 1);
        for (int64_t h2 = 0; h2 < HEADS; h2++) {
            const double *values = NULL;
            assert_ok(pa_matrix_values(pa_parts_matrix(heads, h2), &values, &err));
            double *turned = dense_transpose(values, D, D);
            component_check(pa_parts_matrix(parts, h2 * HEADS), i == 0 ? values : turned, D, D);
            free(turned);
        }
        assert_non_null(strstr(pa_parts_key(parts, 0), i == 0 ? "induction_head.k_rope64." : "head.q_rope64."));
        pa_parts_destroy(parts);
    }
    pa_parts_destroy(heads);
    component_refuse(c, "induction_head", PA_WEIGHTS, "composition: v, rope_window: 2", 1, PA_ERR_CONFIG,
                     "'rope_window' is an option of 'composition: k' and 'q'");
    pa_checkpoint_destroy(c);
}

/* Patterns of a file are [heads, T, T], read as [heads * T, T]; ids are [T], read as one row. */
static void test_patterns_are_paired_with_their_tokens(void **state)
{
    (void)state;
    double patterns[HEADS * TOKENS * TOKENS];
    const double tokens[TOKENS] = {7, 1, 7, 3, 50303};
    pa_random r = {3};
    pa_random_fill(&r, patterns, HEADS * TOKENS * TOKENS);
    for (int column = 0; column < 2; column++) {
        pa_checkpoint *c = component_checkpoint(D, HEADS, KV);
        component_add(c, PA_ATTENTION, "layers.0.attention.pattern", patterns, HEADS * TOKENS, TOKENS);
        component_add(c, PA_ATTENTION, "tokens", tokens, column ? TOKENS : 1, column ? 1 : TOKENS);
        pa_parts *parts = component_build(c, "induction_head", PA_ATTENTION, "heads: [1, 3]", 0);
        assert_int_equal(pa_parts_count(parts), 2);
        assert_string_equal(pa_parts_key(parts, 0), "layers.0.induction_head.attention.heads.1");
        assert_int_equal(pa_parts_head(parts, 1), 3);
        component_check(pa_parts_matrix(parts, 1), patterns + 3 * TOKENS * TOKENS, TOKENS, TOKENS);
        component_check(pa_parts_second(parts, 1), tokens, TOKENS, 1);
        pa_parts_destroy(parts);
        pa_checkpoint_destroy(c);
    }
}

static void test_patterns_that_do_not_fit_are_named(void **state)
{
    (void)state;
    double data[HEADS * TOKENS * TOKENS] = {0};
    pa_checkpoint *c = component_checkpoint(D, HEADS, KV);
    component_add(c, PA_ATTENTION, "layers.0.attention.pattern", data, HEADS * TOKENS, TOKENS);
    component_add(c, PA_ATTENTION, "layers.1.attention.pattern", data, 3 * TOKENS, TOKENS);
    component_add(c, PA_ATTENTION, "layers.2.attention.pattern", data, 7, TOKENS);
    component_refuse(c, "induction_head", PA_ATTENTION, NULL, 0, PA_ERR_NOT_FOUND, "tokens");
    component_add(c, PA_ATTENTION, "tokens", data, 1, TOKENS + 1);
    component_refuse(c, "induction_head", PA_ATTENTION, NULL, 0, PA_ERR_SHAPE,
                     "the token ids are [1, 6], the patterns are of 5 tokens");
    component_refuse(c, "induction_head", PA_ATTENTION, NULL, 1, PA_ERR_SHAPE, "[15, 5]");
    component_refuse(c, "induction_head", PA_ATTENTION, NULL, 2, PA_ERR_SHAPE, "[7, 5]");
    component_refuse(c, "induction_head", PA_ATTENTION, NULL, 3, PA_ERR_NOT_FOUND, "no layer 3");
    component_refuse(c, "induction_head", PA_ATTENTION, "heads: [4]", 0, PA_ERR_CONFIG, "heads from 0 to 3");
    pa_checkpoint_destroy(c);
}

static void test_missing_tensors_of_earlier_layers_are_named(void **state)
{
    (void)state;
    layer_arrays a[LAYERS];
    pa_checkpoint *c = make(a);
    component_refuse(c, "induction_head", PA_WEIGHTS, NULL, LAYERS, PA_ERR_NOT_FOUND, "no layer 3");
    component_refuse(c, "induction_head", PA_WEIGHTS, "layer_suffixes: {value_layer: attention.w}", 1, PA_ERR_NOT_FOUND,
                     "layer 0 has no 'attention.w'");
    component_refuse(c, "induction_head", PA_WEIGHTS, "from_layers: [4]", 1, PA_ERR_CONFIG, "layers from 0 to 3");
    pa_checkpoint_destroy(c);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    component_case cases[] = {
        {"induction_head", "rope_window: 4, composition: q, heads: [1]", PA_WEIGHTS, 1},
        {"induction_head", "composition: v, heads: [0, 2]", PA_WEIGHTS, 1},
        {"induction_head", NULL, PA_ATTENTION, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pa_test_oom_sweep(component_under_pressure, &cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_are_the_circuits_of_two_heads),
        cmocka_unit_test(test_circuits_stay_thin),
        cmocka_unit_test(test_heads_and_layers_are_chosen),
        cmocka_unit_test(test_the_first_layer_has_no_pairs),
        cmocka_unit_test(test_rotary_windows_turn_the_later_head),
        cmocka_unit_test(test_patterns_are_paired_with_their_tokens),
        cmocka_unit_test(test_patterns_that_do_not_fit_are_named),
        cmocka_unit_test(test_missing_tensors_of_earlier_layers_are_named),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
