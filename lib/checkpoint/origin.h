/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Where the files of a run come from: what a directory, or a place such as the Hub, implements. */
#ifndef PA_CHECKPOINT_ORIGIN_H
#define PA_CHECKPOINT_ORIGIN_H
#include <stdatomic.h>

#include <picoanalyze/checkpoint.h>

#include "base/arena.h"
#include "base/text.h"

/** A file of a step. */
typedef struct pa_origin_file {
    int64_t step;      /**< One of pa_origin::steps. */
    const char *split; /**< "train", "val"; "" for the model's own files. */
    const char *name;  /**< Below the step's directory, e.g. "learning_dynamics/val_weights.pt"; "": the step itself. */
} pa_origin_file;

/** Counted: by the run and by its checkpoints. Any thread may call any of the functions. */
typedef struct pa_origin pa_origin;
struct pa_origin {
    atomic_int references;
    const int64_t *steps; /**< Ascending; at least one. */
    int64_t n_steps;
    /** Append where the files of a step are, for texts. */
    pa_status (*where)(pa_origin *origin, int64_t step, pa_text *out, pa_error *err);
    /** Whether a step has a file: 1 or 0. */
    pa_status (*has)(pa_origin *origin, const pa_origin_file *file, int *there, pa_error *err);
    /** Have a file here that the step has, and give its path, to be freed with pa_free(). */
    pa_status (*fetch)(pa_origin *origin, const pa_origin_file *file, char **path, pa_error *err);
    /** Have all of these here that the steps have. NULL: whatever there is, is here. */
    pa_status (*fetch_all)(pa_origin *origin, const pa_origin_file *files, int64_t n_files, pa_error *err);
    /** Append what tells the files of a step from others that may come to have the same names. NULL: nothing does. */
    pa_status (*identify)(pa_origin *origin, int64_t step, pa_text *out, pa_error *err);
    void (*destroy)(pa_origin *origin);
};

pa_origin *pa_origin_retain(pa_origin *origin);
/** NULL is fine. */
void pa_origin_release(pa_origin *origin);

/** The place of a step among pa_origin::steps; of one that is not there some other place, without steps 0. */
int64_t pa_origin_place(const pa_origin *origin, int64_t step);

/** Steps that are directories, or files, here. */
typedef struct pa_directory {
    pa_origin origin;         /**< First. */
    const char *const *paths; /**< Of each step. */
    pa_arena arena;           /**< For steps and paths. */
} pa_directory;

/**
 * Without steps. One on the stack that gets a single path takes it for any step; nothing of it is to be ended. One from
 * `mem` ends with pa_origin_release().
 */
void pa_directory_init(pa_directory *directory, const pa_allocator *mem);

/** What a run has beside its files, and where it is from. */
typedef struct pa_run_papers {
    const char *path;   /**< pa_run_path(): "hf://pico-lm/demo@demo-1". */
    const char *name;   /**< Of the run when the configuration gives none. */
    const char *config; /**< Path of training_config.yaml. */
} pa_run_papers;

/** As pa_run_open_with(), without a layout; takes a reference of its own. */
pa_status pa_run_open_origin(pa_context *ctx, pa_origin *origin, const pa_run_papers *papers,
                             const pa_run_options *options, pa_run **out, pa_error *err);

/** A file of the learning dynamics. */
typedef struct pa_run_file {
    int64_t step;
    const char *split;
    pa_kind kind;
} pa_run_file;

/** Append what is known of the content of a step without reading it; of a directory, nothing. */
pa_status pa_run_identify(const pa_run *run, int64_t step, pa_text *out, pa_error *err);

/** Have these files here before they are asked for, if they are elsewhere and exist. */
pa_status pa_run_fetch(const pa_run *run, const pa_run_file *files, int64_t n_files, pa_error *err);
#endif
