/* SPDX-License-Identifier: Apache-2.0 */
/* From a revision to a commit, and from titles of commits to steps. */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "hub/cache.h"
#include "hub/http.h"
#include "hub/names.h"
#include "hub/repo.h"

enum { MAX_PAGES = 1000, COMMIT_DIGITS = PA_COMMIT - 1 };

/* As pico-train writes them. */
static const char *const titles[PA_HUB_N_PARTS] = {"Saving Learning Dynamics Data (train) -- Step ",
                                                   "Saving Learning Dynamics Data (val) -- Step ",
                                                   "Saving HF Model -- Step "};

/** @name Revision
 * @{ */

static pa_status ask_commit(pa_hub_repo *repo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &repo->hub->ctx->mem;
    pa_text url = {.mem = mem};
    pa_text text = {.mem = mem};
    json_t *root = NULL;
    pa_http_answer *answer = pa_alloc_raw(mem, 1, sizeof(*answer));
    PA_REQUIRE_MEMORY(answer, err, "an answer");
    PA_TRY(pa_text_printf(&url, err, "%s/api/models/%s/revision/", repo->hub->endpoint, repo->repo_id));
    PA_TRY(pa_hub_encode(&url, repo->revision, "", err));
    PA_TRY(pa_http_get_text(repo->hub, url.data, repo->repo_id, repo->revision, &text, answer, err));
    PA_TRY(pa_json_read(text.data != NULL ? text.data : "", text.length, &root, err));
    const char *sha = json_string_value(json_object_get(root, "sha"));
    PA_REQUIRE(pa_hub_is_hex(sha, COMMIT_DIGITS), err, PA_ERR_FORMAT, "%s: the server gives no commit of '%s'",
               repo->repo_id, repo->revision);
    memcpy(repo->commit, sha, PA_COMMIT);

cleanup:
    json_decref(root);
    pa_free(mem, answer);
    pa_text_free(&url);
    pa_text_free(&text);
    return status;
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
        PA_TRY(ask_commit(repo, err));
        PA_TRY(pa_cache_write(repo->hub, path.data, repo->commit, COMMIT_DIGITS, err));
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

/* The step that follows; -1 when none does. */
static int64_t parse_step(const char *text)
{
    int64_t step = 0;
    if (*text < '0' || *text > '9') {
        return -1;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        if (step > (INT64_MAX - 9) / 10) {
            return -1;
        }
        step = 10 * step + (*text - '0');
    }
    return step;
}

static pa_status add(pa_hub_steps *steps, int64_t number, int part, const char *commit, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t i = steps->count - 1; /* the commits of a step are near each other */
    while (i >= 0 && steps->items[i].step != number) {
        i--;
    }
    if (i < 0) {
        pa_hub_step *grown =
            pa_array_grow(steps->mem, steps->items, &steps->capacity, steps->count + 1, sizeof(*grown));
        PA_REQUIRE_MEMORY(grown, err, "the steps of a run");
        steps->items = grown;
        i = steps->count++;
        grown[i] = (pa_hub_step){.step = number};
    }
    memcpy(steps->items[i].commits[part], commit, PA_COMMIT);

cleanup:
    return status;
}

pa_status pa_hub_steps_read(pa_hub_steps *steps, const char *text, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    json_t *root = NULL;
    size_t i = 0;
    json_t *item = NULL;
    PA_TRY(pa_json_read_array(text, length, &root, err));
    json_array_foreach(root, i, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));
        const char *title = json_string_value(json_object_get(item, "title"));
        PA_REQUIRE(pa_hub_is_hex(id, COMMIT_DIGITS) && title != NULL, err, PA_ERR_FORMAT,
                   "commit number %zu has no id or no title", i);
        for (int part = 0; part < PA_HUB_N_PARTS; part++) {
            const char *found = strstr(title, titles[part]);
            const int64_t step = found != NULL ? parse_step(found + strlen(titles[part])) : -1;
            if (step >= 0) {
                PA_TRY(add(steps, step, part, id, err));
            }
        }
    }

cleanup:
    json_decref(root);
    return status;
}

void pa_hub_steps_sort(pa_hub_steps *steps)
{
    for (int64_t i = 1; i < steps->count; i++) { /* they come nearly in reverse */
        const pa_hub_step moved = steps->items[i];
        int64_t at = i;
        for (; at > 0 && steps->items[at - 1].step > moved.step; at--) {
            steps->items[at] = steps->items[at - 1];
        }
        steps->items[at] = moved;
    }
}

void pa_hub_steps_free(pa_hub_steps *steps)
{
    pa_free(steps->mem, steps->items);
}

/* What is kept of the listing, in the form it came in. */
static pa_status keep(const pa_hub_repo *repo, const char *path, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text text = {.mem = &repo->hub->ctx->mem};
    PA_TRY(pa_text_append(&text, "[", err));
    for (int64_t i = repo->steps.count - 1; i >= 0; i--) {
        const pa_hub_step *step = &repo->steps.items[i];
        for (int part = PA_HUB_N_PARTS - 1; part >= 0; part--) {
            if (step->commits[part][0] != '\0') {
                PA_TRY(pa_text_printf(&text, err, "%s\n{\"id\": \"%s\", \"title\": \"%s%lld\"}",
                                      text.length > 1 ? "," : "", step->commits[part], titles[part],
                                      (long long)step->step));
            }
        }
    }
    PA_TRY(pa_text_append(&text, "\n]\n", err));
    PA_TRY(pa_cache_write(repo->hub, path, text.data, text.length, err));

cleanup:
    pa_text_free(&text);
    return status;
}

static pa_status ask_steps(pa_hub_repo *repo, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &repo->hub->ctx->mem;
    pa_text url = {.mem = mem};
    pa_text text = {.mem = mem};
    char next[PA_HTTP_URL];
    pa_http_answer *answer = pa_alloc_raw(mem, 1, sizeof(*answer));
    PA_REQUIRE_MEMORY(answer, err, "an answer");
    PA_TRY(pa_text_printf(&url, err, "%s/api/models/%s/commits/%s?limit=100", repo->hub->endpoint, repo->repo_id,
                          repo->commit));
    for (int page = 0; url.length > 0; page++) {
        PA_REQUIRE(page < MAX_PAGES, err, PA_ERR_LIMIT, "%s: more than %d pages of commits", repo->repo_id, MAX_PAGES);
        PA_TRY(pa_http_get_text(repo->hub, url.data, repo->repo_id, "the list of commits", &text, answer, err));
        PA_TRY(pa_hub_steps_read(&repo->steps, text.data != NULL ? text.data : "", text.length, err));
        next[0] = '\0';
        if (answer->next[0] != '\0') {
            PA_TRY(pa_http_resolve(repo->hub, url.data, answer->next, next, err));
            PA_REQUIRE(pa_http_is_endpoint(repo->hub, next), err, PA_ERR_NETWORK,
                       "%s: the next page of commits is said to be on another server", repo->repo_id);
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

pa_status pa_hub_list_steps(pa_hub_repo *repo, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text path = {.mem = &repo->hub->ctx->mem};
    pa_text text = {.mem = &repo->hub->ctx->mem};
    PA_TRY(pa_text_printf(&path, err, "%s/picoanalyze/steps-%s.json", repo->folder, repo->commit));
    status = pa_cache_read(repo->hub, path.data, &text, err);
    if (status == PA_OK) { /* what leads to a commit does not change */
        PA_TRY(pa_hub_steps_read(&repo->steps, text.data != NULL ? text.data : "", text.length, err));
    } else {
        PA_REQUIRE(status != PA_ERR_NOT_FOUND || !repo->hub->offline, err, PA_ERR_NOT_FOUND,
                   "%s: offline, and the steps of '%s' are not in the cache %s: once, it must be asked for",
                   repo->repo_id, repo->revision, repo->hub->cache);
        PA_TRY(status == PA_ERR_NOT_FOUND ? PA_OK : status);
        PA_TRY(ask_steps(repo, err));
    }
    PA_REQUIRE(
        repo->steps.count > 0, err, PA_ERR_NOT_FOUND,
        "%s: no commit of '%s' is titled as pico-train does, 'Saving Learning Dynamics Data (val) -- Step N'; is "
        "it another branch?",
        repo->repo_id, repo->revision);
    pa_hub_steps_sort(&repo->steps);
    if (!repo->hub->offline) {
        PA_TRY(keep(repo, path.data, err));
    }

cleanup:
    pa_text_free(&path);
    pa_text_free(&text);
    return status;
}
/** @} */
