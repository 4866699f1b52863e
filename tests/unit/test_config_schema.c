/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What a configuration file may say, and where an error is when it says something else. */
#include "pa_test.h"

#include "analysis/config_impl.h"
#include "metrics/metric_impl.h"

typedef struct messages {
    int count;
    char last[512];
} messages;

static void keep_message(void *user, pa_log_level level, const char *message)
{
    messages *log = user;
    assert_int_equal(level, PA_LOG_WARNING);
    log->count++;
    (void)snprintf(log->last, sizeof(log->last), "%s", message);
}

static messages heard;

static pa_context *new_context(const pa_allocator *mem)
{
    pa_error err;
    pa_context *ctx = NULL;
    memset(&heard, 0, sizeof(heard));
    const pa_context_options options = {
        .struct_size = sizeof(options), .allocator = mem, .log = keep_message, .log_user = &heard, .threads = 1};
    return pa_context_create(&options, &ctx, &err) == PA_OK ? ctx : NULL;
}

static pa_status parse(pa_context *ctx, const char *text, pa_config **out, pa_error *err)
{
    return pa_config_parse(ctx, text, (int64_t)strlen(text), "configs/demo.yaml", out, err);
}

/* The example of pico-analyze's README, as it stands there. */
static const char readme[] = "# configs/demo.yaml\n"
                             "metrics: \n"
                             "  - metric_name: cka\n"
                             "    target_checkpoint: 100\n"
                             "    data_split: \"val\"\n"
                             "    components: \n"
                             "      - component_name: ov_circuit\n"
                             "        layer_suffixes: \n"
                             "          output_layer: \"attention.o_proj\"\n"
                             "          value_layer: \"attention.v_proj\"\n"
                             "        layers: [0,1,2,3,4,5,6,7,8,9,10,11]\n"
                             "      - component_name: simple\n"
                             "        data_type: \"weights\"\n"
                             "        layer_suffixes: \"swiglu.w_2\"\n"
                             "        layers: [0,1,2,3,4,5,6,7,8,9,10,11]\n"
                             "  - metric_name: per\n"
                             "    data_split: \"train\"\n"
                             "    components: \n"
                             "      - component_name: simple\n"
                             "        data_type: \"weights\"\n"
                             "        layer_suffixes: \"swiglu.w_2\"\n"
                             "        layers: [0,1,2,3,4,5,6,7,8,9,10,11]\n"
                             "      \n"
                             "steps: \n"
                             "  start: 0\n"
                             "  end: 100\n"
                             "  step: 50\n";

static void test_the_example_of_pico_analyze_is_read_as_it_stands(void **state)
{
    (void)state;
    pa_error err;
    pa_config *config = NULL;
    pa_context *ctx = new_context(NULL);
    assert_ok(parse(ctx, readme, &config, &err));
    assert_string_equal(pa_config_name(config), "demo");
    assert_string_equal(pa_config_output_dir(config), "analysis_results");
    assert_int_equal(pa_config_compat(config), PA_COMPAT_LITERATURE);
    assert_int_equal(config->n_metrics, 2);
    const pa_config_metric *cka = &config->metrics[0];
    assert_string_equal(cka->name, "cka");
    assert_string_equal(cka->split, "val");
    assert_int_equal(cka->target.checkpoint.step, 100);
    assert_int_equal(cka->n_parts, 2);
    assert_int_equal(cka->parts[0].kind, PA_ACTIVATIONS); /* the default of comparisons */
    assert_int_equal(cka->parts[1].kind, PA_WEIGHTS);
    assert_int_equal(cka->parts[0].layers->count, 12);
    assert_string_equal(config->metrics[1].split, "train");
    assert_int_equal(config->metrics[1].target.compare, PA_COMPARE_NOTHING);
    assert_int_equal(config->n_steps, 3);
    assert_int_equal(config->steps[2], 100);
    assert_int_equal(heard.count, 0);
    pa_config_destroy(config);
    pa_config_destroy(NULL);
    pa_context_destroy(ctx);
}

#define SIMPLE "components: [{component_name: simple, layer_suffixes: swiglu.w_2}]"

static void test_absent_keys_have_defaults(void **state)
{
    (void)state;
    pa_error err;
    pa_config *config = NULL;
    pa_context *ctx = new_context(NULL);
    assert_ok(
        parse(ctx, "metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: [0]\nmonitoring:\ncompat:\n", &config, &err));
    assert_string_equal(config->metrics[0].split, "val");
    assert_int_equal(config->metrics[0].parts[0].kind, PA_WEIGHTS);
    assert_null(config->metrics[0].parts[0].layers);
    pa_config_destroy(config);
    assert_ok(parse(ctx,
                    "analysis_name: 2024\nmetrics: [{metric_name: gini, components: [{component_name: simple, "
                    "layer_suffixes: a, layers: all}, {component_name: simple, layer_suffixes: a, layers: 3}]}]\n"
                    "steps: [0]\nmonitoring: {output_dir: out/x, save_to_wandb: no, wandb: {entity: e, project: 5}}\n",
                    &config, &err));
    assert_string_equal(pa_config_name(config), "2024");
    assert_string_equal(pa_config_output_dir(config), "out/x");
    assert_null(config->metrics[0].parts[0].layers);
    assert_int_equal(config->metrics[0].parts[1].layers->integer, 3);
    assert_int_equal(heard.count, 0);
    pa_config_destroy(config);
    pa_context_destroy(ctx);
}

static void test_names_come_from_the_file(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"a/b/demo.v2.yaml", "demo.v2"},
                                           {"demo", "demo"},
                                           {".yaml", ".yaml"},
                                           {"a/", "analysis"},
                                           {"a/..", "analysis"}};
    static const char text[] = "metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: [0]\n";
    pa_context *ctx = new_context(NULL);
    for (int i = 0; i < 5; i++) {
        pa_error err;
        pa_config *config = NULL;
        assert_ok(pa_config_parse(ctx, text, (int64_t)strlen(text), names[i][0], &config, &err));
        assert_string_equal(pa_config_name(config), names[i][1]);
        pa_config_destroy(config);
    }
    pa_context_destroy(ctx);
}

static void check_steps(pa_context *ctx, const char *steps, const char *expected)
{
    char text[300];
    char got[200] = "";
    pa_error err;
    pa_config *config = NULL;
    (void)snprintf(text, sizeof(text), "metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: %s\n", steps);
    assert_ok(parse(ctx, text, &config, &err));
    for (int64_t i = 0; i < config->n_steps; i++) {
        const size_t used = strlen(got);
        (void)snprintf(got + used, sizeof(got) - used, "%s%lld", i > 0 ? " " : "", (long long)config->steps[i]);
    }
    assert_string_equal(got, expected);
    pa_config_destroy(config);
}

static void test_steps_ascend_and_never_pass_the_end(void **state)
{
    (void)state;
    pa_context *ctx = new_context(NULL);
    check_steps(ctx, "{start: 0, end: 100, step: 50}", "0 50 100");
    check_steps(ctx, "{start: 0, end: 100, step: 30}", "0 30 60 90");
    check_steps(ctx, "{start: 7, end: 7, step: 100}", "7");
    check_steps(ctx, "{start: 0, end: 50_000, step: 25_000}", "0 25000 50000");
    check_steps(ctx, "{start: 9223372036854775800, end: 9223372036854775807, step: 5}",
                "9223372036854775800 9223372036854775805");
    check_steps(ctx, "{start: 0, end: 9223372036854775807, step: 9223372036854775807}", "0 9223372036854775807");
    check_steps(ctx, "[100, 0, 50, 0, 100]", "0 50 100");
    check_steps(ctx, "[017]", "15");
    pa_context_destroy(ctx);
}

typedef struct bad {
    const char *text;
    const char *part;
} bad;

#define GOOD "steps: [0]\nmetrics: [{metric_name: gini, " SIMPLE "}]\n"

static const bad bad_table[] = {
    {"", "configs/demo.yaml:1:1: a configuration must be of type mapping, not null"},
    {"- 1\n", "configs/demo.yaml:1:1: a configuration must be of type mapping, not sequence"},
    {GOOD "stepz: 1\n", "configs/demo.yaml:3:1: unknown key 'stepz'; did you mean 'steps'?"},
    {GOOD "steps: [1]\n", "configs/demo.yaml:3:1: key 'steps' is there already, at line 1, column 1"},
    {"steps: [0]\n", "configs/demo.yaml:1:1: 'metrics' is missing"},
    {"metrics: [{metric_name: gini, " SIMPLE "}]\n", "configs/demo.yaml:1:1: 'steps' is missing"},
    {"steps: [0]\nmetrics: {}\n", "configs/demo.yaml:2:10: 'metrics' must be of type sequence, not mapping"},
    {"steps: [0]\nmetrics: []\n", "configs/demo.yaml:2:10: 'metrics' is empty"},
    {"steps: [0]\nmetrics:\n- cka\n",
     "configs/demo.yaml:3:3: an entry of 'metrics' must be of type mapping, not string"},
    {"steps: [0]\nmetrics:\n- data_split: val\n", "configs/demo.yaml:3:3: a metric needs 'metric_name'"},
    {"steps: [0]\nmetrics:\n- metric_name: [x]\n", "configs/demo.yaml:3:16: metric_name must be of type string"},
    {"steps: [0]\nmetrics:\n- metric_name: ckaa\n", "configs/demo.yaml:3:16: no metric 'ckaa'; did you mean 'cka'?"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  data_splitt: val\n",
     "configs/demo.yaml:4:3: unknown key of metric 'gini': 'data_splitt'; did you mean 'data_split'?"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  data_split: vall\n",
     "configs/demo.yaml:4:15: unknown data_split 'vall'; did you mean 'val'?"},
    {"steps: [0]\nmetrics:\n- metric_name: norm\n  norm_type: nuclaer\n",
     "configs/demo.yaml:4:14: metric 'norm': option 'norm_type' must be one of"},
    {"steps: [0]\nmetrics:\n- metric_name: cka\n  components: [{component_name: ov_circuit}]\n",
     "configs/demo.yaml:3:3: metric 'cka' compares two steps: it needs 'target_checkpoint'"},
    {"steps: [0]\nmetrics:\n- metric_name: cka\n  target_checkpoint: -1\n",
     "configs/demo.yaml:4:22: target_checkpoint is -1; it must be at least 0"},
    {"steps: [0]\nmetrics:\n- metric_name: cka\n  target_checkpoint: last\n",
     "configs/demo.yaml:4:22: unknown target_checkpoint 'last'; known: previous, initial, final"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  target_checkpoint: 1\n",
     "configs/demo.yaml:4:22: metric 'gini' compares nothing: it takes no target_checkpoint"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n", "configs/demo.yaml:3:3: metric 'gini' needs 'components'"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  components: []\n", "configs/demo.yaml:4:15: 'components' is empty"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  components: [simple]\n",
     "configs/demo.yaml:4:16: an entry of 'components' must be of type mapping"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  components: [{layers: all}]\n",
     "configs/demo.yaml:4:16: a component needs 'component_name'"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  components: [{component_name: simpel}]\n",
     "configs/demo.yaml:4:33: no component 'simpel'; did you mean 'simple'?"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  components: [{component_name: simple, data_typ: x}]\n",
     "configs/demo.yaml:4:41: unknown key of component 'simple': 'data_typ'; did you mean 'data_type'?"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  components: [{component_name: simple, data_type: weight}]\n",
     "configs/demo.yaml:4:52: unknown data_type 'weight'; did you mean 'weights'?"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  components: [{component_name: simple, layer_suffixes: a, layers: "
     "al}]\n",
     "configs/demo.yaml:4:68: 'layers' must be 'all' or a list of layer numbers"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  components: [{component_name: simple, layer_suffixes: a, layers: "
     "[]}]\n",
     "configs/demo.yaml:4:68: 'layers' must be 'all' or a list of layer numbers"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  components: [{component_name: simple, layer_suffixes: a, layers: "
     "[0, x]}]\n",
     "configs/demo.yaml:4:72: a layer must be of type integer, not string 'x'"},
    {"steps: [0]\nmetrics:\n- metric_name: gini\n  components: [{component_name: simple, layer_suffixes: a, layers: "
     "-1}]\n",
     "configs/demo.yaml:4:68: layer -1 is negative"},
    {"metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: 5\n",
     "configs/demo.yaml:2:8: 'steps' must be a list of steps or have start, end and step"},
    {"metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: []\n", "configs/demo.yaml:2:8: 'steps' is empty"},
    {"metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: [0, -5]\n",
     "configs/demo.yaml:2:12: a step is -5; it must be at least 0"},
    {"metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: [1.5]\n",
     "configs/demo.yaml:2:9: a step must be of type integer, not number '1.5'"},
    {"metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: {start: 0, end: 9}\n",
     "configs/demo.yaml:2:8: 'steps' needs 'step' (or be a list)"},
    {"metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: {start: 0, end: 9, step: 0}\n",
     "configs/demo.yaml:2:33: step is 0; it must be at least 1"},
    {"metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: {start: 10, end: 9, step: 1}\n",
     "configs/demo.yaml:2:25: end is 9, before start, which is 10"},
    {"metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: {start: 0, end: 9, stop: 1}\n",
     "configs/demo.yaml:2:27: unknown key of 'steps': 'stop'; did you mean 'step'?"},
    {"metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: {start: 0, end: 1000000, step: 1}\n",
     "configs/demo.yaml:2:8: more than 1000000 steps"},
    {"metrics: [{metric_name: gini, " SIMPLE "}]\nsteps: {start: 0, end: 9223372036854775807, step: 1}\n",
     "configs/demo.yaml:2:8: more than 1000000 steps"},
    {GOOD "analysis_name: a/b\n", "configs/demo.yaml:3:16: analysis_name 'a/b' cannot be the name of a directory"},
    {GOOD "analysis_name: ..\n", "configs/demo.yaml:3:16: analysis_name '..' cannot be the name of a directory"},
    {GOOD "analysis_name: [a]\n", "configs/demo.yaml:3:16: analysis_name must be of type string, not sequence"},
    {GOOD "compat: pica\n", "configs/demo.yaml:3:9: unknown compat 'pica'; did you mean 'pico'?"},
    {GOOD "monitoring: 1\n", "configs/demo.yaml:3:13: monitoring must be of type mapping, not integer '1'"},
    {GOOD "monitoring: {output_dri: x}\n",
     "configs/demo.yaml:3:14: unknown key of 'monitoring': 'output_dri'; did you"},
    {GOOD "monitoring: {output_dir: ''}\n", "configs/demo.yaml:3:26: output_dir is empty"},
    {GOOD "monitoring: {output_dir: [a]}\n", "configs/demo.yaml:3:26: output_dir must be of type string"},
    {GOOD "monitoring: {save_to_wandb: maybe}\n", "configs/demo.yaml:3:29: save_to_wandb must be of type boolean"},
    {GOOD "monitoring: {wandb: {entty: x}}\n", "configs/demo.yaml:3:22: unknown key of 'wandb': 'entty'; did you"},
    {GOOD "monitoring: {wandb: {entity: [x]}}\n", "configs/demo.yaml:3:30: entity must be of type string"},
};

static void test_errors_name_the_exact_place_and_the_nearest_name(void **state)
{
    (void)state;
    pa_context *ctx = new_context(NULL);
    for (size_t i = 0; i < sizeof(bad_table) / sizeof(bad_table[0]); i++) {
        pa_error err;
        pa_config *config = (pa_config *)&err;
        assert_fails(parse(ctx, bad_table[i].text, &config, &err), PA_ERR_CONFIG, bad_table[i].part);
        assert_null(config);
    }
    pa_context_destroy(ctx);
}

static void test_compat_of_an_entry_outranks_that_of_the_file(void **state)
{
    (void)state;
    pa_error err;
    pa_config *config = NULL;
    pa_context *ctx = new_context(NULL);
    assert_ok(parse(ctx,
                    "compat: pico\nsteps: [0]\nmetrics:\n- {metric_name: gini, " SIMPLE "}\n"
                    "- {metric_name: gini, compat: literature, " SIMPLE "}\n",
                    &config, &err));
    assert_int_equal(pa_config_compat(config), PA_COMPAT_PICO);
    assert_int_equal(pa_options_compat(pa_metric_options(config->metrics[0].metric)), PA_COMPAT_PICO);
    assert_int_equal(pa_options_compat(pa_metric_options(config->metrics[1].metric)), PA_COMPAT_LITERATURE);
    pa_config_set_compat(config, PA_COMPAT_LITERATURE);
    assert_int_equal(pa_options_compat(pa_metric_options(config->metrics[0].metric)), PA_COMPAT_LITERATURE);
    pa_config_set_compat(config, PA_COMPAT_PICO);
    assert_int_equal(pa_options_compat(pa_metric_options(config->metrics[1].metric)), PA_COMPAT_LITERATURE);
    pa_config_destroy(config);
    pa_context_destroy(ctx);
}

static void test_what_cannot_be_honoured_is_said_once(void **state)
{
    (void)state;
    pa_error err;
    pa_config *config = NULL;
    pa_context *ctx = new_context(NULL);
    assert_ok(parse(ctx, GOOD "monitoring:\n  save_to_wandb: true\n  wandb: {entity: e, project: p}\n", &config, &err));
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.last, "configs/demo.yaml:4:18: save_to_wandb: this version does not write to wandb");
    pa_config_destroy(config);
    pa_context_destroy(ctx);
}

static void test_bad_arguments_are_refused(void **state)
{
    (void)state;
    pa_error err;
    pa_config *config = NULL;
    pa_context *ctx = new_context(NULL);
    assert_fails(pa_config_parse(ctx, NULL, 0, "x", &config, &err), PA_ERR_INVALID, "NULL");
    assert_fails(pa_config_parse(ctx, "", -1, "x", &config, &err), PA_ERR_INVALID, "length -1");
    assert_fails(pa_config_parse(NULL, "", 0, "x", &config, &err), PA_ERR_INVALID, "NULL");
    assert_fails(pa_config_parse(ctx, "", 0, "x", NULL, &err), PA_ERR_INVALID, "NULL");
    assert_fails(pa_config_load(ctx, NULL, &config, &err), PA_ERR_INVALID, "NULL");
    assert_fails(pa_config_load(ctx, "no/such.yaml", &config, &err), PA_ERR_NOT_FOUND, "no/such.yaml");
    assert_int_equal(pa_config_parse(ctx, "", 0, "x", &config, NULL), PA_ERR_CONFIG);
    pa_context_destroy(ctx);
}

static pa_status parse_readme(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_error err;
    pa_config *config = NULL;
    pa_context *ctx = new_context(mem);
    const pa_status status = ctx != NULL ? parse(ctx, readme, &config, &err) : PA_ERR_NOMEM;
    pa_config_destroy(config);
    pa_context_destroy(ctx);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(parse_readme, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example_of_pico_analyze_is_read_as_it_stands),
        cmocka_unit_test(test_absent_keys_have_defaults),
        cmocka_unit_test(test_names_come_from_the_file),
        cmocka_unit_test(test_steps_ascend_and_never_pass_the_end),
        cmocka_unit_test(test_errors_name_the_exact_place_and_the_nearest_name),
        cmocka_unit_test(test_compat_of_an_entry_outranks_that_of_the_file),
        cmocka_unit_test(test_what_cannot_be_honoured_is_said_once),
        cmocka_unit_test(test_bad_arguments_are_refused),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
