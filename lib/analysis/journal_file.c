/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

static pa_status fail_errno(pa_error *err, const char *path, const char *action)
{
    const int code = errno;
    char reason[128];
    if (strerror_r(code, reason, sizeof(reason)) != 0) {
        reason[0] = '\0';
    }
    return pa_fail(err, PA_ERR_IO, "%s: %s: %s (error %d)", path, action, reason, code);
}

/* Two analyses that append to one file would destroy it. The lock ends with the process, however that ends. */
static pa_status lock(int fd, const char *path, pa_error *err)
{
    struct flock whole;
    memset(&whole, 0, sizeof(whole));
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (fcntl(fd, F_SETLK, &whole) == 0 || (errno != EACCES && errno != EAGAIN)) {
        return PA_OK; /* or a file system without locks */
    }
    return pa_fail(err, PA_ERR_IO, "%s: is in use by another process", path);
}

pa_status pa_journal_open_file(const char *path, int create, int *fd, int64_t *size, pa_error *err)
{
    pa_status status = PA_OK;
    struct stat info;
    int opened = -1;
    do {
        opened = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (create ? O_CREAT : 0), 0666);
    } while (opened < 0 && errno == EINTR);
    *fd = -1;
    if (opened < 0 && !create && (errno == ENOENT || errno == ENOTDIR)) {
        goto cleanup;
    }
    if (opened < 0 || fstat(opened, &info) != 0) {
        PA_TRY(fail_errno(err, path, "open"));
    }
    PA_REQUIRE(S_ISREG(info.st_mode), err, PA_ERR_IO, "%s: is not a regular file", path);
    PA_TRY(lock(opened, path, err));
    *fd = opened;
    *size = (int64_t)info.st_size;
    opened = -1;

cleanup:
    if (opened >= 0) {
        (void)close(opened);
    }
    return status;
}

pa_status pa_journal_make_parents(const pa_allocator *mem, const char *path, pa_error *err)
{
    pa_status status = PA_OK;
    struct stat info;
    char *parent = pa_strdup(mem, path);
    PA_REQUIRE_MEMORY(parent, err, "a directory name");
    for (char *slash = strchr(parent + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(parent, 0777) != 0 && (stat(parent, &info) != 0 || !S_ISDIR(info.st_mode))) {
            PA_TRY(fail_errno(err, parent, "make directory"));
        }
        *slash = '/';
    }

cleanup:
    pa_free(mem, parent);
    return status;
}

pa_status pa_journal_read_at(int fd, const char *path, int64_t offset, char *bytes, int64_t n, pa_error *err)
{
    int64_t done = 0;
    while (done < n) {
        const int64_t left = n - done < (1 << 30) ? n - done : (1 << 30);
        const ssize_t got = pread(fd, bytes + done, (size_t)left, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno(err, path, "read");
        }
        if (got == 0) {
            return pa_fail(err, PA_ERR_IO, "%s: became shorter while it was read", path);
        }
        done += (int64_t)got;
    }
    return PA_OK;
}

pa_status pa_journal_write_at(int fd, const char *path, int64_t offset, const char *bytes, int64_t n, pa_error *err)
{
    int64_t done = 0;
    while (done < n) {
        const int64_t left = n - done < (1 << 30) ? n - done : (1 << 30);
        const ssize_t put = pwrite(fd, bytes + done, (size_t)left, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return fail_errno(err, path, "write");
        }
        done += (int64_t)put;
    }
    return PA_OK;
}

pa_status pa_journal_cut(int fd, const char *path, int64_t size, pa_error *err)
{
    return ftruncate(fd, (off_t)size) == 0 ? PA_OK : fail_errno(err, path, "cut");
}

/* Some file systems cannot flush a directory; the file's contents are what matters. */
static void flush_directory(const char *path)
{
    char directory[4096] = ".";
    const char *slash = strrchr(path, '/');
    const size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= sizeof(directory)) {
        return;
    }
    if (length > 0) {
        memcpy(directory, path, length);
        directory[length] = '\0';
    }
    const int fd = open(directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

pa_status pa_journal_flush(int fd, const char *path, pa_error *err)
{
    if (fsync(fd) != 0) {
        return fail_errno(err, path, "flush");
    }
    flush_directory(path);
    return PA_OK;
}
