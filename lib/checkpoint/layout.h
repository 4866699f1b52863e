/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Steps that are entries of a directory: which ones is told by a pattern. */
#ifndef PA_CHECKPOINT_LAYOUT_H
#define PA_CHECKPOINT_LAYOUT_H
#include "base/error.h"
#include "checkpoint/origin.h"

/** Whether a path, which may come from strangers, stays below where it starts. */
int pa_path_is_inside(const char *path);

/**
 * Maybe no steps: what matches `<root>/<layout>` and is a state dict or has one. `{step}` in the layout stands for a decimal number
 * within one component. PA_ERR_CONFIG for a bad layout, PA_ERR_EXISTS for two entries of one step, PA_ERR_NOT_FOUND when
 * there is no such directory, PA_ERR_IO, PA_ERR_NOMEM.
 */
pa_status pa_layout_list(const pa_allocator *mem, const char *root, const char *layout, pa_origin **out, pa_error *err);

/** Likewise: the directories `<root>/step_<n>` as pico-train numbers them. */
pa_status pa_pico_list(const pa_allocator *mem, const char *root, pa_origin **out, pa_error *err);
#endif
