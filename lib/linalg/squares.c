/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/squares.h"

/* Several running sums vectorise, and blocks of fixed length keep the rounding error of long sums small. The order of
 * additions is the same for every instruction set: wider ones change the speed, not the bits. */
enum { LANES = 16, BLOCK = 8192 };

/* Sanitizers start too late for the loader to choose between clones. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&          \
    !defined(__SANITIZE_THREAD__)
#define WIDEST_OF_PROCESSOR __attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
#define WIDEST_OF_PROCESSOR
#endif

WIDEST_OF_PROCESSOR
static void add_squares(const float *x, int64_t count, double sums[LANES])
{
    for (int64_t i = 0; i < count; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            sums[k] += (double)x[i + k] * (double)x[i + k];
        }
    }
}

double pa_sum_squares_f32(const float *x, int64_t count)
{
    double total = 0.0;
    for (int64_t begin = 0; begin < count; begin += BLOCK) {
        const int64_t length = begin + BLOCK < count ? BLOCK : count - begin;
        const int64_t whole = length / LANES * LANES;
        double sums[LANES] = {0.0};
        add_squares(x + begin, whole, sums);
        for (int64_t i = whole; i < length; i++) {
            sums[i - whole] += (double)x[begin + i] * (double)x[begin + i];
        }
        double block = 0.0;
        for (int k = 0; k < LANES; k++) {
            block += sums[k];
        }
        total += block;
    }
    return total;
}
