/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The weights of a whole step, as pico-train and Hugging Face save them beside the learning dynamics: the file of a step
 * that is asked last. Weights do not depend on the data, so one serves both splits.
 */
#include <string.h>

#include "base/text.h"
#include "checkpoint/checkpoint_impl.h"

/* The step itself, else the first that is there counts, as it does for those who load the model. */
static const char *const names[] = {"", "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                                    "pytorch_model.bin.index.json"};

enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

pa_status pa_state_dict_find(pa_origin *origin, int64_t step, const char **name, pa_error *err)
{
    pa_status status = PA_OK;
    int there = 0;
    *name = NULL;
    for (int i = 0; i < N_NAMES && !there; i++) {
        const pa_origin_file file = {step, "", names[i]};
        PA_TRY(origin->has(origin, &file, &there, err));
        *name = there ? names[i] : NULL;
    }

cleanup:
    return status;
}

int pa_state_dict_serves(const pa_checkpoint *checkpoint, const char *split, pa_kind kind)
{
    return checkpoint->state_dict != NULL && kind == PA_WEIGHTS &&
           (strcmp(split, "train") == 0 || strcmp(split, "val") == 0);
}

const pa_checkpoint *pa_state_dict_opened(const pa_checkpoint *checkpoint)
{
    return checkpoint->state_dict != NULL ? pa_step_file_opened(checkpoint, checkpoint->state_dict) : NULL;
}

pa_status pa_checkpoint_state_dict(const pa_checkpoint *checkpoint, const pa_checkpoint **out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_checkpoint_state_dict: out is NULL");
    *out = NULL;
    PA_REQUIRE(checkpoint != NULL, err, PA_ERR_INVALID, "pa_checkpoint_state_dict: checkpoint is NULL");
    if (checkpoint->state_dict != NULL) {
        PA_TRY(pa_step_file_open(checkpoint, checkpoint->state_dict, out, err));
    }

cleanup:
    return status;
}

/* "<what was said>; nor is there one of model.safetensors, ... in <folder>" */
pa_status pa_state_dict_fail_absent(const pa_checkpoint *checkpoint, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text text = {.mem = &checkpoint->ctx->mem};
    if (err == NULL || checkpoint->origin == NULL) {
        return PA_ERR_NOT_FOUND;
    }
    PA_TRY(pa_text_printf(&text, err, "%s; nor is there one of ", err->message));
    for (int i = 1; i < N_NAMES; i++) {
        PA_TRY(pa_text_printf(&text, err, "%s%s", i > 1 ? ", " : "", names[i]));
    }
    PA_TRY(pa_text_append(&text, " in ", err));
    PA_TRY(checkpoint->origin->where(checkpoint->origin, checkpoint->step, &text, err));
    status = pa_fail(err, PA_ERR_NOT_FOUND, "%s", text.data);

cleanup:
    pa_text_free(&text);
    return status;
}
