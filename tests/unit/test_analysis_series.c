/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Values along a run and over an entry; comparisons of all kinds are the same however they are executed.
 */
#include "pa_test_files.h"
#include "target_kit.h"
#include "team_hub.h"

/* Every kind of target, second checkpoints, values along the run and over all, skips. */
static const char study[] =
    "steps: [0, 10, 20, 40]\nmetrics:\n- {metric_name: trail, " KIT_COUNTED
    "- {metric_name: inner, target_checkpoint: previous, " KIT_COUNTED
    "- {metric_name: ordered, target_checkpoint: initial, " KIT_COUNTED
    "- {metric_name: ordered, target_checkpoint: final, target_split: train, data_split: val, components: "
    "[{component_name: counted, data_type: activations, layer_suffixes: attention.v_proj}]}\n"
    "- {metric_name: ordered, target_split: train, " KIT_COUNTED "- {metric_name: inner, matrix: steps, " KIT_COUNTED
    "- {metric_name: pooled, matrix: steps, " KIT_COUNTED
    "- {metric_name: ordered, matrix: layers, components: [{component_name: counted, data_type: weights, layers: [0, "
    "2]}]}\n- {metric_name: trail, " KIT_DELTA("previous") "- {metric_name: cka, target_checkpoint: previous, "
                                                           "components: [{component_name: ov_circuit}]}\n";

static void assert_same_rows(const tiny *a, const tiny *b)
{
    const int64_t n = pa_results_count(a->results);
    assert_int_equal(pa_results_count(b->results), n);
    assert_string_equal(a->log.text, b->log.text);
    for (int64_t i = 0; i < n; i++) {
        const pa_result_row x = tiny_row(a, i);
        const pa_result_row y = tiny_row(b, i);
        assert_string_equal(x.key, y.key);
        assert_string_equal(x.file, y.file);
        assert_string_equal(x.component, y.component);
        assert_string_equal(x.target_split, y.target_split);
        assert_true(x.step == y.step && x.target_step == y.target_step && x.layer == y.layer && x.head == y.head);
        assert_int_equal(x.target_layer, y.target_layer);
        assert_int_equal(x.value.state, y.value.state);
        assert_memory_equal(&x.value.value, &y.value.value, sizeof(double));
        assert_string_equal(x.value.note, y.value.note);
        assert_int_equal(pa_value_output_count(&x.value), pa_value_output_count(&y.value));
    }
}

static double output_of(const pa_result_row *row, const char *name)
{
    pa_error err;
    pa_output output = {.struct_size = sizeof(output)};
    assert_ok(pa_value_find_output(&row->value, name, &output, &err));
    return output.number;
}

static void test_a_value_is_completed_by_that_of_the_step_before(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    kit_start(&t, 2, NULL);
    assert_ok(tiny_execute(&t, "steps: [0, 10, 40]\nmetrics:\n- {metric_name: trail, " KIT_COUNTED));
    assert_int_equal(pa_results_count(t.results), 3 * 10);
    for (int64_t layer = 0; layer < 3; layer++) {
        static const int64_t steps[] = {0, 10, 40};
        char key[40];
        double sum = 0.0;
        pa_test_format(key, sizeof(key), "layers.%d.counted", (int)layer);
        for (int s = 0; s < 3; s++) {
            const pa_result_row row = kit_row(&t, steps[s], key);
            sum += kit_inner_of(kit_at(steps[s], 1, layer), kit_at(steps[s], 1, layer));
            assert_close(row.value.value, sum, 1e-13);
            assert_close(output_of(&row, "steps"), s + 1.0, 0.0);
        }
    }
    tiny_end(&t);
}

static void test_a_step_without_data_does_not_break_a_series(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    kit_start(&t, 1, NULL);
    assert_ok(tiny_execute(&t, "steps: [0, 10, 20, 40]\nmetrics:\n- {metric_name: trail, data_split: train, "
                               "components: [{component_name: counted, data_type: activations, layer_suffixes: "
                               "attention.v_proj}]}\n"));
    const pa_result_row last = kit_row(&t, 40, "layers.0.counted");
    assert_close(output_of(&last, "steps"), 3.0, 0.0); /* 0, 10 and 40 */
    tiny_end(&t);
}

static void test_an_entry_has_one_more_value_over_its_wholes(void **state)
{
    (void)state;
    static const int64_t steps[] = {0, 10};
    tiny t;
    pa_error err;
    double expected = 0.0;
    kit_start(&t, 2, NULL);
    assert_ok(tiny_execute(
        &t, "steps: [0, 10]\nmetrics:\n- {metric_name: trail, " KIT_COUNTED
            "- {metric_name: trail, components: [{component_name: counted, data_type: weights, layers: [1, 1]}]}\n"
            "- {metric_name: norm, " KIT_COUNTED "- {metric_name: pooled, matrix: layers, " KIT_COUNTED
            "- {metric_name: pooled, matrix: steps, " KIT_COUNTED));
    for (int s = 0; s < 2; s++) {
        double own = 0.0;
        for (int64_t layer = 0; layer < 3; layer++) {
            expected += kit_inner_of(kit_at(steps[s], 1, layer), kit_at(steps[s], 1, layer));
        }
        pa_result_row row = kit_row(&t, steps[s], "all");
        assert_string_equal(row.component, "all");
        assert_string_equal(row.file, "trail_val");
        assert_true(row.layer == -1 && row.head == -1 && row.target_step == -1);
        assert_close(row.value.value, expected, 1e-13);
        assert_close(output_of(&row, "values"), 3.0, 0.0); /* heads are not wholes */
        int64_t alls = 0;
        for (int64_t i = 0; i < pa_results_count(t.results); i++) { /* what an entry shares with another is in both */
            row = tiny_row(&t, i);
            alls += row.step == steps[s] && strncmp(row.key, "all", 3) == 0;
            if (row.step == steps[s] && strcmp(row.file, "trail_val.entry=2") == 0) {
                assert_string_equal(row.key, "all");
                assert_close(output_of(&row, "values"), 1.0, 0.0);
            }
        }
        assert_int_equal(alls, 2 + 2); /* all pairs of layers are no whole */
        own = 0.0;
        for (int64_t layer = 0; layer < 3; layer++) {
            own += kit_inner_of(kit_at(steps[s], 1, layer), kit_at(10, 1, layer));
        }
        row = kit_row(&t, steps[s], "all.step_10");
        assert_close(row.value.value, own, 1e-13);
        assert_int_equal(row.target_step, 10);
    }
    tiny_end(&t);
}

/** @name Failure
 * @{ */

typedef struct fault {
    pa_status status;
    int32_t follows; /* else it pools */
    const char *text;
} fault;

static pa_status faulty_follow(void *user_data, const pa_options *options, const pa_value *before, pa_value *value,
                               pa_error *err)
{
    const fault *f = user_data;
    (void)options;
    (void)err;
    if (before != NULL && f->status == PA_OK) {
        pa_value_clear(value);
    }
    return before != NULL ? f->status : PA_OK;
}

static pa_status faulty_pool(void *user_data, const pa_options *options, const pa_value *const *values,
                             int64_t n_values, pa_value *out, pa_error *err)
{
    (void)options;
    (void)values;
    (void)n_values;
    (void)out;
    (void)err;
    return ((const fault *)user_data)->status;
}

static void test_failures_along_the_run_are_told(void **state)
{
    (void)state;
    static fault faults[] = {
        {PA_ERR_UNSUPPORTED, 1, "step 10, faulty of layers.0.counted.heads.0: metric 'faulty': its follow returned "},
        {PA_OK, 1, "metric 'faulty': its follow has set no value"},
        {PA_ERR_UNSUPPORTED, 0, "metric 'faulty': its pool returned "},
        {PA_OK, 0, "metric 'faulty': its pool has set no value"},
        {7, 0, "metric 'faulty': its pool returned 7"},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        tiny t;
        pa_error err;
        const pa_metric_ops ops = {.struct_size = sizeof(ops),
                                   .name = "faulty",
                                   .n_inputs = 1,
                                   .compute = kit_square,
                                   .follow = faults[i].follows ? faulty_follow : NULL,
                                   .pool = faults[i].follows ? NULL : faulty_pool};
        kit_start(&t, 2, NULL);
        assert_ok(pa_metric_register(t.ctx, &ops, &faults[i], &err));
        const pa_status status = tiny_execute(&t, "steps: [0, 10]\nmetrics:\n- {metric_name: faulty, " KIT_COUNTED);
        assert_int_equal(status, faults[i].status < 0 ? faults[i].status : PA_ERR_CALLBACK);
        if (strstr(t.err.message, faults[i].text) == NULL) {
            fail_msg("'%s' is not in '%s'", faults[i].text, t.err.message);
        }
        tiny_end(&t);
    }
}
/** @} */

/** @name However it is executed
 * @{ */

static void test_rows_do_not_depend_on_threads(void **state)
{
    (void)state;
    tiny one;
    pa_error err;
    kit_start(&one, 1, NULL);
    assert_ok(tiny_execute(&one, study));
    assert_true(pa_results_count(one.results) > 300);
    for (int32_t threads = 2; threads <= 8; threads += 3) {
        tiny t;
        kit_start(&t, threads, NULL);
        assert_ok(tiny_execute(&t, study));
        assert_same_rows(&one, &t);
        tiny_end(&t);
    }
    tiny_end(&one);
}

static void test_a_memory_limit_changes_nothing(void **state)
{
    (void)state;
    tiny one;
    tiny t;
    pa_error err;
    kit_start(&one, 1, NULL);
    assert_ok(tiny_execute(&one, study));
    memset(&t, 0, sizeof(t));
    const pa_context_options options = {
        .struct_size = sizeof(options), .log = tiny_listen, .log_user = &t.log, .threads = 4, .max_memory = 1};
    assert_ok(pa_context_create(&options, &t.ctx, &err));
    assert_ok(kit_register(t.ctx, NULL, &err));
    assert_ok(tiny_execute(&t, study));
    assert_same_rows(&one, &t);
    tiny_end(&t);
    tiny_end(&one);
}

static pa_status run_with_journal(tiny *t, int32_t threads, const char *journal, pa_journal_mode mode)
{
    pa_error err;
    kit_start(t, threads, NULL);
    assert_ok(tiny_plan(t, study));
    assert_ok(pa_analysis_set_journal(t->analysis, journal, mode, &err));
    return pa_analysis_execute(t->analysis, NULL, NULL, &t->results, &t->err);
}

static void test_a_resumed_analysis_has_the_same_rows(void **state)
{
    (void)state;
    enum { CUTS = 24 };
    char directory[128];
    char journal[256];
    tiny one;
    pa_error err;
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(journal, sizeof(journal), "%s/results.journal", directory);
    assert_ok(run_with_journal(&one, 1, journal, PA_JOURNAL_START));
    pa_test_bytes whole = pa_test_read(journal);
    for (size_t cut = 0; cut <= CUTS; cut++) {
        tiny t;
        pa_test_write(journal, whole.data, whole.n * cut / CUTS);
        assert_ok(run_with_journal(&t, 1 + (int32_t)cut % 3, journal, PA_JOURNAL_RESUME));
        assert_same_rows(&one, &t);
        tiny_end(&t);
    }
    pa_test_free(&whole);
    tiny_end(&one);
    pa_test_remove(directory);
}

static void test_the_journal_of_other_targets_is_refused(void **state)
{
    (void)state;
#define INNER(keys) "steps: [0, 10]\nmetrics:\n- {metric_name: inner, " keys ", " KIT_COUNTED
#define DELTA(reference) "steps: [0, 10]\nmetrics:\n- {metric_name: norm, " KIT_DELTA(reference)
    static const char *const plans[] = {INNER("target_checkpoint: previous"),
                                        INNER("target_checkpoint: initial"),
                                        INNER("target_checkpoint: 10"),
                                        INNER("target_checkpoint: final"),
                                        INNER("target_split: train"),
                                        INNER("target_split: train, target_checkpoint: previous"),
                                        INNER("matrix: steps"),
                                        INNER("matrix: layers"),
                                        DELTA("initial"),
                                        DELTA("previous"),
                                        DELTA("10")};
    const size_t n = sizeof(plans) / sizeof(plans[0]);
    char directory[128];
    char journal[256];
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(journal, sizeof(journal), "%s/results.journal", directory);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++) {
            tiny t;
            pa_error err;
            kit_start(&t, 1, NULL);
            assert_ok(tiny_plan(&t, plans[k == 0 ? i : (i + k) % n]));
            assert_ok(
                pa_analysis_set_journal(t.analysis, journal, k == 0 ? PA_JOURNAL_START : PA_JOURNAL_RESUME, &err));
            const pa_status status = pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err);
            assert_int_equal(status, k == 0 ? PA_OK : PA_ERR_FORMAT);
            tiny_end(&t);
        }
    }
    pa_test_remove(directory);
}

static void add_kit(member *m)
{
    pa_error err;
    assert_ok(kit_register(m->t.ctx, NULL, &err));
}

static void test_rows_do_not_depend_on_the_number_of_ranks(void **state)
{
    (void)state;
    tiny one;
    pa_error err;
    kit_start(&one, 2, NULL);
    assert_ok(tiny_execute(&one, study));
    for (int32_t n = 2; n <= 4; n++) {
        hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
        member members[4];
        team_seat(members, n, &h, study);
        for (int32_t i = 0; i < n; i++) {
            members[i].prepare = add_kit;
        }
        team_plan(members, n);
        team_run(members, n);
        for (int32_t i = 0; i < n; i++) {
            err = members[i].t.err;
            assert_ok(members[i].status);
        }
        assert_same_rows(&one, &members[0].t);
        assert_int_equal(hub_clear(&h), 0);
        team_end(members, n);
    }
    tiny_end(&one);
}
/** @} */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_is_completed_by_that_of_the_step_before),
        cmocka_unit_test(test_a_step_without_data_does_not_break_a_series),
        cmocka_unit_test(test_an_entry_has_one_more_value_over_its_wholes),
        cmocka_unit_test(test_failures_along_the_run_are_told),
        cmocka_unit_test(test_rows_do_not_depend_on_threads),
        cmocka_unit_test(test_a_memory_limit_changes_nothing),
        cmocka_unit_test(test_a_resumed_analysis_has_the_same_rows),
        cmocka_unit_test(test_the_journal_of_other_targets_is_refused),
        cmocka_unit_test(test_rows_do_not_depend_on_the_number_of_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
