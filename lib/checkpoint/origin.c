/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/origin.h"

#include "base/alloc.h"
#include "base/system.h"

pa_origin *pa_origin_retain(pa_origin *origin)
{
    atomic_fetch_add_explicit(&origin->references, 1, memory_order_relaxed);
    return origin;
}

void pa_origin_release(pa_origin *origin)
{
    if (origin != NULL && atomic_fetch_sub_explicit(&origin->references, 1, memory_order_acq_rel) == 1) {
        origin->destroy(origin);
    }
}

int64_t pa_origin_place(const pa_origin *origin, int64_t step)
{
    int64_t low = 0;
    for (int64_t high = origin->n_steps - 1; low < high;) {
        const int64_t middle = low + (high - low) / 2;
        low = origin->steps[middle] < step ? middle + 1 : low;
        high = origin->steps[middle] < step ? high : middle;
    }
    return low;
}

/** @name Directories
 * @{ */

static const char *path_of(const pa_origin *origin, int64_t step)
{
    return ((const pa_directory *)origin)->paths[pa_origin_place(origin, step)];
}

static pa_status where(pa_origin *origin, int64_t step, pa_text *out, pa_error *err)
{
    return pa_text_append(out, path_of(origin, step), err);
}

static pa_status fetch(pa_origin *origin, const pa_origin_file *file, char **path, pa_error *err)
{
    pa_text text = {.mem = ((pa_directory *)origin)->arena.mem};
    const pa_status status =
        pa_text_printf(&text, err, "%s%s%s", path_of(origin, file->step), file->name[0] != '\0' ? "/" : "", file->name);
    *path = text.data;
    return status;
}

/* The step itself is a file of it only where a layout leads to one. */
static pa_status has(pa_origin *origin, const pa_origin_file *file, int *there, pa_error *err)
{
    pa_status status = PA_OK;
    pa_path_kind kind = PA_PATH_NONE;
    char *path = NULL;
    PA_TRY(fetch(origin, file, &path, err));
    PA_TRY(pa_path_look(path, &kind, err));
    *there = file->name[0] != '\0' ? kind != PA_PATH_NONE : kind == PA_PATH_FILE;

cleanup:
    pa_free(((pa_directory *)origin)->arena.mem, path);
    return status;
}

static void destroy(pa_origin *origin)
{
    pa_directory *directory = (pa_directory *)origin;
    const pa_allocator *mem = directory->arena.mem;
    pa_arena_free(&directory->arena);
    pa_free(mem, directory);
}

void pa_directory_init(pa_directory *directory, const pa_allocator *mem)
{
    *directory = (pa_directory){.origin = {.where = where, .has = has, .fetch = fetch, .destroy = destroy},
                                .arena = {.mem = mem}};
    atomic_init(&directory->origin.references, 1);
}
/** @} */
