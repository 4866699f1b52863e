/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A revision of a repository: the commits of its steps, the files of a commit, and fetching one. */
#ifndef PA_HUB_REPO_H
#define PA_HUB_REPO_H
#include "base/arena.h"
#include "checkpoint/remote.h"
#include "hub/hub_impl.h"

enum { PA_COMMIT = 41, PA_ETAG = 65 };

/** What a commit of a step has. */
enum { PA_HUB_TRAIN, PA_HUB_VAL, PA_HUB_MODEL, PA_HUB_N_PARTS };

/** A step and the commits that its files are taken from; "" where there is none. */
typedef struct pa_hub_step {
    int64_t step;
    char commits[PA_HUB_N_PARTS][PA_COMMIT];
} pa_hub_step;

/** Zero-initialise with the allocator; end with pa_hub_steps_free(). */
typedef struct pa_hub_steps {
    const pa_allocator *mem;
    pa_hub_step *items; /**< Ascending once all are read. */
    int64_t count;
    int64_t capacity;
} pa_hub_steps;

/** 40 hexadecimal digits. */
enum { PA_OID = 41 };

typedef struct pa_hub_file {
    const char *path;
    char etag[PA_ETAG]; /**< 64 or 40 hexadecimal digits: the SHA-256 of large files, else `oid`. */
    char oid[PA_OID];   /**< What Git calls it; "" when unknown. */
    int64_t size;
    int32_t announced; /**< It is part of the progress already. */
} pa_hub_file;

/** The files of a commit. */
typedef struct pa_hub_tree pa_hub_tree;
struct pa_hub_tree {
    pa_hub_tree *next;
    char commit[PA_COMMIT];
    int32_t unknown; /**< Offline, and the cache has no list: only what is in the snapshot is there. */
    pa_arena arena;
    pa_hub_file *files;
    int64_t count;
    int64_t capacity;
};

typedef struct pa_hub_repo {
    pa_remote remote; /**< First. */
    pa_hub *hub;
    char *repo_id;
    char *revision;
    char *folder; /**< In the cache. */
    char *where;
    char *config_path;
    int64_t *step_numbers;
    char commit[PA_COMMIT];
    pa_hub_steps steps;
    pa_hub_tree *trees;   /**< Guarded by the lock; the trees themselves do not change. */
    pthread_mutex_t lock; /**< Of `trees`. */
} pa_hub_repo;

/** @name listing.c
 * @{ */
/** The commit of the revision. */
pa_status pa_hub_resolve(pa_hub_repo *repo, pa_error *err);
/** The steps of the commits that lead to it. */
pa_status pa_hub_list_steps(pa_hub_repo *repo, pa_error *err);
/** One page of commits, newest first: as JSON, [{"id": ..., "title": ...}, ...]. Older ones replace newer ones. */
pa_status pa_hub_steps_read(pa_hub_steps *steps, const char *text, int64_t length, pa_error *err);
void pa_hub_steps_sort(pa_hub_steps *steps);
void pa_hub_steps_free(pa_hub_steps *steps);
/** @} */

/** @name tree.c
 * @{ */
/** The files of a commit; borrowed from the repository. */
pa_status pa_hub_tree_get(pa_hub_repo *repo, const char *commit, pa_hub_tree **out, pa_error *err);
/** One page: as JSON, [{"type": "file", "path": ..., "size": ..., "oid": ..., "lfs": ...}, ...]. */
pa_status pa_hub_tree_read(pa_hub_tree *tree, const char *text, int64_t length, pa_error *err);
pa_hub_file *pa_hub_tree_find(const pa_hub_tree *tree, const char *path);
void pa_hub_tree_destroy(const pa_allocator *mem, pa_hub_tree *tree);
/** @} */

/** @name download.c
 * @{ */
/** Where a file of a commit is in the cache. */
pa_status pa_hub_pointer(const pa_hub_repo *repo, const char *commit, const char *path, char **out, pa_error *err);
/** Have the file of a commit here. `path` may be NULL; else it is freed with pa_free(). */
pa_status pa_hub_download(pa_hub_repo *repo, const char *commit, const char *name, char **path, pa_error *err);
/** @} */
#endif
