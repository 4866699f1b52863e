/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Under `compat: pico`: told once, which of pico-analyze's own ways the values of a plan follow. */
#include <string.h>

#include "analysis/plan.h"
#include "components/component_impl.h"
#include "metrics/metric_impl.h"

static int metric_is_pico(const pa_config_metric *metric, const char *name)
{
    return strcmp(metric->name, name) == 0 && pa_options_compat(pa_metric_options(metric->metric)) == PA_COMPAT_PICO;
}

static int component_is_pico(const pa_config_metric *metric, const char *name)
{
    for (int64_t i = 0; i < metric->n_parts; i++) {
        const pa_config_part *part = &metric->parts[i];
        if (strcmp(part->name, name) == 0 &&
            pa_options_compat(pa_component_options(part->component)) == PA_COMPAT_PICO) {
            return 1;
        }
    }
    return 0;
}

static void tell(const pa_analysis *analysis, const char *what, const char *name, const char *note,
                 int (*is_pico)(const pa_config_metric *metric, const char *name))
{
    const pa_config *config = analysis->config;
    for (int64_t m = 0; m < config->n_metrics && note[0] != '\0'; m++) {
        if (is_pico(&config->metrics[m], name)) {
            pa_log(analysis->ctx, PA_LOG_INFO, "compat pico: %s '%s': %s", what, name, note);
            return;
        }
    }
}

void pa_pico_notes_tell(const pa_analysis *analysis)
{
    const pa_context *ctx = analysis->ctx;
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        const pa_metric_ops *ops = pa_metric_describe(ctx, i);
        tell(analysis, "metric", ops->name, ops->pico, metric_is_pico);
    }
    for (int64_t i = 0; i < pa_component_count(ctx); i++) {
        const pa_component_ops *ops = pa_component_describe(ctx, i);
        tell(analysis, "component", ops->name, ops->pico, component_is_pico);
    }
}
