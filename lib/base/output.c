/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/system.h"

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
    int made = 0;
    char *copy = pa_strdup(&output->mem, path);
    PA_REQUIRE_MEMORY(copy, err, "a directory name");
    PA_GROW(&output->mem, output->directories, output->directories_capacity, output->n_directories + 1, err,
            "the names of directories");
    PA_TRY(pa_make_directory(path, &made, err));
    if (made) {
        output->directories[output->n_directories++] = copy;
        copy = NULL;
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
        *fd = pa_open(name, O_WRONLY | O_CREAT | O_EXCL);
        if (*fd < 0 && (errno != EEXIST || attempt >= MAX_NAME_ATTEMPTS)) {
            PA_TRY(pa_fail_errno(err, name, "create"));
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
    pa_path_kind kind = PA_PATH_NONE;
    PA_TRY(pa_path_look(path, &kind, err));
    PA_REQUIRE(kind != PA_PATH_DIRECTORY, err, PA_ERR_IO, "%s: is a directory", path);
    output->open.path = pa_strdup(&output->mem, path);
    PA_REQUIRE_MEMORY(output->open.path, err, "a file name");
    PA_GROW(&output->mem, output->files, output->capacity, output->count + 1, err, "the names of files");
    PA_TRY(open_temporary(output, path, &output->open.temporary, &output->fd, err));

cleanup:
    if (status != PA_OK) {
        drop_open(output);
    }
    return status;
}

pa_status pa_output_append(pa_output *output, const void *data, int64_t length, pa_error *err)
{
    return pa_write_all(output->fd, output->open.path, data, length, err);
}

pa_status pa_output_end(pa_output *output, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_flush(output->fd, output->open.path, err));
    const int fd = output->fd;
    output->fd = -1;
    PA_TRY(pa_close_written(fd, output->open.path, err));
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

/* Whether both names are in one directory. */
static int are_neighbours(const char *a, const char *b)
{
    const char *slash_a = strrchr(a, '/');
    const char *slash_b = strrchr(b, '/');
    const ptrdiff_t n = slash_a != NULL ? slash_a - a : -1;
    return n == (slash_b != NULL ? slash_b - b : -1) && (n < 0 || memcmp(a, b, (size_t)n) == 0);
}

/* Files come directory by directory, and each directory is flushed once for them. */
static pa_status flush_names(const pa_output *output, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < output->count; i++) {
        if (i == 0 || !are_neighbours(output->files[i].path, output->files[i - 1].path)) {
            PA_TRY(pa_flush_name(&output->mem, output->files[i].path, err));
        }
    }
    for (int64_t i = 0; i < output->n_directories; i++) {
        if (i == 0 || !are_neighbours(output->directories[i], output->directories[i - 1])) {
            PA_TRY(pa_flush_name(&output->mem, output->directories[i], err));
        }
    }

cleanup:
    return status;
}

pa_status pa_output_commit(pa_output *output, pa_error *err)
{
    for (int64_t i = 0; i < output->count; i++) {
        output_file *file = &output->files[i];
        if (file->temporary == NULL) {
            continue;
        }
        if (rename(file->temporary, file->path) != 0) {
            const pa_status status = pa_fail_errno(err, file->path, "rename into place");
            discard(output);
            return status;
        }
        pa_free(&output->mem, file->temporary);
        file->temporary = NULL;
        output->committed = 1;
    }
    return flush_names(output, err);
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
