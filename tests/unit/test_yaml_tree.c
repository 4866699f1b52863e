/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The tree that YAML becomes, its places, its limits, and what is refused. */
#include "pa_test.h"

#include <time.h>

#include "base/alloc.h"
#include "base/yaml.h"

/*
 * libyaml takes its memory through functions of its own, which the program's definitions replace: the call number
 * `parser_fails_at` fails.
 */
void *yaml_malloc(size_t size);
void *yaml_realloc(void *memory, size_t size);
unsigned char *yaml_strdup(const unsigned char *text);
static int64_t parser_calls;
static int64_t parser_fails_at = -1;

void *yaml_malloc(size_t size)
{
    return parser_calls++ == parser_fails_at ? NULL : malloc(size > 0 ? size : 1);
}

void *yaml_realloc(void *memory, size_t size)
{
    return parser_calls++ == parser_fails_at ? NULL : realloc(memory, size > 0 ? size : 1);
}

unsigned char *yaml_strdup(const unsigned char *text)
{
    const size_t size = strlen((const char *)text) + 1;
    unsigned char *copy = parser_calls++ == parser_fails_at ? NULL : malloc(size);
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

static pa_status parse(const char *text, pa_yaml **out, pa_error *err)
{
    return pa_yaml_parse(&pa_allocator_default, text, (int64_t)strlen(text), "demo.yaml", out, err);
}

static void refuse(const char *text, pa_status code, const char *part)
{
    pa_error err;
    pa_yaml *yaml = (pa_yaml *)&err; /* must become NULL */
    assert_fails(parse(text, &yaml, &err), code, part);
    assert_null(yaml);
}

static const char sample[] = "name: demo\n"
                             "metrics:\n"
                             "- kind: cka\n"
                             "  layers: [0, 11]\n"
                             "- {kind: per, empty: , none: []}\n"
                             "text: |\n"
                             "  two\n"
                             "  lines\n";

static void test_nodes_know_their_line_and_column(void **state)
{
    (void)state;
    pa_error err;
    pa_yaml *yaml = NULL;
    assert_ok(parse(sample, &yaml, &err));
    const pa_yaml_node *root = pa_yaml_root(yaml);
    assert_int_equal(root->type, PA_YAML_MAPPING);
    assert_int_equal(root->count, 3);
    assert_string_equal(root->keys[1].text, "metrics");
    assert_int_equal(root->keys[1].line, 2);
    assert_int_equal(root->keys[1].column, 1);
    const pa_yaml_node *metrics = pa_yaml_find(root, "metrics");
    assert_int_equal(metrics->count, 2);
    const pa_yaml_node *layers = pa_yaml_find(&metrics->items[0], "layers");
    assert_int_equal(layers->type, PA_YAML_SEQUENCE);
    assert_int_equal(layers->items[1].integer, 11);
    assert_int_equal(layers->items[1].line, 4);
    assert_int_equal(layers->items[1].column, 15);
    assert_int_equal(pa_yaml_find(&metrics->items[1], "empty")->type, PA_YAML_NULL);
    assert_int_equal(pa_yaml_find(&metrics->items[1], "none")->count, 0);
    assert_null(pa_yaml_find(&metrics->items[1], "none")->items);
    assert_string_equal(pa_yaml_find(root, "text")->text, "two\nlines\n");
    assert_null(pa_yaml_find(root, "absent"));
    assert_null(pa_yaml_find(metrics, "kind"));
    assert_null(pa_yaml_find(NULL, "kind"));
    pa_yaml_destroy(yaml);
    pa_yaml_destroy(NULL);
}

static void test_an_empty_document_is_null(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\n", "# only a comment\n", "---\n", "~"};
    for (int i = 0; i < 5; i++) {
        pa_error err;
        pa_yaml *yaml = NULL;
        assert_ok(parse(texts[i], &yaml, &err));
        assert_int_equal(pa_yaml_root(yaml)->type, PA_YAML_NULL);
        pa_yaml_destroy(yaml);
    }
}

static void test_duplicate_keys_are_refused_with_both_places(void **state)
{
    (void)state;
    refuse("a: 1\nb: 2\na: 3\n", PA_ERR_CONFIG, "demo.yaml:3:1: key 'a' is there already, at line 1, column 1");
    refuse("x: {k: 1, 'k': 2}\n", PA_ERR_CONFIG, "demo.yaml:1:11: key 'k' is there already, at line 1, column 5");
}

static void test_what_is_not_supported_is_refused_with_its_place(void **state)
{
    (void)state;
    refuse("a: &x 1\nb: *x\n", PA_ERR_CONFIG, "demo.yaml:1:4: anchors are not supported");
    refuse("a: &x [1]\n", PA_ERR_CONFIG, "demo.yaml:1:4: anchors");
    refuse("a: *x\n", PA_ERR_CONFIG, "demo.yaml:1:4: aliases");
    refuse("a: 1\n---\nb: 2\n", PA_ERR_CONFIG, "demo.yaml:2:1: a second document");
    refuse("<<: {a: 1}\n", PA_ERR_CONFIG, "demo.yaml:1:1: merge keys");
    refuse("a: !!python/object:os.system x\n", PA_ERR_CONFIG, "demo.yaml:1:4: tags");
    refuse("a: !!int text\n", PA_ERR_CONFIG, "demo.yaml:1:4: tags");
    refuse("? [a]\n: 1\n", PA_ERR_CONFIG, "demo.yaml:1:3: a key must be a word, not a sequence");
    refuse("{a: 1}: 2\n", PA_ERR_CONFIG, "a key must be a word, not a mapping");
    refuse("a: \"x\\0y\"\n", PA_ERR_CONFIG, "demo.yaml:1:4: a text holds a NUL character");
}

static void test_syntax_errors_name_the_place(void **state)
{
    (void)state;
    refuse("a: [1, 2\nb: 3\n", PA_ERR_CONFIG, "demo.yaml:2:2: while parsing a flow sequence");
    refuse("a: 1\n\tb: 2\n", PA_ERR_CONFIG, "demo.yaml:2:1: ");
    refuse("a: 'x\n", PA_ERR_CONFIG, "demo.yaml:2:1: while scanning a quoted scalar");
    refuse("a: 1\nb: \xff\n", PA_ERR_CONFIG, "demo.yaml:2:4: invalid leading UTF-8 octet");
    refuse("a: 1\nb: \x01\n", PA_ERR_CONFIG, "demo.yaml:2:4: control characters are not allowed");
}

static char *repeat(const char *piece, int64_t times)
{
    const size_t length = strlen(piece);
    char *text = malloc(length * (size_t)times + 1);
    for (int64_t i = 0; i < times; i++) {
        memcpy(text + (size_t)i * length, piece, length);
    }
    text[length * (size_t)times] = '\0';
    return text;
}

/* libyaml 0.2.5 needs a minute for the first of these when it is let. */
static void test_deep_nesting_is_refused_at_once(void **state)
{
    (void)state;
    static const char *const pieces[] = {"[", "{", "{a: ", "- ", "? ", "[[{a: ", "? - ", "[a, "};
    for (int i = 0; i < 8; i++) {
        char *text = repeat(pieces[i], 200000 / (int64_t)strlen(pieces[i]));
        const clock_t start = clock();
        refuse(text, i == 1 || i == 4 || i == 6 ? PA_ERR_CONFIG : PA_ERR_LIMIT, "demo.yaml:");
        if ((double)(clock() - start) / CLOCKS_PER_SEC > 2.0) {
            fail_msg("'%s' took too long", pieces[i]);
        }
        free(text);
    }
}

static void test_depth_is_allowed_up_to_the_limit(void **state)
{
    (void)state;
    char text[2 * PA_YAML_MAX_DEPTH + 4] = "";
    pa_error err;
    pa_yaml *yaml = NULL;
    memset(text, '[', PA_YAML_MAX_DEPTH);
    memset(text + PA_YAML_MAX_DEPTH, ']', PA_YAML_MAX_DEPTH);
    assert_ok(parse(text, &yaml, &err));
    pa_yaml_destroy(yaml);
    memset(text, '[', PA_YAML_MAX_DEPTH + 1);
    memset(text + PA_YAML_MAX_DEPTH + 1, ']', PA_YAML_MAX_DEPTH + 1);
    refuse(text, PA_ERR_LIMIT, "demo.yaml:1:65: nested deeper than 64 levels");
}

static void test_size_and_number_of_items_are_limited(void **state)
{
    (void)state;
    char *text = repeat("#", PA_YAML_MAX_BYTES + 1);
    refuse(text, PA_ERR_LIMIT, "demo.yaml: 1048577 bytes; at most 1048576 are allowed");
    free(text);
    text = repeat("- 1\n", PA_YAML_MAX_EVENTS);
    refuse(text, PA_ERR_LIMIT, "demo.yaml:99998:3: more items");
    free(text);
    pa_error err;
    pa_yaml *yaml = NULL;
    text = malloc((PA_YAML_MAX_KEYS + 1) * 16);
    int used = 0;
    for (int i = 0; i <= PA_YAML_MAX_KEYS; i++) {
        if (i == PA_YAML_MAX_KEYS) {
            assert_ok(parse(text, &yaml, &err));
            pa_yaml_destroy(yaml);
        }
        used += snprintf(text + used, 16, "k%d: 1\n", i);
    }
    refuse(text, PA_ERR_LIMIT, "demo.yaml:1:1: a mapping of 1025 keys; at most 1024 are allowed");
    free(text);
}

static void test_flow_text_counts_columns_from_its_own_first_character(void **state)
{
    (void)state;
    pa_error err;
    pa_yaml *yaml = NULL;
    assert_ok(pa_yaml_parse_flow(&pa_allocator_default, "a: 1, b: two # end", "options", &yaml, &err));
    assert_int_equal(pa_yaml_root(yaml)->count, 2);
    assert_int_equal(pa_yaml_root(yaml)->keys[0].column, 1);
    assert_int_equal(pa_yaml_root(yaml)->items[1].column, 10);
    pa_yaml_destroy(yaml);
    assert_ok(pa_yaml_parse_flow(&pa_allocator_default, "", "options", &yaml, &err));
    assert_int_equal(pa_yaml_root(yaml)->count, 0);
    pa_yaml_destroy(yaml);
    assert_fails(pa_yaml_parse_flow(&pa_allocator_default, "a: 1, a: 2", "options", &yaml, &err), PA_ERR_CONFIG,
                 "options:1:7: key 'a' is there already, at line 1, column 1");
    assert_fails(pa_yaml_parse_flow(&pa_allocator_default, "a: 1} {b: 2", "options", &yaml, &err), PA_ERR_CONFIG,
                 "options:1:7: did not find expected <document start>");
}

static pa_status parse_sample(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_yaml *yaml = NULL;
    pa_error err;
    const pa_status status = pa_yaml_parse(mem, sample, (int64_t)strlen(sample), "demo.yaml", &yaml, &err);
    pa_yaml_destroy(yaml);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(parse_sample, NULL);
}

static void test_every_allocation_of_the_parser_may_fail(void **state)
{
    (void)state;
    pa_status status = PA_ERR_NOMEM;
    int64_t n = 0;
    for (; status != PA_OK && n < 1000; n++) {
        parser_calls = 0;
        parser_fails_at = n;
        status = parse_sample(&pa_allocator_default, NULL);
        assert_true(status == PA_OK || status == PA_ERR_NOMEM);
        assert_true((status == PA_OK) == (parser_calls <= n));
    }
    parser_fails_at = -1;
    assert_int_equal(status, PA_OK);
    assert_true(n > 10); /* else the parser's memory does not come from here */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_know_their_line_and_column),
        cmocka_unit_test(test_an_empty_document_is_null),
        cmocka_unit_test(test_duplicate_keys_are_refused_with_both_places),
        cmocka_unit_test(test_what_is_not_supported_is_refused_with_its_place),
        cmocka_unit_test(test_syntax_errors_name_the_place),
        cmocka_unit_test(test_deep_nesting_is_refused_at_once),
        cmocka_unit_test(test_depth_is_allowed_up_to_the_limit),
        cmocka_unit_test(test_size_and_number_of_items_are_limited),
        cmocka_unit_test(test_flow_text_counts_columns_from_its_own_first_character),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_every_allocation_of_the_parser_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
