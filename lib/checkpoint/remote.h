/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Files of a run that are elsewhere until they are asked for: what a place such as the Hub implements. */
#ifndef PA_CHECKPOINT_REMOTE_H
#define PA_CHECKPOINT_REMOTE_H
#include <stdatomic.h>

#include <picoanalyze/checkpoint.h>

#include "base/text.h"

/** A file of a step. */
typedef struct pa_remote_file {
    int64_t step;
    const char *split; /**< "train", "val"; "" for the model's own files. */
    const char *name;  /**< Below the step's directory, e.g. "learning_dynamics/val_weights.pt". */
} pa_remote_file;

/** Counted: by the run and by its checkpoints. Any thread may call any of the functions, after `begin` of the step. */
typedef struct pa_remote pa_remote;
struct pa_remote {
    atomic_int references;
    const char *where;       /**< For texts: "hf://pico-lm/demo@demo-1". */
    const char *config_path; /**< Of training_config.yaml, which is here already. */
    const char *fallback;    /**< Name of the run when the configuration gives none. */
    const int64_t *steps;    /**< Ascending; at least one. */
    int64_t n_steps;
    /** Learn which files a step has. */
    pa_status (*begin)(pa_remote *remote, int64_t step, pa_error *err);
    /** Whether a step has a file: 1 or 0. */
    pa_status (*has)(pa_remote *remote, const pa_remote_file *file, int *there, pa_error *err);
    /** Have the file here, and give its path, to be freed with pa_free(). */
    pa_status (*fetch)(pa_remote *remote, const pa_remote_file *file, char **path, pa_error *err);
    /** Have all of these here that the steps have. */
    pa_status (*fetch_all)(pa_remote *remote, const pa_remote_file *files, int64_t n_files, pa_error *err);
    /** Append what tells the files of a step from others that may come to have the same names. */
    pa_status (*identify)(pa_remote *remote, int64_t step, pa_text *out, pa_error *err);
    void (*destroy)(pa_remote *remote);
};

pa_remote *pa_remote_retain(pa_remote *remote);
void pa_remote_release(pa_remote *remote);

/** As pa_run_open_with(), without a layout; takes a reference of its own. */
pa_status pa_run_open_remote(pa_context *ctx, pa_remote *remote, const pa_run_options *options, pa_run **out,
                             pa_error *err);

/** A file of the learning dynamics. */
typedef struct pa_run_file {
    int64_t step;
    const char *split;
    pa_kind kind;
} pa_run_file;

/** Append what is known of the content of a step without reading it: of a run that is here, nothing. */
pa_status pa_run_identify(const pa_run *run, int64_t step, pa_text *out, pa_error *err);

/** Have these files here before they are asked for, if they are elsewhere and exist. */
pa_status pa_run_fetch(const pa_run *run, const pa_run_file *files, int64_t n_files, pa_error *err);
#endif
