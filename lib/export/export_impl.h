/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What an exporter is. To add one: a file with a `pa_exporter_<name>`, a line in export_list.h and meson.build. */
#ifndef PA_EXPORT_EXPORT_IMPL_H
#define PA_EXPORT_EXPORT_IMPL_H
#include <picoanalyze/analysis.h>

#include "base/file.h"
#include "base/text.h"

/** One call of pa_results_export(). */
typedef struct pa_export_job {
    const pa_results *results;
    const char *directory;
    const pa_allocator *mem;
    pa_output *output; /**< Where files go; committed by the caller once every exporter has written its own. */
} pa_export_job;

typedef struct pa_exporter {
    pa_status (*write)(const pa_export_job *job, pa_error *err);
} pa_exporter;

/** Row `index` with all fields. */
pa_status pa_export_row(const pa_export_job *job, int64_t index, pa_result_row *row, pa_error *err);

/** Write `content` as `<directory>/<name>`. */
pa_status pa_export_file(const pa_export_job *job, const char *name, const pa_text *content, pa_error *err);
#endif
