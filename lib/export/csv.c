/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `results.csv`: the fields of every row, RFC 4180: a header, CRLF, quotes where needed. */
#include <inttypes.h>
#include <string.h>

#include "export/export_impl.h"
#include "export/row_fields.h"
#include "export/utf8.h"

static pa_status append_text(pa_text *out, const char *text, pa_error *err)
{
    pa_status status = PA_OK;
    const int quoted = strpbrk(text, ",\"\r\n") != NULL;
    PA_TRY(pa_text_append(out, quoted ? "\"" : "", err));
    PA_TRY(pa_text_append_utf8(out, text, '"', err));
    PA_TRY(pa_text_append(out, quoted ? "\"" : "", err));

cleanup:
    return status;
}

static pa_status append_field(pa_text *out, const pa_field *field, pa_error *err)
{
    switch (field->type) {
    case PA_FIELD_TEXT:
        return append_text(out, field->text, err);
    case PA_FIELD_INTEGER:
        return pa_text_printf(out, err, "%" PRId64, field->integer);
    case PA_FIELD_NUMBER:
        return pa_text_number(out, field->number, err);
    case PA_FIELD_NONE:
    default:
        return PA_OK;
    }
}

static pa_status append_header(pa_text *out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_result_row row = {.struct_size = sizeof(row)};
    pa_field fields[PA_ROW_FIELDS_MAX];
    const int n_fields = pa_row_fields(&row, fields);
    for (int i = 0; i < n_fields; i++) {
        PA_TRY(pa_text_append(out, i == 0 ? "" : ",", err));
        PA_TRY(append_text(out, fields[i].name, err));
    }
    PA_TRY(pa_text_append(out, "\r\n", err));

cleanup:
    return status;
}

static pa_status append_row(pa_text *out, const pa_result_row *row, pa_error *err)
{
    pa_status status = PA_OK;
    pa_field fields[PA_ROW_FIELDS_MAX];
    const int n_fields = pa_row_fields(row, fields);
    for (int i = 0; i < n_fields; i++) {
        PA_TRY(pa_text_append(out, i == 0 ? "" : ",", err));
        PA_TRY(append_field(out, &fields[i], err));
    }
    PA_TRY(pa_text_append(out, "\r\n", err));

cleanup:
    return status;
}

static pa_status write_csv(const pa_export_job *job, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text text = {.mem = job->mem};
    PA_TRY(append_header(&text, err));
    const int64_t n_rows = pa_results_count(job->results);
    for (int64_t i = 0; i < n_rows; i++) {
        pa_result_row row;
        PA_TRY(pa_export_row(job, i, &row, err));
        PA_TRY(append_row(&text, &row, err));
    }
    PA_TRY(pa_export_file(job, "results.csv", &text, err));

cleanup:
    pa_text_free(&text);
    return status;
}

const pa_exporter pa_exporter_csv = {.write = write_csv};
