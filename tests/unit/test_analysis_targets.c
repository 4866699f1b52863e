/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What metrics compare with in a run: steps, splits, all pairs, pairs of components; and what that takes.
 */
#include "analysis/plan.h"
#include "made_run.h"
#include "target_kit.h"

#define ENTRY(steps, keys) "steps: " steps "\nmetrics:\n- {" keys ", " KIT_COUNTED

/* Wholes compare with `target` at every step; -1: there is no target. */
static void expect_targets(const char *yaml, const int64_t *steps, const int64_t *targets, int64_t n)
{
    tiny t;
    pa_error err;
    kit_start(&t, 2, NULL);
    assert_ok(tiny_execute(&t, yaml));
    assert_int_equal(pa_results_count(t.results), 9 * n);
    assert_int_equal(t.log.count, 0);
    for (int64_t i = 0; i < 9 * n; i++) {
        const pa_result_row row = tiny_row(&t, i);
        const int64_t target = targets[i / 9];
        assert_int_equal(row.step, steps[i / 9]);
        assert_int_equal(row.target_step, target);
        assert_string_equal(row.target_split, "");
        assert_string_equal(row.target_run, "");
        assert_int_equal(row.target_layer, -1);
        if (target < 0) {
            assert_int_equal(row.value.state, PA_STATE_UNSUPPORTED);
            assert_string_equal(row.value.note, "there is no step before");
        } else if (row.head < 0) {
            assert_close(row.value.value, kit_ordered_of(kit_at(row.step, 1, row.layer), kit_at(target, 1, row.layer)),
                         1e-13);
        } else {
            assert_int_equal(row.value.state, PA_STATE_OK);
        }
    }
    tiny_end(&t);
}

static void test_a_target_is_a_step_or_a_word(void **state)
{
    (void)state;
    static const int64_t steps[] = {10, 20, 40};
    expect_targets(ENTRY("[10, 20, 40]", "metric_name: ordered, target_checkpoint: 20"), steps,
                   (const int64_t[]){20, 20, 20}, 3);
    expect_targets(ENTRY("[10, 20, 40]", "metric_name: ordered, target_checkpoint: previous"), steps,
                   (const int64_t[]){-1, 10, 20}, 3);
    expect_targets(ENTRY("[10, 40]", "metric_name: ordered, target_checkpoint: previous"), (const int64_t[]){10, 40},
                   (const int64_t[]){-1, 10}, 2);
    expect_targets(ENTRY("[10, 20, 40]", "metric_name: ordered, target_checkpoint: initial"), steps,
                   (const int64_t[]){0, 0, 0}, 3);
    expect_targets(ENTRY("[0, 10]", "metric_name: ordered, target_checkpoint: final"), (const int64_t[]){0, 10},
                   (const int64_t[]){40, 40}, 2);
}

static void test_another_split_is_compared_with_at_the_same_or_another_step(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    kit_start(&t, 2, NULL);
    assert_ok(tiny_execute(
        &t, "steps: [0, 10, 20]\nmetrics:\n"
            "- {metric_name: ordered, target_split: train, " KIT_COUNTED
            "- {metric_name: ordered, target_split: train, target_checkpoint: previous, " KIT_COUNTED
            "- {metric_name: inner, target_split: val, data_split: train, target_checkpoint: 20, " KIT_COUNTED));
    /* Step 20 has no train weights: the same step is skipped there, the step before it is not. */
    assert_string_equal(t.log.text, "no train weights at step 20: ordered, inner skipped there\n");
    assert_int_equal(pa_results_count(t.results), 3 * 9 + 3 * 9 + 9);
    for (int64_t i = 0; i < pa_results_count(t.results); i++) {
        const pa_result_row row = tiny_row(&t, i);
        const int inner = strcmp(row.metric, "inner") == 0;
        const int previous = !inner && strcmp(row.file, "ordered_val") != 0;
        assert_string_equal(row.split, inner ? "train" : "val");
        assert_string_equal(row.target_split, inner ? "val" : "train");
        assert_int_equal(row.target_step, inner ? 20 : previous ? row.step - 10 - (row.step == 0) * -9 : row.step);
        assert_string_equal(row.file, inner ? "inner_train" : previous ? "ordered_val.target=previous" : "ordered_val");
        if (row.target_step < 0 || row.head >= 0) {
            continue;
        }
        const kit_place own = kit_at(row.step, !inner, row.layer);
        const kit_place other = kit_at(row.target_step, inner, row.layer);
        assert_close(row.value.value, inner ? kit_inner_of(own, other) : kit_ordered_of(own, other), 1e-13);
    }
    tiny_end(&t);
}

static void test_all_pairs_of_steps_are_compared_and_built_once(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    char key[80];
    atomic_int builds;
    for (int32_t threads = 1; threads <= 8; threads += 7) {
        atomic_init(&builds, 0);
        kit_start(&t, threads, &builds);
        assert_ok(tiny_execute(&t,
                               "steps: [0, 10, 20, 40]\nmetrics:\n- {metric_name: inner, matrix: steps, " KIT_COUNTED
                               "- {metric_name: ordered, matrix: steps, " KIT_COUNTED));
        assert_int_equal(pa_results_count(t.results), 9 * (4 + 3 + 2 + 1) + 9 * 4 * 4);
        assert_int_equal(atomic_load(&builds), 4 * 3);
        for (int64_t i = 0; i < pa_results_count(t.results); i++) {
            const pa_result_row row = tiny_row(&t, i);
            const int inner = strcmp(row.metric, "inner") == 0;
            const kit_place own = kit_at(row.step, 1, row.layer);
            const kit_place other = kit_at(row.target_step, 1, row.layer);
            assert_true(!inner || row.target_step <= row.step);
            assert_string_equal(row.file, inner ? "inner_val" : "ordered_val");
            if (row.head < 0) {
                pa_test_format(key, sizeof(key), "layers.%d.counted.step_%d", (int)row.layer, (int)row.target_step);
                assert_string_equal(row.key, key);
                assert_close(row.value.value, inner ? kit_inner_of(own, other) : kit_ordered_of(own, other), 1e-13);
            }
        }
        tiny_end(&t);
    }
}

static void test_all_pairs_of_layers_are_compared_and_built_once(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    char key[80];
    atomic_int builds;
    int64_t n_inner = 0;
    for (int32_t threads = 1; threads <= 8; threads += 7) {
        atomic_init(&builds, 0);
        kit_start(&t, threads, &builds);
        assert_ok(tiny_execute(
            &t, "steps: [0, 10]\nmetrics:\n- {metric_name: inner, matrix: layers, " KIT_COUNTED
                "- {metric_name: ordered, matrix: layers, components: [{component_name: counted, data_type: "
                "weights, layers: [2, 0]}]}\n- {metric_name: norm, " KIT_COUNTED));
        assert_int_equal(pa_results_count(t.results), 2 * (3 * 6 + 3 * 4 + 9));
        assert_int_equal(atomic_load(&builds), 2 * 3);
        n_inner = 0;
        for (int64_t i = 0; i < pa_results_count(t.results); i++) {
            const pa_result_row row = tiny_row(&t, i);
            const kit_place own = kit_at(row.step, 1, row.layer);
            const kit_place other = kit_at(row.step, 1, row.target_layer);
            if (row.head >= 0 || strcmp(row.metric, "norm") == 0) {
                continue;
            }
            const int inner = strcmp(row.metric, "inner") == 0;
            n_inner += inner;
            assert_int_equal(row.target_step, row.step);
            assert_true(!inner || row.target_layer <= row.layer);
            assert_true(inner || (row.layer != 1 && row.target_layer != 1));
            pa_test_format(key, sizeof(key), "layers.%d.counted.layers.%d", (int)row.layer, (int)row.target_layer);
            assert_string_equal(row.key, key);
            assert_close(row.value.value, inner ? kit_inner_of(own, other) : kit_ordered_of(own, other), 1e-13);
        }
        assert_int_equal(n_inner, 2 * 6);
        tiny_end(&t);
    }
}

static void test_layers_that_are_not_compared_stay_units_of_their_own(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    kit_start(&t, 1, NULL);
    assert_ok(tiny_plan(&t, "steps: [0]\nmetrics:\n- {metric_name: inner, matrix: layers, components: "
                            "[{component_name: counted, data_type: weights, layers: [2, 0]}]}\n"
                            "- {metric_name: norm, " KIT_COUNTED));
    const pa_plan *plan = &t.analysis->plan;
    assert_int_equal(plan->n_layers, 2);
    assert_int_equal(plan->layers[0].layer, 0);
    assert_int_equal(plan->layers[0].n_members, 2);
    assert_int_equal(plan->layers[0].members[1], 2);
    assert_int_equal(plan->layers[1].layer, 1);
    assert_int_equal(plan->layers[1].n_members, 1);
    tiny_end(&t);
}

static void test_the_two_of_a_pair_are_compared_without_a_target(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    kit_start(&t, 2, NULL);
    assert_ok(tiny_execute(&t, "steps: [0, 10]\nmetrics:\n- {metric_name: ordered, " KIT_PAIRS));
    assert_int_equal(pa_results_count(t.results), 6);
    for (int64_t i = 0; i < 6; i++) {
        const pa_result_row row = tiny_row(&t, i);
        assert_int_equal(row.target_step, -1);
        assert_int_equal(row.kind, PA_WEIGHTS); /* the only one there is of it */
        assert_close(row.value.value, kit_ordered_of(kit_at(row.step, 1, row.layer), kit_at(row.step, 1, 0)), 1e-13);
    }
    tiny_end(&t);
}

/** @name Work and memory
 * @{ */

static void test_the_step_before_is_built_once(void **state)
{
    (void)state;
    pa_error err;
    for (int32_t threads = 1; threads <= 8; threads += 7) {
        tiny t;
        atomic_int builds;
        atomic_init(&builds, 0);
        kit_start(&t, threads, &builds);
        assert_ok(tiny_execute(&t, "steps: [0, 10, 20, 40]\nmetrics:\n"
                                   "- {metric_name: ordered, target_checkpoint: previous, " KIT_COUNTED
                                   "- {metric_name: ordered, target_checkpoint: initial, " KIT_COUNTED
                                   "- {metric_name: norm, " KIT_COUNTED));
        assert_int_equal(atomic_load(&builds), 4 * 3);
        tiny_end(&t);
    }
}

typedef struct meter {
    pthread_mutex_t lock;
    int64_t live;
    int64_t peak;
} meter;

typedef union meter_head {
    size_t bytes;
    max_align_t align;
} meter_head;

static void *meter_alloc(void *user, size_t bytes)
{
    meter *m = user;
    meter_head *head = malloc(sizeof(*head) + bytes);
    if (head == NULL) {
        return NULL;
    }
    head->bytes = bytes;
    pthread_mutex_lock(&m->lock);
    m->live += (int64_t)bytes;
    m->peak = m->live > m->peak ? m->live : m->peak;
    pthread_mutex_unlock(&m->lock);
    return head + 1;
}

static void meter_free(void *user, void *memory)
{
    meter *m = user;
    meter_head *head = (meter_head *)memory - 1;
    pthread_mutex_lock(&m->lock);
    m->live -= (int64_t)head->bytes;
    pthread_mutex_unlock(&m->lock);
    free(head);
}

static int64_t peak_of(const char *path, const char *target, int last)
{
    meter m = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const pa_allocator mem = {meter_alloc, meter_free, &m};
    char yaml[400];
    tiny t;
    pa_error err;
    assert_ok(tiny_start(&t, &mem, 1));
    assert_ok(kit_register(t.ctx, NULL, &err));
    pa_test_format(yaml, sizeof(yaml),
                   "steps: {start: 0, end: %d, step: 1}\nmetrics:\n- {metric_name: ordered, %s, components: "
                   "[{component_name: simple, data_type: weights, layer_suffixes: attention.v_proj}]}\n",
                   last, target);
    assert_ok(tiny_plan_over(&t, path, yaml));
    assert_ok(pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err));
    assert_true(pa_results_count(t.results) >= 2 * (last + 1));
    tiny_end(&t);
    assert_int_equal(m.live, 0);
    return m.peak;
}

static void test_the_step_before_does_not_keep_those_before_it(void **state)
{
    (void)state;
    enum { SIZE = 48 };
    made_run run = made_run_write(16, 2, SIZE);
    const int64_t matrix = SIZE * SIZE * (int64_t)sizeof(double);
    const int64_t few = peak_of(run.path, "target_checkpoint: previous", 3);
    const int64_t many = peak_of(run.path, "target_checkpoint: previous", 15);
    assert_true(many - few < matrix); /* twelve steps more, with two matrices each */
    assert_true(peak_of(run.path, "matrix: steps", 15) - many > 12 * matrix); /* these must be kept */
    pa_test_remove(run.path);
}
/** @} */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_target_is_a_step_or_a_word),
        cmocka_unit_test(test_another_split_is_compared_with_at_the_same_or_another_step),
        cmocka_unit_test(test_all_pairs_of_steps_are_compared_and_built_once),
        cmocka_unit_test(test_all_pairs_of_layers_are_compared_and_built_once),
        cmocka_unit_test(test_layers_that_are_not_compared_stay_units_of_their_own),
        cmocka_unit_test(test_the_two_of_a_pair_are_compared_without_a_target),
        cmocka_unit_test(test_the_step_before_is_built_once),
        cmocka_unit_test(test_the_step_before_does_not_keep_those_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
