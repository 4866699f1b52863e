/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `results.jsonl`: one JSON object a row, with every field. */
#include <inttypes.h>

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

static pa_status append_row(pa_text *out, const pa_result_row *row, pa_error *err)
{
    pa_status status = PA_OK;
    pa_field fields[PA_ROW_FIELDS_MAX];
    const int n_fields = pa_row_fields(row, fields);
    for (int i = 0; i < n_fields; i++) {
        PA_TRY(pa_text_append(out, i == 0 ? "{" : ", ", err));
        PA_TRY(append_field(out, &fields[i], err));
    }
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
