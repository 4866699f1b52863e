/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <string.h>

#include "base/alloc.h"

enum { BLOCK_BYTES = 4096 - 64 };

struct pa_arena_block {
    pa_arena_block *next;
    size_t used;
    size_t size;
    max_align_t bytes[];
};

static pa_arena_block *add_block(pa_arena *arena, size_t bytes)
{
    const size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    pa_arena_block *block = pa_alloc_raw(arena->mem, (int64_t)(sizeof(*block) + size), 1);
    if (block != NULL) {
        block->used = 0;
        block->size = size;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *pa_arena_alloc(pa_arena *arena, int64_t count, size_t size)
{
    if (count < 0 || (uint64_t)count > (uint64_t)(PTRDIFF_MAX / 4) / size) {
        return NULL;
    }
    const size_t unit = sizeof(max_align_t);
    const size_t bytes = ((size_t)count * size + unit - 1) / unit * unit;
    pa_arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < bytes) {
        block = add_block(arena, bytes);
    }
    if (block == NULL) {
        return NULL;
    }
    void *memory = (char *)block->bytes + block->used;
    block->used += bytes;
    memset(memory, 0, bytes);
    return memory;
}

char *pa_arena_strndup(pa_arena *arena, const char *text, int64_t length)
{
    char *copy = length < INT64_MAX ? pa_arena_alloc(arena, length + 1, 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, text, (size_t)length);
    }
    return copy;
}

char *pa_arena_strdup(pa_arena *arena, const char *text)
{
    return text != NULL ? pa_arena_strndup(arena, text, (int64_t)strlen(text)) : pa_arena_strndup(arena, "", 0);
}

void pa_arena_free(pa_arena *arena)
{
    while (arena->blocks != NULL) {
        pa_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        pa_free(arena->mem, block);
    }
}
