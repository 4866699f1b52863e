/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Histograms with given edges. Where arithmetic puts a number is only a guess, by at most a few bins: the edges
 * themselves decide, so that a count never depends on rounding.
 */
#include "matrix/statistics_impl.h"

typedef struct filling {
    pa_bins *linear;
    pa_bins *log;
    double per_unit; /* bins of `linear` per unit */
    double per_two;  /* bins of `log` per factor of two */
} filling;

static int64_t clamp(double guess, int64_t n)
{
    return guess > 0.0 ? (guess < (double)(n - 1) ? (int64_t)guess : n - 1) : 0;
}

static void put(pa_bins *bins, double x, int64_t guess)
{
    const double *edges = bins->edges;
    if (x < edges[0]) {
        bins->below += 1.0;
    } else if (x > edges[bins->n_bins]) {
        bins->above += 1.0;
    } else {
        while (guess > 0 && x < edges[guess]) {
            guess--;
        }
        while (guess < bins->n_bins - 1 && x >= edges[guess + 1]) {
            guess++;
        }
        bins->counts[guess] += 1.0;
    }
}

static void fill(void *user, const double *x, int64_t count)
{
    filling *f = user;
    for (int64_t i = 0; i < count; i++) {
        put(f->linear, x[i], clamp((x[i] - f->linear->edges[0]) * f->per_unit, f->linear->n_bins));
    }
    for (int64_t i = 0; i < count; i++) {
        const double magnitude = fabs(x[i]);
        if (magnitude > 0.0) {
            int exponent = 0;
            (void)frexp(magnitude / f->log->edges[0], &exponent);
            put(f->log, magnitude, clamp((double)(exponent - 1) * f->per_two, f->log->n_bins));
        }
    }
}

pa_status pa_matrix_fill_bins(const pa_matrix *m, pa_bins *linear, pa_bins *log, pa_error *err)
{
    filling f = {.linear = linear, .log = log};
    const double range = linear->edges[linear->n_bins] - linear->edges[0];
    f.per_unit = (double)linear->n_bins / range;
    f.per_two = (double)log->n_bins / log2(log->edges[log->n_bins] / log->edges[0]);
    return pa_matrix_visit_finite(m, fill, &f, err);
}
