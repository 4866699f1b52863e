/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What a plan says of itself: who shares which answer, and that saying it reads no tensor. */
#include "tiny_run.h"

static const char *const study =
    "steps: [0, 20]\nmetrics:\n"
    "- {metric_name: per, components: [{component_name: ov_circuit, layers: 1}]}\n"
    "- {metric_name: norm, norm_type: nuclear, components: [{component_name: ov_circuit, "
    "layers: 1}]}\n"
    "- {metric_name: gini, components: [{component_name: simple, layer_suffixes: "
    "swiglu.w_2, layers: 0}]}\n"
    "- {metric_name: cka, target_checkpoint: 20, components: [{component_name: ov_circuit, "
    "layers: 0}]}\n";

typedef struct lines {
    char text[8000];
    int count;
} lines;

static void keep_line(void *user, const char *line)
{
    lines *l = user;
    (void)strncat(l->text, line, sizeof(l->text) - strlen(l->text) - 2);
    (void)strncat(l->text, "\n", 2);
    l->count++;
}

static void assert_said(const lines *said, const char *part)
{
    if (strstr(said->text, part) == NULL) {
        fail_msg("'%s' is not in:\n%s", part, said->text);
    }
}

static void test_sharing_and_routes_are_told(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    lines said = {.count = 0};
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(tiny_plan(&t, study));
    assert_ok(pa_analysis_explain(t.analysis, keep_line, &said, &err));
    assert_said(&said, "2 steps, 2 layers, 4 items; estimates for step 0");
    assert_said(&said, "layers.1.ov_circuit.weights.heads.0 and 3 alike");
    assert_said(&said, "singular values for per, norm: SVD of");
    assert_said(&said, "Gram inner product for cka against step 20");
    assert_said(&said, "magnitudes for gini: sorted");
    assert_said(&said, "without structure or sharing");
    tiny_end(&t);
}

static void test_explaining_changes_nothing_that_is_computed(void **state)
{
    (void)state;
    tiny plain;
    tiny told;
    pa_error err;
    lines said = {.count = 0};
    assert_ok(tiny_start(&plain, NULL, 1));
    assert_ok(tiny_execute(&plain, study));
    assert_ok(tiny_start(&told, NULL, 1));
    assert_ok(tiny_plan(&told, study));
    assert_ok(pa_analysis_explain(told.analysis, keep_line, &said, &err));
    assert_ok(pa_analysis_execute(told.analysis, NULL, NULL, &told.results, &err));
    pa_summary a = {.struct_size = sizeof(a)};
    pa_summary b = {.struct_size = sizeof(b)};
    assert_ok(pa_results_summary(plain.results, &a, &err));
    assert_ok(pa_results_summary(told.results, &b, &err));
    assert_int_equal(a.values, b.values);
    assert_int_equal(a.bytes_read, b.bytes_read);
    assert_int_equal(a.computed, b.computed);
    assert_true(a.computed > 0 && a.computed < a.queries);
    tiny_end(&plain);
    tiny_end(&told);
}

/* per and the nuclear norm ask for the same singular values: the second computes nothing new. */
static void test_metrics_of_one_matrix_share_its_factorization(void **state)
{
    (void)state;
    static const char *const one = "steps: [0]\nmetrics:\n"
                                   "- {metric_name: per, components: [{component_name: ov_circuit}]}\n";
    static const char *const two = "steps: [0]\nmetrics:\n"
                                   "- {metric_name: per, components: [{component_name: ov_circuit}]}\n"
                                   "- {metric_name: norm, norm_type: nuclear, components: [{component_name: "
                                   "ov_circuit}]}\n"
                                   "- {metric_name: condition_number, components: [{component_name: ov_circuit}]}\n";
    const char *const texts[2] = {one, two};
    pa_summary summary[2];
    pa_error err;
    for (int i = 0; i < 2; i++) {
        tiny t;
        assert_ok(tiny_start(&t, NULL, 2));
        assert_ok(tiny_execute(&t, texts[i]));
        summary[i].struct_size = sizeof(summary[i]);
        assert_ok(pa_results_summary(t.results, &summary[i], &err));
        tiny_end(&t);
    }
    assert_int_equal(summary[1].values, 3 * summary[0].values);
    assert_int_equal(summary[1].computed, summary[0].computed);
    assert_int_equal(summary[1].bytes_read, summary[0].bytes_read);
}

static void test_null_arguments_are_refused(void **state)
{
    (void)state;
    pa_error err;
    assert_fails(pa_analysis_explain(NULL, keep_line, NULL, &err), PA_ERR_INVALID, "NULL");
}

static void ignore_line(void *user, const char *line)
{
    (void)user;
    (void)line;
}

static pa_status explain_under_pressure(const pa_allocator *mem, void *user)
{
    (void)user;
    tiny t;
    pa_status status = tiny_start(&t, mem, 1);
    if (status == PA_OK) {
        status = tiny_plan(&t, study);
    }
    if (status == PA_OK) {
        status = pa_analysis_explain(t.analysis, ignore_line, NULL, &t.err);
    }
    tiny_end(&t);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(explain_under_pressure, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sharing_and_routes_are_told),
        cmocka_unit_test(test_explaining_changes_nothing_that_is_computed),
        cmocka_unit_test(test_metrics_of_one_matrix_share_its_factorization),
        cmocka_unit_test(test_null_arguments_are_refused),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
