/* SPDX-License-Identifier: Apache-2.0 */
/* A good file with one thing wrong: cut short, or one bit flipped. */
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

static int is_named_damage(pa_status status)
{
    return status == PA_ERR_FORMAT || status == PA_ERR_UNSUPPORTED || status == PA_ERR_LIMIT;
}

/* What small.pt holds; returns 0 when something differs. */
static int is_small(const pa_archive *a)
{
    static const struct {
        const char *name;
        int64_t count;
    } expected[] = {{"_forward_module.layers.0.attention.v_proj", 6},
                    {"_forward_module.layers.1.swiglu.w_2.weight", 4},
                    {"norm.weight", 2}};
    int same = a->count == 3;
    for (int i = 0; same && i < 3; i++) {
        double values[8] = {0};
        int64_t nonfinite = 0;
        const pa_tensor *t = &a->entries[i].tensor;
        same = strcmp(a->entries[i].name, expected[i].name) == 0 && pa_tensor_count(t) == expected[i].count &&
               pa_tensor_read(t, &pa_allocator_default, values, &nonfinite, NULL) == PA_OK;
        for (int k = 0; same && k < expected[i].count; k++) {
            same = values[k] == (i == 2 ? 1 : k);
        }
    }
    return same;
}

static void test_every_truncation_is_a_named_error(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_bytes good = pa_test_read(pa_test_data("torch/small.pt"));
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

static void assert_flips_are_seen(const char *fixture, size_t every)
{
    pa_error err;
    pa_archive *archive = NULL;
    size_t harmless = 0;
    pa_test_bytes good = pa_test_read(pa_test_data(fixture));
    for (size_t bit = 0; bit < 8 * good.n; bit += every) {
        const unsigned char mask = (unsigned char)(1U << (bit % 8));
        good.data[bit / 8] ^= mask;
        const pa_status status = pa_test_try_bytes(ctx, path, good.data, good.n, &archive, &err);
        if (status == PA_OK) {
            harmless++;
            if (!is_small(archive)) {
                fail_msg("%s: bit %zu of byte %zu: other tensors", fixture, bit % 8, bit / 8);
            }
            pa_archive_destroy(archive);
        } else if (!is_named_damage(status)) {
            fail_msg("%s: bit %zu of byte %zu: %s %s", fixture, bit % 8, bit / 8, pa_status_name(status), err.message);
        }
        good.data[bit / 8] ^= mask;
    }
    assert_true(harmless < 4 * good.n); /* dates, versions and padding; most bits matter */
    pa_test_free(&good);
}

static void test_every_flipped_bit_is_a_named_error_or_changes_nothing(void **state)
{
    (void)state;
    assert_flips_are_seen("torch/small.pt", 1);
}

static void test_flipped_bits_of_an_ordinary_zip_are_seen_too(void **state)
{
    (void)state;
    assert_flips_are_seen("torch/newer.pt", 5);
}

/* One bit of a deflated archive: never a crash, never wrong numbers; its contents differ from small.pt's. */
static void test_flipped_bits_of_deflated_records_are_seen(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_bytes good = pa_test_read(pa_test_data("torch/deflated.pt"));
    for (size_t bit = 0; bit < 8 * good.n; bit += 11) {
        const unsigned char mask = (unsigned char)(1U << (bit % 8));
        good.data[bit / 8] ^= mask;
        const pa_status status = pa_test_try_bytes(ctx, path, good.data, good.n, &archive, &err);
        if (status != PA_OK && !is_named_damage(status)) {
            fail_msg("bit %zu of byte %zu: %s %s", bit % 8, bit / 8, pa_status_name(status), err.message);
        }
        if (status == PA_OK) {
            assert_int_equal(archive->count, 12);
            pa_test_assert_tensor(archive, "tail", PA_F32, 1, (int64_t[]){4}, (double[]){990, 991, 992, 993});
            pa_archive_destroy(archive);
        }
        good.data[bit / 8] ^= mask;
    }
    pa_test_free(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation_is_a_named_error),
        cmocka_unit_test(test_every_flipped_bit_is_a_named_error_or_changes_nothing),
        cmocka_unit_test(test_flipped_bits_of_an_ordinary_zip_are_seen_too),
        cmocka_unit_test(test_flipped_bits_of_deflated_records_are_seen),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
