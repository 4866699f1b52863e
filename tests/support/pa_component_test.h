/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Building a component of arrays, and comparing its matrices with dense ones, in one line each. */
#ifndef PA_COMPONENT_TEST_H
#define PA_COMPONENT_TEST_H
#include "pa_metric_test.h"

/** A checkpoint of step 0 in memory, of a model with so many heads. */
static inline pa_checkpoint *component_checkpoint_of(const pa_model *model)
{
    pa_checkpoint *c = NULL;
    assert_ok(pa_checkpoint_create(ctx, 0, model, &c, &err));
    return c;
}

static inline pa_checkpoint *component_checkpoint(int64_t d, int64_t n_heads, int64_t n_kv_heads)
{
    const pa_model model = {
        .struct_size = sizeof(model), .d_model = d, .n_layers = 4, .n_heads = n_heads, .n_kv_heads = n_kv_heads};
    return component_checkpoint_of(&model);
}

/** Add a row-major array of the split val. */
static inline void component_add(pa_checkpoint *c, pa_kind kind, const char *name, const double *data, int64_t rows,
                                 int64_t cols)
{
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_from_memory(ctx, data, PA_F64, rows, cols, &m, &err));
    assert_ok(pa_checkpoint_add(c, "val", kind, name, m, &err));
    pa_matrix_destroy(m);
}

/** Build a component with its options at a layer; the test fails when that does. */
static inline pa_parts *component_build(const pa_checkpoint *c, const char *name, pa_kind kind, const char *options,
                                        int64_t layer)
{
    pa_component *component = NULL;
    pa_parts *parts = NULL;
    assert_ok(pa_component_create(ctx, name, kind, options, &component, &err));
    assert_ok(pa_component_build(component, c, "val", layer, &parts, &err));
    pa_component_destroy(component);
    return parts;
}

/** Building must fail with that status and that text. */
static inline void component_refuse(const pa_checkpoint *c, const char *name, pa_kind kind, const char *options,
                                    int64_t layer, pa_status expected, const char *text)
{
    pa_component *component = NULL;
    pa_parts *parts = NULL;
    assert_ok(pa_component_create(ctx, name, kind, options, &component, &err));
    assert_fails(pa_component_build(component, c, "val", layer, &parts, &err), expected, text);
    assert_null(parts);
    pa_component_destroy(component);
}

/** Number of the part with that key; the test fails when there is none. */
static inline int64_t component_part(const pa_parts *parts, const char *key)
{
    for (int64_t i = 0; i < pa_parts_count(parts); i++) {
        if (strcmp(pa_parts_key(parts, i), key) == 0) {
            return i;
        }
    }
    fail_msg("no '%s'; the first is '%s'", key, pa_parts_count(parts) > 0 ? pa_parts_key(parts, 0) : "");
    return -1;
}

/** Every element, to 1e-13. */
static inline void component_check(const pa_matrix *m, const double *expected, int64_t rows, int64_t cols)
{
    const double *values = NULL;
    assert_int_equal(pa_matrix_rows(m), rows);
    assert_int_equal(pa_matrix_cols(m), cols);
    assert_ok(pa_matrix_values(m, &values, &err));
    for (int64_t i = 0; i < rows * cols; i++) {
        assert_close(values[i], expected[i], 1e-13);
    }
}

/** Rows `row` ... `row + n - 1` need no copy; columns do. Yours: free(). */
static inline double *component_columns(const double *x, int64_t rows, int64_t cols, int64_t first, int64_t n)
{
    double *out = dense_new(rows, n);
    for (int64_t i = 0; i < rows; i++) {
        memcpy(out + i * n, x + i * cols + first, (size_t)n * sizeof(double));
    }
    return out;
}

/** What an out-of-memory sweep builds: weights, gradients and, for reference, the same again. */
typedef struct component_case {
    const char *name;
    const char *options;
    pa_kind kind;
    int64_t layer;
} component_case;

/** Two layers of a model with 4 heads and 2 key/value heads, d = 8, head_dim = 2, 3 hidden units. */
static inline pa_status component_under_pressure(const pa_allocator *mem, void *user)
{
    static const struct {
        const char *suffix;
        int64_t rows, cols;
    } tensors[] = {{"attention.q_proj", 8, 8}, {"attention.k_proj", 4, 8}, {"attention.v_proj", 4, 8},
                   {"attention.o_proj", 8, 8}, {"swiglu.w_0", 3, 8},       {"swiglu.w_1", 3, 8},
                   {"swiglu.w_2", 8, 3}};
    const component_case *c = user;
    double data[64];
    pa_random r = {9};
    pa_random_fill(&r, data, 64);
    const pa_model model = {.struct_size = sizeof(model), .d_model = 8, .n_layers = 2, .n_heads = 4, .n_kv_heads = 2};
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem};
    pa_context *own = NULL;
    pa_checkpoint *checkpoint = NULL;
    pa_component *component = NULL;
    pa_parts *parts = NULL;
    pa_status s = pa_context_create(&options, &own, NULL);
    s = s != PA_OK ? s : pa_checkpoint_create(own, 0, &model, &checkpoint, NULL);
    for (int i = 0; i < 2 * 2 * 7 && s == PA_OK; i++) {
        char name[64];
        pa_matrix *m = NULL;
        (void)snprintf(name, sizeof(name), "layers.%d.%s", i / 14, tensors[i % 7].suffix);
        s = pa_matrix_from_memory(own, data, PA_F64, tensors[i % 7].rows, tensors[i % 7].cols, &m, NULL);
        s = s != PA_OK ? s : pa_checkpoint_add(checkpoint, "val", i / 7 % 2, name, m, NULL);
        pa_matrix_destroy(m);
    }
    for (int i = 0; i < 2 && s == PA_OK; i++) {
        pa_matrix *m = NULL;
        s = pa_matrix_from_memory(own, data, PA_F64, i == 0 ? 16 : 1, 4, &m, NULL);
        s = s != PA_OK ? s
                       : pa_checkpoint_add(checkpoint, "val", PA_ATTENTION,
                                           i == 0 ? "layers.0.attention.pattern" : "tokens", m, NULL);
        pa_matrix_destroy(m);
    }
    s = s != PA_OK ? s : pa_component_create(own, c->name, c->kind, c->options, &component, NULL);
    s = s != PA_OK ? s : pa_component_build_between(component, checkpoint, checkpoint, "val", c->layer, &parts, NULL);
    pa_parts_destroy(parts);
    pa_component_destroy(component);
    pa_checkpoint_destroy(checkpoint);
    pa_context_destroy(own);
    return s;
}
#endif
