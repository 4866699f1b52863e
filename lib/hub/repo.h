/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A revision of a repository: the commits of its steps, the files of a commit, and fetching one. */
#ifndef PA_HUB_REPO_H
#define PA_HUB_REPO_H
#include "base/arena.h"
#include "base/text.h"
#include "checkpoint/origin.h"
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
    pa_hub_step *items; /**< Ascending, one a step, after pa_hub_steps_end(). */
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
    int32_t announced; /**< It is part of the progress, and not here yet. Guarded by the hub's lock. */
} pa_hub_file;

/** The files of a commit. */
typedef struct pa_hub_tree pa_hub_tree;
struct pa_hub_tree {
    pa_hub_tree *next;
    char commit[PA_COMMIT];
    int32_t unknown; /**< Offline, and the cache has no list: only what is in the snapshot is there. */
    pa_arena arena;
    pa_hub_file *files;
    int64_t *order; /**< By path; NULL before pa_hub_tree_end(). */
    int64_t count;
    int64_t capacity;
};

typedef struct pa_hub_repo {
    pa_origin origin; /**< First. */
    pa_hub *hub;
    char *repo_id;
    char *revision;
    char *folder; /**< In the cache. */
    char *where;
    int64_t *step_numbers;
    char commit[PA_COMMIT];
    pa_hub_steps steps;
    pa_hub_tree *trees;   /**< Guarded by the lock; the trees themselves do not change. */
    pthread_mutex_t lock; /**< Of `trees`. */
} pa_hub_repo;

/** @name listing.c: asked of the server, or of the cache
 * @{ */
/** The commit of the revision. */
pa_status pa_hub_resolve(pa_hub_repo *repo, pa_error *err);
/** The steps of the commits that lead to it. */
pa_status pa_hub_list_steps(pa_hub_repo *repo, pa_error *err);
/** The files of a commit; borrowed from the repository. */
pa_status pa_hub_tree_get(pa_hub_repo *repo, const char *commit, pa_hub_tree **out, pa_error *err);
/** @} */

/** @name steps.c: bytes of a server, or of the cache
 * @{ */
/** A revision: as JSON, {"sha": ...}. */
pa_status pa_hub_commit_read(const char *text, int64_t length, char out[PA_COMMIT], pa_error *err);
/** One page of commits, newest first: as JSON, [{"id": ..., "title": ...}, ...]. */
pa_status pa_hub_steps_read(pa_hub_steps *steps, const char *text, int64_t length, pa_error *err);
/** All pages are read: put steps in order; of commits of one step and part, the oldest counts. */
pa_status pa_hub_steps_end(pa_hub_steps *steps, pa_error *err);
/** What pa_hub_steps_read() reads as the same steps. */
pa_status pa_hub_steps_write(const pa_hub_steps *steps, pa_text *out, pa_error *err);
void pa_hub_steps_free(pa_hub_steps *steps);
/** @} */

/** @name tree.c: likewise
 * @{ */
/** One page: as JSON, [{"type": "file", "path": ..., "size": ..., "oid": ..., "lfs": ...}, ...]. */
pa_status pa_hub_tree_read(pa_hub_tree *tree, const char *text, int64_t length, pa_error *err);
/** All of it as huggingface_hub keeps it: {"format_version": 1, "files": {path: {"size": ..., "blob_id": ...}, ...}}. */
pa_status pa_hub_tree_read_kept(pa_hub_tree *tree, const char *text, int64_t length, pa_error *err);
/** All is read: from here on files can be found. PA_ERR_FORMAT when there are two of a name. */
pa_status pa_hub_tree_end(pa_hub_tree *tree, pa_error *err);
/** What pa_hub_tree_read_kept() reads as the same files. */
pa_status pa_hub_tree_write(const pa_hub_tree *tree, pa_text *out, pa_error *err);
pa_hub_file *pa_hub_tree_find(const pa_hub_tree *tree, const char *path);
/** NULL is fine. */
void pa_hub_tree_destroy(pa_hub_tree *tree);
/** @} */

/** @name download.c
 * @{ */
/** Let the progress tell of a file that is going to be fetched. */
void pa_hub_announce(pa_hub *hub, pa_hub_file *file);
/** Nobody is going to fetch what was announced of these. */
void pa_hub_withdraw(pa_hub *hub, pa_hub_tree *tree);
/** Where a file of a commit is in the cache. */
pa_status pa_hub_pointer(const pa_hub_repo *repo, const char *commit, const char *path, char **out, pa_error *err);
/** Have the file of a commit here. `path` may be NULL; else it is freed with pa_free(). */
pa_status pa_hub_download(pa_hub_repo *repo, const char *commit, const char *name, char **path, pa_error *err);
/** @} */
#endif
