/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernels fit a processor is a table; what this process uses is asked of the BLAS. */
#include "pa_test.h"

#include "linalg/runtime_info.h"

static void test_slow_kernels_are_noticed(void **state)
{
    (void)state;
    assert_string_equal(pa_blas_better_core("Haswell", 1, 1), "SkylakeX");
    assert_string_equal(pa_blas_better_core("Zen", 1, 1), "SkylakeX");
    assert_string_equal(pa_blas_better_core("Prescott", 0, 1), "Haswell");
}

static void test_fitting_or_unknown_kernels_are_left_alone(void **state)
{
    (void)state;
    assert_string_equal(pa_blas_better_core("SkylakeX", 1, 1), "");
    assert_string_equal(pa_blas_better_core("Cooperlake", 1, 1), "");
    assert_string_equal(pa_blas_better_core("Zen", 0, 1), "");
    assert_string_equal(pa_blas_better_core("Haswell", 0, 1), "");
    assert_string_equal(pa_blas_better_core("Prescott", 0, 0), "");
    assert_string_equal(pa_blas_better_core("", 1, 1), "");
}

static void test_the_process_is_described(void **state)
{
    (void)state;
    pa_error err;
    pa_runtime_info info = {.struct_size = sizeof(info)};
    assert_ok(pa_runtime_info_get(&info, &err));
    assert_non_null(strstr(info.blas, "OpenBLAS"));
    assert_true(info.cpus >= 1);
    assert_true(info.blas_threads >= 1);
    assert_true(info.blas_callers == 1 ? info.blas_parallel == 0 : info.blas_callers > 1);
    assert_int_equal(info.struct_size, sizeof(info));
}

static void test_a_struct_of_no_version_is_refused(void **state)
{
    (void)state;
    pa_error err;
    pa_runtime_info info = {.struct_size = 8};
    assert_fails(pa_runtime_info_get(&info, &err), PA_ERR_INVALID, "struct_size");
    assert_fails(pa_runtime_info_get(NULL, &err), PA_ERR_INVALID, "NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_kernels_are_noticed),
        cmocka_unit_test(test_fitting_or_unknown_kernels_are_left_alone),
        cmocka_unit_test(test_the_process_is_described),
        cmocka_unit_test(test_a_struct_of_no_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
