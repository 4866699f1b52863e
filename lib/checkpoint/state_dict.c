/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The weights of a whole step, as pico-train and Hugging Face save them beside the learning dynamics: opened when a
 * weight is asked for that the learning dynamics do not have. Weights do not depend on the data, so one serves both
 * splits.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/system.h"
#include "base/text.h"
#include "checkpoint/checkpoint_impl.h"
#include "checkpoint/naming.h"
#include "checkpoint/reading.h"

/* The first that is there counts, as it does for those who load the model. */
static const char *const names[] = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                                    "pytorch_model.bin.index.json"};

enum { N_NAMES = sizeof(names) / sizeof(names[0]) };

pa_status pa_state_dict_find(const pa_allocator *mem, const char *folder, char **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_path_kind kind = PA_PATH_NONE;
    pa_text path = {.mem = mem};
    *out = NULL;
    PA_TRY(pa_path_look(folder, &kind, err));
    if (kind == PA_PATH_FILE) {
        PA_REQUIRE_MEMORY(*out = pa_strdup(mem, folder), err, "the name of a file");
    }
    for (int i = 0; i < N_NAMES && *out == NULL; i++) {
        path.length = 0;
        PA_TRY(pa_text_printf(&path, err, "%s/%s", folder, names[i]));
        PA_TRY(pa_path_look(path.data, &kind, err));
        if (kind != PA_PATH_NONE) {
            *out = path.data;
            path.data = NULL;
        }
    }

cleanup:
    pa_text_free(&path);
    return status;
}

pa_status pa_state_dict_locate(pa_checkpoint *checkpoint, const char *folder, pa_error *err)
{
    pa_status status = PA_OK;
    int there = 0;
    pa_remote *remote = checkpoint->remote;
    const pa_allocator *mem = &checkpoint->ctx->mem;
    checkpoint->folder = pa_strdup(mem, folder);
    PA_REQUIRE_MEMORY(checkpoint->folder, err, "the name of a directory");
    if (remote == NULL) {
        PA_TRY(pa_state_dict_find(mem, folder, &checkpoint->state_dict_path, err));
    }
    for (int i = 0; remote != NULL && i < N_NAMES && checkpoint->state_dict_path == NULL; i++) {
        const pa_remote_file file = {checkpoint->step, "", names[i]};
        PA_TRY(remote->has(remote, &file, &there, err));
        if (there) {
            checkpoint->state_dict_path = pa_strdup(mem, names[i]);
            PA_REQUIRE_MEMORY(checkpoint->state_dict_path, err, "the name of a file");
        }
    }

cleanup:
    return status;
}

int pa_state_dict_serves(const pa_checkpoint *checkpoint, const char *split, pa_kind kind)
{
    return checkpoint->state_dict_path != NULL && kind == PA_WEIGHTS &&
           (strcmp(split, "train") == 0 || strcmp(split, "val") == 0);
}

/* The file that does not go with what was asked for is named. */
static pa_status apply_naming(pa_checkpoint *dict, const char *path, pa_error *err)
{
    const pa_status status = pa_naming_apply(dict, dict->reading != NULL ? dict->reading->naming : NULL, err);
    if (status != PA_OK && status != PA_ERR_NOMEM) {
        pa_error_prefix(err, path);
    }
    return status;
}

static pa_status open_dict(const pa_checkpoint *checkpoint, pa_checkpoint **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_checkpoint *dict = NULL;
    char *fetched = NULL;
    const pa_remote_file file = {checkpoint->step, "", checkpoint->state_dict_path};
    if (checkpoint->remote != NULL) {
        PA_TRY(checkpoint->remote->fetch(checkpoint->remote, &file, &fetched, err));
    }
    PA_TRY(pa_checkpoint_start(checkpoint->ctx, checkpoint->step, &checkpoint->model, &dict, err));
    PA_TRY(pa_checkpoint_add_file(dict, "", PA_WEIGHTS, fetched != NULL ? fetched : file.name, err));
    dict->reading = pa_reading_retain(checkpoint->reading);
    PA_TRY(apply_naming(dict, file.name, err));
    pa_checkpoint_sort(dict);
    *out = dict;
    dict = NULL;

cleanup:
    pa_free(&checkpoint->ctx->mem, fetched);
    pa_checkpoint_destroy(dict);
    return status;
}

pa_checkpoint *pa_state_dict_opened(const pa_checkpoint *checkpoint)
{
    (void)pthread_mutex_lock(checkpoint->lock);
    pa_checkpoint *dict = *checkpoint->state_dict;
    (void)pthread_mutex_unlock(checkpoint->lock);
    return dict;
}

pa_status pa_checkpoint_state_dict(const pa_checkpoint *checkpoint, const pa_checkpoint **out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_checkpoint_state_dict: out is NULL");
    *out = NULL;
    PA_REQUIRE(checkpoint != NULL, err, PA_ERR_INVALID, "pa_checkpoint_state_dict: checkpoint is NULL");
    if (checkpoint->state_dict_path != NULL) {
        (void)pthread_mutex_lock(checkpoint->lock);
        if (*checkpoint->state_dict == NULL) {
            status = open_dict(checkpoint, checkpoint->state_dict, err);
        }
        *out = *checkpoint->state_dict;
        (void)pthread_mutex_unlock(checkpoint->lock);
    }

cleanup:
    return status;
}

/* "<what was said>; <folder> has none of model.safetensors, ..." */
pa_status pa_state_dict_fail_absent(const pa_checkpoint *checkpoint, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text list = {.mem = &checkpoint->ctx->mem};
    pa_text said = {.mem = &checkpoint->ctx->mem};
    if (err == NULL || checkpoint->folder == NULL) {
        return PA_ERR_NOT_FOUND;
    }
    for (int i = 0; i < N_NAMES; i++) {
        PA_TRY(pa_text_printf(&list, err, "%s%s", i > 0 ? ", " : "", names[i]));
    }
    PA_TRY(pa_text_append(&said, err->message, err));
    status =
        pa_fail(err, PA_ERR_NOT_FOUND, "%s; nor is there one of %s in %s", said.data, list.data, checkpoint->folder);

cleanup:
    pa_text_free(&list);
    pa_text_free(&said);
    return status;
}
