/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Inside a checkpoint: entries of a file or of memory, found by split, kind, layer and suffix; or the files of a
 * step, each a checkpoint within the checkpoint. */
#ifndef PA_CHECKPOINT_IMPL_H
#define PA_CHECKPOINT_IMPL_H
#include <pthread.h>

#include <picoanalyze/checkpoint.h>

#include "checkpoint/archive.h"
#include "checkpoint/origin.h"

/** Tensors of one split and kind. */
typedef struct pa_group {
    char *split;
    pa_kind kind;
    int64_t count; /**< Tensors in it. */
} pa_group;

/** A tensor under its name. */
typedef struct pa_entry {
    int64_t group;
    int64_t layer; /**< -1: none. */
    const char *name;
    const char *suffix;      /**< Part of `name`. */
    const pa_tensor *tensor; /**< NULL in memory. */
    char *own_name;          /**< `name` when it is not an archive's. */
    pa_matrix *matrix;       /**< NULL until asked for; guarded by the lock. */
    int64_t shape[2];        /**< In memory: of the matrix. */
} pa_entry;

/** Defined in naming.h. */
typedef struct pa_naming pa_naming;

/** Defined in reading.h. */
typedef struct pa_reading pa_reading;

/** A file of a step. */
typedef struct pa_step_file pa_step_file;
struct pa_step_file {
    pa_step_file *next;
    const char *split; /**< Static; "": the state dict. */
    pa_kind kind;
    int32_t listed;        /**< Opened with the step: its tensors are listed as the step's. */
    const char *name;      /**< For pa_origin::fetch. */
    pa_checkpoint *opened; /**< NULL until asked for; guarded by the step's lock. Has no files of its own. */
};

/** It has entries, or it is a step of a run and has files. */
struct pa_checkpoint {
    pa_context *ctx;
    int64_t step;
    pa_model model;
    int32_t in_memory;
    pa_group *groups;
    int64_t n_groups;
    int64_t groups_capacity;
    pa_entry *entries; /**< In the order of the file. */
    int64_t count;
    int64_t capacity;
    int64_t *order; /**< Entry numbers by group, layer and suffix. */
    int64_t order_capacity;
    pa_archive *archive;      /**< Whose tensors the entries are; NULL: there is no file of them. */
    pa_reading *reading;      /**< How files are read; NULL: as a file of no run. */
    pa_origin *origin;        /**< Where the files are from; NULL: it is no step of a run. */
    pa_step_file *files;      /**< In the order in which they are listed. */
    pa_step_file *state_dict; /**< The last of `files`, asked for weights that the others do not have; NULL: none. */
    pthread_mutex_t *lock;    /**< Of the entries' matrices and of what is opened. */
    pa_arena arena;           /**< Views of tensors, and the files of a step. */
    int64_t n_aliases;        /**< The last entries: tensors under the names that a naming gives them. */
    const pa_naming *naming;  /**< That one; NULL: none. */
};

/** An empty checkpoint. */
pa_status pa_checkpoint_start(pa_context *ctx, int64_t step, const pa_model *model, pa_checkpoint **out, pa_error *err);
/**
 * Open a file for an empty checkpoint. Tensors of no split get the names of pa_naming_apply(), whose errors are prefixed
 * with the path. Destroy the checkpoint when it fails.
 */
pa_status pa_checkpoint_fill(pa_checkpoint *checkpoint, const char *split, pa_kind kind, const char *path,
                             pa_error *err);
/** Room for `more` further entries, also in the order. */
pa_status pa_checkpoint_reserve(pa_checkpoint *checkpoint, int64_t more, pa_error *err);

/** @name The files of a step: step_file.c
 * @{ */
/** Say that the step has a file; it is not opened yet. `split` is static. */
pa_status pa_step_file_add(pa_checkpoint *checkpoint, const char *split, pa_kind kind, const char *name,
                           pa_step_file **out, pa_error *err);
/** The file of that split and kind, the state dict aside; or NULL. */
pa_step_file *pa_step_file_find(const pa_checkpoint *checkpoint, const char *split, pa_kind kind);
/** Its tensors, fetched and opened now if need be; borrowed from the checkpoint. */
pa_status pa_step_file_open(const pa_checkpoint *checkpoint, pa_step_file *file, const pa_checkpoint **out,
                            pa_error *err);
/** Its tensors if it is open already, else NULL. */
const pa_checkpoint *pa_step_file_opened(const pa_checkpoint *checkpoint, const pa_step_file *file);
/** @} */

/** @name The step's own weights: state_dict.c
 * @{ */
/** Which file of a step is its state dict; static; NULL when there is none. */
pa_status pa_state_dict_find(pa_origin *origin, int64_t step, const char **name, pa_error *err);
/** Whether tensors of that split and kind may be in it. */
int pa_state_dict_serves(const pa_checkpoint *checkpoint, const char *split, pa_kind kind);
/** The state dict if it is open already, else NULL. */
const pa_checkpoint *pa_state_dict_opened(const pa_checkpoint *checkpoint);
/** Add to the text of a PA_ERR_NOT_FOUND where else was looked; PA_ERR_NOT_FOUND or PA_ERR_NOMEM. */
pa_status pa_state_dict_fail_absent(const pa_checkpoint *checkpoint, pa_error *err);
/** @} */

/** @name naming.c
 * @{ */
/** Whether the weights have a naming, and it has no tensor for that suffix: models of that kind do without. */
int pa_naming_lacks(const pa_checkpoint *checkpoint, const char *suffix);
/** Add to the text about a tensor that is not there what the naming of this checkpoint looks for. */
void pa_naming_explain(const pa_checkpoint *checkpoint, const char *suffix, pa_error *err);
/** @} */

/** @name While a run is worked through: layer.c
 * @{ */
/**
 * Let the system fetch what the matrices of a layer that have been asked for will read. Returns the bytes that their
 * elements take once they are read, as doubles.
 */
int64_t pa_checkpoint_announce(const pa_checkpoint *checkpoint, int64_t layer);
/** Let go of the matrices of a layer that nobody else holds. They are made anew when they are asked for again. */
void pa_checkpoint_trim(const pa_checkpoint *checkpoint, int64_t layer);
/** @} */

/** @name omitted.c
 * @{ */
/** PA_ERR_UNSUPPORTED when its file has that tensor and it cannot be read, PA_OK when it has none. */
pa_status pa_checkpoint_check_omitted(const pa_checkpoint *checkpoint, int64_t layer, const char *suffix,
                                      pa_error *err);
/** @} */

/** @name tensor_name.c
 * @{ */
/** Split `<anything>layers.<n>.<suffix>`: returns the suffix and sets the layer; without a layer the name and -1. */
const char *pa_tensor_name_suffix(const char *name, int64_t *layer);
/** Kind that the name of a file tells: "gradients" or "activations" in it, "attention" at its end, else weights. */
pa_kind pa_kind_of_file(const char *path);
/** @} */

/** @name lookup.c
 * @{ */
/** Number of the group, or -1. */
int64_t pa_checkpoint_find_group(const pa_checkpoint *checkpoint, const char *split, pa_kind kind);

/** Whether there is a file (or a matrix in memory) of that split and kind, the state dict aside. */
int pa_checkpoint_has_file(const pa_checkpoint *checkpoint, const char *split, pa_kind kind);
/** First place in `order` that is not before (group, layer, suffix). */
int64_t pa_checkpoint_place(const pa_checkpoint *checkpoint, int64_t group, int64_t layer, const char *suffix);
/** Whether the entry at that place of `order` is (group, layer, suffix). */
int pa_checkpoint_matches(const pa_checkpoint *checkpoint, int64_t place, int64_t group, int64_t layer,
                          const char *suffix);
/** Order of entries; `items` are the entries. */
int pa_entry_compare(const void *items, int64_t a, int64_t b);
/**
 * The entry and whose it is, the checkpoint's or a file's; or PA_ERR_NOT_FOUND with what there is instead. What opening
 * a file may return.
 */
pa_status pa_checkpoint_find(const pa_checkpoint *checkpoint, const char *split, pa_kind kind, int64_t layer,
                             const char *suffix, const pa_checkpoint **owner, pa_entry **out, pa_error *err);
/** @} */
#endif
