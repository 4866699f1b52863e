/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that lie, in the order and with the names of errors of the reference implementation; damaged files. */
#include "pa_test_archive.h"

static pa_context *ctx;
static char directory[256];
static char path[300];

static int set_up(void **state)
{
    (void)state;
    ctx = pa_test_context();
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/file.safetensors", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    pa_context_destroy(ctx);
    return 0;
}

/* A file of that header and `n` zero bytes of elements. */
static void check_bytes(const void *header, size_t length, size_t n, pa_status code, const char *part)
{
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_bytes file = {NULL, 0};
    pa_test_put_le(&file, length, 8);
    pa_test_put(&file, header, length);
    for (size_t i = 0; i < n; i++) {
        pa_test_put_le(&file, 0, 1);
    }
    if (code == PA_OK) {
        assert_ok(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err));
    } else {
        assert_fails(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err), code, part);
    }
    pa_archive_destroy(archive);
    pa_test_free(&file);
}

static void check(const char *header, size_t n, const char *part)
{
    check_bytes(header, strlen(header), n, PA_ERR_FORMAT, part);
}

static void check_good(const char *header, size_t n)
{
    check_bytes(header, strlen(header), n, PA_OK, "");
}

/* A tensor in a header. */
#define T(name, dtype, shape, begin, end)                                                                              \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static void test_lengths_are_checked_first(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_bytes file = {NULL, 0};
    pa_test_put_le(&file, 3, 8);
    pa_test_put_text(&file, "{}");
    assert_fails(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err), PA_ERR_FORMAT, "InvalidHeaderLength");
    pa_test_patch(&file, 0, 100000000, 8);
    assert_fails(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err), PA_ERR_FORMAT, "InvalidHeaderLength");
    pa_test_patch(&file, 0, 100000001, 8);
    assert_fails(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err), PA_ERR_LIMIT, "HeaderTooLarge");
    pa_test_patch(&file, 0, (uint64_t)1 << 63, 8); /* not recognised at all */
    assert_fails(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err), PA_ERR_UNSUPPORTED, "not a tensor");
    assert_fails(pa_test_try_bytes(ctx, path, "\2\0\0\0\0\0\0\0[]", 10, &archive, &err), PA_ERR_UNSUPPORTED,
                 "not a tensor file");
    pa_test_patch(&file, 0, 2, 8);
    assert_ok(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err));
    pa_archive_destroy(archive);
    pa_test_free(&file);
}

static void test_headers_must_be_utf8_json_of_the_right_shape(void **state)
{
    (void)state;
    check("{\"\xff\":1}", 0, "InvalidHeader: not UTF-8");
    check("{\"a\xed\xa0\x80\":1}", 0, "InvalidHeader: not UTF-8");
    check_bytes("{\0}", 3, 0, PA_ERR_FORMAT, "InvalidHeader");
    check("{", 0, "InvalidHeaderDeserialization");
    check("{}x", 0, "InvalidHeaderDeserialization");
    check("{\"a\":1}", 0, "InvalidHeaderDeserialization: 'a'");
    check("{\"a\":{}}", 0, "InvalidHeaderDeserialization: 'a'");
    check("{\"a\\ud800\":1}", 0, "InvalidHeaderDeserialization"); /* half a surrogate pair */
    check("{\"a\\u0000\":1}", 0, "InvalidHeaderDeserialization");
    check("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"x\":1}}", 4, "nothing else");
    check("{" T("a", "F32", "[1.0]", "0", "4") "}", 4, "shape must be integers");
    check("{" T("a", "F32", "[1e0]", "0", "4") "}", 4, "shape must be integers");
    check("{" T("a", "F32", "[-1]", "0", "4") "}", 4, "shape must be integers");
    check("{" T("a", "F32", "[true]", "0", "4") "}", 4, "shape must be integers");
    check("{" T("a", "F32", "1", "0", "4") "}", 4, "InvalidHeaderDeserialization");
    check("{" T("a", "F32", "[1]", "-4", "0") "}", 4, "data_offsets");
    check("{" T("a", "F32", "[1]", "0", "NaN") "}", 4, "InvalidHeaderDeserialization");
    check("{" T("a", "F32", "[1]", "0", "9223372036854775808") "}", 4, "InvalidHeaderDeserialization");
    check("{" T("a", "NaN", "[1]", "0", "4") "}", 4, "unknown dtype 'NaN'");
    check("{" T("a\\n", "\\u001b\\n", "[1]", "0", "4") "}", 4, "unknown dtype '?\?'");
    check("{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype must be a text");
    check("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}", 4, "data_offsets must be two");
    check("{\"__metadata__\":{\"a\":1}}", 0, "__metadata__");
    check("{\"__metadata__\":[]}", 0, "__metadata__");
    check_good("{\"__metadata__\":null}", 0);
    check_good("{\"__metadata__\":{\"a\":\"b\"}}     ", 0);
}

static void test_repeated_keys_are_refused(void **state)
{
    (void)state;
    check("{" T("a", "F32", "[1]", "0", "4") "," T("a", "F32", "[1]", "0", "4") "}", 4, "duplicate");
    check("{" T("a", "F32", "[1]", "0", "4") "," T("\\u0061", "F32", "[1]", "4", "8") "}", 8, "duplicate");
    check("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "duplicate");
    check("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate");
    check("{\"__metadata__\":null,\"__metadata__\":null}", 0, "duplicate");
    check("{\"__metadata__\":{\"a\":\"b\",\"c\":\"d\",\"\\u0061\":\"e\"}}", 0, "'a': duplicate");
    check("{" T("a", "F32", "[1]", "4", "8") "," T("b", "F32", "[1]", "0", "9") "," T("a", "F32", "[1]", "0", "4") "}",
          4, "'a': duplicate"); /* before offsets */
}

static void test_the_buffer_is_covered_without_holes_and_overlaps(void **state)
{
    (void)state;
    check_good("{" T("b", "F32", "[1]", "4", "8") "," T("a", "F32", "[1]", "0", "4") "}", 8);
    check_good(
        "{" T("a", "F32", "[1]", "0", "4") "," T("e", "F32", "[0]", "4", "4") "," T("b", "U8", "[]", "4", "5") "}", 5);
    check("{" T("a", "F32", "[1]", "0", "4") "," T("b", "F32", "[1]", "0", "4") "}", 4, "InvalidOffset: 'b'");
    check("{" T("a", "F32", "[2]", "0", "8") "," T("b", "F32", "[1]", "4", "8") "}", 8, "InvalidOffset: 'b'");
    check("{" T("a", "F32", "[1]", "0", "4") "," T("b", "F32", "[1]", "8", "12") "}", 12, "InvalidOffset: 'b'");
    check("{" T("a", "F32", "[1]", "4", "8") "}", 8, "InvalidOffset: 'a'");
    check("{" T("a", "F32", "[0]", "4", "0") "}", 0, "InvalidOffset: 'a'");
    check("{" T("a", "F32", "[2]", "0", "4") "}", 4, "TensorInvalidInfo: 'a'");
    check("{" T("a", "F32", "[]", "0", "8") "}", 8, "TensorInvalidInfo: 'a'");
    check("{" T("a", "F32", "[1]", "0", "4") "}", 5, "MetadataIncompleteBuffer");
    check("{" T("a", "F32", "[1]", "0", "4") "}", 3, "MetadataIncompleteBuffer");
    check("{}", 1, "MetadataIncompleteBuffer");
    check("{" T("a\\nb", "F32", "[2]", "0", "4") "}", 4, "TensorInvalidInfo: 'a?b'");
}

static void test_huge_sizes_overflow_nothing(void **state)
{
    (void)state;
    check("{" T("a", "F64", "[9223372036854775807]", "0", "8") "}", 8, "ValidationOverflow");
    check("{" T("a", "F32", "[4294967296,4294967296]", "0", "0") "}", 0, "ValidationOverflow");
    check("{" T("a", "F32", "[0,4611686018427387904,4]", "0", "0") "}", 0, "ValidationOverflow");
    check("{" T("a", "U8", "[9223372036854775807]", "0", "9223372036854775807") "}", 8, "ValidationOverflow");
    check("{" T("a", "F32", "[1]", "0", "9223372036854775807") "}", 4, "TensorInvalidInfo");
    check_good("{" T("a", "F32", "[0,1099511627776]", "0", "0") "}", 0);
}

static void test_element_types_that_cannot_be_computed_with_are_named(void **state)
{
    (void)state;
    static const char f6[] = "{" T("a", "F6_E2M3", "[4]", "0", "3") "}";
    static const char f4[] = "{" T("a", "F4", "[2,2]", "0", "2") "}";
    static const char c64[] = "{" T("a", "C64", "[]", "0", "8") "}";
    check_bytes(f6, strlen(f6), 3, PA_ERR_UNSUPPORTED, "'a' cannot be read (F6_E2M3)");
    check_bytes(f4, strlen(f4), 2, PA_ERR_UNSUPPORTED, "F4");
    check_bytes(c64, strlen(c64), 8, PA_ERR_UNSUPPORTED, "C64");
    check("{" T("a", "F4", "[3]", "0", "2") "}", 2, "MisalignedSlice: 'a'");
    check("{" T("a", "F8_E4M3", "[4]", "0", "3") "}", 3, "TensorInvalidInfo");
}

static void test_depth_and_number_of_values_are_bounded(void **state)
{
    (void)state;
    pa_test_bytes deep = {NULL, 0};
    pa_test_bytes wide = {NULL, 0};
    pa_test_put_text(&deep, "{\"a\":");
    for (int i = 0; i < 100000; i++) {
        pa_test_put_text(&deep, "[");
    }
    check_bytes(deep.data, deep.n, 0, PA_ERR_LIMIT, "nested more than 8 deep");
    pa_test_free(&deep);
    wide.n = 12000000;
    wide.data = malloc(wide.n);
    assert_non_null(wide.data);
    memset(wide.data, ',', wide.n);
    memcpy(wide.data, "{\"a\":[0", 7);
    check_bytes(wide.data, wide.n, 0, PA_ERR_LIMIT, "more than 4000000 values");
    pa_test_free(&wide);
    check("{\"a\":{\"dtype\":\"F32\",\"shape\":[[[[1]]]],\"data_offsets\":[0,4]}}", 4, "shape must be integers");
    /* Quoted brackets are none, and an escaped quote ends nothing. */
    check_good("{\"__metadata__\":{\"a\":\"\\\"[[[[[[[[[[[[[[[[\"}}", 0);
}

static void test_more_than_64_dimensions_are_refused(void **state)
{
    (void)state;
    char header[512] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1";
    for (int i = 0; i < 64; i++) {
        strcat(header, ",1");
    }
    strcat(header, "],\"data_offsets\":[0,4]}}");
    check_bytes(header, strlen(header), 4, PA_ERR_LIMIT, "65 dimensions");
}

/* What small.safetensors holds, whatever its names; returns 0 when something differs. */
static int is_small(const pa_archive *a)
{
    int same = a->count == 3;
    for (int i = 0; same && i < 3; i++) {
        double values[8] = {0};
        int64_t nonfinite = 0;
        const pa_tensor *t = &a->entries[i].tensor;
        const int64_t n = pa_tensor_count(t);
        same = n == (int64_t[]){6, 4, 2}[i] && t->dtype == PA_F32 &&
               pa_tensor_read(t, &pa_allocator_default, values, &nonfinite, NULL) == PA_OK;
        for (int k = 0; same && k < n; k++) {
            same = values[k] == (i == 2 ? 1 : k);
        }
    }
    return same;
}

static int is_named_damage(pa_status status)
{
    return status == PA_ERR_FORMAT || status == PA_ERR_UNSUPPORTED || status == PA_ERR_LIMIT;
}

static void test_every_truncation_is_a_named_error(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_bytes good = pa_test_read(pa_test_data("safetensors/small.safetensors"));
    for (size_t n = 0; n < good.n; n++) {
        const pa_status status = pa_test_try_bytes(ctx, path, good.data, n, &archive, &err);
        if (!is_named_damage(status)) {
            fail_msg("%zu bytes: %s %s", n, pa_status_name(status), err.message);
        }
    }
    assert_ok(pa_test_try_bytes(ctx, path, good.data, good.n, &archive, &err));
    assert_true(is_small(archive));
    pa_archive_destroy(archive);
    pa_test_free(&good);
}

/* There is no checksum: a bit of a name or of an element cannot be told from another name or element. */
static void test_every_flipped_bit_of_the_header_is_a_named_error_or_changes_names_only(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_bytes good = pa_test_read(pa_test_data("safetensors/small.safetensors"));
    const size_t header = good.n - 48;
    size_t harmless = 0;
    for (size_t bit = 0; bit < 8 * good.n; bit++) {
        const unsigned char mask = (unsigned char)(1U << (bit % 8));
        good.data[bit / 8] ^= mask;
        const pa_status status = pa_test_try_bytes(ctx, path, good.data, good.n, &archive, &err);
        harmless += status == PA_OK && bit / 8 < header;
        if (status == PA_OK) {
            if (bit / 8 < header && !is_small(archive)) {
                fail_msg("bit %zu of byte %zu: other tensors", bit % 8, bit / 8);
            }
            pa_archive_destroy(archive);
        } else if (!is_named_damage(status) || bit / 8 >= header) {
            fail_msg("bit %zu of byte %zu: %s %s", bit % 8, bit / 8, pa_status_name(status), err.message);
        }
        good.data[bit / 8] ^= mask;
    }
    assert_true(harmless < 4 * header); /* bits of names and of the metadata */
    pa_test_free(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_are_checked_first),
        cmocka_unit_test(test_headers_must_be_utf8_json_of_the_right_shape),
        cmocka_unit_test(test_repeated_keys_are_refused),
        cmocka_unit_test(test_the_buffer_is_covered_without_holes_and_overlaps),
        cmocka_unit_test(test_huge_sizes_overflow_nothing),
        cmocka_unit_test(test_element_types_that_cannot_be_computed_with_are_named),
        cmocka_unit_test(test_depth_and_number_of_values_are_bounded),
        cmocka_unit_test(test_more_than_64_dimensions_are_refused),
        cmocka_unit_test(test_every_truncation_is_a_named_error),
        cmocka_unit_test(test_every_flipped_bit_of_the_header_is_a_named_error_or_changes_names_only),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
