/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What a unit is computed of: matrices of its own step and of what that is compared with, each built once.
 *
 * What is built of a target is kept to the end; of a step that the next one is compared with, until that has been
 * built; anything else for as long as the unit.
 */
#include "analysis/unit.h"
#include "base/alloc.h"
#include "checkpoint/checkpoint_impl.h"

/** @name What is absent
 * @{ */

static void note_absent(pa_unit *unit, int64_t i, pa_skip_where where, pa_kind kind, int64_t step)
{
    unit->items[i] = (pa_unit_item){
        .first_value = -1, .skipped = 1, .absent_where = where, .absent_kind = kind, .absent_step = step};
}

/* Whether a place has tensors of a split and kind; if not, that is noted. */
static pa_status check_kind(pa_unit *unit, int64_t i, pa_skip_where where, pa_plan_place place, const char *split,
                            pa_kind kind, int *there, pa_error *err)
{
    pa_source *source = NULL;
    const pa_status status = pa_sources_look(unit->sources, place, &source, err);
    if (status == PA_OK) {
        *there = pa_checkpoint_has(source->checkpoint, split, kind) != 0;
        source->stays |= where == PA_SKIP_TARGET && unit->plan->items[unit->layer->items[i]].target >= 0;
    }
    if (status == PA_OK && !*there) {
        note_absent(unit, i, where, kind, place.step);
    }
    return status;
}

/* Whether a site can be built of a place, as far as files tell; if not, that is noted. */
static pa_status check_there(pa_unit *unit, int64_t i, pa_skip_where where, pa_plan_place place, int64_t site,
                             int *there, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_plan_site *at = &unit->plan->sites[site];
    PA_TRY(check_kind(unit, i, where, place, at->split, at->part->kind, there, err));
    if (*there && at->part->reference.when != PA_WHEN_SAME) {
        const int64_t step = pa_plan_reference_step(unit->plan, at, place);
        *there = step >= 0;
        if (!*there) {
            note_absent(unit, i, PA_SKIP_REFERENCE, at->part->kind, place.step);
            goto cleanup;
        }
        PA_TRY(check_kind(unit, i, where, (pa_plan_place){place.run, step}, at->split, at->part->kind, there, err));
    }

cleanup:
    return status;
}
/** @} */

/** @name What is there already
 * @{ */

static pa_built *find_held(const pa_unit *unit, pa_plan_place place, int64_t site)
{
    for (int64_t k = 0; k < unit->n_held; k++) {
        const pa_built *built = unit->held[k];
        if (built->site == site && built->source->place.step == place.step && built->source->place.run == place.run) {
            return unit->held[k];
        }
    }
    return NULL;
}

static pa_built *find_rolling(const pa_unit *unit, pa_plan_place place, int64_t site)
{
    pa_built *built = unit->sources->rolling[site];
    return built != NULL && place.run == 0 && built->source->place.step == place.step ? built : NULL;
}

/* The target that keeps what is built of a site of a place, or -1. */
static int64_t keeper(const pa_plan *plan, pa_plan_place place, int64_t site)
{
    for (int64_t i = plan->sites[site].first_targeting; i >= 0; i = plan->items[i].next_targeting) {
        const pa_plan_place *target = &plan->targets[plan->items[i].target];
        if (target->step == place.step && target->run == place.run) {
            return plan->items[i].target;
        }
    }
    return -1;
}

static pa_status make(pa_unit *unit, pa_plan_place place, int64_t site, pa_built **out, pa_error *err)
{
    pa_built *rolling = find_rolling(unit, place, site);
    if (rolling != NULL) {
        *out = pa_built_share(rolling);
        return PA_OK;
    }
    return pa_sources_build(unit->sources, place, site, out, err);
}

/* Lent by the unit or the target that keeps it. */
static pa_status obtain(pa_unit *unit, pa_plan_place place, int64_t site, int64_t target, pa_built **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_built **kept = NULL;
    if (target >= 0) {
        PA_TRY(pa_sources_kept(unit->sources, target, site, &kept, err));
        if (*kept == NULL) {
            PA_TRY(make(unit, place, site, kept, err));
        }
        *out = *kept;
        goto cleanup;
    }
    *out = find_held(unit, place, site);
    if (*out == NULL) {
        PA_GROW(unit->plan->mem, unit->held, unit->held_capacity, unit->n_held + 1, err, "a layer");
        PA_TRY(make(unit, place, site, out, err));
        unit->held[unit->n_held++] = *out;
    }

cleanup:
    return status;
}
/** @} */

/* Whether a place has a file of its own for weights: that of the learning dynamics, or all that a layout leads to. */
static pa_status check_weights(pa_unit *unit, int64_t i, pa_skip_where where, pa_plan_place place, const char *split,
                               int *there, pa_error *err)
{
    pa_source *source = NULL;
    const pa_status status = pa_sources_look(unit->sources, place, &source, err);
    if (status == PA_OK) {
        const pa_run_options *how = pa_run_opened_with(unit->plan->runs[place.run].run);
        *there = pa_checkpoint_has_file(source->checkpoint, split, PA_WEIGHTS) || how->layout[0] != '\0';
    }
    if (status == PA_OK && !*there) {
        note_absent(unit, i, where, PA_WEIGHTS, place.step);
    }
    return status;
}

/*
 * Components may need a second kind (the OV circuit's activations its weights). Where the learning dynamics have no
 * file of it and the model's own has not the tensor either, the item is skipped like one whose own file is absent; a
 * tensor that is missing in a file that is there is an error.
 */
static pa_status build(pa_unit *unit, int64_t i, pa_skip_where where, pa_plan_place place, int64_t site, int64_t target,
                       const pa_parts **out, pa_error *err)
{
    int there = 1;
    pa_built *built = NULL;
    const pa_plan_site *at = &unit->plan->sites[site];
    pa_status status = obtain(unit, place, site, target, &built, err);
    if (status == PA_ERR_NOT_FOUND) {
        const pa_status looked = check_weights(unit, i, where, place, at->split, &there, err);
        status = looked != PA_OK ? looked : there ? status : PA_OK;
        if (status == PA_OK) {
            pa_error_clear(err);
        }
    }
    *out = status == PA_OK && there ? built->parts : NULL;
    return status;
}

pa_status pa_unit_find_parts(pa_unit *unit, int64_t i, pa_error *err)
{
    pa_status status = PA_OK;
    int there = 0;
    const pa_plan *plan = unit->plan;
    const pa_plan_item *item = &plan->items[unit->layer->items[i]];
    const pa_plan_place own = {0, unit->place.step};
    const pa_plan_place other = {item->run, pa_plan_target_step(plan, item, own.step)};
    const pa_parts *parts = NULL;
    if (!pa_plan_is_asked(plan, item, own.step)) {
        unit->items[i].first_value = -1;
        goto cleanup;
    }
    PA_TRY(check_there(unit, i, PA_SKIP_SPLIT, own, item->site, &there, err));
    if (there && item->target_site >= 0 && other.step >= 0) {
        PA_TRY(check_there(unit, i, PA_SKIP_TARGET, other, item->target_site, &there, err));
    }
    if (!there) {
        goto cleanup;
    }
    PA_TRY(build(unit, i, PA_SKIP_SPLIT, own, item->site, keeper(plan, own, item->site), &parts, err));
    if (parts != NULL && item->target_site >= 0 && other.step >= 0) {
        const int64_t target = item->target >= 0 ? item->target : keeper(plan, other, item->target_site);
        PA_TRY(build(unit, i, PA_SKIP_TARGET, other, item->target_site, target, &unit->items[i].counterpart, err));
    }
    if (unit->items[i].first_value >= 0) {
        unit->parts[plan->sites[item->site].number] = parts;
    }

cleanup:
    return status;
}

/** @name While it is computed, and after
 * @{ */

void pa_unit_roll(pa_unit *unit)
{
    const pa_plan_place own = {0, unit->place.step};
    for (int64_t i = 0; i < unit->layer->n_items; i++) {
        const int64_t site = unit->plan->items[unit->layer->items[i]].site;
        if (unit->plan->sites[site].rolls && unit->parts[unit->plan->sites[site].number] != NULL) {
            const int64_t target = keeper(unit->plan, own, site);
            pa_built *built = target >= 0 ? unit->sources->targets[target].built[site] : find_held(unit, own, site);
            pa_sources_roll(unit->sources, built);
            unit->rolls = 1;
        }
    }
}

/* What the layers of a checkpoint take: their elements, and as much again for what is derived from them. */
static int64_t announce(const pa_unit *unit, const pa_source *source)
{
    int64_t bytes = 0;
    for (int64_t k = 0; k < unit->layer->n_members; k++) {
        bytes += 2 * pa_checkpoint_announce(source->checkpoint, unit->layer->members[k]);
    }
    return bytes;
}

/* Whether a source serves this unit alone: what is compared with and not kept, or a second checkpoint. */
static int is_for_unit(const pa_unit *unit, const pa_source *source)
{
    for (int64_t k = 0; k < unit->n_held; k++) {
        if (unit->held[k]->source == source || unit->held[k]->reference == source) {
            return 1;
        }
    }
    return 0;
}

static int64_t target_of(const pa_plan *plan, pa_plan_place place)
{
    int64_t t = 0;
    while (t < plan->n_targets && (plan->targets[t].step != place.step || plan->targets[t].run != place.run)) {
        t++;
    }
    return t < plan->n_targets ? t : -1;
}

/* Counts once what a target keeps of the layers. */
static void count_kept(pa_unit *unit, const pa_source *source, int64_t bytes)
{
    const int64_t number = unit->place.layer_number;
    const int64_t t = target_of(unit->plan, source->place);
    int32_t *counted = t >= 0 ? unit->sources->targets[t].counted : NULL;
    if (counted != NULL && !counted[number]) {
        unit->sources->kept += bytes >= 0 ? bytes : announce(unit, source);
        counted[number] = 1;
    }
}

void pa_unit_announce(pa_unit *unit)
{
    unit->bytes = announce(unit, unit->source);
    for (const pa_source *source = unit->sources->open; source != NULL; source = source->next) {
        if (source == unit->source) {
            continue;
        }
        if (source->stays && source->users > 0) {
            count_kept(unit, source, -1);
        }
        if (is_for_unit(unit, source)) {
            unit->bytes += announce(unit, source);
        }
    }
}

/* What stays of the step when the unit is gone. */
static void count_own(pa_unit *unit)
{
    int32_t *counted = &unit->sources->rolling_counted[unit->place.layer_number];
    if (unit->rolls && !*counted) {
        unit->sources->kept += unit->bytes;
        *counted = 1;
    }
    count_kept(unit, unit->source, unit->bytes);
}

void pa_unit_release(pa_unit *unit)
{
    for (int64_t k = 0; k < unit->n_held; k++) {
        pa_built_release(unit->sources, unit->held[k]);
    }
    unit->n_held = 0;
    if (unit->source != NULL) {
        count_own(unit);
        for (const pa_source *source = unit->sources->open; source != NULL; source = source->next) {
            for (int64_t k = 0; k < unit->layer->n_members; k++) {
                pa_checkpoint_trim(source->checkpoint, unit->layer->members[k]);
            }
        }
        pa_sources_release(unit->sources, unit->source);
        unit->source = NULL;
    }
}
/** @} */
