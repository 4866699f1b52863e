/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Analyses that were interrupted and go on: the same rows, none lost, none doubled, nothing computed again.
 */
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "pa_test_files.h"
#include "tiny_run.h"

/* All kinds, heads, a comparison, and skips: step 20 has no train split. */
static const char study[] =
    "steps: [0, 10, 20]\nmetrics:\n"
    "- {metric_name: cka, target_checkpoint: 10, components: [{component_name: simple, layer_suffixes: "
    "attention.v_proj}]}\n"
    "- {metric_name: per, data_split: train, components: [{component_name: ov_circuit, data_type: gradients}]}\n"
    "- {metric_name: condition_number, components: [{component_name: ov_circuit, layers: [0, 2]}]}\n";

/* Few and small records. */
static const char small[] = "steps: [0, 20]\nmetrics:\n- {metric_name: norm, data_split: train, components: "
                            "[{component_name: simple, layer_suffixes: swiglu.w_2, data_type: weights}]}\n"
                            "- {metric_name: gini, components: [{component_name: simple, layer_suffixes: swiglu.w_2, "
                            "data_type: weights, layers: 1}]}\n";

typedef struct place {
    char directory[128];
    char journal[256];
} place;

static place place_start(void)
{
    place p;
    pa_test_directory(p.directory, sizeof(p.directory));
    pa_test_format(p.journal, sizeof(p.journal), "%s/results.journal", p.directory);
    return p;
}

static pa_status begin(tiny *t, const char *yaml, int32_t threads, const place *p, pa_journal_mode mode)
{
    pa_error err;
    assert_ok(tiny_start(t, NULL, threads));
    assert_ok(tiny_plan(t, yaml));
    if (p != NULL) {
        assert_ok(pa_analysis_set_journal(t->analysis, p->journal, mode, &err));
    }
    return pa_analysis_execute(t->analysis, NULL, NULL, &t->results, &t->err);
}

static void assert_same_text(const char *a, const char *b)
{
    if (a != b) {
        assert_string_equal(a, b);
    }
}

/* Every field of every row, and what was warned of. */
static void assert_same(const tiny *a, const tiny *b)
{
    const int64_t n = pa_results_count(a->results);
    assert_int_equal(pa_results_count(b->results), n);
    assert_string_equal(a->log.text, b->log.text);
    for (int64_t i = 0; i < n; i++) {
        const pa_result_row x = tiny_row(a, i);
        const pa_result_row y = tiny_row(b, i);
        assert_same_text(x.run, y.run);
        assert_same_text(x.split, y.split);
        assert_same_text(x.metric, y.metric);
        assert_same_text(x.options, y.options);
        assert_same_text(x.component, y.component);
        assert_same_text(x.key, y.key);
        assert_same_text(x.file, y.file);
        assert_true(x.step == y.step && x.target_step == y.target_step && x.layer == y.layer && x.head == y.head);
        assert_true(x.kind == y.kind && x.compat == y.compat);
        assert_memory_equal(&x.value.value, &y.value.value, sizeof(double));
        assert_true(x.value.state == y.value.state && x.value.dtype == y.value.dtype);
        assert_true(x.value.n == y.value.n && x.value.p == y.value.p && x.value.rank == y.value.rank);
        assert_true(x.value.rank_storage == y.value.rank_storage && x.value.nonfinite == y.value.nonfinite);
        assert_same_text(x.value.definition, y.value.definition);
        assert_same_text(x.value.estimator, y.value.estimator);
        assert_same_text(x.value.note, y.value.note);
    }
}

static int64_t bytes_read(const tiny *t)
{
    pa_error err;
    pa_summary summary = {.struct_size = sizeof(summary)};
    assert_ok(pa_results_summary(t->results, &summary, &err));
    return summary.bytes_read;
}

static void test_a_finished_journal_gives_the_same_rows_and_reads_nothing(void **state)
{
    (void)state;
    const place p = place_start();
    tiny plain;
    tiny kept;
    pa_error err;
    assert_ok(begin(&plain, study, 1, NULL, 0));
    assert_true(plain.log.count > 0);
    for (int32_t threads = 1; threads <= 8; threads *= 2) {
        assert_ok(begin(&kept, study, threads, &p, PA_JOURNAL_START));
        assert_same(&plain, &kept);
        assert_true(bytes_read(&kept) > 0);
        tiny_end(&kept);
        assert_ok(begin(&kept, study, threads, &p, PA_JOURNAL_RESUME));
        assert_same(&plain, &kept);
        assert_int_equal(bytes_read(&kept), 0);
        /* The same analysis again, without a journal: computed once more. */
        pa_results_destroy(kept.results);
        memset(&kept.log, 0, sizeof(kept.log));
        assert_ok(pa_analysis_set_journal(kept.analysis, NULL, PA_JOURNAL_START, &err));
        assert_ok(pa_analysis_execute(kept.analysis, NULL, NULL, &kept.results, &err));
        assert_same(&plain, &kept);
        assert_true(bytes_read(&kept) > 0);
        tiny_end(&kept);
    }
    tiny_end(&plain);
    pa_test_remove(p.directory);
}

static void test_a_journal_cut_at_any_byte_gives_the_same_rows(void **state)
{
    (void)state;
    const place p = place_start();
    tiny plain;
    tiny resumed;
    pa_error err;
    int64_t least = INT64_MAX;
    assert_ok(begin(&plain, small, 1, &p, PA_JOURNAL_START));
    pa_test_bytes whole = pa_test_read(p.journal);
    for (size_t n = 0; n <= whole.n; n++) {
        pa_test_write(p.journal, whole.data, n);
        assert_ok(begin(&resumed, small, 1, &p, PA_JOURNAL_RESUME));
        assert_same(&plain, &resumed);
        assert_true(bytes_read(&resumed) <= least); /* more kept, less computed */
        least = bytes_read(&resumed);
        tiny_end(&resumed);
        pa_test_bytes after = pa_test_read(p.journal);
        assert_int_equal(after.n, whole.n);
        pa_test_free(&after);
        assert_ok(begin(&resumed, small, 1, &p, PA_JOURNAL_RESUME)); /* what was computed now is in it too */
        assert_same(&plain, &resumed);
        assert_int_equal(bytes_read(&resumed), 0);
        tiny_end(&resumed);
    }
    assert_int_equal(least, 0);
    pa_test_free(&whole);
    tiny_end(&plain);
    pa_test_remove(p.directory);
}

typedef struct stopper {
    int64_t calls;
    int64_t stop_at;
    int64_t first_done; /**< Values at the first call. */
} stopper;

static int32_t stop(void *user, const pa_progress *progress)
{
    stopper *s = user;
    s->first_done = s->calls == 0 ? progress->values_done : s->first_done;
    assert_true(progress->values_done <= progress->values);
    return s->calls++ != s->stop_at;
}

static void test_an_analysis_cancelled_anywhere_goes_on_with_any_number_of_threads(void **state)
{
    (void)state;
    static const int32_t threads[] = {1, 2, 8};
    const place p = place_start();
    tiny plain;
    pa_error err;
    assert_ok(begin(&plain, study, 1, NULL, 0));
    for (int64_t stop_at = 0;; stop_at++) {
        tiny t;
        stopper s = {.stop_at = stop_at};
        assert_ok(tiny_start(&t, NULL, threads[stop_at % 3]));
        assert_ok(tiny_plan(&t, study));
        assert_ok(pa_analysis_set_journal(t.analysis, p.journal, PA_JOURNAL_START, &err));
        const pa_status first = pa_analysis_execute(t.analysis, stop, &s, &t.results, &err);
        if (first == PA_OK) { /* it was not called that often */
            tiny_end(&t);
            if (stop_at > 60) {
                break;
            }
            continue;
        }
        assert_int_equal(first, PA_ERR_CANCELLED);
        s = (stopper){.stop_at = -1};
        memset(&t.log, 0, sizeof(t.log));
        assert_ok(pa_analysis_set_journal(t.analysis, p.journal, PA_JOURNAL_RESUME, &err));
        assert_ok(pa_analysis_execute(t.analysis, stop, &s, &t.results, &err));
        assert_same(&plain, &t);
        assert_true(s.first_done <= pa_results_count(plain.results));
        tiny_end(&t);
    }
    tiny_end(&plain);
    pa_test_remove(p.directory);
}

static void test_damage_is_an_error_and_never_other_rows(void **state)
{
    (void)state;
    const place p = place_start();
    tiny plain;
    tiny t;
    int64_t refused = 0;
    pa_error err;
    assert_ok(begin(&plain, small, 1, &p, PA_JOURNAL_START));
    pa_test_bytes whole = pa_test_read(p.journal);
    /* Resumed from in its middle, the first half has been flushed, and the second says so. */
    pa_test_write(p.journal, whole.data, 2 * whole.n / 3);
    pa_test_free(&whole);
    assert_ok(begin(&t, small, 1, &p, PA_JOURNAL_RESUME));
    tiny_end(&t);
    whole = pa_test_read(p.journal);
    for (size_t at = 0; at < whole.n; at++) {
        whole.data[at] ^= 0x20;
        pa_test_write(p.journal, whole.data, whole.n);
        const pa_status status = begin(&t, small, 1, &p, PA_JOURNAL_RESUME);
        if (status == PA_OK) {
            assert_same(&plain, &t);
        } else {
            assert_int_equal(status, PA_ERR_FORMAT);
            assert_null(t.results);
            refused++;
        }
        tiny_end(&t);
        whole.data[at] ^= 0x20;
    }
    assert_true(refused > (int64_t)whole.n / 2);

    /* A record twice: no row may come twice. */
    pa_test_write(p.journal, whole.data, whole.n);
    pa_test_bytes records = pa_test_read(p.journal);
    pa_test_put(&whole, records.data + 24, records.n - 24);
    pa_test_free(&records);
    pa_test_write(p.journal, whole.data, whole.n);
    assert_int_equal(begin(&t, small, 1, &p, PA_JOURNAL_RESUME), PA_ERR_EXISTS);
    assert_non_null(strstr(t.err.message, "results.journal: the values of step 0, layer 0 are there already"));
    tiny_end(&t);
    pa_test_free(&whole);
    tiny_end(&plain);
    pa_test_remove(p.directory);
}

static void test_the_journal_of_another_plan_is_refused(void **state)
{
    (void)state;
    static const char *const others[] = {
        "steps: [0, 10]\nmetrics: [{metric_name: gini, components: [{component_name: ov_circuit}]}]\n",
        "steps: [0]\nmetrics: [{metric_name: gini, compat: pico, components: [{component_name: ov_circuit}]}]\n",
        "steps: [0]\nmetrics: [{metric_name: gini, components: [{component_name: ov_circuit, compat: pico}]}]\n",
        "steps: [0]\nmetrics: [{metric_name: hoyer, components: [{component_name: ov_circuit}]}]\n",
        "steps: [0]\nmetrics: [{metric_name: gini, data_split: train, components: [{component_name: ov_circuit}]}]\n",
        "steps: [0]\nmetrics: [{metric_name: gini, components: [{component_name: ov_circuit, layers: [0, 1]}]}]\n",
        "steps: [0]\nmetrics: [{metric_name: gini, components: [{component_name: ov_circuit, data_type: "
        "activations}]}]\n",
        "steps: [0]\nmetrics: [{metric_name: gini, components: [{component_name: ov_circuit, layer_suffixes: "
        "{value_layer: attention.k_proj}}]}]\n",
    };
    static const char mine[] =
        "steps: [0]\nmetrics: [{metric_name: gini, components: [{component_name: ov_circuit, data_type: weights}]}]\n";
    const place p = place_start();
    tiny t;
    pa_error err;
    assert_ok(begin(&t, mine, 1, &p, PA_JOURNAL_START));
    tiny_end(&t);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(begin(&t, others[i], 1, &p, PA_JOURNAL_RESUME), PA_ERR_FORMAT);
        assert_non_null(strstr(t.err.message, "is the journal of another analysis"));
        tiny_end(&t);
    }
    assert_ok(begin(&t, mine, 8, &p, PA_JOURNAL_RESUME)); /* and is still there */
    assert_int_equal(bytes_read(&t), 0);
    tiny_end(&t);
    pa_test_remove(p.directory);
}

static void test_a_journal_that_cannot_be_written_ends_the_analysis(void **state)
{
    (void)state;
    const place p = place_start();
    tiny plain;
    tiny t;
    pa_error err;
    struct rlimit before;
    assert_ok(begin(&plain, study, 1, NULL, 0));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (int32_t threads = 1; threads <= 4; threads += 3) {
        const struct rlimit full = {.rlim_cur = 2000, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
        const pa_status status = begin(&t, study, threads, &p, PA_JOURNAL_START);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(status, PA_ERR_IO);
        assert_non_null(strstr(t.err.message, "results.journal: write: "));
        tiny_end(&t);
        assert_ok(begin(&t, study, threads, &p, PA_JOURNAL_RESUME));
        assert_same(&plain, &t);
        tiny_end(&t);
    }
    tiny_end(&plain);
    pa_test_remove(p.directory);
}

static void test_arguments_are_checked(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    assert_fails(pa_analysis_set_journal(NULL, "x", PA_JOURNAL_START, &err), PA_ERR_INVALID, "NULL");
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(tiny_plan(&t, small));
    assert_fails(pa_analysis_set_journal(t.analysis, "", PA_JOURNAL_START, &err), PA_ERR_INVALID, "path is \"\"");
    assert_fails(pa_analysis_set_journal(t.analysis, "x", 2, &err), PA_ERR_INVALID, "unknown journal mode 2");
    tiny_end(&t);
}

static pa_status resumed_analysis(const pa_allocator *mem, void *user)
{
    const place *p = user;
    tiny t;
    pa_status status = tiny_start(&t, mem, 1);
    if (status == PA_OK) {
        status = tiny_plan(&t, small);
    }
    if (status == PA_OK) {
        status = pa_analysis_set_journal(t.analysis, p->journal, PA_JOURNAL_RESUME, &t.err);
    }
    if (status == PA_OK) {
        status = pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &t.err);
    }
    tiny_end(&t);
    return status;
}

/* Each attempt finds what those before it have finished; the first sweep starts without a journal. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    place p = place_start();
    pa_test_oom_sweep(resumed_analysis, &p);
    pa_test_remove(p.directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_finished_journal_gives_the_same_rows_and_reads_nothing),
        cmocka_unit_test(test_a_journal_cut_at_any_byte_gives_the_same_rows),
        cmocka_unit_test(test_an_analysis_cancelled_anywhere_goes_on_with_any_number_of_threads),
        cmocka_unit_test(test_damage_is_an_error_and_never_other_rows),
        cmocka_unit_test(test_the_journal_of_another_plan_is_refused),
        cmocka_unit_test(test_a_journal_that_cannot_be_written_ends_the_analysis),
        cmocka_unit_test(test_arguments_are_checked),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
