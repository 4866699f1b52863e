/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Numbers for tests: the same on every machine. */
#ifndef PA_RANDOM_H
#define PA_RANDOM_H
#include <math.h>
#include <stdint.h>

/** State of a splitmix64 generator; any value is a seed. */
typedef struct pa_random {
    uint64_t state;
} pa_random;

static inline uint64_t pa_random_bits(pa_random *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/** Uniform in (0, 1). */
static inline double pa_random_uniform(pa_random *r)
{
    return ((double)(pa_random_bits(r) >> 11) + 0.5) * 0x1p-53;
}

/** Standard normal, by Box and Muller. */
static inline double pa_random_normal(pa_random *r)
{
    const double radius = sqrt(-2.0 * log(pa_random_uniform(r)));
    return radius * cos(6.283185307179586 * pa_random_uniform(r));
}

static inline void pa_random_fill(pa_random *r, double *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        x[i] = pa_random_normal(r);
    }
}
#endif
