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
    const pa_model model = {.struct_size = sizeof(model), .n_heads = 4};
    const pa_run_options how = {
        .struct_size = sizeof(how), .layout = which[1], .naming = which[2], .model = which[2] != NULL ? &model : NULL};
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
        const char *which[3] = {layouts[i][0], layouts[i][1]};
        pa_test_oom_sweep(read_values, which);
        which[2] = layouts[i][0];
        pa_test_oom_sweep(read_values, which);
        which[2] = "attention.v_proj: [{pattern: 'h.{layer}.attn.c_attn.weight', part: 2 of 4}, 'v_proj.weight', "
                   "'layers.{layer}.self_attn.v_proj.weight', 'layers.{layer}.attention.dense.weight']";
        pa_test_oom_sweep(read_values, which);
    }
}

static pa_run *open_with(pa_context *ctx, const char *naming, const pa_model *model)
{
    pa_error err;
    pa_run *run = NULL;
    const pa_run_options how = {.struct_size = sizeof(how), .layout = "{step}", .naming = naming, .model = model};
    assert_ok(pa_run_open_with(ctx, pa_test_data("namings/gpt2"), &how, &run, &err));
    return run;
}

static pa_checkpoint *step_of(pa_run *run)
{
    pa_error err;
    pa_checkpoint *c = NULL;
    assert_ok(pa_run_checkpoint(run, 20, &c, &err));
    pa_run_destroy(run);
    return c;
}

/* Against the stored tensor, element by element. */
static void test_parts_of_heads_and_whole_tensors_have_the_names_that_were_given(void **state)
{
    (void)state;
    enum { HEADS = 4, PARTS = 3, SIZE = 2, D = 8 };
    static const char naming[] =
        "a.b: [nothing, {pattern: 'h.{layer}.attn.c_attn.weight', transposed: true, part: 2 of 3, "
        "per_head: true}]\n"
        "bias: h.{layer}.attn.bias\n"; /* of four dimensions */
    pa_error err;
    pa_matrix *m[3] = {NULL};
    const double *stored = NULL;
    const double *values = NULL;
    pa_context *ctx = pa_test_context();
    pa_checkpoint *c = step_of(open_with(ctx, naming, NULL));
    assert_ok(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, -1, "h.1.attn.c_attn.weight", &m[0], &err));
    assert_ok(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 1, "a.b", &m[1], &err));
    assert_ok(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 1, "bias", &m[2], &err));
    assert_int_equal(pa_matrix_rows(m[2]), 4);
    assert_int_equal(pa_matrix_rows(m[1]), HEADS * SIZE);
    assert_int_equal(pa_matrix_cols(m[1]), D);
    assert_ok(pa_matrix_values(m[0], &stored, &err));
    assert_ok(pa_matrix_values(m[1], &values, &err));
    for (int64_t i = 0; i < (int64_t)HEADS * SIZE; i++) {
        for (int64_t j = 0; j < D; j++) {
            const int64_t column = i / SIZE * PARTS * SIZE + SIZE + i % SIZE;
            assert_true(values[i * D + j] == stored[j * HEADS * PARTS * SIZE + column]);
        }
    }
    const pa_checkpoint *dict = NULL;
    assert_ok(pa_checkpoint_state_dict(c, &dict, &err));
    assert_string_equal(pa_checkpoint_naming(dict), "own");
    for (int i = 0; i < 3; i++) {
        pa_matrix_destroy(m[i]);
    }
    pa_checkpoint_destroy(c);
    pa_context_destroy(ctx);
}

/* None of several is taken in silence, whether the first pattern finds them or one that stands in for it. */
static void test_several_tensors_of_one_name_are_an_error(void **state)
{
    (void)state;
    pa_error err;
    pa_matrix *m = NULL;
    pa_context *ctx = pa_test_context();
    pa_checkpoint *c = step_of(open_with(ctx, "a: weight\nb: [nothing, weight]\nc: [wte.weight, weight]", NULL));
    assert_fails(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, -1, "a", &m, &err), PA_ERR_UNSUPPORTED, "layer -1 'a'");
    assert_fails(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, -1, "b", &m, &err), PA_ERR_UNSUPPORTED, "layer -1 'b'");
    assert_ok(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, -1, "c", &m, &err));
    pa_matrix_destroy(m);
    pa_checkpoint_destroy(c);
    pa_context_destroy(ctx);
}

static void test_a_naming_that_fits_nothing_is_an_error(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"llama", "gpt2/20/model.safetensors: naming 'llama': no tensor's name ends with "
                  "'layers.{layer}.self_attn.q_proj.weight', or with another of its patterns; the first tensor is "
                  "'wte.weight'"},
        {"a: blocks.{layer}.w", "naming 'own': no tensor's name ends with 'blocks.{layer}.w'"},
        {"a: {pattern: 'h.{layer}.mlp.c_fc.weight', part: 1 of 5}",
         "gpt2/20/model.safetensors: 'h.0.mlp.c_fc.weight': 8 rows do not divide into 5 parts"},
    };
    pa_error err;
    pa_matrix *m = NULL;
    pa_context *ctx = pa_test_context();
    const pa_model model = {.struct_size = sizeof(model), .n_layers = 2}; /* so that opening counts none */
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        pa_checkpoint *c = step_of(open_with(ctx, texts[i][0], &model));
        assert_fails(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "a", &m, &err), i < 2 ? PA_ERR_CONFIG : PA_ERR_SHAPE,
                     texts[i][1]);
        pa_checkpoint_destroy(c);
    }
    pa_context_destroy(ctx);
}

static void test_without_a_naming_there_are_stored_names_only(void **state)
{
    (void)state;
    pa_error err;
    pa_matrix *m = NULL;
    const pa_checkpoint *dict = NULL;
    pa_context *ctx = pa_test_context();
    pa_checkpoint *c = step_of(open_with(ctx, "none", NULL));
    assert_ok(pa_checkpoint_state_dict(c, &dict, &err));
    assert_null(pa_checkpoint_naming(dict));
    assert_int_equal(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, 0, "attention.q_proj", &m, &err), PA_ERR_NOT_FOUND);
    assert_ok(pa_checkpoint_matrix(c, "val", PA_WEIGHTS, -1, "h.0.attn.c_attn", &m, &err));
    pa_matrix_destroy(m);
    pa_checkpoint_destroy(c);
    pa_context_destroy(ctx);
}

static void test_sizes_that_are_given_replace_those_of_files(void **state)
{
    (void)state;
    pa_error err;
    pa_run *run = NULL;
    pa_context *ctx = pa_test_context();
    pa_model model = {.struct_size = sizeof(model), .n_heads = 2, .rope_theta = 500.0};
    run = open_with(ctx, NULL, &model);
    assert_int_equal(pa_run_model(run)->n_heads, 2);
    assert_int_equal(pa_run_model(run)->n_kv_heads, 2);
    assert_int_equal(pa_run_model(run)->d_model, 8);
    assert_close(pa_run_model(run)->rope_theta, 500.0, 0.0);
    assert_int_equal(pa_run_opened_with(run)->model->n_heads, 2);
    pa_run_destroy(run);
    model.rope_share = 1.5;
    const pa_run_options bad = {.struct_size = sizeof(bad), .layout = "{step}", .model = &model};
    assert_fails(pa_run_open_with(ctx, pa_test_data("namings/gpt2"), &bad, &run, &err), PA_ERR_INVALID,
                 "rope_share is 1.5, not from 0 to 1");
    model.rope_share = 0.0;
    model.n_layers = -1;
    const pa_run_options how = {.struct_size = sizeof(how), .layout = "{step}", .model = &model};
    assert_fails(pa_run_open_with(ctx, pa_test_data("namings/gpt2"), &how, &run, &err), PA_ERR_INVALID,
                 "pa_model: n_layers is -1, not from 0 to 2147483647");
    model.n_layers = 0;
    model.n_heads = (int64_t)INT32_MAX + 1;
    assert_fails(pa_run_open_with(ctx, pa_test_data("namings/gpt2"), &how, &run, &err), PA_ERR_INVALID,
                 "pa_model: n_heads is 2147483648, not from 0 to 2147483647");
    model.n_heads = INT32_MAX; /* more than there are rows */
    run = open_with(ctx, NULL, &model);
    pa_run_destroy(run);
    pa_context_destroy(ctx);
}

static void test_a_run_tells_how_it_was_opened(void **state)
{
    (void)state;
    pa_error err;
    pa_run *run = NULL;
    pa_run *again = NULL;
    pa_context *ctx = pa_test_context();
    run = open_with(ctx, "{a:  wte.weight,\n b: [ {pattern: x} ]}", NULL);
    const pa_run_options *how = pa_run_opened_with(run);
    assert_string_equal(how->layout, "{step}");
    assert_string_equal(how->naming, "{'a': 'wte.weight', 'b': 'x'}");
    assert_null(how->model);
    assert_ok(pa_run_open_with(ctx, pa_run_path(run), how, &again, &err));
    assert_string_equal(pa_run_opened_with(again)->naming, how->naming);
    pa_run_destroy(again);
    pa_run_destroy(run);
    const pa_run_options wrong = {.struct_size = sizeof(wrong), .layout = "{step}", .naming = "a: [x,\n  {y: z}]"};
    assert_fails(pa_run_open_with(ctx, pa_test_data("namings/gpt2"), &wrong, &run, &err), PA_ERR_CONFIG,
                 "naming:2:4: unknown key of a naming's rule: 'y'");
    assert_null(run);
    pa_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns_match_whole_ends_of_names),
        cmocka_unit_test(test_parts_of_heads_and_whole_tensors_have_the_names_that_were_given),
        cmocka_unit_test(test_several_tensors_of_one_name_are_an_error),
        cmocka_unit_test(test_a_naming_that_fits_nothing_is_an_error),
        cmocka_unit_test(test_without_a_naming_there_are_stored_names_only),
        cmocka_unit_test(test_sizes_that_are_given_replace_those_of_files),
        cmocka_unit_test(test_a_run_tells_how_it_was_opened),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
