/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Several ranks compute one analysis: the rows of one process, whoever computes what, and one way to end.
 */
#include <time.h>

#include "pa_test_files.h"
#include "team_hub.h"

/* All kinds, heads, comparisons, skips: 12 units. */
static const char study[] =
    "steps: [0, 10, 20, 40]\nmetrics:\n"
    "- {metric_name: cka, target_checkpoint: 20, components: [{component_name: ov_circuit}, {component_name: simple, "
    "layer_suffixes: attention.o_proj}]}\n"
    "- {metric_name: per, data_split: train, components: [{component_name: ov_circuit, data_type: gradients}]}\n"
    "- {metric_name: condition_number, components: [{component_name: simple, layer_suffixes: swiglu.w_2}]}\n"
    "- {metric_name: gini, components: [{component_name: ov_circuit}]}\n";
enum { STUDY_UNITS = 12 };

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
        assert_string_equal(x.split, y.split);
        assert_string_equal(x.metric, y.metric);
        assert_int_equal(x.step, y.step);
        assert_int_equal(x.head, y.head);
        assert_memory_equal(&x.value, &y.value, sizeof(x.value));
    }
}

static tiny alone(const char *yaml)
{
    tiny t;
    pa_error err = {0};
    assert_ok(tiny_start(&t, NULL, 2));
    assert_ok(tiny_execute(&t, yaml));
    return t;
}

/* All have ended with one status and one text; nobody has rows. */
static void assert_all_failed(const member *members, int32_t n, pa_status status, const char *part)
{
    for (int32_t i = 0; i < n; i++) {
        if (members[i].status != status || strstr(members[i].t.err.message, part) == NULL) {
            fail_msg("rank %d: %s: %s", (int)i, pa_status_name(members[i].status), members[i].t.err.message);
        }
        assert_string_equal(members[i].t.err.message, members[0].t.err.message);
        assert_null(members[i].t.results);
    }
}

static void test_rows_do_not_depend_on_the_number_of_ranks(void **state)
{
    (void)state;
    static const int32_t sizes[] = {1, 2, 4, 8};
    tiny one = alone(study);
    pa_error err;
    pa_summary whole = {.struct_size = sizeof(whole)};
    pa_summary shared = {.struct_size = sizeof(shared)};
    assert_ok(pa_results_summary(one.results, &whole, &err));
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
        member members[HUB_RANKS];
        team_seat(members, sizes[k], &h, study);
        team_plan(members, sizes[k]);
        team_run(members, sizes[k]);
        for (int32_t i = 0; i < sizes[k]; i++) {
            err = members[i].t.err;
            assert_ok(members[i].status);
        }
        assert_same_rows(&members[0].t, &one);
        assert_ok(pa_results_summary(members[0].t.results, &shared, &err));
        assert_int_equal(shared.undefined, whole.undefined);
        assert_true(shared.bytes_read >= whole.bytes_read); /* each rank opens what it needs */
        for (int32_t i = 1; i < sizes[k]; i++) {
            assert_int_equal(pa_results_count(members[i].t.results), 0);
            assert_int_equal(members[i].t.log.count, 0);
        }
        assert_int_equal(hub_clear(&h), 0); /* all that was said was heard */
        team_end(members, sizes[k]);
    }
    tiny_end(&one);
}

/** @name A metric that does what the test says
 * @{ */

static void wait_a_little(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    (void)nanosleep(&pause, NULL);
}

/* On rank 0: does not end before the others have done all the rest. Half a minute is never. */
static pa_status patient(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    member *m = user_data;
    int64_t rows = 0;
    (void)options;
    (void)in;
    for (int i = 0; m->seat.rank == 0 && rows < STUDY_UNITS - 2; i++) {
        wait_a_little();
        pthread_mutex_lock(&m->seat.at->lock);
        rows = m->seat.at->rows[1] + m->seat.at->rows[2];
        pthread_mutex_unlock(&m->seat.at->lock);
        if (i > 30000) {
            (void)snprintf(err->message, sizeof(err->message), "the others did %d units", (int)rows);
            return PA_ERR_CALLBACK;
        }
    }
    pa_value_set(out, 1.0);
    return PA_OK;
}

static void add_patient(member *m)
{
    static const pa_metric_ops ops = {.struct_size = sizeof(ops), .name = "patient", .n_inputs = 1, .compute = patient};
    pa_error err;
    assert_ok(pa_metric_register(m->t.ctx, &ops, m, &err));
}

/* Fails from a step on, in one layer or all. */
static pa_status picky_build(void *user_data, pa_site *site, pa_error *err)
{
    pa_matrix *matrix = NULL;
    const int64_t *limits = user_data;
    if (pa_checkpoint_step(pa_site_checkpoint(site)) >= limits[0] && pa_site_layer(site) >= limits[1]) {
        (void)snprintf(err->message, sizeof(err->message), "too late");
        return PA_ERR_UNSUPPORTED;
    }
    pa_status status = pa_site_tensor(site, "", pa_site_kind(site), &matrix, err);
    if (status == PA_OK) {
        status = pa_site_emit(site, "", -1, matrix, err);
    }
    pa_matrix_destroy(matrix);
    return status;
}

static void add_picky(member *m)
{
    static const pa_role_spec role = {.name = ""};
    static const pa_component_ops ops = {
        .struct_size = sizeof(ops), .name = "picky", .roles = &role, .n_roles = 1, .build = picky_build};
    pa_error err;
    assert_ok(pa_component_register(m->t.ctx, &ops, m->user, &err));
}
/** @} */

static void test_nobody_waits_for_a_long_task_of_rank_0(void **state)
{
    (void)state;
    hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    member members[3];
    pa_error err;
    team_seat(members, 3, &h,
              "steps: [0, 10, 20, 40]\nmetrics: [{metric_name: patient, components: [{component_name: "
              "simple, layer_suffixes: swiglu.w_2}]}]\n");
    for (int i = 0; i < 3; i++) {
        members[i].prepare = add_patient;
        members[i].threads = 1;
    }
    team_plan(members, 3);
    team_run(members, 3);
    err = members[0].t.err;
    assert_ok(members[0].status);
    assert_int_equal(pa_results_count(members[0].t.results), STUDY_UNITS);
    team_end(members, 3);
}

static void test_the_earliest_failure_is_told_to_all(void **state)
{
    (void)state;
    static const char yaml[] = "steps: [0, 10, 20, 40]\nmetrics: [{metric_name: norm, components: [{component_name: "
                               "picky, data_type: weights, layer_suffixes: swiglu.w_2}]}]\n";
    static int64_t limits[] = {10, 1};
    for (int round = 0; round < 20; round++) {
        for (int32_t n = 2; n <= 4; n += 2) {
            hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
            member members[4];
            team_seat(members, n, &h, yaml);
            for (int i = 0; i < n; i++) {
                members[i].prepare = add_picky;
                members[i].user = limits;
            }
            team_plan(members, n);
            team_run(members, n);
            assert_all_failed(members, n, PA_ERR_UNSUPPORTED,
                              "run 'tiny', step 10 (val), layer 1, component 'picky': too late");
            hub_clear(&h);
            team_end(members, n);
        }
    }
}

static void test_a_failure_on_one_rank_names_it(void **state)
{
    (void)state;
    hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    member members[3];
    static int64_t never[] = {INT64_MAX, 0};
    static int64_t always[] = {0, 0};
    team_seat(members, 3, &h,
              "steps: [0, 10, 20, 40]\nmetrics: [{metric_name: norm, components: [{component_name: "
              "picky, data_type: weights, layer_suffixes: swiglu.w_2}]}]\n");
    for (int i = 0; i < 3; i++) {
        members[i].prepare = add_picky;
        members[i].user = i == 2 ? always : never;
    }
    team_plan(members, 3);
    team_run(members, 3);
    if (members[0].status != PA_OK) { /* rank 2 got something to do */
        assert_all_failed(members, 3, PA_ERR_UNSUPPORTED, "rank 2: run 'tiny', step ");
    }
    hub_clear(&h);
    team_end(members, 3);
}

/* Stops at a call of its own; the same team then does the whole. */
static int32_t stop_at(void *user, const pa_progress *progress)
{
    int64_t *left = user;
    (void)progress;
    return left == NULL || (*left)-- != 0;
}

static void test_any_rank_may_cancel_at_any_time_and_the_team_goes_on(void **state)
{
    (void)state;
    tiny one = alone(study);
    for (int32_t who = 0; who < 3; who++) {
        int64_t cancelled = 0;
        hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
        member members[3];
        team_seat(members, 3, &h, study);
        for (int i = 0; i < 3; i++) {
            members[i].progress = stop_at;
        }
        team_plan(members, 3);
        for (int64_t at = 0; at < 12; at++) {
            int64_t left = at;
            pa_error err;
            members[who].user = &left;
            team_run(members, 3);
            if (members[0].status != PA_OK) {
                assert_all_failed(members, 3, PA_ERR_CANCELLED, "cancelled");
                cancelled++;
            }
            members[who].user = NULL;
            memset(members[0].t.log.text, 0, sizeof(members[0].t.log.text));
            team_run(members, 3);
            err = members[0].t.err;
            assert_ok(members[0].status);
            assert_same_rows(&members[0].t, &one);
        }
        assert_true(cancelled > 0);
        team_end(members, 3);
        assert_int_equal(hub_clear(&h), 0);
    }
    tiny_end(&one);
}

static void test_what_others_have_done_is_in_the_journal(void **state)
{
    (void)state;
    tiny one = alone(study);
    char directory[128];
    char journal[256];
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(journal, sizeof(journal), "%s/results.journal", directory);
    hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    member members[3];
    team_seat(members, 3, &h, study);
    team_plan(members, 3);
    pa_error err;
    for (int64_t at = 0; at < 8; at++) { /* stopped ever later */
        int64_t left = at;
        for (int i = 0; i < 3; i++) {
            members[i].journal = journal;
            members[i].mode = PA_JOURNAL_RESUME;
        }
        members[0].progress = stop_at;
        members[0].user = &left;
        team_run(members, 3);
        if (members[0].status == PA_OK) {
            break;
        }
        assert_all_failed(members, 3, PA_ERR_CANCELLED, "cancelled at step ");
    }
    members[0].user = NULL;
    memset(members[0].t.log.text, 0, sizeof(members[0].t.log.text));
    hub_clear(&h);
    team_run(members, 3);
    err = members[0].t.err;
    assert_ok(members[0].status);
    assert_same_rows(&members[0].t, &one);
    memset(members[0].t.log.text, 0, sizeof(members[0].t.log.text));
    memset(h.rows, 0, sizeof(h.rows));
    team_run(members, 3); /* nothing is left to do */
    err = members[0].t.err;
    assert_ok(members[0].status);
    assert_same_rows(&members[0].t, &one);
    assert_int_equal(h.rows[1] + h.rows[2], 0);
    team_end(members, 3);
    tiny_end(&one);
    pa_test_remove(directory);
}

/* The callback of rank 0 is told about the whole. */
static int32_t note_progress(void *user, const pa_progress *progress)
{
    pa_progress *last = user;
    assert_true(progress->values_done >= last->values_done && progress->steps_done >= last->steps_done);
    assert_true(progress->values_done <= progress->values);
    *last = *progress;
    return 1;
}

static void test_progress_of_rank_0_counts_all(void **state)
{
    (void)state;
    hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    member members[4];
    pa_progress last = {0};
    team_seat(members, 4, &h, study);
    members[0].progress = note_progress;
    members[0].user = &last;
    team_plan(members, 4);
    team_run(members, 4);
    assert_int_equal(last.steps_done, 4);
    assert_int_equal(last.values_done, pa_results_count(members[0].t.results));
    assert_int_equal(last.values, last.values_done);
    team_end(members, 4);
}

static void test_a_team_must_be_whole(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    hub_seat seat = {&h, 0};
    const pa_team good = {.struct_size = sizeof(good),
                          .user = &seat,
                          .rank = 0,
                          .size = 2,
                          .send = hub_send,
                          .probe = hub_probe,
                          .receive = hub_receive};
    pa_team bad = good;
    assert_ok(tiny_start(&t, NULL, 1));
    assert_ok(tiny_plan(&t, study));
    assert_fails(pa_analysis_set_team(NULL, &good, &err), PA_ERR_INVALID, "analysis is NULL");
    bad.struct_size--;
    assert_fails(pa_analysis_set_team(t.analysis, &bad, &err), PA_ERR_INVALID, "struct_size");
    bad = good;
    bad.rank = 2;
    assert_fails(pa_analysis_set_team(t.analysis, &bad, &err), PA_ERR_INVALID, "rank 2 of 2");
    bad.rank = -1;
    assert_fails(pa_analysis_set_team(t.analysis, &bad, &err), PA_ERR_INVALID, "rank -1 of 2");
    bad = good;
    bad.probe = NULL;
    assert_fails(pa_analysis_set_team(t.analysis, &bad, &err), PA_ERR_INVALID, "probe");
    assert_ok(pa_analysis_set_team(t.analysis, &good, &err));
    assert_ok(pa_analysis_set_team(t.analysis, NULL, &err)); /* alone again: does not wait for anybody */
    assert_ok(pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err));
    assert_true(pa_results_count(t.results) > 0);
    tiny_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_do_not_depend_on_the_number_of_ranks),
        cmocka_unit_test(test_nobody_waits_for_a_long_task_of_rank_0),
        cmocka_unit_test(test_the_earliest_failure_is_told_to_all),
        cmocka_unit_test(test_a_failure_on_one_rank_names_it),
        cmocka_unit_test(test_any_rank_may_cancel_at_any_time_and_the_team_goes_on),
        cmocka_unit_test(test_what_others_have_done_is_in_the_journal),
        cmocka_unit_test(test_progress_of_rank_0_counts_all),
        cmocka_unit_test(test_a_team_must_be_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
