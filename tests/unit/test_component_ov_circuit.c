/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * OV circuits of a small model in memory, against dense arithmetic head by head. */
#include "pa_metric_test.h"

enum { D = 12, HEADS = 6, KV = 3, HD = 2, SAMPLES = 9 };

/* Row-major arrays of one layer. */
typedef struct arrays {
    double v[KV * HD * D];
    double o[D * HEADS * HD];
    double dv[KV * HD * D];
    double d_o[D * HEADS * HD];
    double acts[SAMPLES * KV * HD];
} arrays;

static void add(pa_checkpoint *c, pa_kind kind, const char *name, const double *data, int64_t rows, int64_t cols)
{
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_from_memory(ctx, data, PA_F64, rows, cols, &m, &err));
    assert_ok(pa_checkpoint_add(c, "val", kind, name, m, &err));
    pa_matrix_destroy(m);
}

static pa_checkpoint *make(arrays *a)
{
    const pa_model model = {
        .struct_size = sizeof(model), .d_model = D, .n_layers = 4, .n_heads = HEADS, .n_kv_heads = KV};
    pa_checkpoint *c = NULL;
    pa_random r = {17};
    pa_random_fill(&r, (double *)a, (int64_t)(sizeof(*a) / sizeof(double)));
    assert_ok(pa_checkpoint_create(ctx, 3, &model, &c, &err));
    add(c, PA_WEIGHTS, "net.layers.3.attention.v_proj.weight", a->v, KV * HD, D);
    add(c, PA_WEIGHTS, "net.layers.3.attention.o_proj.weight", a->o, D, HEADS * HD);
    add(c, PA_GRADIENTS, "layers.3.attention.v_proj", a->dv, KV * HD, D);
    add(c, PA_GRADIENTS, "layers.3.attention.o_proj", a->d_o, D, HEADS * HD);
    add(c, PA_ACTIVATIONS, "wrap.layers.3.attention.v_proj", a->acts, SAMPLES, KV * HD);
    return c;
}

static double *columns_of(const double *x, int64_t rows, int64_t cols, int64_t first, int64_t n)
{
    double *out = dense_new(rows, n);
    for (int64_t i = 0; i < rows; i++) {
        memcpy(out + i * n, x + i * cols + first, (size_t)n * sizeof(double));
    }
    return out;
}

/* Head by head, as the definition says; the shape goes to rows and cols. */
static double *expected_head(const arrays *a, pa_kind kind, int pico, int64_t head, int64_t *rows, int64_t *cols)
{
    const int64_t kv = head * KV / HEADS;
    const double *v = a->v + kv * HD * D;
    double *o = columns_of(a->o, D, HEADS * HD, head * HD, HD);
    double *out = NULL;
    *rows = D;
    *cols = D;
    if (kind == PA_WEIGHTS && pico) {
        *rows = *cols = HD;
        out = dense_product(v, o, HD, D, HD);
    } else if (kind == PA_WEIGHTS) {
        out = dense_product(o, v, D, HD, D);
    } else if (kind == PA_GRADIENTS) {
        double *d_o = columns_of(a->d_o, D, HEADS * HD, head * HD, HD);
        out = dense_product(o, a->dv + kv * HD * D, D, HD, D);
        double *second = dense_product(d_o, v, D, HD, D);
        for (int i = 0; i < D * D; i++) {
            out[i] += second[i];
        }
        free(second);
        free(d_o);
    } else {
        double *acts = columns_of(a->acts, SAMPLES, KV * HD, kv * HD, HD);
        double *ot = dense_transpose(o, D, HD);
        out = dense_product(acts, ot, SAMPLES, HD, D);
        *rows = SAMPLES;
        free(ot);
        free(acts);
    }
    free(o);
    return out;
}

static void check_part(const pa_parts *parts, int64_t index, const char *key, int64_t head)
{
    assert_string_equal(pa_parts_key(parts, index), key);
    assert_int_equal(pa_parts_head(parts, index), head);
}

static void check_kind(pa_kind kind, int pico)
{
    arrays a;
    pa_checkpoint *c = make(&a);
    pa_component *component = NULL;
    pa_parts *parts = NULL;
    assert_ok(pa_component_create(ctx, "ov_circuit", kind, pico ? "compat: pico" : NULL, &component, &err));
    assert_ok(pa_component_build(component, c, "val", 3, &parts, &err));
    pa_checkpoint_destroy(c); /* what was built stays valid */
    assert_int_equal(pa_parts_count(parts), HEADS + 1);
    const double *whole = NULL;
    assert_ok(pa_matrix_values(pa_parts_matrix(parts, HEADS), &whole, &err));
    for (int64_t head = 0; head < HEADS; head++) {
        char key[96];
        int64_t rows = 0;
        int64_t cols = 0;
        const double *values = NULL;
        double *expected = expected_head(&a, kind, pico, head, &rows, &cols);
        const pa_matrix *m = pa_parts_matrix(parts, head);
        (void)snprintf(key, sizeof(key), "layers.3.ov_circuit.%s.heads.%d", pa_kind_name(kind), (int)head);
        check_part(parts, head, key, head);
        assert_int_equal(pa_matrix_rows(m), rows);
        assert_int_equal(pa_matrix_cols(m), cols);
        assert_ok(pa_matrix_values(m, &values, &err));
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; j < cols; j++) {
                assert_close(values[i * cols + j], expected[i * cols + j], 1e-14);
                assert_close(whole[i * cols * HEADS + head * cols + j], expected[i * cols + j], 1e-14);
            }
        }
        free(expected);
    }
    char key[96];
    (void)snprintf(key, sizeof(key), "layers.3.ov_circuit.%s", pa_kind_name(kind));
    check_part(parts, HEADS, key, -1);
    assert_null(pa_parts_key(parts, HEADS + 1));
    assert_null(pa_parts_matrix(parts, -1));
    pa_parts_destroy(parts);
    pa_component_destroy(component);
}

static void test_weights_gradients_and_activations_match_the_definition(void **state)
{
    (void)state;
    for (pa_kind kind = 0; kind <= PA_ACTIVATIONS; kind++) {
        check_kind(kind, 0);
        check_kind(kind, 1);
    }
}

/* The other product of the same factors has the same trace, but other singular values. */
static void test_picos_weights_differ_in_their_norms(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    double norms[2];
    for (int pico = 0; pico < 2; pico++) {
        pa_component *component = NULL;
        pa_parts *parts = NULL;
        assert_ok(pa_component_create(ctx, "ov_circuit", PA_WEIGHTS, pico ? "compat: pico" : NULL, &component, &err));
        assert_ok(pa_component_build(component, c, "val", 3, &parts, &err));
        assert_ok(pa_matrix_frobenius(pa_parts_matrix(parts, 0), &norms[pico], &err));
        pa_parts_destroy(parts);
        pa_component_destroy(component);
    }
    assert_true(norms[0] > 1.1 * norms[1]);
    pa_checkpoint_destroy(c);
}

static void test_missing_tensors_and_wrong_shapes_are_named(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    pa_component *component = NULL;
    pa_parts *parts = NULL;
    assert_ok(pa_component_create(ctx, "ov_circuit", PA_WEIGHTS, NULL, &component, &err));
    assert_fails(pa_component_build(component, c, "val", 2, &parts, &err), PA_ERR_NOT_FOUND, "no layer 2");
    assert_null(parts);
    assert_fails(pa_component_build(component, c, "train", 3, &parts, &err), PA_ERR_NOT_FOUND, "train");
    pa_component_destroy(component);
    assert_ok(pa_component_create(ctx, "ov_circuit", PA_WEIGHTS, "layer_suffixes: {value_layer: attention.o_proj}",
                                  &component, &err));
    assert_fails(pa_component_build(component, c, "val", 3, &parts, &err), PA_ERR_SHAPE,
                 "the value projection is [12, 12], expected [6, 12]");
    pa_component_destroy(component);
    pa_checkpoint_destroy(c);

    const pa_model odd = {.struct_size = sizeof(odd), .d_model = D, .n_layers = 4, .n_heads = 5, .n_kv_heads = 5};
    assert_ok(pa_checkpoint_create(ctx, 3, &odd, &c, &err));
    add(c, PA_WEIGHTS, "layers.3.attention.v_proj", a.v, KV * HD, D);
    add(c, PA_WEIGHTS, "layers.3.attention.o_proj", a.o, D, HEADS * HD);
    assert_ok(pa_component_create(ctx, "ov_circuit", PA_WEIGHTS, NULL, &component, &err));
    assert_fails(pa_component_build(component, c, "val", 3, &parts, &err), PA_ERR_SHAPE,
                 "12 columns do not divide into 5 heads");
    pa_component_destroy(component);
    pa_checkpoint_destroy(c);
}

static void test_bad_suffixes_are_named(void **state)
{
    (void)state;
    pa_component *component = NULL;
    assert_fails(
        pa_component_create(ctx, "ov_circuit", PA_WEIGHTS, "layer_suffixes: attention.v_proj", &component, &err),
        PA_ERR_CONFIG, "mapping");
    assert_fails(pa_component_create(ctx, "ov_circuit", PA_WEIGHTS, "layer_suffixes: {value_lay: x}", &component, &err),
                 PA_ERR_CONFIG, "value_layer");
    assert_fails(pa_component_create(ctx, "simple", PA_WEIGHTS, NULL, &component, &err), PA_ERR_CONFIG,
                 "needs layer_suffixes");
    assert_fails(pa_component_create(ctx, "simple", PA_WEIGHTS, "layer_suffixes: [a, b]", &component, &err),
                 PA_ERR_CONFIG, "sequence");
    assert_fails(pa_component_create(ctx, "simpel", PA_WEIGHTS, NULL, &component, &err), PA_ERR_NOT_FOUND, "simple");
    assert_fails(pa_component_create(ctx, "simple", 77, NULL, &component, &err), PA_ERR_INVALID, "kind 77");
    assert_null(component);
}

static void test_simple_is_the_tensor_itself(void **state)
{
    (void)state;
    arrays a;
    pa_checkpoint *c = make(&a);
    pa_component *component = NULL;
    pa_parts *parts = NULL;
    const double *values = NULL;
    assert_ok(pa_component_create(ctx, "simple", PA_GRADIENTS, "layer_suffixes: attention.o_proj", &component, &err));
    assert_ok(pa_component_build(component, c, "val", 3, &parts, &err));
    assert_int_equal(pa_parts_count(parts), 1);
    check_part(parts, 0, "layers.3.attention.o_proj.gradients", -1);
    assert_ok(pa_matrix_values(pa_parts_matrix(parts, 0), &values, &err));
    assert_memory_equal(values, a.d_o, sizeof(a.d_o));
    pa_parts_destroy(parts);
    pa_component_destroy(component);
    pa_checkpoint_destroy(c);
}

static pa_status build_all(const pa_allocator *mem, void *user)
{
    (void)user;
    static const double v[KV * HD * D] = {1, 2, 3};
    static const double o[D * HEADS * HD] = {4, 5, 6};
    const pa_model model = {
        .struct_size = sizeof(model), .d_model = D, .n_layers = 1, .n_heads = HEADS, .n_kv_heads = KV};
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem};
    pa_context *own = NULL;
    pa_checkpoint *c = NULL;
    pa_matrix *mv = NULL;
    pa_matrix *mo = NULL;
    pa_component *component = NULL;
    pa_parts *parts = NULL;
    pa_status s = pa_context_create(&options, &own, NULL);
    s = s != PA_OK ? s : pa_checkpoint_create(own, 0, &model, &c, NULL);
    s = s != PA_OK ? s : pa_matrix_from_memory(own, v, PA_F64, KV * HD, D, &mv, NULL);
    s = s != PA_OK ? s : pa_matrix_from_memory(own, o, PA_F64, D, HEADS * HD, &mo, NULL);
    for (pa_kind kind = PA_WEIGHTS; kind <= PA_GRADIENTS; kind++) {
        s = s != PA_OK ? s : pa_checkpoint_add(c, "val", kind, "layers.0.attention.v_proj", mv, NULL);
        s = s != PA_OK ? s : pa_checkpoint_add(c, "val", kind, "layers.0.attention.o_proj", mo, NULL);
    }
    s = s != PA_OK ? s : pa_component_create(own, "ov_circuit", PA_GRADIENTS, "", &component, NULL);
    s = s != PA_OK ? s : pa_component_build(component, c, "val", 0, &parts, NULL);
    pa_parts_destroy(parts);
    pa_component_destroy(component);
    pa_matrix_destroy(mv);
    pa_matrix_destroy(mo);
    pa_checkpoint_destroy(c);
    pa_context_destroy(own);
    return s;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(build_all, NULL);
}

enum { WORDS = 5 };

/* Of a 2 x 2 matrix: sum of the real parts over sum of the magnitudes of its eigenvalues. */
static double copying_of(const double m[4])
{
    const double half = 0.5 * (m[0] + m[3]);
    const double det = m[0] * m[3] - m[1] * m[2];
    const double disc = half * half - det;
    const double spread = disc > 0.0 ? sqrt(disc) : 0.0;
    return disc > 0.0 ? 2.0 * half / (fabs(half + spread) + fabs(half - spread)) : half / sqrt(det);
}

static void test_full_circuits_go_from_token_to_token(void **state)
{
    (void)state;
    arrays a;
    double embedding[WORDS * D];
    double unembedding[WORDS * D];
    pa_random r = {5};
    pa_component *component = NULL;
    pa_parts *parts = NULL;
    pa_checkpoint *c = make(&a);
    pa_random_fill(&r, embedding, WORDS * D);
    pa_random_fill(&r, unembedding, WORDS * D);
    assert_ok(pa_component_create(ctx, "ov_circuit", PA_WEIGHTS, "form: full", &component, &err));
    assert_fails(pa_component_build(component, c, "val", 3, &parts, &err), PA_ERR_NOT_FOUND, "embedding_proj");
    add(c, PA_WEIGHTS, "pico_decoder.embedding_proj.weight", embedding, WORDS, D);
    add(c, PA_WEIGHTS, "pico_decoder.de_embedding_proj.weight", unembedding, WORDS, D);
    assert_ok(pa_component_build(component, c, "val", 3, &parts, &err));
    assert_int_equal(pa_parts_count(parts), HEADS + 1);
    assert_string_equal(pa_parts_key(parts, 2), "layers.3.ov_circuit_full.weights.heads.2");
    double *by_column = dense_transpose(embedding, WORDS, D);
    for (int64_t head = 0; head < HEADS; head++) {
        const double *values = NULL;
        double *o = columns_of(a.o, D, HEADS * HD, head * HD, HD);
        double *out = dense_product(unembedding, o, WORDS, D, HD);
        double *in = dense_product(a.v + head * KV / HEADS * HD * D, by_column, HD, D, WORDS);
        double *expected = dense_product(out, in, WORDS, HD, WORDS);
        double *small = dense_product(in, out, HD, WORDS, HD);
        const pa_matrix *m = pa_parts_matrix(parts, head);
        pa_value copying = PA_VALUE_INIT;
        assert_int_equal(pa_matrix_rows(m), WORDS);
        assert_ok(pa_matrix_values(m, &values, &err));
        for (int64_t i = 0; i < WORDS * WORDS; i++) {
            assert_close(values[i], expected[i], 1e-13);
        }
        assert_ok(pa_compute(ctx, "copying", NULL, &m, 1, &copying, &err));
        assert_number(&copying, copying_of(small), 1e-12);
        pa_value_clear(&copying);
        free(small);
        free(expected);
        free(in);
        free(out);
        free(o);
    }
    free(by_column);
    pa_parts_destroy(parts);
    pa_component_destroy(component);
    assert_ok(pa_component_create(ctx, "ov_circuit", PA_GRADIENTS, "form: full", &component, &err));
    assert_fails(pa_component_build(component, c, "val", 3, &parts, &err), PA_ERR_CONFIG,
                 "of weights, not of gradients");
    pa_component_destroy(component);
    pa_checkpoint_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_gradients_and_activations_match_the_definition),
        cmocka_unit_test(test_full_circuits_go_from_token_to_token),
        cmocka_unit_test(test_picos_weights_differ_in_their_norms),
        cmocka_unit_test(test_missing_tensors_and_wrong_shapes_are_named),
        cmocka_unit_test(test_bad_suffixes_are_named),
        cmocka_unit_test(test_simple_is_the_tensor_itself),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
