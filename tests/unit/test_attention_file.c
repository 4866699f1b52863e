/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Attention patterns and token ids in a file that PyTorch wrote: found in a run, read, paired by head. */
#include "pa_test_files.h"
/* Afterwards: it has variables of names that functions above use. */
#include "pa_component_test.h"

static char directory[256];

static const char *below(const char *name)
{
    static char path[600];
    pa_test_format(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static int set_up(void **state)
{
    static const char config[] = "model: {n_layers: 2, d_model: 8, attention_n_heads: 2}\n";
    static const char *const directories[] = {"checkpoints", "checkpoints/step_3",
                                              "checkpoints/step_3/learning_dynamics"};
    pa_test_directory(directory, sizeof(directory));
    pa_test_write(below("training_config.yaml"), config, strlen(config));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mkdir(below(directories[i]), 0700), 0);
    }
    pa_test_bytes bytes = pa_test_read(pa_test_data("torch/attention.pt"));
    pa_test_write(below("checkpoints/step_3/learning_dynamics/val_attention.pt"), bytes.data, bytes.n);
    pa_test_write(below("checkpoints/step_3/learning_dynamics/train_attention.pt"), bytes.data, bytes.n);
    pa_test_free(&bytes);
    return metric_setup(state);
}

static int tear_down(void **state)
{
    pa_test_remove(directory);
    return metric_teardown(state);
}

static pa_checkpoint *open_step(void)
{
    pa_run *run = NULL;
    pa_checkpoint *c = NULL;
    assert_ok(pa_run_open(ctx, directory, &run, &err));
    assert_ok(pa_run_checkpoint(run, 3, &c, &err));
    pa_run_destroy(run);
    return c;
}

static void test_a_step_has_attention_of_both_splits(void **state)
{
    (void)state;
    int found = 0;
    pa_checkpoint *c = open_step();
    assert_int_equal(pa_checkpoint_has(c, "val", PA_ATTENTION), 1);
    assert_int_equal(pa_checkpoint_has(c, "train", PA_ATTENTION), 1);
    assert_int_equal(pa_checkpoint_has(c, "val", PA_WEIGHTS), 0);
    assert_int_equal(pa_checkpoint_count(c), 6);
    for (int64_t i = 0; i < pa_checkpoint_count(c); i++) {
        pa_tensor_info info = {.struct_size = sizeof(info)};
        assert_ok(pa_checkpoint_tensor(c, i, &info, &err));
        assert_int_equal(info.kind, PA_ATTENTION);
        if (strcmp(info.name, "tokens") == 0) {
            assert_int_equal(info.layer, -1);
            assert_int_equal(info.ndim, 1);
            assert_int_equal(info.dtype, PA_I64);
            found++;
        } else {
            assert_string_equal(info.suffix, "attention.pattern");
            assert_int_equal(info.ndim, 3);
        }
    }
    assert_int_equal(found, 2);
    pa_checkpoint_destroy(c);
}

static void test_each_head_is_paired_with_the_tokens(void **state)
{
    (void)state;
    static const double tokens[] = {7, 50303, 7};
    pa_checkpoint *c = open_step();
    for (int64_t layer = 0; layer < 2; layer++) {
        pa_parts *parts = component_build(c, "induction_head", PA_ATTENTION, NULL, layer);
        assert_int_equal(pa_parts_count(parts), 2);
        for (int64_t head = 0; head < 2; head++) {
            double expected[9];
            for (int i = 0; i < 3; i++) {
                for (int j = 0; j < 3; j++) {
                    expected[3 * i + j] =
                        layer == 0 ? 9.0 * (double)head + 3 * i + j : 0.5 * (9.0 * (double)head + 3 * j + i);
                }
            }
            component_check(pa_parts_matrix(parts, head), expected, 3, 3);
            component_check(pa_parts_second(parts, head), tokens, 3, 1);
        }
        pa_parts_destroy(parts);
    }
    component_refuse(c, "induction_head", PA_WEIGHTS, NULL, 1, PA_ERR_NOT_FOUND, "only train attention, val attention");
    pa_checkpoint_destroy(c);
}

static void test_a_single_file_tells_its_kind_by_its_name(void **state)
{
    (void)state;
    pa_checkpoint *c = NULL;
    assert_ok(pa_checkpoint_open(ctx, pa_test_data("torch/attention.pt"), &c, &err));
    assert_int_equal(pa_checkpoint_has(c, "", PA_ATTENTION), 1);
    pa_checkpoint_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_step_has_attention_of_both_splits),
        cmocka_unit_test(test_each_head_is_paired_with_the_tokens),
        cmocka_unit_test(test_a_single_file_tells_its_kind_by_its_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
