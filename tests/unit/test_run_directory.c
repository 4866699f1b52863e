/* SPDX-License-Identifier: Apache-2.0 */
/* Directories as pico-train writes them. */
#include "pa_test_files.h"

static pa_context *ctx;
static char directory[256];

static const char full_config[] = "checkpointing:\n  checkpoints_dir: checkpoints\n  run_name: my-run\n"
                                  "model:\n  d_model: 48\n  n_layers: 2\n  attention_n_heads: 12\n"
                                  "  attention_n_kv_heads: 4\n  unknown: yes\n";

static const char *below(const char *name)
{
    static char path[600];
    pa_test_format(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void write_config(const char *text)
{
    pa_test_write(below("training_config.yaml"), text, strlen(text));
}

static void copy_fixture(const char *from, const char *to)
{
    pa_test_bytes bytes = pa_test_read(pa_test_data(from));
    pa_test_write(below(to), bytes.data, bytes.n);
    pa_test_free(&bytes);
}

static int set_up(void **state)
{
    (void)state;
    ctx = pa_test_context();
    pa_test_directory(directory, sizeof(directory));
    write_config(full_config);
    static const char *const directories[] = {"checkpoints",
                                              "checkpoints/step_100",
                                              "checkpoints/step_20",
                                              "checkpoints/step_0",
                                              "checkpoints/step_0/learning_dynamics",
                                              "checkpoints/step_020",
                                              "checkpoints/step_",
                                              "checkpoints/step_x",
                                              "checkpoints/other"};
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        assert_int_equal(mkdir(below(directories[i]), 0700), 0);
    }
    pa_test_write(below("checkpoints/step_5"), "a file", 6);
    copy_fixture("torch/small.pt", "checkpoints/step_0/learning_dynamics/val_weights.pt");
    copy_fixture("torch/small.pt", "checkpoints/step_0/learning_dynamics/train_activations.pt");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    pa_context_destroy(ctx);
    return 0;
}

static pa_run *open_run(void)
{
    pa_error err;
    pa_run *run = NULL;
    assert_ok(pa_run_open(ctx, directory, &run, &err));
    return run;
}

static void test_a_run_tells_its_name_model_and_steps(void **state)
{
    (void)state;
    int64_t n = 0;
    pa_run *run = open_run();
    assert_string_equal(pa_run_name(run), "my-run");
    assert_string_equal(pa_run_path(run), directory);
    const pa_model *model = pa_run_model(run);
    assert_int_equal(model->d_model, 48);
    assert_int_equal(model->n_layers, 2);
    assert_int_equal(model->n_heads, 12);
    assert_int_equal(model->n_kv_heads, 4);
    const int64_t *steps = pa_run_steps(run, &n);
    assert_int_equal(n, 3);
    assert_int_equal(steps[0], 0);
    assert_int_equal(steps[1], 20);
    assert_int_equal(steps[2], 100);
    pa_run_destroy(run);
}

static void test_a_step_has_the_files_that_are_there(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    pa_run *run = open_run();
    assert_ok(pa_run_checkpoint(run, 0, &c, &err));
    pa_run_destroy(run); /* may end first */
    assert_int_equal(pa_checkpoint_step(c), 0);
    assert_int_equal(pa_checkpoint_model(c)->n_heads, 12);
    assert_int_equal(pa_checkpoint_count(c), 6);
    assert_int_equal(pa_checkpoint_has(c, "val", PA_WEIGHTS), 1);
    assert_int_equal(pa_checkpoint_has(c, "train", PA_ACTIVATIONS), 1);
    assert_int_equal(pa_checkpoint_has(c, "val", PA_ACTIVATIONS), 0);
    assert_ok(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "attention.v_proj", &m, &err));
    assert_int_equal(pa_matrix_rows(m), 2);
    pa_matrix_destroy(m);
    assert_fails(pa_checkpoint_matrix(c, "val", PA_GRADIENTS, 0, "attention.v_proj", &m, &err), PA_ERR_NOT_FOUND,
                 "step 0: val gradients: there are none, only train activations, val weights");
    pa_checkpoint_destroy(c);
}

/* Two files of three tensors, then two of two tensors and two that cannot be read; in the order of split and kind. */
static void test_tensors_of_all_files_of_a_step_are_listed(void **state)
{
    (void)state;
    static const struct {
        int64_t index;
        const char *split;
        pa_kind kind;
        const char *name;
    } tensors[] = {{0, "train", PA_GRADIENTS, "first"},
                   {1, "train", PA_GRADIENTS, "last"},
                   {2, "train", PA_ACTIVATIONS, "layers.0.attention.v_proj"},
                   {5, "val", PA_WEIGHTS, "layers.0.attention.v_proj"},
                   {9, "val", PA_GRADIENTS, "last"}},
      omitted[] = {{0, "train", PA_GRADIENTS, "complex"},
                   {1, "train", PA_GRADIENTS, "four"},
                   {2, "val", PA_GRADIENTS, "complex"},
                   {3, "val", PA_GRADIENTS, "four"}};
    pa_error err;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    pa_tensor_info info = {.struct_size = sizeof(info)};
    pa_omitted_info gone = {.struct_size = sizeof(gone)};
    copy_fixture("written/2.15/unsupported.safetensors", "checkpoints/step_0/learning_dynamics/val_gradients.pt");
    copy_fixture("written/2.15/unsupported.safetensors", "checkpoints/step_0/learning_dynamics/train_gradients.pt");
    pa_run *run = open_run();
    assert_ok(pa_run_checkpoint(run, 0, &c, &err));
    assert_int_equal(pa_checkpoint_count(c), 10);
    for (size_t i = 0; i < sizeof(tensors) / sizeof(tensors[0]); i++) {
        assert_ok(pa_checkpoint_tensor(c, tensors[i].index, &info, &err));
        assert_string_equal(info.split, tensors[i].split);
        assert_int_equal(info.kind, tensors[i].kind);
        assert_non_null(strstr(info.name, tensors[i].name));
    }
    assert_fails(pa_checkpoint_tensor(c, 10, &info, &err), PA_ERR_INVALID, "tensor 10, there are 10");
    assert_int_equal(pa_checkpoint_omitted_count(c), 4);
    for (size_t i = 0; i < sizeof(omitted) / sizeof(omitted[0]); i++) {
        assert_ok(pa_checkpoint_omitted(c, omitted[i].index, &gone, &err));
        assert_string_equal(gone.split, omitted[i].split);
        assert_int_equal(gone.kind, omitted[i].kind);
        assert_string_equal(gone.name, omitted[i].name);
    }
    assert_fails(pa_checkpoint_omitted(c, 4, &gone, &err), PA_ERR_INVALID, "there are 4");
    assert_fails(pa_checkpoint_matrix(c, "val", PA_GRADIENTS, -1, "complex", &m, &err), PA_ERR_UNSUPPORTED,
                 "'complex' cannot be read: C64");
    pa_checkpoint_destroy(c);
    pa_run_destroy(run);
}

static void test_a_step_without_files_is_empty_and_an_absent_one_an_error(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    pa_run *run = open_run();
    assert_ok(pa_run_checkpoint(run, 20, &c, &err));
    assert_int_equal(pa_checkpoint_count(c), 0);
    assert_fails(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "x", &m, &err), PA_ERR_NOT_FOUND, "empty checkpoint");
    pa_checkpoint_destroy(c);
    assert_fails(pa_run_checkpoint(run, 7, &c, &err), PA_ERR_NOT_FOUND, "no step 7; steps are 0, 20, 100");
    assert_null(c);
    pa_run_destroy(run);
}

static void test_a_damaged_file_is_named(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = NULL;
    pa_run *run = open_run();
    const char *path = below("checkpoints/step_0/learning_dynamics/val_weights.pt");
    assert_int_equal(truncate(path, 1000), 0);
    assert_fails(pa_run_checkpoint(run, 0, &c, &err), PA_ERR_FORMAT, path);
    assert_null(c);
    pa_run_destroy(run);
}

static void test_null_and_absent_keys_have_defaults(void **state)
{
    (void)state;
    write_config("checkpointing:\n  run_name: null\nmodel:\n  attention_n_heads: 6\n  attention_n_kv_heads: null\n");
    pa_run *run = open_run();
    assert_string_equal(pa_run_name(run), strrchr(directory, '/') + 1);
    assert_int_equal(pa_run_model(run)->n_kv_heads, 6);
    assert_int_equal(pa_run_model(run)->d_model, 0);
    pa_run_destroy(run);
    write_config("{}\n");
    pa_error err;
    char path[300];
    pa_test_format(path, sizeof(path), "%s//", directory);
    assert_ok(pa_run_open(ctx, path, &run, &err));
    assert_string_equal(pa_run_name(run), strrchr(directory, '/') + 1);
    pa_run_destroy(run);
}

static void check_config(const char *text, const char *part)
{
    pa_error err;
    pa_run *run = NULL;
    write_config(text);
    assert_fails(pa_run_open(ctx, directory, &run, &err), PA_ERR_CONFIG, part);
    assert_non_null(strstr(err.message, "training_config.yaml"));
    assert_null(run);
}

static void test_a_bad_configuration_is_named_with_its_place(void **state)
{
    (void)state;
    check_config("model:\n  d_model: many\n", "training_config.yaml:2:12: d_model must be an integer");
    check_config("model:\n  n_layers: 0\n", ":2:13: n_layers must be");
    check_config("model:\n  n_layers: 99999999999\n", "n_layers must be");
    check_config("checkpointing:\n  checkpoints_dir: ../elsewhere\n", "checkpoints_dir must be a directory below");
    check_config("checkpointing:\n  checkpoints_dir: /etc\n", "checkpoints_dir must be");
    check_config("checkpointing:\n  learning_dynamics_dir: a/../../b\n", "learning_dynamics_dir must be");
    check_config("- a\n", "must be a mapping");
    check_config("a: [\n", "training_config.yaml");
}

static void test_what_is_no_run_is_named(void **state)
{
    (void)state;
    pa_error err;
    pa_run *run = NULL;
    assert_fails(pa_run_open(ctx, below("none"), &run, &err), PA_ERR_NOT_FOUND, "no such directory");
    assert_fails(pa_run_open(ctx, below("training_config.yaml"), &run, &err), PA_ERR_NOT_FOUND, "is a file");
    assert_fails(pa_run_open(ctx, below("checkpoints"), &run, &err), PA_ERR_NOT_FOUND, "training_config.yaml");
    write_config("checkpointing:\n  checkpoints_dir: empty\n");
    assert_fails(pa_run_open(ctx, directory, &run, &err), PA_ERR_NOT_FOUND, "empty: no such directory");
    assert_int_equal(mkdir(below("empty"), 0700), 0);
    assert_fails(pa_run_open(ctx, directory, &run, &err), PA_ERR_NOT_FOUND, "no directory step_<N>");
    assert_null(run);
    pa_run_destroy(NULL);
}

static pa_status open_and_read(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_context *own = NULL;
    pa_run *run = NULL;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    const double *values = NULL;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem, .threads = 1};
    pa_status status = pa_context_create(&options, &own, NULL);
    if (status == PA_OK) {
        status = pa_run_open(own, directory, &run, NULL);
    }
    if (status == PA_OK) {
        status = pa_run_checkpoint(run, 0, &c, NULL);
    }
    if (status == PA_OK) {
        status = pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "attention.v_proj", &m, NULL);
    }
    if (status == PA_OK) {
        status = pa_matrix_values(m, &values, NULL);
    }
    pa_matrix_destroy(m);
    pa_checkpoint_destroy(c);
    pa_run_destroy(run);
    pa_context_destroy(own);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(open_and_read, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_run_tells_its_name_model_and_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_step_has_the_files_that_are_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tensors_of_all_files_of_a_step_are_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_step_without_files_is_empty_and_an_absent_one_an_error, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_damaged_file_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_null_and_absent_keys_have_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bad_configuration_is_named_with_its_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_run_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_may_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
