/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Files for tests: fixtures, temporary directories, and zip archives and pickles made byte by byte. */
#ifndef PA_TEST_FILES_H
#define PA_TEST_FILES_H
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "pa_test.h"

/** snprintf() that fails the test rather than cut the text. */
static inline void __attribute__((format(printf, 3, 4))) pa_test_format(char *out, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(out, size, fmt, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < size);
}

/** Bytes that grow; ends the test when memory does. */
typedef struct pa_test_bytes {
    unsigned char *data;
    size_t n;
} pa_test_bytes;

static inline void pa_test_put(pa_test_bytes *b, const void *data, size_t n)
{
    b->data = realloc(b->data, b->n + n + 1);
    assert_non_null(b->data);
    if (n > 0) {
        memcpy(b->data + b->n, data, n);
    }
    b->n += n;
}

static inline void pa_test_put_le(pa_test_bytes *b, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        const unsigned char byte = (unsigned char)(i < 8 ? value >> (8 * i) : 0);
        pa_test_put(b, &byte, 1);
    }
}

/** A string literal, which may hold NULs. */
#define pa_test_put_text(b, literal) pa_test_put((b), (literal), sizeof(literal) - 1)

static inline void pa_test_free(pa_test_bytes *b)
{
    free(b->data);
    b->data = NULL;
    b->n = 0;
}

/** Overwrite `bytes` little-endian bytes at `at`. */
static inline void pa_test_patch(pa_test_bytes *b, size_t at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        assert_true(at + (size_t)i < b->n);
        b->data[at + (size_t)i] = (unsigned char)(value >> (8 * i));
    }
}

/** @name Files
 * @{ */
static inline const char *pa_test_data(const char *name)
{
    static char path[4096];
    const char *root = getenv("PA_TEST_DATA");
    pa_test_format(path, sizeof(path), "%s/%s", root != NULL ? root : "tests/data", name);
    return path;
}

static inline pa_test_bytes pa_test_read(const char *path)
{
    pa_test_bytes b = {NULL, 0};
    unsigned char chunk[4096];
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        fail_msg("no file %s", path);
    }
    for (size_t n = fread(chunk, 1, sizeof(chunk), f); n > 0; n = fread(chunk, 1, sizeof(chunk), f)) {
        pa_test_put(&b, chunk, n);
    }
    fclose(f);
    return b;
}

static inline void pa_test_write(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/** A new directory below $TMPDIR or /tmp; remove it with pa_test_remove(). */
static inline void pa_test_directory(char *out, size_t size)
{
    const char *root = getenv("TMPDIR");
    pa_test_format(out, size, "%s/pa-test-XXXXXX", root != NULL ? root : "/tmp");
    assert_non_null(mkdtemp(out));
}

static inline void pa_test_remove(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *item = d != NULL ? readdir(d) : NULL; item != NULL; item = readdir(d)) {
        char below[4096];
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0) {
            pa_test_format(below, sizeof(below), "%s/%s", path, item->d_name);
            pa_test_remove(below);
        }
    }
    if (d != NULL) {
        closedir(d);
        (void)rmdir(path);
    } else {
        (void)unlink(path);
    }
}

/** Number of names in a directory, without "." and "..". */
static inline int pa_test_count_files(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *item = d != NULL ? readdir(d) : NULL; item != NULL; item = readdir(d)) {
        n += strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0;
    }
    if (d != NULL) {
        closedir(d);
    }
    return n;
}
/** @} */

/** @name Zip archives
 * @{ */
typedef struct pa_test_zip {
    pa_test_bytes bytes;
    pa_test_bytes directory;
    int count;
    size_t header[16]; /**< Where local headers are. */
    size_t entry[16];  /**< Where directory entries are; in the file once finished. */
    size_t end;        /**< Where the end record is. */
} pa_test_zip;

/** A record as given: `packed` bytes that claim to be `size` unpacked ones with that CRC. */
static inline void pa_test_zip_add_raw(pa_test_zip *zip, const char *name, const void *data, size_t packed,
                                       uint64_t size, uint32_t crc, int method)
{
    const size_t length = strlen(name);
    zip->header[zip->count] = zip->bytes.n;
    zip->entry[zip->count++] = zip->directory.n;
    const size_t place = zip->bytes.n;
    for (int i = 0; i < 2; i++) {
        pa_test_bytes *b = i == 0 ? &zip->bytes : &zip->directory;
        pa_test_put_le(b, i == 0 ? 0x04034b50 : 0x02014b50, 4);
        pa_test_put_le(b, 0, i == 0 ? 2 : 4); /* versions */
        pa_test_put_le(b, 0x0800, 2);
        pa_test_put_le(b, (uint64_t)method, 2);
        pa_test_put_le(b, 0, 4); /* time */
        pa_test_put_le(b, crc, 4);
        pa_test_put_le(b, packed, 4);
        pa_test_put_le(b, size, 4);
        pa_test_put_le(b, length, 2);
        pa_test_put_le(b, 0, 2); /* extra */
        if (i == 1) {
            pa_test_put_le(b, 0, 10); /* comment, disk, attributes */
            pa_test_put_le(b, place, 4);
        }
        pa_test_put(b, name, length);
    }
    pa_test_put(&zip->bytes, data, packed);
}

static inline void pa_test_zip_add(pa_test_zip *zip, const char *name, const void *data, size_t n)
{
    pa_test_zip_add_raw(zip, name, data, n, n, (uint32_t)crc32(0, data, (uInt)n), 0);
}

/** Raw deflate of `n` bytes. */
static inline pa_test_bytes pa_test_deflate(const void *data, size_t n)
{
    pa_test_bytes out = {NULL, 0};
    z_stream s;
    memset(&s, 0, sizeof(s));
    assert_int_equal(deflateInit2(&s, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    out.n = deflateBound(&s, (uLong)n);
    out.data = malloc(out.n + 1);
    unsigned char *copy = malloc(n + 1);
    assert_non_null(out.data);
    assert_non_null(copy);
    memcpy(copy, data, n);
    s.next_in = copy;
    s.avail_in = (uInt)n;
    s.next_out = out.data;
    s.avail_out = (uInt)out.n;
    assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
    out.n = s.total_out;
    deflateEnd(&s);
    free(copy);
    return out;
}

/** Append directory and end record. */
static inline void pa_test_zip_finish(pa_test_zip *zip)
{
    const size_t place = zip->bytes.n;
    for (int i = 0; i < zip->count; i++) {
        zip->entry[i] += place;
    }
    pa_test_put(&zip->bytes, zip->directory.data, zip->directory.n);
    zip->end = zip->bytes.n;
    pa_test_put_le(&zip->bytes, 0x06054b50, 4);
    pa_test_put_le(&zip->bytes, 0, 4);
    pa_test_put_le(&zip->bytes, (uint64_t)zip->count, 2);
    pa_test_put_le(&zip->bytes, (uint64_t)zip->count, 2);
    pa_test_put_le(&zip->bytes, zip->directory.n, 4);
    pa_test_put_le(&zip->bytes, place, 4);
    pa_test_put_le(&zip->bytes, 0, 2);
    pa_test_free(&zip->directory);
}

/** A file of torch.save() with that pickle and one storage "0" of `n` bytes. */
static inline pa_test_zip pa_test_torch_zip(const void *pickle, size_t length, const void *data, size_t n)
{
    pa_test_zip zip;
    memset(&zip, 0, sizeof(zip));
    pa_test_zip_add(&zip, "archive/data.pkl", pickle, length);
    pa_test_zip_add(&zip, "archive/data/0", data, n);
    pa_test_zip_add(&zip, "archive/version", "3\n", 2);
    return zip;
}
/** @} */

/** @name Pickles
 * Strings of opcodes; adjacent literals keep hexadecimal escapes apart.
 * @{ */
/** ("storage", torch.FloatStorage, "0", "cpu", numel) as a storage; numel is one byte. */
#define PKL_STORAGE(numel)                                                                                             \
    "(X\x07\0\0\0"                                                                                                     \
    "storage"                                                                                                          \
    "ctorch\nFloatStorage\n"                                                                                           \
    "X\x01\0\0\0"                                                                                                      \
    "0"                                                                                                                \
    "X\x03\0\0\0"                                                                                                      \
    "cpu"                                                                                                              \
    "K" numel "tQ"
/** _rebuild_tensor_v2(storage, offset, sizes, strides, False, OrderedDict()); all but the first as opcodes. */
#define PKL_TENSOR(storage, offset, sizes, strides)                                                                    \
    "ctorch._utils\n_rebuild_tensor_v2\n(" storage offset sizes strides "\x89"                                         \
    "ccollections\nOrderedDict\n)R"                                                                                    \
    "tR"
/** {"a": value} as a whole pickle. */
#define PKL_DICT(value)                                                                                                \
    "\x80\x02"                                                                                                         \
    "}"                                                                                                                \
    "X\x01\0\0\0"                                                                                                      \
    "a" value "s"                                                                                                      \
    "."
/** @} */

/** A context on an allocator, for tests that must not fail yet. */
static inline pa_context *pa_test_context(void)
{
    pa_context *ctx = NULL;
    pa_error err;
    assert_ok(pa_context_create(NULL, &ctx, &err));
    return ctx;
}
#endif
