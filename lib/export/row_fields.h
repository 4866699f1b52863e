/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The fields of a result row under their names, for exporters that write all of them. */
#ifndef PA_EXPORT_ROW_FIELDS_H
#define PA_EXPORT_ROW_FIELDS_H
#include <picoanalyze/analysis.h>

typedef enum pa_field_type {
    PA_FIELD_NONE, /**< Not known or not applicable: null in JSON, nothing in CSV. */
    PA_FIELD_TEXT,
    PA_FIELD_INTEGER,
    PA_FIELD_NUMBER
} pa_field_type;

typedef struct pa_field {
    const char *name;
    pa_field_type type;
    const char *text;
    int64_t integer;
    double number; /**< Finite. */
} pa_field;

/** Capacity of the array below. */
enum { PA_ROW_FIELDS_MAX = 32 };

/** Fill in the fields of a row in the order in which they are written; returns how many: the same for every row. */
int pa_row_fields(const pa_result_row *row, pa_field out[PA_ROW_FIELDS_MAX]);
#endif
