/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a step: each is a checkpoint of its own once it is opened, wherever it comes from. */
#include <string.h>

#include "base/alloc.h"
#include "checkpoint/checkpoint_impl.h"
#include "checkpoint/reading.h"

pa_status pa_step_file_add(pa_checkpoint *checkpoint, const char *split, pa_kind kind, const char *name,
                           pa_step_file **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_step_file **end = &checkpoint->files;
    pa_step_file *file = pa_arena_alloc(&checkpoint->arena, 1, sizeof(*file));
    PA_REQUIRE_MEMORY(file, err, "a checkpoint");
    *file = (pa_step_file){.split = split, .kind = kind, .name = pa_arena_strdup(&checkpoint->arena, name)};
    PA_REQUIRE_MEMORY(file->name, err, "the name of a file");
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = file;
    *out = file;

cleanup:
    return status;
}

pa_step_file *pa_step_file_find(const pa_checkpoint *checkpoint, const char *split, pa_kind kind)
{
    pa_step_file *file = checkpoint->files;
    while (file != NULL && (file == checkpoint->state_dict || file->kind != kind || strcmp(file->split, split) != 0)) {
        file = file->next;
    }
    return file;
}

static pa_status open_file(const pa_checkpoint *checkpoint, const pa_step_file *file, pa_checkpoint **out,
                           pa_error *err)
{
    pa_status status = PA_OK;
    pa_checkpoint *opened = NULL;
    char *path = NULL;
    const pa_origin_file wanted = {checkpoint->step, file->split, file->name};
    PA_TRY(checkpoint->origin->fetch(checkpoint->origin, &wanted, &path, err));
    PA_TRY(pa_checkpoint_start(checkpoint->ctx, checkpoint->step, &checkpoint->model, &opened, err));
    opened->reading = pa_reading_retain(checkpoint->reading);
    PA_TRY(pa_checkpoint_fill(opened, file->split, file->kind, path, err));
    *out = opened;
    opened = NULL;

cleanup:
    pa_free(&checkpoint->ctx->mem, path);
    pa_checkpoint_destroy(opened);
    return status;
}

pa_status pa_step_file_open(const pa_checkpoint *checkpoint, pa_step_file *file, const pa_checkpoint **out,
                            pa_error *err)
{
    pa_status status = PA_OK;
    (void)pthread_mutex_lock(checkpoint->lock);
    if (file->opened == NULL) {
        status = open_file(checkpoint, file, &file->opened, err);
    }
    *out = file->opened;
    (void)pthread_mutex_unlock(checkpoint->lock);
    return status;
}

const pa_checkpoint *pa_step_file_opened(const pa_checkpoint *checkpoint, const pa_step_file *file)
{
    (void)pthread_mutex_lock(checkpoint->lock);
    const pa_checkpoint *opened = file->opened;
    (void)pthread_mutex_unlock(checkpoint->lock);
    return opened;
}
