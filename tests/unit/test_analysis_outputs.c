/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Named outputs on their way from a metric of a user's to the rows of an analysis: through units, whatever the number of
 * threads, a journal and a team.
 */
#include "pa_test_files.h"
#include "pa_test_outputs.h"
#include "team_hub.h"

static const char study[] = "steps: [0, 10, 20]\nmetrics:\n"
                            "- {metric_name: spread, components: [{component_name: simple, layer_suffixes: "
                            "swiglu.w_2, data_type: weights}, {component_name: ov_circuit, data_type: weights}]}\n"
                            "- {metric_name: norm, components: [{component_name: ov_circuit, layers: [1]}]}\n";

/* Little enough to fail at each of its allocations. */
static const char small[] = "steps: [20]\nmetrics: [{metric_name: spread, components: [{component_name: simple, "
                            "layer_suffixes: swiglu.w_2, data_type: weights, layers: [0, 1]}]}]\n";

/* The largest element; beside it the mean, the sums of columns, and one that there is not. */
static pa_status compute_spread(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                                pa_error *err)
{
    (void)user_data;
    (void)options;
    const double *x = NULL;
    double sums[64] = {0.0};
    double total = 0.0;
    double largest = -INFINITY;
    const int64_t n = pa_matrix_rows(in[0]);
    const int64_t p = pa_matrix_cols(in[0]);
    assert_true(p <= 64);
    pa_status status = pa_matrix_values(in[0], &x, err);
    for (int64_t i = 0; status == PA_OK && i < n * p; i++) {
        sums[i % p] += x[i];
        total += x[i];
        largest = fmax(largest, x[i]);
    }
    pa_value_set(out, largest);
    status = status != PA_OK ? status : pa_value_add_number(out, "mean", total / (double)(n * p), err);
    status = status != PA_OK ? status : pa_value_add_array(out, "sums", "column", &p, 1, sums, err);
    return status != PA_OK ? status : pa_value_add_undefined(out, "skew", PA_STATE_DEGENERATE, err);
}

static pa_status add_spread(pa_context *ctx)
{
    static const pa_metric_ops ops = {
        .struct_size = sizeof(ops), .name = "spread", .n_inputs = 1, .compute = compute_spread};
    return pa_metric_register(ctx, &ops, NULL, NULL);
}

static pa_status plan(tiny *t, const char *yaml, const pa_allocator *mem, int32_t threads)
{
    pa_status status = tiny_start(t, mem, threads);
    status = status != PA_OK ? status : add_spread(t->ctx);
    return status != PA_OK ? status : tiny_plan(t, yaml);
}

static tiny execute(int32_t threads)
{
    tiny t;
    pa_error err = {0};
    assert_ok(plan(&t, study, NULL, threads));
    assert_ok(pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err));
    return t;
}

static void assert_same_rows(const tiny *a, const tiny *b)
{
    const int64_t n = pa_results_count(a->results);
    assert_int_equal(pa_results_count(b->results), n);
    for (int64_t i = 0; i < n; i++) {
        const pa_result_row x = tiny_row(a, i);
        const pa_result_row y = tiny_row(b, i);
        assert_string_equal(x.key, y.key);
        assert_string_equal(x.metric, y.metric);
        assert_memory_equal(&x.value.value, &y.value.value, sizeof(double));
        assert_same_outputs(&x.value, &y.value, x.key);
    }
}

static void test_rows_have_the_outputs_of_their_matrix(void **state)
{
    (void)state;
    const tiny alone = execute(1);
    tiny t = alone;
    int64_t seen = 0;
    for (int64_t r = 0; r < pa_results_count(t.results); r++) {
        const pa_result_row row = tiny_row(&t, r);
        const int is_spread = strcmp(row.metric, "spread") == 0;
        assert_int_equal(pa_value_output_count(&row.value), is_spread ? 3 : 0);
        if (!is_spread || strcmp(row.component, "simple") != 0) {
            continue;
        }
        double sums[16] = {0.0}; /* swiglu.w_2 is [8, 16] */
        double total = 0.0;
        for (int64_t i = 0; i < 8; i++) {
            for (int64_t j = 0; j < 16; j++) {
                sums[j] += tiny_entry(row.step, 1, PA_WEIGHTS, row.layer, TINY_W2, i, j);
                total += tiny_entry(row.step, 1, PA_WEIGHTS, row.layer, TINY_W2, i, j);
            }
        }
        const pa_output mean = output_at(&row.value, 0);
        const pa_output columns = output_at(&row.value, 1);
        assert_string_equal(mean.name, "mean");
        assert_close(mean.number, total / 128.0, 1e-12);
        assert_string_equal(columns.axes, "column");
        assert_int_equal(columns.shape[0], 16);
        for (int64_t j = 0; j < 16; j++) {
            assert_close(columns.numbers[j], sums[j], 1e-12);
        }
        assert_int_equal(output_at(&row.value, 2).state, PA_STATE_DEGENERATE);
        seen++;
    }
    assert_int_equal(seen, 9);
    tiny_end(&t);
}

static void test_threads_do_not_matter(void **state)
{
    (void)state;
    tiny one = execute(1);
    tiny eight = execute(8);
    assert_same_rows(&one, &eight);
    tiny_end(&eight);
    tiny_end(&one);
}

static void test_rows_outlive_the_analysis(void **state)
{
    (void)state;
    tiny t = execute(2);
    pa_analysis_destroy(t.analysis);
    pa_config_destroy(t.config);
    t.analysis = NULL;
    t.config = NULL;
    const pa_result_row row = tiny_row(&t, 0);
    assert_string_equal(output_at(&row.value, 0).name, "mean");
    tiny_end(&t);
}

static int32_t stop_after(void *user, const pa_progress *progress)
{
    (void)progress;
    int64_t *left = user;
    return (*left)-- > 0;
}

/* Stopped at every point and resumed: some of the rows then come out of the journal. */
static void test_a_journal_keeps_them(void **state)
{
    (void)state;
    tiny whole = execute(1);
    char directory[128];
    char journal[256];
    pa_error err = {0};
    pa_status status = PA_ERR_CANCELLED;
    int64_t resumed = 0;
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(journal, sizeof(journal), "%s/results.journal", directory);
    for (int64_t stop = 0; status != PA_OK; stop++) {
        tiny t;
        int64_t left = stop;
        assert_ok(plan(&t, study, NULL, 1));
        assert_ok(pa_analysis_set_journal(t.analysis, journal, PA_JOURNAL_RESUME, &err));
        status = pa_analysis_execute(t.analysis, stop_after, &left, &t.results, &err);
        assert_true(status == PA_OK || status == PA_ERR_CANCELLED);
        pa_results_destroy(t.results);
        resumed += access(journal, F_OK) == 0;
        assert_ok(pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err));
        assert_same_rows(&whole, &t);
        assert_int_equal(remove(journal), 0);
        tiny_end(&t);
        assert_true(stop < 1000);
    }
    assert_true(resumed > 1);
    tiny_end(&whole);
    pa_test_remove(directory);
}

static void prepare(member *m)
{
    assert_int_equal(add_spread(m->t.ctx), PA_OK);
}

static void test_a_team_sends_them(void **state)
{
    (void)state;
    tiny whole = execute(1);
    hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    member members[3];
    team_seat(members, 3, &h, study);
    for (int i = 0; i < 3; i++) {
        members[i].prepare = prepare;
    }
    team_plan(members, 3);
    team_run(members, 3);
    assert_string_equal(members[0].t.err.message, "");
    assert_int_equal(members[0].status, PA_OK);
    assert_same_rows(&whole, &members[0].t);
    team_end(members, 3);
    tiny_end(&whole);
}

static pa_status execute_once(const pa_allocator *mem, void *user)
{
    (void)user;
    tiny t;
    pa_status status = plan(&t, small, mem, 1);
    status = status != PA_OK ? status : pa_analysis_execute(t.analysis, NULL, NULL, &t.results, NULL);
    tiny_end(&t);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(execute_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_have_the_outputs_of_their_matrix),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_rows_outlive_the_analysis),
        cmocka_unit_test(test_a_journal_keeps_them),
        cmocka_unit_test(test_a_team_sends_them),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
