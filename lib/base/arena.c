/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <string.h>

#include "base/alloc.h"

/* A piece of more than LARGE bytes has a block to itself, so that no more than a quarter of any block is lost. */
enum { BLOCK_BYTES = 4096 - 64, LARGE = BLOCK_BYTES / 4 };

struct pa_arena_block {
    pa_arena_block *next;
    size_t used;
    size_t size;
    max_align_t bytes[];
};

/* The block in use is the first one; that of a large piece, which is full at once, goes behind it. */
static pa_arena_block *add_block(pa_arena *arena, size_t bytes)
{
    const size_t size = bytes > LARGE ? bytes : BLOCK_BYTES;
    pa_arena_block *block = pa_alloc_raw(arena->mem, (int64_t)(sizeof(*block) + size), 1);
    if (block != NULL) {
        pa_arena_block **place = bytes > LARGE && arena->blocks != NULL ? &arena->blocks->next : &arena->blocks;
        block->used = 0;
        block->size = size;
        block->next = *place;
        *place = block;
    }
    return block;
}

/* The size of a type is a multiple of its alignment, which is a power of two: texts lie side by side. */
static size_t aligned(size_t used, size_t size)
{
    const size_t power = size & (~size + 1);
    const size_t unit = power < _Alignof(max_align_t) ? power : _Alignof(max_align_t);
    return (used + unit - 1) / unit * unit;
}

void *pa_arena_alloc(pa_arena *arena, int64_t count, size_t size)
{
    if (count < 0 || (uint64_t)count > (uint64_t)(PTRDIFF_MAX / 4) / size) {
        return NULL;
    }
    const size_t bytes = (size_t)count * size;
    pa_arena_block *block = arena->blocks;
    size_t start = block != NULL ? aligned(block->used, size) : 0;
    if (block == NULL || start > block->size || block->size - start < bytes) {
        block = add_block(arena, bytes);
        start = 0;
    }
    if (block == NULL) {
        return NULL;
    }
    void *memory = (char *)block->bytes + start;
    block->used = start + bytes;
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
