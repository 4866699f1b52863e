/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a commit: as the server lists them, and as newer versions of huggingface_hub keep that. */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/sort.h"
#include "hub/names.h"
#include "hub/repo.h"

enum { MAX_FILES = 1000000 };
#define MAX_FILE_BYTES ((int64_t)1 << 44)

static pa_status add(pa_hub_tree *tree, const char *path, const char *oid, const char *sha256, const json_t *size,
                     pa_error *err)
{
    pa_status status = PA_OK;
    const char *etag = sha256 != NULL ? sha256 : oid;
    PA_REQUIRE(path != NULL && pa_hub_is_inside(path), err, PA_ERR_FORMAT,
               "a file has no name, or one that leads out of the repository");
    PA_REQUIRE(pa_hub_is_hex(etag, sha256 != NULL ? PA_ETAG - 1 : PA_OID - 1), err, PA_ERR_FORMAT,
               "'%.200s' has no digest", path);
    PA_REQUIRE(json_is_integer(size) && json_integer_value(size) >= 0 && json_integer_value(size) <= MAX_FILE_BYTES,
               err, PA_ERR_LIMIT, "'%.200s' has no size, or one above 16 TiB", path);
    PA_REQUIRE(tree->count < MAX_FILES, err, PA_ERR_LIMIT, "more than %d files", MAX_FILES);
    PA_GROW(tree->arena.mem, tree->files, tree->capacity, tree->count + 1, err, "the files of a commit");
    pa_hub_file file = {.path = pa_arena_strdup(&tree->arena, path), .size = json_integer_value(size)};
    PA_REQUIRE_MEMORY(file.path, err, "the files of a commit");
    memcpy(file.etag, etag, strlen(etag) + 1);
    if (pa_hub_is_hex(oid, PA_OID - 1)) {
        memcpy(file.oid, oid, PA_OID);
    }
    tree->files[tree->count++] = file;

cleanup:
    return status;
}

pa_status pa_hub_tree_read(pa_hub_tree *tree, const char *text, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    json_t *root = NULL;
    size_t i = 0;
    json_t *item = NULL;
    PA_TRY(pa_json_read_array(text, length, &root, err));
    json_array_foreach(root, i, item)
    {
        const char *type = json_string_value(json_object_get(item, "type"));
        const json_t *lfs = json_object_get(item, "lfs");
        const char *sha256 = json_string_value(json_object_get(lfs, "oid"));
        if (type != NULL && strcmp(type, "file") == 0) {
            PA_TRY(add(tree, json_string_value(json_object_get(item, "path")),
                       json_string_value(json_object_get(item, "oid")),
                       json_is_object(lfs) && sha256 == NULL ? "" : sha256,
                       json_object_get(json_is_object(lfs) ? lfs : item, "size"), err));
        }
    }

cleanup:
    json_decref(root);
    return status;
}

pa_status pa_hub_tree_read_kept(pa_hub_tree *tree, const char *text, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    json_t *root = NULL;
    const char *path = NULL;
    json_t *item = NULL;
    PA_TRY(pa_json_read(text, length, &root, err));
    PA_REQUIRE(json_integer_value(json_object_get(root, "format_version")) == 1, err, PA_ERR_FORMAT,
               "a list of files in an unknown form");
    json_t *files = json_object_get(root, "files");
    PA_REQUIRE(json_is_object(files), err, PA_ERR_FORMAT, "a list of files that has none"); /* and not an empty one */
    json_object_foreach(files, path, item)
    {
        const char *sha256 = json_string_value(json_object_get(item, "lfs_sha256"));
        PA_TRY(add(tree, path, json_string_value(json_object_get(item, "blob_id")), sha256,
                   json_object_get(item, sha256 != NULL ? "lfs_size" : "size"), err));
    }

cleanup:
    json_decref(root);
    return status;
}

pa_status pa_hub_tree_write(const pa_hub_tree *tree, pa_text *out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_text_append(out, "{\"format_version\": 1, \"files\": {", err));
    for (int64_t i = 0; i < tree->count; i++) {
        const pa_hub_file *file = &tree->files[i];
        const int large = strlen(file->etag) == 64;
        /* Names have no control characters and no backslash: the quotation mark alone must be escaped. */
        PA_TRY(pa_text_append(out, i > 0 ? ",\n\"" : "\n\"", err));
        for (const char *c = file->path; *c != '\0'; c++) {
            PA_TRY(pa_text_append(out, *c == '"' ? "\\" : "", err));
            PA_TRY(pa_text_append_bytes(out, c, 1, err));
        }
        PA_TRY(pa_text_printf(out, err, "\": {\"size\": %lld, \"blob_id\": \"%s\"", (long long)file->size, file->oid));
        PA_TRY(large ? pa_text_printf(out, err, ", \"lfs_sha256\": \"%s\", \"lfs_size\": %lld}", file->etag,
                                      (long long)file->size)
                     : pa_text_append(out, "}", err));
    }
    PA_TRY(pa_text_append(out, "}}\n", err));

cleanup:
    return status;
}

static int compare(const void *items, int64_t a, int64_t b)
{
    const pa_hub_file *files = items;
    return strcmp(files[a].path, files[b].path);
}

pa_status pa_hub_tree_end(pa_hub_tree *tree, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t *order = pa_alloc(tree->arena.mem, tree->count, sizeof(*order));
    PA_REQUIRE_MEMORY(order, err, "the files of a commit");
    pa_sort_numbers(order, tree->count, compare, tree->files);
    for (int64_t i = 1; i < tree->count; i++) {
        PA_REQUIRE(compare(tree->files, order[i - 1], order[i]) != 0, err, PA_ERR_FORMAT,
                   "there are two files '%.200s'", tree->files[order[i]].path);
    }
    tree->order = order;
    order = NULL;

cleanup:
    pa_free(tree->arena.mem, order);
    return status;
}

pa_hub_file *pa_hub_tree_find(const pa_hub_tree *tree, const char *path)
{
    int64_t low = 0;
    for (int64_t high = tree->order != NULL ? tree->count : 0; low < high;) {
        const int64_t middle = low + (high - low) / 2;
        pa_hub_file *file = &tree->files[tree->order[middle]];
        const int difference = strcmp(path, file->path);
        if (difference == 0) {
            return file;
        }
        low = difference > 0 ? middle + 1 : low;
        high = difference > 0 ? high : middle;
    }
    return NULL;
}

void pa_hub_tree_destroy(pa_hub_tree *tree)
{
    if (tree != NULL) {
        const pa_allocator *mem = tree->arena.mem;
        pa_free(mem, tree->files);
        pa_free(mem, tree->order);
        pa_arena_free(&tree->arena);
        pa_free(mem, tree);
    }
}
