/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Computing a metric: what holds for all of them is checked here, once, so that every input ends in a value or in a
 * named state, whoever wrote the metric. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/outputs.h"
#include "metrics/metric_impl.h"

/* States that do not depend on the metric. Leaves `value` unset when the metric must decide. */
static pa_status check_inputs(const pa_metric_ops *ops, const pa_matrix *const *in, pa_value *value, pa_error *err)
{
    char note[sizeof(value->note)];
    for (int32_t i = 0; i < ops->n_inputs; i++) {
        int64_t nonfinite = 0;
        const pa_status status = pa_matrix_nonfinite(in[i], &nonfinite, err);
        if (status != PA_OK) {
            return status;
        }
        value->nonfinite += nonfinite;
    }
    for (int32_t i = 0; i < ops->n_inputs; i++) {
        if (pa_matrix_rows(in[i]) == 0 || pa_matrix_cols(in[i]) == 0) {
            pa_value_set_undefined(value, PA_STATE_EMPTY, "the matrix has no element");
            return PA_OK;
        }
    }
    if (ops->n_inputs == 2 && pa_matrix_rows(in[0]) != pa_matrix_rows(in[1])) {
        (void)snprintf(note, sizeof(note), "%lld rows cannot be paired with %lld", (long long)pa_matrix_rows(in[0]),
                       (long long)pa_matrix_rows(in[1]));
        pa_value_set_undefined(value, PA_STATE_UNSUPPORTED, note);
    } else if (value->nonfinite > 0 && (ops->flags & PA_METRIC_ACCEPTS_NONFINITE) == 0) {
        (void)snprintf(note, sizeof(note), "%lld elements are NaN or infinite", (long long)value->nonfinite);
        pa_value_set_undefined(value, PA_STATE_NONFINITE, note);
    }
    return PA_OK;
}

/* What the implementation returned, made total. */
static pa_status settle(const pa_metric_ops *ops, pa_status returned, pa_value *value, pa_error *err)
{
    if (returned == PA_ERR_NOCONV) {
        pa_error_clear(err);
        pa_value_set_undefined(value, PA_STATE_UNSUPPORTED, "the factorization did not converge");
        return PA_OK;
    }
    if (returned == PA_ERR_NONFINITE) { /* of inputs that are finite: a product overflows */
        pa_error_clear(err);
        pa_value_set_undefined(value, PA_STATE_NONFINITE, "an intermediate result exceeds the range of a double");
        return PA_OK;
    }
    if (returned != PA_OK) {
        const pa_status status = returned < 0 ? returned : PA_ERR_CALLBACK;
        if (err != NULL && err->message[0] == '\0') {
            return pa_fail(err, status, "metric '%s' returned %d", ops->name, (int)returned);
        }
        return status;
    }
    if (value->state == PA_STATE_UNSET) {
        return pa_fail(err, PA_ERR_CALLBACK, "metric '%s' succeeded without setting a value", ops->name);
    }
    if (value->state == PA_STATE_OK && !isfinite(value->value)) {
        pa_value_set(value, value->value);
    }
    return PA_OK;
}

pa_status pa_metric_compute(const pa_metric *metric, const pa_matrix *const *in, int64_t n_inputs, pa_value *out,
                            pa_error *err)
{
    pa_status status = PA_OK;
    pa_value value = PA_VALUE_INIT;
    PA_REQUIRE(metric != NULL && in != NULL && out != NULL, err, PA_ERR_INVALID, "a NULL argument");
    PA_REQUIRE(out->struct_size >= sizeof(value), err, PA_ERR_INVALID, "value: struct_size too small");
    pa_value_clear(out);
    const pa_metric_ops *ops = &metric->entry->ops;
    PA_REQUIRE(n_inputs == ops->n_inputs, err, PA_ERR_INVALID, "metric '%s' reads %d matrices, not %lld", ops->name,
               (int)ops->n_inputs, (long long)n_inputs);
    for (int64_t i = 0; i < n_inputs; i++) {
        PA_REQUIRE(in[i] != NULL, err, PA_ERR_INVALID, "input %lld is NULL", (long long)i);
    }
    value.n = pa_matrix_rows(in[0]);
    value.p = pa_matrix_cols(in[0]);
    value.dtype = pa_matrix_dtype(in[0]);
    PA_TRY(check_inputs(ops, in, &value, err));
    if (value.state == PA_STATE_UNSET) {
        PA_REQUIRE_MEMORY(value.outputs = pa_outputs_create(&metric->ctx->mem), err, "a value");
        pa_error_clear(err);
        const pa_status returned = ops->compute(metric->entry->user_data, metric->options, in, &value, err);
        PA_TRY(settle(ops, returned, &value, err));
    }
    if (pa_value_output_count(&value) == 0) {
        pa_outputs_destroy(value.outputs);
        value.outputs = NULL;
    }
    value.struct_size = out->struct_size;
    memcpy(out, &value, sizeof(value));
    value.outputs = NULL;

cleanup:
    pa_outputs_destroy(value.outputs);
    return status;
}

pa_status pa_compute(pa_context *ctx, const char *name, const char *options, const pa_matrix *const *in,
                     int64_t n_inputs, pa_value *out, pa_error *err)
{
    pa_metric *metric = NULL;
    pa_status status = pa_metric_create(ctx, name, options, &metric, err);
    if (status == PA_OK) {
        status = pa_metric_compute(metric, in, n_inputs, out, err);
    }
    pa_metric_destroy(metric);
    return status;
}
