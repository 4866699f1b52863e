/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Inside a run: shared by opening it and by its checkpoints. */
#ifndef PA_CHECKPOINT_RUN_IMPL_H
#define PA_CHECKPOINT_RUN_IMPL_H
#include "base/context_impl.h"
#include "checkpoint/checkpoint_impl.h"

struct pa_run {
    pa_context *ctx;
    char *path;
    int64_t n_processes; /**< That wrote it, by its configuration; 0: it does not say. */
    pa_reading *reading;
    char *name;
    pa_model model;
    char *learning_dynamics; /**< Below a step's directory; NULL: it has none. */
    pa_origin *origin;
};
#endif
