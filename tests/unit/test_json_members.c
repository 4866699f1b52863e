/* SPDX-License-Identifier: Apache-2.0 */
/* Large objects, one member at a time: where members begin and end, and what is not JSON. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/json.h"
#include "pa_test.h"

/* Reads all members as a careful caller does; each name and value goes into `out` if there is one. */
static pa_status read_all(const char *text, json_t *out, pa_error *err)
{
    pa_json_part whole;
    pa_json_members members;
    pa_json_part parts[2];
    pa_status status = pa_json_check(text, (int64_t)strlen(text), &whole, err);
    if (status == PA_OK) {
        status = pa_json_find_members(whole, &members, err);
    }
    while (status == PA_OK && members.count > 0) {
        json_t *name = NULL;
        json_t *value = NULL;
        pa_json_next(&members, &parts[0], &parts[1]);
        assert_ptr_equal(parts[1].text, text + parts[1].at);
        status = pa_json_read_part(parts[0], &name, err);
        if (status == PA_OK) {
            status = pa_json_read_part(parts[1], &value, err);
        }
        if (status == PA_OK && out != NULL) {
            assert_true(json_is_string(name));
            json_object_set(out, json_string_value(name), value);
        }
        json_decref(name);
        json_decref(value);
    }
    return status;
}

static void test_members_are_those_of_the_whole_tree(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        " \t\r\n{ \t\r\n} \t\r\n",
        "{\"a\":1}",
        "{ \"a\" : 1 , \"b\":[1,{\"c\":[]},\"]}\"] , \"\":null }",
        "{\"a\\\"b\":\"\\\\\",\"c\\\\\":\"}\",\"\\u00e9\":\"\xc3\xa9\",\"{\":{\"}\":\"{\"}}",
        "{\"a\":-1.5e3,\"b\":true,\"c\":false,\"d\":\"\",\"e\":{}}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        pa_error err;
        json_t *expected = json_loads(texts[i], JSON_REJECT_DUPLICATES, NULL);
        json_t *actual = json_object();
        assert_non_null(expected);
        assert_ok(read_all(texts[i], actual, &err));
        assert_int_equal(json_equal(actual, expected), 1);
        json_decref(expected);
        json_decref(actual);
    }
}

/* Up to 4 of these pieces between quotation marks, as Jansson has them. */
static void test_texts_are_those_that_jansson_reads(void **state)
{
    (void)state;
    static const char *const pieces[] = {"", "a", "\\", "\"", "n", "u0041", "\n", "\x1f", "\x7f", "\xc3\xa9"};
    enum { N = sizeof(pieces) / sizeof(pieces[0]) };
    int texts = 0;
    for (int i = 0; i < N * N * N * N; i++) {
        char text[40];
        pa_error err;
        pa_arena arena = {.mem = &pa_allocator_default};
        const char *read = NULL;
        (void)snprintf(text, sizeof(text), "\"%s%s%s%s\"", pieces[i % N], pieces[i / N % N], pieces[i / N / N % N],
                       pieces[i / N / N / N]);
        json_t *expected = json_loads(text, JSON_DECODE_ANY, NULL);
        const pa_status status = pa_json_read_text((pa_json_part){text, (int64_t)strlen(text), 0}, &arena, &read, &err);
        assert_int_equal(status, expected != NULL ? PA_OK : PA_ERR_FORMAT);
        if (expected != NULL) {
            assert_string_equal(read, json_string_value(expected));
            texts++;
        }
        json_decref(expected);
        pa_arena_free(&arena);
    }
    assert_true(texts > 6 * 6 * 6 * 6 && texts < N * N * N * N); /* six need no escape */
}

static void test_what_is_no_text_is_none(void **state)
{
    (void)state;
    static const char *const values[] = {"1", "null", "[\"a\"]", "{\"a\":\"b\"}"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        pa_error err;
        pa_arena arena = {.mem = &pa_allocator_default};
        const char *read = "";
        assert_ok(pa_json_read_text((pa_json_part){values[i], (int64_t)strlen(values[i]), 0}, &arena, &read, &err));
        assert_null(read);
        pa_arena_free(&arena);
    }
    pa_error err;
    pa_arena arena = {.mem = &pa_allocator_default};
    const char *read = "";
    assert_fails(pa_json_read_text((pa_json_part){"\"", 1, 0}, &arena, &read, &err), PA_ERR_FORMAT, "JSON");
    pa_arena_free(&arena);
}

static pa_status read_two_texts(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_arena arena = {.mem = mem};
    const char *read = NULL;
    pa_status status = pa_json_read_text((pa_json_part){"\"a\"", 3, 0}, &arena, &read, NULL);
    pa_arena_free(&arena);
    if (status == PA_OK) {
        status = pa_json_read_text((pa_json_part){"\"\\n\"", 4, 0}, &arena, &read, NULL);
    }
    pa_arena_free(&arena);
    return status;
}

static void test_every_allocation_of_a_text_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(read_two_texts, NULL);
}

/* All texts of that beginning and up to 5 of these pieces are judged as Jansson judges the whole. */
static int64_t judge_all(const char *beginning)
{
    static const char pieces[] = "{}[]:,\"a\\1 ";
    enum { N = sizeof(pieces) - 1, MOST = 5 };
    int64_t good = 0;
    for (int length = 0, variants = 1; length <= MOST; length++, variants *= N) {
        for (int v = 0; v < variants; v++) {
            char text[16] = "";
            const size_t n = strlen(strcpy(text, beginning));
            for (int i = 0, rest = v; i < length; i++, rest /= N) {
                text[n + (size_t)i] = pieces[rest % N];
            }
            pa_error err;
            json_t *whole = json_loads(text, 0, NULL);
            const pa_status status = read_all(text, NULL, &err);
            if (status != (whole != NULL ? PA_OK : PA_ERR_FORMAT)) {
                fail_msg("'%s': %s", text, pa_status_name(status));
            }
            good += whole != NULL;
            json_decref(whole);
        }
    }
    return good;
}

static void test_what_is_no_json_as_a_whole_is_none_by_members(void **state)
{
    (void)state;
    assert_true(judge_all("{") > 5);
    assert_true(judge_all("{\"a\":") > 100);
    assert_true(judge_all("{\"\":1,") == 1);
}

static void test_errors_say_where_in_the_whole(void **state)
{
    (void)state;
    pa_error err;
    assert_fails(read_all("{\"a\":1,}", NULL, &err), PA_ERR_FORMAT, "byte 7: a name must follow");
    assert_fails(read_all("{\"a\" 1}", NULL, &err), PA_ERR_FORMAT, "byte 5: ':' must follow");
    assert_fails(read_all("{\"a\":[1]", NULL, &err), PA_ERR_FORMAT, "byte 8: ',' or '}' must follow");
    assert_fails(read_all("{\"a\":1} x", NULL, &err), PA_ERR_FORMAT, "byte 8: nothing may follow");
    assert_fails(read_all("[]", NULL, &err), PA_ERR_FORMAT, "not an object");
    assert_fails(read_all("", NULL, &err), PA_ERR_FORMAT, "not an object");
    assert_fails(read_all("{\"a\":1,\"b\":[1,01]}", NULL, &err), PA_ERR_FORMAT, "byte 15");
    assert_fails(read_all("{\"a\xff\":1}", NULL, &err), PA_ERR_FORMAT, "not UTF-8");
    assert_fails(read_all("{\"\\ud800\":1}", NULL, &err), PA_ERR_FORMAT, "byte");
    assert_fails(read_all("{\"\\u0000\":1}", NULL, &err), PA_ERR_FORMAT, "byte");
    assert_fails(read_all("{\"a\":{\"b\":1,\"b\":1}}", NULL, &err), PA_ERR_FORMAT, "duplicate");
}

static void test_limits_hold_for_the_whole_and_for_a_member(void **state)
{
    (void)state;
    pa_error err;
    char text[4096] = "{\"a\":[0";
    assert_fails(read_all("{\"a\":[[[[[[[[1]]]]]]]]}", NULL, &err), PA_ERR_LIMIT, "nested more than 8 deep");
    for (int i = 0; i < 1023; i++) {
        strcat(text, ",0");
    }
    strcat(text, "]}");
    assert_ok(read_all(text, NULL, &err));
    strcpy(text + strlen(text) - 2, ",0]}");
    assert_fails(read_all(text, NULL, &err), PA_ERR_LIMIT, "more than 1024 values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_those_that_jansson_reads),
        cmocka_unit_test(test_what_is_no_text_is_none),
        cmocka_unit_test(test_every_allocation_of_a_text_may_fail),
        cmocka_unit_test(test_members_are_those_of_the_whole_tree),
        cmocka_unit_test(test_what_is_no_json_as_a_whole_is_none_by_members),
        cmocka_unit_test(test_errors_say_where_in_the_whole),
        cmocka_unit_test(test_limits_hold_for_the_whole_and_for_a_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
