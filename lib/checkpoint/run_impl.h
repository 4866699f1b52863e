/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Inside a run: shared by opening it and by its checkpoints. */
#ifndef PA_CHECKPOINT_RUN_IMPL_H
#define PA_CHECKPOINT_RUN_IMPL_H
#include "base/context_impl.h"
#include "base/text.h"
#include "checkpoint/checkpoint_impl.h"
#include "checkpoint/layout.h"
#include "checkpoint/remote.h"

struct pa_run {
    pa_context *ctx;
    char *path;
    int64_t n_processes; /**< That wrote it, by its configuration; 0: it does not say. */
    pa_reading *reading;
    char *name;
    pa_model model;
    char *checkpoints;       /**< Full path. */
    char *learning_dynamics; /**< Below a step's directory. */
    int64_t *steps;
    int64_t n_steps;
    pa_layout_step *places; /**< Of each step, when a layout says where; else NULL. */
    pa_remote *remote;      /**< Where its files are; NULL: here. */
};

/** run_steps.c: append the path of a step, of which there need not be any: a directory, or what a layout leads to. */
pa_status pa_run_step_path(const pa_run *run, int64_t step, pa_text *out, pa_error *err);
#endif
