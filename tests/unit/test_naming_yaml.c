/* SPDX-License-Identifier: Apache-2.0 */
/* Namings as configurations write them: read, refused with the place, written again; the documentation's are built in. */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/text.h"
#include "checkpoint/checkpoint_impl.h"
#include "checkpoint/naming.h"
#include "pa_test_files.h"

typedef struct reader {
    pa_arena arena;
    pa_yaml *yaml;
} reader;

static pa_status read_text(reader *r, const char *text, const pa_naming **out, pa_error *err)
{
    pa_yaml_destroy(r->yaml);
    r->yaml = NULL;
    pa_status status = pa_yaml_parse(r->arena.mem, text, (int64_t)strlen(text), "n.yaml", &r->yaml, err);
    return status == PA_OK ? pa_naming_read(&r->arena, r->yaml, pa_yaml_root(r->yaml), out, err) : status;
}

static reader start(void)
{
    return (reader){.arena = {.mem = &pa_allocator_default}};
}

static void end(reader *r)
{
    pa_yaml_destroy(r->yaml);
    pa_arena_free(&r->arena);
}

static void check_rule(const pa_name_rule *rule, const pa_name_rule *expected)
{
    assert_string_equal(rule->suffix, expected->suffix);
    assert_string_equal(rule->pattern, expected->pattern);
    assert_int_equal(rule->transposed, expected->transposed);
    assert_int_equal(rule->part, expected->part);
    assert_int_equal(rule->parts > 1 ? rule->parts : 0, expected->parts > 1 ? expected->parts : 0);
    assert_string_equal(rule->fused != NULL ? rule->fused : "", expected->fused != NULL ? expected->fused : "");
    assert_int_equal(rule->per_head, expected->per_head);
    assert_int_equal(rule->fallback, expected->fallback);
}

static void check_rules(const pa_naming *naming, const pa_name_rule *expected, int64_t n)
{
    assert_int_equal(naming->n_rules, n);
    for (int64_t i = 0; i < n; i++) {
        check_rule(&naming->rules[i], &expected[i]);
    }
}

static void test_a_mapping_is_read_in_every_form(void **state)
{
    (void)state;
    static const char text[] = "a: h.{layer}.a\n"
                               "b: {pattern: 'h.{layer}.qkv', part: 2 of 3, per_head: yes}\n"
                               "c:\n"
                               "  pattern: h.{layer}.c'd\n"
                               "  transposed: true\n"
                               "  part: 1024 of 1024\n"
                               "  per_head: null\n"
                               "d: [head, {pattern: 'wte', transposed: on}, 'x.{layer}.y']\n"
                               "0: [w]\n"
                               "e: {pattern: 'h.{layer}.qkv', part: v of qkv, per_head: true}\n"
                               "f: {pattern: 'h.{layer}.kv', part: k of kv}\n";
    static const pa_name_rule expected[] = {
        {.suffix = "a", .pattern = "h.{layer}.a"},
        {.suffix = "b", .pattern = "h.{layer}.qkv", .part = 1, .parts = 3, .per_head = 1},
        {.suffix = "c", .pattern = "h.{layer}.c'd", .part = 1023, .parts = 1024, .transposed = 1},
        {.suffix = "d", .pattern = "head"},
        {.suffix = "d", .pattern = "wte", .transposed = 1, .fallback = 1},
        {.suffix = "d", .pattern = "x.{layer}.y", .fallback = 1},
        {.suffix = "0", .pattern = "w"},
        {.suffix = "e", .pattern = "h.{layer}.qkv", .part = 2, .parts = 3, .fused = "qkv", .per_head = 1},
        {.suffix = "f", .pattern = "h.{layer}.kv", .part = 0, .parts = 2, .fused = "kv"},
    };
    pa_error err;
    reader r = start();
    const pa_naming *naming = NULL;
    assert_ok(read_text(&r, text, &naming, &err));
    assert_string_equal(naming->name, "own");
    check_rules(naming, expected, sizeof(expected) / sizeof(expected[0]));
    /* What is written is one line, and reads as the same. */
    pa_text written = {.mem = r.arena.mem};
    assert_ok(pa_naming_write(naming, &written, &err));
    assert_null(strchr(written.data, '\n'));
    assert_ok(read_text(&r, written.data, &naming, &err));
    check_rules(naming, expected, sizeof(expected) / sizeof(expected[0]));
    pa_text_free(&written);
    end(&r);
}

static void test_names_stand_for_namings(void **state)
{
    (void)state;
    pa_error err;
    reader r = start();
    const pa_naming *naming = NULL;
    for (int64_t i = 0; i < 3; i++) {
        pa_text written = {.mem = r.arena.mem};
        assert_ok(read_text(&r, pa_naming_at(i)->name, &naming, &err));
        assert_ptr_equal(naming, pa_naming_at(i));
        assert_ok(pa_naming_write(naming, &written, &err));
        assert_string_equal(written.data, pa_naming_at(i)->name);
        pa_text_free(&written);
    }
    assert_null(pa_naming_at(3));
    assert_ok(read_text(&r, "none", &naming, &err));
    assert_int_equal(naming->n_rules, 0);
    assert_ok(read_text(&r, "auto", &naming, &err));
    assert_null(naming);
    assert_ok(read_text(&r, "", &naming, &err));
    assert_null(naming);
    end(&r);
}

static void test_what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"lama", "n.yaml:1:1: unknown naming 'lama'; did you mean 'llama'?"},
        {"7", "n.yaml:1:1: naming must be a name such as 'llama', or a mapping"},
        {"[a]", "n.yaml:1:1: naming must be"},
        {"{}", "n.yaml:1:1: naming must be"},
        {"a: x\nb:", "n.yaml:2:3: a pattern must be of type string, not null"},
        {"a: ''", "n.yaml:1:4: a pattern must have 1 to 1000 characters"},
        {"'': x", "n.yaml:1:1: a name in a naming must have 1 to 1000 characters"},
        {"a: 'x y'", "n.yaml:1:4: a pattern has a character"},
        {"a: \"x\\ny\"", "n.yaml:1:4: a pattern has a character"},
        {"a: caf\xc3\xa9", "n.yaml:1:4: a pattern has a character"},
        {"a: x.{n}.y", "'x.{n}.y': a pattern has {layer} once or not at all"},
        {"a: x.{layer}.{layer}", "{layer} once"},
        {"a: x.{layer}.{", "{layer} once"},
        {"a: x\nb: {part: 1 of 3}", "n.yaml:2:4: 'b' needs a 'pattern'"},
        {"a: {pattern: x, parts: 1 of 3}", "n.yaml:1:17: unknown key of a naming's rule: 'parts'; did you mean 'part'"},
        {"a: {pattern: x, part: 0 of 3}",
         "n.yaml:1:23: part must be as in '1 of 3', the first of 2 to 1024, or 'q of qkv', not '0 of"},
        {"a: {pattern: x, part: 4 of 3}", "not '4 of 3'"},
        {"a: {pattern: x, part: 1 of 1}", "not '1 of 1'"},
        {"a: {pattern: x, part: 1 of 1025}", "not '1 of 1025'"},
        {"a: {pattern: x, part: 1 of 99999999999}", "part must be"},
        {"a: {pattern: x, part: -1 of 3}", "part must be"},
        {"a: {pattern: x, part: 1 of 3 }", NULL},
        {"a: {pattern: x, part: '1 of 3 '}", "part must be"},
        {"a: {pattern: x, part: 1 of}", "part must be"},
        {"a: {pattern: x, part: 1/3}", "not '1/3'"},
        {"a: {pattern: x, part: 1}", "not '1'"},
        {"a: {pattern: x, part: q of kv}", "not 'q of kv'"},
        {"a: {pattern: x, part: q of vkq}", "not 'q of vkq'"},
        {"a: {pattern: x, part: q of }", "not 'q of'"},
        {"a: {pattern: x, part: q}", "not 'q'"},
        {"a: {pattern: x, part: ' of kv'}", "not ' of kv'"},
        {"a: {pattern: x, part: qk of qkv}", "not 'qk of qkv'"},
        {"a: {pattern: x, part: [1, 3]}", "not 'sequence'"},
        {"a: {pattern: x, per_head: true}", "n.yaml:1:27: per_head goes with 'part'"},
        {"a: {pattern: x, part: 1 of 2, per_head: 1}", "per_head must be of type boolean, not integer"},
        {"a: {pattern: x, transposed: maybe}", "transposed must be of type boolean, not string"},
        {"a: []", "n.yaml:1:4: 'a' has no pattern"},
        {"a: [x, [y]]", "n.yaml:1:8: a pattern must be of type string, not sequence"},
        {"a: x\na: y", "n.yaml:2:1:"},
        {"a: [x.{layer}.y]", "n.yaml:1:"}, /* between brackets a brace ends the text */
    };
    pa_error err;
    reader r = start();
    const pa_naming *naming = NULL;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (wrong[i][1] == NULL) {
            assert_ok(read_text(&r, wrong[i][0], &naming, &err));
        } else {
            assert_fails(read_text(&r, wrong[i][0], &naming, &err), PA_ERR_CONFIG, wrong[i][1]);
            assert_null(naming);
        }
    }
    end(&r);
}

/* The block of docs/namings.md that begins with "naming: # <name>", without that line's end. */
static const char *block_of(const pa_test_bytes *page, const char *name, char *out, size_t size)
{
    char head[64];
    pa_test_format(head, sizeof(head), "```yaml\nnaming: # %s\n", name);
    const char *begin = strstr((const char *)page->data, head);
    assert_non_null(begin);
    begin += sizeof("```yaml\n") - 1;
    const char *finish = strstr(begin, "```");
    assert_non_null(finish);
    pa_test_format(out, size, "%.*s", (int)(finish - begin), begin);
    return out;
}

static void test_the_documentation_has_the_built_in_namings(void **state)
{
    (void)state;
    pa_error err;
    char text[4096];
    reader r = start();
    pa_test_bytes page = pa_test_read(pa_test_data("../../docs/namings.md"));
    page.data[page.n] = '\0'; /* there is always one byte more */
    for (int64_t i = 0; pa_naming_at(i) != NULL; i++) {
        const pa_naming *built_in = pa_naming_at(i);
        const pa_naming *naming = NULL;
        pa_yaml_destroy(r.yaml);
        r.yaml = NULL;
        block_of(&page, built_in->name, text, sizeof(text));
        assert_ok(pa_yaml_parse(r.arena.mem, text, (int64_t)strlen(text), "docs", &r.yaml, &err));
        const pa_yaml_node *node = pa_yaml_find(pa_yaml_root(r.yaml), "naming");
        assert_ok(pa_naming_read(&r.arena, r.yaml, node, &naming, &err));
        check_rules(naming, built_in->rules, built_in->n_rules);
    }
    pa_test_free(&page);
    end(&r);
}

static pa_status read_and_write(const pa_allocator *mem, void *user)
{
    (void)user;
    static const char text[] =
        "a: [h.a, {pattern: 'h.{layer}.qkv', part: 2 of 3}]\nb: {pattern: c, transposed: true}\n";
    pa_error err = {0};
    reader r = {.arena = {.mem = mem}};
    pa_text written = {.mem = mem};
    const pa_naming *naming = NULL;
    pa_status status = read_text(&r, text, &naming, &err);
    status = status == PA_OK ? pa_naming_write(naming, &written, &err) : status;
    pa_text_free(&written);
    pa_yaml_destroy(r.yaml);
    pa_arena_free(&r.arena);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(read_and_write, NULL);
}

/* Where there are no elements a file may say anything of the distances between them. */
static void test_strides_of_nothing_lead_nowhere(void **state)
{
    (void)state;
    static const pa_name_rule rules[] = {
        {.suffix = "part", .pattern = "qkv", .part = 1, .parts = 3},
        {.suffix = "heads", .pattern = "qkv", .part = 2, .parts = 3, .per_head = 1},
        {.suffix = "turned", .pattern = "turned", .part = 1, .parts = 3, .transposed = 1},
    };
    static const int64_t shapes[][2] = {{12, 0}, {0, 12}};
    static const int64_t strides[] = {INT64_MAX / 2 + 1, INT64_MAX / 2 + 1};
    static const int64_t views[][3] = {{4, 0, -1}, {2, 2, 0}, {4, 0, -1}};
    const pa_naming naming = {.name = "own", .rules = rules, .n_rules = 3};
    const pa_model model = {.struct_size = sizeof(model), .d_model = 8, .n_layers = 1, .n_heads = 2, .n_kv_heads = 2};
    const double element = 0.0;
    pa_error err = {0};
    pa_context *ctx = NULL;
    pa_checkpoint *c = NULL;
    pa_matrix *m = NULL;
    pa_tensor tensors[2];
    assert_ok(pa_context_create(NULL, &ctx, &err));
    assert_ok(pa_checkpoint_create(ctx, 0, &model, &c, &err));
    assert_ok(pa_matrix_from_memory(ctx, &element, PA_F64, 1, 1, &m, &err));
    for (int64_t i = 0; i < 2; i++) { /* as an archive would have it */
        tensors[i] = (pa_tensor){.dtype = PA_F32, .ndim = 2, .shape = shapes[i], .strides = strides};
        assert_ok(pa_checkpoint_add(c, "", PA_WEIGHTS, i == 0 ? "qkv" : "turned", m, &err));
        c->entries[i].tensor = &tensors[i];
    }
    assert_ok(pa_naming_apply(c, &naming, &err));
    assert_int_equal(c->count, 5);
    for (int64_t i = 0; i < 3; i++) {
        const pa_tensor *view = c->entries[2 + i].tensor;
        assert_string_equal(c->entries[2 + i].suffix, rules[i].suffix);
        assert_int_equal(view->ndim, views[i][2] < 0 ? 2 : 3);
        assert_memory_equal(view->shape, views[i], (size_t)view->ndim * sizeof(*view->shape));
        assert_int_equal(view->offset, 0);
        assert_int_equal(view->strides[view->ndim - 2], 0);
    }
    c->count = 2; /* the names of others are theirs */
    pa_matrix_destroy(m);
    pa_checkpoint_destroy(c);
    pa_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mapping_is_read_in_every_form),
        cmocka_unit_test(test_names_stand_for_namings),
        cmocka_unit_test(test_what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(test_the_documentation_has_the_built_in_namings),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_strides_of_nothing_lead_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
