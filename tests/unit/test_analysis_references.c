/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Second checkpoints of components: what a matrix is built of beside its own step.
 */
#include "target_kit.h"

/* ||A - B||^2 of the weights of val. */
static double distance_squared(int64_t a, int64_t b, int64_t layer)
{
    const kit_place x = kit_at(a, 1, layer);
    const kit_place y = kit_at(b, 1, layer);
    return kit_inner_of(x, x) - 2.0 * kit_inner_of(x, y) + kit_inner_of(y, y);
}

static void test_a_component_gets_its_second_checkpoint(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    atomic_int builds;
    atomic_init(&builds, 0);
    kit_start(&t, 4, &builds);
    assert_ok(tiny_execute(
        &t, "steps: [10, 20, 40]\nmetrics:\n- {metric_name: norm, " KIT_DELTA("0") "- {metric_name: norm, " KIT_DELTA(
                "initial") "- {metric_name: norm, " KIT_DELTA("final") "- {metric_name: norm, " KIT_DELTA("previous")));
    assert_string_equal(t.log.text, "no step before step 10 for 'delta': norm skipped there\n");
    assert_int_equal(pa_results_count(t.results), 3 * 9 + 2 * 3);
    assert_int_equal(atomic_load(&builds), 3 * 9 + 2 * 3);
    for (int64_t i = 0; i < pa_results_count(t.results); i++) {
        const pa_result_row row = tiny_row(&t, i);
        const int64_t previous = row.step == 40 ? 20 : 10;
        const int64_t reference = strstr(row.file, "final") != NULL      ? 40
                                  : strstr(row.file, "previous") != NULL ? previous
                                                                         : 0;
        assert_close(row.value.value * row.value.value, distance_squared(row.step, reference, row.layer), 1e-12);
    }
    assert_string_equal(tiny_row(&t, 0).file, "norm_val");
    assert_string_equal(tiny_row(&t, 3).file, "norm_val.delta,reference=initial");
    tiny_end(&t);
}

static void test_what_is_built_for_a_reference_is_compared_with_that_of_its_own(void **state)
{
    (void)state;
    tiny t;
    pa_error err;
    kit_start(&t, 1, NULL);
    assert_ok(tiny_execute(
        &t,
        "steps: [0, 10, 20]\nmetrics:\n- {metric_name: ordered, target_checkpoint: previous, " KIT_DELTA("previous")));
    /* At 0 there is nothing, at 10 its counterpart would need a step before 0. */
    assert_string_equal(t.log.text, "no step before step 0 for 'delta': ordered skipped there\n");
    assert_int_equal(pa_results_count(t.results), 3);
    for (int64_t i = 0; i < 3; i++) {
        const pa_result_row row = tiny_row(&t, i);
        assert_int_equal(row.step, 20);
        assert_close(row.value.value,
                     sqrt(distance_squared(20, 10, row.layer)) - 1000.0 * sqrt(distance_squared(10, 0, row.layer)),
                     1e-12);
    }
    tiny_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_component_gets_its_second_checkpoint),
        cmocka_unit_test(test_what_is_built_for_a_reference_is_compared_with_that_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
