/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief From the name of a format to its exporter. */
#include "export/export_impl.h"

#include <string.h>

#include "analysis/results_impl.h"
#include "base/alloc.h"

#define PA_EXPORTER(name) extern const pa_exporter pa_exporter_##name;
#include "export/export_list.h"
#undef PA_EXPORTER

#define PA_EXPORTER(name) &pa_exporter_##name,
static const pa_exporter *const exporters[] = {
#include "export/export_list.h"
};
#undef PA_EXPORTER

#define PA_EXPORTER(name) #name,
static const char *const exporter_names[] = {
#include "export/export_list.h"
};
#undef PA_EXPORTER

enum { N_EXPORTERS = sizeof(exporters) / sizeof(exporters[0]) };

static pa_status find_exporter(const char *name, const pa_exporter **out, pa_error *err)
{
    for (int i = 0; i < N_EXPORTERS; i++) {
        if (strcmp(name, exporter_names[i]) == 0) {
            *out = exporters[i];
            return PA_OK;
        }
    }
    const char *nearest = pa_nearest(name, exporter_names, N_EXPORTERS);
    if (nearest != NULL) {
        return pa_fail(err, PA_ERR_NOT_FOUND, "no export format '%s'; did you mean '%s'?", name, nearest);
    }
    return pa_fail(err, PA_ERR_NOT_FOUND, "no export format '%s'", name);
}

pa_status pa_export_row(const pa_export_job *job, int64_t index, pa_result_row *row, pa_error *err)
{
    memset(row, 0, sizeof(*row));
    row->struct_size = sizeof(*row);
    return pa_results_row(job->results, index, row, err);
}

pa_status pa_export_file(const pa_export_job *job, const char *name, const pa_text *content, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text path = {.mem = job->mem};
    PA_TRY(pa_text_append(&path, job->directory, err));
    PA_TRY(pa_text_append(&path, "/", err));
    PA_TRY(pa_text_append(&path, name, err));
    PA_TRY(pa_output_write(job->output, path.data, content->data != NULL ? content->data : "", content->length, err));

cleanup:
    pa_text_free(&path);
    return status;
}

/* "json,csv": each name is cut out of the copy in `list`. */
static pa_status write_formats(const pa_export_job *job, char *list, pa_error *err)
{
    char *name = list;
    while (name != NULL) {
        char *comma = strchr(name, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        const pa_exporter *exporter = NULL;
        pa_status status = find_exporter(name, &exporter, err);
        if (status == PA_OK) {
            status = exporter->write(job, err);
        }
        if (status != PA_OK) {
            return status;
        }
        name = comma != NULL ? comma + 1 : NULL;
    }
    return PA_OK;
}

pa_status pa_results_export(const pa_results *results, const char *format, const char *directory, pa_error *err)
{
    pa_status status = PA_OK;
    pa_export_job job = {.results = results, .directory = directory};
    char *list = NULL;
    PA_REQUIRE(results != NULL && format != NULL && directory != NULL, err, PA_ERR_INVALID,
               "pa_results_export: an argument is NULL");
    PA_REQUIRE(directory[0] != '\0', err, PA_ERR_INVALID, "pa_results_export: the directory is \"\"");

    job.mem = &pa_results_context(results)->mem;
    list = pa_strdup(job.mem, format);
    PA_REQUIRE_MEMORY(list, err, "the list of export formats");
    PA_TRY(pa_output_create(job.mem, &job.output, err));
    PA_TRY(write_formats(&job, list, err));
    PA_TRY(pa_output_commit(job.output, err));

cleanup:
    pa_output_destroy(job.output);
    if (list != NULL) {
        pa_free(job.mem, list);
    }
    return status;
}
