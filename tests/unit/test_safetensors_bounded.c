/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that are legal and awkward: opening takes no more memory than 16 MiB and four times their bytes. */
#include <jansson.h>

#include "pa_test_archive.h"

enum { BLOCK = 16, FIXED = 16 << 20, FACTOR = 4 };

/* What is allocated, by the library and by Jansson, and what malloc adds to each block. */
static int64_t now;
static int64_t peak;

static void *count_alloc(size_t bytes)
{
    const int64_t size = (int64_t)bytes;
    unsigned char *block = malloc(BLOCK + bytes);
    if (block == NULL) {
        return NULL;
    }
    memcpy(block, &size, sizeof(size));
    now += BLOCK + size;
    peak = now > peak ? now : peak;
    return block + BLOCK;
}

static void count_free(void *memory)
{
    int64_t size = 0;
    if (memory != NULL) {
        unsigned char *block = (unsigned char *)memory - BLOCK;
        memcpy(&size, block, sizeof(size));
        now -= BLOCK + size;
        free(block);
    }
}

static void *context_alloc(void *user, size_t bytes)
{
    (void)user;
    return count_alloc(bytes);
}

static void context_free(void *user, void *memory)
{
    (void)user;
    count_free(memory);
}

static const pa_allocator counted = {context_alloc, context_free, NULL};
static pa_context *ctx;
static char directory[256];
static char path[300];

static int set_up(void **state)
{
    (void)state;
    pa_error err;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = &counted, .threads = 1};
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/file.safetensors", directory);
    json_set_alloc_funcs(count_alloc, count_free);
    return pa_context_create(&options, &ctx, &err) == PA_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    pa_context_destroy(ctx);
    json_set_alloc_funcs(malloc, free);
    pa_test_remove(directory);
    return 0;
}

/* A header of `count` members that `put` writes, inside of `open` and `close`, and no elements. */
static size_t write_header(const char *open, const char *close, int count, void (*put)(FILE *, int))
{
    unsigned char length[8];
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fseek(file, sizeof(length), SEEK_SET);
    fputs(open, file);
    for (int i = 0; i < count; i++) {
        fputs(i > 0 ? "," : "", file);
        put(file, i);
    }
    fputs(close, file);
    const long n = ftell(file) - (long)sizeof(length);
    for (int i = 0; i < 8; i++) {
        length[i] = (unsigned char)((uint64_t)n >> (8 * i));
    }
    rewind(file);
    assert_int_equal(fwrite(length, 1, sizeof(length), file), sizeof(length));
    assert_int_equal(fclose(file), 0);
    return (size_t)n;
}

/* Opens what was written. */
static pa_checkpoint *open_within(size_t header)
{
    pa_error err;
    pa_checkpoint *checkpoint = NULL;
    const int64_t before = now;
    const int64_t most = FIXED + FACTOR * (int64_t)header;
    peak = now;
    assert_ok(pa_checkpoint_open(ctx, path, &checkpoint, &err));
    if (peak - before > most) {
        fail_msg("%zu bytes of header took %lld, more than %lld", header, (long long)(peak - before), (long long)most);
    }
    return checkpoint;
}

static void put_empty(FILE *file, int i)
{
    fprintf(file, "\"%x\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", (unsigned)i);
}

/* As many as the limit on values lets through: 11 a tensor. */
static void test_hundreds_of_thousands_of_tensors(void **state)
{
    (void)state;
    enum { N = 360000 };
    pa_checkpoint *c = open_within(write_header("{", "}", N, put_empty));
    assert_int_equal(pa_checkpoint_count(c), N);
    pa_checkpoint_destroy(c);
}

static void put_64_dimensions(FILE *file, int i)
{
    fprintf(file, "\"%x\":{\"dtype\":\"U8\",\"shape\":[0", (unsigned)i);
    for (int k = 1; k < 64; k++) {
        fputs(k <= i % 32 ? ",2" : ",0", file);
    }
    fputs("],\"data_offsets\":[0,0]}", file);
}

static void test_tensors_of_64_dimensions(void **state)
{
    (void)state;
    enum { N = 50000 };
    pa_error err;
    pa_archive *archive = NULL;
    pa_checkpoint *c = open_within(write_header("{", "}", N, put_64_dimensions));
    assert_int_equal(pa_checkpoint_count(c), N);
    pa_checkpoint_destroy(c);
    assert_ok(pa_archive_open(ctx, path, &archive, &err));
    for (int i = 0; i < N; i += 7) {
        const pa_tensor *t = &archive->entries[i].tensor;
        assert_int_equal(t->ndim, 64);
        for (int k = 0; k < 64; k++) {
            assert_int_equal(t->shape[k], k > 0 && k <= i % 32 ? 2 : 0);
        }
    }
    pa_archive_destroy(archive);
}

static void put_pair(FILE *file, int i)
{
    fprintf(file, "\"%x\":\"\"", (unsigned)i);
}

static void test_millions_of_pairs_of_metadata(void **state)
{
    (void)state;
    enum { N = 1900000 };
    pa_checkpoint *c = open_within(write_header("{\"__metadata__\":{", "}}", N, put_pair));
    assert_int_equal(pa_checkpoint_count(c), 0);
    pa_checkpoint_destroy(c);
}

/* Just too long for two of them to be in a block of an arena. */
static void put_long_name(FILE *file, int i)
{
    fprintf(file, "\"%02020d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", i);
}

static void test_names_of_two_thousand_bytes(void **state)
{
    (void)state;
    enum { N = 20000 };
    pa_checkpoint *c = open_within(write_header("{", "}", N, put_long_name));
    assert_int_equal(pa_checkpoint_count(c), N);
    pa_checkpoint_destroy(c);
}

/* One member of a million values: it is refused, and not read first. */
static void put_one(FILE *file, int i)
{
    (void)i;
    fputs("0", file);
}

static void test_a_member_of_a_million_values_is_refused_for_nothing(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = NULL;
    const int64_t before = now;
    const size_t header = write_header("{\"a\":[", "]}", 1000000, put_one);
    peak = now;
    assert_fails(pa_checkpoint_open(ctx, path, &c, &err), PA_ERR_LIMIT, "more than 1024 values");
    assert_true(peak - before < (int64_t)header + 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hundreds_of_thousands_of_tensors),
        cmocka_unit_test(test_tensors_of_64_dimensions),
        cmocka_unit_test(test_millions_of_pairs_of_metadata),
        cmocka_unit_test(test_names_of_two_thousand_bytes),
        cmocka_unit_test(test_a_member_of_a_million_values_is_refused_for_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
