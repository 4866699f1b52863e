/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Values that depend on others of the results: on that of the step before, or on all of an entry at a step. */
#ifndef PA_ANALYSIS_SERIES_H
#define PA_ANALYSIS_SERIES_H
#include "analysis/plan.h"

/** What is remembered of the rows. Zero-initialise with the plan; end with pa_series_free(). */
typedef struct pa_series {
    const pa_plan *plan;
    const pa_results *results;
    pa_index keys;  /**< File and key of values that are followed. */
    int64_t *rows;  /**< The latest row of each. */
    int64_t *first; /**< By item: its first row at this step; there are none when it is not before `last`. */
    int64_t *last;
    int64_t capacity;
} pa_series;

pa_status pa_series_start(pa_series *series, const pa_plan *plan, const pa_results *results, pa_error *err);
void pa_series_free(pa_series *series);

/** A step begins. */
void pa_series_begin(pa_series *series);

/** Complete the value of the next row, if its metric wants that; the row must then be appended. */
pa_status pa_series_follow(pa_series *series, const pa_result_row *row, const pa_plan_item *item, pa_value *value,
                           pa_error *err);

/** The next row is one of this item. */
void pa_series_note(pa_series *series, int64_t item);

/** The value of a pool out of the rows of its items at this step: `*there` is 0 when there are none. */
pa_status pa_series_pool(const pa_series *series, const pa_plan_pool *pool, int *there, pa_value *value, pa_error *err);
#endif
