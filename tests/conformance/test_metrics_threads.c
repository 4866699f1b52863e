/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What holds for every registered metric, with every choice of its options: its value and all that it names do not depend
 * on the number of threads. Once with many callers over matrices they share, once in a whole analysis.
 */
#include <pthread.h>

#include "awkward.h"
#include "tiny_run.h"

enum { N_THREADS = 8, N_LARGE = 4 };

/* Of the sizes from which on other ways are taken than for small ones (route.c), stored as f32. */
static const awkward large[N_LARGE] = {
    {"large", 300, 260, make_normal},
    {"large square", 280, 280, make_normal},
    {"large of rank two", 300, 260, make_repeated_columns},
    {"large with duplicate rows", 300, 260, make_duplicate_rows},
};

/* Inputs that all threads share, and what one thread made of them. */
typedef struct crowd {
    const variant *v;
    pa_matrix *const *in;
    const char *const *names;
    int n;
    const pa_value *expected; /* n x n, or n for one input */
} crowd;

/* What one of them found. */
typedef struct caller {
    const crowd *all;
    pthread_t thread;
    int number;
    const char *wrong; /* of which input; NULL: of none */
} caller;

static int n_pairs(const crowd *c)
{
    return c->v->ops->n_inputs == 2 ? c->n * c->n : c->n;
}

static pa_status compute_pair(const crowd *c, pa_matrix *const *in, int pair, pa_value *out)
{
    const pa_matrix *const both[2] = {in[pair % c->n], in[pair / c->n]};
    return pa_compute(ctx, c->v->ops->name, c->v->options, both, c->v->ops->n_inputs, out, NULL);
}

static int is_same(const pa_value *a, const pa_value *b)
{
    int same = is_same_value(a, b) && pa_value_output_count(a) == pa_value_output_count(b);
    for (int64_t i = 0; same && i < pa_value_output_count(a); i++) {
        const pa_output x = output_at(a, i);
        const pa_output y = output_at(b, i);
        same = is_same_output(&x, &y);
    }
    return same;
}

/* Each begins elsewhere, so that they meet in the middle of each other's work. */
static void *call(void *argument)
{
    caller *me = argument;
    const crowd *c = me->all;
    for (int i = 0; i < n_pairs(c); i++) {
        const int pair = (i + me->number * n_pairs(c) / N_THREADS) % n_pairs(c);
        pa_value value = PA_VALUE_INIT;
        if (compute_pair(c, c->in, pair, &value) != PA_OK || !is_same(&value, &c->expected[pair])) {
            me->wrong = c->names[pair % c->n];
        }
        pa_value_clear(&value);
    }
    return NULL;
}

static void call_at_once(const crowd *c)
{
    caller callers[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        callers[i] = (caller){.all = c, .number = i};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
    }
    for (int i = 0; i < N_THREADS; i++) {
        if (callers[i].wrong != NULL) {
            fail_msg("%s (%s) of %s among others depends on who else computes", c->v->ops->name, c->v->options,
                     callers[i].wrong);
        }
    }
}

typedef pa_matrix *(*open_fn)(const awkward *a, uint64_t seed);

static pa_matrix *open_doubles(const awkward *a, uint64_t seed)
{
    double *x = make(a, seed);
    pa_matrix *m = packed(x, a);
    free(x);
    return m;
}

static pa_matrix *open_floats(const awkward *a, uint64_t seed)
{
    double *x = make(a, seed);
    float *floats = calloc((size_t)(a->rows * a->cols) + 1, sizeof(*floats));
    pa_matrix *m = NULL;
    assert_non_null(floats);
    for (int64_t i = 0; i < a->rows * a->cols; i++) {
        floats[i] = (float)x[i];
    }
    assert_ok(pa_matrix_from_memory(ctx, floats, PA_F32, a->rows, a->cols, &m, &err));
    free(floats);
    free(x);
    return m;
}

/* One thread over matrices of its own, then all over others of the same elements. */
static void check_crowd(const variant *v, const awkward *of, int n, open_fn open)
{
    pa_matrix *own[N_INPUTS];
    pa_matrix *shared[N_INPUTS];
    const char *names[N_INPUTS];
    pa_value *expected = calloc((size_t)(n * n), sizeof(*expected));
    assert_non_null(expected);
    const crowd c = {.v = v, .in = shared, .names = names, .n = n, .expected = expected};
    for (int i = 0; i < n; i++) {
        own[i] = open(&of[i], (uint64_t)i);
        shared[i] = open(&of[i], (uint64_t)i);
        names[i] = of[i].name;
    }
    for (int i = 0; i < n_pairs(&c); i++) {
        pa_value_init(&expected[i], sizeof(*expected));
        assert_int_equal(compute_pair(&c, own, i, &expected[i]), PA_OK);
    }
    call_at_once(&c);
    for (int i = 0; i < n_pairs(&c); i++) {
        pa_value_clear(&expected[i]);
    }
    for (int i = 0; i < n; i++) {
        pa_matrix_destroy(own[i]);
        pa_matrix_destroy(shared[i]);
    }
    free(expected);
}

static void for_all_variants(void (*check)(const variant *v))
{
    assert_true(pa_metric_count(ctx) > 0);
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        variant all[MAX_VARIANTS];
        const int n = variants_of(pa_metric_describe(ctx, i), all);
        for (int v = 0; v < n; v++) {
            check(&all[v]);
        }
    }
}

static void check_awkward(const variant *v)
{
    check_crowd(v, inputs, N_INPUTS, open_doubles);
}

static void test_many_callers_share_awkward_matrices(void **state)
{
    (void)state;
    for_all_variants(check_awkward);
}

static void check_large(const variant *v)
{
    check_crowd(v, large, N_LARGE, open_floats);
}

static void test_many_callers_share_large_matrices(void **state)
{
    (void)state;
    for_all_variants(check_large);
}

static pa_status analyze(tiny *t, const variant *v, int32_t threads)
{
    char yaml[1000];
    (void)snprintf(yaml, sizeof(yaml),
                   "steps: [0, 10, 20]\nmetrics: [{metric_name: %s%s%s%s, components: [{component_name: ov_circuit, "
                   "data_type: weights}]}]\n",
                   v->ops->name, v->options[0] != '\0' ? ", " : "", v->options,
                   v->ops->n_inputs == 2 ? ", target_checkpoint: 10" : "");
    assert_ok(tiny_start(t, NULL, threads));
    return tiny_execute(t, yaml);
}

/* A metric that cannot be configured so (its component must emit pairs, say) is none of this test's business. */
static void check_analysis(const variant *v)
{
    tiny one;
    tiny eight;
    const pa_status status = analyze(&one, v, 1);
    assert_int_equal(analyze(&eight, v, N_THREADS), status);
    if (status != PA_OK && status != PA_ERR_CONFIG) {
        fail_msg("%s (%s): %s", v->ops->name, v->options, one.err.message);
    }
    assert_int_equal(pa_results_count(eight.results), pa_results_count(one.results));
    for (int64_t i = 0; i < pa_results_count(one.results); i++) {
        const pa_result_row x = tiny_row(&one, i);
        const pa_result_row y = tiny_row(&eight, i);
        assert_string_equal(x.key, y.key);
        if (!is_same(&x.value, &y.value)) {
            fail_msg("%s (%s) of %s at step %d: %.17g on one thread, %.17g on eight, or an output differs",
                     v->ops->name, v->options, x.key, (int)x.step, x.value.value, y.value.value);
        }
    }
    tiny_end(&one);
    tiny_end(&eight);
}

static void test_an_analysis_on_eight_threads_is_that_on_one(void **state)
{
    (void)state;
    for_all_variants(check_analysis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_callers_share_awkward_matrices),
        cmocka_unit_test(test_many_callers_share_large_matrices),
        cmocka_unit_test(test_an_analysis_on_eight_threads_is_that_on_one),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
