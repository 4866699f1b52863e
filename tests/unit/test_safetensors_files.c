/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the safetensors package wrote (tests/data/make_safetensors_files.py), and what is read of them. */
#include <jansson.h>

#include "pa_test_archive.h"

static pa_context *ctx;

static int set_up(void **state)
{
    (void)state;
    ctx = pa_test_context();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_context_destroy(ctx);
    return 0;
}

static pa_archive *open_fixture(const char *name)
{
    pa_error err;
    pa_archive *archive = NULL;
    assert_ok(pa_archive_open(ctx, pa_test_data(name), &archive, &err));
    return archive;
}

static void test_every_element_type_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        pa_dtype dtype;
    } types[] = {{"float64", PA_F64}, {"float32", PA_F32}, {"float16", PA_F16}, {"bfloat16", PA_BF16},
                 {"int8", PA_I8},     {"int16", PA_I16},   {"int32", PA_I32},   {"int64", PA_I64}};
    const int64_t shape[2] = {2, 3};
    pa_archive *a = open_fixture("safetensors/dtypes.safetensors");
    assert_string_equal(a->format, "safetensors");
    assert_int_equal(a->count, 13);
    for (int i = 0; i < 8; i++) {
        double expected[6];
        for (int k = 0; k < 6; k++) {
            expected[k] = (k - 2) * (i < 4 ? 0.5 : 1.0);
        }
        pa_test_assert_tensor(a, types[i].name, types[i].dtype, 2, shape, expected);
    }
    pa_test_assert_tensor(a, "uint8", PA_U8, 2, shape, (double[]){250, 251, 252, 253, 254, 255});
    pa_test_assert_tensor(a, "bool", PA_BOOL, 2, shape, (double[]){0, 1, 0, 1, 0, 1});
    pa_archive_destroy(a);
    a = open_fixture("safetensors/unsigned.safetensors");
    pa_test_assert_tensor(a, "u16", PA_U16, 1, (int64_t[]){2}, (double[]){0, 65535});
    pa_test_assert_tensor(a, "u32", PA_U32, 1, (int64_t[]){2}, (double[]){0, 4294967295.0});
    pa_test_assert_tensor(a, "u64", PA_U64, 1, (int64_t[]){2}, (double[]){0, 9007199254740992.0});
    pa_archive_destroy(a);
}

static void test_the_8_bit_floats_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        pa_dtype dtype;
    } types[] = {{"float8_e4m3fn", PA_F8_E4M3FN},
                 {"float8_e5m2", PA_F8_E5M2},
                 {"float8_e4m3fnuz", PA_F8_E4M3FNUZ},
                 {"float8_e5m2fnuz", PA_F8_E5M2FNUZ},
                 {"float8_e8m0fnu", PA_F8_E8M0FNU}};
    static const int64_t nonfinite[] = {2, 8, 1, 1, 1}; /* of the 256 codes, which are the elements */
    pa_archive *a = open_fixture("safetensors/types.safetensors");
    for (int i = 0; i < 5; i++) {
        pa_error err;
        double values[256];
        int64_t counted = -1;
        const pa_tensor *t = pa_test_tensor(a, types[i].name);
        assert_int_equal(t->dtype, types[i].dtype);
        assert_int_equal(pa_tensor_count(t), 256);
        assert_ok(pa_tensor_read(t, &pa_allocator_default, values, &counted, &err));
        assert_int_equal(counted, nonfinite[i]);
    }
    pa_archive_destroy(a);
}

static void test_scalars_empty_tensors_and_cubes_are_read(void **state)
{
    (void)state;
    double cube[24];
    for (int i = 0; i < 24; i++) {
        cube[i] = i;
    }
    pa_archive *a = open_fixture("safetensors/dtypes.safetensors");
    pa_test_assert_tensor(a, "scalar", PA_F32, 0, NULL, (double[]){2.5});
    pa_test_assert_tensor(a, "empty", PA_F32, 2, (int64_t[]){0, 3}, NULL);
    pa_test_assert_tensor(a, "cube", PA_F32, 3, (int64_t[]){2, 3, 4}, cube);
    pa_archive_destroy(a);
    a = open_fixture("safetensors/empty.safetensors");
    assert_int_equal(a->count, 0);
    pa_archive_destroy(a);
}

static void test_names_may_be_any_text(void **state)
{
    (void)state;
    pa_archive *a = open_fixture("safetensors/names.safetensors");
    assert_int_equal(a->count, 4);
    pa_test_assert_tensor(a, "a\nb\t\xc3\xa9\xf0\x9f\x98\x80", PA_F32, 1, (int64_t[]){1}, (double[]){0});
    pa_test_assert_tensor(a, "", PA_F32, 1, (int64_t[]){2}, (double[]){0, 1});
    pa_test_assert_tensor(a, "a\"b\\", PA_F32, 1, (int64_t[]){3}, (double[]){0, 1, 2});
    pa_archive_destroy(a);
}

static void test_opening_reads_the_header_only(void **state)
{
    (void)state;
    char path[300];
    char directory[256];
    pa_error err;
    pa_archive *a = NULL;
    pa_test_bytes file = {NULL, 0};
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1073741824],\"data_offsets\":[0,4294967296]}}";
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/large.safetensors", directory);
    pa_test_put_le(&file, sizeof(header) - 1, 8);
    pa_test_put(&file, header, sizeof(header) - 1);
    pa_test_write(path, file.data, file.n);
    assert_int_equal(truncate(path, (off_t)file.n + 4294967296), 0); /* sparse: 4 GiB that take no room */
    assert_ok(pa_archive_open(ctx, path, &a, &err));
    assert_int_equal(pa_tensor_count(&a->entries[0].tensor), 1073741824);
    assert_true(pa_archive_bytes_read(a) < 2048);
    pa_archive_destroy(a);
    pa_test_remove(directory);
    pa_test_free(&file);
}

static void test_a_tensor_outlives_its_archive(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    const double *values = NULL;
    assert_ok(pa_checkpoint_open(ctx, pa_test_data("safetensors/small.safetensors"), &c, &err));
    assert_int_equal(pa_checkpoint_has(c, "", PA_WEIGHTS), 1);
    assert_ok(pa_checkpoint_matrix(c, "", PA_WEIGHTS, 0, "attention.v_proj", &m, &err));
    pa_checkpoint_destroy(c);
    assert_ok(pa_matrix_values(m, &values, &err));
    for (int i = 0; i < 6; i++) {
        assert_true(values[i] == i);
    }
    pa_matrix_destroy(m);
}

static pa_status open_and_close(const pa_allocator *mem, void *user)
{
    pa_context *own = NULL;
    pa_archive *a = NULL;
    pa_context_options options = {.struct_size = sizeof(options), .allocator = mem, .threads = 1};
    pa_status status = pa_context_create(&options, &own, NULL);
    if (status == PA_OK) {
        status = pa_archive_open(own, user, &a, NULL);
    }
    pa_archive_destroy(a);
    pa_context_destroy(own);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    char path[512];
    pa_test_format(path, sizeof(path), "%s", pa_test_data("safetensors/dtypes.safetensors"));
    pa_test_oom_sweep(open_and_close, path);
    pa_test_format(path, sizeof(path), "%s", pa_test_data("safetensors/model.safetensors.index.json"));
    pa_test_oom_sweep(open_and_close, path);
}

/* Jansson has one allocator for the process, so the test lends it one that fails. */
static int64_t json_calls;
static int64_t json_fail_at;

static int64_t json_live;

static void *json_alloc(size_t bytes)
{
    if (json_calls++ == json_fail_at) {
        return NULL;
    }
    json_live++;
    return malloc(bytes);
}

static void json_free(void *memory)
{
    json_live -= memory != NULL;
    free(memory);
}

static void test_every_allocation_of_the_json_reader_may_fail(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
    pa_status status = PA_ERR_NOMEM;
    char path[512];
    pa_test_format(path, sizeof(path), "%s", pa_test_data("safetensors/small.safetensors"));
    json_set_alloc_funcs(json_alloc, json_free);
    for (json_fail_at = 0; status != PA_OK && json_fail_at < 1000; json_fail_at++) {
        json_calls = 0;
        status = pa_archive_open(ctx, path, &a, &err);
        /* Jansson 2.14 takes it for bad syntax when there is no memory for a text. */
        if (status != PA_OK && status != PA_ERR_NOMEM && strstr(err.message, "JSON: byte") == NULL) {
            fail_msg("allocation %lld: %s", (long long)json_fail_at, err.message);
        }
        assert_int_equal(json_live, 0);
    }
    json_set_alloc_funcs(malloc, free);
    assert_ok(status);
    assert_true(json_fail_at > 10);
    assert_int_equal(a->count, 3);
    pa_archive_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_element_type_is_read),
        cmocka_unit_test(test_the_8_bit_floats_are_read),
        cmocka_unit_test(test_scalars_empty_tensors_and_cubes_are_read),
        cmocka_unit_test(test_names_may_be_any_text),
        cmocka_unit_test(test_opening_reads_the_header_only),
        cmocka_unit_test(test_a_tensor_outlives_its_archive),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_every_allocation_of_the_json_reader_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
