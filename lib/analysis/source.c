/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/source.h"

#include <stdio.h>

#include "base/alloc.h"

pa_status pa_source_open(pa_source *source, const pa_analysis *analysis, int64_t step, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &analysis->plan;
    if (source->checkpoint != NULL) {
        return PA_OK;
    }
    source->step = step;
    source->parts = pa_alloc(plan->mem, plan->n_sites, sizeof(*source->parts));
    PA_REQUIRE_MEMORY(source->parts, err, "a checkpoint");
    PA_TRY(pa_run_checkpoint(analysis->run, step, &source->checkpoint, err));

cleanup:
    if (status != PA_OK) {
        pa_free(plan->mem, source->parts);
        source->parts = NULL;
    }
    return status;
}

pa_status pa_source_build(pa_source *source, const pa_plan *plan, int64_t site, pa_error *err)
{
    const pa_plan_site *at = &plan->sites[site];
    char place[320];
    if (source->parts[site] != NULL) {
        return PA_OK;
    }
    pa_error_clear(err);
    const pa_status status =
        pa_component_build(at->part->component, source->checkpoint, at->split, at->layer, &source->parts[site], err);
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

void pa_source_drop(pa_source *source, int64_t site)
{
    pa_parts_destroy(source->parts[site]);
    source->parts[site] = NULL;
}

int64_t pa_source_close(pa_source *source, const pa_plan *plan)
{
    if (source->checkpoint == NULL) {
        return 0;
    }
    for (int64_t site = 0; site < plan->n_sites; site++) {
        pa_source_drop(source, site);
    }
    const int64_t bytes = pa_checkpoint_bytes_read(source->checkpoint);
    pa_checkpoint_destroy(source->checkpoint);
    pa_free(plan->mem, source->parts);
    *source = (pa_source){0};
    return bytes;
}
