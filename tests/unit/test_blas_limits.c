/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Sizes beyond the BLAS' 32-bit integer are refused before anything is read: the matrices here have no elements at all
 * behind them.
 */
#include "linalg/gemm.h"
#include "linalg/gram.h"
#include "linalg/qr.h"
#include "linalg/svd.h"

#include "base/alloc.h"
#include "pa_test.h"

static const int64_t too_long = (int64_t)INT32_MAX + 1;
static pa_error err;
static double nothing[1];

/* A view whose elements are all the same one: of any size, and true should anybody read it after all. */
static pa_view view_of(int64_t rows, int64_t cols)
{
    const pa_view view = {nothing, rows, cols, 0, 1};
    return view;
}

static void test_each_side_of_a_product_has_a_limit(void **state)
{
    (void)state;
    const int64_t sides[3][3] = {{too_long, 2, 2}, {2, too_long, 2}, {2, 2, too_long}};
    for (int i = 0; i < 3; i++) {
        const pa_view a = view_of(sides[i][0], sides[i][1]);
        const pa_view b = view_of(sides[i][1], sides[i][2]);
        assert_fails(pa_gemm(1.0, a, b, 0.0, PA_ROW_MAJOR, nothing, 2, &err), PA_ERR_LIMIT, "2147483648");
        assert_fails(pa_gemm(1.0, a, b, 0.0, PA_COLUMN_MAJOR, nothing, 2, &err), PA_ERR_LIMIT, "2147483648");
        assert_fails(pa_gemm_f32((const float *)(const void *)nothing, (const float *)(const void *)nothing,
                                 sides[i][0], sides[i][1], sides[i][2], (float *)(void *)nothing, &err),
                     PA_ERR_LIMIT, "2147483648");
    }
}

static void test_the_distance_between_rows_has_a_limit(void **state)
{
    (void)state;
    pa_view far = view_of(2, 2);
    const pa_view near = view_of(2, 2);
    far.row_stride = too_long;
    assert_fails(pa_gemm(1.0, far, near, 0.0, PA_ROW_MAJOR, nothing, 2, &err), PA_ERR_LIMIT, "2147483648");
    assert_fails(pa_gemm(1.0, near, far, 0.0, PA_ROW_MAJOR, nothing, 2, &err), PA_ERR_LIMIT, "2147483648");
    assert_fails(pa_gemm(1.0, near, near, 0.0, PA_ROW_MAJOR, nothing, too_long, &err), PA_ERR_LIMIT, "2147483648");
}

static void test_factorizations_have_a_limit(void **state)
{
    (void)state;
    const pa_allocator *mem = &pa_allocator_default;
    const pa_view views[2] = {view_of(too_long, 2), view_of(2, too_long)};
    for (int i = 0; i < 2; i++) {
        assert_fails(pa_lq(mem, views[i], nothing, &err), PA_ERR_LIMIT, "2147483648");
        assert_fails(pa_svd_values(mem, views[i], nothing, &err), PA_ERR_LIMIT, "2147483648");
        assert_fails(pa_svd_left(mem, views[i], nothing, nothing, &err), PA_ERR_LIMIT, "2147483648");
    }
}

/* dgesdd counts its own workspace with 32 bits, and believes a sum that has overflowed. */
static void test_singular_vectors_have_a_lower_limit(void **state)
{
    (void)state;
    const pa_view square = view_of(30000, 30000);
    assert_fails(pa_svd_left(&pa_allocator_default, square, nothing, nothing, &err), PA_ERR_LIMIT,
                 "30000 singular vectors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_side_of_a_product_has_a_limit),
        cmocka_unit_test(test_the_distance_between_rows_has_a_limit),
        cmocka_unit_test(test_factorizations_have_a_limit),
        cmocka_unit_test(test_singular_vectors_have_a_lower_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
