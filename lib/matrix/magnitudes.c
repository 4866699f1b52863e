/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The distribution of magnitudes: sorted exactly, or counted in narrow buckets. Counts add up, so that those of a
 * concatenation are the sum of its blocks', which have been counted for their own sake.
 */
#include "linalg/histogram.h"
#include "matrix/route.h"
#include "matrix/visit_f32.h"

/* Where counting would leave the Gini coefficient more uncertain than this, sort. */
static const double TOLERANCE = 1e-7;

typedef struct counting {
    pa_histogram *histogram;
    pa_status status;
    pa_error *err;
} counting;

static void count_panel(void *user, const double *panel, int64_t row, int64_t rows, int64_t cols)
{
    counting *c = user;
    (void)row;
    if (c->status == PA_OK) {
        c->status = pa_histogram_add_f64(c->histogram, panel, rows * cols, c->err);
    }
}

static void count_panel_f32(void *user, const float *panel, int64_t rows, int64_t cols)
{
    counting *c = user;
    if (c->status == PA_OK) {
        c->status = pa_histogram_add_f32(c->histogram, panel, rows * cols, c->err);
    }
}

static pa_status add_operands(const pa_matrix *m, pa_histogram *histogram, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < m->n_operands; i++) {
        PA_TRY(pa_matrix_ask(m->operands[i], PA_QUERY_COUNTED, err));
        const pa_groups *part = &m->operands[i]->memo->counted;
        PA_TRY(pa_histogram_add_groups(histogram, part->counts, part->means, part->n, err));
    }

cleanup:
    return status;
}

static pa_status count_elements(const pa_matrix *m, pa_histogram *histogram, pa_error *err)
{
    pa_status status = PA_OK;
    counting c = {.histogram = histogram, .status = PA_OK, .err = err};
    int visited = 0;
    PA_TRY(pa_matrix_visit_f32(m, count_panel_f32, &c, &visited, err));
    if (!visited) {
        PA_TRY(pa_matrix_visit(m, count_panel, &c, err));
    }
    status = c.status;

cleanup:
    return status;
}

/* Only the buckets in use are kept: the histogram is many times larger. */
pa_status pa_compute_counted(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    pa_histogram *histogram = NULL;
    int64_t *counts = NULL;
    double *means = NULL;
    PA_TRY(pa_histogram_create(mem, &histogram, err));
    if (m->node == PA_NODE_COLUMNS || m->node == PA_NODE_ROWS) {
        PA_TRY(add_operands(m, histogram, err));
    } else {
        PA_TRY(count_elements(m, histogram, err));
    }
    const int64_t n = pa_histogram_size(histogram);
    PA_REQUIRE_MEMORY(counts = pa_alloc_raw(mem, n, sizeof(*counts)), err, "magnitudes");
    PA_REQUIRE_MEMORY(means = pa_alloc_raw(mem, n, sizeof(*means)), err, "magnitudes");
    pa_histogram_read(histogram, counts, means);
    memo->counted = (pa_groups){counts, means, n};
    memo->counted_error = pa_histogram_gini_error(histogram);
    counts = NULL;
    means = NULL;

cleanup:
    pa_free(mem, means);
    pa_free(mem, counts);
    pa_histogram_destroy(histogram);
    return status;
}

/* Equal neighbours become one group. */
static pa_status groups_of_sorted(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    const double *sorted = NULL;
    int64_t *counts = NULL;
    double *means = NULL;
    int64_t n = 0;
    const int64_t total = pa_area(m->rows, m->cols);
    PA_TRY(pa_matrix_sorted_magnitudes(m, &sorted, err));
    PA_REQUIRE_MEMORY(counts = pa_alloc_raw(mem, total, sizeof(*counts)), err, "magnitudes");
    PA_REQUIRE_MEMORY(means = pa_alloc_raw(mem, total, sizeof(*means)), err, "magnitudes");
    for (int64_t begin = 0, end = 0; begin < total; begin = end) {
        for (end = begin + 1; end < total && sorted[end] <= sorted[begin]; end++) {
        }
        counts[n] = end - begin;
        means[n++] = sorted[begin];
    }
    memo->distinct = (pa_groups){counts, means, n};
    memo->groups = (pa_magnitude_groups){counts, means, n, 0.0};
    counts = NULL;
    means = NULL;

cleanup:
    pa_free(mem, means);
    pa_free(mem, counts);
    return status;
}

pa_status pa_compute_groups(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    if (pa_route_order(m) == PA_ORDER_COUNT) {
        const pa_status status = pa_matrix_ask(m, PA_QUERY_COUNTED, err);
        if (status != PA_OK) {
            return status;
        }
        if (memo->counted_error <= TOLERANCE) {
            memo->groups = (pa_magnitude_groups){memo->counted.counts, memo->counted.means, memo->counted.n, 0x1p-11};
            return PA_OK;
        }
    }
    return groups_of_sorted(m, memo, err);
}

pa_status pa_matrix_magnitude_groups(const pa_matrix *m, pa_magnitude_groups *out, pa_error *err)
{
    const pa_status status = pa_matrix_ask(m, PA_QUERY_GROUPS, err);
    if (status == PA_OK) {
        *out = m->memo->groups;
    }
    return status;
}
