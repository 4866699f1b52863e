/* SPDX-License-Identifier: Apache-2.0 */
/* Text of any origin becomes valid UTF-8, JSON strings, CSV fields. Expected bytes follow RFC 8259 and the Unicode
   standard, chapter 3.9 ("maximal subpart"), as Python's bytes.decode("utf-8", "replace") gives them. */
#include "pa_test.h"

#include "base/alloc.h"
#include "export/utf8.h"

static void check_json(const char *in, const char *expected)
{
    pa_error err;
    pa_text out = {.mem = &pa_allocator_default};
    assert_ok(pa_text_append_json(&out, in, &err));
    assert_string_equal(out.data, expected);
    pa_text_free(&out);
}

static void check_utf8(const char *in, const char *expected)
{
    pa_error err;
    pa_text out = {.mem = &pa_allocator_default};
    assert_ok(pa_text_append(&out, "<", &err));
    assert_ok(pa_text_append_utf8(&out, in, '"', &err));
    assert_string_equal(out.data + 1, expected);
    pa_text_free(&out);
}

static void test_plain_text_is_quoted_only(void **state)
{
    (void)state;
    check_json("", "\"\"");
    check_json("layers.0.ov_circuit.weights.heads.3", "\"layers.0.ov_circuit.weights.heads.3\"");
    check_json("a/b\x7F", "\"a/b\x7F\"");
}

static void test_json_escapes_quotes_backslashes_and_controls(void **state)
{
    (void)state;
    check_json("say \"hi\" \\o/", "\"say \\\"hi\\\" \\\\o/\"");
    check_json("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
    check_json("\x01\x1F\"", "\"\\u0001\\u001f\\\"\"");
}

static void test_valid_utf8_passes_unchanged(void **state)
{
    (void)state;
    check_json("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", "\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"");
    /* first and last of each length, and around the surrogates */
    const char *edges =
        "\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF";
    check_utf8(edges, edges);
}

#define FFFD "\xEF\xBF\xBD"

static void test_invalid_utf8_becomes_replacement_characters(void **state)
{
    (void)state;
    check_json("a\xFF"
               "b",
               "\"a" FFFD "b\"");
    check_json("\x80", "\"" FFFD "\"");
    check_utf8("\xC0\xAF", FFFD FFFD);                   /* overlong '/' */
    check_utf8("\xE0\x80\xAF", FFFD FFFD FFFD);          /* overlong */
    check_utf8("\xED\xA0\x80", FFFD FFFD FFFD);          /* surrogate */
    check_utf8("\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD); /* above U+10FFFF */
    check_utf8("\xE2\x82"
               "A",
               FFFD "A");                  /* truncated by a character */
    check_utf8("\xF0\x9F\x98", FFFD);      /* truncated by the end */
    check_utf8("\xE2\x82\"", FFFD "\"\""); /* the quote is not swallowed */
    check_json("\xC3\"", "\"" FFFD "\\\"\"");
}

static void test_quotes_are_doubled(void **state)
{
    (void)state;
    check_utf8("\"", "\"\"");
    check_utf8("a\"b\"\"c", "a\"\"b\"\"\"\"c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_text_is_quoted_only),
        cmocka_unit_test(test_json_escapes_quotes_backslashes_and_controls),
        cmocka_unit_test(test_valid_utf8_passes_unchanged),
        cmocka_unit_test(test_invalid_utf8_becomes_replacement_characters),
        cmocka_unit_test(test_quotes_are_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
