/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What holds for every registered metric, with every choice of its options, on inputs of every awkward kind: it ends in
 * a finite value or a named state, repeats bit for bit, and does not see how its input is stored. */
#include "pa_metric_test.h"

/* An input: `make` fills rows x cols doubles. */
typedef struct awkward {
    const char *name;
    int64_t rows;
    int64_t cols;
    void (*make)(pa_random *r, double *x, int64_t rows, int64_t cols);
} awkward;

static void make_normal(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
}

static void make_zero(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    (void)r;
    memset(x, 0, (size_t)(rows * cols) * sizeof(*x));
}

static void make_constant(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    (void)r;
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] = 0.1;
    }
}

static void make_nan(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    x[rows * cols / 2] = NAN;
}

static void make_infinite(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    x[0] = -INFINITY;
}

static void make_duplicate_rows(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, cols);
    for (int64_t i = 1; i < rows; i++) {
        memcpy(x + i * cols, x, (size_t)cols * sizeof(*x));
    }
}

static void make_rank_one(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    make_duplicate_rows(r, x, rows, cols);
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] *= (double)(1 + i / cols);
    }
}

static void make_denormal(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] *= 1e-310;
    }
}

static void make_huge(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] *= 1e307;
    }
}

static void make_sparse(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    make_zero(r, x, rows, cols);
    x[rows * cols - 1] = -1e-200;
}

static const awkward inputs[] = {
    {"normal", 20, 7, make_normal},    {"wide", 6, 30, make_normal},
    {"zero", 5, 4, make_zero},         {"constant", 9, 4, make_constant},
    {"nan", 6, 5, make_nan},           {"infinite", 6, 5, make_infinite},
    {"one row", 1, 9, make_normal},    {"one column", 9, 1, make_normal},
    {"single", 1, 1, make_normal},     {"duplicate rows", 8, 5, make_duplicate_rows},
    {"rank one", 8, 5, make_rank_one}, {"denormal", 7, 6, make_denormal},
    {"huge", 7, 6, make_huge},         {"sparse", 7, 6, make_sparse},
    {"two rows", 2, 5, make_normal},   {"three rows", 3, 5, make_normal},
    {"no rows", 0, 5, make_zero},      {"no columns", 5, 0, make_zero},
};
enum { N_INPUTS = sizeof(inputs) / sizeof(inputs[0]), MAX_VARIANTS = 32 };

/* One metric with one choice of options. */
typedef struct variant {
    const pa_metric_ops *ops;
    char options[128];
} variant;

static int add_choices(const pa_option_spec *spec, const pa_metric_ops *ops, variant *out, int n)
{
    const char *at = spec->type == PA_OPTION_BOOL ? "true|false" : spec->choices;
    while (at != NULL && *at != '\0' && n < MAX_VARIANTS) {
        const size_t length = strcspn(at, "|");
        out[n].ops = ops;
        (void)snprintf(out[n].options, sizeof(out[n].options), "%s: %.*s", spec->name, (int)length, at);
        at += length + (at[length] == '|');
        n++;
    }
    return n;
}

/* Defaults, pico's formula, and every choice of every option by itself. */
static int variants_of(const pa_metric_ops *ops, variant out[MAX_VARIANTS])
{
    int n = 0;
    out[n].ops = ops;
    out[n++].options[0] = '\0';
    out[n].ops = ops;
    (void)snprintf(out[n++].options, sizeof(out[0].options), "compat: pico");
    for (int64_t i = 0; i < ops->n_options; i++) {
        if (ops->options[i].type == PA_OPTION_BOOL || ops->options[i].type == PA_OPTION_CHOICE) {
            n = add_choices(&ops->options[i], ops, out, n);
        }
    }
    return n;
}

typedef void (*check_fn)(const variant *v, const awkward *a, const awkward *b);

static void for_all(check_fn check)
{
    assert_true(pa_metric_count(ctx) > 0);
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        variant all[MAX_VARIANTS];
        const int n = variants_of(pa_metric_describe(ctx, i), all);
        for (int v = 0; v < n; v++) {
            for (int a = 0; a < N_INPUTS; a++) {
                for (int b = 0; b < (all[v].ops->n_inputs == 2 ? N_INPUTS : 1); b++) {
                    check(&all[v], &inputs[a], &inputs[b]);
                }
            }
        }
    }
}

static double *make(const awkward *a, uint64_t seed)
{
    pa_random r = {seed};
    double *x = dense_new(a->rows, a->cols);
    if (a->rows > 0 && a->cols > 0) {
        a->make(&r, x, a->rows, a->cols);
    }
    return x;
}

static pa_value compute(const variant *v, const pa_matrix *a, const pa_matrix *b, const char *what)
{
    pa_value value = PA_VALUE_INIT;
    const pa_matrix *const in[2] = {a, b};
    const pa_status status = pa_compute(ctx, v->ops->name, v->options, in, v->ops->n_inputs, &value, &err);
    if (status != PA_OK) {
        fail_msg("%s (%s) of %s: %s", v->ops->name, v->options, what, err.message);
    }
    return value;
}

static pa_matrix *packed(const double *x, const awkward *a)
{
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F64, a->rows, a->cols, &m, &err));
    return m;
}

static void check_total(const variant *v, const awkward *a, const awkward *b)
{
    double *x = make(a, 1);
    double *y = make(b, 2);
    pa_matrix *mx = packed(x, a);
    pa_matrix *my = packed(y, b);
    char what[128];
    (void)snprintf(what, sizeof(what), "%s and %s", a->name, b->name);
    const pa_value value = compute(v, mx, my, what);
    const int named = value.state > PA_STATE_UNSET && value.state <= PA_STATE_UNSUPPORTED;
    const int settled = value.state == PA_STATE_OK ? isfinite(value.value) && value.definition[0] != '\0'
                                                   : value.value == 0.0 && value.note[0] != '\0';
    if (!named || !settled || value.n != a->rows || value.p != a->cols) {
        fail_msg("%s (%s) of %s: value %g, state %s, note '%s'", v->ops->name, v->options, what, value.value,
                 pa_state_name(value.state), value.note);
    }
    const pa_value again = compute(v, mx, my, what);
    assert_memory_equal(&value, &again, sizeof(value));
    pa_matrix *fresh = packed(x, a);
    const pa_value anew = compute(v, fresh, my, what);
    assert_memory_equal(&value, &anew, sizeof(value));
    pa_matrix_destroy(fresh);
    pa_matrix_destroy(mx);
    pa_matrix_destroy(my);
    free(x);
    free(y);
}

static void test_every_input_ends_in_a_value_or_a_named_state(void **state)
{
    (void)state;
    for_all(check_total);
}

/* The same elements with gaps between them, and stored by columns. */
static void check_strides(const variant *v, const awkward *a, const awkward *b)
{
    if (a->rows == 0 || a->cols == 0) {
        return;
    }
    double *x = make(a, 1);
    double *y = make(b, 2);
    double *gaps = dense_new(a->rows, 3 * a->cols);
    double *by_columns = dense_transpose(x, a->rows, a->cols);
    for (int64_t i = 0; i < a->rows * 3 * a->cols; i++) {
        gaps[i] = i % 3 == 0 ? x[i / 3] : NAN;
    }
    pa_matrix *plain = packed(x, a);
    pa_matrix *my = packed(y, b);
    pa_matrix *strided = NULL;
    pa_matrix *transposed = NULL;
    assert_ok(pa_matrix_borrow(ctx, gaps, PA_F64, a->rows, a->cols, 3 * a->cols, 3, &strided, &err));
    assert_ok(pa_matrix_borrow(ctx, by_columns, PA_F64, a->rows, a->cols, 1, a->rows, &transposed, &err));
    const pa_value expected = compute(v, plain, my, a->name);
    const pa_value got[2] = {compute(v, strided, my, a->name), compute(v, transposed, my, a->name)};
    for (int i = 0; i < 2; i++) {
        assert_memory_equal(&got[i], &expected, sizeof(expected));
    }
    pa_matrix_destroy(transposed);
    pa_matrix_destroy(strided);
    pa_matrix_destroy(my);
    pa_matrix_destroy(plain);
    free(by_columns);
    free(gaps);
    free(y);
    free(x);
}

static void test_strides_do_not_matter(void **state)
{
    (void)state;
    for_all(check_strides);
}

/* bfloat16 and the same numbers as f32: the value agrees bit for bit; only the provenance differs. */
static void check_bfloat16(const variant *v, const awkward *a, const awkward *b)
{
    double *x = make(a, 1);
    double *y = make(b, 2);
    const int64_t count = a->rows * a->cols;
    uint16_t *coarse = calloc((size_t)count + 1, sizeof(*coarse));
    float *fine = calloc((size_t)count + 1, sizeof(*fine));
    assert_true(coarse != NULL && fine != NULL);
    for (int64_t i = 0; i < count; i++) {
        const float value = (float)x[i];
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        coarse[i] = (uint16_t)(bits >> 16);
        bits = (uint32_t)coarse[i] << 16;
        memcpy(&fine[i], &bits, sizeof(bits));
    }
    pa_matrix *in[2] = {NULL, NULL};
    pa_matrix *my = packed(y, b);
    assert_ok(pa_matrix_from_memory(ctx, coarse, PA_BF16, a->rows, a->cols, &in[0], &err));
    assert_ok(pa_matrix_from_memory(ctx, fine, PA_F32, a->rows, a->cols, &in[1], &err));
    const pa_value from_coarse = compute(v, in[0], my, a->name);
    const pa_value from_fine = compute(v, in[1], my, a->name);
    assert_int_equal(from_coarse.state, from_fine.state);
    assert_memory_equal(&from_coarse.value, &from_fine.value, sizeof(double));
    assert_int_equal(from_coarse.rank, from_fine.rank);
    assert_int_equal(from_coarse.nonfinite, from_fine.nonfinite);
    pa_matrix_destroy(in[0]);
    pa_matrix_destroy(in[1]);
    pa_matrix_destroy(my);
    free(fine);
    free(coarse);
    free(y);
    free(x);
}

static void test_bfloat16_equals_its_upcast(void **state)
{
    (void)state;
    for_all(check_bfloat16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_input_ends_in_a_value_or_a_named_state),
        cmocka_unit_test(test_strides_do_not_matter),
        cmocka_unit_test(test_bfloat16_equals_its_upcast),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
