/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Memory that is touched for the first time costs microseconds for each page of 4 KiB, which for an analysis of a tenth
 * of a second is a third of it. So the heap grows in large steps, keeps what it has, and begins with huge pages.
 */
#define _DEFAULT_SOURCE
#include "heap.h"

#include <stdint.h>
#include <stdlib.h>

#if defined(__GLIBC__)
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RESERVE = 256 << 20, HUGE_PAGE = 2 << 20 };

/* All of it is advice: where it is refused, the program is slower and no less right. */
void cli_heap_prepare(void)
{
    if (mallopt(M_TOP_PAD, RESERVE) == 0 || mallopt(M_TRIM_THRESHOLD, 2 * RESERVE) == 0 ||
        mallopt(M_MMAP_THRESHOLD, RESERVE / 8) == 0 || mallopt(M_ARENA_MAX, 1) == 0) {
        return;
    }
    /* Makes the heap grow, unless something did before. */
    free(malloc(1));
    void *grown = malloc(HUGE_PAGE);
    const uintptr_t begin = ((uintptr_t)grown + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    const uintptr_t end = (uintptr_t)sbrk(0) / HUGE_PAGE * HUGE_PAGE;
    if (grown != NULL && begin < end) {
        (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
    }
    free(grown);
}
#else
void cli_heap_prepare(void)
{
}
#endif
