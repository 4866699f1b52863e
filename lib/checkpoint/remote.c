/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a checkpoint whose files are elsewhere: each is a checkpoint of its own, opened when it is asked for. */
#include "checkpoint/remote.h"

#include <string.h>

#include "base/alloc.h"
#include "checkpoint/checkpoint_impl.h"
#include "checkpoint/reading.h"

pa_remote *pa_remote_retain(pa_remote *remote)
{
    atomic_fetch_add_explicit(&remote->references, 1, memory_order_relaxed);
    return remote;
}

void pa_remote_release(pa_remote *remote)
{
    if (remote != NULL && atomic_fetch_sub_explicit(&remote->references, 1, memory_order_acq_rel) == 1) {
        remote->destroy(remote);
    }
}

pa_status pa_distant_add(pa_checkpoint *checkpoint, const char *split, pa_kind kind, const char *name, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &checkpoint->ctx->mem;
    char *copy = pa_strdup(mem, name);
    PA_REQUIRE_MEMORY(copy, err, "the name of a file");
    pa_distant *grown = pa_array_grow(mem, checkpoint->distant, &checkpoint->distant_capacity,
                                      checkpoint->n_distant + 1, sizeof(*grown));
    PA_REQUIRE_MEMORY(grown, err, "a checkpoint");
    checkpoint->distant = grown;
    grown[checkpoint->n_distant++] = (pa_distant){.split = split, .kind = kind, .name = copy};
    copy = NULL;

cleanup:
    pa_free(mem, copy);
    return status;
}

static pa_distant *find(const pa_checkpoint *checkpoint, const char *split, pa_kind kind)
{
    for (int64_t i = 0; i < checkpoint->n_distant; i++) {
        pa_distant *part = &checkpoint->distant[i];
        if (part->kind == kind && strcmp(part->split, split) == 0) {
            return part;
        }
    }
    return NULL;
}

int pa_distant_serves(const pa_checkpoint *checkpoint, const char *split, pa_kind kind)
{
    return find(checkpoint, split, kind) != NULL;
}

static pa_status open_part(const pa_checkpoint *checkpoint, pa_distant *part, pa_error *err)
{
    pa_status status = PA_OK;
    pa_checkpoint *opened = NULL;
    char *path = NULL;
    const pa_remote_file file = {checkpoint->step, part->split, part->name};
    PA_TRY(checkpoint->remote->fetch(checkpoint->remote, &file, &path, err));
    PA_TRY(pa_checkpoint_start(checkpoint->ctx, checkpoint->step, &checkpoint->model, &opened, err));
    opened->reading = pa_reading_retain(checkpoint->reading);
    PA_TRY(pa_checkpoint_add_file(opened, part->split, part->kind, path, err));
    pa_checkpoint_sort(opened);
    part->opened = opened;
    opened = NULL;

cleanup:
    pa_free(&checkpoint->ctx->mem, path);
    pa_checkpoint_destroy(opened);
    return status;
}

pa_status pa_distant_open(const pa_checkpoint *checkpoint, const char *split, pa_kind kind, const pa_checkpoint **out,
                          pa_error *err)
{
    pa_status status = PA_OK;
    pa_distant *part = find(checkpoint, split, kind);
    *out = NULL;
    if (part != NULL) {
        (void)pthread_mutex_lock(checkpoint->lock);
        if (part->opened == NULL) {
            status = open_part(checkpoint, part, err);
        }
        *out = part->opened;
        (void)pthread_mutex_unlock(checkpoint->lock);
    }
    return status;
}

pa_checkpoint *pa_distant_opened(const pa_checkpoint *checkpoint, int64_t number)
{
    (void)pthread_mutex_lock(checkpoint->lock);
    pa_checkpoint *part = checkpoint->distant[number].opened;
    (void)pthread_mutex_unlock(checkpoint->lock);
    return part;
}

void pa_distant_end(pa_checkpoint *checkpoint)
{
    for (int64_t i = 0; i < checkpoint->n_distant; i++) {
        pa_checkpoint_destroy(checkpoint->distant[i].opened); /* has none of its own */
        pa_free(&checkpoint->ctx->mem, checkpoint->distant[i].name);
    }
    pa_free(&checkpoint->ctx->mem, checkpoint->distant);
    pa_remote_release(checkpoint->remote);
}
