/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The files that a plan is certain to need, before anything is computed: those of a run that is elsewhere are
 * fetched several at a time. What else turns out to be needed is fetched when it is asked for. */
#include "analysis/plan.h"
#include "base/alloc.h"
#include "checkpoint/origin.h"

typedef struct wanted {
    const pa_allocator *mem;
    pa_run_file *files;
    int64_t count;
    int64_t capacity;
} wanted;

static pa_status add(wanted *w, const pa_plan_site *site, int64_t step, pa_error *err)
{
    const pa_run_file file = {step, site->split, site->part->kind};
    for (int64_t i = w->count - 1; i >= 0 && w->files[i].step == step; i--) {
        if (w->files[i].kind == file.kind && w->files[i].split[0] == file.split[0]) { /* "train" or "val" */
            return PA_OK;
        }
    }
    pa_run_file *grown = pa_array_grow(w->mem, w->files, &w->capacity, w->count + 1, sizeof(*grown));
    if (grown == NULL) {
        return pa_fail_nomem(err, "the files of a plan");
    }
    w->files = grown;
    grown[w->count++] = file;
    return PA_OK;
}

static pa_status add_step(wanted *w, const pa_plan *plan, int64_t step, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < plan->n_items; i++) {
        const pa_plan_item *item = &plan->items[i];
        if (pa_plan_is_asked(plan, item, step)) {
            PA_TRY(add(w, &plan->sites[item->site], step, err));
        }
    }

cleanup:
    return status;
}

pa_status pa_plan_fetch(const pa_analysis *analysis, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan *plan = &analysis->plan;
    wanted w = {.mem = plan->mem};
    for (int64_t s = 0; s < plan->n_steps; s++) {
        PA_TRY(add_step(&w, plan, plan->steps[s], err));
    }
    PA_TRY(pa_run_fetch(analysis->run, w.files, w.count, err));

cleanup:
    pa_free(plan->mem, w.files);
    return status;
}
