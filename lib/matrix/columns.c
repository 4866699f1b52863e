/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Statistics of each column, panel of rows by panel, merged as moments are. */
#include <string.h>

#include "matrix/statistics_impl.h"

/* Beyond this exponent, squares and long sums leave the range of doubles. */
enum { SAFE = 400 };

/* Arrays of `cols`; those of a panel are set anew each time. */
typedef struct tally {
    double factor; /* elements are multiplied by it */
    int64_t *counts;
    double *means;
    double *squares; /* of deviations; roots of their means in the end */
    double *max;
    double *max_abs;
    double *sum_abs; /* means in the end */
    double *scores;
    int64_t *panel_counts;
    double *panel_means;
    double *panel_rests; /* sums of deviations from panel_means, which rounding leaves */
    double *panel_squares;
} tally;

static void sum_panel(tally *t, const double *panel, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < cols; j++) {
            const double x = panel[i * cols + j] * t->factor;
            if (isfinite(x)) {
                t->panel_counts[j]++;
                t->panel_means[j] += x;
                t->sum_abs[j] += fabs(x);
                t->max[j] = t->counts[j] + t->panel_counts[j] == 1 || x > t->max[j] ? x : t->max[j];
                t->max_abs[j] = fmax(t->max_abs[j], fabs(x));
            }
        }
    }
}

static void square_panel(tally *t, const double *panel, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < cols; j++) {
            const double x = panel[i * cols + j] * t->factor;
            if (isfinite(x)) {
                const double d = x - t->panel_means[j];
                t->panel_rests[j] += d;
                t->panel_squares[j] += d * d;
            }
        }
    }
}

static void merge_column(tally *t, int64_t j)
{
    const double na = (double)t->counts[j];
    const double nb = (double)t->panel_counts[j];
    if (t->panel_counts[j] > 0) {
        const double rest = t->panel_rests[j] / nb;
        const double d = t->panel_means[j] + rest - t->means[j];
        t->squares[j] += fmax(0.0, t->panel_squares[j] - rest * t->panel_rests[j]) + d * d * na * (nb / (na + nb));
        t->means[j] += d * (nb / (na + nb));
        t->counts[j] += t->panel_counts[j];
    }
}

static void add_panel(void *user, const double *panel, int64_t row, int64_t rows, int64_t cols)
{
    tally *t = user;
    const size_t bytes = (size_t)cols * sizeof(double);
    (void)row;
    memset(t->panel_counts, 0, (size_t)cols * sizeof(*t->panel_counts));
    memset(t->panel_means, 0, bytes);
    memset(t->panel_rests, 0, bytes);
    memset(t->panel_squares, 0, bytes);
    sum_panel(t, panel, rows, cols);
    for (int64_t j = 0; j < cols; j++) {
        t->panel_means[j] /= t->panel_counts[j] > 0 ? (double)t->panel_counts[j] : 1.0;
    }
    square_panel(t, panel, rows, cols);
    for (int64_t j = 0; j < cols; j++) {
        merge_column(t, j);
    }
}

/* Mean magnitudes in units of that of all elements; while all is in the safe range. */
static void score(tally *t, int64_t cols)
{
    double sum = 0.0;
    double count = 0.0;
    for (int64_t j = 0; j < cols; j++) {
        sum += t->sum_abs[j];
        count += (double)t->counts[j];
    }
    for (int64_t j = 0; j < cols; j++) {
        t->scores[j] = t->sum_abs[j] > 0.0 ? t->sum_abs[j] / (double)t->counts[j] / (sum / count) : 0.0;
    }
}

/* To what is asked, in the units of the elements. */
static void finish(tally *t, int64_t cols, int exponent)
{
    for (int64_t j = 0; j < cols; j++) {
        const double n = t->counts[j] > 0 ? (double)t->counts[j] : 1.0;
        t->means[j] = ldexp(t->means[j], exponent);
        t->squares[j] = ldexp(sqrt(t->squares[j] / n), exponent);
        t->max[j] = ldexp(t->max[j], exponent) + 0.0; /* no negative zero */
        t->max_abs[j] = ldexp(t->max_abs[j], exponent);
        t->sum_abs[j] = ldexp(t->sum_abs[j] / n, exponent);
    }
}

/* The power of two that brings the largest magnitude into the safe range; 0 for common data. */
static int exponent_of(const pa_distribution *d)
{
    int exponent = 0;
    (void)frexp(fmax(fabs(d->min), fabs(d->max)), &exponent);
    return exponent > SAFE ? exponent - SAFE : exponent < -SAFE ? exponent + SAFE : 0;
}

pa_status pa_compute_columns(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    const int64_t cols = m->cols;
    int64_t *counts = NULL;
    double *numbers = NULL;
    int64_t *panel_counts = NULL;
    double *panel = NULL;
    pa_distribution distribution = {0};
    PA_TRY(pa_matrix_distribution(m, &distribution, err));
    PA_REQUIRE_MEMORY(counts = pa_alloc(mem, cols, sizeof(*counts)), err, "columns");
    PA_REQUIRE_MEMORY(numbers = pa_alloc(mem, pa_area(6, cols), sizeof(*numbers)), err, "columns");
    PA_REQUIRE_MEMORY(panel_counts = pa_alloc(mem, cols, sizeof(*panel_counts)), err, "columns");
    PA_REQUIRE_MEMORY(panel = pa_alloc(mem, pa_area(3, cols), sizeof(*panel)), err, "columns");
    const int exponent = exponent_of(&distribution);
    tally t = {.factor = ldexp(1.0, -exponent),
               .counts = counts,
               .means = numbers,
               .squares = numbers + cols,
               .max = numbers + 2 * cols,
               .max_abs = numbers + 3 * cols,
               .sum_abs = numbers + 4 * cols,
               .scores = numbers + 5 * cols,
               .panel_counts = panel_counts,
               .panel_means = panel,
               .panel_rests = panel + cols,
               .panel_squares = panel + 2 * cols};
    PA_TRY(pa_matrix_visit(m, add_panel, &t, err));
    score(&t, cols);
    finish(&t, cols, exponent);
    memo->columns = (pa_columns){counts, numbers};
    counts = NULL;
    numbers = NULL;

cleanup:
    pa_free(mem, panel);
    pa_free(mem, panel_counts);
    pa_free(mem, numbers);
    pa_free(mem, counts);
    return status;
}

pa_status pa_matrix_column_statistics(const pa_matrix *m, pa_column_statistics *out, pa_error *err)
{
    const pa_status status = pa_matrix_ask(m, PA_QUERY_COLUMNS, err);
    if (status == PA_OK) {
        const pa_columns *kept = &m->memo->columns;
        *out = (pa_column_statistics){
            .counts = kept->counts,
            .means = kept->numbers,
            .sds = kept->numbers + m->cols,
            .max = kept->numbers + 2 * m->cols,
            .max_abs = kept->numbers + 3 * m->cols,
            .mean_abs = kept->numbers + 4 * m->cols,
            .scores = kept->numbers + 5 * m->cols,
        };
    }
    return status;
}
