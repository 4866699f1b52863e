/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Values with named outputs in tests: computed, looked into, and ended. */
#ifndef PA_OUTPUT_TEST_H
#define PA_OUTPUT_TEST_H
#include "pa_metric_test.h"

/** A named output that must be there. Borrowed from the value. */
static inline pa_output output_of(const pa_value *value, const char *name)
{
    pa_output out = {.struct_size = sizeof(out)};
    assert_ok(pa_value_find_output(value, name, &out, &err));
    return out;
}

#define assert_output(value, name, expected, rtol)                                                                     \
    do {                                                                                                               \
        const pa_output o_ = output_of(value, name);                                                                   \
        if (o_.state != PA_STATE_OK || o_.ndim != 0) {                                                                 \
            fail_msg("%s is %s with %d dimensions", name, pa_state_name(o_.state), (int)o_.ndim);                      \
        }                                                                                                              \
        assert_close(o_.number, expected, rtol);                                                                       \
    } while (0)

#define assert_output_undefined(value, name, expected_state)                                                           \
    assert_string_equal(pa_state_name(output_of(value, name).state), pa_state_name(expected_state))

/** The value itself of a metric of one matrix, which must have one; its outputs are ended. */
static inline double number_of(const char *metric, const char *options, const double *x, int64_t n, int64_t p)
{
    pa_value value = value_of(metric, options, x, n, p);
    if (value.state != PA_STATE_OK) {
        fail_msg("%s (%s) is %s: %s", metric, options, pa_state_name(value.state), value.note);
    }
    const double number = value.value;
    pa_value_clear(&value);
    return number;
}

/** The state of a metric of one matrix that has no value; a reason must be given. */
static inline pa_state state_of(const char *metric, const char *options, const double *x, int64_t n, int64_t p)
{
    pa_value value = value_of(metric, options, x, n, p);
    const pa_state state = value.state;
    assert_true(state == PA_STATE_OK || (value.value == 0.0 && value.note[0] != '\0'));
    pa_value_clear(&value);
    return state;
}

/** Inputs for a sweep of failing allocations: `x` [n, p], and for two inputs `y` [n, q]. */
typedef struct output_case {
    const char *name;
    const char *options;
    const double *x;
    const double *y; /**< NULL: one input. */
    int64_t n;
    int64_t p;
    int64_t q;
} output_case;

static inline pa_status outputs_under_pressure(const pa_allocator *mem, void *user)
{
    const output_case *c = user;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem};
    pa_context *own = NULL;
    pa_matrix *m[2] = {NULL, NULL};
    pa_value value = PA_VALUE_INIT;
    pa_status s = pa_context_create(&options, &own, NULL);
    s = s != PA_OK ? s : pa_matrix_from_memory(own, c->x, PA_F64, c->n, c->p, &m[0], NULL);
    if (c->y != NULL) {
        s = s != PA_OK ? s : pa_matrix_from_memory(own, c->y, PA_F64, c->n, c->q, &m[1], NULL);
    }
    const int64_t n_inputs = c->y != NULL ? 2 : 1;
    s = s != PA_OK ? s : pa_compute(own, c->name, c->options, (const pa_matrix *const *)m, n_inputs, &value, NULL);
    if (s == PA_OK) {
        assert_int_equal(value.state, PA_STATE_OK);
    } else {
        assert_int_equal(value.state, PA_STATE_UNSET);
    }
    pa_value_clear(&value);
    pa_matrix_destroy(m[0]);
    pa_matrix_destroy(m[1]);
    pa_context_destroy(own);
    return s;
}
#endif
