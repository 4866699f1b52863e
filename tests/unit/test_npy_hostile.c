/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of arrays that are not what NumPy writes, and damaged files. */
#include "pa_test_archive.h"

static pa_context *ctx;
static char directory[256];
static char path[300];

static int set_up(void **state)
{
    (void)state;
    ctx = pa_test_context();
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/a.npy", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    pa_context_destroy(ctx);
    return 0;
}

/* An array of that header and `n` zero bytes. `code` PA_OK: it can be read. */
static void check(const char *header, size_t n, pa_status code, const char *part)
{
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_bytes file = {NULL, 0};
    pa_test_put_text(&file, "\x93NUMPY\1\0");
    pa_test_put_le(&file, strlen(header), 2);
    pa_test_put(&file, header, strlen(header));
    for (size_t i = 0; i < n; i++) {
        pa_test_put_le(&file, 0, 1);
    }
    if (code == PA_OK) {
        assert_ok(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err));
        assert_string_equal(archive->entries[0].name, "a");
    } else {
        assert_fails(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err), code, part);
    }
    pa_archive_destroy(archive);
    pa_test_free(&file);
}

#define HEAD(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"
#define SHAPED(shape) HEAD("'<f4'", "False", shape)

static void test_whatever_writes_the_same_dict_is_read(void **state)
{
    (void)state;
    check(SHAPED("(2,)") "          \n", 8, PA_OK, "");
    check("{\"shape\":(2L,1L),\"fortran_order\":True,\"descr\":\"<f4\"}", 8, PA_OK, "");
    check(HEAD("'|b1'", "False", "()"), 1, PA_OK, "");
    check(HEAD("'=f4'", "False", "(1, 1,)"), 4, PA_OK, "");
    check(SHAPED("(0, 9223372036)"), 0, PA_OK, "");
}

static void test_anything_else_is_refused_and_nothing_is_evaluated(void **state)
{
    (void)state;
    check("  ", 0, PA_ERR_FORMAT, "is no dict");
    check("[]", 0, PA_ERR_FORMAT, "is no dict");
    check("{}", 0, PA_ERR_FORMAT, "is missing");
    check("{'descr': '<f4', 'fortran_order': False, }", 4, PA_ERR_FORMAT, "is missing");
    check("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, PA_ERR_FORMAT, "there twice");
    check("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", 4, PA_ERR_FORMAT, "'x' is not known");
    check("{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}", 4, PA_ERR_FORMAT, "must follow");
    check("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", 4, PA_ERR_FORMAT, "must follow");
    check("{'descr': '<f4", 4, PA_ERR_FORMAT, "descr is no element type");
    check(HEAD("'<U\x7f'", "False", "(1,)"), 4, PA_ERR_FORMAT, "descr is no element type");
    check("{'des\\x63r': '<f4'}", 4, PA_ERR_FORMAT, "must follow");
    check(SHAPED("(1,)") "x", 4, PA_ERR_FORMAT, "something follows");
    check(HEAD("'<f4'", "0", "(1,)"), 4, PA_ERR_FORMAT, "neither True nor False");
    check(HEAD("__import__('os')", "False", "(1,)"), 4, PA_ERR_FORMAT, "no element type");
    check(HEAD("'f4'", "False", "(1,)"), 4, PA_ERR_FORMAT, "no element type");
    check(HEAD("'|f4'", "False", "(1,)"), 4, PA_ERR_FORMAT, "no byte order");
    check(HEAD("'<f3'", "False", "(1,)"), 3, PA_ERR_UNSUPPORTED, "'<f3' cannot be read");
    check(HEAD("'<nan'", "False", "(1,)"), 4, PA_ERR_UNSUPPORTED, "'<nan' cannot be read");
    check(HEAD("'<f16'", "False", "(1,)"), 16, PA_ERR_UNSUPPORTED, "'<f16' cannot be read");
    check(HEAD("[('a', '<f4')]", "False", "(1,)"), 4, PA_ERR_UNSUPPORTED, "several fields");
}

static void test_shapes_that_lie_are_refused(void **state)
{
    (void)state;
    check(SHAPED("(4)"), 16, PA_ERR_FORMAT, "shape is no tuple");
    check(SHAPED("4"), 16, PA_ERR_FORMAT, "shape is no tuple");
    check(SHAPED("(-1,)"), 0, PA_ERR_FORMAT, "no integer");
    check(SHAPED("(1.0,)"), 4, PA_ERR_FORMAT, "no integer");
    check(SHAPED("(0x4,)"), 16, PA_ERR_FORMAT, "no integer");
    check(SHAPED("(1 2)"), 8, PA_ERR_FORMAT, "no integer");
    check(SHAPED("(,)"), 4, PA_ERR_FORMAT, "no integer");
    check(SHAPED("(1,"), 4, PA_ERR_FORMAT, "no integer");
    check(SHAPED("(9223372036854775808,)"), 4, PA_ERR_FORMAT, "no integer");
    check(SHAPED("(9223372036854775807,)"), 4, PA_ERR_FORMAT, "overflow");
    check(SHAPED("(4294967296, 4294967296)"), 4, PA_ERR_FORMAT, "overflow");
    check(SHAPED("(0, 4294967296, 4294967296)"), 0, PA_ERR_FORMAT, "overflow");
    check(SHAPED("(3,)"), 8, PA_ERR_FORMAT, "takes 12 bytes of elements, there are 8");
    check(SHAPED("(1,)"), 8, PA_ERR_FORMAT, "takes 4 bytes of elements, there are 8");
    char deep[512] = "{'descr': '<f4', 'fortran_order': False, 'shape': (1";
    for (int i = 0; i < 64; i++) {
        strcat(deep, ",1");
    }
    strcat(deep, ")}");
    check(deep, 4, PA_ERR_LIMIT, "more than 64 dimensions");
}

static void test_versions_and_lengths_are_checked(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_bytes file = {NULL, 0};
    pa_test_put_text(&file, "\x93NUMPY\2\0\xff\xff\xff\xff{}");
    assert_fails(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err), PA_ERR_LIMIT, "4294967295 bytes");
    pa_test_patch(&file, 8, 2, 4);
    assert_fails(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err), PA_ERR_FORMAT, "is missing");
    pa_test_patch(&file, 8, 3, 4);
    assert_fails(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err), PA_ERR_FORMAT, "exceeds the array");
    pa_test_patch(&file, 6, 4, 1);
    assert_fails(pa_test_try_bytes(ctx, path, file.data, file.n, &archive, &err), PA_ERR_UNSUPPORTED, "version 4.0");
    assert_fails(pa_test_try_bytes(ctx, path, file.data, 8, &archive, &err), PA_ERR_FORMAT, "too few");
    pa_test_free(&file);
}

static void test_arrays_of_one_name_in_an_archive_are_refused(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_bytes good = pa_test_read(pa_test_data("npy/version2.npy"));
    pa_test_zip zip;
    memset(&zip, 0, sizeof(zip));
    pa_test_zip_add(&zip, "a.npy", good.data, good.n);
    pa_test_zip_add(&zip, "a.npy", good.data, good.n);
    pa_test_zip_finish(&zip);
    assert_fails(pa_test_try_bytes(ctx, path, zip.bytes.data, zip.bytes.n, &archive, &err), PA_ERR_FORMAT,
                 "two tensors 'a'");
    pa_test_free(&zip.bytes);
    memset(&zip, 0, sizeof(zip));
    pa_test_zip_add(&zip, "a.npy", good.data, good.n);
    pa_test_zip_add(&zip, "b.npy", good.data, good.n - 1);
    pa_test_zip_finish(&zip);
    assert_fails(pa_test_try_bytes(ctx, path, zip.bytes.data, zip.bytes.n, &archive, &err), PA_ERR_FORMAT,
                 "b.npy: the shape takes 48 bytes");
    pa_test_free(&zip.bytes);
    pa_test_free(&good);
}

static int is_named_damage(pa_status status)
{
    return status == PA_ERR_FORMAT || status == PA_ERR_UNSUPPORTED || status == PA_ERR_LIMIT;
}

static void check_damage(const char *fixture, size_t every)
{
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_bytes good = pa_test_read(pa_test_data(fixture));
    for (size_t n = 0; n < good.n; n += every) {
        const pa_status status = pa_test_try_bytes(ctx, path, good.data, n, &archive, &err);
        if (!is_named_damage(status)) {
            fail_msg("%s: %zu bytes: %s %s", fixture, n, pa_status_name(status), err.message);
        }
    }
    for (size_t bit = 0; bit < 8 * good.n; bit += every) {
        good.data[bit / 8] ^= (unsigned char)(1U << (bit % 8));
        const pa_status status = pa_test_try_bytes(ctx, path, good.data, good.n, &archive, &err);
        if (status != PA_OK && !is_named_damage(status)) {
            fail_msg("%s: bit %zu of byte %zu: %s %s", fixture, bit % 8, bit / 8, pa_status_name(status), err.message);
        }
        pa_archive_destroy(archive);
        good.data[bit / 8] ^= (unsigned char)(1U << (bit % 8));
    }
    pa_test_free(&good);
}

static void test_damaged_files_are_named_errors_or_arrays(void **state)
{
    (void)state;
    check_damage("npy/layers.0.attention.v_proj.npy", 1);
    check_damage("npy/version3.npy", 1);
    check_damage("npy/activations.npz", 29);
    check_damage("npy/compressed.npz", 29);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_writes_the_same_dict_is_read),
        cmocka_unit_test(test_anything_else_is_refused_and_nothing_is_evaluated),
        cmocka_unit_test(test_shapes_that_lie_are_refused),
        cmocka_unit_test(test_versions_and_lengths_are_checked),
        cmocka_unit_test(test_arrays_of_one_name_in_an_archive_are_refused),
        cmocka_unit_test(test_damaged_files_are_named_errors_or_arrays),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
