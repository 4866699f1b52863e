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
    pa_sources *sources;
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

/* " against step 100 of run 'x' (train)": what an item compares with; nothing when that is nothing. */
static pa_status append_target(explanation *x, const pa_plan_item *item, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_config_target *target = &item->metric->target;
    switch (item->against) {
    case PA_AGAINST_NOTHING:
        return PA_OK;
    case PA_AGAINST_SECOND:
        return pa_text_append(&x->text, " of the pair", err);
    case PA_AGAINST_TARGET:
        PA_TRY(target->compare == PA_COMPARE_STEPS ? pa_text_append(&x->text, " of all pairs of steps", err)
                                                   : pa_text_printf(&x->text, err, " against step %lld",
                                                                    (long long)x->plan->targets[item->target].step));
        break;
    case PA_AGAINST_PREVIOUS:
        PA_TRY(pa_text_append(&x->text, " against the step before", err));
        break;
    default:
        PA_TRY(pa_text_append(
            &x->text, target->compare == PA_COMPARE_LAYERS ? " of all pairs of layers" : " against the same step",
            err));
        break;
    }
    if (target->run[0] != '\0') {
        PA_TRY(pa_text_printf(&x->text, err, " of run '%s'", target->run));
    }
    if (target->split[0] != '\0') {
        PA_TRY(pa_text_printf(&x->text, err, " (%s)", target->split));
    }

cleanup:
    return status;
}

/* One of all pairs that an entry of the configuration asks for: they are told of once. */
static int is_told(const pa_plan_item *item, const pa_plan_item *before)
{
    return before != NULL && before->metric == item->metric && item->metric->target.compare >= PA_COMPARE_STEPS;
}

/* The metrics of a site that want the answer, comma-separated; `*n` is how many. */
static pa_status append_askers(explanation *x, int64_t site, int32_t bit, int64_t *n, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan_item *before = NULL;
    *n = 0;
    for (int64_t i = x->plan->sites[site].first_item; i >= 0; i = x->plan->items[i].next_item) {
        const pa_plan_item *item = &x->plan->items[i];
        if ((asks_of(item) & bit) != 0) {
            if (!is_told(item, before)) {
                PA_TRY(pa_text_printf(&x->text, err, "%s%s", *n > 0 ? ", " : "", item->metric->name));
                PA_TRY(append_target(x, item, err));
            }
            before = item;
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

/* Where a site is explained: at the first step, or the second when it needs one before. */
static pa_plan_place place_of(const pa_plan *plan, const pa_plan_site *site)
{
    pa_plan_place place = {0, plan->steps[0]};
    if (site->part->reference.when == PA_WHEN_PREVIOUS && plan->n_steps > 1) {
        place.step = plan->steps[1];
    }
    return place;
}

/* Appends why a site cannot be built, or "" when it can. */
static pa_status append_absence(explanation *x, pa_plan_place place, const pa_plan_site *at, int *there, pa_error *err)
{
    pa_status status = PA_OK;
    pa_source *source = NULL;
    char reference[PA_CONFIG_STEP_SIZE];
    *there = 1;
    if (at->part->reference.when != PA_WHEN_SAME) {
        pa_config_step_text(reference, &at->part->reference);
        PA_TRY(pa_text_printf(&x->text, err, ", reference %s", reference));
        const int64_t step = pa_plan_reference_step(x->plan, at, place);
        *there = step >= 0;
        if (step < 0) {
            PA_TRY(pa_text_append(&x->text, ": there is no step before", err));
            goto cleanup;
        }
        PA_TRY(pa_sources_look(x->sources, (pa_plan_place){place.run, step}, &source, err));
        *there = pa_checkpoint_has(source->checkpoint, at->split, at->part->kind) != 0;
    }
    PA_TRY(pa_sources_look(x->sources, place, &source, err));
    *there = *there && pa_checkpoint_has(source->checkpoint, at->split, at->part->kind);
    PA_TRY(pa_text_append(&x->text, *there ? "" : ": not at this step", err));

cleanup:
    return status;
}

static pa_status explain_site(explanation *x, int64_t site, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan_site *at = &x->plan->sites[site];
    const pa_plan_place place = place_of(x->plan, at);
    pa_built *built = NULL;
    int there = 0;
    if (at->first_item < 0) { /* only compared with */
        return PA_OK;
    }
    PA_TRY(pa_text_printf(&x->text, err, "  layer %lld, %s of %s (%s)", (long long)at->layer, at->part->name,
                          pa_kind_name(at->part->kind), at->split));
    PA_TRY(append_absence(x, place, at, &there, err));
    flush(x);
    if (there) {
        PA_TRY(pa_sources_build(x->sources, place, site, &built, err));
        for (int64_t k = 0; k < pa_parts_count(built->parts); k++) {
            PA_TRY(explain_matrix(x, site, built->parts, k, err));
        }
    }

cleanup:
    pa_built_release(x->sources, built);
    return status;
}

static int64_t count_layers(const pa_plan *plan)
{
    int64_t n = 0;
    for (int64_t i = 0; i < plan->n_layers; i++) {
        n += plan->layers[i].n_members;
    }
    return n;
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
    explanation x = {.plan = plan, .sources = &sources, .line = line, .user = user, .text = {.mem = plan->mem}};
    PA_TRY(pa_sources_start(&sources, analysis, err));
    PA_TRY(pa_sources_begin(&sources, plan->steps[0], &source, err));
    PA_TRY(pa_text_printf(&x.text, err, "%lld steps, %lld layers, %lld items; estimates for step %lld",
                          (long long)plan->n_steps, (long long)count_layers(plan), (long long)plan->n_items,
                          (long long)plan->steps[0]));
    flush(&x);
    for (int64_t site = 0; site < plan->n_sites; site++) {
        PA_TRY(explain_site(&x, site, err));
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
