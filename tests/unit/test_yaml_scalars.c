/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Types of plain scalars against what PyYAML makes of the same text. */
#include "pa_test.h"

#include "base/alloc.h"
#include "base/yaml.h"

typedef struct expected {
    const char *text;
    pa_yaml_type type;
    int64_t integer;
    double real;
} expected;

/* Printed by yaml.safe_load("[ TEXT ]") of PyYAML 6.0 (6.0.3 agrees); integers with float(). */
static const expected table[] = {
    {"0", PA_YAML_INT, 0, 0.0},
    {"1", PA_YAML_INT, 1, 1.0},
    {"-1", PA_YAML_INT, -1, -1.0},
    {"+1", PA_YAML_INT, 1, 1.0},
    {"42", PA_YAML_INT, 42, 42.0},
    {"50_000", PA_YAML_INT, 50000, 50000.0},
    {"1__0", PA_YAML_INT, 10, 10.0},
    {"1_", PA_YAML_INT, 1, 1.0},
    {"017", PA_YAML_INT, 15, 15.0},
    {"0_17", PA_YAML_INT, 15, 15.0},
    {"00", PA_YAML_INT, 0, 0.0},
    {"0_", PA_YAML_INT, 0, 0.0},
    {"-017", PA_YAML_INT, -15, -15.0},
    {"08", PA_YAML_STRING, 0, 0.0},
    {"019", PA_YAML_STRING, 0, 0.0},
    {"0o17", PA_YAML_STRING, 0, 0.0},
    {"0x1F", PA_YAML_INT, 31, 31.0},
    {"0xff_ff", PA_YAML_INT, 65535, 65535.0},
    {"-0x10", PA_YAML_INT, -16, -16.0},
    {"0X1F", PA_YAML_STRING, 0, 0.0},
    {"0xg", PA_YAML_STRING, 0, 0.0},
    {"0b101", PA_YAML_INT, 5, 5.0},
    {"-0b1_1", PA_YAML_INT, -3, -3.0},
    {"0b2", PA_YAML_STRING, 0, 0.0},
    {"0B1", PA_YAML_STRING, 0, 0.0},
    {"1:30", PA_YAML_INT, 90, 90.0},
    {"1:5", PA_YAML_INT, 65, 65.0},
    {"1:60", PA_YAML_STRING, 0, 0.0},
    {"1:30:45", PA_YAML_INT, 5445, 5445.0},
    {"-1:30", PA_YAML_INT, -90, -90.0},
    {"190:20:30", PA_YAML_INT, 685230, 685230.0},
    {"01:30", PA_YAML_STRING, 0, 0.0},
    {"10:3", PA_YAML_INT, 603, 603.0},
    {"1:07", PA_YAML_INT, 67, 67.0},
    {"0:30", PA_YAML_STRING, 0, 0.0},
    {"1_0:30", PA_YAML_INT, 630, 630.0},
    {"9223372036854775807", PA_YAML_INT, INT64_MAX, 9.223372036854776e+18},
    {"-9223372036854775808", PA_YAML_INT, INT64_MIN, -9.223372036854776e+18},
    {"1.0", PA_YAML_REAL, 0, 1.0},
    {"1.", PA_YAML_REAL, 0, 1.0},
    {".5", PA_YAML_REAL, 0, 0.5},
    {"-.5", PA_YAML_STRING, 0, 0.0},
    {"+.5", PA_YAML_STRING, 0, 0.0},
    {"1.5e3", PA_YAML_STRING, 0, 0.0},
    {"1.5e+3", PA_YAML_REAL, 0, 1500.0},
    {"1.5E-3", PA_YAML_REAL, 0, 0.0015},
    {"1e-6", PA_YAML_STRING, 0, 0.0},
    {"1e5", PA_YAML_STRING, 0, 0.0},
    {"1.0e-6", PA_YAML_REAL, 0, 1e-06},
    {"1.e+2", PA_YAML_REAL, 0, 100.0},
    {".5e-1", PA_YAML_REAL, 0, 0.05},
    {"1_000.5", PA_YAML_REAL, 0, 1000.5},
    {"1._5", PA_YAML_REAL, 0, 1.5},
    {"._5", PA_YAML_STRING, 0, 0.0},
    {".5_0", PA_YAML_REAL, 0, 0.5},
    {"1_.0_1", PA_YAML_REAL, 0, 1.01},
    {".", PA_YAML_STRING, 0, 0.0},
    {"..", PA_YAML_STRING, 0, 0.0},
    {"-.", PA_YAML_STRING, 0, 0.0},
    {"1.2.3", PA_YAML_STRING, 0, 0.0},
    {"0.1", PA_YAML_REAL, 0, 0.1},
    {"-0.0", PA_YAML_REAL, 0, -0.0},
    {"+1.25", PA_YAML_REAL, 0, 1.25},
    {"123456789.123456789", PA_YAML_REAL, 0, 123456789.12345679},
    {"1:30.5", PA_YAML_REAL, 0, 90.5},
    {"190:20:30.15", PA_YAML_REAL, 0, 685230.15},
    {"-1:30.5", PA_YAML_REAL, 0, -90.5},
    {"1:60.5", PA_YAML_STRING, 0, 0.0},
    {"1:2.", PA_YAML_REAL, 0, 62.0},
    {"01:30.5", PA_YAML_REAL, 0, 90.5},
    {"1.0e+999", PA_YAML_REAL, 0, INFINITY},
    {"1.0e-999", PA_YAML_REAL, 0, 0.0},
    {".inf", PA_YAML_REAL, 0, INFINITY},
    {".Inf", PA_YAML_REAL, 0, INFINITY},
    {".INF", PA_YAML_REAL, 0, INFINITY},
    {".iNf", PA_YAML_STRING, 0, 0.0},
    {"-.inf", PA_YAML_REAL, 0, -INFINITY},
    {"+.inf", PA_YAML_REAL, 0, INFINITY},
    {"inf", PA_YAML_STRING, 0, 0.0},
    {"nan", PA_YAML_STRING, 0, 0.0},
    {".nan", PA_YAML_REAL, 0, NAN},
    {".NaN", PA_YAML_REAL, 0, NAN},
    {".NAN", PA_YAML_REAL, 0, NAN},
    {".Nan", PA_YAML_STRING, 0, 0.0},
    {"-.nan", PA_YAML_STRING, 0, 0.0},
    {"yes", PA_YAML_BOOL, 1, 0.0},
    {"Yes", PA_YAML_BOOL, 1, 0.0},
    {"YES", PA_YAML_BOOL, 1, 0.0},
    {"yEs", PA_YAML_STRING, 0, 0.0},
    {"no", PA_YAML_BOOL, 0, 0.0},
    {"No", PA_YAML_BOOL, 0, 0.0},
    {"NO", PA_YAML_BOOL, 0, 0.0},
    {"true", PA_YAML_BOOL, 1, 0.0},
    {"True", PA_YAML_BOOL, 1, 0.0},
    {"TRUE", PA_YAML_BOOL, 1, 0.0},
    {"tRUE", PA_YAML_STRING, 0, 0.0},
    {"false", PA_YAML_BOOL, 0, 0.0},
    {"False", PA_YAML_BOOL, 0, 0.0},
    {"FALSE", PA_YAML_BOOL, 0, 0.0},
    {"on", PA_YAML_BOOL, 1, 0.0},
    {"On", PA_YAML_BOOL, 1, 0.0},
    {"ON", PA_YAML_BOOL, 1, 0.0},
    {"off", PA_YAML_BOOL, 0, 0.0},
    {"Off", PA_YAML_BOOL, 0, 0.0},
    {"OFF", PA_YAML_BOOL, 0, 0.0},
    {"y", PA_YAML_STRING, 0, 0.0},
    {"n", PA_YAML_STRING, 0, 0.0},
    {"Y", PA_YAML_STRING, 0, 0.0},
    {"N", PA_YAML_STRING, 0, 0.0},
    {"null", PA_YAML_NULL, 0, 0.0},
    {"Null", PA_YAML_NULL, 0, 0.0},
    {"NULL", PA_YAML_NULL, 0, 0.0},
    {"nULL", PA_YAML_STRING, 0, 0.0},
    {"~", PA_YAML_NULL, 0, 0.0},
    {"None", PA_YAML_STRING, 0, 0.0},
    {"none", PA_YAML_STRING, 0, 0.0},
    {"nil", PA_YAML_STRING, 0, 0.0},
    {"abc", PA_YAML_STRING, 0, 0.0},
    {"attention.o_proj", PA_YAML_STRING, 0, 0.0},
    {"swiglu.w_2", PA_YAML_STRING, 0, 0.0},
    {"1abc", PA_YAML_STRING, 0, 0.0},
    {"1-2", PA_YAML_STRING, 0, 0.0},
    {"2001-1", PA_YAML_STRING, 0, 0.0},
    {"--", PA_YAML_STRING, 0, 0.0},
    {"+", PA_YAML_STRING, 0, 0.0},
    {"_", PA_YAML_STRING, 0, 0.0},
    {"_1", PA_YAML_STRING, 0, 0.0},
    {"1e", PA_YAML_STRING, 0, 0.0},
    {"0b", PA_YAML_STRING, 0, 0.0},
    {"0x", PA_YAML_STRING, 0, 0.0},
    {"e5", PA_YAML_STRING, 0, 0.0},
    {"1_000_000", PA_YAML_INT, 1000000, 1000000.0},
    {"+0", PA_YAML_INT, 0, 0.0},
    {"-0", PA_YAML_INT, 0, 0.0},
    {"+0x1", PA_YAML_INT, 1, 1.0},
    {"++1", PA_YAML_STRING, 0, 0.0},
    {"--1", PA_YAML_STRING, 0, 0.0},
    {"1:2:3:4", PA_YAML_INT, 223384, 223384.0},
    {"12e03", PA_YAML_STRING, 0, 0.0},
    {"-2E+05", PA_YAML_STRING, 0, 0.0},
    {"-2.5E+05", PA_YAML_REAL, 0, -250000.0},
};
enum { N_TABLE = sizeof(table) / sizeof(table[0]) };

static void check(const pa_yaml_node *node, const expected *want)
{
    if (node->type != want->type) {
        fail_msg("'%s' is a %s, expected a %s", want->text, pa_yaml_type_name(node->type),
                 pa_yaml_type_name(want->type));
    }
    assert_int_equal(node->integer, want->integer);
    if (isnan(want->real)) {
        assert_true(isnan(node->real));
    } else if (isinf(want->real)) {
        assert_true(node->real == want->real);
    } else {
        assert_close(node->real, want->real, 1e-15);
    }
}

static void test_plain_scalars_have_the_types_of_pyyaml(void **state)
{
    (void)state;
    for (int i = 0; i < N_TABLE; i++) {
        pa_yaml_node node = {.text = table[i].text};
        pa_yaml_resolve(&node);
        check(&node, &table[i]);
    }
}

static void test_types_survive_the_parser(void **state)
{
    (void)state;
    pa_error err;
    for (int i = 0; i < N_TABLE; i++) {
        char text[128];
        pa_yaml *yaml = NULL;
        const int length = snprintf(text, sizeof(text), "[ %s ]", table[i].text);
        assert_ok(pa_yaml_parse(&pa_allocator_default, text, length, "t", &yaml, &err));
        check(&pa_yaml_root(yaml)->items[0], &table[i]);
        assert_string_equal(pa_yaml_root(yaml)->items[0].text, table[i].text);
        pa_yaml_destroy(yaml);
    }
}

static void test_quoted_scalars_are_strings(void **state)
{
    (void)state;
    static const char text[] = "['1', \"yes\", '', \"~\", !!str 5, ! 6]";
    pa_error err;
    pa_yaml *yaml = NULL;
    assert_ok(pa_yaml_parse(&pa_allocator_default, text, (int64_t)strlen(text), "t", &yaml, &err));
    assert_int_equal(pa_yaml_root(yaml)->count, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(pa_yaml_root(yaml)->items[i].type, PA_YAML_STRING);
    }
    pa_yaml_destroy(yaml);
}

/* PyYAML's integers have no end; here they become reals, which no integer option takes. */
static void test_integers_beyond_64_bits_are_reals(void **state)
{
    (void)state;
    static const char *const texts[] = {"9223372036854775808", "-9223372036854775809", "0xFFFFFFFFFFFFFFFFF",
                                        "18446744073709551616", "99999999999999999999999999"};
    static const double values[] = {9223372036854775808.0, -9223372036854775809.0, 295147905179352825855.0,
                                    18446744073709551616.0, 99999999999999999999999999.0};
    for (int i = 0; i < 5; i++) {
        pa_yaml_node node = {.text = texts[i]};
        pa_yaml_resolve(&node);
        assert_int_equal(node.type, PA_YAML_REAL);
        assert_close(node.real, values[i], 1e-15);
    }
}

static void test_numbers_without_end_are_strings(void **state)
{
    (void)state;
    char text[2000];
    memset(text, '7', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    pa_yaml_node node = {.text = text};
    pa_yaml_resolve(&node);
    assert_int_equal(node.type, PA_YAML_STRING);
    text[1] = '.';
    text[499] = '\0';
    pa_yaml_resolve(&node);
    assert_int_equal(node.type, PA_YAML_REAL);
    assert_close(node.real, 7.7777777777777777, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_scalars_have_the_types_of_pyyaml),
        cmocka_unit_test(test_types_survive_the_parser),
        cmocka_unit_test(test_quoted_scalars_are_strings),
        cmocka_unit_test(test_integers_beyond_64_bits_are_reals),
        cmocka_unit_test(test_numbers_without_end_are_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
