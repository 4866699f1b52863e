/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/source.h"

#include <stdio.h>

#include "base/alloc.h"

pa_status pa_sources_start(pa_sources *sources, const pa_analysis *analysis, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &analysis->plan;
    *sources = (pa_sources){.analysis = analysis, .step = -1, .previous = -1};
    sources->targets = pa_alloc(plan->mem, plan->n_targets, sizeof(*sources->targets));
    PA_REQUIRE_MEMORY(sources->targets, err, "an analysis");
    sources->rolling = pa_alloc(plan->mem, plan->n_sites, sizeof(*sources->rolling));
    PA_REQUIRE_MEMORY(sources->rolling, err, "an analysis");
    sources->rolling_counted = pa_alloc(plan->mem, plan->n_layers, sizeof(*sources->rolling_counted));
    PA_REQUIRE_MEMORY(sources->rolling_counted, err, "an analysis");

cleanup:
    return status;
}

/** @name Sources
 * @{ */

static void close_source(pa_sources *sources, pa_source **link)
{
    pa_source *source = *link;
    *link = source->next;
    sources->bytes_read += pa_checkpoint_bytes_read(source->checkpoint);
    pa_checkpoint_destroy(source->checkpoint);
    pa_free(sources->analysis->plan.mem, source);
}

static int is_wanted(const pa_sources *sources, const pa_source *source)
{
    return source->users > 0 || source->stays || source->place.step == sources->step ||
           source->place.step == sources->previous;
}

static void close_unwanted(pa_sources *sources)
{
    pa_source **link = &sources->open;
    while (*link != NULL) {
        if (is_wanted(sources, *link)) {
            link = &(*link)->next;
        } else {
            close_source(sources, link);
        }
    }
}

pa_status pa_sources_look(pa_sources *sources, pa_plan_place place, pa_source **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &sources->analysis->plan;
    pa_source *made = NULL;
    pa_source *source = sources->open;
    while (source != NULL && (source->place.step != place.step || source->place.run != place.run)) {
        source = source->next;
    }
    if (source == NULL) {
        PA_REQUIRE_MEMORY(made = pa_alloc(plan->mem, 1, sizeof(*made)), err, "a checkpoint");
        PA_TRY(pa_run_checkpoint(plan->runs[place.run].run, place.step, &made->checkpoint, err));
        made->place = place;
        made->next = sources->open;
        sources->open = made;
        source = made;
        made = NULL;
    }
    *out = source;

cleanup:
    pa_free(plan->mem, made);
    return status;
}

pa_status pa_sources_begin(pa_sources *sources, int64_t step, pa_source **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &sources->analysis->plan;
    if (step != sources->step) {
        sources->step = step;
        sources->previous = plan->uses_previous ? pa_plan_previous(plan, step) : -1;
        close_unwanted(sources);
    }
    PA_TRY(pa_sources_look(sources, (pa_plan_place){0, step}, out, err));
    (*out)->users++;

cleanup:
    return status;
}

void pa_sources_release(pa_sources *sources, pa_source *source)
{
    if (source != NULL && --source->users == 0 && !is_wanted(sources, source)) {
        close_unwanted(sources);
    }
}

int64_t pa_sources_bytes_read(const pa_sources *sources)
{
    int64_t bytes = sources->bytes_read;
    for (const pa_source *source = sources->open; source != NULL; source = source->next) {
        bytes += pa_checkpoint_bytes_read(source->checkpoint);
    }
    return bytes;
}
/** @} */

/** @name What is built
 * @{ */

/* The second checkpoint of a component; NULL when it needs none. */
static pa_status look_reference(pa_sources *sources, pa_plan_place place, const pa_plan_site *site, pa_source **out,
                                pa_error *err)
{
    const pa_config_when when = site->part->reference.when;
    *out = NULL;
    if (when == PA_WHEN_SAME) {
        return PA_OK;
    }
    const int64_t step = pa_plan_reference_step(&sources->analysis->plan, site, place);
    const pa_status status = pa_sources_look(sources, (pa_plan_place){place.run, step}, out, err);
    if (status == PA_OK) { /* built matrices read from it later */
        (*out)->stays |= when != PA_WHEN_PREVIOUS;
    }
    return status;
}

static void add_place(const pa_sources *sources, pa_plan_place place, const pa_plan_site *at, pa_status status,
                      pa_error *err)
{
    char text[320];
    const char *run = pa_run_name(sources->analysis->plan.runs[place.run].run);
    if (status == PA_ERR_NOT_FOUND) { /* step, split and layer are in the checkpoint's text */
        (void)snprintf(text, sizeof(text), "run '%.150s', component '%.80s'", run, at->part->name);
    } else {
        (void)snprintf(text, sizeof(text), "run '%.150s', step %lld (%s), layer %lld, component '%.80s'", run,
                       (long long)place.step, at->split, (long long)at->layer, at->part->name);
    }
    pa_error_prefix(err, text);
}

pa_status pa_sources_build(pa_sources *sources, pa_plan_place place, int64_t site, pa_built **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &sources->analysis->plan;
    const pa_plan_site *at = &plan->sites[site];
    pa_source *source = NULL;
    pa_source *reference = NULL;
    *out = NULL;
    pa_built *built = pa_alloc(plan->mem, 1, sizeof(*built));
    PA_REQUIRE_MEMORY(built, err, "a layer");
    PA_TRY(pa_sources_look(sources, place, &source, err));
    PA_TRY(look_reference(sources, place, at, &reference, err));
    pa_error_clear(err);
    status = pa_component_build_between(at->part->component, source->checkpoint,
                                        reference != NULL ? reference->checkpoint : NULL, at->split, at->layer,
                                        &built->parts, err);
    if (status != PA_OK) {
        add_place(sources, place, at, status, err);
        PA_TRY(pa_config_locate(sources->analysis->config, at->part->node, status, err));
    }
    built->source = source;
    built->reference = reference;
    built->site = site;
    built->users = 1;
    source->users++;
    if (reference != NULL) {
        reference->users++;
    }
    *out = built;
    built = NULL;

cleanup:
    pa_free(plan->mem, built);
    return status;
}

pa_built *pa_built_share(pa_built *built)
{
    built->users++;
    return built;
}

void pa_built_release(pa_sources *sources, pa_built *built)
{
    if (built != NULL && --built->users == 0) {
        pa_parts_destroy(built->parts);
        pa_sources_release(sources, built->source);
        pa_sources_release(sources, built->reference);
        pa_free(sources->analysis->plan.mem, built);
    }
}

pa_status pa_sources_kept(pa_sources *sources, int64_t target, int64_t site, pa_built ***out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &sources->analysis->plan;
    pa_target *t = &sources->targets[target];
    if (t->built == NULL) {
        t->built = pa_alloc(plan->mem, plan->n_sites, sizeof(*t->built));
        PA_REQUIRE_MEMORY(t->built, err, "a target checkpoint");
    }
    if (t->counted == NULL) {
        t->counted = pa_alloc(plan->mem, plan->n_layers, sizeof(*t->counted));
        PA_REQUIRE_MEMORY(t->counted, err, "a target checkpoint");
    }
    *out = &t->built[site];

cleanup:
    return status;
}

void pa_sources_roll(pa_sources *sources, pa_built *built)
{
    pa_built **slot = &sources->rolling[built->site];
    if (*slot != built) {
        pa_built_release(sources, *slot);
        *slot = pa_built_share(built);
    }
}
/** @} */

void pa_sources_end(pa_sources *sources)
{
    if (sources->analysis == NULL) {
        return;
    }
    const pa_plan *plan = &sources->analysis->plan;
    for (int64_t t = 0; sources->targets != NULL && t < plan->n_targets; t++) {
        pa_built **built = sources->targets[t].built;
        for (int64_t site = 0; built != NULL && site < plan->n_sites; site++) {
            pa_built_release(sources, built[site]);
        }
        pa_free(plan->mem, built);
        pa_free(plan->mem, sources->targets[t].counted);
    }
    for (int64_t site = 0; sources->rolling != NULL && site < plan->n_sites; site++) {
        pa_built_release(sources, sources->rolling[site]);
    }
    while (sources->open != NULL) {
        close_source(sources, &sources->open);
    }
    pa_free(plan->mem, sources->targets);
    pa_free(plan->mem, sources->rolling);
    pa_free(plan->mem, sources->rolling_counted);
}
