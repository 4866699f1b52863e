/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Any directory of checkpoints as a run: which of its entries are steps is told by a pattern. */
#ifndef PA_CHECKPOINT_LAYOUT_H
#define PA_CHECKPOINT_LAYOUT_H
#include "base/context_impl.h"
#include "base/error.h"

/** A step and the file or directory that it is in. */
typedef struct pa_layout_step {
    int64_t step;
    char *path; /**< From the allocator of the context. */
} pa_layout_step;

/** Whether a path, which may come from strangers, stays below where it starts. */
int pa_path_is_inside(const char *path);

/**
 * What matches `<root>/<layout>`, ascending. `{step}` in the layout stands for a decimal number within one component.
 * PA_ERR_CONFIG for a bad layout, PA_ERR_EXISTS for two entries of one step, PA_ERR_NOT_FOUND, PA_ERR_IO, PA_ERR_NOMEM.
 */
pa_status pa_layout_list(const pa_context *ctx, const char *root, const char *layout, pa_layout_step **out,
                         int64_t *count, pa_error *err);
void pa_layout_free(const pa_context *ctx, pa_layout_step *steps, int64_t count);
#endif
