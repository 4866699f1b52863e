/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: every call that changes what is below the directory PA_RECORD_UNDER, or flushes it, is appended to
 * the file PA_RECORD_TO in the order in which they happen: a line of words with tabs between, of a write the bytes behind
 * it. power_loss.py replays them. Nothing is flushed really: the machine will not stop.
 */
#undef _FILE_OFFSET_BITS /* else pwrite() would be defined under the name of pwrite64() */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Held over a call and its record, so that both have one order. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int is_below(const char *path)
{
    const char *root = getenv("PA_RECORD_UNDER");
    return root != NULL && strncmp(path, root, strlen(root)) == 0;
}

static const char *path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = '\0';
    return path;
}

/* Not open() and write(), which are below. */
static void record(const char *call, const char *path, const char *more, const void *bytes, size_t n)
{
    char line[3 * PATH_MAX];
    const int length = snprintf(line, sizeof(line), "%s\t%s\t%s\t%zu\n", call, path, more, n);
    const long fd = is_below(path) ? syscall(SYS_openat, AT_FDCWD, getenv("PA_RECORD_TO"),
                                             O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)
                                   : -1;
    if (fd >= 0) {
        if (syscall(SYS_write, fd, line, length) != length || syscall(SYS_write, fd, bytes, n) != (long)n) {
            abort(); /* a record with holes would prove nothing */
        }
        (void)syscall(SYS_close, fd);
    }
}

static void record_number(const char *call, int fd, long long number, const void *bytes, size_t n)
{
    char path[PATH_MAX];
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld", number);
    record(call, path_of(fd, path), text, bytes, n);
}

#define REAL(result, name, params) result(*real) params = (result(*) params)(size_t)dlsym(RTLD_NEXT, #name)

/* The call, and what is recorded when it succeeds. */
#define CALL(result, name, params, args, recorded)                                                                     \
    result name params;                                                                                                \
    result name params                                                                                                 \
    {                                                                                                                  \
        REAL(result, name, params);                                                                                    \
        pthread_mutex_lock(&one_at_a_time);                                                                            \
        const result done = real args;                                                                                 \
        if (done >= 0) {                                                                                               \
            recorded;                                                                                                  \
        }                                                                                                              \
        pthread_mutex_unlock(&one_at_a_time);                                                                          \
        return done;                                                                                                   \
    }
#define PWRITE_PARAMS (int fd, const void *from, size_t n, off_t at)
CALL(ssize_t, write, (int fd, const void *from, size_t n), (fd, from, n),
     record_number("write", fd, (long long)lseek(fd, 0, SEEK_CUR) - done, from, (size_t)done))
CALL(ssize_t, pwrite, PWRITE_PARAMS, (fd, from, n, at), record_number("write", fd, at, from, (size_t)done))
CALL(ssize_t, pwrite64, PWRITE_PARAMS, (fd, from, n, at), record_number("write", fd, at, from, (size_t)done))
CALL(int, ftruncate, (int fd, off_t n), (fd, n), record_number("cut", fd, n, "", 0))
CALL(int, ftruncate64, (int fd, off64_t n), (fd, n), record_number("cut", fd, n, "", 0))
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), record("mkdir", path, "", "", 0))
CALL(int, rmdir, (const char *path), (path), record("remove", path, "", "", 0))
CALL(int, unlink, (const char *path), (path), record("remove", path, "", "", 0))
CALL(int, rename, (const char *from, const char *to), (from, to), record("rename", from, to, "", 0))

static int flushed(int fd)
{
    pthread_mutex_lock(&one_at_a_time);
    record_number("flush", fd, 0, "", 0);
    pthread_mutex_unlock(&one_at_a_time);
    return 0;
}

int fsync(int fd)
{
    return flushed(fd);
}

int fdatasync(int fd)
{
    return flushed(fd);
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        REAL(int, name, (const char *, int, ...));                                                                     \
        va_list args;                                                                                                  \
        va_start(args, flags);                                                                                         \
        const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;                                         \
        va_end(args);                                                                                                  \
        pthread_mutex_lock(&one_at_a_time);                                                                            \
        const int existed = access(path, F_OK) == 0;                                                                   \
        const int fd = real(path, flags, mode);                                                                        \
        if (fd >= 0 && !existed) {                                                                                     \
            record("create", path, "", "", 0);                                                                         \
        } else if (fd >= 0 && (flags & O_TRUNC) != 0) {                                                                \
            record("cut", path, "0", "", 0);                                                                           \
        }                                                                                                              \
        pthread_mutex_unlock(&one_at_a_time);                                                                          \
        return fd;                                                                                                     \
    }
OPEN(open)
OPEN(open64)
