/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A team in which something is not as it should be: every rank ends, and says why.
 */
#include <time.h>

#include "pa_test_files.h"
#include "team_hub.h"

static const char study[] = "steps: [0, 10, 20, 40]\nmetrics: [{metric_name: norm, components: [{component_name: "
                            "simple, layer_suffixes: swiglu.w_2}]}]\n";

enum { BEGIN = 1, UNIT = 2, STOP = 3, END = 4, ASK = 5, ROWS = 6, ENDED = 7 };

static int is_first(hub *h, const char *bytes, int kind)
{
    return h->faults == 0 && bytes[4] == kind && ++h->faults == 1;
}

/** @name Faults: what becomes of the first message of a kind
 * @{ */

static int64_t cut_ask(hub *h, int32_t from, char *bytes, int64_t length)
{
    (void)from;
    return is_first(h, bytes, ASK) ? HUB_HEADER - 1 : length;
}

static int64_t empty_unit(hub *h, int32_t from, char *bytes, int64_t length)
{
    (void)from;
    return is_first(h, bytes, UNIT) ? 0 : length;
}

static int64_t other_version(hub *h, int32_t from, char *bytes, int64_t length)
{
    (void)from;
    bytes[3] = (char)(is_first(h, bytes, ASK) ? '9' : bytes[3]);
    return length;
}

static int64_t unknown_kind(hub *h, int32_t from, char *bytes, int64_t length)
{
    (void)from;
    bytes[4] = (char)(is_first(h, bytes, ASK) ? 77 : bytes[4]);
    return length;
}

static int64_t order_from_below(hub *h, int32_t from, char *bytes, int64_t length)
{
    (void)from;
    bytes[4] = (char)(is_first(h, bytes, ASK) ? UNIT : bytes[4]);
    return length;
}

static int64_t no_such_unit(hub *h, int32_t from, char *bytes, int64_t length)
{
    (void)from;
    if (is_first(h, bytes, UNIT)) {
        memset(bytes + 16, 0, 8);
        bytes[16] = 12;
    }
    return length;
}

static int64_t cut_rows(hub *h, int32_t from, char *bytes, int64_t length)
{
    (void)from;
    return is_first(h, bytes, ROWS) ? length - 1 : length;
}

static int64_t rows_of_another_layer(hub *h, int32_t from, char *bytes, int64_t length)
{
    (void)from;
    if (is_first(h, bytes, ROWS)) {
        bytes[HUB_HEADER + 8] = (char)(bytes[HUB_HEADER + 8] == 2 ? 1 : 2);
    }
    return length;
}

static int64_t end_too_early(hub *h, int32_t from, char *bytes, int64_t length)
{
    (void)from;
    bytes[4] = (char)(is_first(h, bytes, ROWS) ? ENDED : bytes[4]);
    return bytes[4] == ENDED ? HUB_HEADER : length;
}

static int64_t dead_line(hub *h, int32_t from, char *bytes, int64_t length)
{
    (void)from;
    h->lost |= is_first(h, bytes, ROWS);
    return length;
}
/** @} */

/* A metric that leaves some work to others: on rank 0 it waits for the fault, though not for ever. */
static pa_status courteous(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                           pa_error *err)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    member *m = user_data;
    int32_t done = m->seat.rank != 0;
    (void)options;
    (void)in;
    (void)err;
    for (int i = 0; !done && i < 20000; i++) {
        (void)nanosleep(&pause, NULL);
        pthread_mutex_lock(&m->seat.at->lock);
        done = m->seat.at->faults;
        pthread_mutex_unlock(&m->seat.at->lock);
    }
    pa_value_set(out, 1.0);
    return PA_OK;
}

static void add_courteous(member *m)
{
    static const pa_metric_ops ops = {
        .struct_size = sizeof(ops), .name = "courteous", .n_inputs = 1, .compute = courteous};
    pa_error err;
    assert_ok(pa_metric_register(m->t.ctx, &ops, m, &err));
}

typedef struct fault_case {
    int64_t (*fault)(hub *h, int32_t from, char *bytes, int64_t length);
    pa_status status;
    const char *part;
} fault_case;

static const fault_case faults[] = {
    {cut_ask, PA_ERR_FORMAT, "sent a message of 31 bytes"},
    {empty_unit, PA_ERR_FORMAT, "rank 0: sent a message of 0 bytes"},
    {other_version, PA_ERR_FORMAT, "sent a message that is not from this version of the library"},
    {unknown_kind, PA_ERR_FORMAT, "sent a message of kind 77 to rank 0"},
    {order_from_below, PA_ERR_FORMAT, "sent a message of kind 2 to rank 0"},
    {no_such_unit, PA_ERR_FORMAT, "rank 0 asks for unit 12 of 12"},
    {cut_rows, PA_ERR_FORMAT, "do not end well"},
    {rows_of_another_layer, PA_ERR_FORMAT, ""},
    {end_too_early, PA_ERR_FORMAT, "has ended before its work"},
    {dead_line, PA_ERR_IO, "the line is dead"},
};

static void test_a_bad_message_ends_the_analysis_on_all_ranks(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof(faults) / sizeof(faults[0]); k++) {
        for (int round = 0; round < 3; round++) {
            hub h = {.lock = PTHREAD_MUTEX_INITIALIZER, .fault = faults[k].fault};
            member members[3];
            team_seat(members, 3, &h,
                      "steps: [0, 10, 20, 40]\nmetrics: [{metric_name: courteous, components: [{component_name: "
                      "simple, layer_suffixes: swiglu.w_2}]}]\n");
            for (int i = 0; i < 3; i++) {
                members[i].prepare = add_courteous;
            }
            team_plan(members, 3);
            team_run(members, 3);
            assert_int_equal(h.faults, 1);
            for (int i = 0; i < 3; i++) {
                if (members[i].status != faults[k].status || strstr(members[i].t.err.message, faults[k].part) == NULL) {
                    fail_msg("fault %zu, rank %d: %s: %s", k, i, pa_status_name(members[i].status),
                             members[i].t.err.message);
                }
            }
            hub_clear(&h);
            team_end(members, 3);
        }
    }
}

static void test_ranks_with_different_plans_are_refused(void **state)
{
    (void)state;
    hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    member members[3];
    team_seat(members, 3, &h, study);
    members[1].yaml = "steps: [0, 10, 20]\nmetrics: [{metric_name: norm, components: [{component_name: simple, "
                      "layer_suffixes: swiglu.w_2}]}]\n";
    team_plan(members, 3);
    team_run(members, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(members[i].status, PA_ERR_INVALID);
        assert_string_equal(members[i].t.err.message,
                            "rank 1: the analysis is not that of rank 0: the configuration, the run or the library is "
                            "not the same");
    }
    hub_clear(&h);
    team_end(members, 3);
}

static void test_what_stops_rank_0_before_the_work_is_told_to_all(void **state)
{
    (void)state;
    char directory[128];
    char journal[256];
    hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    member members[3];
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(journal, sizeof(journal), "%s/results.journal", directory);
    pa_test_write(journal, "something else", 14);
    team_seat(members, 3, &h, study);
    members[0].journal = journal;
    team_plan(members, 3);
    team_run(members, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(members[i].status, PA_ERR_FORMAT);
        assert_non_null(strstr(members[i].t.err.message, "results.journal: is not a journal"));
    }
    assert_int_equal(hub_clear(&h), 0);
    team_end(members, 3);
    pa_test_remove(directory);
}

/* Nothing of a run is computed where there are no files for what is asked. */
static void test_nothing_to_compute_is_told_to_all(void **state)
{
    (void)state;
    hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    member members[2];
    team_seat(members, 2, &h,
              "steps: [20]\nmetrics: [{metric_name: norm, data_split: train, components: "
              "[{component_name: simple, layer_suffixes: swiglu.w_2, data_type: gradients}]}]\n");
    team_plan(members, 2);
    team_run(members, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(members[i].status, PA_ERR_NOT_FOUND);
        assert_non_null(strstr(members[i].t.err.message, "nothing to compute"));
    }
    assert_int_equal(hub_clear(&h), 0);
    team_end(members, 2);
}

/* Memory that runs out anywhere, on either side, during the execution. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    static const char small[] = "steps: [0, 10]\nmetrics: [{metric_name: norm, components: [{component_name: simple, "
                                "layer_suffixes: swiglu.w_2}]}]\n";
    for (int who = 0; who < 2; who++) {
        int64_t failed = 1;
        for (int64_t n = 0; n < 1000 && (failed > 0 || n < 50); n += 1 + n / 20) {
            pa_test_heap heap = PA_TEST_HEAP(-1, n % 2 == 0);
            const pa_allocator mem = {pa_test_heap_alloc, pa_test_heap_free, &heap};
            hub h = {.lock = PTHREAD_MUTEX_INITIALIZER};
            member members[2];
            team_seat(members, 2, &h, small);
            members[who].mem = &mem;
            team_plan(members, 2);
            heap.fail_at = heap.calls + n;
            team_run(members, 2);
            failed = heap.failed;
            if (who == 0 || members[1].status == PA_ERR_NOMEM) { /* its results are rank 1's own affair */
                assert_int_equal(members[who].status, failed > 0 ? PA_ERR_NOMEM : PA_OK);
            }
            hub_clear(&h);
            team_end(members, 2);
            assert_int_equal(heap.live, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bad_message_ends_the_analysis_on_all_ranks),
        cmocka_unit_test(test_ranks_with_different_plans_are_refused),
        cmocka_unit_test(test_what_stops_rank_0_before_the_work_is_told_to_all),
        cmocka_unit_test(test_nothing_to_compute_is_told_to_all),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
