/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Gini coefficients of the elements of O_h V and O_h dV + dO_h V. The elements are formed in single precision, a panel
 * of rows that stays in the cache at a time, and counted by the leading 20 of the 31 bits of their magnitudes; elements
 * of a bucket count as equal to its middle. Counts of heads add up to those of all heads.
 */
#include "floor.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

enum { SHIFT = 11, BUCKETS = 1 << 20, PANEL = 96 };

void floor_counts_start(floor_counts *c, const floor_layer *l)
{
    const int64_t width = 2 * l->size;
    c->head = calloc(2 * BUCKETS, sizeof(*c->head)); /* pages that are never touched cost nothing */
    c->panel = floor_memory((PANEL * l->d + PANEL * width + width * l->d) * (int64_t)sizeof(*c->panel));
    if (c->head == NULL) {
        exit(1);
    }
    c->all = c->head + BUCKETS;
    c->left = c->panel + PANEL * l->d;
    c->right = c->left + PANEL * width;
    c->low = BUCKETS;
    c->high = -1;
}

static int64_t bucket_of(float magnitude)
{
    uint32_t bits = 0;
    memcpy(&bits, &magnitude, sizeof(bits));
    return bits >> SHIFT;
}

static double middle_of(int64_t bucket)
{
    const uint32_t bits = (uint32_t)bucket << SHIFT | 1u << (SHIFT - 1);
    float value = 0.0f;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void count(const float *restrict x, int64_t n, uint32_t *restrict counts)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits = 0;
        memcpy(&bits, &x[i], sizeof(bits));
        counts[(bits & 0x7fffffffu) >> SHIFT]++;
    }
}

static void widen_range(const float *x, int64_t n, float *low, float *high)
{
    enum { LANES = 16 }; /* so that the compiler may use vectors without reordering floats on its own */
    float least[LANES], most[LANES];
    for (int k = 0; k < LANES; k++) {
        least[k] = *low;
        most[k] = *high;
    }
    for (int64_t i = 0; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            const float a = x[i + k] < 0.0f ? -x[i + k] : x[i + k];
            least[k] = a < least[k] ? a : least[k];
            most[k] = a > most[k] ? a : most[k];
        }
    }
    for (int64_t i = n / LANES * LANES; i < n; i++) {
        const float a = x[i] < 0.0f ? -x[i] : x[i];
        least[0] = a < least[0] ? a : least[0];
        most[0] = a > most[0] ? a : most[0];
    }
    for (int k = 0; k < LANES; k++) {
        *low = least[k] < *low ? least[k] : *low;
        *high = most[k] > *high ? most[k] : *high;
    }
}

/* Elements of one bucket have the ranks c + 1 ... c + m, so that their sum of 2 rank - N - 1 is m (2 c + m - N). */
static double coefficient(const uint32_t *counts, int64_t low, int64_t high, double n)
{
    double below = 0.0, total = 0.0, weighted = 0.0;
    for (int64_t b = low; b <= high; b++) {
        const double m = counts[b];
        const double value = m * middle_of(b);
        weighted += value * (2.0 * below + m - n);
        total += value;
        below += m;
    }
    return weighted / (n * total);
}

/* Rows `row` ... `row + rows` of the head's product. For gradients [O dO] [dV; V], with `right` as it is already. */
static void form(const floor_layer *l, floor_kind kind, int64_t head, int64_t row, int64_t rows, const floor_counts *c)
{
    const int64_t k = l->size;
    const int64_t all = l->heads * k;
    const float *left = l->o + row * all + head * k;
    const float *right = l->v + head / l->group * k * l->d;
    int64_t width = k, ld = all;
    if (kind == FLOOR_GRADIENTS) {
        for (int64_t i = 0; i < rows; i++) {
            memcpy(c->left + i * 2 * k, left + i * all, (size_t)k * sizeof(float));
            memcpy(c->left + i * 2 * k + k, l->dout + (row + i) * all + head * k, (size_t)k * sizeof(float));
        }
        left = c->left;
        right = c->right;
        width = ld = 2 * k;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)rows, (blasint)l->d, (blasint)width, 1.0f, left,
                (blasint)ld, right, (blasint)l->d, 0.0f, c->panel, (blasint)l->d);
}

void floor_gini(floor_layer *l, floor_kind kind, int64_t head, floor_counts *c)
{
    const int64_t part = l->size * l->d;
    float least = 3e38f, most = 0.0f;
    memcpy(c->right, l->dv + head / l->group * part, (size_t)part * sizeof(float));
    memcpy(c->right + part, l->v + head / l->group * part, (size_t)part * sizeof(float));
    for (int64_t row = 0; row < l->d; row += PANEL) {
        const int64_t rows = row + PANEL < l->d ? PANEL : l->d - row;
        form(l, kind, head, row, rows, c);
        widen_range(c->panel, rows * l->d, &least, &most);
        count(c->panel, rows * l->d, c->head);
    }
    const int64_t low = bucket_of(least);
    const int64_t high = bucket_of(most);
    l->answers.gini[kind][head] = coefficient(c->head, low, high, (double)(l->d * l->d));
    for (int64_t b = low; b <= high; b++) {
        c->all[b] += c->head[b];
    }
    memset(c->head + low, 0, (size_t)(high - low + 1) * sizeof(*c->head));
    c->low = low < c->low ? low : c->low;
    c->high = high > c->high ? high : c->high;
}

void floor_gini_all(floor_layer *l, floor_kind kind, floor_counts *const *counts, int n_counts)
{
    floor_counts *sum = counts[0];
    for (int t = 1; t < n_counts; t++) {
        for (int64_t b = counts[t]->low; b <= counts[t]->high; b++) {
            sum->all[b] += counts[t]->all[b];
        }
        sum->low = counts[t]->low < sum->low ? counts[t]->low : sum->low;
        sum->high = counts[t]->high > sum->high ? counts[t]->high : sum->high;
    }
    l->answers.gini[kind][l->heads] = coefficient(sum->all, sum->low, sum->high, (double)(l->heads * l->d * l->d));
}
