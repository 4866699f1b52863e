/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Metrics of a user's own: the same door as the built-ins, and no way to bring the library out of step. */
#include "pa_metric_test.h"

static int destroyed;

static void count_destroy(void *user_data)
{
    (void)user_data;
    destroyed++;
}

/* Behaves as its option says. */
static pa_status play(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                      pa_error *e)
{
    (void)in;
    const char *act = pa_options_string(options, "act");
    if (strcmp(act, "good") == 0) {
        pa_value_set(out, *(const double *)user_data + pa_options_real(options, "more"));
    } else if (strcmp(act, "nan") == 0) {
        pa_value_set(out, NAN);
    } else if (strcmp(act, "raw_inf") == 0) {
        out->value = INFINITY;
        out->state = PA_STATE_OK;
    } else if (strcmp(act, "fail") == 0) {
        (void)e;
        return PA_ERR_SHAPE;
    } else if (strcmp(act, "positive") == 0) {
        return 17;
    }
    return PA_OK; /* "silent": success without a value */
}

static const pa_option_spec options[] = {
    {.name = "act", .type = PA_OPTION_CHOICE, .choices = "good|nan|raw_inf|fail|positive|silent", .fallback = "good"},
    {.name = "more", .type = PA_OPTION_REAL, .fallback = "0.5"},
};

static pa_metric_ops own_ops(void)
{
    pa_metric_ops ops = {.struct_size = sizeof(ops),
                         .name = "mine",
                         .n_inputs = 1,
                         .options = options,
                         .n_options = 2,
                         .compute = play,
                         .destroy = count_destroy};
    return ops;
}

static pa_status compute_mine(pa_context *own, const char *text, pa_value *value)
{
    const double x[2] = {1, 2};
    pa_matrix *m = NULL;
    pa_status status = pa_matrix_from_memory(own, x, PA_F64, 1, 2, &m, &err);
    if (status == PA_OK) {
        status = pa_compute(own, "mine", text, (const pa_matrix *[]){m}, 1, value, &err);
    }
    pa_matrix_destroy(m);
    return status;
}

static void test_a_metric_of_ones_own_is_computed_with_its_options(void **state)
{
    (void)state;
    double base = 2.0;
    const pa_metric_ops ops = own_ops();
    pa_context *own = NULL;
    assert_ok(pa_context_create(NULL, &own, &err));
    assert_ok(pa_metric_register(own, &ops, &base, &err));
    pa_value value = PA_VALUE_INIT;
    assert_ok(compute_mine(own, "more: 40.5", &value));
    assert_int_equal(value.state, PA_STATE_OK);
    assert_true(value.value == 42.5);
    assert_ok(compute_mine(own, NULL, &value));
    assert_true(value.value == 2.5);
    destroyed = 0;
    pa_context_destroy(own);
    assert_int_equal(destroyed, 1);
}

static void test_misbehaving_metrics_are_told_apart(void **state)
{
    (void)state;
    double base = 0.0;
    const pa_metric_ops ops = own_ops();
    pa_context *own = NULL;
    assert_ok(pa_context_create(NULL, &own, &err));
    assert_ok(pa_metric_register(own, &ops, &base, &err));
    pa_value value = PA_VALUE_INIT;
    assert_ok(compute_mine(own, "act: nan", &value));
    assert_int_equal(value.state, PA_STATE_NONFINITE);
    assert_true(value.value == 0.0);
    assert_ok(compute_mine(own, "act: raw_inf", &value));
    assert_int_equal(value.state, PA_STATE_NONFINITE);
    assert_true(value.value == 0.0);
    pa_value_init(&value, sizeof(value));
    assert_fails(compute_mine(own, "act: fail", &value), PA_ERR_SHAPE, "metric 'mine' returned -10");
    assert_fails(compute_mine(own, "act: positive", &value), PA_ERR_CALLBACK, "metric 'mine' returned 17");
    assert_fails(compute_mine(own, "act: silent", &value), PA_ERR_CALLBACK, "without setting a value");
    assert_int_equal(value.state, PA_STATE_UNSET);
    assert_fails(compute_mine(own, "act: god", &value), PA_ERR_CONFIG, "good");
    assert_fails(compute_mine(own, "acts: good", &value), PA_ERR_CONFIG, "'act'");
    assert_fails(compute_mine(own, "more: yes", &value), PA_ERR_CONFIG, "more");
    pa_context_destroy(own);
}

static void test_malformed_registrations_are_refused_and_stay_the_callers(void **state)
{
    (void)state;
    pa_context *own = NULL;
    assert_ok(pa_context_create(NULL, &own, &err));
    const int64_t before = pa_metric_count(own);
    destroyed = 0;
    pa_metric_ops ops = own_ops();
    ops.name = "Mine!";
    assert_fails(pa_metric_register(own, &ops, NULL, &err), PA_ERR_INVALID, "Mine!");
    ops.name = NULL;
    assert_fails(pa_metric_register(own, &ops, NULL, &err), PA_ERR_INVALID, "name");
    ops = own_ops();
    ops.n_inputs = 3;
    assert_fails(pa_metric_register(own, &ops, NULL, &err), PA_ERR_INVALID, "3 inputs");
    ops = own_ops();
    ops.compute = NULL;
    assert_fails(pa_metric_register(own, &ops, NULL, &err), PA_ERR_INVALID, "no compute");
    ops = own_ops();
    ops.struct_size = 8;
    assert_fails(pa_metric_register(own, &ops, NULL, &err), PA_ERR_INVALID, "struct_size");
    ops = own_ops();
    ops.name = "cka";
    assert_fails(pa_metric_register(own, &ops, NULL, &err), PA_ERR_EXISTS, "cka");
    assert_fails(pa_metric_register(own, NULL, NULL, &err), PA_ERR_INVALID, "struct_size");
    assert_int_equal(pa_metric_count(own), before);
    pa_context_destroy(own);
    assert_int_equal(destroyed, 0);
}

static void test_unknown_metrics_name_the_nearest(void **state)
{
    (void)state;
    const double x[2] = {1, 2};
    pa_matrix *m = NULL;
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F64, 1, 2, &m, &err));
    assert_fails(pa_compute(ctx, "pwca", NULL, (const pa_matrix *[]){m}, 1, &value, &err), PA_ERR_NOT_FOUND,
                 "did you mean 'pwcca'?");
    assert_fails(pa_compute(ctx, "cka", NULL, (const pa_matrix *[]){m}, 1, &value, &err), PA_ERR_INVALID,
                 "reads 2 matrices, not 1");
    assert_fails(pa_compute(ctx, "norm", "norm_type: nuclaer", (const pa_matrix *[]){m}, 1, &value, &err),
                 PA_ERR_CONFIG, "nuclear");
    value.struct_size = 4;
    assert_fails(pa_compute(ctx, "norm", NULL, (const pa_matrix *[]){m}, 1, &value, &err), PA_ERR_INVALID,
                 "struct_size");
    pa_matrix_destroy(m);
}

static void test_what_is_registered_can_be_listed(void **state)
{
    (void)state;
    const char *last = "";
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        const pa_metric_ops *ops = pa_metric_describe(ctx, i);
        assert_true(strcmp(last, ops->name) < 0);
        assert_true(ops->description[0] != '\0' && ops->paper[0] != '\0');
        last = ops->name;
    }
    assert_null(pa_metric_describe(ctx, -1));
    assert_null(pa_metric_describe(ctx, pa_metric_count(ctx)));
}

static pa_status register_and_compute(const pa_allocator *mem, void *user)
{
    const pa_context_options opts = {.struct_size = sizeof(opts), .allocator = mem};
    const pa_metric_ops ops = own_ops();
    pa_context *own = NULL;
    pa_value value = PA_VALUE_INIT;
    pa_status status = pa_context_create(&opts, &own, NULL);
    if (status == PA_OK) {
        status = pa_metric_register(own, &ops, user, NULL);
    }
    if (status == PA_OK) {
        status = compute_mine(own, "act: good, more: 3", &value);
    }
    pa_context_destroy(own);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    double base = 1.0;
    pa_test_oom_sweep(register_and_compute, &base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_metric_of_ones_own_is_computed_with_its_options),
        cmocka_unit_test(test_misbehaving_metrics_are_told_apart),
        cmocka_unit_test(test_malformed_registrations_are_refused_and_stay_the_callers),
        cmocka_unit_test(test_unknown_metrics_name_the_nearest),
        cmocka_unit_test(test_what_is_registered_can_be_listed),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
