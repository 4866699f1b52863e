/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `results.jsonl`: one JSON object a row, with every field, and the named outputs of its value if it has any. */
#include <inttypes.h>

#include "base/outputs.h"
#include "export/export_impl.h"
#include "export/row_fields.h"
#include "export/utf8.h"

static pa_status append_field(pa_text *out, const pa_field *field, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_text_append_json(out, field->name, err));
    PA_TRY(pa_text_append(out, ": ", err));
    switch (field->type) {
    case PA_FIELD_TEXT:
        PA_TRY(pa_text_append_json(out, field->text, err));
        break;
    case PA_FIELD_INTEGER:
        PA_TRY(pa_text_printf(out, err, "%" PRId64, field->integer));
        break;
    case PA_FIELD_NUMBER:
        PA_TRY(pa_text_number(out, field->number, err));
        break;
    case PA_FIELD_NONE:
    default:
        PA_TRY(pa_text_append(out, "null", err));
        break;
    }

cleanup:
    return status;
}

/* "row,column" as ["row", "column"]; the names need no escapes. */
static pa_status append_axes(pa_text *out, const char *axes, pa_error *err)
{
    pa_status status = pa_text_append(out, "[\"", err);
    for (; *axes != '\0' && status == PA_OK; axes++) {
        status = *axes == ',' ? pa_text_append(out, "\", \"", err) : pa_text_append_bytes(out, axes, 1, err);
    }
    return status == PA_OK ? pa_text_append(out, "\"]", err) : status;
}

static pa_status append_array(pa_text *out, const pa_output *array, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t count = pa_outputs_elements(array->shape, array->ndim);
    PA_TRY(pa_text_append(out, "{\"axes\": ", err));
    PA_TRY(append_axes(out, array->axes, err));
    PA_TRY(pa_text_append(out, ", \"shape\": [", err));
    for (int32_t i = 0; i < array->ndim; i++) {
        PA_TRY(pa_text_printf(out, err, "%s%" PRId64, i > 0 ? ", " : "", array->shape[i]));
    }
    PA_TRY(pa_text_append(out, "], \"values\": [", err));
    for (int64_t i = 0; i < count; i++) {
        PA_TRY(pa_text_append(out, i > 0 ? ", " : "", err));
        PA_TRY(pa_text_number(out, array->numbers[i], err));
    }
    PA_TRY(pa_text_append(out, "]}", err));

cleanup:
    return status;
}

static pa_status append_output(pa_text *out, const pa_output *output, pa_error *err)
{
    if (output->ndim > 0) {
        return append_array(out, output, err);
    }
    return output->state == PA_STATE_OK ? pa_text_number(out, output->number, err) : pa_text_append(out, "null", err);
}

static pa_status append_state(pa_text *out, const pa_output *output, pa_error *err)
{
    return pa_text_append_json(out, pa_state_name(output->state), err);
}

static int is_any(const pa_output *output)
{
    (void)output;
    return 1;
}

static int is_undefined(const pa_output *output)
{
    return output->state != PA_STATE_OK;
}

/* `, "<field>": {name: ..., ...}` of those outputs that are wanted; nothing when none is. */
static pa_status append_outputs(pa_text *out, const char *field, const pa_value *value,
                                int (*is_wanted)(const pa_output *output),
                                pa_status (*append)(pa_text *out, const pa_output *output, pa_error *err),
                                pa_error *err)
{
    pa_status status = PA_OK;
    int64_t n = 0;
    for (int64_t i = 0; i < pa_value_output_count(value); i++) {
        pa_output output = {.struct_size = sizeof(output)};
        PA_TRY(pa_value_output(value, i, &output, err));
        if (is_wanted(&output)) {
            PA_TRY(n == 0 ? pa_text_printf(out, err, ", \"%s\": {", field) : pa_text_append(out, ", ", err));
            PA_TRY(pa_text_append_json(out, output.name, err));
            PA_TRY(pa_text_append(out, ": ", err));
            PA_TRY(append(out, &output, err));
            n++;
        }
    }
    PA_TRY(pa_text_append(out, n > 0 ? "}" : "", err));

cleanup:
    return status;
}

static pa_status append_row(pa_text *out, const pa_result_row *row, pa_error *err)
{
    pa_status status = PA_OK;
    pa_field fields[PA_ROW_FIELDS_MAX];
    const int n_fields = pa_row_fields(row, fields);
    for (int i = 0; i < n_fields; i++) {
        PA_TRY(pa_text_append(out, i == 0 ? "{" : ", ", err));
        PA_TRY(append_field(out, &fields[i], err));
    }
    PA_TRY(append_outputs(out, "outputs", &row->value, is_any, append_output, err));
    PA_TRY(append_outputs(out, "output_states", &row->value, is_undefined, append_state, err));
    PA_TRY(pa_text_append(out, "}\n", err));

cleanup:
    return status;
}

static pa_status write_jsonl(const pa_export_job *job, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text text = {.mem = job->mem};
    const int64_t n_rows = pa_results_count(job->results);
    for (int64_t i = 0; i < n_rows; i++) {
        pa_result_row row;
        PA_TRY(pa_export_row(job, i, &row, err));
        PA_TRY(append_row(&text, &row, err));
    }
    PA_TRY(pa_export_file(job, "results.jsonl", &text, err));

cleanup:
    pa_text_free(&text);
    return status;
}

const pa_exporter pa_exporter_jsonl = {.write = write_jsonl};
