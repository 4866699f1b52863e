/* SPDX-License-Identifier: Apache-2.0 */
/* Many small pieces: where they lie, and how little is lost between them. */
#include "base/arena.h"
#include "pa_test.h"

static void test_pieces_are_aligned_for_their_elements_and_zero(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 1000};
    enum { N = sizeof(sizes) / sizeof(sizes[0]) };
    pa_test_heap heap = PA_TEST_HEAP(-1, 0);
    const pa_allocator mem = {pa_test_heap_alloc, pa_test_heap_free, &heap};
    pa_arena arena = {.mem = &mem};
    for (int i = 0; i < 1000; i++) {
        const size_t size = sizes[i % N];
        const size_t power = size & (~size + 1);
        const size_t bytes = (size_t)(i % 5) * size;
        unsigned char *piece = pa_arena_alloc(&arena, i % 5, size);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % (power < 16 ? power : 16), 0);
        for (size_t k = 0; k < bytes; k++) {
            assert_int_equal(piece[k], 0);
        }
        memset(piece, 0xFF, bytes); /* the next one must not be in it */
    }
    pa_arena_free(&arena);
    assert_int_equal(heap.live, 0);
}

static void test_texts_lie_side_by_side(void **state)
{
    (void)state;
    pa_test_heap heap = PA_TEST_HEAP(-1, 0);
    const pa_allocator mem = {pa_test_heap_alloc, pa_test_heap_free, &heap};
    pa_arena arena = {.mem = &mem};
    const char *a = pa_arena_strdup(&arena, "abc");
    const char *b = pa_arena_strndup(&arena, "defg", 3);
    assert_ptr_equal(b, a + 4);
    assert_string_equal(a, "abc");
    assert_string_equal(b, "def");
    pa_arena_free(&arena);
}

static void test_a_large_piece_does_not_end_the_block_in_use(void **state)
{
    (void)state;
    pa_test_heap heap = PA_TEST_HEAP(-1, 0);
    const pa_allocator mem = {pa_test_heap_alloc, pa_test_heap_free, &heap};
    pa_arena arena = {.mem = &mem};
    assert_non_null(pa_arena_alloc(&arena, 100000, 1)); /* the first, too, may be large */
    const char *a = pa_arena_strdup(&arena, "abc");
    assert_non_null(pa_arena_alloc(&arena, 4030, 1));
    const char *b = pa_arena_strdup(&arena, "def");
    assert_ptr_equal(b, a + 4);
    assert_int_equal(heap.calls, 3);
    pa_arena_free(&arena);
    assert_int_equal(heap.live, 0);
}

static void test_what_cannot_be_had_is_null(void **state)
{
    (void)state;
    pa_test_heap heap = PA_TEST_HEAP(0, 1);
    const pa_allocator mem = {pa_test_heap_alloc, pa_test_heap_free, &heap};
    pa_arena arena = {.mem = &mem};
    assert_null(pa_arena_alloc(&arena, -1, 8));
    assert_null(pa_arena_alloc(&arena, INT64_MAX, 8));
    assert_null(pa_arena_alloc(&arena, 1, 8));
    assert_null(pa_arena_strdup(&arena, "a"));
    pa_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_aligned_for_their_elements_and_zero),
        cmocka_unit_test(test_texts_lie_side_by_side),
        cmocka_unit_test(test_a_large_piece_does_not_end_the_block_in_use),
        cmocka_unit_test(test_what_cannot_be_had_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
