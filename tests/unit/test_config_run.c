/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What a configuration says about how its runs are to be opened. */
#include "pa_test.h"

#define GOOD "steps: [0]\nmetrics: [{metric_name: gini, components: [{component_name: simple, layer_suffixes: a}]}]\n"

static pa_status parse(pa_context *ctx, const char *text, pa_config **out, pa_error *err)
{
    return pa_config_parse(ctx, text, (int64_t)strlen(text), "c.yaml", out, err);
}

static pa_context *new_context(void)
{
    pa_error err;
    pa_context *ctx = NULL;
    assert_ok(pa_context_create(NULL, &ctx, &err));
    return ctx;
}

static void test_nothing_is_asked_for_by_default(void **state)
{
    (void)state;
    pa_error err;
    pa_config *config = NULL;
    pa_context *ctx = new_context();
    assert_ok(parse(ctx, GOOD "naming: null\nmodel:\n", &config, &err));
    const pa_run_options *options = pa_config_run_options(config);
    assert_int_equal(options->struct_size, sizeof(*options));
    assert_string_equal(options->layout, "");
    assert_string_equal(options->naming, "");
    assert_null(options->model);
    assert_int_equal(options->unscramble, 0);
    pa_config_destroy(config);
    pa_context_destroy(ctx);
}

static const char full[] =
    GOOD "layout: '{step}'\n"
         "naming:\n  a: 'h.{layer}.a'\n  b: {pattern: c, part: 1 of 2}\n"
         "model: {d_model: 8, n_layers: 2, attention_n_heads: 4, attention_n_kv_heads: null, position_emb_theta: 5e5, "
         "position_emb_share: .25}\n"
         "unscramble: yes\n";

static void test_what_is_asked_for_is_handed_on(void **state)
{
    (void)state;
    pa_error err;
    pa_config *config = NULL;
    pa_context *ctx = new_context();
    assert_ok(parse(ctx, full, &config, &err));
    const pa_run_options *options = pa_config_run_options(config);
    assert_string_equal(options->layout, "{step}");
    assert_string_equal(options->naming, "{'a': 'h.{layer}.a', 'b': {pattern: 'c', part: 1 of 2}}");
    assert_int_equal(options->model->d_model, 8);
    assert_int_equal(options->model->n_layers, 2);
    assert_int_equal(options->model->n_heads, 4);
    assert_int_equal(options->model->n_kv_heads, 0);
    assert_close(options->model->rope_theta, 5e5, 0.0);
    assert_close(options->model->rope_share, 0.25, 0.0);
    assert_int_equal(options->unscramble, 1);
    pa_config_destroy(config);
    assert_ok(parse(ctx, GOOD "naming: gpt2\n", &config, &err));
    assert_string_equal(pa_config_run_options(config)->naming, "gpt2");
    pa_config_destroy(config);
    pa_context_destroy(ctx);
}

static void test_what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {GOOD "layout: {step}/x\n", "c.yaml:3:"},
        {GOOD "layout: 3\n", "c.yaml:3:9: layout must be a path in quotes"},
        {GOOD "naming: lama\n", "c.yaml:3:9: unknown naming 'lama'; did you mean 'llama'?"},
        {GOOD "naming:\n  a: {pattern: x, part: 2}\n", "c.yaml:4:25: part must be as in '1 of 3'"},
        {GOOD "model: 8\n", "c.yaml:3:8: model must be of type mapping, not integer '8'"},
        {GOOD "model: {n_heads: 8}\n", "c.yaml:3:9: unknown key of 'model': 'n_heads'"},
        {GOOD "model: {d_model: 0}\n", "c.yaml:3:18: d_model must be an integer from 1"},
        {GOOD "model: {attention_n_heads: four}\n", "c.yaml:3:28: attention_n_heads must be an integer"},
        {GOOD "model: {position_emb_theta: 0.5}\n", "c.yaml:3:29: position_emb_theta must be a number of at least 1"},
        {GOOD "unscramble: 1\n", "c.yaml:3:13: unscramble must be of type boolean, not integer '1'"},
    };
    pa_error err;
    pa_config *config = NULL;
    pa_context *ctx = new_context();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_fails(parse(ctx, wrong[i][0], &config, &err), PA_ERR_CONFIG, wrong[i][1]);
        assert_null(config);
    }
    pa_context_destroy(ctx);
}

static pa_status parse_full(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_error err = {0};
    pa_context *ctx = NULL;
    pa_config *config = NULL;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem, .threads = 1};
    pa_status status = pa_context_create(&options, &ctx, &err);
    status = status == PA_OK ? parse(ctx, full, &config, &err) : status;
    pa_config_destroy(config);
    pa_context_destroy(ctx);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(parse_full, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_asked_for_by_default),
        cmocka_unit_test(test_what_is_asked_for_is_handed_on),
        cmocka_unit_test(test_what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
