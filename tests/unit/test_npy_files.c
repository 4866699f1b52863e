/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that NumPy wrote (tests/data/make_npy_files.py), alone and in archives. */
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

static double ramp[24]; /* 0, 1, 2 ... */

static pa_archive *open_fixture(const char *name)
{
    pa_error err;
    pa_archive *archive = NULL;
    for (int i = 0; i < 24; i++) {
        ramp[i] = i;
    }
    assert_ok(pa_archive_open(ctx, pa_test_data(name), &archive, &err));
    return archive;
}

static void check_one(const char *file, const char *name, pa_dtype dtype, int ndim, const int64_t *shape,
                      const double *expected)
{
    pa_archive *a = open_fixture(file);
    assert_string_equal(a->format, "npy");
    assert_int_equal(a->count, 1);
    pa_test_assert_tensor(a, name, dtype, ndim, shape, expected);
    pa_archive_destroy(a);
}

static void test_an_array_is_called_what_its_file_is_called(void **state)
{
    (void)state;
    const int64_t shape[3] = {3, 4, 0};
    check_one("npy/layers.0.attention.v_proj.npy", "layers.0.attention.v_proj", PA_F32, 2, shape, ramp);
    check_one("npy/version2.npy", "version2", PA_F32, 2, shape, ramp);
    check_one("npy/version3.npy", "version3", PA_F32, 2, shape, ramp);
    check_one("npy/big_endian.npy", "big_endian", PA_F64, 2, shape, ramp);
    check_one("npy/fortran.npy", "fortran", PA_F32, 3, (int64_t[]){2, 3, 4}, ramp);
    check_one("npy/scalar.npy", "scalar", PA_F64, 0, NULL, (double[]){2.5});
    check_one("npy/empty.npy", "empty", PA_F16, 2, (int64_t[]){0, 3}, NULL);
}

static void check_archive(const char *file, int64_t skipped)
{
    static const struct {
        const char *name;
        pa_dtype dtype;
    } types[] = {{"f2", PA_F16}, {"f4", PA_F32}, {"f8", PA_F64}, {"i1", PA_I8},  {"i2", PA_I16}, {"i4", PA_I32},
                 {"i8", PA_I64}, {"u1", PA_U8},  {"u2", PA_U16}, {"u4", PA_U32}, {"u8", PA_U64}};
    const int64_t shape[2] = {2, 3};
    const int64_t larger[2] = {3, 4};
    pa_archive *a = open_fixture(file);
    assert_string_equal(a->format, "npz");
    assert_int_equal(a->count, 16);
    assert_int_equal(a->skipped, skipped); /* texts, and what is no array */
    for (int i = 0; i < 11; i++) {
        double expected[6];
        for (int k = 0; k < 6; k++) {
            expected[k] = i < 3 ? (k - 2) * 0.5 : i < 7 ? k - 2 : k + 250;
        }
        if (i == 7) {
            memcpy(expected, (double[]){250, 251, 252, 253, 254, 255}, sizeof(expected));
        }
        pa_test_assert_tensor(a, types[i].name, types[i].dtype, 2, shape, expected);
    }
    pa_test_assert_tensor(a, "b1", PA_BOOL, 2, shape, (double[]){0, 1, 0, 1, 0, 1});
    pa_test_assert_tensor(a, "W", PA_F32, 2, larger, ramp);
    pa_test_assert_tensor(a, "w", PA_F32, 2, larger, ramp + 12); /* case tells two arrays apart */
    pa_test_assert_tensor(a, "layers.1.mlp", PA_F32, 2, larger, ramp);
    pa_archive_destroy(a);
}

static void test_archives_hold_arrays_of_every_type(void **state)
{
    (void)state;
    check_archive("npy/activations.npz", 2);
    check_archive("npy/compressed.npz", 1);
}

static void test_the_name_of_the_file_tells_the_kind(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    const double *values = NULL;
    assert_ok(pa_checkpoint_open(ctx, pa_test_data("npy/activations.npz"), &c, &err));
    assert_int_equal(pa_checkpoint_has(c, "", PA_ACTIVATIONS), 1);
    assert_ok(pa_checkpoint_matrix(c, "", PA_ACTIVATIONS, 1, "mlp", &m, &err));
    pa_checkpoint_destroy(c);
    assert_ok(pa_matrix_values(m, &values, &err));
    for (int i = 0; i < 12; i++) {
        assert_true(values[i] == i);
    }
    pa_matrix_destroy(m);
}

static void check_refused(const char *name, const char *part)
{
    pa_error err;
    pa_archive *a = NULL;
    assert_fails(pa_archive_open(ctx, pa_test_data(name), &a, &err), PA_ERR_UNSUPPORTED, part);
}

static void test_elements_that_are_no_numbers_are_refused_with_the_remedy(void **state)
{
    (void)state;
    check_refused("npy/objects.npy", "Python objects, which are never loaded");
    check_refused("npy/fields.npy", "several fields");
    check_refused("npy/void.npy", "'|V2' have no type: save bfloat16");
    check_refused("npy/complex.npy", "'<c8' cannot be read");
}

static void test_a_peek_into_a_deflated_record_reads_little(void **state)
{
    (void)state;
    pa_error err;
    char path[300];
    char directory[256];
    pa_archive *a = NULL;
    enum { N = 64 << 20 };
    static const char header[] = "{'descr':'|u1','fortran_order':False,'shape':(67108864,)}\n";
    pa_test_bytes npy = {NULL, 0};
    pa_test_zip zip;
    memset(&zip, 0, sizeof(zip));
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/large.npz", directory);
    pa_test_put_text(&npy, "\x93NUMPY\1\0");
    pa_test_put_le(&npy, sizeof(header) - 1, 2);
    pa_test_put(&npy, header, sizeof(header) - 1);
    npy.data = realloc(npy.data, npy.n + N);
    assert_non_null(npy.data);
    for (size_t i = 0; i < N; i++) { /* what deflate can do little about */
        npy.data[npy.n + i] = (unsigned char)((i * 2654435761U) >> 13);
    }
    npy.n += N;
    pa_test_bytes packed = pa_test_deflate(npy.data, npy.n);
    pa_test_zip_add_raw(&zip, "a.npy", packed.data, packed.n, npy.n, (uint32_t)crc32_z(0, npy.data, npy.n), 8);
    pa_test_zip_finish(&zip);
    pa_test_write(path, zip.bytes.data, zip.bytes.n);
    assert_ok(pa_archive_open(ctx, path, &a, &err));
    assert_true(pa_archive_bytes_read(a) < 200000);
    assert_true(pa_archive_bytes_read(a) < (int64_t)packed.n / 2);
    pa_archive_destroy(a);
    pa_test_free(&zip.bytes);
    pa_test_free(&packed);
    pa_test_free(&npy);
    pa_test_remove(directory);
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
    pa_test_format(path, sizeof(path), "%s", pa_test_data("npy/fortran.npy"));
    pa_test_oom_sweep(open_and_close, path);
    pa_test_format(path, sizeof(path), "%s", pa_test_data("npy/compressed.npz"));
    pa_test_oom_sweep(open_and_close, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_array_is_called_what_its_file_is_called),
        cmocka_unit_test(test_archives_hold_arrays_of_every_type),
        cmocka_unit_test(test_the_name_of_the_file_tells_the_kind),
        cmocka_unit_test(test_elements_that_are_no_numbers_are_refused_with_the_remedy),
        cmocka_unit_test(test_a_peek_into_a_deflated_record_reads_little),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
