/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The distribution of all finite elements, as numbers: moments in one visit, quantiles in a second. */
#include "linalg/reduce.h"
#include "linalg/selection.h"
#include "matrix/statistics_impl.h"

enum { BLOCK = 1024 };

const double pa_quantile_levels[PA_N_QUANTILES] = {0.001, 0.01, 0.25, 0.5, 0.75, 0.99, 0.999};

typedef struct sieve {
    pa_finite_fn visit;
    void *user;
    int64_t nans;
    int64_t infinities;
} sieve;

static void sift_panel(void *user, const double *panel, int64_t row, int64_t rows, int64_t cols)
{
    sieve *to = user;
    const int64_t count = rows * cols;
    double kept[BLOCK];
    (void)row;
    for (int64_t begin = 0; begin < count; begin += BLOCK) {
        const int64_t end = count - begin < BLOCK ? count : begin + BLOCK;
        int64_t n = 0;
        for (int64_t i = begin; i < end; i++) {
            kept[n] = panel[i];
            n += isfinite(panel[i]) != 0;
            to->nans += isnan(panel[i]) != 0;
            to->infinities += isinf(panel[i]) != 0;
        }
        to->visit(to->user, kept, n);
    }
}

pa_status pa_matrix_visit_finite(const pa_matrix *m, pa_finite_fn visit, void *user, pa_error *err)
{
    sieve to = {.visit = visit, .user = user};
    return pa_matrix_visit(m, sift_panel, &to, err);
}

/* Both visits; `signed_order` and `order` select among the elements and among their magnitudes. */
typedef struct gathering {
    pa_distribution found;
    pa_selection *signed_order;
    pa_selection *order;
    void (*select)(pa_selection *selection, const double *x, int64_t count);
} gathering;

static void select_both(gathering *g, const double *x, int64_t count)
{
    double magnitudes[BLOCK];
    for (int64_t i = 0; i < count; i++) {
        magnitudes[i] = fabs(x[i]);
    }
    g->select(g->signed_order, x, count);
    g->select(g->order, magnitudes, count);
}

static void gather(void *user, const double *x, int64_t count)
{
    gathering *g = user;
    pa_distribution *d = &g->found;
    for (int64_t i = 0; i < count; i++) {
        d->min = x[i] < d->min ? x[i] : d->min;
        d->max = x[i] > d->max ? x[i] : d->max;
        d->zeros += !(x[i] < 0.0) && !(x[i] > 0.0);
    }
    d->sum_abs += pa_sum_abs(x, count);
    pa_moments_add(&d->moments, x, count);
    select_both(g, x, count);
}

static void collect(void *user, const double *x, int64_t count)
{
    select_both(user, x, count);
}

static pa_status find_quantiles(const pa_matrix *m, gathering *g, pa_error *err)
{
    pa_status status = PA_OK;
    for (int q = 0; q < PA_N_QUANTILES; q++) {
        PA_TRY(pa_selection_want(g->signed_order, pa_quantile_levels[q], err));
    }
    PA_TRY(pa_selection_want(g->order, 0.5, err));
    g->select = pa_selection_collect;
    PA_TRY(pa_matrix_visit_finite(m, collect, g, err));
    PA_TRY(pa_selection_finish(g->signed_order, err));
    PA_TRY(pa_selection_finish(g->order, err));
    for (int q = 0; q < PA_N_QUANTILES; q++) {
        g->found.quantiles[q] = pa_selection_quantile(g->signed_order, pa_quantile_levels[q]);
    }
    g->found.median_abs = pa_selection_quantile(g->order, 0.5);

cleanup:
    return status;
}

pa_status pa_compute_distribution(const pa_matrix *m, pa_memo *memo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    pa_distribution *kept = NULL;
    sieve to = {0};
    gathering g = {.found = {.min = INFINITY, .max = -INFINITY}, .select = pa_selection_count};
    PA_TRY(pa_selection_create(mem, &g.signed_order, err));
    PA_TRY(pa_selection_create(mem, &g.order, err));
    PA_REQUIRE_MEMORY(kept = pa_alloc(mem, 1, sizeof(*kept)), err, "a distribution");
    to.visit = gather;
    to.user = &g;
    PA_TRY(pa_matrix_visit(m, sift_panel, &to, err));
    g.found.nans = to.nans;
    g.found.infinities = to.infinities;
    if (g.found.moments.count > 0) {
        PA_TRY(find_quantiles(m, &g, err));
    } else {
        g.found.min = 0.0;
        g.found.max = 0.0;
    }
    g.found.min += 0.0; /* no negative zeros */
    g.found.max += 0.0;
    *kept = g.found;
    memo->distribution = kept;
    kept = NULL;

cleanup:
    pa_free(mem, kept);
    pa_selection_destroy(g.order);
    pa_selection_destroy(g.signed_order);
    return status;
}

pa_status pa_matrix_distribution(const pa_matrix *m, pa_distribution *out, pa_error *err)
{
    const pa_status status = pa_matrix_ask(m, PA_QUERY_DISTRIBUTION, err);
    if (status == PA_OK) {
        *out = *m->memo->distribution;
    }
    return status;
}

typedef struct counting {
    double threshold;
    int64_t count;
} counting;

static void count_above(void *user, const double *x, int64_t count)
{
    counting *c = user;
    for (int64_t i = 0; i < count; i++) {
        c->count += fabs(x[i]) > c->threshold;
    }
}

pa_status pa_matrix_count_above(const pa_matrix *m, double threshold, int64_t *out, pa_error *err)
{
    counting c = {threshold, 0};
    const pa_status status = pa_matrix_visit_finite(m, count_above, &c, err);
    if (status == PA_OK) {
        *out = c.count;
    }
    return status;
}
