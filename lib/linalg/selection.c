/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/selection.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "linalg/sort.h"

enum { BUCKETS = 1 << 16, MAX_SLOTS = 16 };

/* Numbers of one bucket, all of the same sign. */
typedef struct slot {
    int64_t bucket;
    int64_t filled;
    double *values; /* room for the whole bucket */
} slot;

struct pa_selection {
    pa_allocator mem;
    int64_t total;
    int64_t starts[BUCKETS];  /* while counting: numbers in a bucket; from the first want on: numbers before it */
    uint8_t slot_of[BUCKETS]; /* 1 + index into slots, or 0 */
    int32_t counted;
    int32_t n_slots;
    slot slots[MAX_SLOTS];
};

/* The leading bits in the order of the numbers: negative ones count backwards. */
static int64_t bucket_of(double x)
{
    uint64_t bits;
    x += 0.0; /* -0 is 0 */
    memcpy(&bits, &x, sizeof(bits));
    const uint64_t sign = bits >> 63;
    return (int64_t)((bits ^ (sign != 0 ? UINT64_MAX : (uint64_t)1 << 63)) >> 48);
}

pa_status pa_selection_create(const pa_allocator *mem, pa_selection **out, pa_error *err)
{
    *out = pa_alloc(mem, 1, sizeof(**out));
    if (*out == NULL) {
        return pa_fail_nomem(err, "quantiles");
    }
    (*out)->mem = *mem;
    return PA_OK;
}

void pa_selection_destroy(pa_selection *selection)
{
    if (selection != NULL) {
        const pa_allocator mem = selection->mem;
        for (int32_t i = 0; i < selection->n_slots; i++) {
            pa_free(&mem, selection->slots[i].values);
        }
        pa_free(&mem, selection);
    }
}

void pa_selection_count(pa_selection *selection, const double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        selection->starts[bucket_of(x[i])]++;
    }
    selection->total += count;
}

static void sum_up(pa_selection *selection)
{
    int64_t before = 0;
    for (int64_t b = 0; b < BUCKETS && !selection->counted; b++) {
        const int64_t here = selection->starts[b];
        selection->starts[b] = before;
        before += here;
    }
    selection->counted = 1;
}

/* The last bucket that begins at or before the rank is the one that holds it: empty ones begin where the next does. */
static int64_t bucket_of_rank(const pa_selection *selection, int64_t rank)
{
    int64_t low = 0;
    int64_t high = BUCKETS;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (selection->starts[middle] <= rank) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static pa_status want_rank(pa_selection *selection, int64_t rank, pa_error *err)
{
    const int64_t bucket = bucket_of_rank(selection, rank);
    if (selection->slot_of[bucket] != 0) {
        return PA_OK;
    }
    if (selection->n_slots == MAX_SLOTS) {
        return pa_fail(err, PA_ERR_LIMIT, "more than %d quantiles", MAX_SLOTS / 2);
    }
    const int64_t end = bucket + 1 < BUCKETS ? selection->starts[bucket + 1] : selection->total;
    double *values = pa_alloc_raw(&selection->mem, end - selection->starts[bucket], sizeof(*values));
    if (values == NULL) {
        return pa_fail_nomem(err, "quantiles");
    }
    selection->slots[selection->n_slots++] = (slot){bucket, 0, values};
    selection->slot_of[bucket] = (uint8_t)selection->n_slots;
    return PA_OK;
}

/* The rank of a quantile, and how far it is to the next one. */
static int64_t rank_of(const pa_selection *selection, double q, double *beyond)
{
    const double h = q * (double)(selection->total - 1);
    const double rank = floor(h);
    *beyond = h - rank;
    return (int64_t)rank;
}

pa_status pa_selection_want(pa_selection *selection, double q, pa_error *err)
{
    pa_status status = PA_OK;
    double beyond = 0.0;
    sum_up(selection);
    const int64_t rank = rank_of(selection, q, &beyond);
    PA_TRY(want_rank(selection, rank, err));
    if (beyond > 0.0) {
        PA_TRY(want_rank(selection, rank + 1, err));
    }

cleanup:
    return status;
}

void pa_selection_collect(pa_selection *selection, const double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const int at = selection->slot_of[bucket_of(x[i])];
        if (at != 0) {
            slot *into = &selection->slots[at - 1];
            into->values[into->filled++] = x[i];
        }
    }
}

pa_status pa_selection_finish(pa_selection *selection, pa_error *err)
{
    pa_status status = PA_OK;
    for (int32_t i = 0; i < selection->n_slots && status == PA_OK; i++) {
        status = pa_sort_magnitudes(&selection->mem, selection->slots[i].values, selection->slots[i].filled, err);
    }
    return status;
}

static double number_of_rank(const pa_selection *selection, int64_t rank)
{
    const int64_t bucket = bucket_of_rank(selection, rank);
    const slot *from = &selection->slots[selection->slot_of[bucket] - 1];
    const int64_t place = rank - selection->starts[bucket];
    return bucket < BUCKETS / 2 ? -from->values[from->filled - 1 - place] : from->values[place];
}

double pa_selection_quantile(const pa_selection *selection, double q)
{
    double beyond = 0.0;
    const int64_t rank = rank_of(selection, q, &beyond);
    const double low = number_of_rank(selection, rank);
    if (!(beyond > 0.0)) {
        return low;
    }
    const double high = number_of_rank(selection, rank + 1);
    return high > low ? (1.0 - beyond) * low + beyond * high : low; /* their difference may overflow */
}
