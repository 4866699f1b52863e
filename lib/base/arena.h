/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Many small pieces of memory that end together. */
#ifndef PA_BASE_ARENA_H
#define PA_BASE_ARENA_H
#include <picoanalyze/types.h>

typedef struct pa_arena_block pa_arena_block;

/** Zero-initialise with the allocator: `pa_arena a = {.mem = mem};`. Free with pa_arena_free(). */
typedef struct pa_arena {
    const pa_allocator *mem;
    pa_arena_block *blocks;
} pa_arena;

/** `count * size` zeroed bytes, aligned for elements of that size; NULL when out of memory, negative or overflowing. */
void *pa_arena_alloc(pa_arena *arena, int64_t count, size_t size);

/** Copy of `length` bytes with a NUL appended; NULL when out of memory. */
char *pa_arena_strndup(pa_arena *arena, const char *text, int64_t length);

/** Copy of a string; NULL, too, gives "". NULL when out of memory. */
char *pa_arena_strdup(pa_arena *arena, const char *text);

void pa_arena_free(pa_arena *arena);
#endif
