/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Each allocation of a whole analysis fails once, and for ever: with every kind of target and values along the run.
 */
#include "pa_test_files.h"
#include "target_kit.h"

static pa_status whole_analysis(const pa_allocator *mem, void *user)
{
    tiny t;
    pa_status status = tiny_start(&t, mem, 1);
    if (status == PA_OK) {
        status = kit_register(t.ctx, NULL, &t.err);
    }
    if (status == PA_OK) {
        status = tiny_execute(&t, user);
    }
    tiny_end(&t);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
#define ONE "components: [{component_name: counted, data_type: weights, layers: [0, 1]}]}\n"
    static char every[2000];
    const char *data = getenv("PA_TEST_DATA");
    pa_test_format(
        every, sizeof(every),
        "steps: [0, 10]\nmetrics:\n- {metric_name: trail, " ONE
        "- {metric_name: pooled, target_checkpoint: previous, " ONE
        "- {metric_name: ordered, target_checkpoint: initial, " ONE "- {metric_name: ordered, target_split: train, " ONE
        "- {metric_name: inner, matrix: steps, " ONE "- {metric_name: inner, matrix: layers, " ONE
        "- {metric_name: inner, target_run: %s/tiny_run, " ONE "- {metric_name: inner, " KIT_PAIRS
        "- {metric_name: norm, components: [{component_name: delta, data_type: weights, reference: previous, "
        "layers: 0}]}\n",
        data != NULL ? data : "tests/data");
    pa_test_oom_sweep(whole_analysis, every);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
