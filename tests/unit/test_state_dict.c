/* SPDX-License-Identifier: Apache-2.0 */
/* Weights that the learning dynamics of a step do not have come from the step's state dict. */
#include "checkpoint/checkpoint_impl.h"
#include "pa_test_files.h"

static pa_context *ctx;
static char directory[256];

static const char *below(const char *name)
{
    static char path[600];
    pa_test_format(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void copy_fixture(const char *from, const char *to)
{
    pa_test_bytes bytes = pa_test_read(pa_test_data(from));
    pa_test_write(below(to), bytes.data, bytes.n);
    pa_test_free(&bytes);
}

/*
 * Step 0: val weights of two layers and the safetensors; step 1: an index of safetensors and a torch file that nobody
 * may open; step 2: a torch file; step 3: an index of torch files; step 4: nothing.
 */
static int set_up(void **state)
{
    (void)state;
    static const char *const directories[] = {"checkpoints",
                                              "checkpoints/step_0",
                                              "checkpoints/step_1",
                                              "checkpoints/step_2",
                                              "checkpoints/step_3",
                                              "checkpoints/step_4",
                                              "checkpoints/step_0/learning_dynamics"};
    static const char config[] = "checkpointing:\n  checkpoints_dir: checkpoints\nmodel:\n  n_layers: 2\n";
    ctx = pa_test_context();
    pa_test_directory(directory, sizeof(directory));
    pa_test_write(below("training_config.yaml"), config, sizeof(config) - 1);
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        assert_int_equal(mkdir(below(directories[i]), 0700), 0);
    }
    copy_fixture("torch/small.pt", "checkpoints/step_0/learning_dynamics/val_weights.pt");
    copy_fixture("safetensors/small.safetensors", "checkpoints/step_0/model.safetensors");
    copy_fixture("safetensors/model.safetensors.index.json", "checkpoints/step_1/model.safetensors.index.json");
    copy_fixture("safetensors/model-00001-of-00002.safetensors", "checkpoints/step_1/model-00001-of-00002.safetensors");
    copy_fixture("safetensors/model-00002-of-00002.safetensors", "checkpoints/step_1/model-00002-of-00002.safetensors");
    pa_test_write(below("checkpoints/step_1/pytorch_model.bin"), "junk", 4);
    copy_fixture("safetensors/pytorch_model-00001-of-00002.bin", "checkpoints/step_2/pytorch_model.bin");
    copy_fixture("safetensors/pytorch_model.bin.index.json", "checkpoints/step_3/pytorch_model.bin.index.json");
    copy_fixture("safetensors/pytorch_model-00001-of-00002.bin", "checkpoints/step_3/pytorch_model-00001-of-00002.bin");
    copy_fixture("safetensors/pytorch_model-00002-of-00002.bin", "checkpoints/step_3/pytorch_model-00002-of-00002.bin");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    pa_context_destroy(ctx);
    return 0;
}

static pa_checkpoint *open_step(int64_t step)
{
    pa_error err;
    pa_run *run = NULL;
    pa_checkpoint *c = NULL;
    assert_ok(pa_run_open(ctx, directory, &run, &err));
    assert_ok(pa_run_checkpoint(run, step, &c, &err));
    pa_run_destroy(run);
    return c;
}

/* A matrix whose elements are 0, 1, 2 ... */
static void check_ramp(const pa_checkpoint *c, const char *split, int64_t layer, const char *suffix, int64_t rows,
                       int64_t cols)
{
    pa_error err;
    pa_matrix *m = NULL;
    const double *values = NULL;
    assert_ok(pa_checkpoint_matrix(c, split, PA_WEIGHTS, layer, suffix, &m, &err));
    assert_int_equal(pa_matrix_rows(m), rows);
    assert_int_equal(pa_matrix_cols(m), cols);
    assert_ok(pa_matrix_values(m, &values, &err));
    for (int64_t i = 0; i < rows * cols; i++) {
        assert_true(values[i] == (double)i);
    }
    pa_matrix_destroy(m);
}

static void test_weights_of_either_split_are_found_in_every_layout(void **state)
{
    (void)state;
    for (int64_t step = 0; step < 4; step++) {
        pa_checkpoint *c = open_step(step);
        assert_int_equal(pa_checkpoint_has(c, "train", PA_WEIGHTS), 1);
        assert_int_equal(pa_checkpoint_has(c, "val", PA_WEIGHTS), 1);
        assert_int_equal(pa_checkpoint_has(c, "other", PA_WEIGHTS), 0);
        assert_int_equal(pa_checkpoint_has(c, "val", PA_GRADIENTS), 0);
        check_ramp(c, "train", 0, "attention.v_proj", 2, 3);
        check_ramp(c, "val", 1, "swiglu.w_2", 2, 2);
        check_ramp(c, "train", 1, "swiglu.w_2.weight", 2, 2);
        pa_checkpoint_destroy(c);
    }
}

static void test_the_learning_dynamics_come_first_and_nothing_else_is_opened(void **state)
{
    (void)state;
    pa_error err;
    pa_matrix *m = NULL;
    pa_matrix *again = NULL;
    pa_checkpoint *c = open_step(0);
    assert_int_equal(pa_checkpoint_count(c), 3);
    const int64_t before = pa_checkpoint_bytes_read(c);
    assert_ok(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "attention.v_proj", &m, &err));
    assert_null(pa_state_dict_opened(c));
    assert_int_equal(pa_checkpoint_bytes_read(c), before);
    pa_matrix_destroy(m);
    /* Both splits are one matrix of the state dict, with one memo. */
    assert_ok(pa_checkpoint_matrix(c, "train", PA_WEIGHTS, 0, "attention.v_proj", &m, &err));
    assert_non_null(pa_state_dict_opened(c));
    assert_true(pa_checkpoint_bytes_read(c) > before);
    assert_ok(pa_checkpoint_matrix(c, "train", PA_WEIGHTS, 0, "attention.v_proj.weight", &again, &err));
    assert_ptr_equal(m, again);
    pa_matrix_destroy(again);
    pa_matrix_destroy(m);
    /* It serves splits and is none: only the checkpoint of its own has the split "". */
    assert_int_equal(pa_checkpoint_has(c, "", PA_WEIGHTS), 0);
    pa_matrix *none = NULL;
    assert_fails(pa_checkpoint_matrix(c, "", PA_WEIGHTS, 0, "attention.v_proj", &none, &err), PA_ERR_NOT_FOUND,
                 "weights: there are none, only val weights; nor is there");
    /* Without a layer, and only in the state dict. */
    assert_ok(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, -1, "pico_decoder.output_norm", &m, &err));
    assert_int_equal(pa_matrix_cols(m), 2);
    pa_checkpoint_destroy(c);
    pa_matrix_destroy(m);
}

static void test_matrices_of_the_state_dict_are_announced_and_let_go_of(void **state)
{
    (void)state;
    pa_error err;
    pa_matrix *m = NULL;
    pa_checkpoint *c = open_step(2);
    assert_int_equal(pa_checkpoint_announce(c, 0), 0);
    assert_ok(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "attention.v_proj", &m, &err));
    pa_matrix_destroy(m);
    assert_int_equal(pa_checkpoint_announce(c, 0), 6 * 8);
    pa_checkpoint_trim(c, 0);
    assert_int_equal(pa_checkpoint_announce(c, 0), 0);
    check_ramp(c, "val", 0, "attention.v_proj", 2, 3);
    pa_checkpoint_destroy(c);
}

static void test_errors_name_the_files_that_were_looked_into(void **state)
{
    (void)state;
    pa_error err;
    pa_matrix *m = NULL;
    pa_checkpoint *c = open_step(0);
    assert_fails(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "attention.v_prog", &m, &err), PA_ERR_NOT_FOUND,
                 "step 0: val weights: not in the learning dynamics: ");
    assert_non_null(strstr(err.message, "/step_0/model.safetensors: "));
    assert_non_null(strstr(err.message, "the nearest is 'attention.v_proj.weight'"));
    assert_fails(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 1, "swiglu.w_3", &m, &err), PA_ERR_NOT_FOUND,
                 "/step_0/model.safetensors: layer 1 has no 'swiglu.w_3'; the nearest is 'swiglu.w_2.weight'");
    assert_fails(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 7, "attention.v_proj", &m, &err), PA_ERR_NOT_FOUND,
                 "there is no layer 7; layers are 0 to 1");
    assert_fails(pa_checkpoint_matrix(c, "val", PA_GRADIENTS, 0, "x", &m, &err), PA_ERR_NOT_FOUND, "there are none");
    assert_null(strstr(err.message, "safetensors"));
    pa_checkpoint_destroy(c);
    c = open_step(4);
    assert_int_equal(pa_checkpoint_has(c, "val", PA_WEIGHTS), 0);
    assert_fails(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "x", &m, &err), PA_ERR_NOT_FOUND,
                 "nor is there one of model.safetensors, model.safetensors.index.json, pytorch_model.bin, "
                 "pytorch_model.bin.index.json in ");
    assert_non_null(strstr(err.message, "checkpoints/step_4"));
    pa_checkpoint_destroy(c);
}

static void test_a_damaged_state_dict_hurts_only_who_needs_it(void **state)
{
    (void)state;
    pa_error err;
    pa_matrix *m = NULL;
    const pa_checkpoint *dict = NULL;
    assert_int_equal(truncate(below("checkpoints/step_0/model.safetensors"), 100), 0);
    pa_checkpoint *c = open_step(0);
    check_ramp(c, "val", 0, "attention.v_proj", 2, 3);
    for (int i = 0; i < 2; i++) { /* and again */
        assert_fails(pa_checkpoint_matrix(c, "train", PA_WEIGHTS, 0, "attention.v_proj", &m, &err), PA_ERR_FORMAT,
                     "step_0/model.safetensors: InvalidHeaderLength");
        assert_null(m);
    }
    assert_fails(pa_checkpoint_state_dict(c, &dict, &err), PA_ERR_FORMAT, "InvalidHeaderLength");
    assert_null(dict);
    pa_checkpoint_destroy(c);
}

static void test_the_state_dict_can_be_listed(void **state)
{
    (void)state;
    pa_error err;
    pa_tensor_info info = {.struct_size = sizeof(info)};
    const pa_checkpoint *dict = NULL;
    const pa_checkpoint *again = NULL;
    pa_checkpoint *c = open_step(3);
    assert_ok(pa_checkpoint_state_dict(c, &dict, &err));
    assert_int_equal(pa_checkpoint_count(dict), 3);
    assert_int_equal(pa_checkpoint_step(dict), 3);
    assert_ok(pa_checkpoint_tensor(dict, 0, &info, &err));
    assert_string_equal(info.name, "pico_decoder.layers.0.attention.v_proj.weight");
    assert_string_equal(info.split, "");
    assert_ok(pa_checkpoint_state_dict(c, &again, &err));
    assert_ptr_equal(dict, again);
    assert_ok(pa_checkpoint_state_dict(dict, &again, &err)); /* a state dict has none */
    assert_null(again);
    pa_checkpoint_destroy(c);
    c = open_step(4);
    assert_ok(pa_checkpoint_state_dict(c, &dict, &err));
    assert_null(dict);
    pa_checkpoint_destroy(c);
    assert_fails(pa_checkpoint_state_dict(NULL, &dict, &err), PA_ERR_INVALID, "checkpoint is NULL");
    assert_fails(pa_checkpoint_state_dict(NULL, NULL, &err), PA_ERR_INVALID, "out is NULL");
}

static pa_status find_weight(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_error err = {0};
    pa_context *own = NULL;
    pa_run *run = NULL;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem, .threads = 1};
    pa_status status = pa_context_create(&options, &own, &err);
    status = status == PA_OK ? pa_run_open(own, directory, &run, &err) : status;
    status = status == PA_OK ? pa_run_checkpoint(run, 1, &c, &err) : status;
    status = status == PA_OK ? pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "attention.v_proj", &m, &err) : status;
    if (status == PA_OK) {
        pa_matrix *none = NULL;
        const pa_status missing = pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "nothing", &none, &err);
        status = missing == PA_ERR_NOT_FOUND ? PA_OK : missing;
    }
    pa_matrix_destroy(m);
    pa_checkpoint_destroy(c);
    c = NULL;
    status = status == PA_OK ? pa_run_checkpoint(run, 4, &c, &err) : status;
    if (status == PA_OK) {
        const pa_status missing = pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "nothing", &m, &err);
        status = missing == PA_ERR_NOT_FOUND ? PA_OK : missing;
    }
    pa_checkpoint_destroy(c);
    pa_run_destroy(run);
    pa_context_destroy(own);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(find_weight, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_weights_of_either_split_are_found_in_every_layout),
        TEST(test_the_learning_dynamics_come_first_and_nothing_else_is_opened),
        TEST(test_matrices_of_the_state_dict_are_announced_and_let_go_of),
        TEST(test_errors_name_the_files_that_were_looked_into),
        TEST(test_a_damaged_state_dict_hurts_only_who_needs_it),
        TEST(test_the_state_dict_can_be_listed),
        TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
