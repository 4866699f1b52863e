/* SPDX-License-Identifier: Apache-2.0 */
/* A repository as a place of files: which commit a file of a step is taken from, and several of them at once. */
#include "hub/repo.h"

#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "base/text.h"
#include "hub/cache.h"
#include "hub/names.h"

/** @name Where a file is
 * @{ */

/*
 * A commit of "val" has the step's train files too, so that one list of files serves both. One of "train" still has the
 * step before's val files. The model's own are those of the commit that says so: others may be of another step.
 */
static const char *commit_of(const pa_hub_repo *repo, int64_t step, const char *split)
{
    const int64_t place = pa_origin_place(&repo->origin, step);
    const pa_hub_step *at = place < repo->steps.count ? &repo->steps.items[place] : NULL;
    if (at == NULL || at->step != step) {
        return "";
    }
    const int val = at->commits[PA_HUB_VAL][0] != '\0';
    return split[0] == '\0'                     ? at->commits[PA_HUB_MODEL]
           : val || strcmp(split, "train") != 0 ? at->commits[PA_HUB_VAL]
                                                : at->commits[PA_HUB_TRAIN];
}

/* The commits that files are taken from: others may come to lead to the revision, or to be in their place. */
static pa_status identify(pa_origin *origin, int64_t step, pa_text *out, pa_error *err)
{
    static const char *const splits[] = {"train", "val", ""};
    pa_status status = PA_OK;
    const pa_hub_repo *repo = (const pa_hub_repo *)origin;
    for (int i = 0; i < 3; i++) {
        PA_TRY(pa_text_printf(out, err, "%s,", commit_of(repo, step, splits[i])));
    }

cleanup:
    return status;
}

static pa_status where(pa_origin *origin, int64_t step, pa_text *out, pa_error *err)
{
    (void)step;
    return pa_text_append(out, ((pa_hub_repo *)origin)->where, err);
}

static pa_status has(pa_origin *origin, const pa_origin_file *file, int *there, pa_error *err)
{
    pa_status status = PA_OK;
    pa_hub_repo *repo = (pa_hub_repo *)origin;
    pa_hub_tree *tree = NULL;
    char *pointer = NULL;
    const char *commit = commit_of(repo, file->step, file->split);
    *there = 0;
    if (commit[0] != '\0' && pa_hub_is_inside(file->name)) {
        PA_TRY(pa_hub_tree_get(repo, commit, &tree, err));
        PA_TRY(pa_hub_pointer(repo, commit, file->name, &pointer, err));
        *there = tree->unknown ? pa_cache_has(repo->folder, pointer) : pa_hub_tree_find(tree, file->name) != NULL;
    }

cleanup:
    pa_free(&repo->hub->ctx->mem, pointer);
    return status;
}

/* "model.safetensors.index.json": all of model-*.safetensors. */
static pa_status fetch_shards(pa_hub_repo *repo, const char *commit, const char *name, pa_error *err)
{
    static const char end[] = ".index.json";
    pa_status status = PA_OK;
    pa_hub_tree *tree = NULL;
    const size_t length = strlen(name);
    const char *dot = strchr(name, '.');
    if (length <= strlen(end) || strcmp(name + length - strlen(end), end) != 0) {
        return PA_OK;
    }
    const size_t stem = (size_t)(dot - name);
    const size_t extension = length - strlen(end) - stem;
    PA_TRY(pa_hub_tree_get(repo, commit, &tree, err));
    for (int64_t i = 0; i < tree->count; i++) {
        const char *path = tree->files[i].path;
        const size_t n = strlen(path);
        if (n > stem + extension && strchr(path, '/') == NULL && strncmp(path, name, stem) == 0 && path[stem] == '-' &&
            strncmp(path + n - extension, dot, extension) == 0) {
            PA_TRY(pa_hub_download(repo, commit, path, NULL, err));
        }
    }

cleanup:
    return status;
}

static pa_status fetch(pa_origin *origin, const pa_origin_file *file, char **path, pa_error *err)
{
    pa_hub_repo *repo = (pa_hub_repo *)origin;
    const char *commit = commit_of(repo, file->step, file->split);
    const pa_status status = fetch_shards(repo, commit, file->name, err);
    return status != PA_OK ? status : pa_hub_download(repo, commit, file->name, path, err);
}
/** @} */

/** @name Several at once
 * @{ */

typedef struct errand {
    pa_hub_repo *repo;
    const pa_origin_file **files;
    int64_t count;
    int64_t next;
} errand;

static int next_file(void *user, int64_t limit, pa_task *task)
{
    errand *e = user;
    if (e->next >= e->count || e->next >= limit) {
        return 0;
    }
    *task = (pa_task){.number = e->next, .index = e->next};
    e->next++;
    return 1;
}

static pa_status run_file(void *user, const pa_task *task, pa_error *err)
{
    const errand *e = user;
    const pa_origin_file *file = e->files[task->index];
    return pa_hub_download(e->repo, commit_of(e->repo, file->step, file->split), file->name, NULL, err);
}

static void ended(void *user, const pa_task *task)
{
    (void)user;
    (void)task;
}

/* Those that are there and not here; they join the progress at once. */
static pa_status choose(errand *e, const pa_origin_file *files, int64_t n, pa_error *err)
{
    pa_status status = PA_OK;
    pa_hub_repo *repo = e->repo;
    char *pointer = NULL;
    pa_hub_tree *tree = NULL;
    int there = 0;
    for (int64_t i = 0; i < n; i++) { /* all lists, so that the progress has the sum from the beginning */
        PA_TRY(has(&repo->origin, &files[i], &there, err));
    }
    for (int64_t i = 0; i < n; i++) {
        const char *commit = commit_of(repo, files[i].step, files[i].split);
        PA_TRY(has(&repo->origin, &files[i], &there, err));
        if (!there) {
            continue;
        }
        PA_TRY(pa_hub_pointer(repo, commit, files[i].name, &pointer, err));
        const int here = pa_cache_has(repo->folder, pointer);
        pa_free(&repo->hub->ctx->mem, pointer);
        pointer = NULL;
        PA_TRY(pa_hub_tree_get(repo, commit, &tree, err));
        pa_hub_file *file = pa_hub_tree_find(tree, files[i].name);
        if (!here && file != NULL) {
            pa_hub_announce(repo->hub, file);
            e->files[e->count++] = &files[i];
        }
    }
    PA_REQUIRE(pa_hub_tick(repo->hub, 0), err, PA_ERR_CANCELLED, "stopped before anything was fetched");

cleanup:
    return status;
}

static pa_status fetch_all(pa_origin *origin, const pa_origin_file *files, int64_t n_files, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pool *pool = NULL;
    errand e = {.repo = (pa_hub_repo *)origin};
    const pa_allocator *mem = &e.repo->hub->ctx->mem;
    const pa_job job = {.next = next_file, .run = run_file, .ended = ended, .user = &e};
    pa_hub_enter(e.repo->hub);
    e.files = pa_alloc(mem, n_files, sizeof(*e.files));
    PA_REQUIRE_MEMORY(e.files, err, "the names of files");
    PA_TRY(choose(&e, files, n_files, err));
    if (e.count > 0 && !e.repo->hub->offline) {
        PA_TRY(pa_pool_create(mem, e.repo->hub->connections, &pool, err));
        PA_TRY(pa_pool_run(pool, &job, err));
    }

cleanup:
    pa_hub_leave(e.repo->hub);
    pa_pool_destroy(pool);
    pa_free(mem, e.files);
    return status;
}
/** @} */

/** @name Opening
 * @{ */

static void destroy(pa_origin *origin)
{
    pa_hub_repo *repo = (pa_hub_repo *)origin;
    const pa_allocator *mem = &repo->hub->ctx->mem;
    while (repo->trees != NULL) {
        pa_hub_tree *tree = repo->trees;
        repo->trees = tree->next;
        pa_hub_withdraw(repo->hub, tree);
        pa_hub_tree_destroy(tree);
    }
    (void)pthread_mutex_destroy(&repo->lock);
    pa_hub_steps_free(&repo->steps);
    pa_free(mem, repo->step_numbers);
    pa_free(mem, repo->where);
    pa_free(mem, repo->folder);
    pa_free(mem, repo->revision);
    pa_free(mem, repo->repo_id);
    pa_free(mem, repo);
}

static pa_status make(pa_hub *hub, const char *repo_id, const char *revision, pa_hub_repo **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &hub->ctx->mem;
    pa_text folder = {.mem = mem};
    pa_text shown = {.mem = mem};
    pa_hub_repo *repo = pa_alloc(mem, 1, sizeof(*repo));
    PA_REQUIRE_MEMORY(repo, err, "a repository");
    if (pthread_mutex_init(&repo->lock, NULL) != 0) {
        pa_free(mem, repo);
        repo = NULL;
        PA_REQUIRE(0, err, PA_ERR_NOMEM, "no more locks can be made");
    }
    repo->hub = hub;
    repo->steps.mem = mem;
    atomic_init(&repo->origin.references, 1);
    repo->origin.where = where;
    repo->origin.identify = identify;
    repo->origin.has = has;
    repo->origin.fetch = fetch;
    repo->origin.fetch_all = fetch_all;
    repo->origin.destroy = destroy;
    PA_REQUIRE_MEMORY(repo->repo_id = pa_strdup(mem, repo_id), err, "a repository");
    PA_REQUIRE_MEMORY(repo->revision = pa_strdup(mem, revision), err, "a repository");
    PA_TRY(pa_cache_folder(hub, repo_id, &folder, err));
    PA_TRY(pa_text_printf(&shown, err, "hf://%s@%s", repo_id, revision));
    repo->folder = folder.data;
    repo->where = shown.data;
    folder.data = NULL;
    shown.data = NULL;
    *out = repo;
    repo = NULL;

cleanup:
    pa_text_free(&folder);
    pa_text_free(&shown);
    if (repo != NULL) {
        destroy(&repo->origin);
    }
    return status;
}

static pa_status list_steps(pa_hub_repo *repo, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_hub_list_steps(repo, err));
    repo->step_numbers = pa_alloc(&repo->hub->ctx->mem, repo->steps.count, sizeof(*repo->step_numbers));
    PA_REQUIRE_MEMORY(repo->step_numbers, err, "the steps of a run");
    for (int64_t i = 0; i < repo->steps.count; i++) {
        repo->step_numbers[i] = repo->steps.items[i].step;
    }
    repo->origin.steps = repo->step_numbers;
    repo->origin.n_steps = repo->steps.count;

cleanup:
    return status;
}

pa_status pa_run_open_hub(pa_hub *hub, const char *repo_id, const char *revision, const pa_run_options *options,
                          pa_run **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_hub_repo *repo = NULL;
    char *config = NULL;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_run_open_hub: out is NULL");
    *out = NULL;
    PA_REQUIRE(hub != NULL && repo_id != NULL, err, PA_ERR_INVALID, "pa_run_open_hub: hub or repo_id is NULL");
    revision = revision != NULL ? revision : "main";
    PA_TRY(pa_hub_check_repo(repo_id, err));
    PA_TRY(pa_hub_check_revision(revision, err));
    PA_TRY(make(hub, repo_id, revision, &repo, err));
    pa_hub_enter(hub);
    PA_TRY(pa_hub_resolve(repo, err));
    PA_TRY(list_steps(repo, err));
    PA_TRY(pa_hub_download(repo, repo->commit, "training_config.yaml", &config, err));
    const char *slash = strrchr(repo_id, '/');
    const pa_run_papers papers = {.path = repo->where, .name = slash != NULL ? slash + 1 : repo_id, .config = config};
    PA_TRY(pa_run_open_origin(hub->ctx, &repo->origin, &papers, options, out, err));

cleanup:
    if (repo != NULL) {
        pa_hub_leave(hub);
        pa_free(&hub->ctx->mem, config);
        pa_origin_release(&repo->origin);
    }
    return status;
}
/** @} */
