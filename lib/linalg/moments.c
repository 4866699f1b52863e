/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/moments.h"

#include <math.h>

#include "linalg/reduce.h"

enum {
    BLOCK = 1024,
    SAFE = 200,       /* fourth powers of 2^200, many of them, are within a double; and of 2^-200 */
    OF_ZEROS = -10000 /* the exponent of zeros: below any other, so that they adopt the others' */
};

static int exponent_of(double largest)
{
    int exponent = 0;
    if (!(largest > 0.0)) {
        return OF_ZEROS;
    }
    (void)frexp(largest, &exponent);
    return exponent > SAFE || exponent < -SAFE ? exponent : 0;
}

static void rescale(pa_moments *m, int exponent)
{
    const int shift = m->exponent - exponent;
    if (shift != 0) {
        m->mean = ldexp(m->mean, shift);
        m->m2 = ldexp(m->m2, 2 * shift);
        m->m3 = ldexp(m->m3, 3 * shift);
        m->m4 = ldexp(m->m4, 4 * shift);
        m->exponent = exponent;
    }
}

/* The mean a second time: of what is left after the first, so that equal numbers deviate by nothing. */
static double mean_of(const double *x, int64_t count)
{
    double sum = 0.0;
    double rest = 0.0;
    for (int64_t i = 0; i < count; i++) {
        sum += x[i];
    }
    const double mean = sum / (double)count;
    for (int64_t i = 0; i < count; i++) {
        rest += x[i] - mean;
    }
    return mean + rest / (double)count;
}

static void add_block(pa_moments *moments, const double *x, int64_t count)
{
    double scaled[BLOCK];
    pa_moments block = {.count = count, .exponent = exponent_of(pa_max_abs(x, count))};
    if (block.exponent != 0 && block.exponent != OF_ZEROS) {
        for (int64_t i = 0; i < count; i++) {
            scaled[i] = ldexp(x[i], -block.exponent);
        }
        x = scaled;
    }
    block.mean = mean_of(x, count);
    for (int64_t i = 0; i < count; i++) {
        const double d = x[i] - block.mean;
        const double dd = d * d;
        block.m2 += dd;
        block.m3 += dd * d;
        block.m4 += dd * dd;
    }
    pa_moments_merge(moments, &block);
}

void pa_moments_add(pa_moments *moments, const double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i += BLOCK) {
        add_block(moments, x + i, count - i < BLOCK ? count - i : BLOCK);
    }
}

void pa_moments_merge(pa_moments *moments, const pa_moments *other)
{
    if (other->count == 0) {
        return;
    }
    if (moments->count == 0) {
        *moments = *other;
        return;
    }
    pa_moments a = *moments;
    pa_moments b = *other;
    const int exponent = a.exponent > b.exponent ? a.exponent : b.exponent;
    rescale(&a, exponent);
    rescale(&b, exponent);
    const double na = (double)a.count;
    const double nb = (double)b.count;
    const double n = na + nb;
    const double wa = na / n;
    const double wb = nb / n;
    const double d = b.mean - a.mean;
    moments->count = a.count + b.count;
    moments->exponent = exponent;
    moments->mean = a.mean + d * wb;
    moments->m2 = a.m2 + b.m2 + d * d * na * wb;
    moments->m3 = a.m3 + b.m3 + d * d * d * na * wb * (wa - wb) + 3.0 * d * (wa * b.m2 - wb * a.m2);
    moments->m4 = a.m4 + b.m4 + d * d * d * d * na * wb * (wa * wa - wa * wb + wb * wb) +
                  6.0 * d * d * (wa * wa * b.m2 + wb * wb * a.m2) + 4.0 * d * (wa * b.m3 - wb * a.m3);
}

static double root_mean(const pa_moments *m, double squares)
{
    return ldexp(sqrt(squares), m->exponent);
}

double pa_moments_mean(const pa_moments *moments)
{
    return ldexp(moments->mean, moments->exponent);
}

double pa_moments_sd(const pa_moments *moments)
{
    return root_mean(moments, moments->m2 / (double)moments->count);
}

double pa_moments_rms(const pa_moments *moments)
{
    return root_mean(moments, moments->m2 / (double)moments->count + moments->mean * moments->mean);
}

int pa_moments_is_constant(const pa_moments *moments)
{
    const double rounding = 16.0 * 0x1p-52 * fabs(moments->mean);
    return !(moments->m2 / (double)moments->count > rounding * rounding);
}

double pa_moments_skew(const pa_moments *moments)
{
    const double n = (double)moments->count;
    const double variance = moments->m2 / n;
    return moments->m3 / n / (variance * sqrt(variance));
}

double pa_moments_kurtosis(const pa_moments *moments)
{
    const double n = (double)moments->count;
    const double variance = moments->m2 / n;
    return moments->m4 / n / (variance * variance) - 3.0;
}
