/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What is inside a configuration: read by config*.c, planned by plan.c. */
#ifndef PA_ANALYSIS_CONFIG_IMPL_H
#define PA_ANALYSIS_CONFIG_IMPL_H
#include <picoanalyze/analysis.h>
#include <picoanalyze/component.h>
#include <picoanalyze/metric.h>

#include "base/arena.h"
#include "base/context_impl.h"
#include "base/error.h"
#include "base/yaml.h"

/** Which step of a run: a number or a word. */
typedef enum pa_config_when {
    PA_WHEN_SAME, /**< Not given: the step itself. */
    PA_WHEN_STEP,
    PA_WHEN_PREVIOUS, /**< The one before among the steps of the analysis. */
    PA_WHEN_INITIAL,  /**< The first one of the run. */
    PA_WHEN_FINAL     /**< The last one of the run. */
} pa_config_when;

typedef struct pa_config_step {
    pa_config_when when;
    int64_t step; /**< Of PA_WHEN_STEP. */
} pa_config_step;

/** Enough for what pa_config_step_text() writes. */
enum { PA_CONFIG_STEP_SIZE = 24 };
/** "50", "previous" ...; "same" when not given. */
void pa_config_step_text(char out[PA_CONFIG_STEP_SIZE], const pa_config_step *step);

/** Where the second input of a metric comes from. */
typedef enum pa_config_compare {
    PA_COMPARE_NOTHING, /**< There is one input. */
    PA_COMPARE_PAIRS,   /**< The component gives both. */
    PA_COMPARE_TARGET,  /**< Another step, split or run. */
    PA_COMPARE_STEPS,   /**< All steps of the analysis. */
    PA_COMPARE_LAYERS   /**< All layers of the component. */
} pa_config_compare;

typedef struct pa_config_target {
    pa_config_compare compare;
    pa_config_step checkpoint;
    const char *split;        /**< "" when the same. */
    const char *run;          /**< As written; "" when the same. */
    const char *run_path;     /**< From where the program runs. */
    const pa_yaml_node *node; /**< The first of the keys; NULL: none. */
} pa_config_target;

/** One entry of `components`. */
typedef struct pa_config_part {
    const char *name;
    pa_kind kind;
    int32_t own_compat; /**< It has a `compat` of its own. */
    pa_component *component;
    const char *choice; /**< Its suffixes and options, complete: equal when two entries build the same. */
    const pa_yaml_node *node;
    const pa_yaml_node *layers; /**< A list of integers or one integer; NULL: all. */
    pa_config_step reference;   /**< Of components that need a second checkpoint. */
} pa_config_part;

/** One entry of `metrics`. */
typedef struct pa_config_metric {
    const char *name;
    const char *split;
    pa_config_target target;
    pa_metric *metric;
    int32_t own_compat;
    const pa_yaml_node *node;
    pa_config_part *parts;
    int64_t n_parts;
} pa_config_metric;

struct pa_config {
    pa_context *ctx;
    pa_arena arena; /**< Everything below but the objects. */
    pa_yaml *yaml;
    const char *name;
    const char *output_dir;
    pa_run_options run; /**< How its runs are to be opened. */
    pa_model model;     /**< Of `run`. */
    pa_compat compat;
    int64_t *steps; /**< Ascending, distinct. */
    int64_t n_steps;
    pa_config_metric *metrics;
    int64_t n_metrics;
};

/** Most steps that `start`, `end`, `step` may stand for. */
enum { PA_CONFIG_MAX_STEPS = 1000000 };

/** Fill `steps` from the node of that key. */
pa_status pa_config_read_steps(pa_config *config, const pa_yaml_node *node, pa_error *err);

/** Fill `run` from the keys of the top level that say how runs are opened. */
pa_status pa_config_read_run(pa_config *config, const pa_yaml_node *root, pa_error *err);

/** Fill `metrics` from the node of that key; what was made before a failure is ended with the configuration. */
pa_status pa_config_read_metrics(pa_config *config, const pa_yaml_node *node, pa_error *err);

/** Fill `target` from the keys that say what an entry of `metrics` compares with; `split` is there. */
pa_status pa_config_read_target(pa_config *config, const pa_yaml_node *map, pa_config_metric *metric, pa_error *err);

/** PA_ERR_CONFIG unless metric and component agree on where the second input comes from. */
pa_status pa_config_check_target(const pa_config *config, const pa_yaml_node *map, const pa_config_metric *metric,
                                 const pa_config_part *part, pa_error *err);

/** Fill `reference`, which is required of components that use one and refused for others. */
pa_status pa_config_read_reference(const pa_config *config, pa_config_part *part, pa_error *err);

/** What an option's owner found wrong with it, while it was computed with, gets the place of the entry. */
pa_status pa_config_locate(const pa_config *config, const pa_yaml_node *node, pa_status status, pa_error *err);

/** The value of `key` in `map`, or NULL when absent or null. */
const pa_yaml_node *pa_config_value(const pa_yaml_node *map, const char *key);

/** PA_ERR_CONFIG unless `node` (of `what`) has that type. */
pa_status pa_config_expect(const pa_config *config, const pa_yaml_node *node, pa_yaml_type type, const char *what,
                           pa_error *err);

/** PA_ERR_CONFIG unless every key of `map` is known. */
pa_status pa_config_check_keys(const pa_config *config, const pa_yaml_node *map, const char *const *known,
                               int64_t n_known, const char *what, pa_error *err);
#endif
