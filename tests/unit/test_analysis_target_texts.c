/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What is said of targets: errors with their place, and explanations.
 */
#include "pa_test_files.h"
#include "target_kit.h"

static void test_wrong_targets_are_told_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        const char *text;
    } cases[] = {
        {"metric_name: norm, target_split: train, " KIT_COUNTED, ":37: metric 'norm' compares nothing: it takes no "
                                                                 "target_split"},
        {"metric_name: norm, target_run: x, " KIT_COUNTED, "it takes no target_run"},
        {"metric_name: norm, matrix: steps, " KIT_COUNTED, ":31: metric 'norm' compares nothing: it takes no matrix"},
        {"metric_name: inner, " KIT_COUNTED, "tiny.yaml:3:3: metric 'inner' compares two steps: it needs "
                                             "'target_checkpoint'"},
        {"metric_name: inner, target_checkpoint: previus, " KIT_COUNTED,
         "tiny.yaml:3:43: unknown target_checkpoint 'previus'; did you mean 'previous'?"},
        {"metric_name: inner, target_checkpoint: -3, " KIT_COUNTED, "target_checkpoint is -3; it must be at least 0"},
        {"metric_name: inner, target_checkpoint: [1], " KIT_COUNTED, "target_checkpoint must be of type integer"},
        {"metric_name: inner, target_checkpoint: 1.5, " KIT_COUNTED, "must be of type integer, not number '1.5'"},
        {"metric_name: inner, target_split: test, " KIT_COUNTED, "unknown target_split 'test'; known: train, val"},
        {"metric_name: inner, target_split: [val], " KIT_COUNTED, "target_split must be of type string"},
        {"metric_name: inner, target_split: val, " KIT_COUNTED, "target_split is data_split: each matrix would be"},
        {"metric_name: inner, target_run: '', " KIT_COUNTED, "target_run is empty"},
        {"metric_name: inner, target_run: [x], " KIT_COUNTED, "target_run must be of type string"},
        {"metric_name: inner, matrix: heads, " KIT_COUNTED, "tiny.yaml:3:32: unknown matrix 'heads'; known: steps, "},
        {"metric_name: inner, matrix: [steps], " KIT_COUNTED, "matrix must be of type string"},
        {"metric_name: inner, matrix: steps, target_checkpoint: 0, " KIT_COUNTED,
         "'matrix' says what is compared: it goes without target_checkpoint"},
        {"metric_name: norm, " KIT_PAIRS, "tiny.yaml:3:53: component 'pairs' gives pairs of matrices, which metric "
                                          "'norm' does not compare"},
        {"metric_name: inner, target_checkpoint: 0, " KIT_PAIRS,
         "tiny.yaml:3:43: component 'pairs' gives pairs, which are compared with each other: there is no other target"},
        {"metric_name: inner, matrix: layers, " KIT_PAIRS, "there is no other target"},
        {"metric_name: norm, components: [{component_name: delta}]}\n",
         "tiny.yaml:3:36: component 'delta' needs 'reference': a step, previous, initial or final"},
        {"metric_name: norm, " KIT_DELTA("finale"), "unknown reference 'finale'; did you mean 'final'?"},
        {"metric_name: norm, " KIT_DELTA("-1"), "reference is -1; it must be at least 0"},
        {"metric_name: norm, components: [{component_name: counted, reference: 0}]}\n",
         "tiny.yaml:3:73: component 'counted' takes no reference"},
    };
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        tiny t;
        char yaml[400];
        kit_start(&t, 1, NULL);
        pa_test_format(yaml, sizeof(yaml), "steps: [0]\nmetrics:\n- {%s", cases[c].keys);
        const pa_status status = tiny_plan(&t, yaml);
        if (status != PA_ERR_CONFIG || strstr(t.err.message, cases[c].text) == NULL) {
            fail_msg("%s: '%s' is not in '%s'", cases[c].keys, cases[c].text, t.err.message);
        }
        tiny_end(&t);
    }
    tiny t;
    pa_error err;
    kit_start(&t, 1, NULL);
    assert_int_equal(tiny_plan(&t, "steps: [0]\nmetrics:\n- {metric_name: norm, " KIT_DELTA("30")), PA_ERR_NOT_FOUND);
    err = t.err;
    assert_non_null(strstr(err.message, "run 'tiny' has no step 30, the reference of 'delta'; it has 4 steps: 0, 10"));
    tiny_end(&t);
}

typedef struct lines {
    char text[20000];
} lines;

static void keep_line(void *user, const char *line)
{
    lines *l = user;
    (void)strncat(l->text, line, sizeof(l->text) - strlen(l->text) - 2);
    (void)strncat(l->text, "\n", 2);
}

static void test_targets_pairs_and_references_are_explained(void **state)
{
    (void)state;
#define SIMPLE "components: [{component_name: simple, layer_suffixes: attention.v_proj}]}\n"
    static const char *const said[] = {
        "2 steps, 3 layers, ",
        "Gram inner product for cka against the step before, cka against step 0, cka against the same step (train), "
        "cka of "
        "all pairs of steps, cka of all pairs of layers: ",
        "layer 0, delta of weights (val), reference previous\n    layers.0.delta: ",
        "layer 0, delta of weights (val), reference 40\n",
    };
    tiny t;
    pa_error err;
    lines text = {.text = ""};
    kit_start(&t, 1, NULL);
    assert_ok(tiny_plan(&t, "steps: [0, 10]\nmetrics:\n"
                            "- {metric_name: cka, target_checkpoint: previous, " SIMPLE
                            "- {metric_name: cka, target_checkpoint: initial, " SIMPLE
                            "- {metric_name: cka, target_split: train, " SIMPLE
                            "- {metric_name: cka, matrix: steps, " SIMPLE "- {metric_name: cka, matrix: layers, " SIMPLE
                            "- {metric_name: norm, " KIT_DELTA("previous") "- {metric_name: norm, " KIT_DELTA(
                                "40") "- {metric_name: inner, " KIT_PAIRS));
    assert_ok(pa_analysis_explain(t.analysis, keep_line, &text, &err));
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        if (strstr(text.text, said[i]) == NULL) {
            fail_msg("'%s' is not in:\n%s", said[i], text.text);
        }
    }
    tiny_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_targets_are_told_with_their_place),
        cmocka_unit_test(test_targets_pairs_and_references_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
