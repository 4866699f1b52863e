/* SPDX-License-Identifier: Apache-2.0 */
/* The pickle machine by itself: values, containers, and everything that can be wrong with a stream of opcodes. */
#include "base/alloc.h"
#include "checkpoint/formats/pickle.h"
#include "pa_test_files.h"

/* Hooks that know one name, "m.f": calling it gives its first argument; a persistent id is what it is. */
static pa_status hook_global(void *user, pa_pickle *pickle, const pa_pickle_node *module, const pa_pickle_node *name,
                             pa_pickle_node **out, pa_error *err)
{
    (void)user;
    if (!pa_pickle_is(module, "m") || !pa_pickle_is(name, "f")) {
        return pa_fail(err, PA_ERR_UNSUPPORTED, "unknown name");
    }
    return pa_pickle_node_create(pickle, PA_PICKLE_GLOBAL, out, err);
}

static pa_status hook_call(void *user, pa_pickle *pickle, const pa_pickle_node *callable, const pa_pickle_node *args,
                           pa_pickle_node **out, pa_error *err)
{
    (void)user;
    (void)callable;
    if (args->u.list.count > 0) {
        *out = args->u.list.items[0];
        return PA_OK;
    }
    return pa_pickle_node_create(pickle, PA_PICKLE_OPAQUE, out, err);
}

static pa_status hook_persistent(void *user, pa_pickle *pickle, const pa_pickle_node *id, pa_pickle_node **out,
                                 pa_error *err)
{
    (void)user;
    (void)id;
    return pa_pickle_node_create(pickle, PA_PICKLE_STORAGE, out, err);
}

static const pa_pickle_hooks hooks = {NULL, hook_global, hook_call, hook_persistent};

static pa_pickle *read_pickle(const char *text, size_t n)
{
    pa_error err;
    pa_pickle *pickle = NULL;
    assert_ok(pa_pickle_read(&pa_allocator_default, (const unsigned char *)text, (int64_t)n, &hooks, &pickle, &err));
    return pickle;
}

/* A copy of exactly that size, so that sanitizers see reads beyond it. */
static void check_failure(const char *text, size_t n, pa_status code, const char *part)
{
    pa_error err;
    pa_pickle *pickle = NULL;
    unsigned char *copy = malloc(n > 0 ? n : 1);
    assert_non_null(copy);
    memcpy(copy, text, n);
    assert_fails(pa_pickle_read(&pa_allocator_default, copy, (int64_t)n, &hooks, &pickle, &err), code, part);
    assert_null(pickle);
    free(copy);
}
#define READ(text) read_pickle("\x80\x02" text, sizeof("\x80\x02" text) - 1)
#define assert_bad(text, part) check_failure("\x80\x02" text, sizeof("\x80\x02" text) - 1, PA_ERR_FORMAT, part)

static void assert_integer(pa_pickle *pickle, int64_t expected)
{
    assert_int_equal(pa_pickle_root(pickle)->type, PA_PICKLE_INT);
    assert_true(pa_pickle_root(pickle)->u.integer == expected);
    pa_pickle_destroy(pickle);
}

static void test_integers_of_every_width_are_read(void **state)
{
    (void)state;
    assert_integer(READ("K\xff."), 255);
    assert_integer(READ("M\xff\xff."), 65535);
    assert_integer(READ("J\xff\xff\xff\xff."), -1);
    assert_integer(READ("J\0\0\0\x80."), INT32_MIN);
    assert_integer(READ("\x8a\0."), 0);
    assert_integer(READ("\x8a\1\x80."), -128);
    assert_integer(READ("\x8a\2\xff\0."), 255);
    assert_integer(READ("\x8a\x08\0\0\0\0\0\0\0\x80."), INT64_MIN);
    assert_integer(READ("\x8b\x02\0\0\0\0\1."), 256);
    pa_pickle *pickle = READ("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    assert_int_equal(pa_pickle_root(pickle)->type, PA_PICKLE_OPAQUE); /* 80 bits: a value, but no number here */
    pa_pickle_destroy(pickle);
}

static void test_constants_reals_and_texts_are_read(void **state)
{
    (void)state;
    pa_pickle *pickle = READ("(N\x88\x89"
                             "G\x40\x04\0\0\0\0\0\0"
                             "X\3\0\0\0abc"
                             "U\1z"
                             "C\2\0\1"
                             "t.");
    const pa_pickle_node *root = pa_pickle_root(pickle);
    assert_int_equal(root->type, PA_PICKLE_TUPLE);
    assert_int_equal(root->u.list.count, 7);
    pa_pickle_node *const *items = root->u.list.items;
    assert_int_equal(items[0]->type, PA_PICKLE_NONE);
    assert_true(items[1]->type == PA_PICKLE_BOOL && items[1]->u.integer == 1);
    assert_true(items[2]->type == PA_PICKLE_BOOL && items[2]->u.integer == 0);
    assert_close(items[3]->u.real, 2.5, 0);
    assert_true(pa_pickle_is(items[4], "abc"));
    assert_true(pa_pickle_is(items[5], "z"));
    assert_true(items[6]->type == PA_PICKLE_BYTES && items[6]->u.text.length == 2);
    pa_pickle_destroy(pickle);
}

static void test_containers_are_filled_in_order(void **state)
{
    (void)state;
    pa_pickle *pickle = READ("}(K\1](K\2K\3e"
                             "K\4)"
                             "u"
                             "K\5K\6K\7\x86s.");
    const pa_pickle_node *root = pa_pickle_root(pickle);
    assert_int_equal(root->type, PA_PICKLE_DICT);
    assert_int_equal(root->u.list.count, 6); /* three pairs */
    assert_int_equal(root->u.list.items[1]->type, PA_PICKLE_LIST);
    assert_int_equal(root->u.list.items[1]->u.list.count, 2);
    assert_int_equal(root->u.list.items[1]->u.list.items[1]->u.integer, 3);
    assert_int_equal(root->u.list.items[3]->type, PA_PICKLE_TUPLE);
    assert_int_equal(root->u.list.items[5]->u.list.items[0]->u.integer, 6);
    pa_pickle_destroy(pickle);
}

static void test_the_memo_shares_values(void **state)
{
    (void)state;
    pa_pickle *pickle = READ("]q\0]r\1\0\0\0\x86"
                             "h\0\x86.");
    const pa_pickle_node *root = pa_pickle_root(pickle);
    assert_ptr_equal(root->u.list.items[1], root->u.list.items[0]->u.list.items[0]);
    pa_pickle_destroy(pickle);
    pickle = READ("]q\1h\1a."); /* numbered from 1, and a list that holds itself */
    assert_ptr_equal(pa_pickle_root(pickle)->u.list.items[0], pa_pickle_root(pickle));
    pa_pickle_destroy(pickle);
    pickle = READ("K\1\x94K\2\x94\x86j\1\0\0\0\x86.");
    assert_int_equal(pa_pickle_root(pickle)->u.list.items[1]->u.integer, 2);
    pa_pickle_destroy(pickle);
}

static void test_objects_go_through_the_hooks(void **state)
{
    (void)state;
    assert_integer(READ("cm\nf\nK\x09\x85R."), 9);
    assert_integer(READ("\x8c\1m\x8c\1f\x93K\x09\x85\x81."), 9);
    assert_integer(READ("cm\nf\nK\x09\x85}\x92."), 9);
    pa_pickle *pickle = READ("cm\nf\n)R}b"
                             "K\1K\2s"
                             "K\1a."); /* what is not understood swallows anything */
    assert_int_equal(pa_pickle_root(pickle)->type, PA_PICKLE_OPAQUE);
    pa_pickle_destroy(pickle);
    pickle = READ("NQ.");
    assert_int_equal(pa_pickle_root(pickle)->type, PA_PICKLE_STORAGE);
    pa_pickle_destroy(pickle);
    check_failure("\x80\x02"
                  "cm\ng\n.",
                  8, PA_ERR_UNSUPPORTED, "byte 2 (GLOBAL): unknown name");
    assert_bad("K\1)R.", "int cannot be called");
    assert_bad("cm\nf\nK\1R.", "not tuple");
    assert_bad("K\1}b.", "cannot be given a state");
    assert_bad("cm\nf", "does not end");
    assert_bad("K\1K\2\x93.", "needs two texts");
    check_failure("\x80\x02"
                  "cm\nf\n)}K\1K\2s\x92.",
                  15, PA_ERR_UNSUPPORTED, "named arguments");
}

static void assert_integers(pa_pickle *pickle, const int64_t *expected, int64_t count)
{
    const pa_pickle_node *root = pa_pickle_root(pickle);
    assert_int_equal(root->u.list.count, count);
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(root->u.list.items[i]->type, PA_PICKLE_INT);
        assert_int_equal(root->u.list.items[i]->u.integer, expected[i]);
    }
    pa_pickle_destroy(pickle);
}

/* Arguments of a call are used again for what comes next; what is asked for later, or was made of them, is not. */
static void test_what_is_still_needed_outlives_a_call(void **state)
{
    (void)state;
    assert_integers(READ("(cm\nf\nK\1K\2q\0K\3\x87R"
                         "K\4K\5K\6h\0t."),
                    (int64_t[]){1, 4, 5, 6, 2}, 5);
    assert_integers(READ("(cm\nf\nK\1\x85q\0RK\4K\5cm\nf\nh\0RK\6t."), (int64_t[]){1, 4, 5, 1, 6}, 5);
    assert_integers(READ("cm\nf\n](K\1K\2eK\3\x86R(K\4K\5e."), (int64_t[]){1, 2, 4, 5}, 4);
}

static void test_streams_must_begin_and_end_properly(void **state)
{
    (void)state;
    check_failure("", 0, PA_ERR_FORMAT, "not a pickle");
    check_failure("\x80", 1, PA_ERR_FORMAT, "not a pickle");
    check_failure("N.", 2, PA_ERR_FORMAT, "not a pickle");
    check_failure("\x80\x01N.", 4, PA_ERR_UNSUPPORTED, "protocol 1");
    check_failure("\x80\x06N.", 4, PA_ERR_UNSUPPORTED, "protocol 6");
    assert_bad("", "without STOP");
    assert_bad("N", "without STOP");
    assert_bad(".", "0 values");
    assert_bad("NN.", "2 values");
    assert_bad("(N.", "1 marks");
    assert_bad("N.N", "1 bytes follow");
    assert_bad("\x80\x02N.", "opcode 0x80");
    assert_bad("\x95\x09\0\0\0\0\0\0\0N.", "frame");
    assert_bad("\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", "frame");
    pa_pickle_destroy(READ("\x95\2\0\0\0\0\0\0\0N."));
}

static void test_lengths_beyond_the_stream_are_refused(void **state)
{
    (void)state;
    assert_bad("K", "1 bytes must follow");
    assert_bad("J\0\0\0", "4 bytes must follow");
    assert_bad("G\0", "8 bytes must follow");
    assert_bad("X\5\0\0\0abcd", "5 bytes must follow, there are 4");
    assert_bad("X\xff\xff\xff\xff.", "4294967295 bytes must follow");
    assert_bad("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "bytes must follow");
    assert_bad("\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.", "bytes must follow");
    assert_bad("\x8a\xff.", "255 bytes must follow");
    assert_bad("\x8b\xff\xff\xff\xff.", "-1 bytes must follow");
    assert_bad("q", "1 bytes must follow");
}

static void test_stacks_and_marks_must_balance(void **state)
{
    (void)state;
    assert_bad("t.", "no mark");
    assert_bad("K\1u.", "no mark");
    assert_bad("\x85.", "0 values are on the stack, not 1");
    assert_bad("K\1(\x85.", "0 values are on the stack"); /* never below the mark */
    assert_bad("K\1(K\2\x86.", "1 values are on the stack");
    assert_bad("](Na.", "no list");
    assert_bad("a.", "no list");
    assert_bad("Na.", "no list");
    assert_bad("s.", "no dict");
    assert_bad("NNs.", "no dict");
    assert_bad("(e.", "no list");
    assert_bad("q\0.", "stack is empty");
    assert_bad("(q\0.", "stack is empty");
    assert_bad("N(q\0.", "stack is empty"); /* what lies under the mark is out of reach */
    assert_bad("N(Q.", "stack is empty");
    assert_bad("R.", "stack is empty");
    assert_bad("Q.", "stack is empty");
    assert_bad("b.", "stack is empty");
}

static void test_items_go_only_into_containers_of_their_kind(void **state)
{
    (void)state;
    assert_bad("]K\1K\2s.", "needs dict, not list");
    assert_bad("NK\1K\2s.", "needs dict, not None");
    assert_bad("}K\1a.", "needs list, not dict");
    assert_bad(")K\1a.", "needs list, not tuple");
    assert_bad("K\1(K\2e.", "needs list, not int");
    assert_bad("}(K\1K\2K\3u.", "a key without a value");
    assert_bad("](K\1\x90.", "needs set, not list");
    pa_pickle_destroy(READ("\x8f(K\1K\2\x90."));
    pa_pickle_destroy(READ("(K\1K\2\x91."));
}

static void test_memo_slots_must_be_set_and_close(void **state)
{
    (void)state;
    assert_bad("h\0.", "memo 0 was not set");
    assert_bad("j\xff\xff\xff\xff.", "was not set");
    assert_bad("Nq\1h\0.", "memo 0 was not set");
    assert_bad("Nr\xff\xff\xff\x0f.", "memo 268435455, but only 0");
    assert_bad("Nr\xff\xff\xff\xff.", "but only 0");
    assert_bad("Nq\2.", "memo 2, but only 0");
}

static void test_other_opcodes_are_refused(void **state)
{
    (void)state;
    static const unsigned char refused[] = {'P', 'i', 'o', 0x82, 0x83, 0x84, 0x97, 0x98, 'I',  'L',  'F', 'S',
                                            'V', 'g', 'p', 'd',  'l',  '0',  '1',  '2',  0x00, 0xff, 0x80};
    for (size_t i = 0; i < sizeof(refused); i++) {
        char text[] = "\x80\x02N?12\n.";
        text[3] = (char)refused[i];
        check_failure(text, sizeof(text) - 1, PA_ERR_FORMAT, "byte 3 (");
    }
}

static void test_a_stream_of_opcodes_has_a_limit(void **state)
{
    (void)state;
    enum { N = 4000100 };
    char *text = malloc(N);
    assert_non_null(text);
    memset(text, '(', N); /* marks: the cheapest */
    memcpy(text, "\x80\x02", 2);
    check_failure(text, N, PA_ERR_LIMIT, "more than 4000000 opcodes");
    free(text);
}

static pa_status read_some(const pa_allocator *mem, void *user)
{
    (void)user;
    static const char text[] = "\x80\x02}(X\1\0\0\0aq\0](K\1K\2K\3eX\1\0\0\0bcm\nf\nK\1\x85R"
                               "uX\1\0\0\0ch\0s.";
    pa_pickle *pickle = NULL;
    const pa_status status = pa_pickle_read(mem, (const unsigned char *)text, sizeof(text) - 1, &hooks, &pickle, NULL);
    pa_pickle_destroy(pickle);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(read_some, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_of_every_width_are_read),
        cmocka_unit_test(test_constants_reals_and_texts_are_read),
        cmocka_unit_test(test_containers_are_filled_in_order),
        cmocka_unit_test(test_the_memo_shares_values),
        cmocka_unit_test(test_objects_go_through_the_hooks),
        cmocka_unit_test(test_what_is_still_needed_outlives_a_call),
        cmocka_unit_test(test_streams_must_begin_and_end_properly),
        cmocka_unit_test(test_lengths_beyond_the_stream_are_refused),
        cmocka_unit_test(test_stacks_and_marks_must_balance),
        cmocka_unit_test(test_items_go_only_into_containers_of_their_kind),
        cmocka_unit_test(test_memo_slots_must_be_set_and_close),
        cmocka_unit_test(test_other_opcodes_are_refused),
        cmocka_unit_test(test_a_stream_of_opcodes_has_a_limit),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
