/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What to compute at each step: sites (a component at a layer and split) and items (a metric over a site). */
#ifndef PA_ANALYSIS_PLAN_H
#define PA_ANALYSIS_PLAN_H
#include <picoanalyze/team.h>

#include "analysis/config_impl.h"
#include "base/index.h"
#include "base/text.h"

/** A component at one layer and split: built once a step, whoever asks. */
typedef struct pa_plan_site {
    const pa_config_part *part;
    const char *split;
    int64_t layer;
    int64_t layer_number; /**< In pa_plan::layers. */
    int64_t number;       /**< Among the sites of the layer. */
    int64_t first_item;   /**< Items over this site, in the order of the configuration; -1 ends the list. */
    int64_t last_item;
} pa_plan_site;

/** A metric over all matrices of a site. */
typedef struct pa_plan_item {
    const pa_config_metric *metric;
    const char *file; /**< Name of the JSON file of its values. */
    int64_t site;
    int64_t number;    /**< Among the items of the layer. */
    int64_t target;    /**< Number of the target step in pa_plan::targets, or -1. */
    int64_t next_item; /**< Over the same site, or -1. */
} pa_plan_item;

/** What a layer takes part in. */
typedef struct pa_plan_layer {
    int64_t layer;
    int64_t n_sites;
    int64_t *items; /**< Over its sites, in the order of the plan. */
    int64_t n_items;
} pa_plan_layer;

typedef struct pa_plan {
    const pa_allocator *mem;
    const char *run_name; /**< Borrowed from the run. */
    pa_arena arena;       /**< Names and arrays of fixed length. */
    int64_t *steps;       /**< Those that the run has; ascending. */
    int64_t n_steps;
    int64_t *targets; /**< Distinct target steps. */
    int64_t n_targets;
    pa_plan_site *sites;
    int64_t n_sites;
    pa_plan_item *items;
    int64_t n_items;
    pa_plan_layer *layers; /**< Ascending. */
    int64_t n_layers;
    int64_t site_capacity;
    int64_t item_capacity;
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

/** Fill `layers`, once sites and items are there. */
pa_status pa_plan_list_layers(pa_plan *plan, pa_error *err);

/** A number that differs between plans whose values differ: whatever decides about them goes into it. */
pa_status pa_plan_hash(const pa_analysis *analysis, uint64_t *out, pa_error *err);

/** Log, once each, how pico-analyze's metrics and components differ, of those that the plan computes its way. */
void pa_pico_notes_tell(const pa_analysis *analysis);

/**
 * The file name of every entry of `metrics`, borrowed from `arena`: "<metric>_<split>" for the first one listed, and
 * that with what differs, e.g. "norm_val.norm_type=nuclear", for others.
 */
pa_status pa_plan_file_names(const pa_config *config, pa_arena *arena, const char ***out, pa_error *err);

/** Append `text` ("a: 1, b: two") as it can stand in a file name: "a=1,b=two". */
pa_status pa_file_name_append(pa_text *name, const char *text, pa_error *err);
#endif
