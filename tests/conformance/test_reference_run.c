/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief The bundled run through the public API, against an independent float64 implementation
 *        (tests/data/reference/reference.py) and against itself on other numbers of threads.
 */
#include "pa_test.h"
#include "reference_values.h"

/* A finished analysis of the bundled run. */
typedef struct study {
    pa_context *ctx;
    pa_results *results;
} study;

static void join(char *path, size_t size, const char *variable, const char *rest)
{
    const char *root = getenv(variable);
    assert_non_null(root);
    assert_true(snprintf(path, size, "%s/%s", root, rest) < (int)size);
}

static study analyse(pa_compat compat, int32_t threads)
{
    pa_error err = {0};
    char path[4096];
    const pa_context_options options = {.struct_size = sizeof(options), .threads = threads};
    study s = {NULL, NULL};
    pa_config *config = NULL;
    pa_run *run = NULL;
    pa_analysis *analysis = NULL;

    assert_ok(pa_context_create(&options, &s.ctx, &err));
    join(path, sizeof(path), "PA_TEST_DATA", "reference/reference.yaml");
    assert_ok(pa_config_load(s.ctx, path, &config, &err));
    pa_config_set_compat(config, compat);
    join(path, sizeof(path), "PA_TEST_EXAMPLES", "data/pico-decoder-nano-1");
    assert_ok(pa_run_open(s.ctx, path, &run, &err));
    assert_ok(pa_analysis_create(s.ctx, config, run, &analysis, &err));
    assert_ok(pa_analysis_execute(analysis, NULL, NULL, &s.results, &err));
    pa_analysis_destroy(analysis);
    pa_run_destroy(run);
    pa_config_destroy(config);
    return s;
}

static void end(study *s)
{
    pa_results_destroy(s->results);
    pa_context_destroy(s->ctx);
}

static pa_result_row row_of(const study *s, int64_t index)
{
    pa_error err = {0};
    pa_result_row row = {.struct_size = sizeof(row)};
    assert_ok(pa_results_row(s->results, index, &row, &err));
    return row;
}

/* A null of the reference means: undefined (literature), or no reproducible number (pico), which is not compared. */
static void compare(const pa_result_row *row, reference_value *expected, pa_compat compat)
{
    if (expected == NULL) {
        fail_msg("step %lld: %s: %s is not in the reference", (long long)row->step, row->file, row->key);
    }
    expected->compared++;
    const int defined = row->value.state == PA_STATE_OK;
    if (isnan(expected->value)) {
        if (compat == PA_COMPAT_LITERATURE && defined) {
            fail_msg("step %lld: %s: %s = %.17g, expected none", (long long)row->step, row->file, row->key,
                     row->value.value);
        }
        return;
    }
    if (!defined || !(fabs(row->value.value - expected->value) <= 1e-9 * fabs(expected->value))) {
        fail_msg("step %lld: %s: %s = %.17g (%s), expected %.17g", (long long)row->step, row->file, row->key,
                 row->value.value, pa_state_name(row->value.state), expected->value);
    }
}

static void compare_all(pa_compat compat, const char *reference)
{
    char path[4096];
    join(path, sizeof(path), "PA_TEST_DATA", reference);
    reference_values expected = reference_values_load(path);
    study s = analyse(compat, 2);
    for (int64_t i = 0; i < pa_results_count(s.results); i++) {
        const pa_result_row row = row_of(&s, i);
        compare(&row, reference_values_find(&expected, row.step, row.file, row.key), compat);
    }
    for (size_t i = 0; i < expected.count; i++) {
        const reference_value *item = &expected.items[i];
        if (item->compared != 1) {
            fail_msg("step %lld: %s: %s computed %d times, expected once", (long long)item->step, item->file, item->key,
                     item->compared);
        }
    }
    end(&s);
    reference_values_free(&expected);
}

static void test_every_value_is_the_literature_s(void **state)
{
    (void)state;
    compare_all(PA_COMPAT_LITERATURE, "reference/literature");
}

static void test_every_value_is_pico_analyze_s_when_asked_for(void **state)
{
    (void)state;
    compare_all(PA_COMPAT_PICO, "reference/pico");
}

static void test_the_number_of_threads_does_not_change_a_bit(void **state)
{
    (void)state;
    study one = analyse(PA_COMPAT_LITERATURE, 1);
    for (int32_t threads = 2; threads <= 8; threads *= 4) {
        study many = analyse(PA_COMPAT_LITERATURE, threads);
        assert_int_equal(pa_results_count(many.results), pa_results_count(one.results));
        for (int64_t i = 0; i < pa_results_count(one.results); i++) {
            const pa_result_row a = row_of(&one, i), b = row_of(&many, i);
            assert_string_equal(a.key, b.key);
            assert_int_equal(a.value.state, b.value.state);
            assert_memory_equal(&a.value.value, &b.value.value, sizeof(double));
        }
        end(&many);
    }
    end(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_value_is_the_literature_s),
        cmocka_unit_test(test_every_value_is_pico_analyze_s_when_asked_for),
        cmocka_unit_test(test_the_number_of_threads_does_not_change_a_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
