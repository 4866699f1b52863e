/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `step_<N>/<file>.json`: one flat object, key to number or null, as pico-analyze writes it. A named number of a
 * value is one more key, `<key>.<name>`; arrays have no place in it. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "export/export_impl.h"
#include "export/utf8.h"

/** One file of a step while its rows come in; rows of several files may be interleaved. */
typedef struct step_file {
    const char *name; /* borrowed from the results */
    pa_text text;
} step_file;

typedef struct step_files {
    const pa_allocator *mem;
    step_file *files;
    int64_t count;
    int64_t capacity;
} step_files;

static void clear_files(step_files *step)
{
    for (int64_t i = 0; i < step->count; i++) {
        pa_text_free(&step->files[i].text);
    }
    step->count = 0;
}

/* The file of that name, begun when it is new. The last one is asked for most often. */
static pa_status find_file(step_files *step, const char *name, pa_text **out, pa_error *err)
{
    for (int64_t i = step->count - 1; i >= 0; i--) {
        if (strcmp(step->files[i].name, name) == 0) {
            *out = &step->files[i].text;
            return PA_OK;
        }
    }
    if (name[0] == '\0' || strchr(name, '/') != NULL) {
        return pa_fail(err, PA_ERR_INVALID, "'%s.json' is not a file name: it is empty or holds '/'", name);
    }
    step_file *grown = pa_array_grow(step->mem, step->files, &step->capacity, step->count + 1, sizeof(*step->files));
    if (grown == NULL) {
        return pa_fail_nomem(err, "the list of JSON files");
    }
    step->files = grown;
    step->files[step->count] = (step_file){.name = name, .text = {.mem = step->mem}};
    *out = &step->files[step->count++].text;
    return PA_OK;
}

/* `name` is that of an output, or NULL for the value itself. */
static pa_status append_pair(pa_text *text, const char *key, const char *name, pa_state state, double number,
                             pa_error *err)
{
    pa_status status = PA_OK;
    pa_text full = {.mem = text->mem};
    if (name != NULL) {
        PA_TRY(pa_text_append(&full, key, err));
        PA_TRY(pa_text_append(&full, ".", err));
        PA_TRY(pa_text_append(&full, name, err));
        key = full.data;
    }
    PA_TRY(pa_text_append(text, text->length == 0 ? "{\n    " : ",\n    ", err));
    PA_TRY(pa_text_append_json(text, key, err));
    PA_TRY(pa_text_append(text, ": ", err));
    if (state == PA_STATE_OK) {
        PA_TRY(pa_text_number(text, number, err));
    } else {
        PA_TRY(pa_text_append(text, "null", err));
    }

cleanup:
    pa_text_free(&full);
    return status;
}

static pa_status append_row(pa_text *text, const pa_result_row *row, pa_error *err)
{
    pa_status status = append_pair(text, row->key, NULL, row->value.state, row->value.value, err);
    for (int64_t i = 0; i < pa_value_output_count(&row->value) && status == PA_OK; i++) {
        pa_output output = {.struct_size = sizeof(output)};
        status = pa_value_output(&row->value, i, &output, err);
        if (status == PA_OK && output.ndim == 0) {
            status = append_pair(text, row->key, output.name, output.state, output.number, err);
        }
    }
    return status;
}

static pa_status write_step(const pa_export_job *job, step_files *step, int64_t number, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text name = {.mem = job->mem};
    for (int64_t i = 0; i < step->count; i++) {
        PA_TRY(pa_text_append(&step->files[i].text, "\n}\n", err));
        PA_TRY(pa_text_printf(&name, err, "step_%" PRId64 "/%s.json", number, step->files[i].name));
        PA_TRY(pa_export_file(job, name.data, &step->files[i].text, err));
        pa_text_free(&name);
    }
    clear_files(step);

cleanup:
    pa_text_free(&name);
    return status;
}

static pa_status write_json(const pa_export_job *job, pa_error *err)
{
    pa_status status = PA_OK;
    step_files step = {.mem = job->mem};
    int64_t number = 0;
    const int64_t n_rows = pa_results_count(job->results);
    for (int64_t i = 0; i < n_rows; i++) {
        pa_result_row row;
        pa_text *text = NULL;
        PA_TRY(pa_export_row(job, i, &row, err));
        if (row.step != number) {
            PA_TRY(write_step(job, &step, number, err));
            number = row.step;
        }
        PA_TRY(find_file(&step, row.file, &text, err));
        PA_TRY(append_row(text, &row, err));
    }
    PA_TRY(write_step(job, &step, number, err));

cleanup:
    clear_files(&step);
    pa_free(job->mem, step.files);
    return status;
}

const pa_exporter pa_exporter_json = {.write = write_json};
