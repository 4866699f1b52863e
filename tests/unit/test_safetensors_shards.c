/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints in several files, under an index. */
#include "pa_test_archive.h"

static pa_context *ctx;
static char directory[256];
static char path[300];

static const char *below(const char *name)
{
    static char file[600];
    pa_test_format(file, sizeof(file), "%s/%s", directory, name);
    return file;
}

static void copy_fixture(const char *name)
{
    char from[300];
    pa_test_format(from, sizeof(from), "safetensors/%s", name);
    pa_test_bytes bytes = pa_test_read(pa_test_data(from));
    pa_test_write(below(name), bytes.data, bytes.n);
    pa_test_free(&bytes);
}

static int set_up(void **state)
{
    (void)state;
    ctx = pa_test_context();
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/index.json", directory);
    copy_fixture("model-00001-of-00002.safetensors");
    copy_fixture("model-00002-of-00002.safetensors");
    pa_test_write(below("junk"), "{\"weight_map\":{}}", 17);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    pa_context_destroy(ctx);
    return 0;
}

#define ONE "\"model-00001-of-00002.safetensors\""
#define TWO "\"model-00002-of-00002.safetensors\""
#define V_PROJ "\"pico_decoder.layers.0.attention.v_proj.weight\""
#define NORM "\"pico_decoder.output_norm.weight\""

static void check(const char *index, pa_status code, const char *part)
{
    pa_error err;
    pa_archive *archive = NULL;
    assert_fails(pa_test_try_bytes(ctx, path, index, strlen(index), &archive, &err), code, part);
}

static void check_fixture(const char *name)
{
    static const double numbers[] = {0, 1, 2, 3, 4, 5};
    pa_error err;
    pa_archive *a = NULL;
    assert_ok(pa_archive_open(ctx, pa_test_data(name), &a, &err));
    assert_string_equal(a->format, "shard index");
    assert_int_equal(a->count, 3); /* "extra" of the first shard is not in the map */
    pa_test_assert_tensor(a, "pico_decoder.layers.0.attention.v_proj.weight", PA_F32, 2, (int64_t[]){2, 3}, numbers);
    pa_test_assert_tensor(a, "pico_decoder.layers.1.swiglu.w_2.weight", PA_F32, 2, (int64_t[]){2, 2}, numbers);
    pa_test_assert_tensor(a, "pico_decoder.output_norm.weight", PA_F32, 1, (int64_t[]){2}, (double[]){1, 1});
    pa_archive_destroy(a);
}

static void test_tensors_are_found_in_their_shards(void **state)
{
    (void)state;
    check_fixture("safetensors/model.safetensors.index.json");
    check_fixture("safetensors/pytorch_model.bin.index.json");
}

static void test_names_of_shards_lead_nowhere_else(void **state)
{
    (void)state;
    static const char *const names[] = {
        "../model-00001-of-00002.safetensors", "/etc/passwd", "..", ".", "", "a/b", "a\\\\b", ".hidden"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char index[256];
        pa_test_format(index, sizeof(index), "{\"weight_map\":{" V_PROJ ":\"%s\"}}", names[i]);
        check(index, PA_ERR_FORMAT, "is not the plain name of a file");
    }
    check("{\"weight_map\":{\"a\":\"x\\u0000y\"}}", PA_ERR_FORMAT, "JSON");
    check("{\"weight_map\":{\"a\":7}}", PA_ERR_FORMAT, "'a' is in no file");
}

static void test_what_is_missing_is_named(void **state)
{
    (void)state;
    check("{\"weight_map\":{\"a\":\"gone.safetensors\"}}", PA_ERR_NOT_FOUND, "gone.safetensors");
    check("{\"weight_map\":{" NORM ":" ONE "}}", PA_ERR_FORMAT,
          "there is no 'pico_decoder.output_norm.weight' in 'model-00001");
    check("{\"weight_map\":{" V_PROJ ":" ONE ",\"line\\nbreak\":" TWO "}}", PA_ERR_FORMAT, "'line?break'");
    check("{\"weights\":{}}", PA_ERR_UNSUPPORTED, "no object 'weight_map'");
    check("{\"weight_map\":[]}", PA_ERR_UNSUPPORTED, "no object 'weight_map'");
    check("{\"weight_map\":{}", PA_ERR_FORMAT, "JSON");
    check("{\"weight_map\":{},\"weight_map\":{}}", PA_ERR_FORMAT, "duplicate name 'weight_map'");
    check("{\"metadata\":{\"a\":[1,{\"b\":no}]},\"weight_map\":{}}", PA_ERR_FORMAT, "JSON: byte 27: invalid token");
    check("{\"metadata\":{no:1},\"weight_map\":{}}", PA_ERR_FORMAT, "JSON: byte 13: a name must follow");
    check("{\"weight_map\":{" V_PROJ ":" ONE "," V_PROJ ":" TWO "}}", PA_ERR_FORMAT, "duplicate");
}

static void test_an_index_is_no_shard(void **state)
{
    (void)state;
    check("{\"weight_map\":{\"a\":\"index.json\"}}", PA_ERR_FORMAT, "the shard of an index is a JSON file");
    check("{\"weight_map\":{\"a\":\"junk\"}}", PA_ERR_FORMAT, "the shard of an index is a JSON file");
}

static void test_a_tensor_in_two_shards_is_taken_from_the_one_that_is_named(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
    static const char index[] = " \n{\"weight_map\":{" NORM ":" TWO ",\"extra\":" ONE "}}";
    copy_fixture("small.safetensors"); /* holds the norm as well */
    assert_ok(pa_test_try_bytes(ctx, path, index, sizeof(index) - 1, &a, &err));
    assert_int_equal(a->count, 2);
    assert_int_equal(a->skipped, 2);
    pa_archive_destroy(a);
    static const char other[] = "{\"weight_map\":{" NORM ":\"small.safetensors\",\"extra\":" ONE "}}";
    assert_ok(pa_test_try_bytes(ctx, path, other, sizeof(other) - 1, &a, &err));
    assert_int_equal(a->count, 2);
    assert_true(pa_archive_bytes_read(a) > 340);
    pa_archive_destroy(a);
}

static void test_tensors_that_cannot_be_read_are_in_their_shard_all_the_same(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
    pa_test_bytes bytes = pa_test_read(pa_test_data("written/2.15/unsupported.safetensors"));
    pa_test_write(below("odd"), bytes.data, bytes.n);
    pa_test_free(&bytes);
    static const char index[] = "{\"weight_map\":{\"four\":\"odd\",\"last\":\"odd\"," NORM ":" TWO "}}";
    assert_ok(pa_test_try_bytes(ctx, path, index, sizeof(index) - 1, &a, &err));
    assert_int_equal(a->count, 2);
    assert_int_equal(a->n_omissions, 1); /* "complex" is in the shard, but not mapped */
    assert_string_equal(a->omissions[0].name, "four");
    assert_string_equal(a->omissions[0].what, "F4");
    pa_archive_destroy(a);
    check("{\"weight_map\":{\"four\":\"odd\"}}", PA_ERR_UNSUPPORTED, "'four' cannot be read (F4)");
    check("{\"weight_map\":{\"four\":\"odd\",\"five\":\"odd\"}}", PA_ERR_FORMAT, "there is no 'five' in 'odd'");
}

static void test_an_empty_map_is_an_empty_checkpoint(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
    assert_ok(pa_archive_open(ctx, below("junk"), &a, &err));
    assert_int_equal(a->count, 0);
    pa_archive_destroy(a);
}

static void test_damaged_indices_and_shards_are_named_errors(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    pa_test_bytes good = pa_test_read(pa_test_data("safetensors/model.safetensors.index.json"));
    for (size_t n = 0; n + 2 < good.n; n++) { /* the line feed behind the last brace is not needed */
        if (pa_test_try_bytes(ctx, path, good.data, n, &archive, &err) == PA_OK) {
            fail_msg("%zu bytes are enough", n);
        }
    }
    for (size_t bit = 0; bit < 8 * good.n; bit++) {
        const unsigned char mask = (unsigned char)(1U << (bit % 8));
        good.data[bit / 8] ^= mask;
        const pa_status status = pa_test_try_bytes(ctx, path, good.data, good.n, &archive, &err);
        if (status == PA_OK) {
            assert_int_equal(archive->count, 3);
            pa_archive_destroy(archive);
        } else if (status != PA_ERR_FORMAT && status != PA_ERR_UNSUPPORTED && status != PA_ERR_NOT_FOUND) {
            fail_msg("bit %zu of byte %zu: %s %s", bit % 8, bit / 8, pa_status_name(status), err.message);
        }
        good.data[bit / 8] ^= mask;
    }
    pa_test_write(below("model-00002-of-00002.safetensors"), "junk", 4);
    assert_fails(pa_test_try_bytes(ctx, path, good.data, good.n, &archive, &err), PA_ERR_UNSUPPORTED,
                 "model-00002-of-00002.safetensors: not a tensor file");
    copy_fixture("model-00002-of-00002.safetensors");
    pa_test_free(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors_are_found_in_their_shards),
        cmocka_unit_test(test_names_of_shards_lead_nowhere_else),
        cmocka_unit_test(test_what_is_missing_is_named),
        cmocka_unit_test(test_an_index_is_no_shard),
        cmocka_unit_test(test_a_tensor_in_two_shards_is_taken_from_the_one_that_is_named),
        cmocka_unit_test(test_tensors_that_cannot_be_read_are_in_their_shard_all_the_same),
        cmocka_unit_test(test_an_empty_map_is_an_empty_checkpoint),
        cmocka_unit_test(test_damaged_indices_and_shards_are_named_errors),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
