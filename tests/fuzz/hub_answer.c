/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a server of the Hub: the first byte says to which question, the rest is what came. */
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/text.h"
#include "fuzz.h"
#include "hub/http.h"
#include "hub/names.h"
#include "hub/repo.h"

static char endpoint[] = "https://huggingface.co";

static pa_status read_commit(const char *text, int64_t n, pa_error *err)
{
    char commit[PA_COMMIT] = "";
    const pa_status status = pa_hub_commit_read(text, n, commit, err);
    fuzz_require(pa_hub_is_hex(commit, PA_COMMIT - 1) == (status == PA_OK), "a commit is 40 digits");
    return status;
}

/** @name Commits
 * @{ */

static void check_steps(const pa_hub_steps *steps)
{
    for (int64_t i = 0; i < steps->count; i++) {
        int known = 0;
        fuzz_require(steps->items[i].step >= 0, "a step is a number");
        fuzz_require(i == 0 || steps->items[i - 1].step < steps->items[i].step, "steps ascend");
        for (int part = 0; part < PA_HUB_N_PARTS; part++) {
            const char *commit = steps->items[i].commits[part];
            fuzz_require(commit[0] == '\0' || pa_hub_is_hex(commit, PA_COMMIT - 1), "a commit is 40 digits");
            known += commit[0] != '\0';
        }
        fuzz_require(known > 0, "a step has a commit");
    }
}

static pa_status read_steps(pa_context *ctx, const char *text, int64_t n, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text kept = {.mem = &ctx->mem};
    pa_hub_steps steps = {.mem = &ctx->mem};
    pa_hub_steps again = {.mem = &ctx->mem};
    PA_TRY(pa_hub_steps_read(&steps, text, n, err));
    PA_TRY(pa_hub_steps_end(&steps, err));
    check_steps(&steps);
    PA_TRY(pa_hub_steps_write(&steps, &kept, err));
    status = pa_hub_steps_read(&again, kept.data, kept.length, err);
    fuzz_require(status == PA_OK || status == PA_ERR_NOMEM, "what was kept can be read");
    PA_TRY(status);
    PA_TRY(pa_hub_steps_end(&again, err));
    fuzz_require(steps.count == again.count, "all steps are kept");
    for (int64_t i = 0; i < steps.count; i++) {
        fuzz_require(memcmp(&steps.items[i], &again.items[i], sizeof(steps.items[i])) == 0, "steps are kept");
    }

cleanup:
    pa_hub_steps_free(&steps);
    pa_hub_steps_free(&again);
    pa_text_free(&kept);
    return status;
}
/** @} */

/** @name Files
 * @{ */

static void check_tree(const pa_hub_tree *tree)
{
    for (int64_t i = 0; i < tree->count; i++) {
        const pa_hub_file *file = &tree->files[i];
        fuzz_require(pa_hub_is_inside(file->path), "a file is inside of the repository");
        fuzz_require(pa_hub_is_hex(file->etag, 64) || pa_hub_is_hex(file->etag, 40), "a file has a digest");
        fuzz_require(file->size >= 0, "a file has a size");
        fuzz_require(pa_hub_tree_find(tree, file->path) == file, "a file is found");
    }
    fuzz_require(pa_hub_tree_find(tree, "../x") == NULL, "others are not found");
}

static void compare_trees(const pa_hub_tree *a, const pa_hub_tree *b)
{
    fuzz_require(a->count == b->count, "all files are kept");
    for (int64_t i = 0; i < a->count; i++) {
        const pa_hub_file *x = &a->files[i];
        const pa_hub_file *y = pa_hub_tree_find(b, x->path);
        fuzz_require(y != NULL && strcmp(x->etag, y->etag) == 0 && strcmp(x->oid, y->oid) == 0 && x->size == y->size,
                     "a file is kept");
    }
}

static pa_status new_tree(pa_context *ctx, pa_hub_tree **out, pa_error *err)
{
    *out = pa_alloc(&ctx->mem, 1, sizeof(**out));
    if (*out == NULL) {
        return pa_fail_nomem(err, "a tree");
    }
    (*out)->arena.mem = &ctx->mem;
    return PA_OK;
}

typedef pa_status (*read_fn)(pa_hub_tree *tree, const char *text, int64_t n, pa_error *err);

static pa_status read_tree(pa_context *ctx, read_fn read, const char *text, int64_t n, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text kept = {.mem = &ctx->mem};
    pa_hub_tree *tree = NULL;
    pa_hub_tree *again = NULL;
    PA_TRY(new_tree(ctx, &tree, err));
    PA_TRY(new_tree(ctx, &again, err));
    PA_TRY(read(tree, text, n, err));
    PA_TRY(pa_hub_tree_end(tree, err));
    check_tree(tree);
    PA_TRY(pa_hub_tree_write(tree, &kept, err));
    status = pa_hub_tree_read_kept(again, kept.data, kept.length, err);
    fuzz_require(status == PA_OK || status == PA_ERR_NOMEM, "what was kept can be read");
    PA_TRY(status);
    PA_TRY(pa_hub_tree_end(again, err));
    compare_trees(tree, again);

cleanup:
    pa_hub_tree_destroy(tree);
    pa_hub_tree_destroy(again);
    pa_text_free(&kept);
    return status;
}
/** @} */

/** @name Header lines
 * @{ */

static int ends(const char *text, size_t room)
{
    return memchr(text, '\0', room) != NULL;
}

/* The code as two bytes, then lines. */
static pa_status read_headers(const char *text, size_t n, pa_error *err)
{
    pa_hub hub = {.endpoint = endpoint};
    pa_http_answer answer = {.range_start = -1, .retry_after = -1.0};
    answer.code = n < 2 ? 404 : 200 + ((unsigned char)text[0] + 256 * (unsigned char)text[1]) % 400;
    for (size_t at = n < 2 ? n : 2; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        const size_t length = end != NULL ? (size_t)(end - text) + 1 - at : n - at;
        pa_http_answer_read(&answer, text + at, length);
        at += length;
    }
    fuzz_require(ends(answer.error_code, sizeof(answer.error_code)) &&
                     ends(answer.error_message, sizeof(answer.error_message)) &&
                     ends(answer.location, sizeof(answer.location)) && ends(answer.next, sizeof(answer.next)),
                 "texts end");
    fuzz_require(answer.range_start >= -1 && (answer.retry_after == -1.0 || answer.retry_after >= 0.0),
                 "numbers are not negative");
    const pa_status status = pa_hub_refusal(&hub, &answer, "pico-lm/demo", "training_config.yaml", err);
    fuzz_require(status == PA_ERR_NETWORK || status == PA_ERR_DENIED || status == PA_ERR_NOT_FOUND, "a refusal is one");
    return status;
}

/* Only what begins like the endpoint is told the token. */
static pa_status resolve(const char *text, size_t n, pa_error *err)
{
    static pa_hub hub = {.endpoint = endpoint};
    char location[1024];
    char url[PA_HTTP_URL];
    if (hub.curl.library == NULL) {
        fuzz_require(pa_curl_open(&hub.curl, NULL) == PA_OK, "there is a libcurl");
    }
    if (n >= sizeof(location)) {
        return PA_OK;
    }
    memcpy(location, text, n);
    location[n] = '\0';
    const pa_status status = pa_http_resolve(&hub, "https://huggingface.co/api/models/x/tree/y", location, url, err);
    if (status == PA_OK) {
        fuzz_require(strncmp(url, "https://", 8) == 0, "a redirect does not weaken the connection");
        const char *authority = url + 8;
        const size_t length = strcspn(authority, "/?#");
        const char *host = authority;
        for (size_t i = 0; i < length; i++) {
            host = authority[i] == '@' ? authority + i + 1 : host;
        }
        const size_t rest = length - (size_t)(host - authority);
        const int ours = (rest == 14 && strncasecmp(host, "huggingface.co", 14) == 0) ||
                         (rest == 18 && strncasecmp(host, "huggingface.co:443", 18) == 0);
        fuzz_require(ours || !pa_http_is_endpoint(&hub, url), "the token goes to the endpoint alone");
    }
    return status;
}
/** @} */

static pa_status body(pa_context *ctx, const uint8_t *data, size_t n, pa_error *err)
{
    const char *text = (const char *)data + 1;
    if (n == 0) {
        return PA_OK;
    }
    switch (data[0] % 6) {
    case 0:
        return read_commit(text, (int64_t)n - 1, err);
    case 1:
        return read_steps(ctx, text, (int64_t)n - 1, err);
    case 2:
        return read_tree(ctx, pa_hub_tree_read, text, (int64_t)n - 1, err);
    case 3:
        return read_tree(ctx, pa_hub_tree_read_kept, text, (int64_t)n - 1, err);
    case 4:
        return read_headers(text, n - 1, err);
    default:
        return resolve(text, n - 1, err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_run(body, data, n);
    return 0;
}
