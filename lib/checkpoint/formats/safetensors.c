/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the safetensors library: the length of a JSON header, the header, the elements. */
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/sort.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/format_impl.h"
#include "base/json.h"
#include "checkpoint/formats/json_probes.h"
#include "checkpoint/formats/safetensors_types.h"
#include "checkpoint/formats/span.h"

enum { MAX_HEADER = 100000000, LENGTH_BYTES = 8, MAX_DIMENSIONS = 64 };

/* One entry of the header. */
typedef struct header_entry {
    const char *name; /* the header's */
    const pa_safetensors_type *type;
    int64_t begin; /* in the buffer behind the header */
    int64_t end;
    int64_t bits;     /* that the shape asks for; OVERFLOWN when there is no such number */
    int32_t value_at; /* in the header; read a second time for the shape, which would take more room than its text */
    int32_t value_length;
} header_entry;

enum { OVERFLOWN = -1 };

static const char metadata_name[] = "__metadata__";

typedef struct header {
    const pa_allocator *mem;
    char *text;
    int64_t length;
    pa_arena arena; /* names */
    header_entry *entries;
    int64_t count;
    int64_t *order; /* by name, then by place in the buffer */
    int32_t has_metadata;
} header;

static pa_status read_text(pa_archive *archive, header *h, pa_error *err)
{
    pa_status status = PA_OK;
    unsigned char bytes[LENGTH_BYTES];
    const int64_t size = pa_file_size(archive->file);
    PA_REQUIRE(size >= LENGTH_BYTES, err, PA_ERR_FORMAT, "HeaderTooSmall: %lld bytes", (long long)size);
    PA_TRY(pa_file_read(archive->file, 0, LENGTH_BYTES, bytes, err));
    const uint64_t length = pa_le64(bytes);
    PA_REQUIRE(length <= MAX_HEADER, err, PA_ERR_LIMIT, "HeaderTooLarge: %llu bytes, at most %d",
               (unsigned long long)length, MAX_HEADER);
    h->length = (int64_t)length;
    PA_REQUIRE(h->length <= size - LENGTH_BYTES, err, PA_ERR_FORMAT,
               "InvalidHeaderLength: a header of %lld bytes in a file of %lld", (long long)h->length, (long long)size);
    h->text = pa_alloc_raw(h->mem, h->length, 1);
    PA_REQUIRE_MEMORY(h->text, err, "a header");
    PA_TRY(pa_file_read(archive->file, LENGTH_BYTES, h->length, h->text, err));
    PA_REQUIRE(pa_is_utf8(h->text, h->length), err, PA_ERR_FORMAT, "InvalidHeader: not UTF-8");

cleanup:
    return status;
}

/* What an entry may not be is one error of the reference implementation. */
static const char deserialization[] = "InvalidHeaderDeserialization";

static pa_status fail_entry(const char *name, const char *what, pa_error *err)
{
    char shown[PA_PRINTABLE_SIZE];
    return pa_fail(err, PA_ERR_FORMAT, "%s: '%s': %s", deserialization,
                   pa_printable(shown, name, (int64_t)strlen(name)), what);
}

/* For what reads JSON. */
static pa_status named(pa_status status, pa_error *err)
{
    if (status == PA_ERR_FORMAT) {
        pa_error_prefix(err, deserialization);
    }
    return status;
}

/* A text of the header, into an arena. Names are always texts; values of metadata must be. */
static pa_status read_string(pa_json_part part, pa_arena *arena, const char **out, pa_error *err)
{
    pa_status status = PA_OK;
    json_t *value = NULL;
    PA_TRY(named(pa_json_read_part(part, &value, err), err));
    if (!json_is_string(value)) {
        PA_TRY(fail_entry(metadata_name, "must be an object of texts", err));
    }
    *out = pa_arena_strdup(arena, json_string_value(value));
    PA_REQUIRE_MEMORY(*out, err, "a header");

cleanup:
    json_decref(value);
    return status;
}

static pa_status read_type(const char *name, const json_t *value, const pa_safetensors_type **out, pa_error *err)
{
    char shown[PA_PRINTABLE_SIZE];
    const char *text = json_string_value(value);
    *out = text != NULL ? pa_safetensors_type_named(text) : NULL;
    if (*out != NULL) {
        return PA_OK;
    }
    if (text == NULL) {
        return fail_entry(name, "dtype must be a text", err);
    }
    const pa_status status =
        pa_fail(err, PA_ERR_FORMAT, "unknown dtype '%s'", pa_printable(shown, text, (int64_t)strlen(text)));
    pa_error_prefix(err, pa_printable(shown, name, (int64_t)strlen(name)));
    pa_error_prefix(err, deserialization);
    return status;
}

static int is_size(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

/* Sizes of an empty tensor, too, must have a product, for the sake of strides. */
static int64_t count_bits(int64_t bits, const json_t *shape)
{
    int empty = 0;
    int overflow = 0;
    for (size_t i = 0; i < json_array_size(shape); i++) {
        const int64_t size = json_integer_value(json_array_get(shape, i));
        empty |= size == 0;
        overflow |= __builtin_mul_overflow(bits, size == 0 ? 1 : size, &bits);
    }
    return overflow ? OVERFLOWN : (empty ? 0 : bits);
}

static pa_status read_entry(const json_t *value, header_entry *out, pa_error *err)
{
    pa_status status = PA_OK;
    const char *name = out->name;
    char shown[PA_PRINTABLE_SIZE] = "";
    const json_t *shape = json_object_get(value, "shape");
    const json_t *place = json_object_get(value, "data_offsets");
    if (!json_is_object(value) || json_object_size(value) != 3 || json_object_get(value, "dtype") == NULL ||
        !json_is_array(shape) || !json_is_array(place)) {
        return fail_entry(name, "must have dtype, shape and data_offsets and nothing else", err);
    }
    PA_TRY(read_type(name, json_object_get(value, "dtype"), &out->type, err));
    if (json_array_size(place) != 2 || !is_size(json_array_get(place, 0)) || !is_size(json_array_get(place, 1))) {
        return fail_entry(name, "data_offsets must be two integers, at least 0", err);
    }
    out->begin = json_integer_value(json_array_get(place, 0));
    out->end = json_integer_value(json_array_get(place, 1));
    PA_REQUIRE(json_array_size(shape) <= MAX_DIMENSIONS, err, PA_ERR_LIMIT, "'%s': %zu dimensions, at most %d",
               pa_printable(shown, name, (int64_t)strlen(name)), json_array_size(shape), MAX_DIMENSIONS);
    for (size_t i = 0; i < json_array_size(shape); i++) {
        if (!is_size(json_array_get(shape, i))) {
            return fail_entry(name, "shape must be integers, at least 0", err);
        }
    }
    out->bits = count_bits(out->type->bits, shape);

cleanup:
    return status;
}

static int compare_keys(const void *items, int64_t a, int64_t b)
{
    const char *const *texts = items;
    return strcmp(texts[2 * a], texts[2 * b]);
}

static int compare_names(const void *items, int64_t a, int64_t b)
{
    const header_entry *entries = items;
    return strcmp(entries[a].name, entries[b].name);
}

/* The number of an item that is the same as another one, or -1. Leaves the order sorted. */
static int64_t find_repeated(int64_t *order, int64_t count, pa_compare_fn compare, const void *items)
{
    pa_sort_numbers(order, count, compare, items);
    for (int64_t i = 1; i < count; i++) {
        if (compare(items, order[i - 1], order[i]) == 0) {
            return order[i];
        }
    }
    return -1;
}

static pa_status read_pairs(pa_archive *archive, pa_json_part value, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t *order = NULL;
    pa_json_members members;
    pa_json_part parts[2];
    PA_TRY(named(pa_json_find_members(value, &members, err), err));
    const int64_t count = members.count;
    const char **texts = pa_arena_alloc(&archive->arena, 2 * count, sizeof(*texts));
    PA_REQUIRE_MEMORY(texts, err, "a header");
    for (int64_t i = 0; i < count; i++) {
        pa_json_next(&members, &parts[0], &parts[1]);
        PA_TRY(read_string(parts[0], &archive->arena, &texts[2 * i], err));
        PA_TRY(read_string(parts[1], &archive->arena, &texts[2 * i + 1], err));
    }
    PA_REQUIRE_MEMORY(order = pa_alloc_raw(&archive->ctx->mem, count, sizeof(*order)), err, "a header");
    const int64_t repeated = find_repeated(order, count, compare_keys, texts);
    if (repeated >= 0) {
        PA_TRY(fail_entry(texts[2 * repeated], "duplicate name", err));
    }
    archive->notes.texts = texts;
    archive->notes.count = count;

cleanup:
    pa_free(&archive->ctx->mem, order);
    return status;
}

static pa_status read_metadata(pa_archive *archive, header *h, pa_json_part value, pa_error *err)
{
    pa_status status = PA_OK;
    json_t *null = NULL;
    if (h->has_metadata) {
        return fail_entry(metadata_name, "duplicate name", err);
    }
    h->has_metadata = 1;
    if (value.length > 0 && value.text[0] == '{') {
        return read_pairs(archive, value, err);
    }
    PA_TRY(named(pa_json_read_part(value, &null, err), err));
    if (!json_is_null(null)) {
        PA_TRY(fail_entry(metadata_name, "must be an object of texts", err));
    }

cleanup:
    json_decref(null);
    return status;
}

static pa_status read_member(pa_archive *archive, header *h, pa_json_part name, pa_json_part value, pa_error *err)
{
    pa_status status = PA_OK;
    json_t *root = NULL;
    header_entry *e = &h->entries[h->count];
    PA_TRY(read_string(name, &h->arena, &e->name, err));
    if (strcmp(e->name, metadata_name) == 0) {
        return read_metadata(archive, h, value, err);
    }
    e->value_at = (int32_t)value.at;
    e->value_length = (int32_t)value.length;
    PA_TRY(named(pa_json_read_part(value, &root, err), err));
    PA_TRY(read_entry(root, e, err));
    h->count++;

cleanup:
    json_decref(root);
    return status;
}

static pa_status read_entries(pa_archive *archive, header *h, pa_error *err)
{
    pa_status status = PA_OK;
    pa_json_part whole;
    pa_json_part name;
    pa_json_part value;
    pa_json_members members;
    PA_TRY(named(pa_json_check(h->text, h->length, &whole, err), err));
    PA_TRY(named(pa_json_find_members(whole, &members, err), err));
    h->entries = pa_alloc_raw(h->mem, members.count, sizeof(*h->entries));
    h->order = pa_alloc_raw(h->mem, members.count, sizeof(*h->order));
    PA_REQUIRE_MEMORY(h->entries, err, "a header");
    PA_REQUIRE_MEMORY(h->order, err, "a header");
    while (members.count > 0) {
        pa_json_next(&members, &name, &value);
        PA_TRY(read_member(archive, h, name, value, err));
    }
    const int64_t repeated = find_repeated(h->order, h->count, compare_names, h->entries);
    if (repeated >= 0) {
        PA_TRY(fail_entry(h->entries[repeated].name, "duplicate name", err));
    }

cleanup:
    return status;
}

static int compare_places(const void *items, int64_t a, int64_t b)
{
    const header_entry *x = (const header_entry *)items + a;
    const header_entry *y = (const header_entry *)items + b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    return x->end != y->end ? (x->end > y->end) - (x->end < y->end) : (a > b) - (a < b);
}

/* Where one ends, the next begins. */
static pa_status check_place(const header_entry *e, int64_t cursor, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    const int64_t bytes = e->bits / 8;
    (void)pa_printable(shown, e->name, (int64_t)strlen(e->name));
    PA_REQUIRE(e->begin == cursor && e->end >= e->begin, err, PA_ERR_FORMAT,
               "InvalidOffset: '%s': data_offsets are [%lld, %lld], they must begin at %lld", shown,
               (long long)e->begin, (long long)e->end, (long long)cursor);
    PA_REQUIRE(e->bits != OVERFLOWN, err, PA_ERR_FORMAT, "ValidationOverflow: '%s': the sizes overflow", shown);
    PA_REQUIRE(e->bits % 8 == 0, err, PA_ERR_FORMAT, "MisalignedSlice: '%s': %lld bits are no whole bytes", shown,
               (long long)e->bits);
    PA_REQUIRE(e->end - e->begin == bytes, err, PA_ERR_FORMAT,
               "TensorInvalidInfo: '%s': its shape takes %lld bytes of %s, data_offsets give %lld", shown,
               (long long)bytes, e->type->name, (long long)(e->end - e->begin));

cleanup:
    return status;
}

static pa_status check_places(const pa_archive *archive, header *h, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t cursor = 0;
    const int64_t buffer = pa_file_size(archive->file) - LENGTH_BYTES - h->length;
    pa_sort_order(h->order, h->count, compare_places, h->entries);
    for (int64_t i = 0; i < h->count; i++) {
        const header_entry *e = &h->entries[h->order[i]];
        PA_TRY(check_place(e, cursor, err));
        cursor = e->end;
    }
    PA_REQUIRE(cursor == buffer, err, PA_ERR_FORMAT,
               "MetadataIncompleteBuffer: the header describes %lld bytes, %lld follow it", (long long)cursor,
               (long long)buffer);

cleanup:
    return status;
}

static pa_status add_entry(pa_archive *archive, const header *h, const header_entry *e, pa_error *err)
{
    pa_status status = PA_OK;
    json_t *value = NULL;
    int64_t sizes[MAX_DIMENSIONS];
    const pa_json_part part = {h->text + e->value_at, e->value_length, e->value_at};
    pa_tensor tensor = {.dtype = e->type->dtype, .shape = sizes};
    if (e->type->dtype == 0) {
        return pa_archive_omit(archive, e->name, e->type->name, err);
    }
    tensor.swapped = pa_is_big_endian_machine() && e->type->bits > 8;
    PA_TRY(named(pa_json_read_part(part, &value, err), err));
    const json_t *shape = json_object_get(value, "shape");
    tensor.ndim = (int32_t)json_array_size(shape);
    for (int32_t i = 0; i < tensor.ndim; i++) {
        sizes[i] = json_integer_value(json_array_get(shape, (size_t)i));
    }
    PA_TRY(
        pa_span_of_file(archive->file, LENGTH_BYTES + h->length + e->begin, e->end - e->begin, &tensor.storage, err));
    PA_TRY(pa_archive_add(archive, e->name, &tensor, err));

cleanup:
    pa_storage_release(tensor.storage);
    json_decref(value);
    return status;
}

static pa_status read(pa_archive *archive, pa_error *err)
{
    pa_status status = PA_OK;
    header h = {.mem = &archive->ctx->mem, .arena = {.mem = &archive->ctx->mem}};
    PA_TRY(read_text(archive, &h, err));
    archive->notes.possible = 1;
    PA_TRY(read_entries(archive, &h, err));
    PA_TRY(check_places(archive, &h, err));
    PA_TRY(pa_archive_reserve(archive, h.count, err));
    for (int64_t i = 0; i < h.count; i++) {
        PA_TRY(add_entry(archive, &h, &h.entries[i], err));
    }

cleanup:
    pa_arena_free(&h.arena);
    pa_free(h.mem, h.entries);
    pa_free(h.mem, h.order);
    pa_free(h.mem, h.text);
    return status;
}

const pa_format pa_format_safetensors = {"safetensors", pa_safetensors_probe, read};
