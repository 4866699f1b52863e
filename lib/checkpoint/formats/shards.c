/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a checkpoint in several files: {"metadata": ..., "weight_map": {tensor: file}}. The files lie beside it;
 * each is opened by its content, so an index serves safetensors and torch files alike.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/index.h"
#include "base/sort.h"
#include "base/text.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/format_impl.h"
#include "base/json.h"
#include "checkpoint/formats/json_probes.h"

enum { MAX_INDEX_BYTES = 64 << 20, MAX_SHARDS = 4096, MAX_TENSORS = 1000000, MAX_FILE_NAME = 255 };

enum { FOUND = -1 };

/* A tensor, and the file that must have it. */
typedef struct mapping {
    const char *name;
    int32_t file; /* FOUND: it was there */
} mapping;

typedef struct shard_map {
    const pa_allocator *mem;
    pa_arena names;
    mapping *mappings; /* in the order of the text */
    int64_t count;
    int64_t *order; /* by name */
    pa_index files;
} shard_map;

/* A text, and what is read from it but not kept. */
typedef struct index_text {
    const pa_allocator *mem;
    char *bytes;
    pa_arena scratch;
    pa_json_part weights; /* the object `weight_map`; of length 0 when there is none */
} index_text;

/* A name in the folder of the index: the file comes from strangers and must not lead elsewhere. */
static int is_plain_name(const char *name)
{
    const size_t length = strlen(name);
    return length > 0 && length <= MAX_FILE_NAME && name[0] != '.' && strpbrk(name, "/\\") == NULL;
}

static int is_object(pa_json_part value)
{
    return value.length > 0 && value.text[0] == '{';
}

/* What nobody needs must be JSON all the same; pa_json_check() has counted how deep it goes. */
static pa_status check_value(index_text *text, pa_json_part value, pa_error *err)
{
    pa_status status = PA_OK;
    const char *name = NULL;
    pa_json_members members;
    pa_json_part parts[2];
    if (!is_object(value)) {
        return pa_json_check_part(value, err);
    }
    PA_TRY(pa_json_find_members(value, &members, err));
    while (members.count > 0) {
        pa_json_next(&members, &parts[0], &parts[1]);
        PA_TRY(pa_json_read_text(parts[0], &text->scratch, &name, err));
        PA_TRY(check_value(text, parts[1], err));
    }

cleanup:
    return status;
}

static pa_status read_text(const pa_archive *archive, index_text *text, pa_error *err)
{
    pa_status status = PA_OK;
    const char *name = NULL;
    pa_json_members members;
    pa_json_part whole;
    pa_json_part parts[2];
    const int64_t size = pa_file_size(archive->file);
    PA_REQUIRE(size <= MAX_INDEX_BYTES, err, PA_ERR_LIMIT, "a JSON file of %lld bytes, at most %d are read",
               (long long)size, MAX_INDEX_BYTES);
    PA_REQUIRE_MEMORY(text->bytes = pa_alloc_raw(text->mem, size, 1), err, "an index");
    PA_TRY(pa_file_read(archive->file, 0, size, text->bytes, err));
    PA_TRY(pa_json_check(text->bytes, size, &whole, err));
    PA_TRY(pa_json_find_members(whole, &members, err));
    while (members.count > 0) {
        pa_json_next(&members, &parts[0], &parts[1]);
        PA_TRY(pa_json_read_text(parts[0], &text->scratch, &name, err));
        if (strcmp(name, "weight_map") == 0 && is_object(parts[1])) {
            PA_REQUIRE(text->weights.length == 0, err, PA_ERR_FORMAT, "duplicate name 'weight_map'");
            text->weights = parts[1];
        } else {
            PA_TRY(check_value(text, parts[1], err));
        }
    }
    PA_REQUIRE(text->weights.length > 0, err, PA_ERR_UNSUPPORTED,
               "a JSON file, but no index of shards: it has no object 'weight_map'");

cleanup:
    return status;
}

static pa_status read_mapping(shard_map *map, index_text *text, pa_json_part name, pa_json_part value, pa_error *err)
{
    pa_status status = PA_OK;
    const char *file = NULL;
    int64_t number = 0;
    char shown[PA_PRINTABLE_SIZE] = "";
    mapping *made = &map->mappings[map->count];
    PA_TRY(pa_json_read_text(name, &map->names, &made->name, err));
    PA_TRY(pa_json_read_text(value, &text->scratch, &file, err));
    PA_REQUIRE(file != NULL, err, PA_ERR_FORMAT, "weight_map: '%s' is in no file",
               pa_printable(shown, made->name, (int64_t)strlen(made->name)));
    PA_REQUIRE(is_plain_name(file), err, PA_ERR_FORMAT,
               "weight_map: '%s' is not the plain name of a file beside the index",
               pa_printable(shown, file, (int64_t)strlen(file)));
    PA_TRY(pa_index_add(&map->files, file, &number, err));
    PA_REQUIRE(number < MAX_SHARDS, err, PA_ERR_LIMIT, "weight_map: more than %d files", MAX_SHARDS);
    made->file = (int32_t)number;
    map->order[map->count] = map->count;
    map->count++;

cleanup:
    return status;
}

static int compare_names(const void *items, int64_t a, int64_t b)
{
    const mapping *mappings = items;
    return strcmp(mappings[a].name, mappings[b].name);
}

static pa_status sort_map(shard_map *map, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    pa_sort_order(map->order, map->count, compare_names, map->mappings);
    for (int64_t i = 1; i < map->count; i++) {
        const char *name = map->mappings[map->order[i]].name;
        PA_REQUIRE(strcmp(map->mappings[map->order[i - 1]].name, name) != 0, err, PA_ERR_FORMAT,
                   "weight_map: duplicate name '%s'", pa_printable(shown, name, (int64_t)strlen(name)));
    }

cleanup:
    return status;
}

static pa_status read_map(const pa_archive *archive, shard_map *map, pa_error *err)
{
    pa_status status = PA_OK;
    index_text text = {.mem = map->mem, .scratch = {.mem = map->mem}};
    pa_json_members members;
    pa_json_part name;
    pa_json_part value;
    PA_TRY(read_text(archive, &text, err));
    PA_TRY(pa_json_find_members(text.weights, &members, err));
    PA_REQUIRE(members.count <= MAX_TENSORS, err, PA_ERR_LIMIT, "weight_map: %lld tensors, at most %d are read",
               (long long)members.count, MAX_TENSORS);
    PA_REQUIRE_MEMORY(map->mappings = pa_alloc_raw(map->mem, members.count, sizeof(*map->mappings)), err, "an index");
    PA_REQUIRE_MEMORY(map->order = pa_alloc_raw(map->mem, members.count, sizeof(*map->order)), err, "an index");
    while (members.count > 0) {
        pa_json_next(&members, &name, &value);
        PA_TRY(read_mapping(map, &text, name, value, err));
    }
    PA_TRY(sort_map(map, err));

cleanup:
    pa_arena_free(&text.scratch);
    pa_free(map->mem, text.bytes);
    return status;
}

/* Whether the map puts a tensor into that shard; once found it is no longer missing. */
static int take_mapped(const shard_map *map, int64_t shard, const char *name)
{
    int64_t low = 0;
    for (int64_t high = map->count; low < high;) {
        const int64_t middle = low + (high - low) / 2;
        const int is_before = strcmp(map->mappings[map->order[middle]].name, name) < 0;
        low = is_before ? middle + 1 : low;
        high = is_before ? high : middle;
    }
    mapping *place = low < map->count ? &map->mappings[map->order[low]] : NULL;
    const int there = place != NULL && place->file == shard && strcmp(place->name, name) == 0;
    if (there) {
        place->file = FOUND;
    }
    return there;
}

/* Tensors of a shard that the map does not put there may exist; they are left out. Texts and shapes stay the shard's. */
static pa_status add_mapped(pa_archive *archive, const shard_map *map, int64_t shard, pa_error *err)
{
    pa_status status = PA_OK;
    pa_archive *part = archive->parts[shard];
    PA_TRY(pa_archive_reserve(archive, part->count, err));
    for (int64_t i = 0; i < part->count; i++) {
        const pa_archive_entry *entry = &part->entries[i];
        if (take_mapped(map, shard, entry->name)) {
            PA_TRY(pa_archive_add_own(archive, entry->name, &entry->tensor, err));
        } else {
            archive->skipped++;
        }
    }
    for (int64_t i = 0; i < part->n_omissions; i++) {
        if (take_mapped(map, shard, part->omissions[i].name)) {
            PA_TRY(pa_archive_omit(archive, part->omissions[i].name, part->omissions[i].what, err));
        }
    }
    pa_archive_forget(part);

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
    for (int64_t i = 0; i < map->count; i++) {
        const mapping *missing = &map->mappings[i];
        if (missing->file != FOUND) {
            const char *file = map->files.texts[missing->file];
            return pa_fail(err, PA_ERR_FORMAT, "weight_map: there is no '%s' in '%s'",
                           pa_printable(shown[0], missing->name, (int64_t)strlen(missing->name)),
                           pa_printable(shown[1], file, (int64_t)strlen(file)));
        }
    }
    return PA_OK;
}

static pa_status read(pa_archive *archive, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &archive->ctx->mem;
    shard_map map = {.mem = mem, .names = {.mem = mem}, .files = {.arena = {.mem = mem}}};
    PA_REQUIRE(archive->depth == 0, err, PA_ERR_FORMAT, "the shard of an index is a JSON file");
    PA_TRY(read_map(archive, &map, err));
    PA_TRY(open_shards(archive, &map, err));
    PA_TRY(check_found(&map, err));

cleanup:
    pa_index_free(&map.files);
    pa_arena_free(&map.names);
    pa_free(mem, map.mappings);
    pa_free(mem, map.order);
    return status;
}

const pa_format pa_format_shards = {"shard index", pa_shards_probe, read};
