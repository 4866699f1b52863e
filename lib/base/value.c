/* SPDX-License-Identifier: Apache-2.0 */
#include <picoanalyze/value.h>

#include <math.h>
#include <string.h>

#include "base/outputs.h"

const char *pa_state_name(pa_state state)
{
    static const char *const names[] = {"unset",    "ok",        "degenerate", "saturated",
                                        "singular", "nonfinite", "empty",      "unsupported"};
    return state >= 0 && state <= PA_STATE_UNSUPPORTED ? names[state] : "unset";
}

/* Copies what fits; `out` is always terminated. */
static void copy_text(char *out, size_t size, const char *text)
{
    const size_t length = text == NULL ? 0 : strnlen(text, size - 1);
    if (length > 0) {
        memcpy(out, text, length);
    }
    out[length] = '\0';
}

void pa_value_init(pa_value *value, size_t struct_size)
{
    const pa_value fresh = PA_VALUE_INIT;
    if (value != NULL && struct_size >= sizeof(fresh)) {
        memset(value, 0, struct_size);
        memcpy(value, &fresh, sizeof(fresh));
        value->struct_size = struct_size;
    }
}

void pa_value_clear(pa_value *value)
{
    if (value != NULL) {
        pa_outputs_destroy(value->outputs);
        value->outputs = NULL;
        pa_value_init(value, value->struct_size);
    }
}

void pa_value_set(pa_value *value, double number)
{
    if (isfinite(number)) {
        value->value = number;
        value->state = PA_STATE_OK;
        value->note[0] = '\0';
    } else {
        pa_value_set_undefined(value, PA_STATE_NONFINITE, "the value exceeds the range of a double");
    }
}

void pa_value_set_undefined(pa_value *value, pa_state state, const char *note)
{
    value->value = 0.0;
    value->state = state;
    copy_text(value->note, sizeof(value->note), note);
}

void pa_value_set_definition(pa_value *value, const char *definition, const char *estimator)
{
    copy_text(value->definition, sizeof(value->definition), definition);
    copy_text(value->estimator, sizeof(value->estimator), estimator);
}
