/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that are legal and awkward: opening takes no more memory than 16 MiB and four times their bytes. */
#include <jansson.h>

#include "pa_test_counted.h"

static pa_context *ctx;
static char directory[256];
static char path[300];

static int set_up(void **state)
{
    (void)state;
    pa_error err;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = &pa_test_counted, .threads = 1};
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/file.safetensors", directory);
    json_set_alloc_funcs(pa_test_count_alloc, pa_test_count_free);
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

/* Members from `first` on that `put` writes, inside of `open` and `close`. */
static void write_members(FILE *file, const char *open, const char *close, int first, int count,
                          void (*put)(FILE *, int))
{
    assert_non_null(file);
    fputs(open, file);
    for (int i = first; i < first + count; i++) {
        fputs(i > first ? "," : "", file);
        put(file, i);
    }
    fputs(close, file);
}

/* A header of such members, and no elements. */
static size_t write_file(const char *name, const char *open, const char *close, int first, int count,
                         void (*put)(FILE *, int))
{
    unsigned char length[8];
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    fseek(file, sizeof(length), SEEK_SET);
    write_members(file, open, close, first, count, put);
    const long n = ftell(file) - (long)sizeof(length);
    for (int i = 0; i < 8; i++) {
        length[i] = (unsigned char)((uint64_t)n >> (8 * i));
    }
    rewind(file);
    assert_int_equal(fwrite(length, 1, sizeof(length), file), sizeof(length));
    assert_int_equal(fclose(file), 0);
    return (size_t)n;
}

static size_t write_header(const char *open, const char *close, int count, void (*put)(FILE *, int))
{
    return write_file(path, open, close, 0, count, put);
}

/* Opens what was written. */
static pa_checkpoint *open_within(size_t header)
{
    pa_error err;
    pa_checkpoint *checkpoint = NULL;
    assert_ok(pa_test_open_within(ctx, path, (int64_t)header, &checkpoint, &err));
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
    const int64_t before = pa_test_now;
    const size_t header = write_header("{\"a\":[", "]}", 1000000, put_one);
    pa_test_peak = pa_test_now;
    assert_fails(pa_checkpoint_open(ctx, path, &c, &err), PA_ERR_LIMIT, "more than 1024 values");
    assert_true(pa_test_peak - before < (int64_t)header + 65536);
}

enum { SHARDS = 4, OF_SHARD = 25000 };

static void put_mapping(FILE *file, int i)
{
    fprintf(file, "\"%x\":\"%d\"", (unsigned)i, i / OF_SHARD);
}

static int64_t write_index(int count)
{
    FILE *file = NULL;
    pa_test_format(path, sizeof(path), "%s/index.json", directory);
    assert_non_null(file = fopen(path, "wb"));
    write_members(file, "{\"weight_map\":{", "}}", 0, count, put_mapping);
    const long n = ftell(file);
    assert_int_equal(fclose(file), 0);
    return (int64_t)n;
}

static void test_a_hundred_thousand_tensors_in_shards(void **state)
{
    (void)state;
    pa_error err;
    char shard[300];
    pa_checkpoint *c = NULL;
    int64_t header = write_index(SHARDS * OF_SHARD);
    for (int i = 0; i < SHARDS; i++) {
        pa_test_format(shard, sizeof(shard), "%s/%d", directory, i);
        header += (int64_t)write_file(shard, "{", "}", i * OF_SHARD, OF_SHARD, put_empty);
    }
    assert_ok(pa_test_open_within(ctx, path, header, &c, &err));
    assert_int_equal(pa_checkpoint_count(c), SHARDS * OF_SHARD);
    pa_checkpoint_destroy(c);
}

/* As many as there may be; the first file is not there. */
static void test_a_million_mappings(void **state)
{
    (void)state;
    enum { N = 1000000 };
    pa_error err;
    pa_checkpoint *c = NULL;
    int64_t header = write_index(N + 1);
    assert_fails(pa_test_open_within(ctx, path, header, &c, &err), PA_ERR_LIMIT, "1000001 tensors, at most 1000000");
    header = write_index(N);
    pa_test_format(path, sizeof(path), "%s/0", directory);
    (void)remove(path);
    pa_test_format(path, sizeof(path), "%s/index.json", directory);
    assert_fails(pa_test_open_within(ctx, path, header, &c, &err), PA_ERR_NOT_FOUND, "0: no such file");
}

static void put_object(FILE *file, int i)
{
    (void)i;
    fputs("{}", file);
}

/* Of metadata that nobody needs, with the most that an array may have; each object takes more than a number would. */
static void test_metadata_of_an_index_may_have_long_arrays(void **state)
{
    (void)state;
    enum { N = 24000 };
    pa_error err;
    pa_checkpoint *c = NULL;
    FILE *file = NULL;
    for (int i = 0; i < 2; i++) {
        pa_test_format(path, sizeof(path), "%s/index.json", directory);
        assert_non_null(file = fopen(path, "wb"));
        write_members(file, "{\"metadata\":{\"a\":[", "]},\"weight_map\":{}}", 0, N << i, put_object);
        const long n = ftell(file);
        assert_int_equal(fclose(file), 0);
        const pa_status status = pa_test_open_within(ctx, path, n, &c, &err);
        assert_int_equal(status, i == 0 ? PA_OK : PA_ERR_LIMIT);
        pa_checkpoint_destroy(c);
    }
    assert_non_null(strstr(err.message, "more than 50000 values"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hundreds_of_thousands_of_tensors),
        cmocka_unit_test(test_tensors_of_64_dimensions),
        cmocka_unit_test(test_millions_of_pairs_of_metadata),
        cmocka_unit_test(test_names_of_two_thousand_bytes),
        cmocka_unit_test(test_a_member_of_a_million_values_is_refused_for_nothing),
        cmocka_unit_test(test_a_hundred_thousand_tensors_in_shards),
        cmocka_unit_test(test_a_million_mappings),
        cmocka_unit_test(test_metadata_of_an_index_may_have_long_arrays),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
