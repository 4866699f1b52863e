/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The rows of one unit as bytes: what a journal keeps and what processes send each other.
 *
 * Little-endian, the same on every machine; numbers keep all their bits. The bytes say which unit they are of.
 */
#ifndef PA_ANALYSIS_UNIT_ROWS_H
#define PA_ANALYSIS_UNIT_ROWS_H
#include "analysis/units.h"

/** One value of a unit, or an item that was left out. */
typedef struct pa_unit_row {
    int64_t item;
    int32_t skipped;   /**< 1: there are no tensors of `kind` at `skip_step`; what follows below is unset. */
    pa_kind kind;      /**< Of what is absent. */
    int64_t skip_step; /**< Where it is absent: the step or its target. */
    int64_t head;      /**< -1 for the whole. */
    const char *key;   /**< When read: lent by the reader until the next row. */
    pa_value value;
} pa_unit_row;

/** Begin the rows of a unit in an empty text. */
pa_status pa_unit_rows_begin(const pa_plan *plan, int64_t unit, pa_text *bytes, pa_error *err);

/** Append a row; rows are in the order of their items. */
pa_status pa_unit_rows_add(pa_text *bytes, const pa_unit_row *row, pa_error *err);

/** After the last row. */
pa_status pa_unit_rows_end(pa_text *bytes, pa_error *err);

/**
 * Which unit the bytes are of. Looks at all of them: PA_ERR_FORMAT when they are not what the three functions above
 * have written for this plan.
 */
pa_status pa_unit_rows_check(const pa_plan *plan, const char *bytes, int64_t length, int64_t *unit, pa_error *err);

/** Reads bytes that have been checked. */
typedef struct pa_unit_reader {
    const char *bytes;
    int64_t length;
    int64_t at;
} pa_unit_reader;

pa_unit_reader pa_unit_rows_read(const char *bytes, int64_t length);

/** The next row: 1, or 0 after the last one. */
int pa_unit_rows_next(pa_unit_reader *reader, pa_unit_row *row);
#endif
