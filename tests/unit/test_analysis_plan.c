/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What is computed, in which order, what is skipped, and what is refused, before any number matters. */
#include "analysis/skips.h"
#include "tiny_run.h"

static void test_rows_come_by_step_and_then_in_the_order_of_the_configuration(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 4));
    assert_ok(tiny_execute(&t, "steps: [40, 0]\nmetrics:\n"
                               "- metric_name: norm\n  components:\n"
                               "  - {component_name: simple, layer_suffixes: swiglu.w_2, layers: [2, 0, 2]}\n"
                               "  - {component_name: ov_circuit, layers: 1}\n"
                               "- metric_name: gini\n  components:\n"
                               "  - {component_name: simple, layer_suffixes: swiglu.w_2}\n"));
    static const char *const keys[] = {"layers.2.swiglu.w_2.weights",         "layers.0.swiglu.w_2.weights",
                                       "layers.1.ov_circuit.weights.heads.0", "layers.1.ov_circuit.weights.heads.1",
                                       "layers.1.ov_circuit.weights.heads.2", "layers.1.ov_circuit.weights.heads.3",
                                       "layers.1.ov_circuit.weights",         "layers.0.swiglu.w_2.weights",
                                       "layers.1.swiglu.w_2.weights",         "layers.2.swiglu.w_2.weights"};
    static const int64_t layers[] = {2, 0, 1, 1, 1, 1, 1, 0, 1, 2};
    static const int64_t heads[] = {-1, -1, 0, 1, 2, 3, -1, -1, -1, -1};
    const int64_t n = pa_results_count(t.results);
    assert_int_equal(n, 20);
    for (int64_t i = 0; i < n; i++) {
        const pa_result_row row = tiny_row(&t, i);
        assert_string_equal(row.key, keys[i % 10]);
        assert_int_equal(row.step, i < 10 ? 0 : 40);
        assert_int_equal(row.layer, layers[i % 10]);
        assert_int_equal(row.head, heads[i % 10]);
        assert_string_equal(row.metric, i % 10 < 7 ? "norm" : "gini");
        assert_string_equal(row.file, i % 10 < 7 ? "norm_val" : "gini_val");
        assert_string_equal(row.component, i % 10 >= 2 && i % 10 < 7 ? "ov_circuit" : "simple");
        assert_string_equal(row.run, "tiny");
        assert_string_equal(row.split, "val");
        assert_string_equal(row.options, "");
        assert_int_equal(row.kind, PA_WEIGHTS);
        assert_int_equal(row.target_step, -1);
    }
    assert_int_equal(t.log.count, 0);
    tiny_end(&t);
}

static void test_absent_steps_are_skipped_with_one_warning(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(tiny_execute(&t, "steps: {start: 0, end: 25, step: 5}\nmetrics: [{metric_name: gini, components: "
                               "[{component_name: simple, layer_suffixes: swiglu.w_2, layers: 0}]}]\n"));
    assert_int_equal(pa_results_count(t.results), 3);
    assert_string_equal(t.log.text, "run 'tiny' has no step 5, 15, 25: skipped\n");
    tiny_end(&t);
}

static void test_a_run_without_any_of_the_steps_is_an_error_that_lists_what_there_is(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_fails(tiny_execute(&t, "steps: {start: 1, end: 100, step: 7}\nmetrics: [{metric_name: gini, components: "
                                  "[{component_name: simple, layer_suffixes: swiglu.w_2}]}]\n"),
                 PA_ERR_NOT_FOUND, "");
    assert_string_equal(t.err.message, "run 'tiny' has no step 1, 8, 15, 22, 29, 36, 43, 50 ... 99; it has 4 steps: "
                                       "0, 10, 20, 40");
    tiny_reset(&t);
    assert_fails(tiny_execute(&t, "steps: [0]\nmetrics: [{metric_name: cka, target_checkpoint: 30, components: "
                                  "[{component_name: ov_circuit}]}]\n"),
                 PA_ERR_NOT_FOUND, "");
    assert_string_equal(t.err.message, "run 'tiny' has no step 30, the target_checkpoint of 'cka'; it has 4 steps: 0, "
                                       "10, 20, 40");
    tiny_end(&t);
}

static void test_absent_files_are_skipped_with_one_warning_for_each_cause(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 2));
    assert_ok(tiny_execute(&t, "steps: [0, 10, 20, 40]\nmetrics:\n"
                               "- {metric_name: hoyer, data_split: train, components: [{component_name: simple, "
                               "layer_suffixes: swiglu.w_2, layers: 0}, {component_name: simple, data_type: gradients, "
                               "layer_suffixes: swiglu.w_2, layers: 0}]}\n"
                               "- {metric_name: per, data_split: train, components: [{component_name: simple, "
                               "layer_suffixes: swiglu.w_2, layers: 0}]}\n"
                               "- {metric_name: gini, components: [{component_name: simple, data_type: gradients, "
                               "layer_suffixes: swiglu.w_2, layers: 0}]}\n"));
    /* 0: 4 values, 10: without gini's, 20 and 40: only gini's */
    assert_int_equal(pa_results_count(t.results), 4 + 3 + 1 + 1);
    assert_string_equal(t.log.text, "no val gradients at step 10: gini skipped there\n"
                                    "no train weights at step 20, 40: hoyer, per skipped there\n"
                                    "no train gradients at step 20, 40: hoyer skipped there\n");
    tiny_end(&t);
}

static void test_what_pico_analyze_does_differently_is_told_once(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(tiny_execute(&t, "compat: pico\nsteps: [0, 10]\nmetrics:\n"
                               "- {metric_name: gini, compat: literature, components: [{component_name: simple, "
                               "layer_suffixes: swiglu.w_2}]}\n"
                               "- {metric_name: norm, components: [{component_name: ov_circuit}]}\n"
                               "- {metric_name: norm, norm_type: inf, components: [{component_name: ov_circuit}]}\n"));
    assert_string_equal(
        t.log.text,
        "compat pico: metric 'norm': norm_type inf is the largest magnitude instead of the largest row sum\n"
        "compat pico: component 'ov_circuit': circuits of weights are V O instead of O V: other singular values, norms "
        "and ranks\n");
    tiny_end(&t);
}

static void test_long_lists_of_steps_are_cut_short(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    pa_skips skips = {.ctx = t.ctx};
    const pa_skip_cause cause = {.split = "val", .kind = PA_ACTIVATIONS, .run = ""};
    for (int64_t step = 0; step <= 2000; step += 100) {
        assert_ok(pa_skips_add(&skips, &cause, step, "cka", &err));
    }
    pa_skips_tell(&skips);
    pa_skips_free(&skips);
    assert_string_equal(t.log.text, "no val activations at step 0, 100, 200, 300, 400, 500, 600, 700 ... 2000: cka "
                                    "skipped there\n");
    tiny_end(&t);
}

static void test_a_file_that_a_component_needs_besides_its_own_may_be_absent_too(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(tiny_execute(&t, "steps: [0, 40]\nmetrics:\n"
                               "- {metric_name: gini, data_split: train, components: [{component_name: ov_circuit, "
                               "data_type: activations, layers: 0}]}\n"
                               "- {metric_name: norm, data_split: train, components: [{component_name: simple, "
                               "data_type: activations, layer_suffixes: attention.v_proj, layers: 0}]}\n"));
    assert_string_equal(t.log.text, "no train weights at step 40: gini skipped there\n");
    const pa_result_row last = tiny_row(&t, pa_results_count(t.results) - 1);
    assert_string_equal(last.metric, "norm"); /* simple activations need no weights */
    assert_int_equal(last.step, 40);
    tiny_end(&t);
}

static void test_an_absent_file_of_the_target_skips_the_comparison(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(tiny_execute(&t, "steps: [0, 10]\nmetrics:\n"
                               "- {metric_name: cka, data_split: train, target_checkpoint: 20, components: "
                               "[{component_name: simple, layer_suffixes: attention.v_proj, layers: 0}]}\n"
                               "- {metric_name: norm, components: [{component_name: simple, layer_suffixes: "
                               "attention.v_proj, layers: 0}]}\n"));
    assert_int_equal(pa_results_count(t.results), 2);
    assert_string_equal(t.log.text, "no train activations at step 20: cka skipped there\n");
    tiny_end(&t);
}

static void test_nothing_to_compute_at_all_is_an_error(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_fails(tiny_execute(&t, "steps: [20]\nmetrics: [{metric_name: gini, data_split: train, components: "
                                  "[{component_name: simple, layer_suffixes: swiglu.w_2}]}]\n"),
                 PA_ERR_NOT_FOUND, "");
    assert_string_equal(t.err.message, "nothing to compute: none of the steps of run 'tiny' has the splits and kinds "
                                       "asked for");
    assert_string_equal(t.log.text, "no train weights at step 20: gini skipped there\n");
    assert_null(t.results);
    tiny_end(&t);
}

static void test_a_missing_tensor_is_an_error_that_names_it(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_fails(tiny_execute(&t, "steps: [10]\nmetrics: [{metric_name: gini, components: [{component_name: simple, "
                                  "layer_suffixes: swiglu.w_3, layers: 1}]}]\n"),
                 PA_ERR_NOT_FOUND, "");
    const char *text = t.err.message;
    if (strstr(text, "run 'tiny', component 'simple'") == NULL || strstr(text, "step 10: val weights") == NULL ||
        strstr(text, "layer 1 has no 'swiglu.w_3'") == NULL || strstr(text, "'swiglu.w_2'") == NULL) {
        fail_msg("%s", text);
    }
    tiny_end(&t);
}

static void test_layers_outside_the_model_are_refused_with_their_place(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_fails(tiny_execute(&t, "steps: [10]\nmetrics: [{metric_name: gini, components: [{component_name: simple,\n"
                                  "layer_suffixes: swiglu.w_2, layers: [0, 3]}]}]\n"),
                 PA_ERR_CONFIG, "");
    assert_string_equal(t.err.message, "tiny.yaml:3:41: layer 3 is outside the model, whose layers are 0 to 2");
    tiny_end(&t);
}

#define SIMPLE "components: [{component_name: simple, layer_suffixes: swiglu.w_2, layers: 0}]"

static void test_a_metric_listed_again_keeps_both_results_apart(void **state)
{
    (void)state;
    static const char *const files[] = {
        "norm_val",          "norm_val.norm_type=frobenius",   "norm_val.norm_type=spectral",
        "norm_train",        "norm_val.compat=pico",           "cka_val",
        "cka_val.target=10", "cka_val.debiased=true,target=10"};
    static const char *const options[] = {
        "norm_type: nuclear", "", "norm_type: spectral", "", "norm_type: nuclear", "", "", "debiased: true"};
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(tiny_execute(&t, "steps: [0]\nmetrics:\n"
                               "- {metric_name: norm, norm_type: nuclear, " SIMPLE "}\n"
                               "- {metric_name: norm, " SIMPLE "}\n"
                               "- {metric_name: norm, norm_type: spectral, " SIMPLE "}\n"
                               "- {metric_name: norm, norm_type: frobenius, " SIMPLE "}\n" /* the second again */
                               "- {metric_name: norm, data_split: train, " SIMPLE "}\n"
                               "- {metric_name: norm, norm_type: nuclear, compat: pico, " SIMPLE "}\n"
                               "- {metric_name: cka, target_checkpoint: 0, components: [{component_name: simple, "
                               "data_type: weights, layer_suffixes: swiglu.w_2, layers: 0}]}\n"
                               "- {metric_name: cka, target_checkpoint: 10, components: [{component_name: simple, "
                               "data_type: weights, layer_suffixes: swiglu.w_2, layers: 0}]}\n"
                               "- {metric_name: cka, debiased: true, target_checkpoint: 10, components: "
                               "[{component_name: simple, data_type: weights, layer_suffixes: swiglu.w_2, "
                               "layers: 0}]}\n"));
    assert_int_equal(pa_results_count(t.results), 8);
    for (int64_t i = 0; i < 8; i++) {
        const pa_result_row row = tiny_row(&t, i);
        assert_string_equal(row.file, files[i]);
        assert_string_equal(row.options, options[i]);
        assert_int_equal(row.compat, i == 4 ? PA_COMPAT_PICO : PA_COMPAT_LITERATURE);
        assert_int_equal(row.target_step, i < 5 ? -1 : i == 5 ? 0 : 10);
    }
    tiny_end(&t);
}

static void test_the_same_value_asked_for_twice_is_one_row(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(tiny_execute(&t, "steps: [0, 0]\nmetrics:\n"
                               "- {metric_name: gini, components: [{component_name: ov_circuit, layers: [0, 1, 0]}]}\n"
                               "- {metric_name: gini, components: [{component_name: ov_circuit, layers: [1], "
                               "layer_suffixes: {value_layer: attention.v_proj, output_layer: attention.o_proj}}]}\n"));
    assert_int_equal(pa_results_count(t.results) % 2, 0);
    const int64_t per_layer = pa_results_count(t.results) / 2;
    assert_int_equal(tiny_row(&t, per_layer - 1).layer, 0);
    assert_int_equal(tiny_row(&t, per_layer).layer, 1);
    tiny_end(&t);
}

static void test_one_key_from_two_choices_of_suffixes_goes_to_two_files(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(tiny_execute(&t, "steps: [0]\nmetrics:\n"
                               "- {metric_name: norm, components: [{component_name: ov_circuit, layers: 0}, "
                               "{component_name: ov_circuit, layers: [0, 1], layer_suffixes: {value_layer: "
                               "attention.k_proj}}]}\n"));
    const int64_t n = pa_results_count(t.results) / 3;
    const pa_result_row first = tiny_row(&t, 0);
    const pa_result_row again = tiny_row(&t, n);
    const pa_result_row other = tiny_row(&t, 2 * n);
    assert_string_equal(first.key, again.key);
    assert_string_equal(first.file, "norm_val");
    assert_string_equal(again.file, "norm_val.ov_circuit,value_layer=attention.k_proj");
    assert_true(first.value.value != again.value.value);
    assert_string_equal(other.key, "layers.1.ov_circuit.weights.heads.0");
    assert_string_equal(other.file, "norm_val"); /* nobody else has this key */
    tiny_end(&t);
}

static void test_bad_arguments_are_refused(void **state)
{
    (void)state;
    tiny t;
    tiny other;
    pa_error err;
    pa_analysis *analysis = NULL;
    pa_results *results = NULL;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(tiny_start(&other, NULL, 1));
    assert_ok(tiny_execute(&t, "steps: [0]\nmetrics: [{metric_name: norm, " SIMPLE "}]\n"));
    assert_fails(pa_analysis_create(t.ctx, NULL, t.run, &analysis, &err), PA_ERR_INVALID, "NULL");
    assert_fails(pa_analysis_create(t.ctx, t.config, NULL, &analysis, &err), PA_ERR_INVALID, "NULL");
    assert_fails(pa_analysis_create(t.ctx, t.config, t.run, NULL, &err), PA_ERR_INVALID, "NULL");
    assert_fails(pa_analysis_create(other.ctx, t.config, t.run, &analysis, &err), PA_ERR_INVALID, "another context");
    assert_fails(pa_analysis_execute(NULL, NULL, NULL, &results, &err), PA_ERR_INVALID, "NULL");
    assert_fails(pa_analysis_execute(t.analysis, NULL, NULL, NULL, &err), PA_ERR_INVALID, "NULL");
    pa_result_row row = {.struct_size = sizeof(row) - 8};
    pa_summary summary = {.struct_size = 8};
    assert_fails(pa_results_row(t.results, 0, &row, &err), PA_ERR_INVALID, "struct_size");
    assert_fails(pa_results_summary(t.results, &summary, &err), PA_ERR_INVALID, "struct_size");
    row.struct_size = sizeof(row);
    assert_fails(pa_results_row(t.results, 1, &row, &err), PA_ERR_INVALID, "row 1 of 1");
    assert_fails(pa_results_row(t.results, -1, &row, &err), PA_ERR_INVALID, "row -1 of 1");
    assert_fails(pa_results_row(NULL, 0, &row, &err), PA_ERR_INVALID, "NULL");
    assert_int_equal(pa_results_count(NULL), 0);
    pa_results_destroy(NULL);
    pa_analysis_destroy(NULL);
    tiny_end(&other);
    tiny_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_by_step_and_then_in_the_order_of_the_configuration),
        cmocka_unit_test(test_absent_steps_are_skipped_with_one_warning),
        cmocka_unit_test(test_a_run_without_any_of_the_steps_is_an_error_that_lists_what_there_is),
        cmocka_unit_test(test_absent_files_are_skipped_with_one_warning_for_each_cause),
        cmocka_unit_test(test_what_pico_analyze_does_differently_is_told_once),
        cmocka_unit_test(test_long_lists_of_steps_are_cut_short),
        cmocka_unit_test(test_a_file_that_a_component_needs_besides_its_own_may_be_absent_too),
        cmocka_unit_test(test_an_absent_file_of_the_target_skips_the_comparison),
        cmocka_unit_test(test_nothing_to_compute_at_all_is_an_error),
        cmocka_unit_test(test_a_missing_tensor_is_an_error_that_names_it),
        cmocka_unit_test(test_layers_outside_the_model_are_refused_with_their_place),
        cmocka_unit_test(test_a_metric_listed_again_keeps_both_results_apart),
        cmocka_unit_test(test_the_same_value_asked_for_twice_is_one_row),
        cmocka_unit_test(test_one_key_from_two_choices_of_suffixes_goes_to_two_files),
        cmocka_unit_test(test_bad_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
