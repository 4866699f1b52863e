/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *default_alloc(void *user, size_t bytes)
{
    (void)user;
    return malloc(bytes);
}

static void default_dealloc(void *user, void *memory)
{
    (void)user;
    free(memory);
}

const pa_allocator pa_allocator_default = {default_alloc, default_dealloc, NULL};

void *pa_alloc_raw(const pa_allocator *mem, int64_t count, size_t size)
{
    if (count < 0 || (uint64_t)count > (uint64_t)(PTRDIFF_MAX / 2) / size) {
        return NULL;
    }
    const size_t bytes = (size_t)count * size;
    return mem->alloc(mem->user, bytes > 0 ? bytes : 1);
}

void *pa_alloc(const pa_allocator *mem, int64_t count, size_t size)
{
    void *memory = pa_alloc_raw(mem, count, size);
    if (memory != NULL) {
        memset(memory, 0, (size_t)count * size);
    }
    return memory;
}

void pa_free(const pa_allocator *mem, void *memory)
{
    if (memory != NULL) {
        mem->dealloc(mem->user, memory);
    }
}

char *pa_strndup(const pa_allocator *mem, const char *text, int64_t length)
{
    char *copy = length < INT64_MAX ? pa_alloc_raw(mem, length + 1, 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, text, (size_t)length);
        copy[length] = '\0';
    }
    return copy;
}

char *pa_strdup(const pa_allocator *mem, const char *text)
{
    return pa_strndup(mem, text, (int64_t)strlen(text));
}

void *pa_array_grow(const pa_allocator *mem, void *array, int64_t *capacity, int64_t needed, size_t size)
{
    if (array != NULL && needed <= *capacity) {
        return array; /* never NULL, which says out of memory, also when nothing is needed */
    }
    int64_t larger = *capacity < 8 ? 8 : *capacity + *capacity / 2;
    if (larger < needed) {
        larger = needed;
    }
    void *copy = pa_alloc_raw(mem, larger, size);
    if (copy != NULL) {
        if (array != NULL) {
            memcpy(copy, array, (size_t)*capacity * size);
            pa_free(mem, array);
        }
        *capacity = larger;
    }
    return copy;
}
