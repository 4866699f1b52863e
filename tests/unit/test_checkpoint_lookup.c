/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of a checkpoint: names, lookups, single files and memory. */
#include "checkpoint/checkpoint_impl.h"
#include "pa_test_files.h"

static pa_context *ctx;

static int set_up(void **state)
{
    (void)state;
    ctx = pa_test_context();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_context_destroy(ctx);
    return 0;
}

static void test_layer_and_suffix_are_told_from_any_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t layer;
        const char *suffix;
    } cases[] = {
        {"layers.0.attention.v_proj", 0, "attention.v_proj"},
        {"_forward_module.module.layers.11.swiglu.w_2", 11, "swiglu.w_2"},
        {"model.layers.3.layers.7.x", 7, "x"}, /* the last one counts */
        {"layers.3.layers.x", 3, "layers.x"},
        {"layers.3.layers.9.", 3, "layers.9."},
        {"mylayers.2.w", 2, "w"},
        {"layers.9223372036854775807.w", -1, "layers.9223372036854775807.w"},
        {"layers.99999999999999999999.w", -1, "layers.99999999999999999999.w"},
        {"layers.3", -1, "layers.3"},
        {"layers.3.", -1, "layers.3."},
        {"layers..w", -1, "layers..w"},
        {"layers.-1.w", -1, "layers.-1.w"},
        {"embedding.weight", -1, "embedding.weight"},
        {"", -1, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t layer = 77;
        assert_string_equal(pa_tensor_name_suffix(cases[i].name, &layer), cases[i].suffix);
        assert_true(layer == cases[i].layer);
    }
    assert_int_equal(pa_kind_of_file("a/val_activations.pt"), PA_ACTIVATIONS);
    assert_int_equal(pa_kind_of_file("val_gradients.pt"), PA_GRADIENTS);
    assert_int_equal(pa_kind_of_file("activations/model.pt"), PA_WEIGHTS);
    assert_int_equal(pa_kind_of_file("a.b/val_attention.pt"), PA_ATTENTION);
    assert_int_equal(pa_kind_of_file("attention"), PA_ATTENTION);
    assert_int_equal(pa_kind_of_file("attention.v_proj.npy"), PA_WEIGHTS);
    assert_int_equal(pa_kind_of_file("attention_weights.pt"), PA_WEIGHTS);
    assert_int_equal(pa_kind_of_file("a.pt"), PA_WEIGHTS);
}

static pa_checkpoint *open_small(void)
{
    pa_error err;
    pa_checkpoint *checkpoint = NULL;
    assert_ok(pa_checkpoint_open(ctx, pa_test_data("torch/small.pt"), &checkpoint, &err));
    return checkpoint;
}

static void test_a_single_file_is_described(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = open_small();
    assert_int_equal(pa_checkpoint_count(c), 3);
    assert_int_equal(pa_checkpoint_step(c), -1);
    assert_int_equal(pa_checkpoint_model(c)->d_model, 0);
    assert_int_equal(pa_checkpoint_has(c, "", PA_WEIGHTS), 1);
    assert_int_equal(pa_checkpoint_has(c, "val", PA_WEIGHTS), 0);
    assert_int_equal(pa_checkpoint_has(c, "", PA_GRADIENTS), 0);
    pa_tensor_info info = {.struct_size = sizeof(info)};
    assert_ok(pa_checkpoint_tensor(c, 1, &info, &err));
    assert_string_equal(info.name, "_forward_module.layers.1.swiglu.w_2.weight");
    assert_string_equal(info.suffix, "swiglu.w_2.weight");
    assert_string_equal(info.split, "");
    assert_int_equal(info.layer, 1);
    assert_int_equal(info.kind, PA_WEIGHTS);
    assert_int_equal(info.dtype, PA_BF16);
    assert_int_equal(info.ndim, 2);
    assert_int_equal(info.shape[1], 2);
    assert_fails(pa_checkpoint_tensor(c, 3, &info, &err), PA_ERR_INVALID, "there are 3");
    assert_fails(pa_checkpoint_tensor(c, -1, &info, &err), PA_ERR_INVALID, "tensor -1");
    info.struct_size = 8;
    assert_fails(pa_checkpoint_tensor(c, 0, &info, &err), PA_ERR_INVALID, "struct_size 8");
    pa_checkpoint_destroy(c);
}

static void test_matrices_are_read_when_asked_and_shared(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = open_small();
    const int64_t before = pa_checkpoint_bytes_read(c);
    pa_matrix *a = NULL, *b = NULL, *w = NULL;
    const double *values = NULL;
    assert_true(before > 0);
    assert_ok(pa_checkpoint_matrix(c, "", PA_WEIGHTS, 0, "attention.v_proj", &a, &err));
    assert_ok(pa_checkpoint_matrix(c, "", PA_WEIGHTS, 0, "attention.v_proj", &b, &err));
    assert_ok(pa_checkpoint_matrix(c, "", PA_WEIGHTS, 1, "swiglu.w_2", &w, &err)); /* ".weight" left out */
    assert_ptr_equal(a, b);
    assert_int_equal(pa_checkpoint_bytes_read(c), before);
    assert_ok(pa_matrix_values(a, &values, &err));
    assert_close(values[5], 5, 0);
    assert_int_equal(pa_checkpoint_bytes_read(c), before + 24);
    pa_checkpoint_destroy(c); /* matrices stay */
    assert_ok(pa_matrix_values(w, &values, &err));
    assert_close(values[3], 3, 0);
    pa_matrix_destroy(a);
    pa_matrix_destroy(b);
    pa_matrix_destroy(w);
}

static void *ask_all(void *user)
{
    const pa_checkpoint *c = user;
    double sum = 0;
    for (int round = 0; round < 50; round++) {
        static const char *const suffixes[] = {"attention.v_proj", "swiglu.w_2"};
        for (int layer = 0; layer < 2; layer++) {
            pa_matrix *m = NULL;
            const double *values = NULL;
            if (pa_checkpoint_matrix(c, "", PA_WEIGHTS, layer, suffixes[layer], &m, NULL) == PA_OK &&
                pa_matrix_values(m, &values, NULL) == PA_OK) {
                sum += values[2];
            }
            pa_matrix_destroy(m);
        }
    }
    return sum == 200.0 ? user : NULL;
}

static void test_several_threads_may_ask_at_once(void **state)
{
    (void)state;
    enum { N = 4 };
    pthread_t threads[N];
    pa_checkpoint *c = open_small();
    for (int i = 0; i < N; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all, c), 0);
    }
    for (int i = 0; i < N; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, c);
    }
    pa_checkpoint_destroy(c);
}

static void test_what_is_missing_is_named_with_what_there_is(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = open_small();
    pa_matrix *m = NULL;
    assert_fails(pa_checkpoint_matrix(c, "", PA_WEIGHTS, 0, "attention.v_prj", &m, &err), PA_ERR_NOT_FOUND,
                 "weights: layer 0 has no 'attention.v_prj'; the nearest is 'attention.v_proj'");
    assert_null(m);
    assert_fails(pa_checkpoint_matrix(c, "", PA_WEIGHTS, 2, "x", &m, &err), PA_ERR_NOT_FOUND,
                 "no layer 2; layers are 0 to 1");
    assert_fails(pa_checkpoint_matrix(c, "", PA_WEIGHTS, -1, "nrm.weight", &m, &err), PA_ERR_NOT_FOUND,
                 "'norm.weight'");
    assert_fails(pa_checkpoint_matrix(c, "val", PA_ACTIVATIONS, 0, "x", &m, &err), PA_ERR_NOT_FOUND,
                 "val activations: there are none, only weights");
    assert_fails(pa_checkpoint_matrix(c, "", PA_WEIGHTS, 0, NULL, &m, &err), PA_ERR_INVALID, "NULL");
    pa_checkpoint_destroy(c);
    assert_fails(pa_checkpoint_open(ctx, pa_test_data("torch/none.pt"), &c, &err), PA_ERR_NOT_FOUND, "none.pt");
    assert_null(c);
}

static pa_matrix *number(double value)
{
    pa_error err;
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_from_memory(ctx, &value, PA_F64, 1, 1, &m, &err));
    return m;
}

static void test_matrices_in_memory_are_found_the_same_way(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = NULL;
    const pa_model model = {.struct_size = sizeof(model), .d_model = 8, .n_layers = 20, .n_heads = 2, .n_kv_heads = 1};
    assert_ok(pa_checkpoint_create(ctx, 5, &model, &c, &err));
    assert_int_equal(pa_checkpoint_step(c), 5);
    assert_int_equal(pa_checkpoint_model(c)->n_layers, 20);
    for (int i = 19; i >= 0; i--) { /* against the order */
        char name[64];
        pa_test_format(name, sizeof(name), "net.layers.%d.w", i);
        pa_matrix *m = number(i);
        assert_ok(pa_checkpoint_add(c, i % 2 == 0 ? "train" : "val", PA_GRADIENTS, name, m, &err));
        pa_matrix_destroy(m);
    }
    assert_int_equal(pa_checkpoint_count(c), 20);
    for (int i = 0; i < 20; i++) {
        pa_matrix *m = NULL;
        const double *values = NULL;
        assert_ok(pa_checkpoint_matrix(c, i % 2 == 0 ? "train" : "val", PA_GRADIENTS, i, "w", &m, &err));
        assert_ok(pa_matrix_values(m, &values, &err));
        assert_close(values[0], i, 0);
        pa_matrix_destroy(m);
    }
    pa_tensor_info info = {.struct_size = sizeof(info)};
    assert_ok(pa_checkpoint_tensor(c, 0, &info, &err));
    assert_string_equal(info.name, "net.layers.19.w");
    assert_int_equal(info.dtype, PA_F64);
    assert_int_equal(info.ndim, 2);
    assert_int_equal(info.shape[0], 1);
    assert_int_equal(pa_checkpoint_bytes_read(c), 0);
    pa_checkpoint_destroy(c);
}

static void test_adding_refuses_what_is_wrong_and_changes_nothing(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = NULL;
    pa_matrix *m = number(1);
    assert_ok(pa_checkpoint_create(ctx, 0, NULL, &c, &err));
    assert_ok(pa_checkpoint_add(c, "val", PA_WEIGHTS, "layers.0.w", m, &err));
    assert_fails(pa_checkpoint_add(c, "val", PA_WEIGHTS, "other.layers.0.w", m, &err), PA_ERR_EXISTS,
                 "'other.layers.0.w' is in the val weights already");
    assert_fails(pa_checkpoint_add(c, "val", PA_N_KINDS, "layers.1.w", m, &err), PA_ERR_INVALID, "kind 4");
    assert_fails(pa_checkpoint_add(c, "val", PA_WEIGHTS, NULL, m, &err), PA_ERR_INVALID, "NULL");
    assert_int_equal(pa_checkpoint_count(c), 1);
    pa_checkpoint_destroy(c);
    assert_fails(pa_checkpoint_create(ctx, -1, NULL, &c, &err), PA_ERR_INVALID, "step -1");
    const pa_model model = {.struct_size = 8};
    assert_fails(pa_checkpoint_create(ctx, 0, &model, &c, &err), PA_ERR_INVALID, "struct_size 8");
    const pa_model large = {.struct_size = sizeof(large), .n_kv_heads = INT64_MAX};
    assert_fails(pa_checkpoint_create(ctx, 0, &large, &c, &err), PA_ERR_INVALID,
                 "pa_model: n_kv_heads is 9223372036854775807, not from 0 to 2147483647");
    c = open_small();
    assert_fails(pa_checkpoint_add(c, "", PA_WEIGHTS, "layers.5.w", m, &err), PA_ERR_INVALID, "of files");
    pa_checkpoint_destroy(c);
    pa_matrix_destroy(m);
    pa_checkpoint_destroy(NULL);
}

static pa_status open_and_read(const pa_allocator *mem, void *user)
{
    pa_context *own = NULL;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    const double *values = NULL;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem, .threads = 1};
    pa_status status = pa_context_create(&options, &own, NULL);
    if (status == PA_OK) {
        status = pa_checkpoint_open(own, user, &c, NULL);
    }
    if (status == PA_OK) {
        status = pa_checkpoint_matrix(c, "", PA_WEIGHTS, 1, "swiglu.w_2", &m, NULL);
    }
    if (status == PA_OK) {
        status = pa_matrix_values(m, &values, NULL);
    }
    pa_matrix_destroy(m);
    pa_checkpoint_destroy(c);
    pa_context_destroy(own);
    return status;
}

static pa_status fill_and_read(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_context *own = NULL;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    const double one = 1;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem, .threads = 1};
    pa_status status = pa_context_create(&options, &own, NULL);
    if (status == PA_OK) {
        status = pa_checkpoint_create(own, 1, NULL, &c, NULL);
    }
    if (status == PA_OK) {
        status = pa_matrix_from_memory(own, &one, PA_F64, 1, 1, &m, NULL);
    }
    if (status == PA_OK) {
        status = pa_checkpoint_add(c, "val", PA_WEIGHTS, "layers.0.w.weight", m, NULL);
    }
    pa_matrix_destroy(m);
    m = NULL;
    if (status == PA_OK) {
        status = pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "w", &m, NULL);
    }
    pa_matrix_destroy(m);
    pa_checkpoint_destroy(c);
    pa_context_destroy(own);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    char path[4096];
    pa_test_format(path, sizeof(path), "%s", pa_test_data("torch/small.pt"));
    pa_test_oom_sweep(open_and_read, path);
    pa_test_oom_sweep(fill_and_read, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer_and_suffix_are_told_from_any_name),
        cmocka_unit_test(test_a_single_file_is_described),
        cmocka_unit_test(test_matrices_are_read_when_asked_and_shared),
        cmocka_unit_test(test_several_threads_may_ask_at_once),
        cmocka_unit_test(test_what_is_missing_is_named_with_what_there_is),
        cmocka_unit_test(test_matrices_in_memory_are_found_the_same_way),
        cmocka_unit_test(test_adding_refuses_what_is_wrong_and_changes_nothing),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
