/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Rows of activations that pico-train mixed up, in order again. */
#ifndef PA_CHECKPOINT_UNSCRAMBLE_H
#define PA_CHECKPOINT_UNSCRAMBLE_H
#include "base/context_impl.h"
#include "matrix/leaf.h"

/**
 * The activations [samples, features] that a single process of pico-train stored as `stored`, `batch` > 0 samples at a
 * time: a view. `name` is for texts. PA_ERR_SHAPE when it has not two dimensions, PA_ERR_UNSUPPORTED when its elements
 * do not tell what they were, PA_ERR_NOMEM.
 */
pa_status pa_unscramble(pa_context *ctx, const char *name, const pa_tensor *stored, int64_t batch, pa_matrix **out,
                        pa_error *err);
#endif
