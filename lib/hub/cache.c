/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* flock, which huggingface_hub's locks are: fcntl's would not see them */
#endif
#include "hub/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/system.h"

enum { MAX_SMALL_FILE = 64 << 20, MAX_NAME_ATTEMPTS = 1000 };

pa_status pa_cache_folder(const pa_hub *hub, const char *repo_id, pa_text *out, pa_error *err)
{
    const char *slash = strchr(repo_id, '/');
    const int owner = slash != NULL ? (int)(slash - repo_id) : 0;
    return pa_text_printf(out, err, "%s/models--%.*s%s%s", hub->cache, owner, repo_id, owner > 0 ? "--" : "",
                          slash != NULL ? slash + 1 : repo_id);
}

pa_status pa_cache_read(const pa_hub *hub, const char *path, pa_text *out, pa_error *err)
{
    int64_t length = 0;
    char *text = NULL;
    pa_status status = pa_file_read_text(&hub->ctx->mem, path, MAX_SMALL_FILE, &text, &length, err);
    if (status == PA_OK) {
        out->length = 0;
        status = pa_text_append_bytes(out, text, length, err);
    }
    pa_free(&hub->ctx->mem, text);
    return status;
}

pa_status pa_cache_write(const pa_hub *hub, const char *path, const char *text, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    pa_output *output = NULL;
    PA_TRY(pa_output_create(&hub->ctx->mem, &output, err));
    PA_TRY(pa_output_write(output, path, text, length, err));
    PA_TRY(pa_output_commit(output, err));

cleanup:
    pa_output_destroy(output);
    return status;
}

int pa_cache_has(const char *folder, const char *pointer)
{
    struct stat info;
    char resolved[PATH_MAX];
    char root[PATH_MAX];
    if (lstat(pointer, &info) != 0) {
        return 0;
    }
    if (S_ISREG(info.st_mode)) { /* where links are impossible */
        return 1;
    }
    if (!S_ISLNK(info.st_mode) || realpath(folder, root) == NULL || realpath(pointer, resolved) == NULL) {
        return 0;
    }
    const size_t length = strlen(root);
    return strncmp(resolved, root, length) == 0 && strncmp(resolved + length, "/blobs/", 7) == 0 &&
           strchr(resolved + length + 7, '/') == NULL;
}

pa_status pa_cache_link(const pa_hub *hub, const char *folder, const char *pointer, const char *path, const char *etag,
                        pa_error *err)
{
    pa_status status = PA_OK;
    pa_text target = {.mem = &hub->ctx->mem};
    pa_text beside = {.mem = &hub->ctx->mem};
    PA_TRY(pa_text_append(&target, "../../", err));
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        PA_TRY(pa_text_append(&target, "../", err));
    }
    PA_TRY(pa_text_printf(&target, err, "blobs/%s", etag));
    PA_TRY(pa_make_parents(&hub->ctx->mem, pointer, err));
    for (int number = 0, made = 0; !made; number++) { /* another thread may make the same */
        beside.length = 0;
        PA_TRY(pa_text_printf(&beside, err, "%s.%lld-%d.part", pointer, (long long)getpid(), number));
        made = symlink(target.data, beside.data) == 0;
        if (!made && (errno != EEXIST || number == MAX_NAME_ATTEMPTS)) {
            PA_TRY(pa_fail_errno(err, beside.data, "make link"));
        }
    }
    if (rename(beside.data, pointer) != 0) {
        status = pa_fail_errno(err, pointer, "make link");
        (void)unlink(beside.data);
        goto cleanup;
    }
    PA_REQUIRE(pa_cache_has(folder, pointer), err, PA_ERR_IO, "%s: does not lead to its blob", pointer);

cleanup:
    pa_text_free(&target);
    pa_text_free(&beside);
    return status;
}

pa_status pa_cache_lock(pa_hub *hub, const char *folder, const char *etag, int *fd, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text path = {.mem = &hub->ctx->mem};
    *fd = -1;
    PA_TRY(pa_text_printf(&path, err, "%s/.locks/%s/%s.lock", hub->cache, strrchr(folder, '/') + 1, etag));
    PA_TRY(pa_make_parents(&hub->ctx->mem, path.data, err));
    *fd = pa_open(path.data, O_RDWR | O_CREAT);
    if (*fd < 0) {
        PA_TRY(pa_fail_errno(err, path.data, "open"));
    }
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == ENOTSUP || errno == ENOSYS || errno == ENOLCK) { /* some network file systems: best effort */
            break;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            PA_TRY(pa_fail_errno(err, path.data, "lock"));
        }
        PA_TRY(pa_hub_wait(hub, 0.1, err));
    }

cleanup:
    if (status != PA_OK && *fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
    pa_text_free(&path);
    return status;
}
