/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Told once a run: rows of activations that pico-train mixed up when it ran as a single process. */
#include "analysis/plan.h"

static int reads_activations(const pa_config *config)
{
    for (int64_t m = 0; m < config->n_metrics; m++) {
        for (int64_t p = 0; p < config->metrics[m].n_parts; p++) {
            if (config->metrics[m].parts[p].kind == PA_ACTIVATIONS) {
                return 1;
            }
        }
    }
    return 0;
}

void pa_row_notes_tell(const pa_analysis *analysis)
{
    const pa_plan *plan = &analysis->plan;
    for (int64_t r = 0; r < plan->n_runs && reads_activations(analysis->config); r++) {
        const pa_run *run = plan->runs[r].run;
        if (pa_run_is_single_process(run) && !pa_run_opened_with(run)->unscramble) {
            pa_log(
                analysis->ctx, PA_LOG_WARNING,
                "%s: its training_config.yaml says that a single process wrote it: pico-train then mixes up the rows "
                "of each micro-batch of activations; 'unscramble: true' undoes it",
                pa_run_path(run));
        }
    }
}
