/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sort.h"

static void sift_down(int64_t *order, int64_t root, int64_t n, pa_compare_fn compare, const void *items)
{
    const int64_t moved = order[root];
    for (int64_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        if (child + 1 < n && compare(items, order[child], order[child + 1]) < 0) {
            child++;
        }
        if (compare(items, moved, order[child]) >= 0) {
            break;
        }
        order[root] = order[child];
        root = child;
    }
    order[root] = moved;
}

void pa_sort_order(int64_t *order, int64_t n, pa_compare_fn compare, const void *items)
{
    for (int64_t root = n / 2; root-- > 0;) {
        sift_down(order, root, n, compare, items);
    }
    for (int64_t last = n - 1; last > 0; last--) {
        const int64_t largest = order[0];
        order[0] = order[last];
        order[last] = largest;
        sift_down(order, 0, last, compare, items);
    }
}

void pa_sort_numbers(int64_t *order, int64_t n, pa_compare_fn compare, const void *items)
{
    for (int64_t i = 0; i < n; i++) {
        order[i] = i;
    }
    pa_sort_order(order, n, compare, items);
}
