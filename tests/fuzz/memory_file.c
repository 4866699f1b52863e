/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are bytes in memory, behind the library's own code for files: the linker hands its system calls over
 * (--wrap), so that a try costs none. What is no such file goes to the system.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* open64() and the like, to which large files are mapped */
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { MAX_FILES = 8, FIRST_FD = 1 << 24 /* no system gives so many */ };

static struct {
    const char *path;
    const uint8_t *data;
    size_t n;
} files[MAX_FILES];

static int count;

static int find(const char *path)
{
    int i = 0;
    while (i < count && strcmp(files[i].path, path) != 0) {
        i++;
    }
    return i;
}

const char *fuzz_memory_file(const char *path, const uint8_t *data, size_t n)
{
    const int i = find(path);
    fuzz_require(i < MAX_FILES, "there are few files in memory");
    count = i < count ? count : i + 1;
    files[i].path = path;
    files[i].data = data;
    files[i].n = n;
    return path;
}

static int is_ours(int fd)
{
    return fd >= FIRST_FD && fd < FIRST_FD + count;
}

static void describe(int fd, struct stat *info)
{
    memset(info, 0, sizeof(*info));
    info->st_mode = S_IFREG;
    info->st_size = (off_t)files[fd - FIRST_FD].n;
}

static ssize_t copy(int fd, void *to, size_t n, off_t offset)
{
    const size_t size = files[fd - FIRST_FD].n;
    const size_t at = offset >= 0 && (size_t)offset < size ? (size_t)offset : size;
    const size_t taken = n < size - at ? n : size - at;
    if (taken > 0) {
        memcpy(to, files[fd - FIRST_FD].data + at, taken);
    }
    return (ssize_t)taken;
}

/* Each call under the two names that it has, the second where offsets have 64 bits. */
#define WRAP(suffix)                                                                                                   \
    int __real_open##suffix(const char *path, int flags, ...);                                                         \
    int __wrap_open##suffix(const char *path, int flags, ...);                                                         \
    int __wrap_open##suffix(const char *path, int flags, ...)                                                          \
    {                                                                                                                  \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;                                         \
        va_end(rest);                                                                                                  \
        const int i = find(path);                                                                                      \
        return i < count ? FIRST_FD + i : __real_open##suffix(path, flags, mode);                                      \
    }                                                                                                                  \
    int __real_fstat##suffix(int fd, struct stat *info);                                                               \
    int __wrap_fstat##suffix(int fd, struct stat *info);                                                               \
    int __wrap_fstat##suffix(int fd, struct stat *info)                                                                \
    {                                                                                                                  \
        if (!is_ours(fd)) {                                                                                            \
            return __real_fstat##suffix(fd, info);                                                                     \
        }                                                                                                              \
        describe(fd, info);                                                                                            \
        return 0;                                                                                                      \
    }                                                                                                                  \
    ssize_t __real_pread##suffix(int fd, void *to, size_t n, off_t offset);                                            \
    ssize_t __wrap_pread##suffix(int fd, void *to, size_t n, off_t offset);                                            \
    ssize_t __wrap_pread##suffix(int fd, void *to, size_t n, off_t offset)                                             \
    {                                                                                                                  \
        return is_ours(fd) ? copy(fd, to, n, offset) : __real_pread##suffix(fd, to, n, offset);                        \
    }                                                                                                                  \
    int __real_posix_fadvise##suffix(int fd, off_t offset, off_t n, int advice);                                       \
    int __wrap_posix_fadvise##suffix(int fd, off_t offset, off_t n, int advice);                                       \
    int __wrap_posix_fadvise##suffix(int fd, off_t offset, off_t n, int advice)                                        \
    {                                                                                                                  \
        return is_ours(fd) ? 0 : __real_posix_fadvise##suffix(fd, offset, n, advice);                                  \
    }

WRAP()
WRAP(64)

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    return is_ours(fd) ? 0 : __real_close(fd);
}
