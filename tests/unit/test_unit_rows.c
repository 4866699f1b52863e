/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Rows of units as bytes: back as they were, and nothing else is taken for them.
 */
#include <float.h>

#include "analysis/unit_rows.h"
#include "base/alloc.h"
#include "base/outputs.h"
#include "tiny_run.h"

static const char yaml[] =
    "steps: [10, 20]\nmetrics:\n"
    "- {metric_name: norm, components: [{component_name: ov_circuit, data_type: weights, layers: "
    "[0, 2]}]}\n"
    "- {metric_name: gini, components: [{component_name: ov_circuit, data_type: weights}]}\n";

static const pa_plan *plan_of(tiny *t)
{
    pa_error err;
    assert_ok(tiny_start(t, NULL, 1));
    assert_ok(tiny_plan(t, yaml));
    return &t->analysis->plan;
}

static pa_value make_value(double number, const char *note)
{
    pa_value value = PA_VALUE_INIT;
    pa_value_set(&value, number);
    pa_value_set_definition(&value, "some2026", "debiased");
    value.dtype = PA_BF16;
    value.n = INT64_MAX;
    value.p = 1;
    value.rank = -1;
    value.rank_storage = 0;
    value.nonfinite = 1LL << 40;
    (void)snprintf(value.note, sizeof(value.note), "%s", note);
    return value;
}

static const int64_t array_shape[2] = {2, 2};
static const double array_numbers[4] = {-0.0, DBL_TRUE_MIN, DBL_MAX, 1.0 / 3.0};

static void add_outputs(pa_value *value)
{
    pa_error err;
    const int64_t none = 0;
    assert_ok(pa_value_add_number(value, "mean", -0.0, &err));
    assert_ok(pa_value_add_array(value, "pairs", "row,column", array_shape, 2, array_numbers, &err));
    assert_ok(pa_value_add_undefined(value, "skew", PA_STATE_SATURATED, &err));
    assert_ok(pa_value_add_array(value, "none", "i", &none, 1, NULL, &err));
}

/* Unit 5: step 20, layer 2, whose items are 1 (norm) and 4 (gini). */
static pa_text encode(const pa_plan *plan)
{
    pa_text bytes = {.mem = &pa_allocator_default};
    pa_error err;
    char longest[96];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    pa_unit_row rows[] = {
        {.item = 1, .head = -1, .key = "layers.2.a", .value = make_value(-0.0, "")},
        {.item = 1, .head = 3, .key = "", .value = make_value(DBL_TRUE_MIN, longest)},
        {.item = 1, .head = INT64_MAX, .key = "b", .value = make_value(-DBL_MAX, "note")},
        {.item = 4, .skipped = 1, .kind = PA_GRADIENTS, .skip_step = 40},
    };
    add_outputs(&rows[1].value);
    assert_ok(pa_unit_rows_begin(plan, 5, &bytes, &err));
    for (int i = 0; i < 4; i++) {
        assert_ok(pa_unit_rows_add(&bytes, &rows[i], &err));
    }
    assert_ok(pa_unit_rows_end(&bytes, &err));
    pa_value_clear(&rows[1].value);
    return bytes;
}

static void test_units_are_numbered_by_step_and_layer(void **state)
{
    (void)state;
    tiny t;
    const pa_plan *plan = plan_of(&t);
    assert_int_equal(pa_units_count(plan), 6);
    for (int64_t u = 0; u < 6; u++) {
        const pa_unit_place place = pa_unit_at(plan, u);
        assert_int_equal(place.step_number, u / 3);
        assert_int_equal(place.step, u < 3 ? 10 : 20);
        assert_int_equal(place.layer_number, u % 3);
        assert_int_equal(place.layer, u % 3);
    }
    tiny_end(&t);
}

static void test_rows_come_back_as_they_were(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    int64_t unit = -1;
    int64_t values = -1;
    pa_unit_row row;
    const pa_plan *plan = plan_of(&t);
    pa_text bytes = encode(plan);
    assert_ok(pa_unit_rows_check(plan, bytes.data, bytes.length, &unit, &values, &err));
    assert_int_equal(unit, 5);
    assert_int_equal(values, 3); /* and a row that was skipped */
    pa_unit_reader reader = pa_unit_rows_read(bytes.data, bytes.length);

    assert_int_equal(pa_unit_rows_next(&reader, &row), 1);
    const pa_value first = make_value(-0.0, "");
    assert_int_equal(row.item, 1);
    assert_int_equal(row.skipped, 0);
    assert_int_equal(row.head, -1);
    assert_string_equal(row.key, "layers.2.a");
    assert_memory_equal(&row.value.value, &first.value, sizeof(double));
    assert_int_equal(row.value.state, PA_STATE_OK);
    assert_int_equal(row.value.dtype, PA_BF16);
    assert_int_equal(row.value.n, INT64_MAX);
    assert_int_equal(row.value.p, 1);
    assert_int_equal(row.value.rank, -1);
    assert_int_equal(row.value.rank_storage, 0);
    assert_int_equal(row.value.nonfinite, 1LL << 40);
    assert_string_equal(row.value.definition, "some2026");
    assert_string_equal(row.value.estimator, "debiased");
    assert_string_equal(row.value.note, "");

    assert_int_equal(pa_unit_rows_next(&reader, &row), 1);
    assert_true(row.value.value == DBL_TRUE_MIN);
    assert_string_equal(row.key, "");
    assert_int_equal(strlen(row.value.note), 95);
    assert_int_equal(pa_unit_rows_next(&reader, &row), 1);
    assert_true(row.value.value == -DBL_MAX);
    assert_int_equal(row.head, INT64_MAX);

    assert_int_equal(pa_unit_rows_next(&reader, &row), 1);
    assert_int_equal(row.item, 4);
    assert_int_equal(row.skipped, 1);
    assert_int_equal(row.kind, PA_GRADIENTS);
    assert_int_equal(row.skip_step, 40);
    assert_int_equal(pa_unit_rows_next(&reader, &row), 0);
    assert_int_equal(pa_unit_rows_next(&reader, &row), 0);
    pa_text_free(&bytes);
    tiny_end(&t);
}

static pa_output output_of(const pa_value *value, int64_t index)
{
    pa_error err;
    pa_output out = {.struct_size = sizeof(out)};
    assert_ok(pa_value_output(value, index, &out, &err));
    return out;
}

/* The second row of encode(), whose bytes live as long as those. */
static pa_unit_row row_with_outputs(const pa_text *bytes)
{
    pa_unit_row row;
    pa_unit_reader reader = pa_unit_rows_read(bytes->data, bytes->length);
    assert_int_equal(pa_unit_rows_next(&reader, &row), 1);
    assert_int_equal(row.n_outputs, 0);
    assert_int_equal(pa_unit_rows_next(&reader, &row), 1);
    assert_null(row.value.outputs);
    return row;
}

static void test_outputs_come_back_as_they_were(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    pa_text bytes = encode(plan_of(&t));
    const pa_unit_row row = row_with_outputs(&bytes);
    pa_value value = PA_VALUE_INIT;
    const double minus_zero = -0.0;
    assert_ok(pa_unit_row_outputs(&row, &pa_allocator_default, &value.outputs, &err));
    assert_int_equal(pa_value_output_count(&value), 4);

    const pa_output mean = output_of(&value, 0);
    assert_string_equal(mean.name, "mean");
    assert_int_equal(mean.state, PA_STATE_OK);
    assert_memory_equal(&mean.number, &minus_zero, sizeof(double));
    const pa_output pairs = output_of(&value, 1);
    assert_string_equal(pairs.name, "pairs");
    assert_string_equal(pairs.axes, "row,column");
    assert_int_equal(pairs.ndim, 2);
    assert_memory_equal(pairs.shape, array_shape, sizeof(array_shape));
    assert_memory_equal(pairs.numbers, array_numbers, sizeof(array_numbers));
    const pa_output skew = output_of(&value, 2);
    assert_string_equal(skew.name, "skew");
    assert_int_equal(skew.ndim, 0);
    assert_int_equal(skew.state, PA_STATE_SATURATED);
    const pa_output none = output_of(&value, 3);
    assert_int_equal(none.ndim, 1);
    assert_int_equal(none.shape[0], 0);
    pa_value_clear(&value);
    pa_text_free(&bytes);
    tiny_end(&t);
}

static pa_status read_outputs(const pa_allocator *mem, void *user)
{
    pa_outputs *outputs = NULL;
    const pa_status status = pa_unit_row_outputs(user, mem, &outputs, NULL);
    assert_true((status == PA_OK) == (outputs != NULL));
    pa_outputs_destroy(outputs);
    return status;
}

static void test_memory_that_is_short_is_not_taken_for_damage(void **state)
{
    (void)state;
    tiny t;
    pa_text bytes = encode(plan_of(&t));
    pa_unit_row row = row_with_outputs(&bytes);
    pa_test_oom_sweep(read_outputs, &row);
    pa_text_free(&bytes);
    tiny_end(&t);
}

/* A copy in a block of exactly that size: a sanitizer sees whoever reads beyond it. */
static pa_status check_copy(const pa_plan *plan, const char *bytes, int64_t length, pa_error *err)
{
    int64_t unit = -1;
    int64_t values = 0;
    char *copy = malloc((size_t)length + (length == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, (size_t)length);
    const pa_status status = pa_unit_rows_check(plan, copy, length, &unit, &values, err);
    assert_true((status == PA_OK) == (unit >= 0));
    if (status == PA_OK) {
        pa_unit_row row;
        pa_unit_reader reader = pa_unit_rows_read(copy, length);
        while (pa_unit_rows_next(&reader, &row)) {
            pa_outputs *outputs = NULL;
            assert_true(row.item >= 0 && row.item < plan->n_items);
            const pa_status read = pa_unit_row_outputs(&row, &pa_allocator_default, &outputs, err);
            assert_true(read == PA_OK || read == PA_ERR_FORMAT);
            pa_outputs_destroy(outputs);
        }
    }
    free(copy);
    return status;
}

static void test_whatever_is_cut_or_longer_is_refused(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    const pa_plan *plan = plan_of(&t);
    pa_text bytes = encode(plan);
    for (int64_t length = 0; length < bytes.length; length++) {
        assert_fails(check_copy(plan, bytes.data, length, &err), PA_ERR_FORMAT, "the values of ");
    }
    assert_ok(pa_text_append_bytes(&bytes, "E", 1, &err));
    assert_fails(check_copy(plan, bytes.data, bytes.length, &err), PA_ERR_FORMAT, "do not end well");
    pa_text_free(&bytes);
    tiny_end(&t);
}

static void test_any_bytes_are_taken_or_refused_and_nothing_else(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    const pa_plan *plan = plan_of(&t);
    pa_text bytes = encode(plan);
    for (int64_t at = 0; at < bytes.length; at++) {
        const char before = bytes.data[at];
        for (int change = 1; change < 256; change++) {
            bytes.data[at] = (char)(before ^ change);
            const pa_status status = check_copy(plan, bytes.data, bytes.length, &err);
            assert_true(status == PA_OK || status == PA_ERR_FORMAT);
        }
        bytes.data[at] = before;
    }
    pa_text_free(&bytes);
    tiny_end(&t);
}

static void expect_refused(const pa_plan *plan, int64_t unit, const pa_unit_row *rows, int n)
{
    pa_error err;
    pa_text bytes = {.mem = &pa_allocator_default};
    assert_ok(pa_unit_rows_begin(plan, unit, &bytes, &err));
    for (int i = 0; i < n; i++) {
        assert_ok(pa_unit_rows_add(&bytes, &rows[i], &err));
    }
    assert_ok(pa_unit_rows_end(&bytes, &err));
    assert_fails(check_copy(plan, bytes.data, bytes.length, &err), PA_ERR_FORMAT, "damaged at byte");
    pa_text_free(&bytes);
}

static void test_rows_that_the_plan_does_not_have_are_refused(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    const pa_plan *plan = plan_of(&t);
    pa_unit_row rows[2] = {{.item = 1, .head = -1, .key = "k", .value = make_value(1.0, "")},
                           {.item = 4, .head = -1, .key = "k", .value = make_value(1.0, "")}};
    const pa_unit_row swapped[2] = {rows[1], rows[0]};
    expect_refused(plan, 5, swapped, 2);
    expect_refused(plan, 4, rows, 1); /* the items are of layer 2, the unit of layer 1 */
    rows[0].item = -1;
    expect_refused(plan, 5, rows, 1);
    rows[0].item = plan->n_items;
    expect_refused(plan, 5, rows, 1);
    rows[0].item = 1;
    rows[0].value.value = NAN;
    expect_refused(plan, 5, rows, 1);
    rows[0].value.value = 1.0;
    rows[0].value.state = PA_STATE_UNSET;
    expect_refused(plan, 5, rows, 1);

    pa_text bytes = encode(plan); /* of step 20, which another plan does not have */
    tiny_reset(&t);
    assert_ok(
        tiny_plan(&t, "steps: [10]\nmetrics: [{metric_name: gini, components: [{component_name: ov_circuit}]}]\n"));
    assert_fails(check_copy(&t.analysis->plan, bytes.data, bytes.length, &err), PA_ERR_FORMAT, "not asked for");
    pa_text_free(&bytes);
    tiny_end(&t);
}

/* The name of an output, changed in place to what no output is called. */
static void rename_output(pa_text *bytes, const char *name, const char *other)
{
    for (int64_t at = 0; at + (int64_t)strlen(name) < bytes->length; at++) {
        if (memcmp(bytes->data + at, name, strlen(name) + 1) == 0) {
            memcpy(bytes->data + at, other, strlen(other));
            return;
        }
    }
    fail_msg("'%s' is not there", name);
}

static void test_outputs_that_no_value_has_are_damage(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"mean", "me-n"}, {"none", "mean"}, {"row,column", "row;column"}};
    for (int i = 0; i < 3; i++) {
        tiny t;
        pa_error err;
        pa_outputs *outputs = NULL;
        pa_text bytes = encode(plan_of(&t));
        rename_output(&bytes, names[i][0], names[i][1]);
        const pa_unit_row row = row_with_outputs(&bytes);
        assert_fails(pa_unit_row_outputs(&row, &pa_allocator_default, &outputs, &err), PA_ERR_FORMAT, "is damaged");
        assert_null(outputs);
        pa_text_free(&bytes);
        tiny_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_are_numbered_by_step_and_layer),
        cmocka_unit_test(test_rows_come_back_as_they_were),
        cmocka_unit_test(test_outputs_come_back_as_they_were),
        cmocka_unit_test(test_memory_that_is_short_is_not_taken_for_damage),
        cmocka_unit_test(test_outputs_that_no_value_has_are_damage),
        cmocka_unit_test(test_whatever_is_cut_or_longer_is_refused),
        cmocka_unit_test(test_any_bytes_are_taken_or_refused_and_nothing_else),
        cmocka_unit_test(test_rows_that_the_plan_does_not_have_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
