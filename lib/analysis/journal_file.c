/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/system.h"

/* Two analyses that append to one file would destroy it. The lock ends with the process, however that ends. */
static pa_status lock(int fd, const char *path, pa_error *err)
{
    struct flock whole;
    memset(&whole, 0, sizeof(whole));
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    int done = -1;
    do {
        done = fcntl(fd, F_SETLK, &whole);
    } while (done != 0 && errno == EINTR);
    if (done == 0 || (errno != EACCES && errno != EAGAIN)) {
        return PA_OK; /* or a file system without locks */
    }
    return pa_fail(err, PA_ERR_IO, "%s: is in use by another process", path);
}

pa_status pa_journal_open_file(const char *path, int create, int *fd, int64_t *size, pa_error *err)
{
    pa_status status = PA_OK;
    struct stat info;
    const int opened = pa_open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | (create ? O_CREAT : 0));
    *fd = -1;
    if (opened < 0 && !create && (errno == ENOENT || errno == ENOTDIR)) {
        goto cleanup;
    }
    if (opened < 0 || fstat(opened, &info) != 0) {
        PA_TRY(pa_fail_errno(err, path, "open"));
    }
    PA_REQUIRE(S_ISREG(info.st_mode), err, PA_ERR_IO, "%s: is not a regular file", path);
    PA_TRY(lock(opened, path, err));
    *fd = opened;
    *size = (int64_t)info.st_size;

cleanup:
    if (opened >= 0 && *fd < 0) {
        (void)close(opened);
    }
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
            return pa_fail_errno(err, path, "read");
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
            return pa_fail_errno(err, path, "write");
        }
        done += (int64_t)put;
    }
    return PA_OK;
}
