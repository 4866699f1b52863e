/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/source.h"

#include <stdio.h>

#include "base/alloc.h"

pa_status pa_sources_start(pa_sources *sources, const pa_analysis *analysis, pa_error *err)
{
    const pa_plan *plan = &analysis->plan;
    *sources = (pa_sources){.analysis = analysis};
    sources->targets = pa_alloc(plan->mem, plan->n_targets, sizeof(*sources->targets));
    return sources->targets != NULL ? PA_OK : pa_fail_nomem(err, "an analysis");
}

static void close_source(pa_sources *sources, pa_source *source)
{
    pa_source **link = &sources->open;
    while (*link != source) {
        link = &(*link)->next;
    }
    *link = source->next;
    sources->bytes_read += pa_checkpoint_bytes_read(source->checkpoint);
    pa_checkpoint_destroy(source->checkpoint);
    pa_free(sources->analysis->plan.mem, source);
}

void pa_sources_end(pa_sources *sources)
{
    const pa_plan *plan = sources->analysis != NULL ? &sources->analysis->plan : NULL;
    for (int64_t t = 0; sources->targets != NULL && t < plan->n_targets; t++) {
        pa_parts **parts = sources->targets[t].parts;
        for (int64_t site = 0; parts != NULL && site < plan->n_sites; site++) {
            pa_parts_destroy(parts[site]);
        }
        pa_free(plan->mem, parts);
        pa_free(plan->mem, sources->targets[t].counted);
    }
    while (sources->open != NULL) {
        close_source(sources, sources->open);
    }
    if (plan != NULL) {
        pa_free(plan->mem, sources->targets);
    }
}

static pa_source *find(const pa_sources *sources, int64_t step)
{
    pa_source *source = sources->open;
    while (source != NULL && source->step != step) {
        source = source->next;
    }
    return source;
}

static pa_status acquire(pa_sources *sources, int64_t step, pa_source **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = sources->analysis->plan.mem;
    pa_source *made = NULL;
    pa_source *source = find(sources, step);
    if (source == NULL) {
        PA_REQUIRE_MEMORY(made = pa_alloc(mem, 1, sizeof(*made)), err, "a checkpoint");
        PA_TRY(pa_run_checkpoint(sources->analysis->run, step, &made->checkpoint, err));
        made->step = step;
        made->next = sources->open;
        sources->open = made;
        source = made;
        made = NULL;
    }
    source->users++;
    *out = source;

cleanup:
    pa_free(mem, made);
    return status;
}

pa_status pa_sources_open(pa_sources *sources, int64_t step, pa_source **out, pa_error *err)
{
    const pa_status status = acquire(sources, step, out, err);
    if (status == PA_OK && sources->latest != *out) {
        pa_source *before = sources->latest;
        sources->latest = *out;
        if (before != NULL && before->users == 0) {
            close_source(sources, before);
        }
    }
    return status;
}

void pa_sources_release(pa_sources *sources, pa_source *source)
{
    if (source != NULL && --source->users == 0 && source != sources->latest) {
        close_source(sources, source);
    }
}

pa_status pa_sources_target(pa_sources *sources, int64_t target, pa_source **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &sources->analysis->plan;
    pa_target *t = &sources->targets[target];
    if (t->parts == NULL) {
        t->parts = pa_alloc(plan->mem, plan->n_sites, sizeof(*t->parts));
        PA_REQUIRE_MEMORY(t->parts, err, "a target checkpoint");
    }
    if (t->counted == NULL) {
        t->counted = pa_alloc(plan->mem, plan->n_layers, sizeof(*t->counted));
        PA_REQUIRE_MEMORY(t->counted, err, "a target checkpoint");
    }
    if (t->source == NULL) {
        PA_TRY(acquire(sources, plan->targets[target], &t->source, err));
    }
    *out = t->source;

cleanup:
    return status;
}

pa_status pa_source_build(const pa_source *source, const pa_plan *plan, int64_t site, pa_parts **out, pa_error *err)
{
    const pa_plan_site *at = &plan->sites[site];
    char place[320];
    pa_error_clear(err);
    const pa_status status =
        pa_component_build(at->part->component, source->checkpoint, at->split, at->layer, out, err);
    if (status == PA_ERR_NOT_FOUND) { /* step, split and layer are in the checkpoint's text */
        (void)snprintf(place, sizeof(place), "run '%.150s', component '%.80s'", plan->run_name, at->part->name);
        pa_error_prefix(err, place);
    } else if (status != PA_OK) {
        (void)snprintf(place, sizeof(place), "run '%.150s', step %lld (%s), layer %lld, component '%.80s'",
                       plan->run_name, (long long)source->step, at->split, (long long)at->layer, at->part->name);
        pa_error_prefix(err, place);
    }
    return status;
}

int64_t pa_sources_bytes_read(const pa_sources *sources)
{
    int64_t bytes = sources->bytes_read;
    for (const pa_source *source = sources->open; source != NULL; source = source->next) {
        bytes += pa_checkpoint_bytes_read(source->checkpoint);
    }
    return bytes;
}
