/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the safetensors library: the length of a JSON header, the header, the elements. */
#include <string.h>

#include "base/alloc.h"
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
    const json_t *shape; /* integers, at least 0 */
} header_entry;

typedef struct header {
    const pa_allocator *mem;
    char *text;
    int64_t length;
    json_t *root;
    header_entry *entries;
    int64_t count;
    int64_t *order; /* by place in the buffer */
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
static pa_status fail_entry(const char *name, const char *what, pa_error *err)
{
    char shown[PA_PRINTABLE_SIZE];
    return pa_fail(err, PA_ERR_FORMAT, "InvalidHeaderDeserialization: '%s': %s",
                   pa_printable(shown, name, (int64_t)strlen(name)), what);
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
    pa_error_prefix(err, "InvalidHeaderDeserialization");
    return status;
}

static int is_size(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

static pa_status read_entry(const char *name, const json_t *value, header_entry *out, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    const json_t *shape = json_object_get(value, "shape");
    const json_t *place = json_object_get(value, "data_offsets");
    if (!json_is_object(value) || json_object_size(value) != 3 || json_object_get(value, "dtype") == NULL ||
        !json_is_array(shape) || !json_is_array(place)) {
        return fail_entry(name, "must have dtype, shape and data_offsets and nothing else", err);
    }
    out->name = name;
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
    out->shape = shape;

cleanup:
    return status;
}

static pa_status read_metadata(pa_archive *archive, json_t *value, pa_error *err)
{
    pa_status status = PA_OK;
    const char *key = NULL;
    json_t *item = NULL;
    if (!json_is_object(value) && !json_is_null(value)) {
        return fail_entry("__metadata__", "must be an object of texts", err);
    }
    const char **texts = pa_arena_alloc(&archive->arena, 2 * (int64_t)json_object_size(value), sizeof(*texts));
    PA_REQUIRE_MEMORY(texts, err, "a header");
    json_object_foreach(value, key, item)
    {
        if (!json_is_string(item)) {
            return fail_entry("__metadata__", "must be an object of texts", err);
        }
        const int64_t at = 2 * archive->notes.count;
        texts[at] = pa_arena_strdup(&archive->arena, key);
        texts[at + 1] = pa_arena_strdup(&archive->arena, json_string_value(item));
        PA_REQUIRE(texts[at] != NULL && texts[at + 1] != NULL, err, PA_ERR_NOMEM, "out of memory for a header");
        archive->notes.count++;
    }
    archive->notes.texts = texts;

cleanup:
    return status;
}

static pa_status read_entries(pa_archive *archive, header *h, pa_error *err)
{
    pa_status status = pa_json_read(h->text, h->length, &h->root, err);
    const char *name = NULL;
    json_t *value = NULL;
    if (status != PA_OK) {
        if (status == PA_ERR_FORMAT) {
            pa_error_prefix(err, "InvalidHeaderDeserialization");
        }
        return status;
    }
    const int64_t most = (int64_t)json_object_size(h->root);
    h->entries = pa_alloc_raw(h->mem, most, sizeof(*h->entries));
    h->order = pa_alloc(h->mem, most, sizeof(*h->order));
    PA_REQUIRE_MEMORY(h->entries, err, "a header");
    PA_REQUIRE_MEMORY(h->order, err, "a header");
    json_object_foreach(h->root, name, value)
    {
        if (strcmp(name, "__metadata__") == 0) {
            PA_TRY(read_metadata(archive, value, err));
        } else {
            PA_TRY(read_entry(name, value, &h->entries[h->count], err));
            h->order[h->count] = h->count;
            h->count++;
        }
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

/* Bytes that the shape asks for. Sizes of an empty tensor, too, must have a product, for the sake of strides. */
static pa_status count_bytes(const header_entry *e, const char *shown, int64_t *out, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t bits = e->type->bits;
    int empty = 0;
    int overflow = 0;
    for (size_t i = 0; i < json_array_size(e->shape); i++) {
        const int64_t size = json_integer_value(json_array_get(e->shape, i));
        empty |= size == 0;
        overflow |= __builtin_mul_overflow(bits, size == 0 ? 1 : size, &bits);
    }
    PA_REQUIRE(!overflow, err, PA_ERR_FORMAT, "ValidationOverflow: '%s': the sizes overflow", shown);
    PA_REQUIRE(empty || bits % 8 == 0, err, PA_ERR_FORMAT, "MisalignedSlice: '%s': %lld bits are no whole bytes", shown,
               (long long)bits);
    *out = empty ? 0 : bits / 8;

cleanup:
    return status;
}

/* Where one ends, the next begins. */
static pa_status check_place(const header_entry *e, int64_t cursor, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    int64_t bytes = 0;
    (void)pa_printable(shown, e->name, (int64_t)strlen(e->name));
    PA_REQUIRE(e->begin == cursor && e->end >= e->begin, err, PA_ERR_FORMAT,
               "InvalidOffset: '%s': data_offsets are [%lld, %lld], they must begin at %lld", shown,
               (long long)e->begin, (long long)e->end, (long long)cursor);
    PA_TRY(count_bytes(e, shown, &bytes, err));
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
    int64_t shape[MAX_DIMENSIONS];
    int64_t strides[MAX_DIMENSIONS];
    const int32_t ndim = (int32_t)json_array_size(e->shape);
    pa_tensor tensor = {.dtype = e->type->dtype, .ndim = ndim, .shape = shape, .strides = strides};
    if (e->type->dtype == 0) {
        return pa_archive_omit(archive, e->name, e->type->name, err);
    }
    tensor.swapped = pa_is_big_endian_machine() && e->type->bits > 8;
    for (int32_t i = 0; i < ndim; i++) {
        shape[i] = json_integer_value(json_array_get(e->shape, (size_t)i));
    }
    pa_packed_strides(shape, ndim, strides);
    PA_TRY(
        pa_span_of_file(archive->file, LENGTH_BYTES + h->length + e->begin, e->end - e->begin, &tensor.storage, err));
    PA_TRY(pa_archive_add(archive, e->name, &tensor, err));

cleanup:
    pa_storage_release(tensor.storage);
    return status;
}

static pa_status read(pa_archive *archive, pa_error *err)
{
    pa_status status = PA_OK;
    header h = {.mem = &archive->ctx->mem};
    PA_TRY(read_text(archive, &h, err));
    archive->notes.possible = 1;
    PA_TRY(read_entries(archive, &h, err));
    PA_TRY(check_places(archive, &h, err));
    for (int64_t i = 0; i < h.count; i++) {
        PA_TRY(add_entry(archive, &h, &h.entries[i], err));
    }

cleanup:
    json_decref(h.root);
    pa_free(h.mem, h.entries);
    pa_free(h.mem, h.order);
    pa_free(h.mem, h.text);
    return status;
}

const pa_format pa_format_safetensors = {"safetensors", pa_safetensors_probe, read};
