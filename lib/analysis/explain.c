/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A plan in words: what is built, which way each answer is computed, what that costs, and who shares it. */
#include "analysis/source.h"
#include "matrix/route.h"
#include "metrics/metric_impl.h"

/* An answer, and the bit of pa_metric_ops::asks that wants it. */
typedef struct answer {
    int32_t bit;
    pa_query query;
    const char *name;
} answer;

static const answer answers[] = {
    {PA_ASKS_SPECTRUM, PA_QUERY_SINGULAR_VALUES, "singular values"},
    {PA_ASKS_VECTORS, PA_QUERY_LEFT_VECTORS, "singular vectors"},
    {PA_ASKS_GRAM, PA_QUERY_GRAM_NORM, "Gram inner product"},
    {PA_ASKS_FROBENIUS, PA_QUERY_FROBENIUS, "Frobenius norm"},
    {PA_ASKS_ORDER, PA_QUERY_GROUPS, "magnitudes"},
    {PA_ASKS_ELEMENTS, PA_QUERY_ENTRIES, "sums"},
};

typedef struct explanation {
    const pa_plan *plan;
    pa_line_fn line;
    void *user;
    pa_text text;
    double flops;
    double dense_flops;
} explanation;

static void flush(explanation *x)
{
    x->line(x->user, x->text.data != NULL ? x->text.data : "");
    x->text.length = 0;
}

static int32_t asks_of(const pa_plan_item *item)
{
    const pa_metric *metric = item->metric->metric;
    const pa_metric_ops *ops = pa_metric_ops_of(metric);
    return ops->asks != NULL ? ops->asks(metric->entry->user_data, pa_metric_options(metric)) : 0;
}

/* "12.3 MFLOP" with the unit that fits. */
static pa_status append_flops(pa_text *text, double flops, pa_error *err)
{
    static const char *const units[] = {"FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"};
    int unit = 0;
    while (flops >= 999.5 && unit < 4) {
        flops /= 1000.0;
        unit++;
    }
    const int64_t tenths = (int64_t)(10.0 * flops + 0.5);
    return pa_text_printf(text, err, "%lld.%lld %s", (long long)(tenths / 10), (long long)(tenths % 10), units[unit]);
}

/* The metrics of a site that want the answer, comma-separated; `*n` is how many. */
static pa_status append_askers(explanation *x, int64_t site, int32_t bit, int64_t *n, pa_error *err)
{
    pa_status status = PA_OK;
    *n = 0;
    for (int64_t i = x->plan->sites[site].first_item; i >= 0; i = x->plan->items[i].next_item) {
        const pa_plan_item *item = &x->plan->items[i];
        if ((asks_of(item) & bit) != 0) {
            PA_TRY(pa_text_printf(&x->text, err, "%s%s", *n > 0 ? ", " : "", item->metric->name));
            if (item->target >= 0) {
                PA_TRY(pa_text_printf(&x->text, err, " against step %lld", (long long)x->plan->targets[item->target]));
            }
            (*n)++;
        }
    }

cleanup:
    return status;
}

static pa_status explain_answer(explanation *x, int64_t site, const answer *a, const pa_matrix *m, int64_t copies,
                                pa_error *err)
{
    pa_status status = PA_OK;
    int64_t n = 0;
    const double flops = (double)copies * pa_route_flops(m, a->query);
    const double dense = (double)copies * pa_route_dense_flops(m, a->query);
    PA_TRY(pa_text_printf(&x->text, err, "      %s for ", a->name));
    PA_TRY(append_askers(x, site, a->bit, &n, err));
    if (n == 0) {
        x->text.length = 0;
        return PA_OK;
    }
    PA_TRY(pa_text_append(&x->text, ": ", err));
    PA_TRY(pa_route_name(m, a->query, &x->text, err));
    PA_TRY(pa_text_append(&x->text, ", ", err));
    PA_TRY(append_flops(&x->text, flops, err));
    PA_TRY(pa_text_append(&x->text, " (", err));
    PA_TRY(append_flops(&x->text, dense, err));
    PA_TRY(pa_text_append(&x->text, " dense, each)", err));
    flush(x);
    x->flops += flops;
    x->dense_flops += dense * (double)n;

cleanup:
    return status;
}

/* Matrices that look alike, heads mostly, are told of once. */
static int is_alike(const pa_matrix *a, const pa_matrix *b)
{
    return a->node == b->node && a->rows == b->rows && a->cols == b->cols;
}

static pa_status explain_matrix(explanation *x, int64_t site, const pa_parts *parts, int64_t first, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_matrix *m = pa_parts_matrix(parts, first);
    int64_t copies = 0;
    for (int64_t k = 0; k < pa_parts_count(parts); k++) {
        const int same = is_alike(pa_parts_matrix(parts, k), m);
        if (same && k < first) {
            return PA_OK;
        }
        copies += same;
    }
    PA_TRY(pa_text_printf(&x->text, err, "    %s", pa_parts_key(parts, first)));
    if (copies > 1) {
        PA_TRY(pa_text_printf(&x->text, err, " and %lld alike", (long long)(copies - 1)));
    }
    PA_TRY(pa_text_printf(&x->text, err, ": [%lld, %lld], ", (long long)m->rows, (long long)m->cols));
    PA_TRY(pa_route_describe(m, &x->text, err));
    flush(x);
    for (size_t a = 0; a < sizeof(answers) / sizeof(answers[0]); a++) {
        PA_TRY(explain_answer(x, site, &answers[a], m, copies, err));
    }

cleanup:
    return status;
}

static pa_status explain_site(explanation *x, const pa_source *source, int64_t site, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan_site *at = &x->plan->sites[site];
    pa_parts *parts = NULL;
    PA_TRY(pa_text_printf(&x->text, err, "  layer %lld, %s of %s (%s)", (long long)at->layer, at->part->name,
                          pa_kind_name(at->part->kind), at->split));
    if (!pa_checkpoint_has(source->checkpoint, at->split, at->part->kind)) {
        PA_TRY(pa_text_append(&x->text, ": not at this step", err));
        flush(x);
        return PA_OK;
    }
    flush(x);
    PA_TRY(pa_source_build(source, x->plan, site, &parts, err));
    for (int64_t k = 0; k < pa_parts_count(parts); k++) {
        PA_TRY(explain_matrix(x, site, parts, k, err));
    }

cleanup:
    pa_parts_destroy(parts);
    return status;
}

pa_status pa_analysis_explain(const pa_analysis *analysis, pa_line_fn line, void *user, pa_error *err)
{
    pa_status status = PA_OK;
    pa_sources sources = {0};
    pa_source *source = NULL;
    if (analysis == NULL || line == NULL) {
        return pa_fail(err, PA_ERR_INVALID, "pa_analysis_explain: an argument is NULL");
    }
    const pa_plan *plan = &analysis->plan;
    explanation x = {.plan = plan, .line = line, .user = user, .text = {.mem = plan->mem}};
    PA_TRY(pa_sources_start(&sources, analysis, err));
    PA_TRY(pa_sources_open(&sources, plan->steps[0], &source, err));
    PA_TRY(pa_text_printf(&x.text, err, "%lld steps, %lld layers, %lld items; estimates for step %lld",
                          (long long)plan->n_steps, (long long)plan->n_layers, (long long)plan->n_items,
                          (long long)plan->steps[0]));
    flush(&x);
    for (int64_t site = 0; site < plan->n_sites; site++) {
        PA_TRY(explain_site(&x, source, site, err));
    }
    PA_TRY(pa_text_append(&x.text, "  in all: at most ", err));
    PA_TRY(append_flops(&x.text, x.flops, err));
    PA_TRY(pa_text_append(&x.text, " a step, shared work counted once an answer; ", err));
    PA_TRY(append_flops(&x.text, x.dense_flops, err));
    PA_TRY(pa_text_append(&x.text, " without structure or sharing", err));
    flush(&x);

cleanup:
    if (source != NULL) {
        pa_sources_release(&sources, source);
    }
    pa_sources_end(&sources);
    pa_text_free(&x.text);
    return status;
}
