/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The executor at work: what it reads and holds, what runs side by side, whose failure is told.
 */
#include <stdatomic.h>
#include <time.h>

#include "made_run.h"
#include "tiny_run.h"

/** @name A heap that knows the most that was ever taken
 * @{ */
typedef struct meter {
    pthread_mutex_t lock;
    int64_t now;
    int64_t peak;
} meter;

enum { PREFIX = 64 }; /* keeps the alignment of malloc */

static void *meter_alloc(void *user, size_t bytes)
{
    meter *m = user;
    char *memory = malloc(bytes + PREFIX);
    assert_non_null(memory);
    memcpy(memory, &bytes, sizeof(bytes));
    pthread_mutex_lock(&m->lock);
    m->now += (int64_t)bytes;
    m->peak = m->now > m->peak ? m->now : m->peak;
    pthread_mutex_unlock(&m->lock);
    return memory + PREFIX;
}

static void meter_free(void *user, void *memory)
{
    meter *m = user;
    size_t bytes = 0;
    memcpy(&bytes, (char *)memory - PREFIX, sizeof(bytes));
    pthread_mutex_lock(&m->lock);
    m->now -= (int64_t)bytes;
    pthread_mutex_unlock(&m->lock);
    free((char *)memory - PREFIX);
}

/* The most that executing takes beyond what there was before it and what its results take. */
static int64_t peak_of(const made_run *run, const char *yaml, int32_t threads, int64_t max_memory)
{
    meter m = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const pa_allocator mem = {meter_alloc, meter_free, &m};
    const pa_context_options options = {
        .struct_size = sizeof(options), .allocator = &mem, .threads = threads, .max_memory = max_memory};
    tiny t = {.ctx = NULL};
    pa_error err;
    assert_ok(pa_context_create(&options, &t.ctx, &err));
    assert_ok(tiny_plan_over(&t, run->path, yaml));
    m.peak = m.now;
    const int64_t before = m.now;
    assert_ok(pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err));
    const int64_t results = m.now - before;
    const int64_t peak = m.peak - before - results;
    tiny_end(&t);
    assert_int_equal(m.now, 0);
    return peak;
}
/** @} */

/** @name What is held
 * @{ */

#define WEIGHTS "components: [{component_name: ov_circuit, data_type: weights}]}\n"
#define ACTIVATIONS "components: [{component_name: ov_circuit, data_type: activations}]}\n"

static const char mixed[] = "- {metric_name: norm, " WEIGHTS "- {metric_name: gini, " WEIGHTS
                            "- {metric_name: cka, target_checkpoint: 1, " ACTIVATIONS;

static const char *with_steps(char *out, size_t size, int64_t n_steps, const char *metrics)
{
    pa_test_format(out, size, "steps: {start: 0, end: %d, step: 1}\nmetrics:\n%s", (int)n_steps - 1, metrics);
    return out;
}

static void test_memory_does_not_grow_with_the_number_of_steps(void **state)
{
    (void)state;
    char yaml[1000];
    const made_run run = made_run_write(60, 2, 64);
    const int64_t tensor = 2 * made_run_tensor_bytes(&run); /* as doubles */
    const int64_t few = peak_of(&run, with_steps(yaml, sizeof(yaml), 3, mixed), 1, 0);
    const int64_t many = peak_of(&run, with_steps(yaml, sizeof(yaml), 60, mixed), 1, 0);
    assert_true(few > 3 * tensor);
    assert_in_range(many, few - tensor, few + tensor); /* results that grow are twice in memory for a moment */
    pa_test_remove(run.path);
}

static void test_memory_does_not_grow_with_the_number_of_layers(void **state)
{
    (void)state;
    char yaml[1000];
    static const char weights[] = "- {metric_name: norm, " WEIGHTS "- {metric_name: per, " WEIGHTS;
    const made_run few = made_run_write(2, 2, 64);
    const made_run many = made_run_write(2, 30, 64);
    const int64_t tensor = 2 * made_run_tensor_bytes(&few);
    with_steps(yaml, sizeof(yaml), 2, weights);
    const int64_t first = peak_of(&few, yaml, 1, 0);
    assert_true(first > 2 * tensor);
    assert_true(peak_of(&many, yaml, 1, 0) < first + 2 * tensor); /* directories of files do grow */
    pa_test_remove(few.path);
    pa_test_remove(many.path);
}

static int64_t bytes_read(const made_run *run, const char *yaml)
{
    tiny t;
    pa_error err;
    pa_summary summary = {.struct_size = sizeof(summary)};
    assert_ok(tiny_start(&t, NULL, 2));
    assert_ok(tiny_plan_over(&t, run->path, yaml));
    assert_ok(pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err));
    assert_ok(pa_results_summary(t.results, &summary, &err));
    tiny_end(&t);
    return summary.bytes_read;
}

#define SIMPLE(suffix, kind)                                                                                           \
    "components: [{component_name: simple, data_type: " kind ", layer_suffixes: " suffix "}]}\n"

static void test_a_tensor_is_read_once_a_step_whoever_asks(void **state)
{
    (void)state;
    const made_run run = made_run_write(4, 3, 96);
    const int64_t tensor = made_run_tensor_bytes(&run);
    const int64_t one = bytes_read(&run, "steps: [0, 2]\nmetrics:\n"
                                         "- {metric_name: norm, " SIMPLE("attention.v_proj", "weights"));
    const int64_t all = bytes_read(
        &run, "steps: [0, 2]\nmetrics:\n"
              "- {metric_name: norm, " SIMPLE(
                  "attention.v_proj", "weights") "- {metric_name: per, " WEIGHTS "- {metric_name: gini, " WEIGHTS
                                                 "- {metric_name: per, " SIMPLE(
                                                     "attention.o_proj",
                                                     "weights") "- {metric_name: norm, norm_type: nuclear, " ACTIVATIONS
                                                                "- {metric_name: hoyer, " SIMPLE("attention.v_proj",
                                                                                                 "activations"));
    /* At each of two steps o_proj of three layers, and the activations of v_proj: who comes first reads all six tensors of
       the storage, for its CRC. */
    assert_int_equal(all, one + 2 * (3 + 6 + 2) * tensor);
    pa_test_remove(run.path);
}

static void test_a_target_is_read_once_for_all_steps(void **state)
{
    (void)state;
    const made_run run = made_run_write(5, 3, 96);
    static const char both[] =
        "- {metric_name: hoyer, " SIMPLE("attention.v_proj", "activations") "- {metric_name: norm, " WEIGHTS;
    char yaml[1000];
    pa_test_format(yaml, sizeof(yaml), "steps: [0, 1, 2, 3]\nmetrics:\n%s", both);
    const int64_t four = bytes_read(&run, yaml);
    pa_test_format(yaml, sizeof(yaml), "steps: [0, 1, 2, 3, 4]\nmetrics:\n%s", both);
    const int64_t five = bytes_read(&run, yaml);
    const int64_t step = five - four;
    assert_true(step > 3 * 3 * made_run_tensor_bytes(&run));
    /* The target is one of the steps, in their middle: nothing is read twice. */
    pa_test_format(yaml, sizeof(yaml), "steps: [0, 1, 2, 3]\nmetrics:\n- {metric_name: cka, target_checkpoint: 2, %s%s",
                   ACTIVATIONS, both);
    assert_int_equal(bytes_read(&run, yaml), four);
    /* It is none of them: as much as of one step more, of which only what is compared is read. */
    pa_test_format(yaml, sizeof(yaml), "steps: [0, 1, 2, 3]\nmetrics:\n%s- {metric_name: cka, target_checkpoint: 4, %s",
                   both, ACTIVATIONS);
    assert_int_equal(bytes_read(&run, yaml), five - 3 * made_run_tensor_bytes(&run));
    pa_test_remove(run.path);
}
/** @} */

/** @name What runs side by side
 * @{ */

typedef struct meeting {
    atomic_int inside;
    atomic_int most;
    atomic_int arrived;
    int wanted;        /**< So many go on together, again and again; 1: nobody waits. */
    atomic_int missed; /**< 1: somebody waited in vain. */
} meeting;

static void pause_milliseconds(long n)
{
    const struct timespec pause = {.tv_nsec = 1000000 * n};
    (void)nanosleep(&pause, NULL);
}

static pa_status meet(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                      pa_error *err)
{
    meeting *m = user_data;
    (void)options;
    (void)in;
    (void)err;
    const int now = atomic_fetch_add(&m->inside, 1) + 1;
    const int group = atomic_fetch_add(&m->arrived, 1) / m->wanted;
    int most = atomic_load(&m->most);
    while (now > most && !atomic_compare_exchange_weak(&m->most, &most, now)) {
    }
    pause_milliseconds(1);
    for (int i = 0; i < 20000 && atomic_load(&m->arrived) < (group + 1) * m->wanted; i++) {
        pause_milliseconds(1);
    }
    if (atomic_load(&m->arrived) < (group + 1) * m->wanted) {
        atomic_store(&m->missed, 1);
    }
    atomic_fetch_sub(&m->inside, 1);
    pa_value_set(out, 1.0);
    return PA_OK;
}

/* Each unit has one matrix, which is compared with that of the last step if `compared`. */
static int most_at_once(int32_t threads, int64_t max_memory, int wanted, int64_t n_steps, int64_t n_layers,
                        int compared)
{
    const made_run run = made_run_write(n_steps + compared, n_layers, 4);
    meeting m = {.wanted = wanted};
    const pa_metric_ops ops = {.struct_size = sizeof(ops), .name = "meet", .n_inputs = 1 + compared, .compute = meet};
    const pa_context_options options = {.struct_size = sizeof(options), .threads = threads, .max_memory = max_memory};
    tiny t = {.ctx = NULL};
    pa_error err;
    char yaml[500];
    char metric[300];
    char target[64] = "";
    atomic_init(&m.inside, 0);
    atomic_init(&m.arrived, 0);
    atomic_init(&m.most, 0);
    atomic_init(&m.missed, 0);
    assert_ok(pa_context_create(&options, &t.ctx, &err));
    assert_ok(pa_metric_register(t.ctx, &ops, &m, &err));
    if (compared) {
        pa_test_format(target, sizeof(target), "target_checkpoint: %d, ", (int)n_steps);
    }
    pa_test_format(metric, sizeof(metric), "- {metric_name: meet, %s%s", target, SIMPLE("attention.v_proj", "weights"));
    assert_ok(tiny_plan_over(&t, run.path, with_steps(yaml, sizeof(yaml), n_steps, metric)));
    assert_ok(pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err));
    assert_int_equal(pa_results_count(t.results), n_steps * n_layers);
    assert_int_equal(atomic_load(&m.missed), 0);
    tiny_end(&t);
    pa_test_remove(run.path);
    return atomic_load(&m.most);
}

static void test_units_do_not_wait_for_each_other(void **state)
{
    (void)state;
    assert_int_equal(most_at_once(2, 0, 2, 1, 2, 0), 2); /* layers of a step */
    assert_int_equal(most_at_once(2, 0, 2, 2, 1, 0), 2); /* steps */
    assert_int_equal(most_at_once(6, 0, 6, 3, 2, 0), 6);
}

static void test_max_memory_bounds_the_units_that_are_computed_at_once(void **state)
{
    (void)state;
    const int64_t unit = 2 * 4 * 4 * 8; /* its one tensor as doubles, and as much again */
    assert_int_equal(most_at_once(4, 1, 1, 4, 3, 0), 1);
    assert_int_equal(most_at_once(4, unit, 1, 4, 3, 0), 1);
    assert_int_equal(most_at_once(4, 2 * unit, 2, 4, 3, 0), 2);
    assert_int_equal(most_at_once(4, 3 * unit + 1, 3, 4, 3, 0), 3);
    assert_int_equal(most_at_once(4, 2 * unit, 1, 12, 1, 1), 1); /* what the target keeps counts */
    assert_int_equal(most_at_once(4, 3 * unit, 2, 12, 1, 1), 2);
}

static void test_max_memory_changes_no_value_and_must_not_be_negative(void **state)
{
    (void)state;
    pa_error err;
    pa_context *ctx = NULL;
    pa_context_options options = {.struct_size = sizeof(options), .max_memory = -1};
    assert_fails(pa_context_create(&options, &ctx, &err), PA_ERR_INVALID, "max_memory is -1");
    options.struct_size = offsetof(pa_context_options, max_memory); /* compiled before there was one */
    assert_ok(pa_context_create(&options, &ctx, &err));
    pa_context_destroy(ctx);

    char yaml[1000];
    const made_run run = made_run_write(4, 3, 32);
    with_steps(yaml, sizeof(yaml), 4, mixed);
    const int64_t alone = peak_of(&run, yaml, 1, 0);
    const int64_t bounded = peak_of(&run, yaml, 4, 1);
    assert_true(bounded < 2 * alone);
    pa_test_remove(run.path);
}
/** @} */

/** @name Whose failure is told
 * @{ */

/* Layer n gives heads of n + 1 rows and of 4, 3, 2, 1 columns, the last one the cheapest. */
static pa_status ladder_build(void *user_data, pa_site *site, pa_error *err)
{
    pa_matrix *matrix = NULL;
    (void)user_data;
    pa_status status = pa_site_tensor(site, "", PA_WEIGHTS, &matrix, err);
    for (int64_t head = 0; status == PA_OK && head < 4; head++) {
        pa_matrix *part = NULL;
        status = pa_matrix_slice(matrix, 0, pa_site_layer(site) + 1, 0, 4 - head, &part, err);
        if (status == PA_OK) {
            status = pa_site_emit(site, "step", head, part, err);
        }
        pa_matrix_destroy(part);
    }
    pa_matrix_destroy(matrix);
    return status;
}

/* In layer 0 the cheapest fails, late; in all others everything fails, at once. */
static pa_status stumble(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    (void)options;
    (void)err;
    const int first_layer = pa_matrix_rows(in[0]) == 1;
    if (first_layer) {
        pause_milliseconds(2);
    }
    pa_value_set(out, 1.0);
    return !first_layer || pa_matrix_cols(in[0]) == 1 ? PA_ERR_UNSUPPORTED : PA_OK;
}

static void test_the_failure_of_the_earliest_unit_is_told_on_any_number_of_threads(void **state)
{
    (void)state;
    static const pa_role_spec role = {.name = ""};
    const pa_component_ops ladder = {
        .struct_size = sizeof(ladder), .name = "ladder", .roles = &role, .n_roles = 1, .build = ladder_build};
    const pa_metric_ops ops = {.struct_size = sizeof(ops), .name = "stumble", .n_inputs = 1, .compute = stumble};
    const made_run run = made_run_write(3, 4, 8);
    pa_error err;
    for (int32_t threads = 1; threads <= 8; threads++) {
        tiny t;
        assert_ok(tiny_start(&t, NULL, threads));
        assert_ok(pa_component_register(t.ctx, &ladder, NULL, &err));
        assert_ok(pa_metric_register(t.ctx, &ops, NULL, &err));
        assert_ok(tiny_plan_over(&t, run.path,
                                 "steps: [0, 1, 2]\nmetrics: [{metric_name: stumble, components: "
                                 "[{component_name: ladder, layer_suffixes: attention.v_proj, "
                                 "data_type: weights}]}]\n"));
        assert_fails(pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err), PA_ERR_UNSUPPORTED,
                     "step 0, stumble of layers.0.step.heads.3: ");
        tiny_end(&t);
    }
    pa_test_remove(run.path);
}

static void test_a_step_that_cannot_be_opened_fails_after_those_before_it(void **state)
{
    (void)state;
    const made_run run = made_run_write(3, 2, 8);
    char path[512];
    char yaml[500];
    pa_error err;
    pa_test_format(path, sizeof(path), "%s/checkpoints/step_1/learning_dynamics/val_weights.pt", run.path);
    pa_test_write(path, "damaged", 7);
    pa_test_format(path, sizeof(path), "%s/checkpoints/step_2/learning_dynamics/val_weights.pt", run.path);
    pa_test_write(path, "damaged", 7);
    with_steps(yaml, sizeof(yaml), 3, "- {metric_name: norm, " WEIGHTS);
    for (int32_t threads = 1; threads <= 4; threads++) {
        tiny t;
        assert_ok(tiny_start(&t, NULL, threads));
        assert_ok(tiny_plan_over(&t, run.path, yaml));
        assert_fails(pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err), PA_ERR_UNSUPPORTED, "step_1/");
        tiny_end(&t);
    }
    pa_test_remove(run.path);
}
/** @} */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_does_not_grow_with_the_number_of_steps),
        cmocka_unit_test(test_memory_does_not_grow_with_the_number_of_layers),
        cmocka_unit_test(test_a_tensor_is_read_once_a_step_whoever_asks),
        cmocka_unit_test(test_a_target_is_read_once_for_all_steps),
        cmocka_unit_test(test_units_do_not_wait_for_each_other),
        cmocka_unit_test(test_max_memory_bounds_the_units_that_are_computed_at_once),
        cmocka_unit_test(test_max_memory_changes_no_value_and_must_not_be_negative),
        cmocka_unit_test(test_the_failure_of_the_earliest_unit_is_told_on_any_number_of_threads),
        cmocka_unit_test(test_a_step_that_cannot_be_opened_fails_after_those_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
