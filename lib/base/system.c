/* SPDX-License-Identifier: Apache-2.0 */
#include "base/system.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

/* Linux transfers at most 2 GiB - 4 KiB a call. */
enum { WRITE_CHUNK = 1 << 30 };

pa_status pa_fail_errno(pa_error *err, const char *path, const char *action)
{
    const int code = errno;
    char reason[128];
    if (strerror_r(code, reason, sizeof(reason)) != 0) {
        reason[0] = '\0';
    }
    return pa_fail(err, PA_ERR_IO, "%s: %s: %s (error %d)", path, action, reason, code);
}

pa_status pa_path_look(const char *path, pa_path_kind *out, pa_error *err)
{
    struct stat info;
    *out = PA_PATH_NONE;
    if (stat(path, &info) == 0) {
        *out = S_ISREG(info.st_mode) ? PA_PATH_FILE : S_ISDIR(info.st_mode) ? PA_PATH_DIRECTORY : PA_PATH_OTHER;
        return PA_OK;
    }
    return errno == ENOENT || errno == ENOTDIR ? PA_OK : pa_fail_errno(err, path, "stat");
}

pa_status pa_listing_open(const char *path, DIR **out, pa_error *err)
{
    *out = opendir(path);
    if (*out != NULL) {
        return PA_OK;
    }
    return errno == ENOENT || errno == ENOTDIR ? pa_fail(err, PA_ERR_NOT_FOUND, "%s: no such directory", path)
                                               : pa_fail_errno(err, path, "list");
}

pa_status pa_listing_next(DIR *directory, const char *path, const char **name, pa_error *err)
{
    errno = 0;
    const struct dirent *item = readdir(directory);
    *name = item != NULL ? item->d_name : NULL;
    return item != NULL || errno == 0 ? PA_OK : pa_fail_errno(err, path, "list");
}

pa_status pa_make_directory(const char *path, int *made, pa_error *err)
{
    pa_status status = PA_OK;
    pa_path_kind kind = PA_PATH_NONE;
    *made = mkdir(path, 0777) == 0;
    if (!*made) {
        const int code = errno;
        PA_TRY(pa_path_look(path, &kind, err));
        errno = code;
        PA_TRY(kind == PA_PATH_DIRECTORY ? PA_OK : pa_fail_errno(err, path, "make directory"));
    }

cleanup:
    return status;
}

int pa_open(const char *path, int flags)
{
    int fd = -1;
    do {
        fd = open(path, flags | O_CLOEXEC, 0666);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

pa_status pa_write_all(int fd, const char *path, const void *bytes, int64_t n, pa_error *err)
{
    const char *from = bytes;
    int64_t done = 0;
    while (done < n) {
        const int64_t left = n - done < WRITE_CHUNK ? n - done : WRITE_CHUNK;
        const ssize_t put = write(fd, from + done, (size_t)left);
        if (put < 0 && errno != EINTR) {
            return pa_fail_errno(err, path, "write");
        }
        done += put > 0 ? (int64_t)put : 0;
    }
    return PA_OK;
}

pa_status pa_cut(int fd, const char *path, int64_t size, pa_error *err)
{
    while (ftruncate(fd, (off_t)size) != 0) {
        if (errno != EINTR) {
            return pa_fail_errno(err, path, "cut");
        }
    }
    return PA_OK;
}

pa_status pa_flush(int fd, const char *path, pa_error *err)
{
    while (fsync(fd) != 0 && errno != EINVAL) {
        if (errno != EINTR) {
            return pa_fail_errno(err, path, "flush");
        }
    }
    return PA_OK;
}

/* The directory that the name is in, as text. */
static char *parent_of(const pa_allocator *mem, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = pa_strdup(mem, slash != NULL ? path : ".");
    if (parent != NULL && slash != NULL) {
        parent[slash == path ? 1 : slash - path] = '\0';
    }
    return parent;
}

pa_status pa_flush_name(const pa_allocator *mem, const char *path, pa_error *err)
{
    pa_status status = PA_OK;
    int fd = -1;
    char *parent = parent_of(mem, path);
    PA_REQUIRE_MEMORY(parent, err, "a directory name");
    fd = pa_open(parent, O_RDONLY | O_DIRECTORY);
    if (fd < 0 && errno != EACCES) { /* a directory may be written to and not read */
        PA_TRY(pa_fail_errno(err, parent, "open"));
    }
    if (fd >= 0) {
        status = pa_flush(fd, parent, err);
    }

cleanup:
    if (fd >= 0) {
        (void)close(fd);
    }
    pa_free(mem, parent);
    return status;
}

pa_status pa_make_parents(const pa_allocator *mem, const char *path, pa_error *err)
{
    pa_status status = PA_OK;
    int made = 0;
    char *parent = pa_strdup(mem, path);
    PA_REQUIRE_MEMORY(parent, err, "a directory name");
    for (char *slash = strchr(parent + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        PA_TRY(pa_make_directory(parent, &made, err));
        PA_TRY(made ? pa_flush_name(mem, parent, err) : PA_OK);
        *slash = '/';
    }

cleanup:
    pa_free(mem, parent);
    return status;
}

pa_status pa_close_written(int fd, const char *path, pa_error *err)
{
    /* Linux has closed it even if it says EINTR; another attempt might close a file of another thread. */
    return close(fd) == 0 || errno == EINTR ? PA_OK : pa_fail_errno(err, path, "close");
}
