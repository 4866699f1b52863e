/* SPDX-License-Identifier: Apache-2.0 */
/* Files that PyTorch wrote (tests/data/make_torch_files.py), read back. */
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

static void assert_views(const char *name)
{
    pa_archive *a = open_fixture(name);
    assert_int_equal(a->count, 12);
    double ramp[24], transposed[24], permuted[24];
    for (int i = 0; i < 24; i++) {
        ramp[i] = i;
        transposed[(i % 6) * 4 + i / 6] = i; /* [4, 6] to [6, 4] */
        permuted[(i % 4) * 6 + i / 4] = i;   /* [2, 3, 4] to [4, 2, 3] */
    }
    pa_test_assert_tensor(a, "contiguous", PA_F32, 2, (int64_t[]){4, 6}, ramp);
    pa_test_assert_tensor(a, "transposed", PA_F32, 2, (int64_t[]){6, 4}, transposed);
    pa_test_assert_tensor(a, "rows", PA_F32, 2, (int64_t[]){2, 6}, ramp + 6);
    pa_test_assert_tensor(a, "columns", PA_F32, 2, (int64_t[]){4, 3},
                          (double[]){2, 3, 4, 8, 9, 10, 14, 15, 16, 20, 21, 22});
    pa_test_assert_tensor(a, "every_other", PA_F32, 2, (int64_t[]){2, 2}, (double[]){0, 3, 12, 15});
    pa_test_assert_tensor(a, "expanded", PA_F32, 2, (int64_t[]){2, 3}, (double[]){5, 5, 5, 7, 7, 7});
    pa_test_assert_tensor(a, "flat", PA_F32, 1, (int64_t[]){24}, ramp);
    pa_test_assert_tensor(a, "tail", PA_F32, 1, (int64_t[]){4}, (double[]){990, 991, 992, 993});
    pa_test_assert_tensor(a, "scalar", PA_F32, 0, NULL, (double[]){2.5});
    pa_test_assert_tensor(a, "empty", PA_F32, 2, (int64_t[]){0, 3}, NULL);
    pa_test_assert_tensor(a, "cube", PA_F32, 3, (int64_t[]){2, 3, 4}, ramp);
    pa_test_assert_tensor(a, "permuted", PA_F32, 3, (int64_t[]){4, 2, 3}, permuted);
    assert_ptr_equal(pa_test_tensor(a, "rows")->storage, pa_test_tensor(a, "transposed")->storage);
    pa_archive_destroy(a);
}

static void test_views_of_stored_records_are_what_torch_saw(void **state)
{
    (void)state;
    assert_views("torch/views.pt");
}

static void test_views_of_deflated_records_are_the_same(void **state)
{
    (void)state;
    assert_views("torch/deflated.pt");
}

static void test_every_element_type_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        pa_dtype dtype;
        double scale;
    } types[] = {{"float64", PA_F64, 0.5},   {"float32", PA_F32, 0.5}, {"float16", PA_F16, 0.5},
                 {"bfloat16", PA_BF16, 0.5}, {"int8", PA_I8, 1},       {"int16", PA_I16, 1},
                 {"int32", PA_I32, 1},       {"int64", PA_I64, 1}};
    pa_archive *a = open_fixture("torch/dtypes.pt");
    assert_int_equal(a->count, 10);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        double expected[6];
        for (int k = 0; k < 6; k++) {
            expected[k] = (k - 2) * types[i].scale;
        }
        pa_test_assert_tensor(a, types[i].name, types[i].dtype, 2, (int64_t[]){2, 3}, expected);
    }
    pa_test_assert_tensor(a, "uint8", PA_U8, 2, (int64_t[]){2, 3}, (double[]){250, 251, 252, 253, 254, 255});
    pa_test_assert_tensor(a, "bool", PA_BOOL, 2, (int64_t[]){2, 3}, (double[]){0, 1, 0, 1, 0, 1});
    pa_archive_destroy(a);
}

static void test_a_state_dict_with_metadata_is_read(void **state)
{
    (void)state;
    pa_archive *a = open_fixture("torch/state_dict.pt");
    assert_int_equal(a->count, 4);
    assert_int_equal(a->skipped, 0);
    assert_string_equal(a->entries[0].name, "0.weight"); /* in the order of the file */
    pa_test_assert_tensor(a, "0.weight", PA_F32, 2, (int64_t[]){2, 3}, (double[]){0, 1, 2, 3, 4, 5});
    pa_test_assert_tensor(a, "0.bias", PA_F32, 1, (int64_t[]){2}, (double[]){10, 20});
    pa_test_assert_tensor(a, "1.weight", PA_F32, 1, (int64_t[]){2}, (double[]){1, 1});
    pa_archive_destroy(a);
}

static void test_nested_dicts_are_joined_and_what_is_no_tensor_is_counted(void **state)
{
    (void)state;
    pa_archive *a = open_fixture("torch/mixed.pt");
    assert_int_equal(a->count, 3);
    assert_int_equal(a->skipped, 11);
    pa_test_assert_tensor(a, "model.layers.0.weight", PA_F32, 2, (int64_t[]){2, 2}, (double[]){3, 3, 3, 3});
    pa_test_assert_tensor(a, "model.parameter", PA_F32, 2, (int64_t[]){2, 2}, (double[]){0, 1, 2, 3});
    pa_test_assert_tensor(a, "model.tagged", PA_F32, 1, (int64_t[]){2}, (double[]){1, 1});
    pa_archive_destroy(a);
}

static void assert_small(const char *name)
{
    pa_archive *a = open_fixture(name);
    assert_int_equal(a->count, 3);
    pa_test_assert_tensor(a, "_forward_module.layers.0.attention.v_proj", PA_F32, 2, (int64_t[]){2, 3},
                          (double[]){0, 1, 2, 3, 4, 5});
    pa_test_assert_tensor(a, "_forward_module.layers.1.swiglu.w_2.weight", PA_BF16, 2, (int64_t[]){2, 2},
                          (double[]){0, 1, 2, 3});
    pa_test_assert_tensor(a, "norm.weight", PA_F32, 1, (int64_t[]){2}, (double[]){1, 1});
    pa_archive_destroy(a);
}

static void test_byte_order_protocol_and_newer_records_do_not_matter(void **state)
{
    (void)state;
    assert_small("torch/small.pt");
    assert_small("torch/big_endian.pt");
    assert_small("torch/protocol4.pt");
    assert_small("torch/newer.pt");
}

static void test_more_tensors_than_a_short_memo_index_counts(void **state)
{
    (void)state;
    pa_archive *a = open_fixture("torch/many.pt");
    assert_int_equal(a->count, 70);
    for (int i = 0; i < 70; i++) {
        char name[16];
        pa_test_format(name, sizeof(name), "t.%d", i);
        assert_string_equal(a->entries[i].name, name);
        pa_test_assert_tensor(a, name, PA_F32, 2, (int64_t[]){2, 2}, (double[]){i, i, i, i});
    }
    pa_archive_destroy(a);
}

static void test_an_empty_dict_has_no_tensors(void **state)
{
    (void)state;
    pa_archive *a = open_fixture("torch/empty_dict.pt");
    assert_int_equal(a->count, 0);
    pa_archive_destroy(a);
}

static void test_storages_outlive_their_archive(void **state)
{
    (void)state;
    pa_error err;
    float values[4];
    pa_archive *a = open_fixture("torch/views.pt");
    pa_storage *storage = pa_storage_retain(pa_test_tensor(a, "tail")->storage);
    pa_archive_destroy(a);
    assert_ok(pa_storage_read(storage, 4 * 990, sizeof(values), values, &err));
    assert_close(values[3], 993, 0);
    pa_storage_release(storage);
}

static void assert_refused(const char *name, pa_status code, const char *text)
{
    pa_error err;
    pa_archive *archive = NULL;
    assert_fails(pa_archive_open(ctx, pa_test_data(name), &archive, &err), code, text);
    assert_null(archive);
    assert_non_null(strstr(err.message, name));
}

static void test_the_model_in_a_fabric_checkpoint_is_read(void **state)
{
    (void)state;
    pa_archive *a = open_fixture("torch/fabric.pt");
    assert_int_equal(a->count, 17); /* model, two moments and a step each, one random generator */
    pa_test_assert_tensor(a, "_model.0.weight", PA_F32, 2, (int64_t[]){2, 3}, (double[]){0, 1, 2, 3, 4, 5});
    pa_test_assert_tensor(a, "_model.0.bias", PA_F32, 1, (int64_t[]){2}, (double[]){10, 20});
    pa_test_assert_tensor(a, "_optimizer.state.3.step", PA_F32, 0, NULL, (double[]){1});
    pa_archive_destroy(a);
}

static void test_a_tensor_that_is_alone_is_called_what_its_file_is_called(void **state)
{
    (void)state;
    pa_archive *a = open_fixture("torch/tensor.pt");
    assert_int_equal(a->count, 1);
    pa_test_assert_tensor(a, "tensor", PA_F32, 1, (int64_t[]){2}, (double[]){1, 1});
    pa_archive_destroy(a);
}

static void test_classes_of_others_do_not_hide_the_tensors_beside_them(void **state)
{
    (void)state;
    pa_archive *a = open_fixture("torch/deepspeed.pt");
    assert_int_equal(a->count, 4); /* what is inside of an object is not seen */
    pa_test_assert_tensor(a, "module.0.weight", PA_BF16, 2, (int64_t[]){2, 3}, (double[]){0, 1, 2, 3, 4, 5});
    pa_test_assert_tensor(a, "module.1.bias", PA_BF16, 1, (int64_t[]){2}, (double[]){0, 0});
    pa_archive_destroy(a);
}

static void test_other_formats_are_refused_by_name(void **state)
{
    (void)state;
    assert_refused("torch/script.pt", PA_ERR_UNSUPPORTED, "TorchScript");
    assert_refused("torch/unknown_class.pt", PA_ERR_UNSUPPORTED, "'_io.StringIO'");
    assert_refused("make_torch_files.py", PA_ERR_UNSUPPORTED, "not a tensor file");
    assert_refused("torch", PA_ERR_UNSUPPORTED, "directory");
    assert_refused("torch/none.pt", PA_ERR_NOT_FOUND, "no such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views_of_stored_records_are_what_torch_saw),
        cmocka_unit_test(test_views_of_deflated_records_are_the_same),
        cmocka_unit_test(test_every_element_type_is_read),
        cmocka_unit_test(test_a_state_dict_with_metadata_is_read),
        cmocka_unit_test(test_nested_dicts_are_joined_and_what_is_no_tensor_is_counted),
        cmocka_unit_test(test_byte_order_protocol_and_newer_records_do_not_matter),
        cmocka_unit_test(test_more_tensors_than_a_short_memo_index_counts),
        cmocka_unit_test(test_an_empty_dict_has_no_tensors),
        cmocka_unit_test(test_storages_outlive_their_archive),
        cmocka_unit_test(test_the_model_in_a_fabric_checkpoint_is_read),
        cmocka_unit_test(test_a_tensor_that_is_alone_is_called_what_its_file_is_called),
        cmocka_unit_test(test_classes_of_others_do_not_hide_the_tensors_beside_them),
        cmocka_unit_test(test_other_formats_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
