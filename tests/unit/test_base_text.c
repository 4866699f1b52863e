/* SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>

#include "base/alloc.h"
#include "base/text.h"
#include "pa_random.h"
#include "pa_test.h"

static void check_format(double number, const char *expected)
{
    char text[PA_NUMBER_SIZE];
    pa_format_number(text, number);
    assert_string_equal(text, expected);
}

/* The right-hand sides are what Python 3.11's repr() prints. */
static void test_numbers_are_written_as_python_writes_them(void **state)
{
    (void)state;
    check_format(0.0, "0.0");
    check_format(-0.0, "-0.0");
    check_format(1.0, "1.0");
    check_format(-12.5, "-12.5");
    check_format(0.1, "0.1");
    check_format(1e16, "1e+16");
    check_format(1e15, "1000000000000000.0");
    check_format(123456789012345678.0, "1.2345678901234568e+17");
    check_format(0.0001, "0.0001");
    check_format(0.00001, "1e-05");
    check_format(1.0 / 3.0, "0.3333333333333333");
    check_format(5e-324, "5e-324");
    check_format(1.7976931348623157e308, "1.7976931348623157e+308");
    check_format(100.0, "100.0");
}

static void test_numbers_read_back_bit_for_bit(void **state)
{
    (void)state;
    pa_random r = {7};
    for (int i = 0; i < 20000; i++) {
        const uint64_t bits = pa_random_bits(&r);
        double x;
        memcpy(&x, &bits, sizeof(x));
        if (isfinite(x)) {
            char text[PA_NUMBER_SIZE];
            double back = 0.0;
            pa_format_number(text, x);
            assert_true(pa_parse_number(text, &back));
            assert_memory_equal(&x, &back, sizeof(x));
        }
    }
}

static void test_the_locale_changes_nothing(void **state)
{
    (void)state;
    const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", NULL};
    for (int i = 0; locales[i] != NULL; i++) {
        (void)setlocale(LC_ALL, locales[i]); /* where none is installed this checks the C locale once more */
        double back = 0.0;
        check_format(1234.5, "1234.5");
        check_format(1.25e-9, "1.25e-09");
        assert_true(pa_parse_number("1234.5", &back));
        assert_true(back == 1234.5);
        assert_false(pa_parse_number("1234,5", &back));
    }
    (void)setlocale(LC_ALL, "C");
}

static void test_only_whole_numbers_are_parsed(void **state)
{
    (void)state;
    double x = 0.0;
    const char *const bad[] = {"", ".", "e5", "1e", "1.5x", " 1", "1 ", "nan", "inf", "0x10", "1e+", "--1", "1.2.3"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(pa_parse_number(bad[i], &x));
    }
    assert_true(pa_parse_number("-.5E-2", &x) && x == -0.005);
    assert_true(pa_parse_number("+1.", &x) && x == 1.0);
}

static void test_the_nearest_name_is_found(void **state)
{
    (void)state;
    const char *const names[] = {"cka", "condition_number", "gini", "hoyer", "norm", "per", "pwcca"};
    assert_string_equal(pa_nearest("conditon_number", names, 7), "condition_number");
    assert_string_equal(pa_nearest("CKA", names, 7), "cka");
    assert_string_equal(pa_nearest("pwcac", names, 7), "pwcca");
    assert_string_equal(pa_nearest("norms", names, 7), "norm");
    assert_null(pa_nearest("zzzzzzzz", names, 7));
    assert_null(pa_nearest("", names, 0));
}

static void test_digits_compare_as_numbers(void **state)
{
    (void)state;
    assert_true(pa_natural_compare("heads.2", "heads.10") < 0);
    assert_true(pa_natural_compare("layers.11.x", "layers.2.x") > 0);
    assert_true(pa_natural_compare("a", "a") == 0);
    assert_true(pa_natural_compare("a", "a1") < 0);
    assert_true(pa_natural_compare("a12b", "a12c") < 0);
}

static void test_identifiers_are_recognised(void **state)
{
    (void)state;
    assert_true(pa_is_identifier("ov_circuit2"));
    const char *const bad[] = {NULL, "", "2x", "_x", "Cka", "a-b", "a b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(pa_is_identifier(bad[i]));
    }
}

static pa_status grow(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_text text = {.mem = mem};
    pa_status status = PA_OK;
    for (int i = 0; i < 200 && status == PA_OK; i++) {
        status = pa_text_printf(&text, NULL, "%d,", i);
    }
    pa_text_free(&text);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(grow, NULL);
}

static void test_errors_keep_to_one_line_and_to_their_size(void **state)
{
    (void)state;
    pa_error err;
    char longer[3000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(pa_fail(&err, PA_ERR_IO, "a\nb\tc"), PA_ERR_IO);
    assert_string_equal(err.message, "a b c");
    pa_error_prefix(&err, "file.pt");
    assert_string_equal(err.message, "file.pt: a b c");
    assert_int_equal(err.status, PA_ERR_IO);
    (void)pa_fail(&err, PA_ERR_IO, "%s", longer);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    pa_error_prefix(&err, "p");
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_memory_equal(err.message, "p: xxx", 6);
    assert_int_equal(pa_fail(NULL, PA_ERR_IO, "nobody listens"), PA_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_written_as_python_writes_them),
        cmocka_unit_test(test_numbers_read_back_bit_for_bit),
        cmocka_unit_test(test_the_locale_changes_nothing),
        cmocka_unit_test(test_only_whole_numbers_are_parsed),
        cmocka_unit_test(test_the_nearest_name_is_found),
        cmocka_unit_test(test_digits_compare_as_numbers),
        cmocka_unit_test(test_identifiers_are_recognised),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_errors_keep_to_one_line_and_to_their_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
