/* SPDX-License-Identifier: Apache-2.0 */
#include <picoanalyze/checkpoint.h>

#include <string.h>

#include "base/alloc.h"
#include "base/sort.h"
#include "checkpoint/checkpoint_impl.h"
#include "checkpoint/model_config.h"
#include "checkpoint/naming.h"
#include "checkpoint/reading.h"
#include "checkpoint/unscramble.h"
#include "matrix/leaf.h"

pa_status pa_checkpoint_start(pa_context *ctx, int64_t step, const pa_model *model, pa_checkpoint **out, pa_error *err)
{
    pa_status status = PA_OK;
    *out = NULL;
    pa_checkpoint *checkpoint = pa_alloc(&ctx->mem, 1, sizeof(*checkpoint));
    PA_REQUIRE_MEMORY(checkpoint, err, "a checkpoint");
    checkpoint->ctx = ctx;
    checkpoint->arena.mem = &ctx->mem;
    checkpoint->step = step;
    if (model != NULL) {
        memcpy(&checkpoint->model, model, model->struct_size < sizeof(*model) ? model->struct_size : sizeof(*model));
    }
    checkpoint->model.struct_size = sizeof(checkpoint->model);
    pthread_mutex_t *lock = pa_alloc(&ctx->mem, 1, sizeof(*lock));
    PA_REQUIRE_MEMORY(lock, err, "a checkpoint");
    if (pthread_mutex_init(lock, NULL) != 0) {
        pa_free(&ctx->mem, lock);
        PA_REQUIRE(0, err, PA_ERR_NOMEM, "no more locks can be made");
    }
    checkpoint->lock = lock;
    *out = checkpoint;
    checkpoint = NULL;

cleanup:
    pa_checkpoint_destroy(checkpoint);
    return status;
}

void pa_checkpoint_destroy(pa_checkpoint *checkpoint)
{
    if (checkpoint == NULL) {
        return;
    }
    const pa_allocator *mem = &checkpoint->ctx->mem;
    for (int64_t i = 0; i < checkpoint->count; i++) {
        pa_matrix_destroy(checkpoint->entries[i].matrix);
        pa_free(mem, checkpoint->entries[i].own_name);
    }
    for (int64_t i = 0; i < checkpoint->n_groups; i++) {
        pa_free(mem, checkpoint->groups[i].split);
    }
    for (const pa_step_file *file = checkpoint->files; file != NULL; file = file->next) {
        pa_checkpoint_destroy(file->opened);
    }
    if (checkpoint->lock != NULL) {
        (void)pthread_mutex_destroy(checkpoint->lock);
        pa_free(mem, checkpoint->lock);
    }
    pa_archive_destroy(checkpoint->archive);
    pa_arena_free(&checkpoint->arena);
    pa_origin_release(checkpoint->origin);
    pa_reading_release(checkpoint->reading);
    pa_free(mem, checkpoint->groups);
    pa_free(mem, checkpoint->entries);
    pa_free(mem, checkpoint->order);
    pa_free(mem, checkpoint);
}

/* An empty group is harmless, should what follows fail. */
static pa_status add_group(pa_checkpoint *checkpoint, const char *split, pa_kind kind, int64_t *number, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &checkpoint->ctx->mem;
    PA_GROW(mem, checkpoint->groups, checkpoint->groups_capacity, checkpoint->n_groups + 1, err, "a checkpoint");
    char *name = pa_strdup(mem, split);
    PA_REQUIRE_MEMORY(name, err, "the name of a split");
    *number = checkpoint->n_groups++;
    checkpoint->groups[*number] = (pa_group){name, kind, 0};

cleanup:
    return status;
}

pa_status pa_checkpoint_reserve(pa_checkpoint *checkpoint, int64_t more, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &checkpoint->ctx->mem;
    const int64_t needed = checkpoint->count + more;
    PA_GROW(mem, checkpoint->entries, checkpoint->capacity, needed, err, "a checkpoint");
    PA_GROW(mem, checkpoint->order, checkpoint->order_capacity, needed, err, "a checkpoint");

cleanup:
    return status;
}

pa_status pa_checkpoint_fill(pa_checkpoint *checkpoint, const char *split, pa_kind kind, const char *path,
                             pa_error *err)
{
    pa_status status = PA_OK;
    int64_t number = -1;
    PA_TRY(pa_archive_open(checkpoint->ctx, path, &checkpoint->archive, err));
    const pa_archive *archive = checkpoint->archive;
    PA_TRY(pa_checkpoint_reserve(checkpoint, archive->count, err));
    PA_TRY(add_group(checkpoint, split, kind, &number, err));
    for (int64_t i = 0; i < archive->count; i++) {
        pa_entry entry = {.group = number, .name = archive->entries[i].name, .tensor = &archive->entries[i].tensor};
        entry.suffix = pa_tensor_name_suffix(entry.name, &entry.layer);
        checkpoint->entries[checkpoint->count++] = entry;
    }
    checkpoint->groups[number].count = archive->count;
    if (split[0] == '\0') {
        status = pa_naming_apply(checkpoint, checkpoint->reading != NULL ? checkpoint->reading->naming : NULL, err);
        if (status != PA_OK && status != PA_ERR_NOMEM) {
            pa_error_prefix(err, path);
        }
    }
    pa_sort_numbers(checkpoint->order, checkpoint->count, pa_entry_compare, checkpoint->entries);

cleanup:
    return status;
}

pa_status pa_checkpoint_open(pa_context *ctx, const char *path, pa_checkpoint **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_checkpoint *checkpoint = NULL;
    pa_directory here;
    char *found = NULL;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_checkpoint_open: out is NULL");
    *out = NULL;
    PA_REQUIRE(ctx != NULL && path != NULL, err, PA_ERR_INVALID, "pa_checkpoint_open: ctx or path is NULL");
    PA_TRY(pa_checkpoint_start(ctx, -1, NULL, &checkpoint, err));
    PA_TRY(pa_model_config_read(ctx, path, &checkpoint->model, err));
    pa_directory_init(&here, &ctx->mem);
    pa_origin_file file = {checkpoint->step, "", NULL};
    here.paths = &path;
    PA_TRY(pa_state_dict_find(&here.origin, file.step, &file.name, err));
    file.name = file.name != NULL ? file.name : ""; /* if there is nothing, opening it says so */
    PA_TRY(here.origin.fetch(&here.origin, &file, &found, err));
    PA_TRY(pa_checkpoint_fill(checkpoint, "", pa_kind_of_file(found), found, err));
    *out = checkpoint;
    checkpoint = NULL;

cleanup:
    if (ctx != NULL) {
        pa_free(&ctx->mem, found);
    }
    pa_checkpoint_destroy(checkpoint);
    return status;
}

pa_status pa_checkpoint_create(pa_context *ctx, int64_t step, const pa_model *model, pa_checkpoint **out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_checkpoint_create: out is NULL");
    *out = NULL;
    PA_REQUIRE(ctx != NULL, err, PA_ERR_INVALID, "pa_checkpoint_create: ctx is NULL");
    PA_REQUIRE(step >= 0, err, PA_ERR_INVALID, "step %lld, at least 0", (long long)step);
    PA_TRY(model != NULL ? pa_model_check(model, err) : PA_OK);
    PA_TRY(pa_checkpoint_start(ctx, step, model, out, err));
    (*out)->in_memory = 1;

cleanup:
    return status;
}

pa_status pa_checkpoint_add(pa_checkpoint *checkpoint, const char *split, pa_kind kind, const char *name,
                            const pa_matrix *matrix, pa_error *err)
{
    pa_status status = PA_OK;
    pa_entry entry = {.layer = -1};
    PA_REQUIRE(checkpoint != NULL && split != NULL && name != NULL && matrix != NULL, err, PA_ERR_INVALID,
               "pa_checkpoint_add: an argument is NULL");
    PA_REQUIRE(checkpoint->in_memory, err, PA_ERR_INVALID, "'%s': a checkpoint of files cannot be added to", name);
    PA_REQUIRE(kind >= 0 && kind < PA_N_KINDS, err, PA_ERR_INVALID, "'%s': kind %d is not known", name, (int)kind);
    entry.own_name = pa_strdup(&checkpoint->ctx->mem, name);
    PA_REQUIRE_MEMORY(entry.own_name, err, "the name of a tensor");
    entry.name = entry.own_name;
    entry.suffix = pa_tensor_name_suffix(entry.name, &entry.layer);
    entry.shape[0] = pa_matrix_rows(matrix);
    entry.shape[1] = pa_matrix_cols(matrix);
    entry.group = pa_checkpoint_find_group(checkpoint, split, kind);
    if (entry.group < 0) {
        PA_TRY(add_group(checkpoint, split, kind, &entry.group, err));
    }
    const int64_t place = pa_checkpoint_place(checkpoint, entry.group, entry.layer, entry.suffix);
    PA_REQUIRE(!pa_checkpoint_matches(checkpoint, place, entry.group, entry.layer, entry.suffix), err, PA_ERR_EXISTS,
               "'%s' is in the %s %s already", name, split, pa_kind_name(kind));
    PA_TRY(pa_checkpoint_reserve(checkpoint, 1, err));
    int64_t *slot = checkpoint->order + place;
    memmove(slot + 1, slot, (size_t)(checkpoint->count - place) * sizeof(*slot));
    *slot = checkpoint->count;
    entry.matrix = pa_matrix_retain(matrix);
    checkpoint->groups[entry.group].count++;
    checkpoint->entries[checkpoint->count++] = entry;
    entry.own_name = NULL;

cleanup:
    if (checkpoint != NULL) {
        pa_free(&checkpoint->ctx->mem, entry.own_name);
    }
    return status;
}

int64_t pa_checkpoint_step(const pa_checkpoint *checkpoint)
{
    return checkpoint->step;
}

const pa_model *pa_checkpoint_model(const pa_checkpoint *checkpoint)
{
    return &checkpoint->model;
}

int pa_checkpoint_has_file(const pa_checkpoint *checkpoint, const char *split, pa_kind kind)
{
    return pa_checkpoint_find_group(checkpoint, split, kind) >= 0 || pa_step_file_find(checkpoint, split, kind) != NULL;
}

int32_t pa_checkpoint_has(const pa_checkpoint *checkpoint, const char *split, pa_kind kind)
{
    const int64_t group = pa_checkpoint_find_group(checkpoint, split, kind);
    const pa_step_file *file = pa_step_file_find(checkpoint, split, kind);
    return (group >= 0 && checkpoint->groups[group].count > 0) ||
           (file != NULL && (!file->listed || file->opened->count > 0)) ||
           pa_state_dict_serves(checkpoint, split, kind);
}

int64_t pa_checkpoint_count(const pa_checkpoint *checkpoint)
{
    int64_t count = checkpoint->count - checkpoint->n_aliases;
    for (const pa_step_file *file = checkpoint->files; file != NULL; file = file->next) {
        count += file->listed ? pa_checkpoint_count(file->opened) : 0;
    }
    return count;
}

const char *pa_checkpoint_naming(const pa_checkpoint *checkpoint)
{
    return checkpoint->naming != NULL ? checkpoint->naming->name : NULL;
}

pa_status pa_checkpoint_tensor(const pa_checkpoint *checkpoint, int64_t index, pa_tensor_info *out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(checkpoint != NULL && out != NULL, err, PA_ERR_INVALID, "pa_checkpoint_tensor: an argument is NULL");
    PA_REQUIRE(out->struct_size >= sizeof(*out), err, PA_ERR_INVALID, "pa_tensor_info: struct_size %zu, at least %zu",
               out->struct_size, sizeof(*out));
    PA_REQUIRE(index >= 0 && index < pa_checkpoint_count(checkpoint), err, PA_ERR_INVALID,
               "tensor %lld, there are %lld", (long long)index, (long long)pa_checkpoint_count(checkpoint));
    for (const pa_step_file *file = checkpoint->files; file != NULL; file = file->next) {
        const int64_t n = file->listed ? pa_checkpoint_count(file->opened) : 0;
        if (index < n) {
            return pa_checkpoint_tensor(file->opened, index, out, err);
        }
        index -= n;
    }
    const pa_entry *entry = &checkpoint->entries[index];
    const pa_group *group = &checkpoint->groups[entry->group];
    out->split = group->split;
    out->kind = group->kind;
    out->name = entry->name;
    out->suffix = entry->suffix;
    out->layer = entry->layer;
    out->shape = entry->tensor != NULL ? entry->tensor->shape : entry->shape;
    out->ndim = entry->tensor != NULL ? entry->tensor->ndim : 2;
    out->dtype = entry->tensor != NULL ? entry->tensor->dtype : pa_matrix_dtype(entry->matrix);
    out->reserved = 0;

cleanup:
    return status;
}

static pa_status make_matrix(const pa_checkpoint *owner, const pa_entry *entry, pa_matrix **out, pa_error *err)
{
    const int64_t batch = owner->reading != NULL ? owner->reading->batch : 0;
    if (batch > 0 && owner->groups[entry->group].kind == PA_ACTIVATIONS) {
        return pa_unscramble(owner->ctx, entry->name, entry->tensor, batch, out, err);
    }
    return pa_matrix_from_tensors(owner->ctx, entry->tensor, 1, out, err);
}

pa_status pa_checkpoint_matrix(const pa_checkpoint *checkpoint, const char *split, pa_kind kind, int64_t layer,
                               const char *suffix, pa_matrix **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_entry *entry = NULL;
    const pa_checkpoint *owner = NULL;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_checkpoint_matrix: out is NULL");
    *out = NULL;
    PA_REQUIRE(checkpoint != NULL && split != NULL && suffix != NULL, err, PA_ERR_INVALID,
               "pa_checkpoint_matrix: an argument is NULL");
    PA_TRY(pa_checkpoint_find(checkpoint, split, kind, layer, suffix, &owner, &entry, err));
    (void)pthread_mutex_lock(owner->lock);
    if (entry->matrix == NULL) {
        status = make_matrix(owner, entry, &entry->matrix, err);
    }
    if (status == PA_OK) {
        *out = pa_matrix_retain(entry->matrix);
    }
    (void)pthread_mutex_unlock(owner->lock);

cleanup:
    return status;
}

int64_t pa_checkpoint_bytes_read(const pa_checkpoint *checkpoint)
{
    int64_t bytes = checkpoint->archive != NULL ? pa_archive_bytes_read(checkpoint->archive) : 0;
    for (const pa_step_file *file = checkpoint->files; file != NULL; file = file->next) {
        const pa_checkpoint *opened = pa_step_file_opened(checkpoint, file);
        bytes += opened != NULL ? pa_checkpoint_bytes_read(opened) : 0;
    }
    return bytes;
}
