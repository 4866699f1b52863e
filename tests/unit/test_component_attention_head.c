/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Heads of a small model in memory, against dense arithmetic; rotary positions against the sum over all distances. */
#include "pa_component_test.h"

enum { D = 40, HEADS = 6, KV = 3, HD = 8, SAMPLES = 5 };

/* Row-major arrays of layer 2. */
typedef struct arrays {
    double q[HEADS * HD * D];
    double k[KV * HD * D];
    double v[KV * HD * D];
    double o[D * HEADS * HD];
    double dq[HEADS * HD * D];
    double dk[KV * HD * D];
    double acts[SAMPLES * KV * HD];
    double q_acts[SAMPLES * HEADS * HD];
} arrays;

/* The positions of the model beside its sizes. */
static pa_checkpoint *make_with(arrays *a, double share, double theta, int other)
{
    const pa_model model = {.struct_size = sizeof(model),
                            .d_model = D,
                            .n_layers = 4,
                            .n_heads = HEADS,
                            .n_kv_heads = KV,
                            .rope_theta = theta,
                            .rope_share = share,
                            .rope_other = other};
    pa_checkpoint *c = component_checkpoint_of(&model);
    pa_random r = {23};
    pa_random_fill(&r, (double *)a, (int64_t)(sizeof(*a) / sizeof(double)));
    component_add(c, PA_WEIGHTS, "layers.2.attention.q_proj.weight", a->q, HEADS * HD, D);
    component_add(c, PA_WEIGHTS, "layers.2.attention.k_proj.weight", a->k, KV * HD, D);
    component_add(c, PA_WEIGHTS, "layers.2.attention.v_proj.weight", a->v, KV * HD, D);
    component_add(c, PA_WEIGHTS, "layers.2.attention.o_proj.weight", a->o, D, HEADS * HD);
    component_add(c, PA_GRADIENTS, "layers.2.attention.q_proj", a->dq, HEADS * HD, D);
    component_add(c, PA_GRADIENTS, "layers.2.attention.k_proj", a->dk, KV * HD, D);
    component_add(c, PA_ACTIVATIONS, "layers.2.attention.v_proj", a->acts, SAMPLES, KV * HD);
    component_add(c, PA_ACTIVATIONS, "layers.2.attention.q_proj", a->q_acts, SAMPLES, HEADS * HD);
    component_add(c, PA_ACTIVATIONS, "layers.2.attention.o_proj", a->q_acts, SAMPLES, D);
    return c;
}

static pa_checkpoint *make(arrays *a)
{
    return make_with(a, 0.0, 0.0, 0);
}

static void check_key(const pa_parts *parts, int64_t index, const char *name, int64_t head)
{
    char key[96];
    (void)snprintf(key, sizeof(key), "layers.2.attention_head.%s.heads.%d", name, (int)head);
    assert_string_equal(pa_parts_key(parts, index), key);
    assert_int_equal(pa_parts_head(parts, index), head);
}

static void test_slices_are_the_heads_rows_or_columns(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    pa_parts *parts[6] = {
        component_build(c, "attention_head", PA_WEIGHTS, NULL, 2),
        component_build(c, "attention_head", PA_GRADIENTS, "projection: k", 2),
        component_build(c, "attention_head", PA_WEIGHTS, "projection: v", 2),
        component_build(c, "attention_head", PA_WEIGHTS, "projection: o", 2),
        component_build(c, "attention_head", PA_ACTIVATIONS, "projection: v", 2),
        component_build(c, "attention_head", PA_ACTIVATIONS, "projection: q", 2),
    };
    pa_checkpoint_destroy(c); /* what was built stays valid */
    static const char *const names[] = {"q.weights", "k.gradients",   "v.weights",
                                        "o.weights", "v.activations", "q.activations"};
    for (int64_t head = 0; head < HEADS; head++) {
        const int64_t kv = head / 2;
        double *o = component_columns(a.o, D, HEADS * HD, head * HD, HD);
        double *acts = component_columns(a.acts, SAMPLES, KV * HD, kv * HD, HD);
        double *q_acts = component_columns(a.q_acts, SAMPLES, HEADS * HD, head * HD, HD);
        for (int i = 0; i < 6; i++) {
            check_key(parts[i], head, names[i], head);
        }
        component_check(pa_parts_matrix(parts[0], head), a.q + head * HD * D, HD, D);
        component_check(pa_parts_matrix(parts[1], head), a.dk + kv * HD * D, HD, D);
        component_check(pa_parts_matrix(parts[2], head), a.v + kv * HD * D, HD, D);
        component_check(pa_parts_matrix(parts[3], head), o, D, HD);
        component_check(pa_parts_matrix(parts[4], head), acts, SAMPLES, HD);
        component_check(pa_parts_matrix(parts[5], head), q_acts, SAMPLES, HD);
        free(o);
        free(acts);
        free(q_acts);
    }
    for (int i = 0; i < 6; i++) {
        assert_int_equal(pa_parts_count(parts[i]), HEADS);
        pa_parts_destroy(parts[i]);
    }
}

/* Heads of one group share the matrix, so that what is derived from it is found once. */
static void test_heads_of_a_group_share_their_slice(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    pa_parts *parts = component_build(c, "attention_head", PA_WEIGHTS, "projection: k", 2);
    assert_ptr_equal(pa_parts_matrix(parts, 2), pa_parts_matrix(parts, 3));
    assert_ptr_not_equal(pa_parts_matrix(parts, 1), pa_parts_matrix(parts, 2));
    pa_parts_destroy(parts);
    pa_checkpoint_destroy(c);
}

static void test_heads_are_chosen_by_number(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    pa_parts *parts = component_build(c, "attention_head", PA_WEIGHTS, "heads: [5, 0]", 2);
    assert_int_equal(pa_parts_count(parts), 2);
    check_key(parts, 0, "q.weights", 0);
    check_key(parts, 1, "q.weights", 5);
    component_check(pa_parts_matrix(parts, 1), a.q + 5 * HD * D, HD, D);
    pa_parts_destroy(parts);
    static const char *const bad[] = {"heads: [0, 6]", "heads: [-1]", "heads: first", "heads: [99999999999999999999]",
                                      "heads: [all, 1]"};
    for (int i = 0; i < 5; i++) {
        component_refuse(c, "attention_head", PA_WEIGHTS, bad[i], 2, PA_ERR_CONFIG,
                         "attention_head: 'heads' is 'all' or a list of heads from 0 to 5, not '");
    }
    component_refuse(c, "attention_head", PA_WEIGHTS, "heads: []", 2, PA_ERR_CONFIG, "'heads' is an empty list");
    pa_checkpoint_destroy(c);
}

/* Q^T K of a head, or with `dq` and `dk` its first-order change, times 1 / scale is added to `out`. */
static void add_product(double *out, const double *q, const double *k, double weight)
{
    double *qt = dense_transpose(q, HD, D);
    double *product = dense_product(qt, k, D, HD, D);
    for (int64_t i = 0; i < (int64_t)D * D; i++) {
        out[i] += weight * product[i];
    }
    free(qt);
    free(product);
}

static void test_qk_circuits_are_products_of_thin_factors(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    pa_parts *weights = component_build(c, "attention_head", PA_WEIGHTS, "circuit: qk", 2);
    pa_parts *gradients = component_build(c, "attention_head", PA_GRADIENTS, "circuit: qk", 2);
    for (int64_t head = 0; head < HEADS; head++) {
        const int64_t kv = head / 2;
        double expected[D * D] = {0};
        double change[D * D] = {0};
        const double *sigma = NULL;
        int64_t n = 0;
        add_product(expected, a.q + head * HD * D, a.k + kv * HD * D, 1.0);
        add_product(change, a.dq + head * HD * D, a.k + kv * HD * D, 1.0);
        add_product(change, a.q + head * HD * D, a.dk + kv * HD * D, 1.0);
        check_key(weights, head, "qk.weights", head);
        check_key(gradients, head, "qk.gradients", head);
        component_check(pa_parts_matrix(weights, head), expected, D, D);
        component_check(pa_parts_matrix(gradients, head), change, D, D);
        assert_ok(pa_matrix_singular_values(pa_parts_matrix(weights, head), &sigma, &n, &err));
        assert_true(sigma[HD - 1] > 1e-3 && sigma[HD] == 0.0); /* exactly: the rank is known from the factors */
        assert_ok(pa_matrix_singular_values(pa_parts_matrix(gradients, head), &sigma, &n, &err));
        assert_true(sigma[2 * HD - 1] > 1e-3 && sigma[2 * HD] == 0.0);
    }
    pa_parts_destroy(weights);
    pa_parts_destroy(gradients);
    pa_checkpoint_destroy(c);
}

/* How a model turns heads: the first `n` elements of each. */
typedef struct positions {
    int64_t n;
    double theta;
    int halves;
} positions;

/* Turns each pair of rows of x [HD, D] as a model does at a position. */
static void turn(double *x, int64_t position, positions how)
{
    for (int64_t i = 0; i < how.n / 2; i++) {
        const double angle = (double)position * pow(how.theta, -2.0 * (double)i / (double)how.n);
        double *first = x + (how.halves ? i : 2 * i) * D;
        double *second = x + (how.halves ? i + how.n / 2 : 2 * i + 1) * D;
        for (int64_t j = 0; j < D; j++) {
            const double re = first[j];
            first[j] = re * cos(angle) - second[j] * sin(angle);
            second[j] = re * sin(angle) + second[j] * cos(angle);
        }
    }
}

/* The mean over keys 0 ... window - 1 of what a query at position window - 1 scores them with. */
static void naive_mean(const arrays *a, int64_t head, int64_t window, positions how, double *out)
{
    for (int64_t at = 0; at < window; at++) {
        double q[HD * D];
        double k[HD * D];
        memcpy(q, a->q + head * HD * D, sizeof(q));
        memcpy(k, a->k + head / 2 * HD * D, sizeof(k));
        turn(q, window - 1, how);
        turn(k, at, how);
        add_product(out, q, k, 1.0 / (double)window);
    }
}

static void test_rotary_positions_average_as_the_sum_over_distances_does(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        double share;
        double theta;
        int other;
        int64_t window;
        positions how;
    } cases[] = {
        {"circuit: qk, rope_window: 2", 0.0, 0.0, 0, 2, {HD, 1e4, 0}},
        {"circuit: qk, rope_window: 64", 1.0, 0.0, 0, 64, {HD, 1e4, 0}},
        {"circuit: qk, rope_window: 64, rope_pairing: halves", 0.0, 5e5, 0, 64, {HD, 5e5, 1}},
        {"circuit: qk, rope_window: 1000, rope_theta: 500", 0.0, 1e6, 0, 1000, {HD, 500.0, 0}},
        {"circuit: qk, rope_window: 7, rope_theta: 1", 0.0, 0.0, 1, 7, {HD, 1.0, 0}},
        {"circuit: qk, rope_window: 7, rope_theta: 1e300, rope_pairing: halves", 0.0, 0.0, 0, 7, {HD, 1e300, 1}},
        {"circuit: qk, rope_window: 9, rope_pairing: halves", 0.5, 300.0, 0, 9, {HD / 2, 300.0, 1}},
        {"circuit: qk, rope_window: 9", 0.6, 300.0, 0, 9, {HD / 2, 300.0, 0}}, /* whole elements */
        {"circuit: qk, rope_window: 9", 0.1, 300.0, 0, 9, {0, 300.0, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        arrays a;
        pa_checkpoint *c = make_with(&a, cases[i].share, cases[i].theta, cases[i].other);
        pa_parts *parts = component_build(c, "attention_head", PA_WEIGHTS, cases[i].options, 2);
        for (int64_t head = 0; head < HEADS; head++) {
            double expected[D * D] = {0};
            const double *sigma = NULL;
            char name[32];
            int64_t n = 0;
            (void)snprintf(name, sizeof(name), "qk_rope%d.weights", (int)cases[i].window);
            check_key(parts, head, name, head);
            naive_mean(&a, head, cases[i].window, cases[i].how, expected);
            component_check(pa_parts_matrix(parts, head), expected, D, D);
            assert_ok(pa_matrix_singular_values(pa_parts_matrix(parts, head), &sigma, &n, &err));
            assert_true(sigma[HD] == 0.0);
        }
        pa_parts_destroy(parts);
        pa_checkpoint_destroy(c);
    }
}

static void test_distance_zero_is_no_rotation(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    for (pa_kind kind = PA_WEIGHTS; kind <= PA_GRADIENTS; kind++) {
        pa_parts *plain = component_build(c, "attention_head", kind, "circuit: qk", 2);
        pa_parts *turned = component_build(c, "attention_head", kind, "circuit: qk, rope_window: 1", 2);
        for (int64_t head = 0; head < HEADS; head++) {
            const double *expected = NULL;
            assert_ok(pa_matrix_values(pa_parts_matrix(plain, head), &expected, &err));
            component_check(pa_parts_matrix(turned, head), expected, D, D);
        }
        pa_parts_destroy(plain);
        pa_parts_destroy(turned);
    }
    pa_checkpoint_destroy(c);
}

static void test_ov_is_the_component_ov_circuit(void **state)
{
    (void)state;
    static const char *const options[] = {"circuit: ov", "circuit: ov, compat: pico"};
    arrays a;
    pa_checkpoint *c = make(&a);
    for (int i = 0; i < 2; i++) {
        pa_parts *heads = component_build(c, "attention_head", PA_WEIGHTS, options[i], 2);
        pa_parts *circuits = component_build(c, "ov_circuit", PA_WEIGHTS, i == 0 ? NULL : "compat: pico", 2);
        for (int64_t head = 0; head < HEADS; head++) {
            const pa_matrix *m = pa_parts_matrix(circuits, head);
            const double *expected = NULL;
            check_key(heads, head, "ov.weights", head);
            assert_ok(pa_matrix_values(m, &expected, &err));
            component_check(pa_parts_matrix(heads, head), expected, pa_matrix_rows(m), pa_matrix_cols(m));
        }
        pa_parts_destroy(heads);
        pa_parts_destroy(circuits);
    }
    pa_checkpoint_destroy(c);
}

static void test_what_cannot_be_is_said(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    component_refuse(c, "attention_head", PA_ACTIVATIONS, "projection: o", 2, PA_ERR_CONFIG, "no slice is one head's");
    component_refuse(c, "attention_head", PA_ACTIVATIONS, "circuit: qk", 2, PA_ERR_CONFIG,
                     "attention_head: a QK circuit is made of weights or gradients, not of activations");
    component_refuse(c, "attention_head", PA_WEIGHTS, "rope_window: 4", 2, PA_ERR_CONFIG, "an option of 'circuit: qk'");
    component_refuse(c, "attention_head", PA_WEIGHTS, "circuit: qk, rope_window: -1", 2, PA_ERR_CONFIG,
                     "'rope_window' is -1");
    component_refuse(c, "attention_head", PA_WEIGHTS, "circuit: qk, rope_window: 4, rope_theta: 0.5", 2, PA_ERR_CONFIG,
                     "'rope_theta' is 0.5, at least 1");
    component_refuse(c, "attention_head", PA_WEIGHTS, "layer_suffixes: {query_layer: attention.x_proj}", 2,
                     PA_ERR_NOT_FOUND, "attention.x_proj");
    component_refuse(c, "attention_head", PA_WEIGHTS, "circuit: qk, layer_suffixes: {key_layer: attention.q_proj}", 2,
                     PA_ERR_SHAPE, "attention_head: the key projection is [48, 40], expected [24, 40]");
    component_refuse(c, "attention_head", PA_WEIGHTS, "circuit: qk", 1, PA_ERR_NOT_FOUND, "no layer 1");
    pa_checkpoint_destroy(c);

    c = component_checkpoint(D, 5, 5);
    component_add(c, PA_WEIGHTS, "layers.0.attention.q_proj", a.q, HEADS * HD, D);
    component_add(c, PA_WEIGHTS, "layers.0.attention.k_proj", a.k, KV * HD, D);
    component_refuse(c, "attention_head", PA_WEIGHTS, NULL, 0, PA_ERR_SHAPE, "48 rows of 'attention.q_proj' do not");
    component_refuse(c, "attention_head", PA_WEIGHTS, "circuit: qk", 0, PA_ERR_SHAPE, "48 rows do not divide into 5");
    pa_checkpoint_destroy(c);

    c = component_checkpoint(D, 16, 16); /* heads of 3 elements */
    component_add(c, PA_WEIGHTS, "layers.0.attention.q_proj", a.q, HEADS * HD, D);
    component_add(c, PA_WEIGHTS, "layers.0.attention.k_proj", a.q, HEADS * HD, D);
    component_refuse(c, "attention_head", PA_WEIGHTS, "circuit: qk, rope_window: 2", 0, PA_ERR_SHAPE, "turn pairs");
    pa_checkpoint_destroy(c);

    c = make_with(&a, 0.0, 0.0, 1); /* scaled */
    component_refuse(c, "attention_head", PA_WEIGHTS, "circuit: qk, rope_window: 2", 2, PA_ERR_UNSUPPORTED,
                     "attention_head: the model scales its rotary positions");
    pa_checkpoint_destroy(c);

    c = component_checkpoint(D, 0, 0);
    component_refuse(c, "attention_head", PA_WEIGHTS, NULL, 0, PA_ERR_SHAPE, "the model has 0 heads");
    pa_checkpoint_destroy(c);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    component_case cases[] = {
        {"attention_head", "heads: [1, 3], projection: o", PA_WEIGHTS, 0},
        {"attention_head", "circuit: qk, rope_window: 8", PA_GRADIENTS, 0},
        {"attention_head", "circuit: ov", PA_WEIGHTS, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pa_test_oom_sweep(component_under_pressure, &cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices_are_the_heads_rows_or_columns),
        cmocka_unit_test(test_heads_of_a_group_share_their_slice),
        cmocka_unit_test(test_heads_are_chosen_by_number),
        cmocka_unit_test(test_qk_circuits_are_products_of_thin_factors),
        cmocka_unit_test(test_rotary_positions_average_as_the_sum_over_distances_does),
        cmocka_unit_test(test_distance_zero_is_no_rotation),
        cmocka_unit_test(test_ov_is_the_component_ov_circuit),
        cmocka_unit_test(test_what_cannot_be_is_said),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
