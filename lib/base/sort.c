/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sort.h"

/* Fewer are put in place one by one. */
enum { FEW = 16 };

typedef struct sorting {
    pa_compare_fn compare;
    const void *items;
} sorting;

static int is_before(const sorting *s, int64_t a, int64_t b)
{
    return s->compare(s->items, a, b) < 0;
}

static void swap(int64_t *order, int64_t i, int64_t k)
{
    const int64_t first = order[i];
    order[i] = order[k];
    order[k] = first;
}

static int is_sorted(const sorting *s, const int64_t *order, int64_t n)
{
    int64_t i = 1;
    while (i < n && !is_before(s, order[i], order[i - 1])) {
        i++;
    }
    return i >= n;
}

static void sort_few(const sorting *s, int64_t *order, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        const int64_t moved = order[i];
        int64_t to = i;
        for (; to > 0 && is_before(s, moved, order[to - 1]); to--) {
            order[to] = order[to - 1];
        }
        order[to] = moved;
    }
}

static void sift_down(const sorting *s, int64_t *order, int64_t root, int64_t n)
{
    const int64_t moved = order[root];
    for (int64_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
        child += child + 1 < n && is_before(s, order[child], order[child + 1]);
        if (!is_before(s, moved, order[child])) {
            break;
        }
        order[root] = order[child];
        root = child;
    }
    order[root] = moved;
}

static void sort_heap(const sorting *s, int64_t *order, int64_t n)
{
    for (int64_t root = n / 2; root-- > 0;) {
        sift_down(s, order, root, n);
    }
    for (int64_t last = n - 1; last > 0; last--) {
        swap(order, 0, last);
        sift_down(s, order, 0, last);
    }
}

/*
 * The middle one of the first, the middle and the last divides the others: what lies before the place that is returned
 * does not come after what lies behind it. Neither side is empty, whatever the comparison says.
 */
static int64_t divide(const sorting *s, int64_t *order, int64_t n)
{
    int64_t low = 0;
    int64_t high = n - 1;
    const int64_t middle = n / 2;
    if (is_before(s, order[middle], order[low])) {
        swap(order, middle, low);
    }
    if (is_before(s, order[high], order[middle])) {
        swap(order, high, middle);
        if (is_before(s, order[middle], order[low])) {
            swap(order, middle, low);
        }
    }
    const int64_t pivot = order[middle];
    for (;;) {
        do {
            low++;
        } while (low < n - 1 && is_before(s, order[low], pivot));
        do {
            high--;
        } while (high > 0 && is_before(s, pivot, order[high]));
        if (low >= high) {
            return low;
        }
        swap(order, low, high);
    }
}

/* `divisions`: how often it may still be divided; on bad luck the heap takes over. */
static void sort_part(const sorting *s, int64_t *order, int64_t n, int divisions)
{
    while (n > FEW && divisions > 0) {
        const int64_t at = divide(s, order, n);
        divisions--;
        sort_part(s, order + at, n - at, divisions);
        n = at;
    }
    if (n > FEW) {
        sort_heap(s, order, n);
    } else {
        sort_few(s, order, n);
    }
}

void pa_sort_order(int64_t *order, int64_t n, pa_compare_fn compare, const void *items)
{
    const sorting s = {compare, items};
    int divisions = 0;
    for (int64_t left = n; left > 1; left /= 2) {
        divisions += 2;
    }
    if (!is_sorted(&s, order, n)) {
        sort_part(&s, order, n, divisions);
    }
}

void pa_sort_numbers(int64_t *order, int64_t n, pa_compare_fn compare, const void *items)
{
    for (int64_t i = 0; i < n; i++) {
        order[i] = i;
    }
    pa_sort_order(order, n, compare, items);
}
