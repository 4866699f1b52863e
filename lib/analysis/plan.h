/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What to compute at each step: sites (a component at a layer and split) and items (a metric over a site). */
#ifndef PA_ANALYSIS_PLAN_H
#define PA_ANALYSIS_PLAN_H
#include <picoanalyze/team.h>

#include "analysis/config_impl.h"
#include "base/index.h"
#include "base/text.h"

/** A run that is read: number 0 is the one that is analysed. */
typedef struct pa_plan_run {
    const char *text; /**< As configured; "" for number 0. */
    const pa_run *run;
    pa_run *own; /**< `run`, when the plan has opened it. */
} pa_plan_run;

/** A step of a run. */
typedef struct pa_plan_place {
    int64_t run; /**< In pa_plan::runs. */
    int64_t step;
} pa_plan_place;

/** A component at one layer and split: built once a step, whoever asks. */
typedef struct pa_plan_site {
    const pa_config_part *part;
    const char *split;
    int64_t layer;
    int64_t layer_number; /**< In pa_plan::layers. */
    int64_t number;       /**< Among the sites of the layer. */
    int64_t first_item;   /**< Items over this site, in the order of the configuration; -1 ends the list. */
    int64_t last_item;
    int64_t first_targeting; /**< Items that compare with this site at a target that is kept; -1 ends the list. */
    int32_t rolls;           /**< What is built at a step is compared with at the next. */
} pa_plan_site;

/** What the first input of an item is compared with. */
typedef enum pa_plan_against {
    PA_AGAINST_NOTHING,
    PA_AGAINST_SECOND,    /**< The second of the pair. */
    PA_AGAINST_TARGET,    /**< One of pa_plan::targets. */
    PA_AGAINST_SAME_STEP, /**< The same step: of another site, or of another run. */
    PA_AGAINST_PREVIOUS   /**< The step before among the plan's. */
} pa_plan_against;

/** A metric over all matrices of a site. */
typedef struct pa_plan_item {
    const pa_config_metric *metric;
    const char *file;   /**< Name of the JSON file of its values. */
    const char *suffix; /**< Appended to the keys of its values: "", ".step_10", ".layers.3". */
    int64_t site;
    int64_t number;         /**< Among the items of the layer. */
    int64_t next_item;      /**< Over the same site, or -1. */
    int64_t next_targeting; /**< In the list of the target's site, or -1. */
    int64_t pool;           /**< The last pool it was added to, or -1. */
    pa_plan_against against;
    int64_t run;         /**< In pa_plan::runs: compared with. */
    int64_t target;      /**< In pa_plan::targets, or -1. */
    int64_t target_site; /**< Compared with, or -1. */
} pa_plan_item;

/** Items whose wholes give one more value: those of an entry of the configuration, and of one target. */
typedef struct pa_plan_pool {
    int64_t *items;
    int64_t n_items;
    int64_t capacity;
    int64_t after; /**< Its value comes before the rows of this item. */
} pa_plan_pool;

/** What is computed in one go: a layer, or several that are compared with each other. */
typedef struct pa_plan_layer {
    int64_t layer;    /**< The first of them. */
    int64_t *members; /**< All of them, ascending. */
    int64_t n_members;
    int64_t n_sites;
    int64_t *items; /**< Over its sites, in the order of the plan. */
    int64_t n_items;
} pa_plan_layer;

typedef struct pa_plan {
    const pa_allocator *mem;
    const char *run_name; /**< Borrowed from the run. */
    pa_arena arena;       /**< Names and arrays of fixed length. */
    pa_plan_run *runs;
    int64_t n_runs;
    int64_t *steps; /**< Those that the run has; ascending. */
    int64_t n_steps;
    pa_plan_place *targets; /**< Distinct: what is built of them is kept. */
    int64_t n_targets;
    pa_plan_site *sites;
    int64_t n_sites;
    pa_plan_item *items;
    int64_t n_items;
    pa_plan_pool *pools; /**< Ascending by `after`. */
    int64_t n_pools;
    pa_plan_layer *layers; /**< Ascending. */
    int64_t n_layers;
    int32_t uses_previous; /**< Something of the step before is needed. */
    int64_t target_capacity;
    int64_t site_capacity;
    int64_t item_capacity;
    int64_t pool_capacity;
    pa_index target_keys;
    pa_index site_keys;
    pa_index item_keys;
} pa_plan;

/** Most items; bounds what a configuration of a megabyte can ask for. */
enum { PA_PLAN_MAX_ITEMS = 1000000 };

struct pa_analysis {
    pa_context *ctx;
    const pa_config *config;
    const pa_run *run;
    pa_plan plan;
    char *journal_path; /**< NULL: no journal is kept. */
    pa_journal_mode journal_mode;
    pa_team team; /**< All zero: none. */
};

/** @name plan_items.c
 * @{ */
/** The items of one component of an entry of `metrics`, at its layers; `item` has what all have in common. */
pa_status pa_plan_part(pa_analysis *analysis, const pa_plan_item *item, const pa_config_part *part, pa_error *err);

/** Begin the pools of the next entry, whose items are planned after that: the first number of a pool that is its. */
int64_t pa_plan_pools_begin(const pa_plan *plan);
/** After the items of the entry. */
void pa_plan_pools_end(pa_plan *plan, int64_t first);
/** @} */

/** @name plan_targets.c
 * @{ */
/** Open all runs that are compared with. */
pa_status pa_plan_open_runs(pa_analysis *analysis, pa_error *err);
void pa_plan_close_runs(pa_plan *plan);

/** What the items of an entry are compared with: `against`, `run`, `target`. */
pa_status pa_plan_against_of(pa_analysis *analysis, const pa_config_metric *metric, pa_plan_item *item, pa_error *err);

/** The number of a target, added when it is new. */
pa_status pa_plan_add_target(pa_plan *plan, pa_plan_place place, int64_t *out, pa_error *err);

/** PA_ERR_NOT_FOUND unless the runs that a component is built of have its reference. */
pa_status pa_plan_check_reference(const pa_analysis *analysis, const pa_config_part *part, int64_t run, pa_error *err);

/** The step before `step` among those of the plan, or -1. */
int64_t pa_plan_previous(const pa_plan *plan, int64_t step);

/** The step that an item is compared with at a step; -1: none. */
int64_t pa_plan_target_step(const pa_plan *plan, const pa_plan_item *item, int64_t step);

/** Whether there is a value at all: all pairs of steps are computed once if that is enough, and runs lack steps. */
int pa_plan_is_asked(const pa_plan *plan, const pa_plan_item *item, int64_t step);

/** The step of a site's second checkpoint when it is built of a place; -1: there is none. */
int64_t pa_plan_reference_step(const pa_plan *plan, const pa_plan_site *site, pa_plan_place place);

int pa_run_has_step(const pa_run *run, int64_t step);

/** "run 'x' has no <what>; it has 3 steps: 0, 10, 20" */
pa_status pa_plan_fail_steps(const pa_run *run, pa_error *err, const char *what);
/** "0, 50, 100 ... 5000" */
void pa_plan_list_steps(char *out, size_t room, const int64_t *steps, int64_t n);
/** @} */

/** Fetch what is certain to be needed of a run whose files are elsewhere: fetch.c. */
pa_status pa_plan_fetch(const pa_analysis *analysis, pa_error *err);

/** Fill `layers`, once sites and items are there. */
pa_status pa_plan_list_layers(pa_plan *plan, pa_error *err);

/** A number that differs between plans whose values differ: whatever decides about them goes into it. */
pa_status pa_plan_hash(const pa_analysis *analysis, uint64_t *out, pa_error *err);

/** Log, once each, how pico-analyze's metrics and components differ, of those that the plan computes its way. */
void pa_pico_notes_tell(const pa_analysis *analysis);

/** Warn once a run whose activations are read and have their rows mixed up: row_notes.c. */
void pa_row_notes_tell(const pa_analysis *analysis);

/**
 * The file name of every entry of `metrics`, borrowed from `arena`: "<metric>_<split>" for the first one listed, and
 * that with what differs, e.g. "norm_val.norm_type=nuclear", for others.
 */
pa_status pa_plan_file_names(const pa_config *config, pa_arena *arena, const char ***out, pa_error *err);

/** Append `text` ("a: 1, b: two") as it can stand in a file name: "a=1,b=two". */
pa_status pa_file_name_append(pa_text *name, const char *text, pa_error *err);
#endif
