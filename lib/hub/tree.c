/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a commit: asked for once, and kept where newer versions of huggingface_hub keep them. */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "hub/cache.h"
#include "hub/http.h"
#include "hub/names.h"
#include "hub/repo.h"

enum { MAX_PAGES = 1000, MAX_FILES = 1000000 };
#define MAX_FILE_BYTES ((int64_t)1 << 44)

static pa_status add(pa_hub_tree *tree, const char *path, const char *oid, const char *sha256, const json_t *size,
                     pa_error *err)
{
    pa_status status = PA_OK;
    const char *etag = sha256 != NULL ? sha256 : oid;
    PA_REQUIRE(path != NULL && pa_hub_is_inside(path), err, PA_ERR_FORMAT,
               "a file of commit %s has no name, or one that leads out of the repository", tree->commit);
    PA_REQUIRE(pa_hub_is_hex(etag, 64) || pa_hub_is_hex(etag, 40), err, PA_ERR_FORMAT,
               "commit %s: '%.200s' has no digest", tree->commit, path);
    PA_REQUIRE(json_is_integer(size) && json_integer_value(size) >= 0 && json_integer_value(size) <= MAX_FILE_BYTES,
               err, PA_ERR_LIMIT, "commit %s: '%.200s' has no size, or one above 16 TiB", tree->commit, path);
    PA_REQUIRE(tree->count < MAX_FILES, err, PA_ERR_LIMIT, "commit %s: more than %d files", tree->commit, MAX_FILES);
    pa_hub_file *grown = pa_array_grow(tree->arena.mem, tree->files, &tree->capacity, tree->count + 1, sizeof(*grown));
    PA_REQUIRE_MEMORY(grown, err, "the files of a commit");
    tree->files = grown;
    pa_hub_file file = {.path = pa_arena_strdup(&tree->arena, path), .size = json_integer_value(size)};
    PA_REQUIRE_MEMORY(file.path, err, "the files of a commit");
    memcpy(file.etag, etag, strlen(etag) + 1);
    if (pa_hub_is_hex(oid, PA_OID - 1)) {
        memcpy(file.oid, oid, PA_OID);
    }
    grown[tree->count++] = file;

cleanup:
    return status;
}

pa_status pa_hub_tree_read(pa_hub_tree *tree, const char *text, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    json_t *root = NULL;
    size_t i = 0;
    json_t *item = NULL;
    PA_TRY(pa_json_read_array(text, length, &root, err));
    json_array_foreach(root, i, item)
    {
        const char *type = json_string_value(json_object_get(item, "type"));
        const json_t *lfs = json_object_get(item, "lfs");
        if (type != NULL && strcmp(type, "file") == 0) {
            PA_TRY(add(tree, json_string_value(json_object_get(item, "path")),
                       json_string_value(json_object_get(item, "oid")), json_string_value(json_object_get(lfs, "oid")),
                       json_object_get(json_is_object(lfs) ? lfs : item, "size"), err));
        }
    }

cleanup:
    json_decref(root);
    return status;
}

/** @name trees/<commit>.json
 * @{ */

static pa_status read_kept(pa_hub_tree *tree, const char *text, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    json_t *root = NULL;
    const char *path = NULL;
    json_t *item = NULL;
    PA_TRY(pa_json_read(text, length, &root, err));
    json_object_foreach(json_object_get(root, "files"), path, item)
    {
        const char *sha256 = json_string_value(json_object_get(item, "lfs_sha256"));
        PA_TRY(add(tree, path, json_string_value(json_object_get(item, "blob_id")), sha256,
                   json_object_get(item, sha256 != NULL ? "lfs_size" : "size"), err));
    }

cleanup:
    json_decref(root);
    return status;
}

static pa_status keep(const pa_hub_repo *repo, const pa_hub_tree *tree, const char *path, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text text = {.mem = &repo->hub->ctx->mem};
    PA_TRY(pa_text_append(&text, "{\"format_version\": 1, \"files\": {", err));
    for (int64_t i = 0; i < tree->count; i++) {
        const pa_hub_file *file = &tree->files[i];
        const int large = strlen(file->etag) == 64;
        /* Names have no control characters and no backslash: the quotation mark alone must be escaped. */
        PA_TRY(pa_text_append(&text, i > 0 ? ",\n\"" : "\n\"", err));
        for (const char *c = file->path; *c != '\0'; c++) {
            PA_TRY(pa_text_append(&text, *c == '"' ? "\\" : "", err));
            PA_TRY(pa_text_append_bytes(&text, c, 1, err));
        }
        PA_TRY(
            pa_text_printf(&text, err, "\": {\"size\": %lld, \"blob_id\": \"%s\"", (long long)file->size, file->oid));
        PA_TRY(large ? pa_text_printf(&text, err, ", \"lfs_sha256\": \"%s\", \"lfs_size\": %lld}", file->etag,
                                      (long long)file->size)
                     : pa_text_append(&text, "}", err));
    }
    PA_TRY(pa_text_append(&text, "}}\n", err));
    PA_TRY(pa_cache_write(repo->hub, path, text.data, text.length, err));

cleanup:
    pa_text_free(&text);
    return status;
}
/** @} */

static pa_status ask(pa_hub_repo *repo, pa_hub_tree *tree, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &repo->hub->ctx->mem;
    pa_text url = {.mem = mem};
    pa_text text = {.mem = mem};
    char next[PA_HTTP_URL];
    pa_http_answer *answer = pa_alloc_raw(mem, 1, sizeof(*answer));
    PA_REQUIRE_MEMORY(answer, err, "an answer");
    PA_TRY(pa_text_printf(&url, err, "%s/api/models/%s/tree/%s?recursive=true&expand=false", repo->hub->endpoint,
                          repo->repo_id, tree->commit));
    for (int page = 0; url.length > 0; page++) {
        PA_REQUIRE(page < MAX_PAGES, err, PA_ERR_LIMIT, "%s: more than %d pages of files", repo->repo_id, MAX_PAGES);
        PA_TRY(pa_http_get_text(repo->hub, url.data, repo->repo_id, "the list of files", &text, answer, err));
        PA_TRY(pa_hub_tree_read(tree, text.data != NULL ? text.data : "", text.length, err));
        next[0] = '\0';
        if (answer->next[0] != '\0') {
            PA_TRY(pa_http_resolve(repo->hub, url.data, answer->next, next, err));
            PA_REQUIRE(pa_http_is_endpoint(repo->hub, next), err, PA_ERR_NETWORK,
                       "%s: the next page of files is said to be on another server", repo->repo_id);
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

static pa_status make(pa_hub_repo *repo, const char *commit, pa_hub_tree **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &repo->hub->ctx->mem;
    pa_text path = {.mem = mem};
    pa_text text = {.mem = mem};
    pa_hub_tree *tree = pa_alloc(mem, 1, sizeof(*tree));
    PA_REQUIRE_MEMORY(tree, err, "the files of a commit");
    tree->arena.mem = mem;
    memcpy(tree->commit, commit, PA_COMMIT);
    PA_TRY(pa_text_printf(&path, err, "%s/trees/%s.json", repo->folder, commit));
    status = pa_cache_read(repo->hub, path.data, &text, err);
    if (status == PA_OK) {
        PA_TRY(read_kept(tree, text.data != NULL ? text.data : "", text.length, err));
    } else if (status == PA_ERR_NOT_FOUND && repo->hub->offline) {
        tree->unknown = 1;
        status = PA_OK;
    } else if (status == PA_ERR_NOT_FOUND) {
        PA_TRY(ask(repo, tree, err));
        PA_TRY(keep(repo, tree, path.data, err));
    }
    PA_TRY(status);
    *out = tree;
    tree = NULL;

cleanup:
    pa_hub_tree_destroy(mem, tree);
    pa_text_free(&path);
    pa_text_free(&text);
    return status;
}

pa_status pa_hub_tree_get(pa_hub_repo *repo, const char *commit, pa_hub_tree **out, pa_error *err)
{
    pa_status status = PA_OK;
    (void)pthread_mutex_lock(&repo->lock);
    pa_hub_tree *tree = repo->trees;
    while (tree != NULL && strcmp(tree->commit, commit) != 0) {
        tree = tree->next;
    }
    if (tree == NULL) {
        status = make(repo, commit, &tree, err);
        if (status == PA_OK) {
            tree->next = repo->trees;
            repo->trees = tree;
        }
    }
    (void)pthread_mutex_unlock(&repo->lock);
    *out = tree;
    return status;
}

pa_hub_file *pa_hub_tree_find(const pa_hub_tree *tree, const char *path)
{
    for (int64_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->files[i].path, path) == 0) {
            return &tree->files[i];
        }
    }
    return NULL;
}

void pa_hub_tree_destroy(const pa_allocator *mem, pa_hub_tree *tree)
{
    if (tree != NULL) {
        pa_free(mem, tree->files);
        pa_arena_free(&tree->arena);
        pa_free(mem, tree);
    }
}
