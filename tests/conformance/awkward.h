/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Inputs of every awkward kind, and every registered metric with every choice of its options. */
#ifndef AWKWARD_H
#define AWKWARD_H
#include "pa_metric_test.h"
#include "pa_test_outputs.h"

/* An input: `make` fills rows x cols doubles. */
typedef struct awkward {
    const char *name;
    int64_t rows;
    int64_t cols;
    void (*make)(pa_random *r, double *x, int64_t rows, int64_t cols);
} awkward;

static inline void make_normal(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
}

static inline void make_zero(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    (void)r;
    memset(x, 0, (size_t)(rows * cols) * sizeof(*x));
}

static inline void make_constant(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    (void)r;
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] = 0.1;
    }
}

static inline void make_nan(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    x[rows * cols / 2] = NAN;
}

static inline void make_infinite(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    x[0] = -INFINITY;
}

static inline void make_duplicate_rows(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, cols);
    for (int64_t i = 1; i < rows; i++) {
        memcpy(x + i * cols, x, (size_t)cols * sizeof(*x));
    }
}

static inline void make_rank_one(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    make_duplicate_rows(r, x, rows, cols);
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] *= (double)(1 + i / cols);
    }
}

static inline void make_denormal(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] *= 1e-310;
    }
}

static inline void make_huge(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] *= 1e307;
    }
}

/* What doubles hold easily, but whose squares no float holds. */
static inline void make_huge_float(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] *= 1e37;
    }
}

static inline void make_denormal_float(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] *= 1e-39;
    }
}

static inline void make_repeated_columns(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++) {
        const double first = pa_random_normal(r);
        const double second = pa_random_normal(r);
        for (int64_t j = 0; j < cols; j++) {
            x[i * cols + j] = j % 2 == 0 ? first : second;
        }
    }
}

/* Elements whose squares overflow and elements whose squares vanish. */
static inline void make_mixed_scales(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] *= i % 3 == 0 ? 1e300 : i % 3 == 1 ? 1e-300 : 1.0;
    }
}

static inline void make_dead_column(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    pa_random_fill(r, x, rows * cols);
    for (int64_t i = 0; i < rows; i++) {
        x[i * cols] = 0.0;
    }
}

static inline void make_sparse(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    make_zero(r, x, rows, cols);
    x[rows * cols - 1] = -1e-200;
}

/* What a head looks at: causal, rows add up to 1. */
static inline void make_pattern(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    make_zero(r, x, rows, cols);
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j <= i && j < cols; j++) {
            x[i * cols + j] = exp(pa_random_normal(r));
            sum += x[i * cols + j];
        }
        for (int64_t j = 0; j <= i && j < cols; j++) {
            x[i * cols + j] /= sum;
        }
    }
}

static inline void make_repeating(pa_random *r, double *x, int64_t rows, int64_t cols)
{
    (void)r;
    for (int64_t i = 0; i < rows * cols; i++) {
        x[i] = (double)(i % 4);
    }
}

static const awkward inputs[] = {
    {"square", 9, 9, make_normal},
    {"square zero", 9, 9, make_zero},
    {"square of rank one", 9, 9, make_rank_one},
    {"square nan", 9, 9, make_nan},
    {"square huge", 9, 9, make_huge},
    {"square denormal", 9, 9, make_denormal},
    {"pattern", 9, 9, make_pattern},
    {"tokens", 9, 1, make_repeating},
    {"normal", 20, 7, make_normal},
    {"wide", 6, 30, make_normal},
    {"zero", 5, 4, make_zero},
    {"constant", 9, 4, make_constant},
    {"nan", 6, 5, make_nan},
    {"infinite", 6, 5, make_infinite},
    {"one row", 1, 9, make_normal},
    {"one column", 9, 1, make_normal},
    {"single", 1, 1, make_normal},
    {"single zero", 1, 1, make_zero},
    {"duplicate rows", 8, 5, make_duplicate_rows},
    {"rank one", 8, 5, make_rank_one},
    {"rank two", 20, 6, make_repeated_columns},
    {"dead column", 20, 4, make_dead_column},
    {"denormal", 7, 6, make_denormal},
    {"huge", 7, 6, make_huge},
    {"huge as floats", 7, 6, make_huge_float},
    {"denormal as floats", 7, 6, make_denormal_float},
    {"mixed scales", 8, 5, make_mixed_scales},
    {"sparse", 7, 6, make_sparse},
    {"two rows", 2, 5, make_normal},
    {"three rows", 3, 5, make_normal},
    {"no rows", 0, 5, make_zero},
    {"no columns", 5, 0, make_zero},
    {"nothing", 0, 0, make_zero},
};
enum { N_INPUTS = sizeof(inputs) / sizeof(inputs[0]), MAX_VARIANTS = 32 };

/** One metric with one choice of options. */
typedef struct variant {
    const pa_metric_ops *ops;
    char options[256];
} variant;

/* "name: value" with a comma before it if it is not the first. */
static inline void append_option(char *out, size_t size, const char *name, const char *value, size_t length)
{
    const size_t used = strlen(out);
    (void)snprintf(out + used, size - used, "%s%s: %.*s", used > 0 ? ", " : "", name, (int)length, value);
}

/* Something for each option that must be given, except `chosen`. */
static inline void append_required(char *out, size_t size, const pa_metric_ops *ops, const pa_option_spec *chosen)
{
    static const char *const any[] = {"false", "1", "1.0", "", "text", "1"};
    for (int64_t i = 0; i < ops->n_options; i++) {
        const pa_option_spec *spec = &ops->options[i];
        if (spec->fallback == NULL && spec != chosen) {
            const char *value = spec->choices != NULL ? spec->choices : any[spec->type];
            append_option(out, size, spec->name, value, strcspn(value, "|"));
        }
    }
}

static inline int add_choices(const pa_option_spec *spec, const pa_metric_ops *ops, variant *out, int n)
{
    const char *at = spec->type == PA_OPTION_BOOL ? "true|false" : spec->choices;
    while (at != NULL && *at != '\0' && n < MAX_VARIANTS) {
        const size_t length = strcspn(at, "|");
        out[n].ops = ops;
        append_required(out[n].options, sizeof(out[n].options), ops, spec);
        append_option(out[n].options, sizeof(out[n].options), spec->name, at, length);
        at += length + (at[length] == '|');
        n++;
    }
    return n;
}

/** Defaults, pico's formula, and every choice of every option by itself. */
static inline int variants_of(const pa_metric_ops *ops, variant out[MAX_VARIANTS])
{
    int n = 0;
    memset(out, 0, MAX_VARIANTS * sizeof(*out));
    for (int pico = 0; pico < 2; pico++) {
        out[n].ops = ops;
        append_required(out[n].options, sizeof(out[n].options), ops, NULL);
        if (pico) {
            append_option(out[n].options, sizeof(out[n].options), "compat", "pico", 4);
        }
        n++;
    }
    for (int64_t i = 0; i < ops->n_options; i++) {
        if (ops->options[i].type == PA_OPTION_BOOL || ops->options[i].type == PA_OPTION_CHOICE) {
            n = add_choices(&ops->options[i], ops, out, n);
        }
    }
    return n;
}

static inline double *make(const awkward *a, uint64_t seed)
{
    pa_random r = {seed};
    double *x = dense_new(a->rows, a->cols);
    if (a->rows > 0 && a->cols > 0) {
        a->make(&r, x, a->rows, a->cols);
    }
    return x;
}

static inline pa_matrix *packed(const double *x, const awkward *a)
{
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F64, a->rows, a->cols, &m, &err));
    return m;
}

/** End it with pa_value_clear(). */
static inline pa_value compute(const variant *v, const pa_matrix *a, const pa_matrix *b, const char *what)
{
    pa_value value = PA_VALUE_INIT;
    const pa_matrix *const in[2] = {a, b};
    const pa_status status = pa_compute(ctx, v->ops->name, v->options, in, v->ops->n_inputs, &value, &err);
    if (status != PA_OK) {
        fail_msg("%s (%s) of %s: %s", v->ops->name, v->options, what, err.message);
    }
    return value;
}

/** Whether two values agree to the last bit, in all but their named outputs. */
static inline int is_same_value(const pa_value *a, const pa_value *b)
{
    pa_value x = *a;
    pa_value y = *b;
    x.outputs = NULL;
    y.outputs = NULL;
    return memcmp(&x, &y, sizeof(x)) == 0;
}

/** Both agree to the last bit; then both are cleared. */
static inline void assert_same_values(pa_value *a, pa_value *b, const variant *v, const char *what)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s (%s) of %s", v->ops->name, v->options, what);
    if (!is_same_value(a, b)) {
        fail_msg("%s: %.17g (%s) and %.17g (%s)", text, a->value, pa_state_name(a->state), b->value,
                 pa_state_name(b->state));
    }
    assert_same_outputs(a, b, text);
    pa_value_clear(a);
    pa_value_clear(b);
}
#endif
