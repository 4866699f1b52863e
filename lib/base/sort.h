/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Sorting that needs no memory and has no bad input. */
#ifndef PA_BASE_SORT_H
#define PA_BASE_SORT_H
#include <stdint.h>

/** Negative, zero or positive, as element `a` of `items` comes before, with or after element `b`. */
typedef int (*pa_compare_fn)(const void *items, int64_t a, int64_t b);

/**
 * Sort the element numbers in `order` (heap sort: n log n on any input; qsort() may allocate behind the allocator's
 * back). Not stable: let `compare` decide ties.
 */
void pa_sort_order(int64_t *order, int64_t n, pa_compare_fn compare, const void *items);

/** The same for the numbers 0 ... n - 1, which are put into `order` first. */
void pa_sort_numbers(int64_t *order, int64_t n, pa_compare_fn compare, const void *items);
#endif
