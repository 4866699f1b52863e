/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Comparing the named outputs of values, and the values with them. */
#ifndef PA_TEST_OUTPUTS_H
#define PA_TEST_OUTPUTS_H
#include "pa_test.h"

static inline pa_output output_at(const pa_value *value, int64_t index)
{
    pa_output out = {.struct_size = sizeof(out)};
    assert_int_equal(pa_value_output(value, index, &out, NULL), PA_OK);
    return out;
}

static inline int64_t output_elements(const pa_output *output)
{
    int64_t count = 1;
    for (int32_t i = 0; i < output->ndim; i++) {
        count *= output->shape[i];
    }
    return output->ndim > 0 ? count : 0;
}

/** Whether two outputs agree to the last bit. */
static inline int is_same_output(const pa_output *a, const pa_output *b)
{
    const size_t bytes = (size_t)output_elements(a) * sizeof(double);
    return strcmp(a->name, b->name) == 0 && strcmp(a->axes, b->axes) == 0 && a->ndim == b->ndim &&
           memcmp(a->shape, b->shape, sizeof(a->shape)) == 0 && a->state == b->state &&
           memcmp(&a->number, &b->number, sizeof(double)) == 0 &&
           (bytes == 0 || memcmp(a->numbers, b->numbers, bytes) == 0);
}

/** All named outputs agree to the last bit; `what` says of what. */
static inline void assert_same_outputs(const pa_value *a, const pa_value *b, const char *what)
{
    const int64_t n = pa_value_output_count(a);
    if (pa_value_output_count(b) != n) {
        fail_msg("%s: %lld outputs and %lld", what, (long long)n, (long long)pa_value_output_count(b));
    }
    for (int64_t i = 0; i < n; i++) {
        const pa_output x = output_at(a, i);
        const pa_output y = output_at(b, i);
        if (!is_same_output(&x, &y)) {
            fail_msg("%s: output %s (%s, %.17g) is not %s (%s, %.17g)", what, x.name, pa_state_name(x.state), x.number,
                     y.name, pa_state_name(y.state), y.number);
        }
    }
}
#endif
