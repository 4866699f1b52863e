/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a checkpoint in several files: {"metadata": ..., "weight_map": {tensor: file}}. The files lie beside it;
 * each is opened by its content, so an index serves safetensors and torch files alike.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/index.h"
#include "base/text.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/format_impl.h"
#include "base/json.h"
#include "checkpoint/formats/json_probes.h"

enum { MAX_INDEX_BYTES = 64 << 20, MAX_SHARDS = 4096, MAX_FILE_NAME = 255 };

typedef struct shard_map {
    const pa_allocator *mem;
    char *text;
    json_t *root;
    json_t *weights; /* what has been found is taken out */
    pa_index files;
} shard_map;

/* A name in the folder of the index: the file comes from strangers and must not lead elsewhere. */
static int is_plain_name(const char *name)
{
    const size_t length = strlen(name);
    return length > 0 && length <= MAX_FILE_NAME && name[0] != '.' && strpbrk(name, "/\\") == NULL;
}

static pa_status read_map(const pa_archive *archive, shard_map *map, pa_error *err)
{
    pa_status status = PA_OK;
    const char *name = NULL;
    json_t *value = NULL;
    char shown[PA_PRINTABLE_SIZE] = "";
    const int64_t size = pa_file_size(archive->file);
    PA_REQUIRE(size <= MAX_INDEX_BYTES, err, PA_ERR_LIMIT, "a JSON file of %lld bytes, at most %d are read",
               (long long)size, MAX_INDEX_BYTES);
    map->text = pa_alloc_raw(map->mem, size, 1);
    PA_REQUIRE_MEMORY(map->text, err, "an index");
    PA_TRY(pa_file_read(archive->file, 0, size, map->text, err));
    PA_TRY(pa_json_read(map->text, size, &map->root, err));
    map->weights = json_object_get(map->root, "weight_map");
    PA_REQUIRE(json_is_object(map->weights), err, PA_ERR_UNSUPPORTED,
               "a JSON file, but no index of shards: it has no object 'weight_map'");
    json_object_foreach(map->weights, name, value)
    {
        const char *file = json_string_value(value);
        int64_t number = 0;
        PA_REQUIRE(file != NULL, err, PA_ERR_FORMAT, "weight_map: '%s' is in no file",
                   pa_printable(shown, name, (int64_t)strlen(name)));
        PA_REQUIRE(is_plain_name(file), err, PA_ERR_FORMAT,
                   "weight_map: '%s' is not the plain name of a file beside the index",
                   pa_printable(shown, file, (int64_t)strlen(file)));
        PA_TRY(pa_index_add(&map->files, file, &number, err));
        PA_REQUIRE(number < MAX_SHARDS, err, PA_ERR_LIMIT, "weight_map: more than %d files", MAX_SHARDS);
    }

cleanup:
    return status;
}

/* Whether the map puts a tensor into that shard; once found it is no longer missing. */
static int take_mapped(const shard_map *map, int64_t shard, const char *name)
{
    const char *file = json_string_value(json_object_get(map->weights, name));
    const int there = file != NULL && strcmp(file, map->files.texts[shard]) == 0;
    if (there) {
        (void)json_object_del(map->weights, name);
    }
    return there;
}

/* Tensors of a shard that the map does not put there may exist; they are left out. */
static pa_status add_mapped(pa_archive *archive, const shard_map *map, int64_t shard, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_archive *part = archive->parts[shard];
    for (int64_t i = 0; i < part->count; i++) {
        const pa_archive_entry *entry = &part->entries[i];
        if (take_mapped(map, shard, entry->name)) {
            PA_TRY(pa_archive_add(archive, entry->name, &entry->tensor, err));
        } else {
            archive->skipped++;
        }
    }
    for (int64_t i = 0; i < part->n_omissions; i++) {
        if (take_mapped(map, shard, part->omissions[i].name)) {
            PA_TRY(pa_archive_omit(archive, part->omissions[i].name, part->omissions[i].what, err));
        }
    }

cleanup:
    return status;
}

static pa_status open_shards(pa_archive *archive, const shard_map *map, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text path = {.mem = map->mem};
    const char *index = pa_file_path(archive->file);
    const char *slash = strrchr(index, '/');
    const int64_t folder = slash != NULL ? slash - index + 1 : 0;
    archive->parts = pa_alloc(map->mem, map->files.count, sizeof(*archive->parts));
    PA_REQUIRE_MEMORY(archive->parts, err, "the files of a checkpoint");
    for (int64_t i = 0; i < map->files.count; i++) {
        path.length = 0;
        PA_TRY(pa_text_append_bytes(&path, index, folder, err));
        PA_TRY(pa_text_append(&path, map->files.texts[i], err));
        PA_TRY(pa_archive_open_part(archive, path.data, &archive->parts[i], err));
        archive->n_parts++;
        PA_TRY(add_mapped(archive, map, i, err));
    }
    if (archive->n_parts > 0) {
        archive->notes = archive->parts[0]->notes; /* all say the same */
    }

cleanup:
    pa_text_free(&path);
    return status;
}

/* Everything that was mapped has been found. */
static pa_status check_found(const shard_map *map, pa_error *err)
{
    char shown[2][PA_PRINTABLE_SIZE];
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(map->weights, name, value)
    {
        const char *file = json_string_value(value);
        return pa_fail(err, PA_ERR_FORMAT, "weight_map: there is no '%s' in '%s'",
                       pa_printable(shown[0], name, (int64_t)strlen(name)),
                       pa_printable(shown[1], file, (int64_t)strlen(file)));
    }
    return PA_OK;
}

static pa_status read(pa_archive *archive, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &archive->ctx->mem;
    shard_map map = {.mem = mem, .files = {.arena = {.mem = mem}}};
    PA_REQUIRE(archive->depth == 0, err, PA_ERR_FORMAT, "the shard of an index is a JSON file");
    PA_TRY(read_map(archive, &map, err));
    PA_TRY(open_shards(archive, &map, err));
    PA_TRY(check_found(&map, err));

cleanup:
    json_decref(map.root);
    pa_index_free(&map.files);
    pa_free(mem, map.text);
    return status;
}

const pa_format pa_format_shards = {"shard index", pa_shards_probe, read};
