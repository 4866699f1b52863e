/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Options: read, checked, completed, written back. */
#include "pa_test.h"

#include "base/alloc.h"
#include "base/options_impl.h"

static const pa_option_spec specs[] = {
    {.name = "debiased", .type = PA_OPTION_BOOL, .fallback = "false"},
    {.name = "count", .type = PA_OPTION_INT, .fallback = "10"},
    {.name = "epsilon", .type = PA_OPTION_REAL, .fallback = "1e-6"},
    {.name = "norm_type", .type = PA_OPTION_CHOICE, .fallback = "frobenius", .choices = "frobenius|nuclear|inf|l1"},
    {.name = "label", .type = PA_OPTION_STRING, .fallback = ""},
    {.name = "heads", .type = PA_OPTION_LIST, .fallback = "all"},
    {.name = "edges", .type = PA_OPTION_LIST, .fallback = "0, 0.5, 1"},
};
enum { N_SPECS = 7 };
static const pa_option_spec required = {.name = "k", .type = PA_OPTION_INT};
static const char *const other_keys[] = {"metric_name", "components"};

static pa_status make(const pa_allocator *mem, const char *text, pa_options **out, pa_error *err)
{
    pa_yaml *yaml = NULL;
    pa_status status = pa_options_parse_text(mem, text, &yaml, err);
    if (status == PA_OK) {
        const pa_options_request request = {mem,  "metric 'norm'",    specs,      N_SPECS,
                                            yaml, pa_yaml_root(yaml), other_keys, 2};
        status = pa_options_create(&request, out, err);
    }
    pa_yaml_destroy(yaml); /* options must not need it */
    return status;
}

static void refuse(const char *text, const char *part)
{
    pa_error err;
    pa_options *options = (pa_options *)&err;
    assert_fails(make(&pa_allocator_default, text, &options, &err), PA_ERR_CONFIG, part);
    assert_null(options);
}

static void test_absent_options_have_their_defaults(void **state)
{
    (void)state;
    static const char *const texts[] = {NULL, "", "norm_type: , label:", "metric_name: norm, components: [1, {a: b}]"};
    for (int i = 0; i < 4; i++) {
        pa_error err;
        pa_options *options = NULL;
        assert_ok(make(&pa_allocator_default, texts[i], &options, &err));
        assert_int_equal(pa_options_bool(options, "debiased"), 0);
        assert_int_equal(pa_options_int(options, "count"), 10);
        assert_close(pa_options_real(options, "epsilon"), 1e-6, 1e-15);
        assert_string_equal(pa_options_string(options, "norm_type"), "frobenius");
        assert_string_equal(pa_options_string(options, "label"), "");
        assert_int_equal(pa_options_compat(options), PA_COMPAT_LITERATURE);
        assert_string_equal(pa_options_text(options), "");
        pa_options_destroy(options);
    }
}

static void test_given_options_are_read_and_written_back(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"debiased: yes", "debiased: true"},
        {"debiased: false, count: 10, epsilon: 0.000001", ""},
        {"count: 50_000", "count: 50000"},
        {"epsilon: 1e-9", "epsilon: 1e-09"},
        {"epsilon: 2", "epsilon: 2.0"},
        {"norm_type: 'l1'", "norm_type: l1"},
        {"norm_type: inf, debiased: on", "debiased: true, norm_type: inf"},
        {"label: a b", "label: \"a b\""},
        {"label: 'yes'", "label: \"yes\""},
        {"label: \"q\\\"\\\\\\n\"", "label: \"q\\\"\\\\\\x0a\""},
        {"label: swiglu.w_2", "label: swiglu.w_2"},
        {"compat: pico", ""},
        {"heads: [0, 3]", "heads: [0, 3]"},
        {"heads: 3", "heads: [3]"},
        {"heads: '0 , 3'", "heads: [0, 3]"},
        {"heads: [all], edges: [0, 0.5, 1]", ""},
        {"heads: []", "heads: []"},
        {"heads: [-1, 'a b', attention.v_proj, 1e5, -, +0.5]",
         "heads: [-1, \"a b\", attention.v_proj, 1e5, \"-\", +0.5]"},
        {"heads: [yes, null, ~]", "heads: [\"yes\", \"null\", \"~\"]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pa_error err;
        pa_options *options = NULL;
        pa_options *again = NULL;
        pa_text difference = {.mem = &pa_allocator_default};
        assert_ok(make(&pa_allocator_default, cases[i][0], &options, &err));
        assert_string_equal(pa_options_text(options), cases[i][1]);
        assert_ok(make(&pa_allocator_default, pa_options_text(options), &again, &err));
        assert_string_equal(pa_options_text(again), cases[i][1]);
        assert_ok(pa_options_difference(options, again, &difference, &err));
        assert_int_equal(difference.length, 0);
        pa_options_destroy(options);
        pa_options_destroy(again);
    }
}

static void test_lists_are_given_with_commas_between(void **state)
{
    (void)state;
    pa_options *options = NULL;
    pa_error err;
    assert_ok(make(&pa_allocator_default, "heads: [ 0 , 'three four', 5 ]", &options, &err));
    assert_string_equal(pa_options_string(options, "heads"), "0,three four,5");
    assert_string_equal(pa_options_string(options, "edges"), "0,0.5,1");
    assert_int_equal(pa_options_int(options, "heads"), 0);
    pa_options_destroy(options);
}

static void test_difference_names_what_differs_even_defaults(void **state)
{
    (void)state;
    pa_error err;
    pa_options *a = NULL;
    pa_options *b = NULL;
    pa_text text = {.mem = &pa_allocator_default};
    assert_ok(make(&pa_allocator_default, "norm_type: nuclear, count: 3", &a, &err));
    assert_ok(make(&pa_allocator_default, "count: 3, epsilon: 0.5", &b, &err));
    assert_ok(pa_options_difference(b, a, &text, &err));
    assert_string_equal(text.data, "epsilon: 0.5, norm_type: frobenius");
    pa_text_free(&text);
    pa_options_destroy(a);
    pa_options_destroy(b);
}

static void test_asking_for_what_is_not_there_gives_nothing(void **state)
{
    (void)state;
    pa_error err;
    pa_options *options = NULL;
    assert_ok(make(&pa_allocator_default, "count: 3", &options, &err));
    assert_int_equal(pa_options_int(options, "epsilon"), 0);
    assert_int_equal(pa_options_int(options, "nothing"), 0);
    assert_int_equal(pa_options_bool(options, "count"), 0);
    assert_close(pa_options_real(options, "count"), 0.0, 0.0);
    assert_string_equal(pa_options_string(options, "count"), "");
    assert_string_equal(pa_options_string(options, NULL), "");
    pa_options_destroy(options);
    assert_int_equal(pa_options_int(NULL, "count"), 0);
    assert_string_equal(pa_options_text(NULL), "");
    pa_options_destroy(NULL);
}

static void test_compat_is_understood_everywhere(void **state)
{
    (void)state;
    pa_error err;
    pa_options *options = NULL;
    assert_ok(make(&pa_allocator_default, "compat: pico", &options, &err));
    assert_int_equal(pa_options_compat(options), PA_COMPAT_PICO);
    pa_options_set_compat(options, PA_COMPAT_LITERATURE);
    assert_int_equal(pa_options_compat(options), PA_COMPAT_LITERATURE);
    pa_options_destroy(options);
    refuse("compat: pica",
           "options:1:9: metric 'norm': option 'compat' must be one of pico|literature (perhaps 'pico')");
}

static void test_errors_name_place_option_and_the_nearest_name(void **state)
{
    (void)state;
    refuse("norm_typ: l1", "options:1:1: unknown key of metric 'norm': 'norm_typ'; did you mean 'norm_type'?");
    refuse("count: 3, zzzzzzzz: 1", "options:1:11: unknown key of metric 'norm': 'zzzzzzzz'; known: metric_name, ");
    refuse("norm_type: nuclea", "options:1:12: metric 'norm': option 'norm_type' must be one of "
                                "frobenius|nuclear|inf|l1 (perhaps 'nuclear'), not 'nuclea'");
    refuse("norm_type: [l1]", "not 'sequence'");
    refuse("debiased: 1", "option 'debiased' must be true or false, not '1'");
    refuse("count: 1.5", "option 'count' must be an integer");
    refuse("count: 9223372036854775808", "option 'count' must be an integer of at most 64 bits");
    refuse("count: true", "option 'count' must be an integer");
    refuse("epsilon: .inf", "option 'epsilon' must be a finite number, not '.inf'");
    refuse("epsilon: .nan", "option 'epsilon' must be a finite number");
    refuse("epsilon: small", "option 'epsilon' must be a finite number, not 'small'");
    refuse("label: {a: 1}", "option 'label' must be a text, not 'mapping'");
    refuse("heads: {a: 1}", "option 'heads' must be a list of words or numbers, not 'mapping'");
    refuse("heads: [0, [1]]", "option 'heads' must be a list of words or numbers, not 'sequence'");
    refuse("heads: ['0,1']", "options:1:8: metric 'norm': option 'heads' must be a list whose items are words or "
                             "numbers without commas");
    refuse("heads: [a, '']", "option 'heads' must be a list whose items");
    refuse("heads: 'a,,b'", "option 'heads' must be a list whose items");
}

static void test_required_options_are_required(void **state)
{
    (void)state;
    pa_error err;
    pa_options *options = NULL;
    pa_yaml *yaml = NULL;
    pa_options_request request = {
        .mem = &pa_allocator_default, .owner = "metric 'x'", .specs = &required, .n_specs = 1};
    assert_fails(pa_options_create(&request, &options, &err), PA_ERR_CONFIG, "metric 'x': option 'k' is required");
    assert_ok(pa_yaml_parse(&pa_allocator_default, "a:\n  k:\n", 8, "t.yaml", &yaml, &err));
    request.yaml = yaml;
    request.map = &pa_yaml_root(yaml)->items[0];
    assert_fails(pa_options_create(&request, &options, &err), PA_ERR_CONFIG, "t.yaml:2:3: metric 'x': option 'k'");
    pa_yaml_destroy(yaml);
}

static void check_table(const pa_option_spec *table, int64_t n, const char *part)
{
    pa_error err;
    assert_fails(pa_option_specs_check(&pa_allocator_default, table, n, "metric 'm'", &err), PA_ERR_INVALID, part);
}

static void test_malformed_tables_are_refused(void **state)
{
    (void)state;
    pa_error err;
    assert_ok(pa_option_specs_check(&pa_allocator_default, specs, N_SPECS, "m", &err));
    assert_ok(pa_option_specs_check(&pa_allocator_default, &required, 1, "m", &err));
    assert_ok(pa_option_specs_check(&pa_allocator_default, NULL, 0, "m", &err));
    check_table(NULL, 2, "a table of 2 options at a NULL pointer");
    check_table(&(pa_option_spec){.fallback = "1"}, 1, "metric 'm': option 0 needs a name");
    check_table(&(pa_option_spec){.name = "Big"}, 1, "option 0 needs a name of [a-z0-9_]");
    check_table(&(pa_option_spec){.name = "compat"}, 1, "'compat' has the name of a configuration key");
    check_table(&(pa_option_spec){.name = "layers"}, 1, "'layers' has the name of a configuration key");
    check_table(&(pa_option_spec){.name = "a", .type = 9}, 1, "option 'a' has type 9, which is none");
    check_table(&(pa_option_spec){.name = "a", .type = PA_OPTION_CHOICE}, 1, "option 'a' needs choices");
    check_table(&(pa_option_spec){.name = "a", .type = PA_OPTION_INT, .choices = "x"}, 1,
                "has choices but is no choice");
    check_table(&(pa_option_spec){.name = "a", .type = PA_OPTION_CHOICE, .choices = "x||y"}, 1, "an empty choice in");
    check_table(&(pa_option_spec){.name = "a", .type = PA_OPTION_INT, .fallback = "x"}, 1,
                "metric 'm': fallback of option 'a' must be an integer of at most 64 bits, not 'x'");
    check_table(&(pa_option_spec){.name = "a", .type = PA_OPTION_CHOICE, .choices = "x|y", .fallback = "z"}, 1,
                "fallback of option 'a' must be one of x|y");
    const pa_option_spec twice[2] = {{.name = "a", .type = PA_OPTION_INT}, {.name = "a", .type = PA_OPTION_REAL}};
    check_table(twice, 2, "option 'a' is declared twice");
}

static void test_copies_are_deep(void **state)
{
    (void)state;
    char name[] = "k";
    const pa_option_spec mine = {.name = name, .type = PA_OPTION_CHOICE, .choices = "x|y", .help = "Help."};
    pa_option_spec *copy = pa_option_specs_copy(&pa_allocator_default, &mine, 1);
    assert_non_null(copy);
    name[0] = 'z';
    assert_string_equal(copy[0].name, "k");
    assert_string_equal(copy[0].choices, "x|y");
    assert_string_equal(copy[0].help, "Help.");
    assert_null(copy[0].fallback);
    pa_option_specs_free(&pa_allocator_default, copy, 1);
    pa_option_specs_free(&pa_allocator_default, NULL, 0);
}

static pa_status make_and_copy(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_error err;
    pa_options *options = NULL;
    pa_option_spec *copy = NULL;
    char text[6000] = "count: 4, norm_type: nuclear, compat: pico, heads: [1, b], label: two ";
    const size_t used = strlen(text);
    memset(text + used, 'x', sizeof(text) - used - 1); /* longer than a block of the arena */
    text[sizeof(text) - 1] = '\0';
    pa_status status = make(mem, text, &options, &err);
    if (status == PA_OK) {
        status = pa_option_specs_check(mem, specs, N_SPECS, "m", &err);
    }
    if (status == PA_OK) {
        copy = pa_option_specs_copy(mem, specs, N_SPECS);
        status = copy != NULL ? PA_OK : PA_ERR_NOMEM;
    }
    pa_option_specs_free(mem, copy, N_SPECS);
    pa_options_destroy(options);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(make_and_copy, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_options_have_their_defaults),
        cmocka_unit_test(test_given_options_are_read_and_written_back),
        cmocka_unit_test(test_lists_are_given_with_commas_between),
        cmocka_unit_test(test_difference_names_what_differs_even_defaults),
        cmocka_unit_test(test_asking_for_what_is_not_there_gives_nothing),
        cmocka_unit_test(test_compat_is_understood_everywhere),
        cmocka_unit_test(test_errors_name_place_option_and_the_nearest_name),
        cmocka_unit_test(test_required_options_are_required),
        cmocka_unit_test(test_malformed_tables_are_refused),
        cmocka_unit_test(test_copies_are_deep),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
