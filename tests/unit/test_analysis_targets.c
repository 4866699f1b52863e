/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What metrics compare with: steps, splits, runs, all pairs, pairs of components; second checkpoints.
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

/* ||A - B||^2 of the weights of val. */
static double distance_squared(int64_t a, int64_t b, int64_t layer)
{
    const kit_place x = kit_at(a, 1, layer);
    const kit_place y = kit_at(b, 1, layer);
    return kit_inner_of(x, x) - 2.0 * kit_inner_of(x, y) + kit_inner_of(y, y);
}

static void test_a_component_gets_its_second_checkpoint(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    atomic_int builds;
    atomic_init(&builds, 0);
    kit_start(&t, 4, &builds);
    assert_ok(tiny_execute(
        &t, "steps: [10, 20, 40]\nmetrics:\n- {metric_name: norm, " KIT_DELTA("0") "- {metric_name: norm, " KIT_DELTA(
                "initial") "- {metric_name: norm, " KIT_DELTA("final") "- {metric_name: norm, " KIT_DELTA("previous")));
    assert_string_equal(t.log.text, "no step before step 10 for 'delta': norm skipped there\n");
    assert_int_equal(pa_results_count(t.results), 3 * 9 + 2 * 3);
    assert_int_equal(atomic_load(&builds), 3 * 9 + 2 * 3);
    for (int64_t i = 0; i < pa_results_count(t.results); i++) {
        const pa_result_row row = tiny_row(&t, i);
        const int64_t previous = row.step == 40 ? 20 : 10;
        const int64_t reference = strstr(row.file, "final") != NULL      ? 40
                                  : strstr(row.file, "previous") != NULL ? previous
                                                                         : 0;
        assert_close(row.value.value * row.value.value, distance_squared(row.step, reference, row.layer), 1e-12);
    }
    assert_string_equal(tiny_row(&t, 0).file, "norm_val");
    assert_string_equal(tiny_row(&t, 3).file, "norm_val.delta,reference=initial");
    tiny_end(&t);
}

static void test_what_is_built_for_a_reference_is_compared_with_that_of_its_own(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    kit_start(&t, 1, NULL);
    assert_ok(tiny_execute(
        &t,
        "steps: [0, 10, 20]\nmetrics:\n- {metric_name: ordered, target_checkpoint: previous, " KIT_DELTA("previous")));
    /* At 0 there is nothing, at 10 its counterpart would need a step before 0. */
    assert_string_equal(t.log.text, "no step before step 0 for 'delta': ordered skipped there\n");
    assert_int_equal(pa_results_count(t.results), 3);
    for (int64_t i = 0; i < 3; i++) {
        const pa_result_row row = tiny_row(&t, i);
        assert_int_equal(row.step, 20);
        assert_close(row.value.value,
                     sqrt(distance_squared(20, 10, row.layer)) - 1000.0 * sqrt(distance_squared(10, 0, row.layer)),
                     1e-12);
    }
    tiny_end(&t);
}

/** @name Other runs
 * @{ */

/* A configuration in a file, with an analysis of `run`. */
static pa_status execute_file(tiny *t, const char *path, const char *run)
{
    pa_status status = pa_config_load(t->ctx, path, &t->config, &t->err);
    if (status == PA_OK) {
        status = pa_run_open(t->ctx, run, &t->run, &t->err);
    }
    if (status == PA_OK) {
        status = pa_analysis_create(t->ctx, t->config, t->run, &t->analysis, &t->err);
    }
    if (status == PA_OK) {
        status = pa_analysis_execute(t->analysis, NULL, NULL, &t->results, &t->err);
    }
    return status;
}

#define OTHER(keys)                                                                                                    \
    "steps: [0, 1, 2]\nmetrics:\n- {metric_name: ordered, " keys ", components: [{component_name: simple, data_type: " \
    "weights, layer_suffixes: attention.v_proj}]}\n"

static void test_another_run_is_compared_with(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        int64_t targets[3]; /* -2: skipped */
        const char *log;
    } cases[] = {
        {"target_run: other", {0, 1, -2}, "run 'made' has no step 2, with which 'ordered' compares: skipped\n"},
        {"target_run: ./other, target_checkpoint: previous", {-1, 0, 1}, ""},
        {"target_run: other, target_checkpoint: final", {1, 1, 1}, ""},
        {"target_run: other, target_checkpoint: 0", {0, 0, 0}, ""},
    };
    char config[256];
    char link[256];
    char yaml[512];
    made_run run = made_run_write(3, 2, 4);
    made_run other = made_run_write(2, 2, 4); /* the same numbers in steps 0 and 1 */
    pa_test_format(link, sizeof(link), "%s/other", run.path);
    pa_test_format(config, sizeof(config), "%s/compare.yaml", run.path);
    assert_int_equal(rename(other.path, link), 0);
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        tiny t;
        tiny norms;
        pa_error err;
        pa_test_format(yaml, sizeof(yaml), OTHER("%s"), cases[c].keys);
        pa_test_write(config, yaml, strlen(yaml));
        kit_start(&t, 2, NULL);
        err = t.err;
        assert_ok(execute_file(&t, config, run.path));
        assert_string_equal(t.log.text, cases[c].log);
        kit_start(&norms, 1, NULL);
        assert_ok(tiny_plan_over(&norms, run.path,
                                 "steps: [0, 1, 2]\nmetrics:\n- {metric_name: norm, components: "
                                 "[{component_name: simple, data_type: weights, layer_suffixes: "
                                 "attention.v_proj}]}\n"));
        assert_ok(pa_analysis_execute(norms.analysis, NULL, NULL, &norms.results, &err));
        int64_t at = 0;
        for (int64_t step = 0; step < 3; step++) {
            for (int64_t layer = 0; layer < 2 && cases[c].targets[step] != -2; layer++) {
                const pa_result_row row = tiny_row(&t, at++);
                const int64_t target = cases[c].targets[step];
                assert_int_equal(row.step, step);
                assert_int_equal(row.target_step, target);
                assert_non_null(strstr(row.target_run, "other"));
                if (target < 0) {
                    assert_int_equal(row.value.state, PA_STATE_UNSUPPORTED);
                } else {
                    assert_close(row.value.value,
                                 tiny_row(&norms, 2 * step + layer).value.value -
                                     1000.0 * tiny_row(&norms, 2 * target + layer).value.value,
                                 1e-13);
                }
            }
        }
        assert_int_equal(pa_results_count(t.results), at);
        tiny_end(&norms);
        tiny_end(&t);
    }
    pa_test_remove(run.path);
}

static void test_a_run_that_cannot_be_compared_with_is_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        const char *text;
    } cases[] = {
        {"target_run: nowhere", "tiny.yaml:3: the target_run of 'ordered': "},
        {"target_run: PATH, target_checkpoint: 2",
         "run 'made' has no step 2, the target_checkpoint of 'ordered'; it has 1 steps: 0"},
    };
    char yaml[512];
    made_run run = made_run_write(3, 1, 4);
    made_run other = made_run_write(1, 1, 4);
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        tiny t;
        pa_error err;
        const char *path = strstr(cases[c].keys, "PATH");
        kit_start(&t, 1, NULL);
        pa_test_format(yaml, sizeof(yaml), OTHER("%.*s%s%s"), path != NULL ? (int)(path - cases[c].keys) : 99,
                       cases[c].keys, path != NULL ? other.path : "", path != NULL ? path + 4 : "");
        assert_int_equal(tiny_plan_over(&t, run.path, yaml), PA_ERR_NOT_FOUND);
        if (strstr(t.err.message, cases[c].text) == NULL) {
            fail_msg("'%s' is not in '%s'", cases[c].text, t.err.message);
        }
        tiny_end(&t);
        (void)err;
    }
    tiny t;
    kit_start(&t, 1, NULL);
    pa_test_format(yaml, sizeof(yaml),
                   "steps: [1, 2]\nmetrics:\n- {metric_name: ordered, target_run: %s, components: [{component_name: "
                   "simple, data_type: weights, layer_suffixes: attention.v_proj}]}\n",
                   other.path);
    assert_int_equal(tiny_plan_over(&t, run.path, yaml), PA_ERR_NOT_FOUND);
    assert_non_null(strstr(t.err.message, "has no step 1, 2, with which 'ordered' compares; it has 1 steps: 0"));
    tiny_end(&t);
    pa_test_remove(run.path);
    pa_test_remove(other.path);
}
/** @} */

static uint64_t hash_over(const char *path, const char *yaml)
{
    tiny t;
    pa_error err;
    uint64_t hash = 0;
    kit_start(&t, 1, NULL);
    assert_ok(tiny_plan_over(&t, path, yaml));
    assert_ok(pa_plan_hash(t.analysis, &hash, &err));
    tiny_end(&t);
    return hash;
}

static void test_the_end_of_a_run_that_goes_on_is_another_target(void **state)
{
    (void)state;
    static const char *const plans[] = {
        "steps: [0]\nmetrics:\n- {metric_name: inner, target_checkpoint: initial, components: [{component_name: "
        "counted, "
        "data_type: weights, layer_suffixes: attention.v_proj}]}\n",
        "steps: [0]\nmetrics:\n- {metric_name: inner, target_checkpoint: final, components: [{component_name: counted, "
        "data_type: weights, layer_suffixes: attention.v_proj}]}\n",
        "steps: [0]\nmetrics:\n- {metric_name: norm, components: [{component_name: delta, reference: final, data_type: "
        "weights, layer_suffixes: attention.v_proj}]}\n"};
    char path[256];
    uint64_t before[3];
    made_run run = made_run_write(2, 1, 4);
    for (int i = 0; i < 3; i++) {
        before[i] = hash_over(run.path, plans[i]);
    }
    assert_true(before[0] != before[1]);
    pa_test_format(path, sizeof(path), "%s/checkpoints/step_2", run.path);
    assert_int_equal(mkdir(path, 0777), 0);
    pa_test_format(path, sizeof(path), "%s/checkpoints/step_2/learning_dynamics", run.path);
    assert_int_equal(mkdir(path, 0777), 0);
    made_run_write_file(&run, 2, PA_WEIGHTS);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hash_over(run.path, plans[i]) == before[i], i == 0);
    }
    pa_test_remove(run.path);
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

/** @name Explanations
 * @{ */

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
        cmocka_unit_test(test_a_component_gets_its_second_checkpoint),
        cmocka_unit_test(test_what_is_built_for_a_reference_is_compared_with_that_of_its_own),
        cmocka_unit_test(test_another_run_is_compared_with),
        cmocka_unit_test(test_a_run_that_cannot_be_compared_with_is_an_error),
        cmocka_unit_test(test_the_end_of_a_run_that_goes_on_is_another_target),
        cmocka_unit_test(test_the_step_before_is_built_once),
        cmocka_unit_test(test_the_step_before_does_not_keep_those_before_it),
        cmocka_unit_test(test_wrong_targets_are_told_with_their_place),
        cmocka_unit_test(test_targets_pairs_and_references_are_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
