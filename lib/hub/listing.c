/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a repository before any file: the commit of a revision, the steps that lead to it, the files of a
 * commit. Each is kept in the cache: what belongs to a commit does not change. */
#include <string.h>

#include "base/alloc.h"
#include "hub/cache.h"
#include "hub/http.h"
#include "hub/names.h"
#include "hub/repo.h"

enum { MAX_PAGES = 1000, COMMIT_DIGITS = PA_COMMIT - 1 };

/** @name Asking
 * @{ */

/* Add the bytes of one page to what was read of those before. */
typedef pa_status (*read_fn)(void *user, const char *text, int64_t length, pa_error *err);

/* What is wrong with an answer says which. */
static pa_status name_answer(const pa_hub_repo *repo, const char *name, pa_status status, pa_error *err)
{
    if (status != PA_OK) {
        pa_error_prefix(err, name);
        pa_error_prefix(err, repo->repo_id);
    }
    return status;
}

/* `what` is "tree" or "commits", for texts `name`; all pages, as far as the endpoint has them. */
static pa_status ask(pa_hub_repo *repo, const char *what, const char *revision, const char *query, const char *name,
                     read_fn read, void *user, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &repo->hub->ctx->mem;
    pa_text url = {.mem = mem};
    pa_text text = {.mem = mem};
    char next[PA_HTTP_URL];
    pa_http_answer *answer = pa_alloc_raw(mem, 1, sizeof(*answer));
    PA_REQUIRE_MEMORY(answer, err, "an answer");
    PA_TRY(pa_text_printf(&url, err, "%s/api/models/%s/%s/", repo->hub->endpoint, repo->repo_id, what));
    PA_TRY(pa_hub_encode(&url, revision, "", err));
    PA_TRY(pa_text_append(&url, query, err));
    for (int page = 0; url.length > 0; page++) {
        PA_REQUIRE(page < MAX_PAGES, err, PA_ERR_LIMIT, "%s: %s: more than %d pages", repo->repo_id, name, MAX_PAGES);
        PA_TRY(pa_http_get_text(repo->hub, url.data, repo->repo_id, name, &text, answer, err));
        status = read(user, text.data != NULL ? text.data : "", text.length, err);
        PA_TRY(name_answer(repo, name, status, err));
        next[0] = '\0';
        if (answer->next[0] != '\0') {
            PA_TRY(pa_http_resolve(repo->hub, url.data, answer->next, next, err));
            PA_REQUIRE(pa_http_is_endpoint(repo->hub, next), err, PA_ERR_NETWORK,
                       "%s: %s: the next page is said to be on another server", repo->repo_id, name);
        }
        url.length = 0;
        PA_TRY(pa_text_append(&url, next, err));
    }

cleanup:
    pa_free(mem, answer);
    pa_text_free(&url);
    pa_text_free(&text);
    return status;
}

/* Nothing was kept, or what was is damaged. */
static int is_to_be_asked(pa_status kept)
{
    return kept == PA_ERR_NOT_FOUND || kept == PA_ERR_FORMAT || kept == PA_ERR_LIMIT;
}
/** @} */

/** @name Revision
 * @{ */

static pa_status read_commit(void *user, const char *text, int64_t length, pa_error *err)
{
    return pa_hub_commit_read(text, length, user, err);
}

pa_status pa_hub_resolve(pa_hub_repo *repo, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text path = {.mem = &repo->hub->ctx->mem};
    pa_text text = {.mem = &repo->hub->ctx->mem};
    if (pa_hub_is_hex(repo->revision, COMMIT_DIGITS)) {
        memcpy(repo->commit, repo->revision, PA_COMMIT);
        return PA_OK;
    }
    PA_TRY(pa_text_printf(&path, err, "%s/refs/%s", repo->folder, repo->revision));
    if (!repo->hub->offline) {
        PA_TRY(ask(repo, "revision", repo->revision, "", repo->revision, read_commit, repo->commit, err));
        /* A cache that others keep may be read-only: what it has already is not written again. */
        const pa_status kept = pa_cache_read(repo->hub, path.data, &text, err);
        PA_TRY(kept == PA_ERR_NOMEM ? kept : PA_OK);
        if (kept != PA_OK || strcmp(text.data, repo->commit) != 0) {
            pa_error_clear(err);
            PA_TRY(pa_cache_write(repo->hub, path.data, repo->commit, COMMIT_DIGITS, err));
        }
        goto cleanup;
    }
    status = pa_cache_read(repo->hub, path.data, &text, err);
    PA_REQUIRE(status != PA_ERR_NOT_FOUND, err, PA_ERR_NOT_FOUND,
               "%s: offline, and '%s' is not in the cache %s: once, it must be fetched", repo->repo_id, repo->revision,
               repo->hub->cache);
    PA_TRY(status);
    PA_REQUIRE(pa_hub_is_hex(text.data, COMMIT_DIGITS), err, PA_ERR_FORMAT, "%s: is no commit", path.data);
    memcpy(repo->commit, text.data, PA_COMMIT);

cleanup:
    pa_text_free(&path);
    pa_text_free(&text);
    return status;
}
/** @} */

/** @name Steps
 * @{ */

static pa_status read_steps(void *user, const char *text, int64_t length, pa_error *err)
{
    return pa_hub_steps_read(user, text, length, err);
}

/* What an earlier run has kept; PA_ERR_NOT_FOUND. */
static pa_status read_kept_steps(pa_hub_repo *repo, const char *path, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text text = {.mem = &repo->hub->ctx->mem};
    PA_TRY(pa_cache_read(repo->hub, path, &text, err));
    status = pa_hub_steps_read(&repo->steps, text.data != NULL ? text.data : "", text.length, err);
    if (status != PA_OK) {
        pa_error_prefix(err, path);
    }

cleanup:
    pa_text_free(&text);
    return status;
}

static pa_status ask_steps(pa_hub_repo *repo, pa_error *err)
{
    repo->steps.count = 0;
    return ask(repo, "commits", repo->commit, "?limit=100", "the list of commits", read_steps, &repo->steps, err);
}

static pa_status keep_steps(const pa_hub_repo *repo, const char *path, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text text = {.mem = &repo->hub->ctx->mem};
    PA_TRY(pa_hub_steps_write(&repo->steps, &text, err));
    PA_TRY(pa_cache_write(repo->hub, path, text.data, text.length, err));

cleanup:
    pa_text_free(&text);
    return status;
}

pa_status pa_hub_list_steps(pa_hub_repo *repo, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text path = {.mem = &repo->hub->ctx->mem};
    PA_TRY(pa_text_printf(&path, err, "%s/picoanalyze/steps-%s.json", repo->folder, repo->commit));
    status = read_kept_steps(repo, path.data, err);
    PA_REQUIRE(status != PA_ERR_NOT_FOUND || !repo->hub->offline, err, PA_ERR_NOT_FOUND,
               "%s: offline, and the steps of '%s' are not in the cache %s: once, they must be asked for",
               repo->repo_id, repo->revision, repo->hub->cache);
    const int asked = !repo->hub->offline && is_to_be_asked(status);
    if (asked) {
        pa_error_clear(err);
    }
    PA_TRY(asked ? ask_steps(repo, err) : status);
    PA_REQUIRE(
        repo->steps.count > 0, err, PA_ERR_NOT_FOUND,
        "%s: no commit of '%s' is titled as pico-train does, 'Saving Learning Dynamics Data (val) -- Step N'; is "
        "it another branch?",
        repo->repo_id, repo->revision);
    PA_TRY(pa_hub_steps_end(&repo->steps, err));
    PA_TRY(asked ? keep_steps(repo, path.data, err) : PA_OK);

cleanup:
    pa_text_free(&path);
    return status;
}
/** @} */

/** @name Files
 * @{ */

static pa_status read_tree(void *user, const char *text, int64_t length, pa_error *err)
{
    return pa_hub_tree_read(user, text, length, err);
}

static pa_status read_kept_tree(const pa_hub_repo *repo, const char *path, pa_hub_tree *tree, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text text = {.mem = &repo->hub->ctx->mem};
    PA_TRY(pa_cache_read(repo->hub, path, &text, err));
    PA_TRY(pa_hub_tree_read_kept(tree, text.data != NULL ? text.data : "", text.length, err));
    PA_TRY(pa_hub_tree_end(tree, err));

cleanup:
    pa_text_free(&text);
    return status;
}

static pa_status ask_tree(pa_hub_repo *repo, const char *path, pa_hub_tree *tree, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text text = {.mem = &repo->hub->ctx->mem};
    static const char name[] = "the list of files";
    tree->count = 0;
    PA_TRY(ask(repo, "tree", tree->commit, "?recursive=true&expand=false", name, read_tree, tree, err));
    PA_TRY(name_answer(repo, name, pa_hub_tree_end(tree, err), err));
    PA_TRY(pa_hub_tree_write(tree, &text, err));
    PA_TRY(pa_cache_write(repo->hub, path, text.data, text.length, err));

cleanup:
    pa_text_free(&text);
    return status;
}

static pa_status make_tree(pa_hub_repo *repo, const char *commit, pa_hub_tree **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &repo->hub->ctx->mem;
    pa_text path = {.mem = mem};
    pa_hub_tree *tree = pa_alloc(mem, 1, sizeof(*tree));
    PA_REQUIRE_MEMORY(tree, err, "the files of a commit");
    tree->arena.mem = mem;
    memcpy(tree->commit, commit, PA_COMMIT);
    PA_TRY(pa_text_printf(&path, err, "%s/trees/%s.json", repo->folder, commit));
    status = read_kept_tree(repo, path.data, tree, err);
    if (is_to_be_asked(status)) {
        pa_error_clear(err);
        tree->unknown = repo->hub->offline;
        status = repo->hub->offline ? PA_OK : ask_tree(repo, path.data, tree, err);
    }
    PA_TRY(status);
    *out = tree;
    tree = NULL;

cleanup:
    pa_hub_tree_destroy(tree);
    pa_text_free(&path);
    return status;
}

pa_status pa_hub_tree_get(pa_hub_repo *repo, const char *commit, pa_hub_tree **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_hub_enter(repo->hub);
    (void)pthread_mutex_lock(&repo->lock);
    pa_hub_tree *tree = repo->trees;
    while (tree != NULL && strcmp(tree->commit, commit) != 0) {
        tree = tree->next;
    }
    if (tree == NULL) {
        status = make_tree(repo, commit, &tree, err);
        if (status == PA_OK) {
            tree->next = repo->trees;
            repo->trees = tree;
        }
    }
    (void)pthread_mutex_unlock(&repo->lock);
    pa_hub_leave(repo->hub);
    *out = tree;
    return status;
}
/** @} */
