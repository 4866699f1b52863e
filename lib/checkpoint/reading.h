/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief How the files of a run are read, as whoever opened it has asked for. */
#ifndef PA_CHECKPOINT_READING_H
#define PA_CHECKPOINT_READING_H
#include <stdatomic.h>

#include "base/arena.h"
#include "checkpoint/naming.h"

/** Counted: by the run and its checkpoints. Not changed any more once there are several. */
struct pa_reading {
    atomic_int references;
    pa_arena arena;
    pa_run_options options;  /**< See pa_run_opened_with(). */
    pa_model model;          /**< Of `options`. */
    const pa_naming *naming; /**< Of `options`; NULL: found out from the names. */
    int64_t batch;           /**< Samples whose rows of activations are put in order together; 0: none are. */
};

/** Check options, which may be NULL, and keep them; the errors are those of pa_run_open_with(). */
pa_status pa_reading_create(pa_context *ctx, const pa_run_options *options, pa_reading **out, pa_error *err);
/** Both accept NULL. */
pa_reading *pa_reading_retain(pa_reading *reading);
void pa_reading_release(pa_reading *reading);

/** pa_reading::batch of a run; in run.c. */
int64_t pa_run_unscrambled_batch(const pa_run *run);
#endif
