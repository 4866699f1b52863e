/* SPDX-License-Identifier: Apache-2.0 */
/* One file of a commit, into the cache: resumed, checked, and only then under its name. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/system.h"
#include "hub/cache.h"
#include "hub/digest.h"
#include "hub/http.h"
#include "hub/names.h"
#include "hub/repo.h"

/* A blob that is being fetched. */
typedef struct fetching {
    pa_hub *hub;
    const char *path; /**< Of the incomplete file. */
    int fd;
    int64_t told; /**< Bytes in the progress. */
} fetching;

pa_status pa_hub_pointer(const pa_hub_repo *repo, const char *commit, const char *path, char **out, pa_error *err)
{
    pa_text text = {.mem = &repo->hub->ctx->mem};
    const pa_status status = pa_text_printf(&text, err, "%s/snapshots/%s/%s", repo->folder, commit, path);
    *out = status == PA_OK ? text.data : NULL;
    return status;
}

void pa_hub_announce(pa_hub *hub, pa_hub_file *file)
{
    (void)pthread_mutex_lock(&hub->lock);
    hub->state.files += !file->announced;
    hub->state.bytes += file->announced ? 0 : file->size;
    file->announced = 1;
    (void)pthread_mutex_unlock(&hub->lock);
}

void pa_hub_withdraw(pa_hub *hub, pa_hub_tree *tree)
{
    (void)pthread_mutex_lock(&hub->lock);
    for (int64_t i = 0; i < tree->count; i++) {
        pa_hub_file *file = &tree->files[i];
        hub->state.files -= file->announced;
        hub->state.bytes -= file->announced ? file->size : 0;
        file->announced = 0;
    }
    (void)pthread_mutex_unlock(&hub->lock);
}

/* It is here; `bytes` of it are not in the progress, because somebody else has fetched them. */
static void settle(pa_hub *hub, pa_hub_file *file, int64_t bytes)
{
    (void)pthread_mutex_lock(&hub->lock);
    hub->state.files_done += file->announced;
    hub->state.bytes_done += file->announced ? bytes : 0;
    file->announced = 0;
    (void)pthread_mutex_unlock(&hub->lock);
    (void)pa_hub_tick(hub, 0);
}

static pa_status tell(fetching *f, int64_t bytes, pa_error *err)
{
    f->told += bytes;
    return pa_hub_tick(f->hub, bytes) ? PA_OK : pa_hub_fail_cancelled(err);
}

static pa_status write_more(void *user, const char *bytes, size_t n, pa_error *err)
{
    fetching *f = user;
    const pa_status status = pa_write_all(f->fd, f->path, bytes, (int64_t)n, err);
    return status == PA_OK ? tell(f, (int64_t)n, err) : status;
}

static pa_status start_again(void *user, pa_error *err)
{
    fetching *f = user;
    pa_status status = PA_OK;
    PA_TRY(pa_cut(f->fd, f->path, 0, err));
    if (lseek(f->fd, 0, SEEK_SET) != 0) {
        PA_TRY(pa_fail_errno(err, f->path, "seek"));
    }
    PA_TRY(tell(f, -f->told, err));

cleanup:
    return status;
}

static pa_status transfer(pa_hub_repo *repo, const char *commit, const pa_hub_file *file, fetching *f, int64_t have,
                          pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &repo->hub->ctx->mem;
    pa_text url = {.mem = mem};
    pa_http_sink sink = {.user = f,
                         .have = have,
                         .expected = file->size,
                         .limit = file->size,
                         .write = write_more,
                         .restart = start_again};
    pa_http_answer *answer = pa_alloc_raw(mem, 1, sizeof(*answer));
    PA_REQUIRE_MEMORY(answer, err, "an answer");
    PA_TRY(pa_text_printf(&url, err, "%s/%s/resolve/%s/", repo->hub->endpoint, repo->repo_id, commit));
    PA_TRY(pa_hub_encode(&url, file->path, "/", err));
    PA_TRY(pa_http_get(repo->hub, url.data, repo->repo_id, file->path, &sink, answer, err));
    PA_TRY(pa_flush(f->fd, f->path, err));

cleanup:
    pa_free(mem, answer);
    pa_text_free(&url);
    return status;
}

/* What an earlier attempt left is taken as it is; the digest tells whether it was good. */
static pa_status fill(pa_hub_repo *repo, const char *commit, const pa_hub_file *file, const char *path, int *resumed,
                      pa_error *err)
{
    pa_status status = PA_OK;
    struct stat info;
    fetching f = {.hub = repo->hub, .path = path};
    f.fd = pa_open(path, O_RDWR | O_CREAT | O_NOFOLLOW);
    if (f.fd < 0 || fstat(f.fd, &info) != 0) {
        PA_TRY(pa_fail_errno(err, path, "open"));
    }
    if ((int64_t)info.st_size > file->size) {
        PA_TRY(start_again(&f, err));
        info.st_size = 0;
    }
    *resumed = info.st_size > 0;
    if (lseek(f.fd, 0, SEEK_END) < 0) {
        PA_TRY(pa_fail_errno(err, path, "seek"));
    }
    PA_TRY(tell(&f, (int64_t)info.st_size, err));
    if ((int64_t)info.st_size < file->size) {
        PA_TRY(transfer(repo, commit, file, &f, (int64_t)info.st_size, err));
    }
    status = pa_hub_check_digest(&repo->hub->ctx->mem, path, file->etag, err);
    if (status == PA_ERR_FORMAT) {
        (void)unlink(path);
        pa_error_prefix(err, file->path);
    }

cleanup:
    if (status != PA_OK) {
        (void)tell(&f, -f.told, NULL);
    }
    if (f.fd >= 0) {
        (void)close(f.fd);
    }
    return status;
}

static pa_status make_blob(pa_hub_repo *repo, const char *commit, pa_hub_file *file, const char *blob, pa_error *err)
{
    pa_status status = PA_OK;
    int resumed = 0;
    pa_text incomplete = {.mem = &repo->hub->ctx->mem};
    pa_hub_announce(repo->hub, file);
    PA_TRY(pa_text_printf(&incomplete, err, "%s.incomplete", blob));
    PA_TRY(pa_make_parents(&repo->hub->ctx->mem, blob, err));
    status = fill(repo, commit, file, incomplete.data, &resumed, err);
    if (status == PA_ERR_FORMAT && resumed) { /* what was left there was bad */
        pa_error_clear(err);
        status = fill(repo, commit, file, incomplete.data, &resumed, err);
    }
    PA_TRY(status);
    if (rename(incomplete.data, blob) != 0) {
        PA_TRY(pa_fail_errno(err, blob, "rename into place"));
    }
    settle(repo->hub, file, 0);

cleanup:
    pa_text_free(&incomplete);
    return status;
}

static pa_status have_blob(pa_hub_repo *repo, const char *commit, pa_hub_file *file, pa_error *err)
{
    pa_status status = PA_OK;
    int lock = -1;
    pa_text blob = {.mem = &repo->hub->ctx->mem};
    PA_TRY(pa_text_printf(&blob, err, "%s/blobs/%s", repo->folder, file->etag));
    if (access(blob.data, F_OK) != 0) {
        PA_TRY(pa_cache_lock(repo->hub, repo->folder, file->etag, &lock, err));
    }
    if (lock >= 0 && access(blob.data, F_OK) != 0) { /* nobody has fetched it meanwhile */
        PA_TRY(make_blob(repo, commit, file, blob.data, err));
    }
    settle(repo->hub, file, file->size);

cleanup:
    if (lock >= 0) {
        (void)close(lock);
    }
    pa_text_free(&blob);
    return status;
}

pa_status pa_hub_download(pa_hub_repo *repo, const char *commit, const char *name, char **path, pa_error *err)
{
    pa_status status = PA_OK;
    char *pointer = NULL;
    pa_hub_tree *tree = NULL;
    pa_hub_enter(repo->hub);
    PA_TRY(pa_hub_pointer(repo, commit, name, &pointer, err));
    if (!pa_cache_has(repo->folder, pointer)) {
        PA_REQUIRE(!repo->hub->offline, err, PA_ERR_NOT_FOUND,
                   "%s: offline, and %s of commit %s is not in the cache %s", repo->repo_id, name, commit,
                   repo->hub->cache);
        PA_TRY(pa_hub_tree_get(repo, commit, &tree, err));
        pa_hub_file *file = pa_hub_tree_find(tree, name);
        PA_REQUIRE(file != NULL, err, PA_ERR_NOT_FOUND, "%s: commit %s has no %s", repo->repo_id, commit, name);
        PA_TRY(have_blob(repo, commit, file, err));
        PA_TRY(pa_cache_link(repo->hub, repo->folder, pointer, name, file->etag, err));
    }
    if (path != NULL) {
        *path = pointer;
        pointer = NULL;
    }

cleanup:
    pa_hub_leave(repo->hub);
    pa_free(&repo->hub->ctx->mem, pointer);
    return status;
}
