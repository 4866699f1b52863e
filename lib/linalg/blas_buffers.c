/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * OpenBLAS keeps a pool of large work buffers. A call takes one that is free and maps a new one when there is none; when
 * that fails it tries again, for ever. So each buffer that a caller may need is mapped here, after seeing that there is
 * room for it.
 */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#endif
#include "linalg/blas_buffers.h"

#include <stddef.h>
#include <sys/mman.h>

/* Of a buffer in the builds for x86-64, the largest there are. */
#define BUFFER_BYTES ((size_t)128 << 20)

/* Room beyond it for what other threads map between the look and the mapping, an arena of malloc() each for instance.
 * One buffer is needed, further ones only make callers wait less. */
#define SPARE_BYTES ((size_t)128 << 20)
#define FURTHER_SPARE_BYTES ((size_t)1 << 30)

/* OpenBLAS' own, in every build of it but not in its header; a BLAS without them is believed to have the buffer. */
void *blas_memory_alloc(int kind) __attribute__((weak));
void blas_memory_free(void *buffer) __attribute__((weak));

static int has_room(size_t bytes)
{
    void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
        return 0;
    }
    (void)munmap(room, bytes);
    return 1;
}

static int is_known(const pa_blas_buffers *buffers, const void *buffer)
{
    for (int32_t i = 0; i < buffers->count; i++) {
        if (buffers->known[i] == buffer) {
            return 1;
        }
    }
    return 0;
}

/* Known ones that are free come first, so they are held until a new one comes. */
static void *take_unknown(const pa_blas_buffers *buffers)
{
    void *held[PA_BLAS_MAX_BUFFERS];
    int32_t n_held = 0;
    void *buffer = blas_memory_alloc(0);
    while (is_known(buffers, buffer)) {
        held[n_held++] = buffer;
        buffer = blas_memory_alloc(0);
    }
    blas_memory_free(buffer);
    while (n_held > 0) {
        blas_memory_free(held[--n_held]);
    }
    return buffer;
}

int32_t pa_blas_buffers_add(pa_blas_buffers *buffers)
{
    const size_t spare = buffers->count == 0 ? SPARE_BYTES : FURTHER_SPARE_BYTES;
    if (buffers->count == PA_BLAS_MAX_BUFFERS || !has_room(BUFFER_BYTES + spare)) {
        return 0;
    }
    buffers->known[buffers->count] =
        blas_memory_alloc != NULL && blas_memory_free != NULL ? take_unknown(buffers) : NULL;
    buffers->count++;
    return 1;
}
