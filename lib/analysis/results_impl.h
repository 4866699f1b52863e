/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Filling results, for the executor; and the context they belong to, for the exporters. */
#ifndef PA_ANALYSIS_RESULTS_IMPL_H
#define PA_ANALYSIS_RESULTS_IMPL_H
#include <picoanalyze/analysis.h>

#include "base/context_impl.h"
#include "base/error.h"

pa_context *pa_results_context(const pa_results *results);

pa_status pa_results_create(pa_context *ctx, pa_results **out, pa_error *err);

/** What an execution took; see pa_summary. */
typedef struct pa_results_cost {
    int64_t bytes_read;
    double seconds;
    int64_t queries;
    int64_t computed;
} pa_results_cost;

/** Append a row; its strings are copied, equal ones once. */
pa_status pa_results_append(pa_results *results, const pa_result_row *row, pa_error *err);

void pa_results_set_cost(pa_results *results, const pa_results_cost *cost);
#endif
