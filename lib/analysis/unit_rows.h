/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The rows of one unit as bytes: what a journal keeps and what processes send each other.
 *
 * Little-endian, the same on every machine; numbers keep all their bits. The bytes say which unit they are of.
 */
#ifndef PA_ANALYSIS_UNIT_ROWS_H
#define PA_ANALYSIS_UNIT_ROWS_H
#include "analysis/units.h"

/** What is not there when an item is left out. */
typedef enum pa_skip_where {
    PA_SKIP_SPLIT,     /**< Tensors of the item's split and kind. */
    PA_SKIP_TARGET,    /**< Those of its target's. */
    PA_SKIP_REFERENCE, /**< A step before, for the second checkpoint. */
    PA_N_SKIPS
} pa_skip_where;

/** One value of a unit, or an item that was left out. */
typedef struct pa_unit_row {
    int64_t item;
    int32_t skipped;   /**< 1: there are no tensors of `kind` at `skip_step`; what follows below is unset. */
    pa_kind kind;      /**< Of what is absent. */
    int64_t skip_step; /**< Where it is absent: the step or its target. */
    pa_skip_where skip_where;
    int64_t head;    /**< -1 for the whole. */
    const char *key; /**< When read: lent by the reader until the next row. */
    pa_value value;  /**< When read: without its outputs, see pa_unit_row_outputs(). */

    /* When read: the outputs as bytes, lent likewise. */
    const char *outputs;
    int64_t outputs_length;
    int64_t n_outputs;
} pa_unit_row;

/** Begin the rows of a unit in an empty text. */
pa_status pa_unit_rows_begin(const pa_plan *plan, int64_t unit, pa_text *bytes, pa_error *err);

/** Append a row; rows are in the order of their items. */
pa_status pa_unit_rows_add(pa_text *bytes, const pa_unit_row *row, pa_error *err);

/** After the last row. */
pa_status pa_unit_rows_end(pa_text *bytes, pa_error *err);

/**
 * Which unit the bytes are of, and how many rows with a value they have. Looks at all of them: PA_ERR_FORMAT when they
 * are not what the three functions above have written for this plan.
 */
pa_status pa_unit_rows_check(const pa_plan *plan, const char *bytes, int64_t length, int64_t *unit, int64_t *values,
                             pa_error *err);

/** Reads bytes that have been checked. */
typedef struct pa_unit_reader {
    const char *bytes;
    int64_t length;
    int64_t at;
} pa_unit_reader;

pa_unit_reader pa_unit_rows_read(const char *bytes, int64_t length);

/** The next row: 1, or 0 after the last one. Allocates nothing. */
int pa_unit_rows_next(pa_unit_reader *reader, pa_unit_row *row);

/**
 * The outputs of a row that was read, from `mem`: the caller's, who gives them to a value or ends them; NULL when there
 * are none. PA_ERR_FORMAT when no value can have such outputs; PA_ERR_NOMEM.
 */
pa_status pa_unit_row_outputs(const pa_unit_row *row, const pa_allocator *mem, pa_outputs **out, pa_error *err);
#endif
