/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Distinct texts, numbered 0, 1, 2 ... as they come: to share strings and to find what is there already. */
#ifndef PA_BASE_INDEX_H
#define PA_BASE_INDEX_H
#include "base/arena.h"
#include "base/error.h"

/** Zero-initialise with the allocator: `pa_index i = {.arena = {.mem = mem}};`. Free with pa_index_free(). */
typedef struct pa_index {
    pa_arena arena;
    const char **texts; /**< By number. */
    int64_t count;
    int64_t capacity;
    int64_t *slots; /**< Hash table of numbers; -1 is free. */
    int64_t n_slots;
} pa_index;

/** The number of a text, which is copied when it is new. PA_ERR_NOMEM leaves the index as it was. */
pa_status pa_index_add(pa_index *index, const char *text, int64_t *number, pa_error *err);

void pa_index_free(pa_index *index);

/** 64-bit FNV-1a; the same on every machine. */
uint64_t pa_hash_text(const char *text);
#endif
