/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The named outputs of a value: what may be added, what is read back, who owns it, and what a metric of a user's returns
 * through the whole library. */
#include "base/alloc.h"
#include "base/outputs.h"
#include "pa_test_outputs.h"

static pa_error err;

static void test_outputs_come_back_in_the_order_in_which_they_were_added(void **state)
{
    (void)state;
    pa_value value = PA_VALUE_INIT;
    const int64_t shape[2] = {2, 3};
    double numbers[6] = {0.0, -0.0, 1e300, 4.9e-324, -1.5, 6.0};
    assert_int_equal(pa_value_output_count(&value), 0);
    assert_ok(pa_value_add_number(&value, "q50", 0.1, &err));
    assert_ok(pa_value_add_array(&value, "pairs", "row,column", shape, 2, numbers, &err));
    assert_ok(pa_value_add_undefined(&value, "skew", PA_STATE_DEGENERATE, &err));
    numbers[0] = 9.0; /* what was handed over was copied */
    assert_int_equal(pa_value_output_count(&value), 3);

    const pa_output first = output_at(&value, 0);
    assert_string_equal(first.name, "q50");
    assert_string_equal(first.axes, "");
    assert_null(first.numbers);
    assert_int_equal(first.ndim, 0);
    assert_int_equal(first.state, PA_STATE_OK);
    assert_true(first.number == 0.1);

    const pa_output second = output_at(&value, 1);
    assert_string_equal(second.name, "pairs");
    assert_string_equal(second.axes, "row,column");
    assert_int_equal(second.ndim, 2);
    assert_int_equal(second.shape[0], 2);
    assert_int_equal(second.shape[1], 3);
    assert_int_equal(second.shape[2], 0);
    numbers[0] = 0.0;
    assert_memory_equal(second.numbers, numbers, sizeof(numbers));
    assert_true(second.number == 0.0);

    const pa_output third = output_at(&value, 2);
    assert_string_equal(third.name, "skew");
    assert_int_equal(third.state, PA_STATE_DEGENERATE);
    assert_true(third.number == 0.0);

    pa_output found = {.struct_size = sizeof(found)};
    assert_ok(pa_value_find_output(&value, "pairs", &found, &err));
    assert_ptr_equal(found.numbers, second.numbers);
    assert_fails(pa_value_find_output(&value, "pair", &found, &err), PA_ERR_NOT_FOUND, "'pair'");
    assert_fails(pa_value_find_output(&value, NULL, &found, &err), PA_ERR_NOT_FOUND, "''");
    assert_fails(pa_value_output(&value, 3, &found, &err), PA_ERR_INVALID, "3 of 3");
    assert_fails(pa_value_output(&value, -1, &found, &err), PA_ERR_INVALID, "-1 of 3");
    assert_fails(pa_value_output(&value, 0, NULL, &err), PA_ERR_INVALID, "struct_size");
    found.struct_size = sizeof(found) - 1;
    assert_fails(pa_value_output(&value, 0, &found, &err), PA_ERR_INVALID, "struct_size");

    pa_value_clear(&value);
    assert_int_equal(pa_value_output_count(&value), 0);
    assert_null(value.outputs);
    assert_int_equal(pa_value_output_count(NULL), 0);
}

static void test_a_number_that_is_not_finite_becomes_a_state(void **state)
{
    (void)state;
    pa_value value = PA_VALUE_INIT;
    const double bad[] = {NAN, INFINITY, -INFINITY};
    const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        assert_ok(pa_value_add_number(&value, names[i], bad[i], &err));
        const pa_output out = output_at(&value, i);
        assert_int_equal(out.state, PA_STATE_NONFINITE);
        assert_true(out.number == 0.0);
    }
    const int64_t three = 3;
    const double mixed[] = {1.0, NAN, 2.0};
    assert_fails(pa_value_add_array(&value, "d", "i", &three, 1, mixed, &err), PA_ERR_INVALID, "not finite");
    assert_fails(pa_value_add_undefined(&value, "d", PA_STATE_OK, &err), PA_ERR_INVALID, "1 is no state");
    assert_fails(pa_value_add_undefined(&value, "d", PA_STATE_UNSET, &err), PA_ERR_INVALID, "0 is no state");
    assert_fails(pa_value_add_undefined(&value, "d", 8, &err), PA_ERR_INVALID, "8 is no state");
    assert_int_equal(pa_value_output_count(&value), 3);
    pa_value_clear(&value);
}

static void test_names_are_identifiers_and_occur_once(void **state)
{
    (void)state;
    pa_value value = PA_VALUE_INIT;
    char longest[65];
    memset(longest, 'n', sizeof(longest));
    longest[64] = '\0';
    static const char *const bad[] = {"", "A", "1", "_a", "a-b", "a.b", "a b", "mean\n", "\xC3\xA9"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_fails(pa_value_add_number(&value, bad[i], 1.0, &err), PA_ERR_INVALID, "[a-z][a-z0-9_]*");
    }
    assert_fails(pa_value_add_number(&value, NULL, 1.0, &err), PA_ERR_INVALID, "[a-z][a-z0-9_]*");
    assert_fails(pa_value_add_number(&value, longest, 1.0, &err), PA_ERR_INVALID, "at most 63");
    assert_fails(pa_value_add_number(NULL, "a", 1.0, &err), PA_ERR_INVALID, "no value");
    longest[63] = '\0';
    assert_ok(pa_value_add_number(&value, longest, 1.0, &err));
    assert_ok(pa_value_add_number(&value, "a", 1.0, &err));
    assert_fails(pa_value_add_number(&value, "a", 2.0, &err), PA_ERR_EXISTS, "'a'");
    assert_fails(pa_value_add_undefined(&value, "a", PA_STATE_EMPTY, &err), PA_ERR_EXISTS, "'a'");
    assert_true(output_at(&value, 1).number == 1.0);
    assert_int_equal(pa_value_output_count(&value), 2);
    pa_value_clear(&value);
}

static void test_at_most_4096_outputs(void **state)
{
    (void)state;
    pa_value value = PA_VALUE_INIT;
    char name[64];
    for (int i = 0; i < 4096; i++) {
        (void)snprintf(name, sizeof(name), "a%062d", i);
        assert_ok(pa_value_add_number(&value, name, i, &err));
    }
    assert_fails(pa_value_add_number(&value, "b", 1.0, &err), PA_ERR_LIMIT, "4096");
    assert_true(output_at(&value, 4095).number == 4095.0);
    assert_string_equal(output_at(&value, 4095).name, name);
    pa_value_clear(&value);
}

static void test_an_array_needs_axes_and_sizes_that_fit(void **state)
{
    (void)state;
    pa_value value = PA_VALUE_INIT;
    const double numbers[16] = {1.0};
    const int64_t shape[5] = {2, 2, 2, 2, 1};
    const int64_t negative[2] = {-1, -1};
    const int64_t huge[2] = {INT64_MAX, 2};
    const int64_t large = INT64_MAX / 8 + 1;
    const int64_t none[2] = {INT64_MAX, 0};
    const int64_t none_first[3] = {0, INT64_MAX, INT64_MAX};
    static const char *const bad[] = {"", ",", "a,", ",b", "a", "a,b,c", "a,,b", "a b,c", "A,b", "a,b\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_fails(pa_value_add_array(&value, "x", bad[i], shape, 2, numbers, &err), PA_ERR_INVALID, "axes");
    }
    assert_fails(pa_value_add_array(&value, "x", NULL, shape, 2, numbers, &err), PA_ERR_INVALID, "axes");
    assert_fails(pa_value_add_array(&value, "x", "a,b", NULL, 2, numbers, &err), PA_ERR_INVALID, "axes");
    assert_fails(pa_value_add_array(&value, "x", "", shape, 0, numbers, &err), PA_ERR_INVALID, "1 to 4");
    assert_fails(pa_value_add_array(&value, "x", "a,b,c,d,e", shape, 5, numbers, &err), PA_ERR_INVALID, "1 to 4");
    assert_fails(pa_value_add_array(&value, "x", "a,b", negative, 2, numbers, &err), PA_ERR_INVALID, "size");
    assert_fails(pa_value_add_array(&value, "x", "a,b", huge, 2, numbers, &err), PA_ERR_INVALID, "size");
    assert_fails(pa_value_add_array(&value, "x", "a", &large, 1, numbers, &err), PA_ERR_INVALID, "size");
    assert_fails(pa_value_add_array(&value, "x", "a,b", shape, 2, NULL, &err), PA_ERR_INVALID, "size");
    assert_int_equal(pa_value_output_count(&value), 0);
    assert_ok(pa_value_add_array(&value, "x", "a,b,c,d", shape, 4, numbers, &err));
    assert_ok(pa_value_add_array(&value, "empty", "a,b", none, 2, NULL, &err));
    assert_ok(pa_value_add_array(&value, "empty_first", "a,b,c", none_first, 3, NULL, &err));
    assert_non_null(output_at(&value, 1).numbers); /* an array, though without an element */
    assert_int_equal(output_at(&value, 1).shape[0], INT64_MAX);
    pa_value_clear(&value);
}

static void fill(pa_value *value)
{
    const int64_t shape[1] = {3};
    const double numbers[3] = {1.0, 2.0, 4.0};
    assert_ok(pa_value_add_number(value, "mean", 0.25, &err));
    assert_ok(pa_value_add_array(value, "counts", "bin", shape, 1, numbers, &err));
    assert_ok(pa_value_add_undefined(value, "skew", PA_STATE_SINGULAR, &err));
}

static void check_filled(const pa_value *value)
{
    assert_string_equal(output_at(value, 0).name, "mean");
    assert_true(output_at(value, 0).number == 0.25);
    assert_string_equal(output_at(value, 1).axes, "bin");
    assert_true(output_at(value, 1).numbers[2] == 4.0);
    assert_int_equal(output_at(value, 2).state, PA_STATE_SINGULAR);
}

static void test_a_copy_stands_by_itself_and_may_grow(void **state)
{
    (void)state;
    pa_value value = PA_VALUE_INIT;
    pa_value copy = PA_VALUE_INIT;
    fill(&value);
    assert_ok(pa_outputs_copy(&pa_allocator_default, value.outputs, &copy.outputs, &err));
    pa_value_clear(&value);
    check_filled(&copy);
    assert_ok(pa_value_add_number(&copy, "sum", 7.0, &err));
    assert_fails(pa_value_add_number(&copy, "mean", 7.0, &err), PA_ERR_EXISTS, "mean");
    check_filled(&copy);
    assert_string_equal(output_at(&copy, 3).name, "sum");
    pa_value_clear(&copy);

    assert_ok(pa_outputs_copy(&pa_allocator_default, NULL, &copy.outputs, &err));
    assert_null(copy.outputs);
    pa_outputs_destroy(NULL);
}

static pa_status copy_once(const pa_allocator *mem, void *user)
{
    pa_outputs *copy = NULL;
    const pa_status status = pa_outputs_copy(mem, user, &copy, NULL);
    assert_true((status == PA_OK) == (copy != NULL));
    pa_outputs_destroy(copy);
    return status;
}

static void test_copying_may_fail_at_every_allocation(void **state)
{
    (void)state;
    pa_value value = PA_VALUE_INIT;
    fill(&value);
    pa_test_oom_sweep(copy_once, value.outputs);
    pa_value_clear(&value);
}

/* A value that could not be extended is as it was, and may be extended later. */
static pa_status add_once(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_value value = PA_VALUE_INIT;
    const int64_t shape = 2;
    const double numbers[2] = {1.0, 2.0};
    char name[16];
    value.outputs = pa_outputs_create(mem);
    pa_status status = value.outputs != NULL ? PA_OK : PA_ERR_NOMEM;
    for (int i = 0; i < 20 && status == PA_OK; i++) {
        (void)snprintf(name, sizeof(name), "name%d", i);
        status = i % 3 == 0 ? pa_value_add_array(&value, name, "i", &shape, 1, numbers, NULL)
                            : pa_value_add_number(&value, name, i, NULL);
        assert_int_equal(pa_value_output_count(&value), i + (status == PA_OK));
    }
    pa_value_clear(&value);
    return status;
}

static void test_adding_may_fail_at_every_allocation(void **state)
{
    (void)state;
    pa_test_oom_sweep(add_once, NULL);
}

/* A user's metric: the sum, and beside it the rows' sums, the mean and one that there is not. */
static pa_status compute_sums(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                              pa_error *error)
{
    (void)user_data;
    (void)options;
    const double *x = NULL;
    double sums[16] = {0.0};
    double total = 0.0;
    const int64_t n = pa_matrix_rows(in[0]);
    const int64_t p = pa_matrix_cols(in[0]);
    pa_status status = pa_matrix_values(in[0], &x, error);
    for (int64_t i = 0; status == PA_OK && i < n * p; i++) {
        sums[i / p] += x[i];
        total += x[i];
    }
    pa_value_set(out, total);
    status = status != PA_OK ? status : pa_value_add_number(out, "mean", total / (double)(n * p), error);
    status = status != PA_OK ? status : pa_value_add_array(out, "rows", "row", &n, 1, sums, error);
    return status != PA_OK ? status : pa_value_add_undefined(out, "skew", PA_STATE_UNSUPPORTED, error);
}

static pa_status compute_none(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                              pa_error *error)
{
    (void)user_data;
    (void)options;
    (void)in;
    (void)error;
    pa_value_set(out, 1.0);
    return PA_OK;
}

static pa_status sums_of(const pa_allocator *mem, const double *x, int64_t n, int64_t p, pa_value *out)
{
    const pa_metric_ops ops = {.struct_size = sizeof(ops),
                               .name = "sums",
                               .n_inputs = 1,
                               .compute = compute_sums,
                               .outputs = "mean: the mean"};
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem, .threads = 1};
    pa_context *ctx = NULL;
    pa_matrix *m = NULL;
    pa_status s = pa_context_create(&options, &ctx, &err);
    s = s != PA_OK ? s : pa_metric_register(ctx, &ops, NULL, &err);
    s = s != PA_OK ? s : pa_matrix_from_memory(ctx, x, PA_F64, n, p, &m, &err);
    s = s != PA_OK ? s : pa_compute(ctx, "sums", NULL, (const pa_matrix *[]){m}, 1, out, &err);
    pa_matrix_destroy(m);
    pa_context_destroy(ctx);
    return s;
}

static void test_a_metric_of_a_users_returns_outputs_that_outlive_it(void **state)
{
    (void)state;
    const double x[6] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.5};
    pa_value value = PA_VALUE_INIT;
    for (int i = 0; i < 2; i++) { /* the second clears the first */
        assert_ok(sums_of(NULL, x, 2, 3, &value));
        assert_true(value.value == 21.5);
        assert_int_equal(pa_value_output_count(&value), 3);
        assert_close(output_at(&value, 0).number, 21.5 / 6.0, 1e-15);
        assert_int_equal(output_at(&value, 1).shape[0], 2);
        assert_true(output_at(&value, 1).numbers[0] == 6.0);
        assert_true(output_at(&value, 1).numbers[1] == 15.5);
        assert_int_equal(output_at(&value, 2).state, PA_STATE_UNSUPPORTED);
    }
    assert_ok(sums_of(NULL, x, 0, 3, &value)); /* never reaches the metric */
    assert_int_equal(value.state, PA_STATE_EMPTY);
    assert_null(value.outputs);
    pa_value_clear(&value);
}

static void test_a_metric_without_outputs_leaves_none(void **state)
{
    (void)state;
    const pa_metric_ops ops = {.struct_size = sizeof(ops), .name = "one", .n_inputs = 1, .compute = compute_none};
    const double x[1] = {1.0};
    pa_context *ctx = NULL;
    pa_matrix *m = NULL;
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_context_create(NULL, &ctx, &err));
    assert_ok(pa_metric_register(ctx, &ops, NULL, &err));
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F64, 1, 1, &m, &err));
    assert_ok(pa_compute(ctx, "one", NULL, (const pa_matrix *[]){m}, 1, &value, &err));
    assert_null(value.outputs);
    pa_matrix_destroy(m);
    pa_context_destroy(ctx);
}

static pa_status sums_once(const pa_allocator *mem, void *user)
{
    (void)user;
    const double x[4] = {1.0, 2.0, 3.0, 4.0};
    pa_value value = PA_VALUE_INIT;
    const pa_status status = sums_of(mem, x, 2, 2, &value);
    assert_int_equal(value.state, status == PA_OK ? PA_STATE_OK : PA_STATE_UNSET);
    assert_int_equal(pa_value_output_count(&value), status == PA_OK ? 3 : 0);
    pa_value_clear(&value);
    return status;
}

static void test_every_allocation_of_a_metric_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(sums_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outputs_come_back_in_the_order_in_which_they_were_added),
        cmocka_unit_test(test_a_number_that_is_not_finite_becomes_a_state),
        cmocka_unit_test(test_names_are_identifiers_and_occur_once),
        cmocka_unit_test(test_at_most_4096_outputs),
        cmocka_unit_test(test_an_array_needs_axes_and_sizes_that_fit),
        cmocka_unit_test(test_a_copy_stands_by_itself_and_may_grow),
        cmocka_unit_test(test_copying_may_fail_at_every_allocation),
        cmocka_unit_test(test_adding_may_fail_at_every_allocation),
        cmocka_unit_test(test_a_metric_of_a_users_returns_outputs_that_outlive_it),
        cmocka_unit_test(test_a_metric_without_outputs_leaves_none),
        cmocka_unit_test(test_every_allocation_of_a_metric_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
