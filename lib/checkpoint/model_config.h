/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Sizes of a model from the `config.json` that Hugging Face's tools put beside its weights. */
#ifndef PA_CHECKPOINT_MODEL_CONFIG_H
#define PA_CHECKPOINT_MODEL_CONFIG_H
#include <picoanalyze/checkpoint.h>

#include "base/context_impl.h"

/** PA_ERR_INVALID for sizes that no model has. */
pa_status pa_model_check(const pa_model *model, pa_error *err);
/** Fill what is 0 in `model` from another one. */
void pa_model_fill(pa_model *model, const pa_model *from);
/** As many key and value heads as query heads, where nothing says how many. */
void pa_model_settle(pa_model *model);

/**
 * Fill the sizes that are 0 in `model` from `config.json` in the directory of `path`, or in `path` if that is one.
 * No file, or one that cannot be understood (told through the log), leaves them as they are. PA_ERR_NOMEM.
 */
pa_status pa_model_config_read(pa_context *ctx, const char *path, pa_model *model, pa_error *err);
#endif
