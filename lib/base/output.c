/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

/* Names that other processes left behind or are using are stepped over, this many times. */
enum { MAX_NAME_ATTEMPTS = 1000 };

typedef struct output_file {
    char *path;
    char *temporary; /**< NULL once renamed. */
} output_file;

struct pa_output {
    pa_allocator mem;
    output_file *files;
    int64_t count;
    int64_t capacity;
    char **directories; /**< Made for this set, parents first. */
    int64_t n_directories;
    int64_t directories_capacity;
    int64_t serial;
    output_file open; /**< Being written; its path is NULL when there is none. */
    int fd;
    int32_t committed;
};

static pa_status fail_errno(pa_error *err, const char *path, const char *action)
{
    const int code = errno;
    char reason[128];
    if (strerror_r(code, reason, sizeof(reason)) != 0) {
        reason[0] = '\0';
    }
    return pa_fail(err, PA_ERR_IO, "%s: %s: %s (error %d)", path, action, reason, code);
}

pa_status pa_output_create(const pa_allocator *mem, pa_output **out, pa_error *err)
{
    *out = pa_alloc(mem, 1, sizeof(**out));
    if (*out == NULL) {
        return pa_fail_nomem(err, "a set of output files");
    }
    (*out)->mem = *mem;
    (*out)->fd = -1;
    return PA_OK;
}

static pa_status make_directory(pa_output *output, const char *path, pa_error *err)
{
    pa_status status = PA_OK;
    struct stat info;
    char *copy = NULL;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        goto cleanup;
    }
    copy = pa_strdup(&output->mem, path);
    PA_REQUIRE_MEMORY(copy, err, "a directory name");
    char **grown = pa_array_grow(&output->mem, output->directories, &output->directories_capacity,
                                 output->n_directories + 1, sizeof(*grown));
    PA_REQUIRE_MEMORY(grown, err, "the names of directories");
    output->directories = grown;
    if (mkdir(path, 0777) == 0) {
        output->directories[output->n_directories++] = copy;
        copy = NULL;
    } else if (errno != EEXIST || stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        PA_TRY(fail_errno(err, path, "make directory"));
    }

cleanup:
    pa_free(&output->mem, copy);
    return status;
}

/* All directories above `path`. */
static pa_status make_parents(pa_output *output, const char *path, pa_error *err)
{
    pa_status status = PA_OK;
    char *parent = pa_strdup(&output->mem, path);
    PA_REQUIRE_MEMORY(parent, err, "a directory name");
    for (char *slash = strchr(parent, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        if (slash == parent || slash[-1] == '/') {
            continue;
        }
        *slash = '\0';
        PA_TRY(make_directory(output, parent, err));
        *slash = '/';
    }

cleanup:
    pa_free(&output->mem, parent);
    return status;
}

/* A name that nobody else has, in the same directory so that rename() can replace in one step. */
static pa_status open_temporary(pa_output *output, const char *path, char **temporary, int *fd, pa_error *err)
{
    pa_status status = PA_OK;
    const size_t room = strlen(path) + 64;
    char *name = pa_alloc_raw(&output->mem, (int64_t)room, 1);
    PA_REQUIRE_MEMORY(name, err, "a file name");
    *fd = -1;
    for (int attempt = 0; *fd < 0; attempt++) {
        (void)snprintf(name, room, "%s.%lld-%lld.part", path, (long long)getpid(), (long long)output->serial++);
        *fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd < 0 && errno != EINTR && (errno != EEXIST || attempt >= MAX_NAME_ATTEMPTS)) {
            PA_TRY(fail_errno(err, name, "create"));
        }
    }
    *temporary = name;
    name = NULL;

cleanup:
    pa_free(&output->mem, name);
    return status;
}

/* The file being written is gone, if there is one. */
static void drop_open(pa_output *output)
{
    if (output->fd >= 0) {
        (void)close(output->fd);
        output->fd = -1;
    }
    if (output->open.temporary != NULL) {
        (void)unlink(output->open.temporary);
    }
    pa_free(&output->mem, output->open.temporary);
    pa_free(&output->mem, output->open.path);
    output->open = (output_file){NULL, NULL};
}

pa_status pa_output_begin(pa_output *output, const char *path, pa_error *err)
{
    pa_status status = PA_OK;
    struct stat info;
    PA_REQUIRE(stat(path, &info) != 0 || !S_ISDIR(info.st_mode), err, PA_ERR_IO, "%s: is a directory", path);
    output->open.path = pa_strdup(&output->mem, path);
    PA_REQUIRE_MEMORY(output->open.path, err, "a file name");
    output_file *grown =
        pa_array_grow(&output->mem, output->files, &output->capacity, output->count + 1, sizeof(*grown));
    PA_REQUIRE_MEMORY(grown, err, "the names of files");
    output->files = grown;
    PA_TRY(open_temporary(output, path, &output->open.temporary, &output->fd, err));

cleanup:
    if (status != PA_OK) {
        drop_open(output);
    }
    return status;
}

pa_status pa_output_append(pa_output *output, const void *data, int64_t length, pa_error *err)
{
    const char *from = data;
    int64_t done = 0;
    while (done < length) {
        const int64_t left = length - done;
        const ssize_t put = write(output->fd, from + done, (size_t)(left < (1 << 30) ? left : (1 << 30)));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return fail_errno(err, output->open.path, "write");
        }
        done += (int64_t)put;
    }
    return PA_OK;
}

pa_status pa_output_end(pa_output *output, pa_error *err)
{
    pa_status status = PA_OK;
    if (fsync(output->fd) != 0 && errno != EINVAL) {
        PA_TRY(fail_errno(err, output->open.path, "flush"));
    }
    const int closed = close(output->fd);
    output->fd = -1;
    if (closed != 0) {
        PA_TRY(fail_errno(err, output->open.path, "close"));
    }
    output->files[output->count++] = output->open;
    output->open = (output_file){NULL, NULL};

cleanup:
    if (status != PA_OK) {
        drop_open(output);
    }
    return status;
}

pa_status pa_output_write(pa_output *output, const char *path, const char *data, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(make_parents(output, path, err));
    PA_TRY(pa_output_begin(output, path, err));
    PA_TRY(pa_output_append(output, data, length, err));
    PA_TRY(pa_output_end(output, err));

cleanup:
    if (status != PA_OK) {
        drop_open(output);
    }
    return status;
}

static void discard(pa_output *output)
{
    for (int64_t i = 0; i < output->count; i++) {
        if (output->files[i].temporary != NULL) {
            (void)unlink(output->files[i].temporary);
            pa_free(&output->mem, output->files[i].temporary);
            output->files[i].temporary = NULL;
        }
    }
}

pa_status pa_output_commit(pa_output *output, pa_error *err)
{
    for (int64_t i = 0; i < output->count; i++) {
        output_file *file = &output->files[i];
        if (file->temporary == NULL) {
            continue;
        }
        if (rename(file->temporary, file->path) != 0) {
            const pa_status status = fail_errno(err, file->path, "rename into place");
            discard(output);
            return status;
        }
        pa_free(&output->mem, file->temporary);
        file->temporary = NULL;
        output->committed = 1;
    }
    return PA_OK;
}

void pa_output_destroy(pa_output *output)
{
    if (output == NULL) {
        return;
    }
    drop_open(output);
    discard(output);
    const pa_allocator mem = output->mem;
    for (int64_t i = 0; i < output->count; i++) {
        pa_free(&mem, output->files[i].path);
    }
    /* Directories made in vain go too; rmdir() leaves alone those that hold something. */
    for (int64_t i = output->n_directories; i-- > 0;) {
        if (!output->committed) {
            (void)rmdir(output->directories[i]);
        }
        pa_free(&mem, output->directories[i]);
    }
    pa_free(&mem, output->directories);
    pa_free(&mem, output->files);
    pa_free(&mem, output);
}
