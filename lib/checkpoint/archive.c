/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/archive.h"

#include <string.h>

#include "base/alloc.h"
#include "base/sort.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/format_impl.h"

#define PA_FORMAT(name) &pa_format_##name,
static const pa_format *const formats[] = {
#include "checkpoint/formats/format_list.h"
};
#undef PA_FORMAT

enum { N_FORMATS = sizeof(formats) / sizeof(formats[0]) };

static pa_status find_format(pa_file *file, const pa_format **out, pa_error *err)
{
    pa_status status = PA_OK;
    unsigned char head[PA_FORMAT_HEAD_BYTES];
    const int64_t size = pa_file_size(file);
    const int64_t n = size < PA_FORMAT_HEAD_BYTES ? size : PA_FORMAT_HEAD_BYTES;
    *out = NULL;
    PA_REQUIRE(size > 0, err, PA_ERR_FORMAT, "is empty");
    PA_TRY(pa_file_read(file, 0, n, head, err));
    for (int i = 0; i < N_FORMATS && *out == NULL; i++) {
        *out = formats[i]->probe(head, n, size) ? formats[i] : NULL;
    }
    PA_REQUIRE(*out != NULL, err, PA_ERR_UNSUPPORTED,
               "not a tensor file that can be read (it begins with %02x %02x %02x %02x)", head[0], n > 1 ? head[1] : 0,
               n > 2 ? head[2] : 0, n > 3 ? head[3] : 0);

cleanup:
    return status;
}

static int compare_names(const void *items, int64_t a, int64_t b)
{
    const pa_archive_entry *entries = items;
    return strcmp(entries[a].name, entries[b].name);
}

static pa_status check_names(const pa_archive *archive, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    int64_t *order = pa_alloc(&archive->ctx->mem, archive->count, sizeof(*order));
    PA_REQUIRE_MEMORY(order, err, "the names of tensors");
    pa_sort_numbers(order, archive->count, compare_names, archive->entries);
    for (int64_t i = 1; i < archive->count; i++) {
        const char *name = archive->entries[order[i]].name;
        PA_REQUIRE(strcmp(archive->entries[order[i - 1]].name, name) != 0, err, PA_ERR_FORMAT,
                   "there are two tensors '%s'", pa_printable(shown, name, (int64_t)strlen(name)));
    }

cleanup:
    pa_free(&archive->ctx->mem, order);
    return status;
}

/* A file of nothing but what cannot be read is refused; of a part the whole is what counts. */
static pa_status check_readable(const pa_archive *archive, pa_error *err)
{
    char shown[PA_PRINTABLE_SIZE];
    if (archive->count > 0 || archive->n_omissions == 0 || archive->depth > 0) {
        return PA_OK;
    }
    const pa_archive_omission *first = &archive->omissions[0];
    return pa_fail(err, PA_ERR_UNSUPPORTED, "'%s' cannot be read (%s), and there is no other tensor",
                   pa_printable(shown, first->name, (int64_t)strlen(first->name)), first->what);
}

static pa_status open_at(pa_context *ctx, const char *path, int32_t depth, pa_archive **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_format *format = NULL;
    *out = NULL;
    pa_archive *archive = pa_alloc(&ctx->mem, 1, sizeof(*archive));
    PA_REQUIRE_MEMORY(archive, err, "a file of tensors");
    archive->ctx = ctx;
    archive->depth = depth;
    archive->arena.mem = &ctx->mem;
    PA_TRY(pa_file_open(&ctx->mem, path, &archive->file, err));
    PA_TRY(find_format(archive->file, &format, err));
    archive->format = format->name;
    PA_TRY(format->read(archive, err));
    PA_TRY(check_names(archive, err));
    PA_TRY(check_readable(archive, err));
    *out = archive;
    archive = NULL;

cleanup:
    if (status != PA_OK && status != PA_ERR_NOMEM && archive != NULL && archive->file != NULL) {
        pa_file_error_prefix(archive->file, err);
    }
    pa_archive_destroy(archive);
    return status;
}

pa_status pa_archive_open(pa_context *ctx, const char *path, pa_archive **out, pa_error *err)
{
    return open_at(ctx, path, 0, out, err);
}

pa_status pa_archive_open_part(const pa_archive *archive, const char *path, pa_archive **out, pa_error *err)
{
    return open_at(archive->ctx, path, archive->depth + 1, out, err);
}

int64_t pa_archive_bytes_read(const pa_archive *archive)
{
    int64_t bytes = pa_file_bytes_read(archive->file);
    for (int64_t i = 0; i < archive->n_parts; i++) {
        bytes += pa_archive_bytes_read(archive->parts[i]);
    }
    return bytes;
}

void pa_archive_destroy(pa_archive *archive)
{
    if (archive == NULL) {
        return;
    }
    const pa_allocator *mem = &archive->ctx->mem;
    for (int64_t i = 0; i < archive->count; i++) {
        pa_storage_release(archive->entries[i].tensor.storage);
    }
    for (int64_t i = 0; i < archive->n_parts; i++) {
        pa_archive_destroy(archive->parts[i]); /* at most one level deep */
    }
    pa_free(mem, archive->parts);
    pa_free(mem, archive->entries);
    pa_free(mem, archive->omissions);
    pa_arena_free(&archive->arena);
    pa_file_release(archive->file);
    pa_free(mem, archive);
}

pa_status pa_archive_reserve(pa_archive *archive, int64_t more, pa_error *err)
{
    pa_status status = PA_OK;
    PA_GROW(&archive->ctx->mem, archive->entries, archive->capacity, archive->count + more, err,
            "the tensors of a file");

cleanup:
    return status;
}

pa_status pa_archive_add(pa_archive *archive, const char *name, const pa_tensor *tensor, pa_error *err)
{
    pa_status status = pa_tensor_check(tensor, err);
    if (status != PA_OK) {
        char shown[PA_PRINTABLE_SIZE];
        pa_error_prefix(err, pa_printable(shown, name, (int64_t)strlen(name)));
        return status;
    }
    PA_TRY(pa_archive_reserve(archive, 1, err));
    char *copy = pa_arena_strndup(&archive->arena, name, (int64_t)strlen(name));
    const int64_t n = (int64_t)tensor->ndim * (tensor->strides != NULL ? 2 : 1);
    int64_t *dims = pa_arena_alloc(&archive->arena, n, sizeof(*dims));
    PA_REQUIRE(copy != NULL && dims != NULL, err, PA_ERR_NOMEM, "out of memory for the tensors of a file");
    if (tensor->ndim > 0) {
        const size_t bytes = (size_t)tensor->ndim * sizeof(*dims);
        memcpy(dims, tensor->shape, bytes);
        if (tensor->strides != NULL) {
            memcpy(dims + tensor->ndim, tensor->strides, bytes);
        }
    }
    pa_archive_entry *entry = &archive->entries[archive->count++];
    entry->name = copy;
    entry->tensor = *tensor;
    entry->tensor.shape = dims;
    entry->tensor.strides = tensor->strides != NULL ? dims + tensor->ndim : NULL;
    (void)pa_storage_retain(tensor->storage);

cleanup:
    return status;
}

pa_status pa_archive_omit(pa_archive *archive, const char *name, const char *what, pa_error *err)
{
    pa_status status = PA_OK;
    PA_GROW(&archive->ctx->mem, archive->omissions, archive->omissions_capacity, archive->n_omissions + 1, err,
            "the tensors of a file");
    const pa_archive_omission made = {pa_arena_strdup(&archive->arena, name), pa_arena_strdup(&archive->arena, what)};
    PA_REQUIRE(made.name != NULL && made.what != NULL, err, PA_ERR_NOMEM, "out of memory for the tensors of a file");
    archive->omissions[archive->n_omissions++] = made;
    archive->skipped++;

cleanup:
    return status;
}
