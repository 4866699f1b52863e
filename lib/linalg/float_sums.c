/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/float_sums.h"

#include <math.h>

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

typedef struct lanes {
    double squares[LANES];
    double magnitudes[LANES];
} lanes;

WIDEST_OF_PROCESSOR
static void add_whole(const float *x, int64_t count, lanes *sums)
{
    for (int64_t i = 0; i < count; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            const double y = (double)x[i + k];
            sums->squares[k] += y * y;
            sums->magnitudes[k] += fabs(y);
        }
    }
}

pa_float_sums pa_sum_f32(const float *x, int64_t count)
{
    pa_float_sums total = {0.0, 0.0};
    for (int64_t begin = 0; begin < count; begin += BLOCK) {
        const int64_t length = begin + BLOCK < count ? BLOCK : count - begin;
        const int64_t whole = length / LANES * LANES;
        lanes sums = {{0.0}, {0.0}};
        add_whole(x + begin, whole, &sums);
        for (int64_t i = whole; i < length; i++) {
            const double y = (double)x[begin + i];
            sums.squares[i - whole] += y * y;
            sums.magnitudes[i - whole] += fabs(y);
        }
        pa_float_sums block = {0.0, 0.0};
        for (int k = 0; k < LANES; k++) {
            block.squares += sums.squares[k];
            block.magnitudes += sums.magnitudes[k];
        }
        total.squares += block.squares;
        total.magnitudes += block.magnitudes;
    }
    return total;
}
