/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `results.csv`: the fields of every row, RFC 4180: a header, CRLF, quotes where needed. Behind the line of a value
 * there is one for each of its named numbers, told apart by the column `output`; arrays have no place in it. */
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

/* The fields that are written in a line: those of the row, and the name of an output beside that of the metric. */
static int line_fields(const pa_result_row *row, const char *output, pa_field out[PA_ROW_FIELDS_MAX + 1])
{
    pa_field fields[PA_ROW_FIELDS_MAX];
    const int n_fields = pa_row_fields(row, fields);
    int n = 0;
    for (int i = 0; i < n_fields; i++) {
        out[n++] = fields[i];
        if (strcmp(fields[i].name, "metric") == 0) {
            out[n++] = (pa_field){.name = "output", .type = PA_FIELD_TEXT, .text = output};
        }
    }
    return n;
}

static pa_status append_header(pa_text *out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_result_row row = {.struct_size = sizeof(row)};
    pa_field fields[PA_ROW_FIELDS_MAX + 1];
    const int n_fields = line_fields(&row, "", fields);
    for (int i = 0; i < n_fields; i++) {
        PA_TRY(pa_text_append(out, i == 0 ? "" : ",", err));
        PA_TRY(append_text(out, fields[i].name, err));
    }
    PA_TRY(pa_text_append(out, "\r\n", err));

cleanup:
    return status;
}

static pa_status append_line(pa_text *out, const pa_result_row *row, const char *output, pa_error *err)
{
    pa_status status = PA_OK;
    pa_field fields[PA_ROW_FIELDS_MAX + 1];
    const int n_fields = line_fields(row, output, fields);
    for (int i = 0; i < n_fields; i++) {
        PA_TRY(pa_text_append(out, i == 0 ? "" : ",", err));
        PA_TRY(append_field(out, &fields[i], err));
    }
    PA_TRY(pa_text_append(out, "\r\n", err));

cleanup:
    return status;
}

static pa_status append_row(pa_text *out, const pa_result_row *row, pa_error *err)
{
    pa_status status = append_line(out, row, "", err);
    pa_result_row line = *row;
    line.value.note[0] = '\0'; /* which is about the value */
    for (int64_t i = 0; i < pa_value_output_count(&row->value) && status == PA_OK; i++) {
        pa_output output = {.struct_size = sizeof(output)};
        status = pa_value_output(&row->value, i, &output, err);
        line.value.value = output.number;
        line.value.state = output.state;
        if (status == PA_OK && output.ndim == 0) {
            status = append_line(out, &line, output.name, err);
        }
    }
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
