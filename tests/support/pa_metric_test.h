/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Computing a metric of arrays, in one line. */
#ifndef PA_METRIC_TEST_H
#define PA_METRIC_TEST_H
#include "pa_dense.h"
#include "pa_random.h"
#include "pa_test.h"

static pa_context *ctx;
static pa_error err;

static inline int metric_setup(void **state)
{
    (void)state;
    return pa_context_create(NULL, &ctx, &err);
}

static inline int metric_teardown(void **state)
{
    (void)state;
    pa_context_destroy(ctx);
    return 0;
}

/** Of one row-major matrix of doubles; end it with pa_value_clear(). */
static inline pa_value value_of(const char *metric, const char *options, const double *x, int64_t n, int64_t p)
{
    pa_matrix *m = NULL;
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F64, n, p, &m, &err));
    assert_ok(pa_compute(ctx, metric, options, (const pa_matrix *[]){m}, 1, &value, &err));
    pa_matrix_destroy(m);
    return value;
}

/** Of two. */
static inline pa_value value_of_two(const char *metric, const char *options, const double *x, int64_t p,
                                    const double *y, int64_t q, int64_t n)
{
    pa_matrix *a = NULL;
    pa_matrix *b = NULL;
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F64, n, p, &a, &err));
    assert_ok(pa_matrix_from_memory(ctx, y, PA_F64, n, q, &b, &err));
    assert_ok(pa_compute(ctx, metric, options, (const pa_matrix *[]){a, b}, 2, &value, &err));
    pa_matrix_destroy(a);
    pa_matrix_destroy(b);
    return value;
}

/** A named output that is a number. */
static inline double output_number(const pa_value *value, const char *name)
{
    pa_output found = {.struct_size = sizeof(found)};
    assert_ok(pa_value_find_output(value, name, &found, &err));
    assert_int_equal(found.state, PA_STATE_OK);
    assert_int_equal(found.ndim, 0);
    return found.number;
}

/** Whether a named output is there, and if not, why. */
static inline pa_state output_state(const pa_value *value, const char *name)
{
    pa_output found = {.struct_size = sizeof(found)};
    assert_ok(pa_value_find_output(value, name, &found, &err));
    return found.state;
}

/** As assert_value() and assert_undefined(), of a value that is looked at further and ended by the test. */
#define assert_number(value_, expected, rtol)                                                                          \
    do {                                                                                                               \
        const pa_value *const n_ = (value_);                                                                           \
        if (n_->state != PA_STATE_OK) {                                                                                \
            fail_msg("%s is %s: %s", #value_, pa_state_name(n_->state), n_->note);                                     \
        }                                                                                                              \
        assert_close(n_->value, expected, rtol);                                                                       \
    } while (0)

static inline void assert_state(const pa_value *value, pa_state expected)
{
    assert_string_equal(pa_state_name(value->state), pa_state_name(expected));
    assert_true(value->value == 0.0);
    assert_true(value->note[0] != '\0');
}

#define assert_value(call, expected, rtol)                                                                             \
    do {                                                                                                               \
        pa_value v_ = (call);                                                                                          \
        if (v_.state != PA_STATE_OK) {                                                                                 \
            fail_msg("%s is %s: %s", #call, pa_state_name(v_.state), v_.note);                                         \
        }                                                                                                              \
        assert_close(v_.value, expected, rtol);                                                                        \
        pa_value_clear(&v_);                                                                                           \
    } while (0)

#define assert_undefined(call, expected_state)                                                                         \
    do {                                                                                                               \
        pa_value v_ = (call);                                                                                          \
        assert_string_equal(pa_state_name(v_.state), pa_state_name(expected_state));                                   \
        assert_true(v_.value == 0.0);                                                                                  \
        assert_true(v_.note[0] != '\0');                                                                               \
        pa_value_clear(&v_);                                                                                           \
    } while (0)

/** A random orthogonal matrix: a product of Householder reflections. */
static inline double *random_orthogonal(pa_random *r, int64_t n)
{
    double *q = dense_new(n, n);
    for (int64_t i = 0; i < n; i++) {
        q[i * n + i] = 1.0;
    }
    double *v = dense_new(n, 1);
    for (int64_t k = 0; k < n; k++) {
        pa_random_fill(r, v, n);
        const double vv = dense_inner(v, v, n);
        for (int64_t i = 0; i < n; i++) {
            const double s = 2.0 * dense_inner(q + i * n, v, n) / vv;
            for (int64_t j = 0; j < n; j++) {
                q[i * n + j] -= s * v[j];
            }
        }
    }
    free(v);
    return q;
}

/** The out-of-memory sweep of a metric over a low-rank product and a plain matrix. */
typedef struct metric_case {
    const char *name;
    const char *options;
    int64_t n_inputs;
} metric_case;

static inline pa_status metric_under_pressure(const pa_allocator *mem, void *user)
{
    const metric_case *c = user;
    double data[300];
    pa_random r = {5};
    pa_random_fill(&r, data, 300);
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem};
    pa_context *own = NULL;
    pa_matrix *a = NULL;
    pa_matrix *b = NULL;
    pa_matrix *m[2] = {NULL, NULL};
    pa_value value = PA_VALUE_INIT;
    pa_status s = pa_context_create(&options, &own, NULL);
    s = s != PA_OK ? s : pa_matrix_from_memory(own, data, PA_F64, 15, 3, &a, NULL);
    s = s != PA_OK ? s : pa_matrix_from_memory(own, data + 45, PA_F64, 3, 12, &b, NULL);
    s = s != PA_OK ? s : pa_matrix_product(a, b, &m[0], NULL);
    s = s != PA_OK ? s : pa_matrix_from_memory(own, data + 100, PA_F64, 15, 6, &m[1], NULL);
    s = s != PA_OK ? s : pa_compute(own, c->name, c->options, (const pa_matrix *const *)m, c->n_inputs, &value, NULL);
    if (s == PA_OK) {
        assert_int_equal(value.state, PA_STATE_OK);
    } else {
        assert_int_equal(value.state, PA_STATE_UNSET);
    }
    pa_value_clear(&value);
    pa_matrix_destroy(m[0]);
    pa_matrix_destroy(m[1]);
    pa_matrix_destroy(a);
    pa_matrix_destroy(b);
    pa_context_destroy(own);
    return s;
}
#endif
