/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Radix sort: the bits of non-negative doubles, read as integers, are in the order of the numbers. Digits that are the
 * same for all numbers (the low ones of float data) cost one pass of counting and none of moving.
 */
#include "linalg/sort.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { DIGIT_BITS = 11, DIGITS = 6, BUCKETS = 1 << DIGIT_BITS };

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static int64_t digit_of(double x, int digit)
{
    return (int64_t)((bits_of(x) >> (digit * DIGIT_BITS)) & (BUCKETS - 1));
}

static int is_one_bucket(const int64_t *counts, int64_t count)
{
    for (int64_t b = 0; b < BUCKETS; b++) {
        if (counts[b] != 0) {
            return counts[b] == count;
        }
    }
    return 1;
}

pa_status pa_sort_magnitudes(const pa_allocator *mem, double *x, int64_t count, pa_error *err)
{
    pa_status status = PA_OK;
    double *scratch = NULL;
    int64_t *counts = NULL;
    PA_REQUIRE_MEMORY(scratch = pa_alloc_raw(mem, count, sizeof(*scratch)), err, "sorting");
    PA_REQUIRE_MEMORY(counts = pa_alloc(mem, DIGITS * BUCKETS, sizeof(*counts)), err, "sorting");
    for (int64_t i = 0; i < count; i++) {
        x[i] = fabs(x[i]);
        for (int d = 0; d < DIGITS; d++) {
            counts[d * BUCKETS + digit_of(x[i], d)]++;
        }
    }
    double *from = x;
    double *to = scratch;
    for (int d = 0; d < DIGITS; d++) {
        int64_t *place = counts + d * BUCKETS;
        if (is_one_bucket(place, count)) {
            continue;
        }
        int64_t before = 0;
        for (int64_t b = 0; b < BUCKETS; b++) {
            const int64_t here = place[b];
            place[b] = before;
            before += here;
        }
        for (int64_t i = 0; i < count; i++) {
            to[place[digit_of(from[i], d)]++] = from[i];
        }
        double *swap = from;
        from = to;
        to = swap;
    }
    if (from != x && count > 0) {
        memcpy(x, from, (size_t)count * sizeof(*x));
    }

cleanup:
    pa_free(mem, counts);
    pa_free(mem, scratch);
    return status;
}
