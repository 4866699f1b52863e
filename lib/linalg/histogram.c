/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/histogram.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum {
    EXPONENTS = 2048, /* of a double; the sign bit is never set */
    BUCKETS = 1 << PA_HISTOGRAM_BITS,
    SHIFT = 52 - PA_HISTOGRAM_BITS
};

/* Count and sum side by side: one cache line a visit. */
typedef struct bucket {
    int64_t count;
    double sum;
} bucket;

struct pa_histogram {
    const pa_allocator *mem;
    bucket *exponents[EXPONENTS]; /* NULL where nothing was counted */
};

pa_status pa_histogram_create(const pa_allocator *mem, pa_histogram **out, pa_error *err)
{
    *out = pa_alloc(mem, 1, sizeof(**out));
    if (*out == NULL) {
        return pa_fail_nomem(err, "a histogram");
    }
    (*out)->mem = mem;
    return PA_OK;
}

void pa_histogram_destroy(pa_histogram *histogram)
{
    if (histogram != NULL) {
        for (int e = 0; e < EXPONENTS; e++) {
            pa_free(histogram->mem, histogram->exponents[e]);
        }
        pa_free(histogram->mem, histogram);
    }
}

static pa_status open_exponent(pa_histogram *histogram, uint64_t exponent, pa_error *err)
{
    bucket *buckets = pa_alloc(histogram->mem, BUCKETS, sizeof(*buckets));
    if (buckets == NULL) {
        return pa_fail_nomem(err, "a histogram");
    }
    histogram->exponents[exponent] = buckets;
    return PA_OK;
}

static inline pa_status add(pa_histogram *histogram, double x, int64_t count, pa_error *err)
{
    const double magnitude = fabs(x);
    uint64_t bits;
    memcpy(&bits, &magnitude, sizeof(bits));
    const uint64_t exponent = bits >> 52;
    if (histogram->exponents[exponent] == NULL) {
        const pa_status status = open_exponent(histogram, exponent, err);
        if (status != PA_OK) {
            return status;
        }
    }
    bucket *b = &histogram->exponents[exponent][(bits >> SHIFT) & (BUCKETS - 1)];
    b->count += count;
    b->sum += (double)count * magnitude;
    return PA_OK;
}

pa_status pa_histogram_add_f64(pa_histogram *histogram, const double *x, int64_t count, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < count && status == PA_OK; i++) {
        status = add(histogram, x[i], 1, err);
    }
    return status;
}

pa_status pa_histogram_add_f32(pa_histogram *histogram, const float *x, int64_t count, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < count && status == PA_OK; i++) {
        status = add(histogram, (double)x[i], 1, err);
    }
    return status;
}

pa_status pa_histogram_add_groups(pa_histogram *histogram, const int64_t *counts, const double *means, int64_t n,
                                  pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < n && status == PA_OK; i++) {
        status = add(histogram, means[i], counts[i], err);
    }
    return status;
}

int64_t pa_histogram_size(const pa_histogram *histogram)
{
    int64_t size = 0;
    for (int e = 0; e < EXPONENTS; e++) {
        for (int b = 0; histogram->exponents[e] != NULL && b < BUCKETS; b++) {
            size += histogram->exponents[e][b].count > 0;
        }
    }
    return size;
}

void pa_histogram_read(const pa_histogram *histogram, int64_t *counts, double *means)
{
    int64_t at = 0;
    for (int e = 0; e < EXPONENTS; e++) {
        for (int b = 0; histogram->exponents[e] != NULL && b < BUCKETS; b++) {
            const bucket *here = &histogram->exponents[e][b];
            if (here->count > 0) {
                counts[at] = here->count;
                means[at++] = here->sum / (double)here->count;
            }
        }
    }
}

double pa_histogram_gini_error(const pa_histogram *histogram)
{
    double count = 0.0;
    double sum = 0.0;
    double spread = 0.0; /* of c^2 w */
    for (int e = 0; e < EXPONENTS; e++) {
        const double width = ldexp(1.0, (e > 0 ? e : 1) - 1023 - PA_HISTOGRAM_BITS);
        for (int b = 0; histogram->exponents[e] != NULL && b < BUCKETS; b++) {
            const bucket *here = &histogram->exponents[e][b];
            const double c = (double)here->count;
            count += c;
            sum += here->sum;
            spread += c > 1.0 && here->sum > 0.0 ? c * c * width : 0.0;
        }
    }
    return sum > 0.0 ? spread / (4.0 * count * sum) : 0.0;
}
