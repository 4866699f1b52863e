/* SPDX-License-Identifier: Apache-2.0 */
/* Runs by a layout, and tensors under other names: patterns, and memory that runs out. Values: tests/cli/test_layout.sh. */
#include "checkpoint/naming.h"
#include "pa_test_files.h"

static void test_patterns_match_whole_ends_of_names(void **state)
{
    (void)state;
    int64_t layer = 0;
    assert_true(pa_name_matches("h.{layer}.w", "h.12.w", &layer));
    assert_int_equal(layer, 12);
    assert_true(pa_name_matches("h.{layer}.w", "transformer.h.0.w", &layer));
    assert_int_equal(layer, 0);
    assert_false(pa_name_matches("h.{layer}.w", "depth.3.w", &layer));
    assert_false(pa_name_matches("h.{layer}.w", "h.3.w.scale", &layer));
    assert_false(pa_name_matches("h.{layer}.w", "h..w", &layer));
    assert_false(pa_name_matches("h.{layer}.w", "h.-1.w", &layer));
    assert_false(pa_name_matches("h.{layer}.w", "h.10000000000.w", &layer));
    assert_true(pa_name_matches("wte.weight", "transformer.wte.weight", &layer));
    assert_int_equal(layer, -1);
    assert_false(pa_name_matches("wte.weight", "awte.weight", &layer));
}

static const char *const layouts[][2] = {
    {"llama", "checkpoint-{step}/model.safetensors"}, {"gpt_neox", "step{step}"}, {"gpt2", "{step}"}};

static pa_status read_values(const pa_allocator *mem, void *user)
{
    const char *const *which = user;
    char path[600];
    pa_error err = {0};
    pa_context *ctx = NULL;
    pa_run *run = NULL;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem, .threads = 1};
    const pa_run_options how = {.struct_size = sizeof(how), .layout = which[1]};
    pa_test_format(path, sizeof(path), "%s/%s", pa_test_data("namings"), which[0]);
    pa_status status = pa_context_create(&options, &ctx, &err);
    status = status == PA_OK ? pa_run_open_with(ctx, path, &how, &run, &err) : status;
    status = status == PA_OK ? pa_run_checkpoint(run, 20, &c, &err) : status;
    status = status == PA_OK ? pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 1, "attention.v_proj", &m, &err) : status;
    if (status == PA_OK) {
        const double *sigma = NULL;
        int64_t k = 0;
        status = pa_matrix_singular_values(m, &sigma, &k, &err);
    }
    pa_matrix_destroy(m);
    pa_checkpoint_destroy(c);
    pa_run_destroy(run);
    pa_context_destroy(ctx);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        const char *which[2] = {layouts[i][0], layouts[i][1]};
        pa_test_oom_sweep(read_values, which);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns_match_whole_ends_of_names),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
