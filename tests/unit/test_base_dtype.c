/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dtype.h"
#include "base/storage.h"
#include "pa_test.h"

/* Bit patterns and values from IEEE 754 and the bfloat16 definition. */
static void test_half_and_bfloat_bits_mean_what_the_standards_say(void **state)
{
    (void)state;
    const uint16_t f16[] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x8000, 0x3555};
    const double f16_values[] = {1.0, -2.0, 65504.0, 0x1p-24, 0x1p-14, -0.0, 0.333251953125};
    const uint16_t bf16[] = {0x3f80, 0xc049, 0x7f7f, 0x0001, 0x4049};
    const double bf16_values[] = {1.0, -3.140625, 0x1.fep127, 0x1p-133, 3.140625};
    double out[8];
    assert_int_equal(pa_dtype_to_f64(PA_F16, 0, f16, 1, 7, out), 0);
    for (int i = 0; i < 7; i++) {
        assert_true(out[i] == f16_values[i]);
    }
    assert_true(signbit(out[5]));
    assert_int_equal(pa_dtype_to_f64(PA_BF16, 0, bf16, 1, 5, out), 0);
    for (int i = 0; i < 5; i++) {
        assert_true(out[i] == bf16_values[i]);
    }
}

static void test_nonfinite_elements_are_counted(void **state)
{
    (void)state;
    const uint16_t f16[] = {0x7c00, 0xfc00, 0x7e00, 0x3c00};
    const float f32[] = {INFINITY, 1.0F, NAN, -INFINITY};
    double out[4];
    assert_int_equal(pa_dtype_to_f64(PA_F16, 0, f16, 1, 4, out), 3);
    assert_true(isinf(out[0]) && isinf(out[1]) && out[1] < 0 && isnan(out[2]));
    assert_int_equal(pa_dtype_to_f64(PA_F32, 0, f32, 1, 4, out), 3);
}

static void test_integers_keep_their_sign_and_byte_order(void **state)
{
    (void)state;
    const unsigned char bytes[] = {0xff, 0xfe, 0x00, 0x01, 0x80, 0x00, 0x00, 0x00};
    double out[8];
    (void)pa_dtype_to_f64(PA_I16, 1, bytes, 1, 2, out);
    assert_true(out[0] == -2.0 && out[1] == 1.0);
    (void)pa_dtype_to_f64(PA_I32, 1, bytes + 4, 1, 1, out);
    assert_true(out[0] == -2147483648.0);
    (void)pa_dtype_to_f64(PA_U32, 1, bytes + 4, 1, 1, out);
    assert_true(out[0] == 2147483648.0);
    (void)pa_dtype_to_f64(PA_I8, 0, bytes, 1, 2, out);
    assert_true(out[0] == -1.0 && out[1] == -2.0);
    (void)pa_dtype_to_f64(PA_U8, 0, bytes, 2, 4, out);
    assert_true(out[0] == 255.0 && out[1] == 0.0 && out[2] == 128.0 && out[3] == 0.0);
    (void)pa_dtype_to_f64(PA_BOOL, 0, bytes + 4, 1, 2, out);
    assert_true(out[0] == 1.0 && out[1] == 0.0);
    const int64_t large = -9007199254740993LL; /* 2^53 + 1 is between two doubles */
    (void)pa_dtype_to_f64(PA_I64, 0, &large, 1, 1, out);
    assert_true(out[0] == -9007199254740992.0);
}

static void test_misaligned_data_is_read(void **state)
{
    (void)state;
    unsigned char bytes[1 + 3 * sizeof(float)];
    const float values[3] = {1.5F, -2.25F, 3.0F};
    double out[3];
    memcpy(bytes + 1, values, sizeof(values));
    (void)pa_dtype_to_f64(PA_F32, 0, bytes + 1, 1, 3, out);
    assert_true(out[0] == 1.5 && out[1] == -2.25 && out[2] == 3.0);
}

static void ignore(pa_storage *self)
{
    (void)self;
}

static void test_views_follow_their_strides(void **state)
{
    (void)state;
    pa_error err;
    static const pa_storage_ops ops = {.destroy = ignore};
    float data[24];
    for (int i = 0; i < 24; i++) {
        data[i] = (float)i;
    }
    pa_storage storage;
    pa_storage_init(&storage, &ops, data, sizeof(data));
    const int64_t shape[3] = {2, 3, 2};
    const int64_t strides[3] = {1, 4, 2};
    const pa_tensor view = {&storage, PA_F32, 0, 3, 5, shape, strides};
    double out[12];
    int64_t nonfinite = -1;
    assert_ok(pa_tensor_check(&view, &err));
    assert_ok(pa_tensor_read(&view, &(pa_allocator){0}, out, &nonfinite, &err));
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 3; j++) {
            for (int k = 0; k < 2; k++) {
                assert_true(out[i * 6 + j * 2 + k] == 5 + i + 4 * j + 2 * k);
            }
        }
    }
    assert_int_equal(nonfinite, 0);
}

static void test_views_without_strides_are_packed(void **state)
{
    (void)state;
    pa_error err;
    static const pa_storage_ops ops = {.destroy = ignore};
    float data[13];
    for (int i = 0; i < 13; i++) {
        data[i] = (float)i;
    }
    pa_storage storage;
    pa_storage_init(&storage, &ops, data, sizeof(data));
    int64_t shape[3] = {2, 3, 2};
    pa_tensor view = {&storage, PA_F32, 0, 3, 1, shape, NULL};
    int64_t strides[3];
    double out[12];
    int64_t nonfinite = -1;
    assert_ok(pa_tensor_check(&view, &err));
    pa_tensor_strides(&view, strides);
    assert_true(strides[0] == 6 && strides[1] == 2 && strides[2] == 1);
    assert_int_equal(pa_tensor_is_packed(&view), 1);
    assert_ok(pa_tensor_read(&view, &(pa_allocator){0}, out, &nonfinite, &err));
    for (int i = 0; i < 12; i++) {
        assert_true(out[i] == 1 + i);
    }
    view.offset = 2;
    assert_fails(pa_tensor_check(&view, &err), PA_ERR_FORMAT, "element 13 of a storage of 13");
    shape[0] = (int64_t)1 << 40;
    shape[1] = (int64_t)1 << 40;
    assert_fails(pa_tensor_check(&view, &err), PA_ERR_FORMAT, "overflow");
    shape[1] = 5;
    shape[2] = 0;
    assert_ok(pa_tensor_check(&view, &err));
}

static void test_views_beyond_their_storage_are_refused(void **state)
{
    (void)state;
    pa_error err;
    static const pa_storage_ops ops = {.destroy = ignore};
    float data[4] = {0};
    pa_storage storage;
    pa_storage_init(&storage, &ops, data, sizeof(data));
    int64_t shape[2] = {2, 2};
    int64_t strides[2] = {2, 1};
    pa_tensor view = {&storage, PA_F32, 0, 2, 0, shape, strides};
    assert_ok(pa_tensor_check(&view, &err));
    view.offset = 1;
    assert_fails(pa_tensor_check(&view, &err), PA_ERR_FORMAT, "element 4 of a storage of 4");
    view.offset = -1;
    assert_fails(pa_tensor_check(&view, &err), PA_ERR_FORMAT, "negative offset");
    view.offset = 0;
    strides[0] = INT64_MAX / 2;
    assert_fails(pa_tensor_check(&view, &err), PA_ERR_FORMAT, "of a storage of 4");
    strides[0] = INT64_MAX;
    shape[0] = 3;
    assert_fails(pa_tensor_check(&view, &err), PA_ERR_FORMAT, "overflow");
    shape[0] = INT64_MAX / 2;
    strides[0] = 0; /* repeated rows are legal, but not that many */
    assert_fails(pa_tensor_check(&view, &err), PA_ERR_FORMAT, "overflow");
    shape[0] = -1;
    assert_fails(pa_tensor_check(&view, &err), PA_ERR_FORMAT, "negative size");
    shape[0] = 0; /* no element: nothing can be out of range */
    shape[1] = (int64_t)1 << 40;
    view.offset = 1000;
    assert_ok(pa_tensor_check(&view, &err));
    assert_int_equal(pa_tensor_count(&view), 0);
}

/* Sizes of an empty view are multiplied before anybody sees the 0. */
static void test_sizes_of_empty_views_do_not_overflow(void **state)
{
    (void)state;
    pa_error err;
    static const pa_storage_ops ops = {.destroy = ignore};
    float data[4] = {0};
    pa_storage storage;
    pa_storage_init(&storage, &ops, data, sizeof(data));
    int64_t shape[3] = {INT64_MAX / 2, 8, 0};
    int64_t strides[3] = {0, 0, 1};
    const pa_tensor view = {&storage, PA_F32, 0, 3, 0, shape, strides};
    assert_fails(pa_tensor_check(&view, &err), PA_ERR_FORMAT, "overflow");
    shape[1] = 1;
    assert_ok(pa_tensor_check(&view, &err));
    assert_int_equal(pa_tensor_count(&view), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_and_bfloat_bits_mean_what_the_standards_say),
        cmocka_unit_test(test_nonfinite_elements_are_counted),
        cmocka_unit_test(test_integers_keep_their_sign_and_byte_order),
        cmocka_unit_test(test_misaligned_data_is_read),
        cmocka_unit_test(test_views_follow_their_strides),
        cmocka_unit_test(test_views_without_strides_are_packed),
        cmocka_unit_test(test_views_beyond_their_storage_are_refused),
        cmocka_unit_test(test_sizes_of_empty_views_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
