/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief All memory of the library goes through here. */
#ifndef PA_BASE_ALLOC_H
#define PA_BASE_ALLOC_H
#include "base/error.h"

/** malloc and free. */
extern const pa_allocator pa_allocator_default;

/** `count * size` zeroed bytes (at least one), or NULL when out of memory, negative or overflowing. */
void *pa_alloc(const pa_allocator *mem, int64_t count, size_t size);

/** The same without zeroing: for arrays that are written in full. */
void *pa_alloc_raw(const pa_allocator *mem, int64_t count, size_t size);

/** Accepts NULL. */
void pa_free(const pa_allocator *mem, void *memory);

/** Copy of a string, or of its first `length` bytes with a NUL appended; NULL when out of memory. */
char *pa_strdup(const pa_allocator *mem, const char *text);
char *pa_strndup(const pa_allocator *mem, const char *text, int64_t length);

/**
 * Room for `needed` elements in a growing array: returns `array` or its larger copy (the old one is freed), and
 * updates `*capacity`. NULL when out of memory: `array` is then untouched.
 */
void *pa_array_grow(const pa_allocator *mem, void *array, int64_t *capacity, int64_t needed, size_t size);

/** The same for an array that is a variable, or to `cleanup:` as PA_TRY(); `what` names what it was for. */
#define PA_GROW(mem, array, capacity, needed, err, what)                                                               \
    do {                                                                                                               \
        void *grown_ = pa_array_grow(mem, array, &(capacity), needed, sizeof(*(array)));                               \
        PA_REQUIRE_MEMORY(grown_, err, what);                                                                          \
        (array) = grown_;                                                                                              \
    } while (0)
#endif
