/* SPDX-License-Identifier: Apache-2.0 */
#include "base/index.h"

#include <string.h>

#include "base/alloc.h"

uint64_t pa_hash_text(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    }
    return hash;
}

/* The slot that holds the text, or the free one where it belongs. */
static int64_t find_slot(const pa_index *index, const char *text)
{
    const uint64_t mask = (uint64_t)index->n_slots - 1;
    uint64_t slot = pa_hash_text(text) & mask;
    while (index->slots[slot] >= 0 && strcmp(index->texts[index->slots[slot]], text) != 0) {
        slot = (slot + 1) & mask;
    }
    return (int64_t)slot;
}

/* Twice as many slots, so that at most half are ever taken. */
static pa_status grow_slots(pa_index *index, pa_error *err)
{
    const int64_t n = index->n_slots > 0 ? 2 * index->n_slots : 64;
    int64_t *slots = pa_alloc_raw(index->arena.mem, n, sizeof(*slots));
    if (slots == NULL) {
        return pa_fail_nomem(err, "an index");
    }
    memset(slots, 0xFF, (size_t)n * sizeof(*slots));
    pa_free(index->arena.mem, index->slots);
    index->slots = slots;
    index->n_slots = n;
    for (int64_t i = 0; i < index->count; i++) {
        slots[find_slot(index, index->texts[i])] = i;
    }
    return PA_OK;
}

pa_status pa_index_add(pa_index *index, const char *text, int64_t *number, pa_error *err)
{
    pa_status status = PA_OK;
    if (2 * (index->count + 1) > index->n_slots) {
        PA_TRY(grow_slots(index, err));
    }
    const int64_t slot = find_slot(index, text);
    if (index->slots[slot] < 0) {
        PA_GROW(index->arena.mem, index->texts, index->capacity, index->count + 1, err, "an index");
        const char *copy = pa_arena_strndup(&index->arena, text, (int64_t)strlen(text));
        PA_REQUIRE_MEMORY(copy, err, "an index");
        index->texts[index->count] = copy;
        index->slots[slot] = index->count++;
    }
    *number = index->slots[slot];

cleanup:
    return status;
}

void pa_index_free(pa_index *index)
{
    const pa_allocator *mem = index->arena.mem;
    pa_free(mem, index->texts);
    pa_free(mem, index->slots);
    pa_arena_free(&index->arena);
    *index = (pa_index){.arena = {.mem = mem}};
}
