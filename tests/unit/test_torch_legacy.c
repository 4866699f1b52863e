/* SPDX-License-Identifier: Apache-2.0 */
/* The format of torch before 1.6: a file that torch wrote, and files made by hand with one thing wrong. */
#include "pa_test_archive.h"

static pa_context *ctx;
static char directory[256];
static char path[300];

static int set_up(void **state)
{
    (void)state;
    ctx = pa_test_context();
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/file.pt", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    pa_context_destroy(ctx);
    return 0;
}

static void check_small(const pa_archive *a)
{
    static const double numbers[] = {0, 1, 2, 3, 4, 5};
    assert_string_equal(a->format, "torch legacy");
    assert_int_equal(a->count, 3);
    pa_test_assert_tensor(a, "_forward_module.layers.0.attention.v_proj", PA_F32, 2, (int64_t[]){2, 3}, numbers);
    pa_test_assert_tensor(a, "_forward_module.layers.1.swiglu.w_2.weight", PA_BF16, 2, (int64_t[]){2, 2}, numbers);
    pa_test_assert_tensor(a, "norm.weight", PA_F32, 1, (int64_t[]){2}, (double[]){1, 1});
}

static void test_a_file_of_torch_is_read(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
    assert_ok(pa_archive_open(ctx, pa_test_data("torch/legacy.pt"), &a, &err));
    check_small(a);
    pa_archive_destroy(a);
}

#define MAGIC "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"
#define VERSION "\x80\x02M\xe9\x03."
#define MACHINE(little)                                                                                                \
    "\x80\x02}X\x0d\0\0\0"                                                                                             \
    "little_endian" little "s."
#define ID(class, key, view)                                                                                           \
    "(X\x07\0\0\0"                                                                                                     \
    "storage"                                                                                                          \
    "ctorch\n" class "\nX\x01\0\0\0" key "X\x03\0\0\0"                                                                 \
                     "cpu"                                                                                             \
                     "K\x04" view "tQ"
#define OBJECT(id)                                                                                                     \
    "\x80\x02}X\1\0\0\0"                                                                                               \
    "a" PKL_TENSOR(id, "K\0", "K\4\x85", "K\1\x85") "s."
#define KEYS                                                                                                           \
    "\x80\x02]X\x01\0\0\0"                                                                                             \
    "7"                                                                                                                \
    "a."
#define FOUR ID("FloatStorage", "7", "N")

static const float four[4] = {1, 2, 3, 4};

/* A file of those pickles, that count and `n` bytes of four floats. */
static pa_status try_file(const char *pickles, size_t length, uint64_t count, size_t n, pa_archive **out, pa_error *err)
{
    pa_test_bytes file = {NULL, 0};
    pa_test_put(&file, pickles, length);
    pa_test_put_le(&file, count, 8);
    pa_test_put(&file, four, n < sizeof(four) ? n : sizeof(four));
    for (size_t i = sizeof(four); i < n; i++) {
        pa_test_put_le(&file, 0, 1);
    }
    const pa_status status = pa_test_try_bytes(ctx, path, file.data, file.n, out, err);
    pa_test_free(&file);
    return status;
}

#define assert_good(pickles)                                                                                           \
    do {                                                                                                               \
        pa_error err;                                                                                                  \
        pa_archive *a = NULL;                                                                                          \
        assert_ok(try_file(pickles, sizeof(pickles) - 1, 4, 16, &a, &err));                                            \
        pa_test_assert_tensor(a, "a", PA_F32, 1, (int64_t[]){4}, (double[]){1, 2, 3, 4});                              \
        pa_archive_destroy(a);                                                                                         \
    } while (0)
#define assert_bad(pickles, count, n, code, part)                                                                      \
    do {                                                                                                               \
        pa_error err;                                                                                                  \
        pa_archive *a = NULL;                                                                                          \
        assert_fails(try_file(pickles, sizeof(pickles) - 1, count, n, &a, &err), code, part);                          \
    } while (0)

#define START MAGIC VERSION MACHINE("\x88")

static void test_files_made_by_hand_are_read(void **state)
{
    (void)state;
    assert_good(START OBJECT(FOUR) KEYS);
    /* two tensors of one storage */
    assert_good(START "\x80\x02}(X\1\0\0\0"
                      "a" PKL_TENSOR(FOUR, "K\0", "K\4\x85", "K\1\x85") "X\1\0\0\0"
                                                                        "b" PKL_TENSOR(FOUR, "K\1", "K\2\x85",
                                                                                       "K\1\x85") "u." KEYS);
}

static void test_storages_that_lie_are_refused(void **state)
{
    (void)state;
    assert_bad(START OBJECT(FOUR) KEYS, 5, 16, PA_ERR_FORMAT, "storage '7' has 5 elements, but the file ends");
    assert_bad(START OBJECT(FOUR) KEYS, 3, 12, PA_ERR_FORMAT, "4 elements of FloatStorage are declared");
    assert_bad(START OBJECT(FOUR) KEYS, UINT64_MAX, 16, PA_ERR_FORMAT, "but the file ends");
    assert_bad(START OBJECT(FOUR) KEYS, (uint64_t)1 << 62, 16, PA_ERR_FORMAT, "but the file ends");
    assert_bad(START OBJECT(FOUR) KEYS, 4, 17, PA_ERR_FORMAT, "1 bytes follow the last storage");
    assert_bad(START OBJECT(FOUR) "\x80\x02].", 4, 16, PA_ERR_FORMAT, "bytes follow the last storage");
    assert_bad(START OBJECT(FOUR) "\x80\x02]X\x01\0\0\0"
                                  "8"
                                  "a.",
               4, 16, PA_ERR_FORMAT, "'8' is one that nothing asks");
    assert_bad(START OBJECT(FOUR) "\x80\x02](X\x01\0\0\0"
                                  "7"
                                  "X\x01\0\0\0"
                                  "7"
                                  "e.",
               4, 16, PA_ERR_FORMAT, "'7' is there twice");
    assert_bad(START OBJECT(FOUR) "\x80\x02]K\7a.", 4, 16, PA_ERR_FORMAT, "a key of a storage is int");
    assert_bad(START OBJECT(FOUR) "\x80\x02K\7.", 4, 16, PA_ERR_FORMAT, "not a list");
    assert_bad(START OBJECT(ID("FloatStorage", "/", "N")) KEYS, 4, 16, PA_ERR_FORMAT, "is no number");
    assert_bad(START OBJECT(ID("FloatStorage", "7", "(K\1K\0K\4t")) KEYS, 4, 16, PA_ERR_UNSUPPORTED, "part of another");
    assert_bad(START OBJECT(ID("ComplexFloatStorage", "7", "N")) KEYS, 4, 16, PA_ERR_UNSUPPORTED,
               "ComplexFloatStorage: how long");
    assert_bad(START OBJECT(PKL_STORAGE("\4")) KEYS, 4, 16, PA_ERR_FORMAT, "must be a tuple of 6");
}

static void test_pickles_that_lie_are_refused(void **state)
{
    (void)state;
    assert_bad(MAGIC "\x80\x02M\xea\x03." MACHINE("\x88") OBJECT(FOUR) KEYS, 4, 16, PA_ERR_UNSUPPORTED, "not 1001");
    assert_bad(MAGIC VERSION "\x80\x02}." OBJECT(FOUR) KEYS, 4, 16, PA_ERR_FORMAT, "'little_endian'");
    assert_bad(MAGIC VERSION MACHINE("K\1") OBJECT(FOUR) KEYS, 4, 16, PA_ERR_FORMAT, "'little_endian'");
    assert_bad(START "\x80\x02"
                     "cposix\nsystem\nX\2\0\0\0"
                     "id"
                     "\x85R." KEYS,
               4, 16, PA_ERR_UNSUPPORTED, "'posix.system'");
    /* the code is in the last pickle, where a scanner of the first does not look */
    assert_bad(START OBJECT(FOUR) "\x80\x02"
                                  "cposix\nsystem\nX\2\0\0\0"
                                  "id"
                                  "\x85R.",
               4, 16, PA_ERR_UNSUPPORTED, "'posix.system'");
    assert_bad(START "\x80\x02K\1." KEYS, 4, 16, PA_ERR_FORMAT, "one that nothing asks for");
    assert_bad(MAGIC, 4, 0, PA_ERR_FORMAT, "not a pickle");
}

static void test_the_order_of_bytes_is_the_files(void **state)
{
    (void)state;
    static const char pickles[] = MAGIC VERSION MACHINE("\x89") OBJECT(FOUR) KEYS;
    pa_error err;
    pa_archive *a = NULL;
    pa_test_bytes file = {NULL, 0};
    pa_test_put(&file, pickles, sizeof(pickles) - 1);
    pa_test_put_text(&file, "\0\0\0\0\0\0\0\4"
                            "\x3f\x80\0\0"
                            "\x40\0\0\0"
                            "\x40\x40\0\0"
                            "\x40\x80\0\0");
    assert_ok(pa_test_try_bytes(ctx, path, file.data, file.n, &a, &err));
    pa_test_assert_tensor(a, "a", PA_F32, 1, (int64_t[]){4}, (double[]){1, 2, 3, 4});
    pa_archive_destroy(a);
    pa_test_free(&file);
}

static void test_pickles_longer_than_the_first_look_are_read(void **state)
{
    (void)state;
    enum { LONG = 3 << 20 };
    static const char start[] = START "\x80\x02}(X\1\0\0\0b";
    static const char rest[] = "X\1\0\0\0"
                               "a" PKL_TENSOR(FOUR, "K\0", "K\4\x85", "K\1\x85") "u." KEYS;
    pa_error err;
    pa_archive *a = NULL;
    pa_test_bytes file = {NULL, 0};
    char *text = malloc(LONG);
    assert_non_null(text);
    memset(text, 'x', LONG);
    pa_test_put(&file, start, sizeof(start) - 1);
    pa_test_put_text(&file, "X");
    pa_test_put_le(&file, LONG, 4);
    pa_test_put(&file, text, LONG);
    free(text);
    pa_test_put(&file, rest, sizeof(rest) - 1);
    pa_test_put_le(&file, 4, 8);
    pa_test_put(&file, four, sizeof(four));
    assert_ok(pa_test_try_bytes(ctx, path, file.data, file.n, &a, &err));
    pa_test_assert_tensor(a, "a", PA_F32, 1, (int64_t[]){4}, (double[]){1, 2, 3, 4});
    pa_archive_destroy(a);
    pa_test_free(&file);
}

static int is_named_damage(pa_status status)
{
    return status == PA_ERR_FORMAT || status == PA_ERR_UNSUPPORTED || status == PA_ERR_LIMIT;
}

/* There is no checksum: a flipped bit may be another name, shape or element, but never one that is not in the file. */
static void test_damaged_files_are_named_errors_or_tensors(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
    pa_test_bytes good = pa_test_read(pa_test_data("torch/legacy.pt"));
    for (size_t n = 0; n < good.n; n++) {
        const pa_status status = pa_test_try_bytes(ctx, path, good.data, n, &a, &err);
        if (!is_named_damage(status)) {
            fail_msg("%zu bytes: %s %s", n, pa_status_name(status), err.message);
        }
    }
    for (size_t bit = 0; bit < 8 * good.n; bit++) {
        good.data[bit / 8] ^= (unsigned char)(1U << (bit % 8));
        const pa_status status = pa_test_try_bytes(ctx, path, good.data, good.n, &a, &err);
        if (status != PA_OK && !is_named_damage(status)) {
            fail_msg("bit %zu of byte %zu: %s %s", bit % 8, bit / 8, pa_status_name(status), err.message);
        }
        pa_archive_destroy(a);
        good.data[bit / 8] ^= (unsigned char)(1U << (bit % 8));
    }
    assert_ok(pa_test_try_bytes(ctx, path, good.data, good.n, &a, &err));
    check_small(a);
    pa_archive_destroy(a);
    pa_test_free(&good);
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
    char file[512];
    pa_test_format(file, sizeof(file), "%s", pa_test_data("torch/legacy.pt"));
    pa_test_oom_sweep(open_and_close, file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_of_torch_is_read),
        cmocka_unit_test(test_files_made_by_hand_are_read),
        cmocka_unit_test(test_storages_that_lie_are_refused),
        cmocka_unit_test(test_pickles_that_lie_are_refused),
        cmocka_unit_test(test_the_order_of_bytes_is_the_files),
        cmocka_unit_test(test_pickles_longer_than_the_first_look_are_read),
        cmocka_unit_test(test_damaged_files_are_named_errors_or_tensors),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
