/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Other runs to compare with, and runs that have gone on since.
 */
#include "analysis/plan.h"
#include "made_run.h"
#include "target_kit.h"

/* A configuration in a file, with an analysis of `run`. */
static pa_status execute_file(tiny *t, const char *path, const char *run)
{
    pa_status status = pa_config_load(t->ctx, path, &t->config, &t->err);
    if (status == PA_OK) {
        status = pa_run_open(t->ctx, run, &t->run, &t->err);
    }
    if (status == PA_OK) {
        status = pa_analysis_create(t->ctx, t->config, t->run, &t->analysis, &t->err);
    }
    if (status == PA_OK) {
        status = pa_analysis_execute(t->analysis, NULL, NULL, &t->results, &t->err);
    }
    return status;
}

#define OTHER(keys)                                                                                                    \
    "steps: [0, 1, 2]\nmetrics:\n- {metric_name: ordered, " keys ", components: [{component_name: simple, data_type: " \
    "weights, layer_suffixes: attention.v_proj}]}\n"

static void test_another_run_is_compared_with(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        int64_t targets[3]; /* -2: skipped */
        const char *log;
    } cases[] = {
        {"target_run: other", {0, 1, -2}, "run 'made' has no step 2, with which 'ordered' compares: skipped\n"},
        {"target_run: ./other, target_checkpoint: previous", {-1, 0, 1}, ""},
        {"target_run: other, target_checkpoint: final", {1, 1, 1}, ""},
        {"target_run: other, target_checkpoint: 0", {0, 0, 0}, ""},
    };
    char config[256];
    char link[256];
    char yaml[512];
    made_run run = made_run_write(3, 2, 4);
    made_run other = made_run_write(2, 2, 4); /* the same numbers in steps 0 and 1 */
    pa_test_format(link, sizeof(link), "%s/other", run.path);
    pa_test_format(config, sizeof(config), "%s/compare.yaml", run.path);
    assert_int_equal(rename(other.path, link), 0);
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        tiny t;
        tiny norms;
        pa_error err;
        pa_test_format(yaml, sizeof(yaml), OTHER("%s"), cases[c].keys);
        pa_test_write(config, yaml, strlen(yaml));
        kit_start(&t, 2, NULL);
        err = t.err;
        assert_ok(execute_file(&t, config, run.path));
        assert_string_equal(t.log.text, cases[c].log);
        kit_start(&norms, 1, NULL);
        assert_ok(tiny_plan_over(&norms, run.path,
                                 "steps: [0, 1, 2]\nmetrics:\n- {metric_name: norm, components: "
                                 "[{component_name: simple, data_type: weights, layer_suffixes: "
                                 "attention.v_proj}]}\n"));
        assert_ok(pa_analysis_execute(norms.analysis, NULL, NULL, &norms.results, &err));
        int64_t at = 0;
        for (int64_t step = 0; step < 3; step++) {
            for (int64_t layer = 0; layer < 2 && cases[c].targets[step] != -2; layer++) {
                const pa_result_row row = tiny_row(&t, at++);
                const int64_t target = cases[c].targets[step];
                assert_int_equal(row.step, step);
                assert_int_equal(row.target_step, target);
                assert_non_null(strstr(row.target_run, "other"));
                if (target < 0) {
                    assert_int_equal(row.value.state, PA_STATE_UNSUPPORTED);
                } else {
                    assert_close(row.value.value,
                                 tiny_row(&norms, 2 * step + layer).value.value -
                                     1000.0 * tiny_row(&norms, 2 * target + layer).value.value,
                                 1e-13);
                }
            }
        }
        assert_int_equal(pa_results_count(t.results), at);
        tiny_end(&norms);
        tiny_end(&t);
    }
    pa_test_remove(run.path);
}

static void test_a_run_that_cannot_be_compared_with_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        const char *text;
    } cases[] = {
        {"target_run: nowhere", "tiny.yaml:3: the target_run of 'ordered': "},
        {"target_run: PATH, target_checkpoint: 2",
         "run 'made' has no step 2, the target_checkpoint of 'ordered'; it has 1 steps: 0"},
    };
    char yaml[512];
    made_run run = made_run_write(3, 1, 4);
    made_run other = made_run_write(1, 1, 4);
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        tiny t;
        pa_error err;
        const char *path = strstr(cases[c].keys, "PATH");
        kit_start(&t, 1, NULL);
        pa_test_format(yaml, sizeof(yaml), OTHER("%.*s%s%s"), path != NULL ? (int)(path - cases[c].keys) : 99,
                       cases[c].keys, path != NULL ? other.path : "", path != NULL ? path + 4 : "");
        assert_int_equal(tiny_plan_over(&t, run.path, yaml), PA_ERR_NOT_FOUND);
        if (strstr(t.err.message, cases[c].text) == NULL) {
            fail_msg("'%s' is not in '%s'", cases[c].text, t.err.message);
        }
        tiny_end(&t);
        (void)err;
    }
    tiny t;
    kit_start(&t, 1, NULL);
    pa_test_format(yaml, sizeof(yaml),
                   "steps: [1, 2]\nmetrics:\n- {metric_name: ordered, target_run: %s, components: [{component_name: "
                   "simple, data_type: weights, layer_suffixes: attention.v_proj}]}\n",
                   other.path);
    assert_int_equal(tiny_plan_over(&t, run.path, yaml), PA_ERR_NOT_FOUND);
    assert_non_null(strstr(t.err.message, "has no step 1, 2, with which 'ordered' compares; it has 1 steps: 0"));
    tiny_end(&t);
    pa_test_remove(run.path);
    pa_test_remove(other.path);
}

static uint64_t hash_over(const char *path, const char *yaml)
{
    tiny t;
    pa_error err;
    uint64_t hash = 0;
    kit_start(&t, 1, NULL);
    assert_ok(tiny_plan_over(&t, path, yaml));
    assert_ok(pa_plan_hash(t.analysis, &hash, &err));
    tiny_end(&t);
    return hash;
}

static void test_the_end_of_a_run_that_goes_on_is_another_target(void **state)
{
    (void)state;
    static const char *const plans[] = {
        "steps: [0]\nmetrics:\n- {metric_name: inner, target_checkpoint: initial, components: [{component_name: "
        "counted, "
        "data_type: weights, layer_suffixes: attention.v_proj}]}\n",
        "steps: [0]\nmetrics:\n- {metric_name: inner, target_checkpoint: final, components: [{component_name: counted, "
        "data_type: weights, layer_suffixes: attention.v_proj}]}\n",
        "steps: [0]\nmetrics:\n- {metric_name: norm, components: [{component_name: delta, reference: final, data_type: "
        "weights, layer_suffixes: attention.v_proj}]}\n"};
    char path[256];
    uint64_t before[3];
    made_run run = made_run_write(2, 1, 4);
    for (int i = 0; i < 3; i++) {
        before[i] = hash_over(run.path, plans[i]);
    }
    assert_true(before[0] != before[1]);
    pa_test_format(path, sizeof(path), "%s/checkpoints/step_2", run.path);
    assert_int_equal(mkdir(path, 0777), 0);
    pa_test_format(path, sizeof(path), "%s/checkpoints/step_2/learning_dynamics", run.path);
    assert_int_equal(mkdir(path, 0777), 0);
    made_run_write_file(&run, 2, PA_WEIGHTS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hash_over(run.path, plans[i]) == before[i], i == 0);
    }
    pa_test_remove(run.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_run_is_compared_with),
        cmocka_unit_test(test_a_run_that_cannot_be_compared_with_is_an_error),
        cmocka_unit_test(test_the_end_of_a_run_that_goes_on_is_another_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
