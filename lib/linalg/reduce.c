/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/reduce.h"

#include <math.h>

/* Eight running sums vectorise; blocks of fixed length keep the rounding error of long sums small. */
enum { LANES = 8, BLOCK = 4096 };

#define REDUCE(expression)                                                                                             \
    double total = 0.0;                                                                                                \
    for (int64_t begin = 0; begin < count; begin += BLOCK) {                                                           \
        const int64_t end = begin + BLOCK < count ? begin + BLOCK : count;                                             \
        double lane[LANES] = {0};                                                                                      \
        int64_t i = begin;                                                                                             \
        for (; i + LANES <= end; i += LANES) {                                                                         \
            for (int k = 0; k < LANES; k++) {                                                                          \
                const int64_t at = i + k;                                                                              \
                lane[k] += (expression);                                                                               \
            }                                                                                                          \
        }                                                                                                              \
        for (int64_t at = i; at < end; at++) {                                                                         \
            lane[at - i] += (expression);                                                                              \
        }                                                                                                              \
        total += ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));            \
    }                                                                                                                  \
    return total

double pa_sum_abs(const double *x, int64_t count)
{
    REDUCE(fabs(x[at]));
}

double pa_dot(const double *x, const double *y, int64_t count)
{
    REDUCE(x[at] * y[at]);
}

double pa_max_abs(const double *x, int64_t count)
{
    double lane[LANES] = {0};
    const int64_t whole = count / LANES * LANES;
    for (int64_t i = 0; i < whole; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            const double magnitude = fabs(x[i + k]);
            lane[k] = magnitude > lane[k] ? magnitude : lane[k];
        }
    }
    for (int64_t i = whole; i < count; i++) {
        const double magnitude = fabs(x[i]);
        lane[0] = magnitude > lane[0] ? magnitude : lane[0];
    }
    double largest = lane[0];
    for (int k = 1; k < LANES; k++) {
        largest = lane[k] > largest ? lane[k] : largest;
    }
    return largest;
}

/* Calls a line a run of elements with stride 1; the view has `lines` of them. */
typedef struct lines {
    int64_t count;
    int64_t length;
    int64_t stride;
} lines;

static lines lines_of(pa_view a)
{
    const lines by_rows = {a.rows, a.cols, a.row_stride};
    const lines by_cols = {a.cols, a.rows, a.col_stride};
    return a.col_stride == 1 || a.cols <= 1 ? by_rows : by_cols;
}

/* The exponent to divide out, 0 unless squares would leave the range, so that common data is untouched. */
static int range_exponent(double largest)
{
    int exponent = 0;
    if (largest > 0.0 && isfinite(largest)) {
        (void)frexp(largest, &exponent);
    }
    return exponent > 400 || exponent < -400 ? exponent : 0;
}

/* x 2^exponent, in two steps: 2^exponent itself may overflow. */
static double shifted(double x, int exponent)
{
    const int half = exponent / 2;
    return ldexp(ldexp(x, half), exponent - half);
}

void pa_scale_back(double *x, int64_t count, int exponent)
{
    for (int64_t i = 0; i < count && exponent != 0; i++) {
        x[i] = shifted(x[i], exponent);
    }
}

int pa_scale_into_range(double *x, int64_t count)
{
    const int exponent = range_exponent(pa_max_abs(x, count));
    pa_scale_back(x, count, -exponent);
    return exponent;
}

double pa_frobenius(pa_view a)
{
    const lines l = lines_of(a);
    double sum = 0.0;
    double largest = 0.0;
    for (int64_t i = 0; i < l.count; i++) {
        sum += pa_dot(a.data + i * l.stride, a.data + i * l.stride, l.length);
    }
    if (sum > 0x1p-700 && sum < 0x1p1000) { /* no square that matters has left the range of doubles */
        return sqrt(sum);
    }
    for (int64_t i = 0; i < l.count; i++) {
        largest = fmax(largest, pa_max_abs(a.data + i * l.stride, l.length));
    }
    if (!(largest > 0.0) || !isfinite(largest)) {
        return largest;
    }
    const int shift = -range_exponent(largest);
    double total = 0.0;
    for (int64_t i = 0; i < l.count; i++) {
        const double *line = a.data + i * l.stride;
        if (shift == 0) {
            total += pa_dot(line, line, l.length);
            continue;
        }
        for (int64_t j = 0; j < l.length; j++) {
            const double x = shifted(line[j], shift);
            total += x * x;
        }
    }
    return ldexp(sqrt(total), -shift);
}
