/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of zip records: stored or deflated, whole or in part. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/crc32.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/zip.h"

/* What is asked of a record, who takes it, and the CRC of what has passed by. */
typedef struct span {
    int64_t offset;
    int64_t bytes;
    pa_bytes_fn take;
    void *user;
    uint32_t crc;
    int peek;          /* stop behind what was asked for, and believe it */
    pa_status refused; /* what `take` returned: its error is not the record's */
} span;

static pa_status check_crc(const pa_zip_entry *entry, uint32_t crc, pa_error *err)
{
    if (crc != entry->crc) {
        return pa_fail(err, PA_ERR_FORMAT, "its CRC is %08x, the directory says %08x", (unsigned)crc,
                       (unsigned)entry->crc);
    }
    return PA_OK;
}

/* torch can be told to leave the CRC out: it is then 0, which says nothing. */
static int has_crc(const pa_zip_entry *entry)
{
    return entry->crc != 0 || entry->size == 0;
}

/* Bytes that nobody asked for, for their CRC only. */
static pa_status skip(void *user, const void *bytes, int64_t count, pa_error *err)
{
    span *want = user;
    (void)err;
    want->crc = pa_crc32(want->crc, bytes, count);
    return PA_OK;
}

static pa_status hand_over(void *user, const void *bytes, int64_t count, pa_error *err)
{
    span *want = user;
    want->crc = pa_crc32(want->crc, bytes, count);
    want->refused = want->take(want->user, bytes, count, err);
    return want->refused;
}

static pa_status hand_over_unchecked(void *user, const void *bytes, int64_t count, pa_error *err)
{
    span *want = user;
    want->refused = want->take(want->user, bytes, count, err);
    return want->refused;
}

static pa_status read_stored(pa_file *file, const pa_zip_entry *entry, int whole, span *want, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t begin = entry->data + want->offset;
    const int64_t end = want->offset + want->bytes;
    if (!whole) {
        return pa_file_pass(file, begin, want->bytes, hand_over_unchecked, want, err);
    }
    PA_TRY(pa_file_pass(file, entry->data, want->offset, skip, want, err));
    PA_TRY(pa_file_pass(file, begin, want->bytes, hand_over, want, err));
    PA_TRY(pa_file_pass(file, entry->data + end, entry->size - end, skip, want, err));

cleanup:
    return status;
}

static void *zlib_alloc(void *user, unsigned count, unsigned size)
{
    const pa_allocator *mem = user;
    return pa_alloc(mem, (int64_t)count, size);
}

static void zlib_free(void *user, void *memory)
{
    const pa_allocator *mem = user;
    pa_free(mem, memory);
}

/* The next piece of the packed bytes, when the last one is used up. */
static pa_status refill(z_stream *stream, pa_file *file, const pa_zip_entry *entry, int64_t *taken,
                        unsigned char *buffer, pa_error *err)
{
    const int64_t left = entry->packed - *taken;
    const int64_t n = left < PA_PIECE ? left : PA_PIECE;
    if (stream->avail_in > 0 || n == 0) {
        return PA_OK;
    }
    const pa_status status = pa_file_read(file, entry->data + *taken, n, buffer, err);
    if (status == PA_OK) {
        *taken += n;
        stream->next_in = buffer;
        stream->avail_in = (unsigned)n;
    }
    return status;
}

/* Room for what comes next: all of a window is either asked for or is not, and pieces of what is asked for are whole. */
static int64_t window_size(const span *want, int64_t given)
{
    const int64_t end = want->offset + want->bytes;
    const int64_t left = given < want->offset ? want->offset - given : given < end ? end - given : PA_PIECE;
    return left < PA_PIECE ? left : PA_PIECE;
}

/* Unpack until the window is full or the stream ends. */
static pa_status inflate_window(z_stream *stream, pa_file *file, const pa_zip_entry *entry, int64_t *taken,
                                unsigned char *buffer, int *code, pa_error *err)
{
    pa_status status = PA_OK;
    while (*code != Z_STREAM_END && stream->avail_out > 0) {
        PA_TRY(refill(stream, file, entry, taken, buffer, err));
        *code = inflate(stream, Z_NO_FLUSH);
        PA_REQUIRE(*code != Z_MEM_ERROR, err, PA_ERR_NOMEM, "out of memory for unpacking");
        PA_REQUIRE(*code == Z_OK || *code == Z_STREAM_END, err, PA_ERR_FORMAT, "its deflated bytes are damaged at %lld",
                   (long long)(*taken - (int64_t)stream->avail_in));
    }

cleanup:
    return status;
}

/* The whole stream passes through a window; never more than the declared size, whatever the stream would give. */
static pa_status inflate_all(z_stream *stream, pa_file *file, const pa_zip_entry *entry, unsigned char *buffers,
                             span *want, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t taken = 0;
    int64_t given = 0;
    unsigned char *window = buffers + PA_PIECE;
    for (int code = Z_OK; code != Z_STREAM_END;) {
        const int64_t room = window_size(want, given);
        const int is_wanted = given >= want->offset && given < want->offset + want->bytes;
        stream->next_out = window;
        stream->avail_out = (unsigned)room;
        PA_TRY(inflate_window(stream, file, entry, &taken, buffers, &code, err));
        const int64_t n = room - (int64_t)stream->avail_out;
        PA_REQUIRE(n <= entry->size - given, err, PA_ERR_FORMAT, "unpacks to more than the %lld bytes it declares",
                   (long long)entry->size);
        PA_TRY((is_wanted ? hand_over : skip)(want, window, n, err));
        given += n;
        if (want->peek && given >= want->offset + want->bytes) {
            goto cleanup;
        }
    }
    PA_REQUIRE(given == entry->size && taken == entry->packed && stream->avail_in == 0, err, PA_ERR_FORMAT,
               "unpacks to %lld bytes, %lld are declared", (long long)given, (long long)entry->size);

cleanup:
    return status;
}

static pa_status read_deflated(const pa_allocator *mem, pa_file *file, const pa_zip_entry *entry, span *want,
                               pa_error *err)
{
    pa_status status = PA_OK;
    z_stream stream;
    memset(&stream, 0, sizeof(stream));
    int started = 0;
    unsigned char *buffers = pa_alloc_raw(mem, 2 * PA_PIECE, 1);
    PA_REQUIRE_MEMORY(buffers, err, "a buffer");
    pa_allocator copy = *mem;
    stream.zalloc = zlib_alloc;
    stream.zfree = zlib_free;
    stream.opaque = &copy;
    started = inflateInit2(&stream, -MAX_WBITS) == Z_OK;
    PA_REQUIRE(started, err, PA_ERR_NOMEM, "out of memory for unpacking");
    PA_TRY(inflate_all(&stream, file, entry, buffers, want, err));

cleanup:
    if (started) {
        (void)inflateEnd(&stream);
    }
    pa_free(mem, buffers);
    return status;
}

/* `verify`: read the whole record, if need be, and check its CRC. */
static pa_status read_span(const pa_allocator *mem, pa_file *file, const pa_zip_entry *entry, int verify, span *want,
                           pa_error *err)
{
    const int deflated = entry->method != 0;
    pa_status status = deflated ? read_deflated(mem, file, entry, want, err)
                                : read_stored(file, entry, verify && has_crc(entry), want, err);
    if (status == PA_OK && has_crc(entry) && !want->peek && (verify || deflated)) {
        status = check_crc(entry, want->crc, err);
    }
    if (status != PA_OK && want->refused == PA_OK && status != PA_ERR_NOMEM && status != PA_ERR_IO) {
        char shown[PA_PRINTABLE_SIZE];
        pa_error_prefix(err, pa_printable(shown, entry->name, (int64_t)strlen(entry->name)));
    }
    return status;
}

pa_status pa_zip_read(const pa_zip *zip, int64_t number, int64_t limit, unsigned char **data, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_zip_entry *entry = &zip->entries[number];
    unsigned char *bytes = NULL;
    *data = NULL;
    PA_REQUIRE(entry->size <= limit, err, PA_ERR_LIMIT, "%s: has %lld bytes, at most %lld are read", entry->name,
               (long long)entry->size, (long long)limit);
    bytes = pa_alloc_raw(zip->mem, entry->size + 1, 1);
    PA_REQUIRE_MEMORY(bytes, err, "a record");
    unsigned char *to = bytes;
    span want = {.bytes = entry->size, .take = pa_take_copy, .user = &to};
    PA_TRY(read_span(zip->mem, zip->file, entry, 1, &want, err));
    bytes[entry->size] = '\0';
    *data = bytes;
    bytes = NULL;

cleanup:
    pa_free(zip->mem, bytes);
    return status;
}

pa_status pa_zip_peek(const pa_zip *zip, int64_t number, int64_t bytes, unsigned char *dst, pa_error *err)
{
    span want = {.bytes = bytes, .take = pa_take_copy, .user = &dst, .peek = 1};
    return read_span(zip->mem, zip->file, &zip->entries[number], 0, &want, err);
}

pa_status pa_zip_check(const pa_zip *zip, int64_t number, pa_error *err)
{
    span want = {.bytes = 0};
    return read_span(zip->mem, zip->file, &zip->entries[number], 1, &want, err);
}

/* One a tensor, and a file may have a hundred thousand of them. */
typedef struct record_storage {
    pa_storage base;
    pa_file *file;
    pa_zip_entry entry;   /**< Its name is `name`. */
    atomic_int verified;  /**< The whole record was read, and its CRC is right. */
    pthread_mutex_t lock; /**< Held by who verifies it. */
    char name[];
} record_storage;

static pa_status read_record(record_storage *record, int verify, span *want, pa_error *err)
{
    const pa_allocator mem = pa_file_allocator(record->file);
    const pa_status status = read_span(&mem, record->file, &record->entry, verify, want, err);
    if (status != PA_OK && want->refused == PA_OK) {
        pa_file_error_prefix(record->file, err);
    }
    return status;
}

/*
 * No read succeeds before the CRC of the record was right: who comes first reads all of it, whatever part it was asked
 * for, and what it has handed on by then fails with it. The others wait for that, which takes no
 * longer than to do the same.
 */
static pa_status storage_pass(pa_storage *self, int64_t offset, int64_t bytes, pa_bytes_fn take, void *user,
                              pa_error *err)
{
    record_storage *record = (record_storage *)self;
    span want = {.offset = offset, .bytes = bytes, .take = take, .user = user};
    if (!atomic_load_explicit(&record->verified, memory_order_acquire)) {
        (void)pthread_mutex_lock(&record->lock);
        const int is_first = !atomic_load_explicit(&record->verified, memory_order_relaxed);
        const pa_status status = is_first ? read_record(record, 1, &want, err) : PA_OK;
        if (is_first && status == PA_OK) {
            atomic_store_explicit(&record->verified, 1, memory_order_release);
        }
        (void)pthread_mutex_unlock(&record->lock);
        if (is_first) {
            return status;
        }
    }
    return read_record(record, 0, &want, err);
}

static void storage_destroy(pa_storage *self)
{
    record_storage *record = (record_storage *)self;
    const pa_allocator mem = pa_file_allocator(record->file);
    (void)pthread_mutex_destroy(&record->lock);
    pa_file_release(record->file);
    pa_free(&mem, record);
}

static void storage_announce(const pa_storage *self)
{
    const record_storage *record = (const record_storage *)self;
    pa_file_announce(record->file, record->entry.data, record->entry.packed);
}

static const pa_storage_ops record_ops = {storage_pass, storage_destroy, storage_announce};

pa_status pa_zip_storage(const pa_zip *zip, int64_t number, pa_storage **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_zip_entry *entry = &zip->entries[number];
    const size_t name_bytes = strlen(entry->name) + 1;
    *out = NULL;
    record_storage *record = pa_alloc_raw(zip->mem, (int64_t)(sizeof(*record) + name_bytes), 1);
    PA_REQUIRE_MEMORY(record, err, "a storage");
    pa_storage_init(&record->base, &record_ops, NULL, entry->size);
    record->file = pa_file_retain(zip->file);
    record->entry = *entry;
    record->entry.name = memcpy(record->name, entry->name, name_bytes);
    atomic_init(&record->verified, 0);
    (void)pthread_mutex_init(&record->lock, NULL);
    *out = &record->base;

cleanup:
    return status;
}
