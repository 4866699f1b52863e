/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/formats/zip.h"

#include <string.h>

#include "base/alloc.h"
#include "base/sort.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/zip_end.h"

enum { MAX_RECORDS = 1000000, MAX_DIRECTORY_BYTES = 256 << 20 };
enum {
    ENTRY_BYTES = 46,
    HEADER_BYTES = 30,
    SIGNATURE_ENTRY = 0x02014b50,
    SIGNATURE_HEADER = 0x04034b50,
    SIGNATURE_DESCRIPTOR = 0x08074b50
};
enum { METHOD_STORED = 0, METHOD_DEFLATED = 8 };
/* Level of compression, "sizes follow the data", "names are UTF-8": all that does not change what the bytes mean. */
enum { FLAG_DESCRIPTOR = 0x0008, FLAGS_KNOWN = 0x080e };
/* Deflate makes at most 1032 bytes of one. */
enum { MAX_RATIO = 1032 };

/* Names that could mean another place, or look like another name. */
static int is_safe_name(const char *name, int64_t length)
{
    if (length == 0 || name[0] == '/' || !pa_is_utf8(name, length) || memchr(name, '\\', (size_t)length) != NULL) {
        return 0;
    }
    for (int64_t from = 0, to = 0; from < length; from = to + 1) {
        for (to = from; to < length && name[to] != '/'; to++) {
        }
        if (to - from <= 2 && to - from > 0 && memcmp(name + from, "..", (size_t)(to - from)) == 0) {
            return 0;
        }
    }
    return 1;
}

/* Sizes and place that do not fit into 32 bits follow in an extra field, in this order, each only when all ones. */
static pa_status read_zip64(const unsigned char *extra, int64_t length, uint64_t fields[3], pa_error *err)
{
    int wanted = 0;
    for (int i = 0; i < 3; i++) {
        wanted += fields[i] == 0xffffffff;
    }
    int seen = 0;
    while (length >= 4) {
        const int64_t bytes = pa_le16(extra + 2);
        if (bytes > length - 4) {
            return pa_fail(err, PA_ERR_FORMAT, "an extra field exceeds its record");
        }
        if (pa_le16(extra) == 1 && wanted > 0) {
            if (seen || bytes < 8 * wanted) {
                return pa_fail(err, PA_ERR_FORMAT, "bad zip64 field");
            }
            const unsigned char *next = extra + 4;
            for (int i = 0; i < 3; i++) {
                if (fields[i] == 0xffffffff) {
                    fields[i] = pa_le64(next);
                    next += 8;
                }
            }
            seen = 1;
        }
        extra += 4 + bytes;
        length -= 4 + bytes;
    }
    if (length != 0 || (wanted > 0 && !seen)) {
        return pa_fail(err, PA_ERR_FORMAT, length != 0 ? "bad extra field" : "the zip64 field is missing");
    }
    return PA_OK;
}

static pa_status check_sizes(const pa_zip_entry *entry, const uint64_t fields[3], pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(fields[0] <= INT64_MAX / 2 && fields[1] <= INT64_MAX / 2 && fields[2] <= INT64_MAX / 2, err,
               PA_ERR_FORMAT, "a size or place exceeds 2^62");
    PA_REQUIRE((entry->flags & 1) == 0, err, PA_ERR_UNSUPPORTED, "encrypted");
    PA_REQUIRE((entry->flags & ~FLAGS_KNOWN) == 0, err, PA_ERR_UNSUPPORTED, "zip flags 0x%04x", (unsigned)entry->flags);
    PA_REQUIRE(entry->method == METHOD_STORED || entry->method == METHOD_DEFLATED, err, PA_ERR_UNSUPPORTED,
               "compression method %d; stored (0) and deflated (8) can be read", (int)entry->method);
    PA_REQUIRE(entry->method != METHOD_STORED || fields[0] == fields[1], err, PA_ERR_FORMAT,
               "stored, but %llu bytes take %llu", (unsigned long long)fields[0], (unsigned long long)fields[1]);
    PA_REQUIRE(fields[0] / MAX_RATIO <= fields[1], err, PA_ERR_FORMAT,
               "%llu bytes from %llu are more than deflate can give", (unsigned long long)fields[0],
               (unsigned long long)fields[1]);

cleanup:
    return status;
}

/* One entry of the directory at `p`, of which `left` bytes remain; `used` is how many it takes. */
static pa_status parse_entry(unsigned char *p, int64_t left, pa_zip_entry *entry, int64_t *used, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    PA_REQUIRE(left >= ENTRY_BYTES && pa_le32(p) == SIGNATURE_ENTRY, err, PA_ERR_FORMAT,
               "zip directory: no entry where one must be");
    const int64_t name_length = pa_le16(p + 28);
    const int64_t extra_length = pa_le16(p + 30);
    *used = ENTRY_BYTES + name_length + extra_length + pa_le16(p + 32);
    PA_REQUIRE(*used <= left, err, PA_ERR_FORMAT, "zip directory: an entry exceeds the directory");
    PA_REQUIRE(pa_le16(p + 34) == 0, err, PA_ERR_UNSUPPORTED, "zip archive in several parts");

    uint64_t fields[3] = {pa_le32(p + 24), pa_le32(p + 20), pa_le32(p + 42)}; /* size, packed, header */
    entry->flags = pa_le16(p + 8);
    entry->method = pa_le16(p + 10);
    entry->crc = pa_le32(p + 16);
    /* The name moves down one byte, over what has been read, to make room for a NUL. */
    char *name = (char *)p + ENTRY_BYTES - 1;
    memmove(name, p + ENTRY_BYTES, (size_t)name_length);
    name[name_length] = '\0';
    entry->name = name;
    PA_REQUIRE(is_safe_name(name, name_length), err, PA_ERR_FORMAT, "unsafe record name '%s'",
               pa_printable(shown, name, name_length));
    status = read_zip64(p + ENTRY_BYTES + name_length, extra_length, fields, err);
    if (status == PA_OK) {
        status = check_sizes(entry, fields, err);
    }
    if (status != PA_OK) {
        pa_error_prefix(err, pa_printable(shown, name, name_length));
    }
    entry->size = (int64_t)fields[0];
    entry->packed = (int64_t)fields[1];
    entry->header = (int64_t)fields[2];

cleanup:
    return status;
}

static pa_status parse_directory(pa_zip *zip, int64_t size, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t at = 0;
    for (int64_t i = 0; i < zip->count; i++) {
        int64_t used = 0;
        PA_TRY(parse_entry(zip->bytes + at, size - at, &zip->entries[i], &used, err));
        at += used;
    }
    PA_REQUIRE(at == size, err, PA_ERR_FORMAT, "zip directory: %lld bytes follow its %lld entries",
               (long long)(size - at), (long long)zip->count);

cleanup:
    return status;
}

/* The local header must repeat the entry; it also says where the bytes begin. */
static pa_status read_header(const pa_zip *zip, pa_zip_entry *entry, unsigned char *buffer, int64_t end, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    const int64_t name_length = (int64_t)strlen(entry->name);
    const int64_t length = HEADER_BYTES + name_length;
    (void)pa_printable(shown, entry->name, name_length);
    PA_REQUIRE(length <= end && entry->header <= end - length, err, PA_ERR_FORMAT,
               "%s: its header at %lld is not before the directory at %lld", shown, (long long)entry->header,
               (long long)end);
    PA_TRY(pa_file_read(zip->file, entry->header, length, buffer, err));
    PA_REQUIRE(pa_le32(buffer) == SIGNATURE_HEADER && pa_le16(buffer + 6) == entry->flags &&
                   pa_le16(buffer + 8) == entry->method && pa_le16(buffer + 26) == name_length &&
                   memcmp(buffer + HEADER_BYTES, entry->name, (size_t)name_length) == 0,
               err, PA_ERR_FORMAT, "%s: its header at %lld does not agree with the directory", shown,
               (long long)entry->header);
    entry->data = entry->header + length + pa_le16(buffer + 28);
    PA_REQUIRE(entry->data <= end && entry->packed <= end - entry->data, err, PA_ERR_FORMAT,
               "%s: %lld bytes at %lld exceed the file", shown, (long long)entry->packed, (long long)entry->data);

cleanup:
    return status;
}

static pa_status read_headers(pa_zip *zip, int64_t end, pa_error *err)
{
    pa_status status = PA_OK;
    unsigned char *buffer = pa_alloc_raw(zip->mem, HEADER_BYTES + UINT16_MAX, 1);
    PA_REQUIRE_MEMORY(buffer, err, "a zip header");
    for (int64_t i = 0; i < zip->count; i++) {
        PA_TRY(read_header(zip, &zip->entries[i], buffer, end, err));
    }

cleanup:
    pa_free(zip->mem, buffer);
    return status;
}

static int compare_places(const void *items, int64_t a, int64_t b)
{
    const pa_zip_entry *entries = items;
    return (entries[a].header > entries[b].header) - (entries[a].header < entries[b].header);
}

/* Follows the bytes of a record whose sizes were not known beforehand: they once more, with or without signature. */
static pa_status check_descriptor(const pa_zip *zip, const pa_zip_entry *entry, int64_t gap, pa_error *err)
{
    unsigned char bytes[24] = {0};
    const unsigned char *p = bytes;
    int agrees = gap == 12 || gap == 16 || gap == 20 || gap == 24;
    if (agrees) {
        const pa_status status = pa_file_read(zip->file, entry->data + entry->packed, gap, bytes, err);
        if (status != PA_OK) {
            return status;
        }
        if (gap == 16 || gap == 24) {
            agrees = pa_le32(p) == SIGNATURE_DESCRIPTOR;
            p += 4;
        }
        const int wide = gap >= 20;
        const uint64_t packed = wide ? pa_le64(p + 4) : pa_le32(p + 4);
        const uint64_t size = wide ? pa_le64(p + 12) : pa_le32(p + 8);
        agrees =
            agrees && pa_le32(p) == entry->crc && packed == (uint64_t)entry->packed && size == (uint64_t)entry->size;
    }
    if (!agrees) {
        char shown[PA_PRINTABLE_SIZE];
        return pa_fail(err, PA_ERR_FORMAT,
                       "%s: the %lld bytes after it are no data descriptor that agrees with the "
                       "directory",
                       pa_printable(shown, entry->name, (int64_t)strlen(entry->name)), (long long)gap);
    }
    return PA_OK;
}

/* Every byte before the directory belongs to exactly one record. */
static pa_status check_disjoint(pa_zip *zip, int64_t end, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_zip_entry *last = NULL;
    pa_sort_order(zip->order, zip->count, compare_places, zip->entries);
    for (int64_t i = 0; i <= zip->count; i++) {
        const pa_zip_entry *entry = i < zip->count ? &zip->entries[zip->order[i]] : NULL;
        const int64_t begin = entry != NULL ? entry->header : end;
        const int64_t expected = last != NULL ? last->data + last->packed : 0;
        PA_REQUIRE(begin >= expected, err, PA_ERR_FORMAT, "zip: records overlap at %lld", (long long)begin);
        if (last != NULL && (last->flags & FLAG_DESCRIPTOR) != 0) {
            PA_TRY(check_descriptor(zip, last, begin - expected, err));
        } else {
            PA_REQUIRE(begin == expected, err, PA_ERR_FORMAT, "zip: %lld bytes at %lld belong to no record",
                       (long long)(begin - expected), (long long)expected);
        }
        last = entry;
    }

cleanup:
    return status;
}

static int fold(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

static int compare_folded(const char *a, const char *b)
{
    while (*a != '\0' && fold(*a) == fold(*b)) {
        a++;
        b++;
    }
    return fold(*a) - fold(*b);
}

static int compare_names(const void *items, int64_t a, int64_t b)
{
    const pa_zip_entry *entries = items;
    return compare_folded(entries[a].name, entries[b].name);
}

/* All records are in one folder, which torch names after the file as it was called then. */
static pa_status strip_folder(pa_zip *zip, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    const char *first = zip->entries[0].name;
    const char *slash = strchr(first, '/');
    PA_REQUIRE(slash != NULL, err, PA_ERR_UNSUPPORTED,
               "a zip archive, but not of torch.save(): its first record '%s' is in no folder",
               pa_printable(shown, first, (int64_t)strlen(first)));
    const size_t length = (size_t)(slash - first) + 1;
    for (int64_t i = zip->count; i-- > 0;) {
        const char *name = zip->entries[i].name;
        PA_REQUIRE(strncmp(name, first, length) == 0, err, PA_ERR_FORMAT,
                   "record '%s' is not in the folder of the first one",
                   pa_printable(shown, name, (int64_t)strlen(name)));
        zip->entries[i].name = name + length;
    }

cleanup:
    return status;
}

static pa_status check_names(pa_zip *zip, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[2][PA_PRINTABLE_SIZE];
    pa_sort_order(zip->order, zip->count, compare_names, zip->entries);
    for (int64_t i = 1; i < zip->count; i++) {
        const char *a = zip->entries[zip->order[i - 1]].name;
        const char *b = zip->entries[zip->order[i]].name;
        PA_REQUIRE(compare_folded(a, b) != 0, err, PA_ERR_FORMAT, "records '%s' and '%s' have the same name",
                   pa_printable(shown[0], a, (int64_t)strlen(a)), pa_printable(shown[1], b, (int64_t)strlen(b)));
    }

cleanup:
    return status;
}

pa_status pa_zip_open_flat(const pa_allocator *mem, pa_file *file, pa_zip **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_zip_end end = {0, 0, 0};
    *out = NULL;
    pa_zip *zip = pa_alloc(mem, 1, sizeof(*zip));
    PA_REQUIRE_MEMORY(zip, err, "a zip archive");
    zip->mem = mem;
    zip->file = file;
    PA_TRY(pa_zip_read_end(file, &end, err));
    PA_REQUIRE(end.count > 0, err, PA_ERR_FORMAT, "zip archive without a record");
    PA_REQUIRE(end.count <= MAX_RECORDS, err, PA_ERR_LIMIT, "zip archive with %lld records, at most %d are read",
               (long long)end.count, MAX_RECORDS);
    PA_REQUIRE(end.size <= MAX_DIRECTORY_BYTES, err, PA_ERR_LIMIT, "zip directory of %lld bytes, at most %d are read",
               (long long)end.size, MAX_DIRECTORY_BYTES);
    zip->count = end.count;
    zip->entries = pa_alloc(mem, end.count, sizeof(*zip->entries));
    zip->order = pa_alloc(mem, end.count, sizeof(*zip->order));
    zip->bytes = pa_alloc_raw(mem, end.size, 1);
    PA_REQUIRE_MEMORY(zip->entries, err, "a zip directory");
    PA_REQUIRE_MEMORY(zip->order, err, "a zip directory");
    PA_REQUIRE_MEMORY(zip->bytes, err, "a zip directory");
    for (int64_t i = 0; i < end.count; i++) {
        zip->order[i] = i;
    }
    PA_TRY(pa_file_read(file, end.offset, end.size, zip->bytes, err));
    PA_TRY(parse_directory(zip, end.size, err));
    PA_TRY(read_headers(zip, end.offset, err));
    PA_TRY(check_disjoint(zip, end.offset, err));
    *out = zip;
    zip = NULL;

cleanup:
    pa_zip_close(zip);
    return status;
}

pa_status pa_zip_open(const pa_allocator *mem, pa_file *file, pa_zip **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_zip *zip = NULL;
    *out = NULL;
    PA_TRY(pa_zip_open_flat(mem, file, &zip, err));
    PA_TRY(strip_folder(zip, err));
    PA_TRY(check_names(zip, err));
    *out = zip;
    zip = NULL;

cleanup:
    pa_zip_close(zip);
    return status;
}

void pa_zip_close(pa_zip *zip)
{
    if (zip != NULL) {
        const pa_allocator *mem = zip->mem;
        pa_free(mem, zip->entries);
        pa_free(mem, zip->order);
        pa_free(mem, zip->bytes);
        pa_free(mem, zip);
    }
}

int64_t pa_zip_find(const pa_zip *zip, const char *name)
{
    int64_t low = 0;
    int64_t high = zip->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const int64_t entry = zip->order[middle];
        const int order = compare_folded(zip->entries[entry].name, name);
        if (order == 0) {
            return strcmp(zip->entries[entry].name, name) == 0 ? entry : -1;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}
