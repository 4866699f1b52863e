/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Inside the metrics layer: registry entries, metrics made from YAML, the built-ins. */
#ifndef PA_METRICS_METRIC_IMPL_H
#define PA_METRICS_METRIC_IMPL_H
#include <picoanalyze/metric.h>

#include "base/arena.h"
#include "base/context_impl.h"
#include "base/options_impl.h"

/** A registered metric: everything copied. */
typedef struct pa_metric_entry {
    pa_metric_ops ops;
    void *user_data;
    pa_arena arena; /**< Backs the strings of `ops`. */
    pa_option_spec *options;
} pa_metric_entry;

struct pa_metric {
    pa_context *ctx;
    const pa_metric_entry *entry;
    pa_options *options;
};

pa_status pa_metrics_register_builtin(pa_context *ctx, pa_error *err);
void pa_metrics_unregister(pa_context *ctx);

/** As pa_metric_create(), with the options among other keys of a mapping; see pa_options_request. */
pa_status pa_metric_create_yaml(pa_context *ctx, const char *name, const pa_yaml *yaml, const pa_yaml_node *map,
                                const char *const *other_keys, int64_t n_other_keys, pa_metric **out, pa_error *err);
const pa_metric_ops *pa_metric_ops_of(const pa_metric *metric);
const pa_options *pa_metric_options(const pa_metric *metric);
void pa_metric_set_compat(pa_metric *metric, pa_compat compat);

#define PA_METRIC(name) extern const pa_metric_ops pa_metric_##name;
#include "metrics/metric_list.h"
#undef PA_METRIC
#endif
