/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What pico-train's `training_config.yaml` says that matters here. */
#ifndef PA_CHECKPOINT_RUN_CONFIG_H
#define PA_CHECKPOINT_RUN_CONFIG_H
#include <picoanalyze/checkpoint.h>

#include "base/yaml.h"

typedef struct pa_run_config {
    pa_model model;          /**< 0 where it does not say. */
    int64_t n_processes;     /**< That wrote the run; 0: it does not say. */
    int64_t batch;           /**< Samples of a micro-batch of learning dynamics; 0: it does not say. */
    char *name;              /**< NULL when it gives none. */
    char *checkpoints;       /**< Directory below the run. */
    char *learning_dynamics; /**< Directory below a step's. */
} pa_run_config;

/** Sizes as pico-train calls them in the mapping `model`, which may be NULL. PA_ERR_CONFIG with the place. */
pa_status pa_model_read(const pa_yaml *yaml, const pa_yaml_node *map, pa_model *model, pa_error *err);

/** End it with pa_run_config_free(); on failure there is nothing to end. */
pa_status pa_run_config_read(const pa_allocator *mem, const char *path, pa_run_config *out, pa_error *err);
void pa_run_config_free(const pa_allocator *mem, pa_run_config *config);
#endif
