/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting, and finding what is there twice: right on any input, and never slow. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/repeated.h"
#include "base/sort.h"
#include "pa_test_files.h"

enum { MANY = 20000 };

typedef struct counted {
    const int64_t *values;
    int64_t comparisons;
} counted;

static int compare(const void *items, int64_t a, int64_t b)
{
    counted *c = (counted *)(uintptr_t)items;
    c->comparisons++;
    const int64_t *v = c->values;
    return v[a] != v[b] ? (v[a] > v[b]) - (v[a] < v[b]) : (a > b) - (a < b);
}

/* All values are of 0 ... n - 1. Counting them says what must come out. */
static void check(const int64_t *values, int64_t n, int64_t most)
{
    int64_t *order = calloc((size_t)n + 1, sizeof(*order));
    int64_t *begin = calloc((size_t)n + 2, sizeof(*begin));
    counted c = {values, 0};
    assert_non_null(order);
    assert_non_null(begin);
    for (int64_t i = 0; i < n; i++) {
        order[i] = i;
        begin[values[i] + 1]++;
    }
    for (int64_t v = 0; v < n; v++) {
        begin[v + 1] += begin[v];
    }
    pa_sort_order(order, n, compare, &c);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(order[begin[values[i]]++], i); /* equal ones in turn, as the comparison decides */
    }
    if (c.comparisons > most) {
        fail_msg("%lld values took %lld comparisons, more than %lld", (long long)n, (long long)c.comparisons,
                 (long long)most);
    }
    free(order);
    free(begin);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void test_any_number_of_values_is_sorted(void **state)
{
    (void)state;
    int64_t values[200] = {0};
    uint32_t x = 1;
    for (int64_t n = 0; n <= 200; n++) {
        for (int64_t i = 0; i < n; i++) {
            x = x * 1664525U + 1013904223U;
            values[i] = (int64_t)(x >> 8) % n;
        }
        check(values, n, INT64_MAX);
    }
}

/* At most 4 n log2 n. */
static void test_patterns_take_n_log_n(void **state)
{
    (void)state;
    enum { N = MANY, MOST = 1150000 };
    int64_t *v = calloc(N, sizeof(*v));
    assert_non_null(v);
    for (int64_t i = 0; i < N; i++) {
        v[i] = i;
    }
    check(v, N, N); /* they are sorted */
    v[N - 1] = 0;
    check(v, N, MOST);
    for (int64_t i = 0; i < N; i++) {
        v[i] = N - 1 - i;
    }
    check(v, N, MOST);
    for (int64_t i = 0; i < N; i++) {
        v[i] = least(i, N - 1 - i);
    }
    check(v, N, MOST);
    for (int64_t i = 0; i < N; i++) {
        v[i] = i * 7919 % N;
    }
    check(v, N, MOST);
    for (int64_t i = 0; i < N; i++) {
        v[i] = i % 2;
    }
    check(v, N, MOST);
    free(v);
}

/* Values that are decided when they are asked for, so that whatever divides is next to the smallest. */
typedef struct adversary {
    int64_t *values; /* -1: not yet decided, and larger than all that are */
    int64_t next;
    int64_t candidate;
    int64_t comparisons;
} adversary;

static int compare_adversary(const void *items, int64_t a, int64_t b)
{
    adversary *v = (adversary *)(uintptr_t)items;
    v->comparisons++;
    if (v->values[a] < 0 && v->values[b] < 0) {
        v->values[a == v->candidate ? a : b] = v->next++;
    }
    v->candidate = v->values[a] < 0 ? a : v->values[b] < 0 ? b : v->candidate;
    const uint64_t x = (uint64_t)v->values[a];
    const uint64_t y = (uint64_t)v->values[b];
    return (x > y) - (x < y);
}

static void test_there_is_no_bad_input(void **state)
{
    (void)state;
    enum { N = MANY, MOST = 2000000 };
    int64_t *order = calloc(N, sizeof(*order));
    adversary v = {.values = calloc(N, sizeof(*v.values)), .candidate = -1};
    assert_non_null(order);
    assert_non_null(v.values);
    for (int64_t i = 0; i < N; i++) {
        order[i] = i;
        v.values[i] = -1;
    }
    v.values[0] = 1; /* two that are not in order, or to see whether all are would decide them in order */
    v.values[1] = 0;
    v.next = 2;
    pa_sort_order(order, N, compare_adversary, &v);
    for (int64_t i = 1; i < N; i++) {
        assert_true((uint64_t)v.values[order[i - 1]] <= (uint64_t)v.values[order[i]]);
    }
    if (v.comparisons > MOST) {
        fail_msg("%lld comparisons", (long long)v.comparisons);
    }
    free(order);
    free(v.values);
}

static int say(const void *items, int64_t a, int64_t b)
{
    const int *answer = items;
    (void)a;
    (void)b;
    return *answer;
}

static int contradict(const void *items, int64_t a, int64_t b)
{
    (void)items;
    return (int)((a * 31 + b * 17) % 3) - 1;
}

/* As NaN does among doubles. */
static void test_comparisons_that_contradict_themselves_lose_nothing(void **state)
{
    (void)state;
    enum { N = 1000 };
    for (int answer = -1; answer <= 2; answer++) {
        int64_t order[N];
        int seen[N] = {0};
        for (int64_t i = 0; i < N; i++) {
            order[i] = i;
        }
        pa_sort_order(order, N, answer < 2 ? say : contradict, &answer);
        for (int64_t i = 0; i < N; i++) {
            assert_true(order[i] >= 0 && order[i] < N);
            assert_int_equal(seen[order[i]]++, 0);
        }
    }
}

enum { TEXTS = 100000 };
typedef struct text {
    char bytes[24];
} text;

static const char *text_of(const void *items, int64_t number)
{
    const text *texts = items;
    return texts[number].bytes;
}

static void test_a_text_that_is_there_twice_is_found(void **state)
{
    (void)state;
    pa_error err;
    int64_t found = 0;
    text *texts = calloc(TEXTS, sizeof(*texts));
    assert_non_null(texts);
    for (int i = 0; i < TEXTS; i++) {
        pa_test_format(texts[i].bytes, sizeof(texts[i].bytes), "%d", i);
    }
    assert_ok(pa_find_repeated(&pa_allocator_default, TEXTS, text_of, texts, &found, &err));
    assert_int_equal(found, -1);
    for (int i = 0; i < 3; i++) {
        const int at[][2] = {{0, 1}, {17, TEXTS - 1}, {70000, 71234}};
        const text kept = texts[at[i][1]];
        texts[at[i][1]] = texts[at[i][0]];
        assert_ok(pa_find_repeated(&pa_allocator_default, TEXTS, text_of, texts, &found, &err));
        assert_int_equal(found, at[i][1]);
        texts[at[i][1]] = kept;
    }
    assert_ok(pa_find_repeated(&pa_allocator_default, 0, text_of, texts, &found, &err));
    assert_int_equal(found, -1);
    free(texts);
}

/* The first 31 bits of their FNV-1a hashes are the same. */
static void test_texts_of_the_same_hash_are_told_apart(void **state)
{
    (void)state;
    pa_error err;
    int64_t found = 0;
    const text texts[] = {{"layers.31505.w"}, {"layers.289626.w"}, {"layers.31505.w"}};
    assert_ok(pa_find_repeated(&pa_allocator_default, 2, text_of, texts, &found, &err));
    assert_int_equal(found, -1);
    assert_ok(pa_find_repeated(&pa_allocator_default, 3, text_of, texts, &found, &err));
    assert_int_equal(found, 2);
}

static pa_status find_two(const pa_allocator *mem, void *user)
{
    int64_t found = 0;
    (void)user;
    const text texts[2] = {{"a"}, {"a"}};
    return pa_find_repeated(mem, 2, text_of, texts, &found, NULL);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(find_two, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_values_is_sorted),
        cmocka_unit_test(test_patterns_take_n_log_n),
        cmocka_unit_test(test_there_is_no_bad_input),
        cmocka_unit_test(test_comparisons_that_contradict_themselves_lose_nothing),
        cmocka_unit_test(test_a_text_that_is_there_twice_is_found),
        cmocka_unit_test(test_texts_of_the_same_hash_are_told_apart),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
