/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Executing a plan: the right numbers, each thing once, whatever the number of threads; progress and failure.
 */
#include <stdatomic.h>

#include "tiny_run.h"

/** @name A metric and a component of the test's own
 * @{ */

/* ||A|| - 1000 ||B||: tells which matrix came first and which second. */
static pa_status ordered(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    double a = 0.0;
    double b = 0.0;
    (void)user_data;
    (void)options;
    pa_status status = pa_matrix_frobenius(in[0], &a, err);
    if (status == PA_OK) {
        status = pa_matrix_frobenius(in[1], &b, err);
    }
    if (status == PA_OK) {
        pa_value_set(out, a - 1000.0 * b);
    }
    return status;
}

/* Fails where the user data says so. */
static pa_status failing(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)options;
    (void)in;
    (void)err;
    pa_value_set(out, 1.0);
    return *(const pa_status *)user_data;
}

static pa_status counted_build(void *user_data, pa_site *site, pa_error *err)
{
    pa_matrix *matrix = NULL;
    atomic_fetch_add((atomic_int *)user_data, 1);
    pa_status status = pa_site_tensor(site, "", pa_site_kind(site), &matrix, err);
    if (status == PA_OK) {
        status =
            pa_site_emit(site, pa_checkpoint_step(pa_site_checkpoint(site)) == 40 ? "late" : "early", -1, matrix, err);
    }
    pa_matrix_destroy(matrix);
    return status;
}

/* Row i of the tensor as head i. */
static pa_status rows_build(void *user_data, pa_site *site, pa_error *err)
{
    pa_matrix *matrix = NULL;
    (void)user_data;
    pa_status status = pa_site_tensor(site, "", pa_site_kind(site), &matrix, err);
    for (int64_t i = 0; status == PA_OK && i < pa_matrix_rows(matrix); i++) {
        pa_matrix *row = NULL;
        status = pa_matrix_slice(matrix, i, 1, 0, pa_matrix_cols(matrix), &row, err);
        if (status == PA_OK) {
            status = pa_site_emit(site, "rows", i, row, err);
        }
        pa_matrix_destroy(row);
    }
    pa_matrix_destroy(matrix);
    return status;
}

static const pa_role_spec one_role = {.name = ""};
static const pa_metric_ops ordered_ops = {
    .struct_size = sizeof(pa_metric_ops), .name = "ordered", .n_inputs = 2, .compute = ordered};
static const pa_metric_ops failing_ops = {
    .struct_size = sizeof(pa_metric_ops), .name = "failing", .n_inputs = 1, .compute = failing};
static const pa_component_ops counted_ops = {.struct_size = sizeof(pa_component_ops),
                                             .name = "counted",
                                             .roles = &one_role,
                                             .n_roles = 1,
                                             .build = counted_build};
static const pa_component_ops rows_ops = {
    .struct_size = sizeof(pa_component_ops), .name = "rows", .roles = &one_role, .n_roles = 1, .build = rows_build};
/** @} */

static void test_values_belong_to_their_step_split_kind_and_layer(void **state)
{
    (void)state;
    static const char *const splits[] = {"train", "val"};
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 3));
    assert_ok(tiny_execute(&t, "steps: [0, 10]\nmetrics:\n"
                               "- {metric_name: norm, data_split: train, components: ["
                               "{component_name: simple, data_type: weights, layer_suffixes: swiglu.w_2}, "
                               "{component_name: simple, data_type: gradients, layer_suffixes: swiglu.w_2}]}\n"
                               "- {metric_name: norm, components: ["
                               "{component_name: simple, layer_suffixes: swiglu.w_2}]}\n"));
    const int64_t n = pa_results_count(t.results);
    assert_int_equal(n, 2 * 9);
    for (int64_t i = 0; i < n; i++) {
        const pa_result_row row = tiny_row(&t, i);
        const int split = i % 9 >= 6;
        assert_string_equal(row.split, splits[split]);
        assert_int_equal(row.layer, i % 3);
        assert_int_equal(row.kind, i % 9 / 3 == 1 ? PA_GRADIENTS : PA_WEIGHTS);
        assert_int_equal(row.value.state, PA_STATE_OK);
        assert_int_equal(row.value.n, 8);
        assert_int_equal(row.value.p, 16);
        assert_close(row.value.value, tiny_frobenius(row.step, split, row.kind, row.layer, TINY_W2), 1e-14);
    }
    tiny_end(&t);
}

static void test_values_belong_to_their_head(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 4));
    assert_ok(pa_component_register(t.ctx, &rows_ops, NULL, &err));
    assert_ok(tiny_execute(&t, "steps: [0, 20]\nmetrics: [{metric_name: norm, components: [{component_name: rows, "
                               "layer_suffixes: swiglu.w_2}]}]\n"));
    assert_int_equal(pa_results_count(t.results), 2 * 3 * 8);
    for (int64_t i = 0; i < 48; i++) {
        const pa_result_row row = tiny_row(&t, i);
        double sum = 0.0;
        assert_int_equal(row.head, i % 8);
        for (int64_t j = 0; j < 16; j++) {
            sum += pow(tiny_entry(row.step, 1, PA_WEIGHTS, row.layer, TINY_W2, row.head, j), 2.0);
        }
        assert_close(row.value.value, sqrt(sum), 1e-14);
    }
    tiny_end(&t);
}

static void test_a_comparison_has_the_step_first_and_the_target_second(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 2));
    assert_ok(pa_metric_register(t.ctx, &ordered_ops, NULL, &err));
    assert_ok(tiny_execute(&t, "steps: [0, 10, 20]\nmetrics:\n"
                               "- {metric_name: ordered, target_checkpoint: 10, components: [{component_name: simple, "
                               "layer_suffixes: attention.v_proj}]}\n"
                               "- {metric_name: ordered, target_checkpoint: 0, components: [{component_name: simple, "
                               "layer_suffixes: attention.v_proj}]}\n"));
    assert_int_equal(pa_results_count(t.results), 18);
    for (int64_t i = 0; i < 18; i++) {
        const pa_result_row row = tiny_row(&t, i);
        assert_int_equal(row.target_step, i % 6 < 3 ? 10 : 0);
        assert_close(row.value.value,
                     tiny_frobenius(row.step, 1, PA_ACTIVATIONS, row.layer, TINY_V) -
                         1000.0 * tiny_frobenius(row.target_step, 1, PA_ACTIVATIONS, row.layer, TINY_V),
                     1e-13);
    }
    tiny_end(&t);
}

static void test_samples_that_cannot_be_paired_give_a_state(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 2));
    assert_ok(tiny_execute(&t, "steps: [10, 40]\nmetrics: [{metric_name: cka, target_checkpoint: 40, components: "
                               "[{component_name: simple, layer_suffixes: attention.v_proj, layers: 1}]}]\n"));
    pa_summary summary = {.struct_size = sizeof(summary)};
    assert_ok(pa_results_summary(t.results, &summary, &err));
    assert_int_equal(summary.values, 2);
    assert_int_equal(summary.undefined, 1);
    assert_int_equal(tiny_row(&t, 0).value.state, PA_STATE_UNSUPPORTED);
    assert_close(tiny_row(&t, 0).value.value, 0.0, 0.0);
    assert_int_equal(tiny_row(&t, 1).value.state, PA_STATE_OK);
    assert_close(tiny_row(&t, 1).value.value, 1.0, 1e-12); /* with itself */
    tiny_end(&t);
}

static void test_each_site_is_built_once_a_step_and_the_target_once(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    atomic_int builds;
    atomic_init(&builds, 0);
    assert_ok(tiny_start(&t, NULL, 4));
    assert_ok(pa_component_register(t.ctx, &counted_ops, &builds, &err));
    assert_ok(pa_metric_register(t.ctx, &ordered_ops, NULL, &err));
#define COUNTED "components: [{component_name: counted, data_type: weights, layer_suffixes: swiglu.w_2}]}\n"
    assert_ok(tiny_execute(&t, "steps: [0, 10, 20]\nmetrics:\n"
                               "- {metric_name: gini, " COUNTED "- {metric_name: norm, " COUNTED
                               "- {metric_name: norm, norm_type: nuclear, " COUNTED
                               "- {metric_name: ordered, target_checkpoint: 20, " COUNTED
                               "- {metric_name: ordered, target_checkpoint: 10, " COUNTED));
    assert_int_equal(pa_results_count(t.results), 3 * 5 * 3);
    assert_int_equal(atomic_load(&builds), 3 * 3); /* steps x layers: the targets are steps themselves */
    tiny_reset(&t);
    atomic_store(&builds, 0);
    assert_ok(tiny_execute(&t, "steps: [0, 10]\nmetrics:\n- {metric_name: ordered, target_checkpoint: 20, " COUNTED));
    assert_int_equal(atomic_load(&builds), 3 * 3); /* two steps and one target */
    tiny_end(&t);
}

static void test_a_key_that_the_target_lacks_gives_a_state(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    atomic_int builds;
    atomic_init(&builds, 0);
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(pa_component_register(t.ctx, &counted_ops, &builds, &err));
    assert_ok(pa_metric_register(t.ctx, &ordered_ops, NULL, &err));
    assert_ok(tiny_execute(&t, "steps: [0]\nmetrics:\n- {metric_name: ordered, target_checkpoint: 40, " COUNTED));
    assert_string_equal(tiny_row(&t, 0).key, "layers.0.early");
    assert_int_equal(tiny_row(&t, 0).value.state, PA_STATE_UNSUPPORTED);
    assert_string_equal(tiny_row(&t, 0).value.note, "the target step has no matrix of this key");
    tiny_end(&t);
}

/* Everything at once: all kinds, heads, comparisons, skips. */
static const char everything[] =
    "steps: [0, 10, 20, 40]\nmetrics:\n"
    "- {metric_name: cka, target_checkpoint: 20, components: [{component_name: ov_circuit}, {component_name: simple, "
    "layer_suffixes: attention.o_proj}, {component_name: ov_circuit, data_type: weights}]}\n"
    "- {metric_name: pwcca, target_checkpoint: 0, components: [{component_name: ov_circuit}]}\n"
    "- {metric_name: per, data_split: train, components: [{component_name: ov_circuit, data_type: gradients}]}\n"
    "- {metric_name: condition_number, components: [{component_name: ov_circuit}, {component_name: simple, "
    "layer_suffixes: swiglu.w_2}]}\n"
    "- {metric_name: norm, norm_type: nuclear, components: [{component_name: ov_circuit}]}\n"
    "- {metric_name: gini, components: [{component_name: ov_circuit}]}\n";

static void test_results_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    static const int32_t threads[] = {1, 2, 8};
    tiny t[3];
    pa_error err;
    for (int k = 0; k < 3; k++) {
        assert_ok(tiny_start(&t[k], NULL, threads[k]));
        assert_ok(tiny_execute(&t[k], everything));
    }
    const int64_t n = pa_results_count(t[0].results);
    assert_true(n > 300);
    for (int k = 1; k < 3; k++) {
        assert_int_equal(pa_results_count(t[k].results), n);
        assert_string_equal(t[k].log.text, t[0].log.text);
        for (int64_t i = 0; i < n; i++) {
            const pa_result_row a = tiny_row(&t[0], i);
            const pa_result_row b = tiny_row(&t[k], i);
            assert_string_equal(a.key, b.key);
            assert_string_equal(a.file, b.file);
            assert_int_equal(a.step, b.step);
            assert_int_equal(a.value.state, b.value.state);
            assert_string_equal(a.value.note, b.value.note);
            assert_memory_equal(&a.value.value, &b.value.value, sizeof(double));
        }
    }
    for (int k = 0; k < 3; k++) {
        tiny_end(&t[k]);
    }
}

static void test_executing_again_starts_anew_and_results_outlive_their_analysis(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    pa_results *again = NULL;
    assert_ok(tiny_start(&t, NULL, 2));
    assert_ok(tiny_execute(&t, everything));
    assert_ok(pa_analysis_execute(t.analysis, NULL, NULL, &again, &err));
    pa_results *first = t.results;
    t.results = NULL;
    tiny_reset(&t);
    const int64_t n = pa_results_count(first);
    assert_int_equal(pa_results_count(again), n);
    for (int64_t i = 0; i < n; i++) {
        pa_result_row a = {.struct_size = sizeof(a)};
        pa_result_row b = {.struct_size = sizeof(b)};
        assert_ok(pa_results_row(first, i, &a, &err));
        assert_ok(pa_results_row(again, i, &b, &err));
        assert_string_equal(a.key, b.key);
        assert_string_equal(a.run, "tiny");
        assert_memory_equal(&a.value.value, &b.value.value, sizeof(double));
    }
    pa_summary summary = {.struct_size = sizeof(summary)};
    assert_ok(pa_results_summary(first, &summary, &err));
    assert_int_equal(summary.values, n);
    assert_true(summary.bytes_read > 10000);
    assert_true(summary.seconds > 0.0 && summary.seconds < 100.0);
    pa_results_destroy(first);
    pa_results_destroy(again);
    tiny_end(&t);
}

typedef struct watcher {
    int64_t calls;
    int64_t stop_at; /**< Call that asks to stop; negative: none. */
    pa_progress last;
    pthread_t thread;
} watcher;

static int32_t watch(void *user, const pa_progress *progress)
{
    watcher *w = user;
    assert_true(w->calls > 0 || (progress->values_done == 0 && progress->values > 0));
    assert_true(progress->struct_size == sizeof(*progress));
    assert_true(pthread_equal(pthread_self(), w->thread));
    assert_true(progress->steps_done >= w->last.steps_done);
    assert_true(progress->values_done >= w->last.values_done);
    assert_true(progress->values_done <= progress->values);
    w->last = *progress;
    return w->calls++ != w->stop_at;
}

static void test_progress_grows_and_ends_complete(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    watcher w = {.stop_at = -1, .thread = pthread_self()};
    assert_ok(tiny_start(&t, NULL, 2));
    assert_ok(tiny_plan(&t, everything));
    assert_ok(pa_analysis_execute(t.analysis, watch, &w, &t.results, &err));
    assert_int_equal(w.last.steps, 4);
    assert_int_equal(w.last.steps_done, 4);
    assert_int_equal(w.last.step, 40);
    assert_int_equal(w.last.values, pa_results_count(t.results));
    assert_int_equal(w.last.values_done, pa_results_count(t.results));
    tiny_end(&t);
}

/* The number of calls on one thread: between tasks. Where others compute too, at least each finished step is told. */
static int64_t cancel_at_every_call(int32_t threads)
{
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, threads));
    assert_ok(tiny_plan(&t, everything));
    int64_t stop_at = 0;
    for (;; stop_at++) {
        watcher w = {.stop_at = stop_at, .thread = pthread_self()};
        pa_results *results = (pa_results *)&err;
        const pa_status status = pa_analysis_execute(t.analysis, watch, &w, &results, &err);
        if (status == PA_OK) { /* it was not called that often */
            pa_results_destroy(results);
            break;
        }
        assert_int_equal(status, PA_ERR_CANCELLED);
        assert_non_null(strstr(err.message, "cancelled at step "));
        assert_null(results);
    }
    tiny_end(&t);
    return stop_at;
}

static void test_every_call_of_progress_may_cancel(void **state)
{
    (void)state;
    assert_true(cancel_at_every_call(1) > 8);
    assert_true(cancel_at_every_call(2) >= 4);
}

static void test_a_failing_metric_is_told_with_step_and_key(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    pa_status code = PA_ERR_UNSUPPORTED;
    assert_ok(tiny_start(&t, NULL, 4));
    assert_ok(pa_metric_register(t.ctx, &failing_ops, &code, &err));
    assert_fails(tiny_execute(&t, "steps: [10]\nmetrics:\n- {metric_name: failing, components: [{component_name: "
                                  "simple, layer_suffixes: swiglu.w_2}]}\n"),
                 PA_ERR_UNSUPPORTED, "");
    assert_string_equal(t.err.message, "step 10, failing of layers.0.swiglu.w_2.weights: metric 'failing' returned -5");
    tiny_end(&t);
}

static void test_a_component_that_fails_is_told_with_step_and_layer(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_fails(tiny_execute(&t, "steps: [10]\nmetrics:\n- {metric_name: gini, components: [{component_name: "
                                  "ov_circuit, layers: 2, layer_suffixes: {value_layer: swiglu.w_2}}]}\n"),
                 PA_ERR_SHAPE, "");
    assert_non_null(strstr(t.err.message, "run 'tiny', step 10 (val), layer 2, component 'ov_circuit': "));
    tiny_end(&t);
}

static pa_status whole_analysis(const pa_allocator *mem, void *user)
{
    tiny t;
    (void)user;
    pa_status status = tiny_start(&t, mem, 1);
    if (status == PA_OK) {
        status = tiny_execute(
            &t, "steps: [0, 20]\nmetrics:\n"
                "- {metric_name: cka, target_checkpoint: 20, components: [{component_name: simple, "
                "layer_suffixes: attention.v_proj, layers: 1}]}\n"
                "- {metric_name: norm, norm_type: nuclear, data_split: train, components: [{component_name: "
                "simple, layer_suffixes: swiglu.w_2, layers: [0]}]}\n"
                "- {metric_name: norm, data_split: train, components: [{component_name: ov_circuit, layers: [0]}]}\n");
    }
    tiny_end(&t);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(whole_analysis, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_belong_to_their_step_split_kind_and_layer),
        cmocka_unit_test(test_values_belong_to_their_head),
        cmocka_unit_test(test_a_comparison_has_the_step_first_and_the_target_second),
        cmocka_unit_test(test_samples_that_cannot_be_paired_give_a_state),
        cmocka_unit_test(test_each_site_is_built_once_a_step_and_the_target_once),
        cmocka_unit_test(test_a_key_that_the_target_lacks_gives_a_state),
        cmocka_unit_test(test_results_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(test_executing_again_starts_anew_and_results_outlive_their_analysis),
        cmocka_unit_test(test_progress_grows_and_ends_complete),
        cmocka_unit_test(test_every_call_of_progress_may_cancel),
        cmocka_unit_test(test_a_failing_metric_is_told_with_step_and_key),
        cmocka_unit_test(test_a_component_that_fails_is_told_with_step_and_layer),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
