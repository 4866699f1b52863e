/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: call number PA_FAULT_AT (from 1) of those whose name matches the pattern PA_FAULT_CALL and whose path
 * matches PA_FAULT_PATH fails with errno PA_FAULT_ERRNO. 0 transfers half of what was asked for instead; a negative
 * number does that and lets the next call fail with the positive one. KILLED is no errno: the process is killed before
 * the call. With PA_FAULT_EVER, all calls from that one on do; of EINTR and halves every other one, so that there is an
 * end. The path is left behind in the file PA_FAULT_FIRED.
 */
#undef _FILE_OFFSET_BITS /* else pread() would be defined under the name of pread64() */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { AS_ALWAYS = -1, KILLED = 1000 };

static atomic_long calls;

static void leave_behind(const char *path)
{
    /* Not open() and write(), which are below. */
    const long fd = syscall(SYS_openat, AT_FDCWD, getenv("PA_FAULT_FIRED"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd >= 0) {
        (void)syscall(SYS_write, fd, path, strlen(path));
        (void)syscall(SYS_close, fd);
    }
}

/* What the call fails with, 0 for half of the bytes. */
static int fault(const char *call, const char *path)
{
    const char *wanted = getenv("PA_FAULT_CALL");
    const char *pattern = getenv("PA_FAULT_PATH");
    if (wanted == NULL || pattern == NULL || fnmatch(wanted, call, 0) != 0 || fnmatch(pattern, path, 0) != 0) {
        return AS_ALWAYS;
    }
    const long behind = atomic_fetch_add(&calls, 1) + 1 - atol(getenv("PA_FAULT_AT"));
    const int code = atoi(getenv("PA_FAULT_ERRNO"));
    const int ever = getenv("PA_FAULT_EVER") != NULL;
    if (behind < 0 || (behind > (code < 0) && !ever) || (ever && (code == 0 || code == EINTR) && behind % 2 != 0)) {
        return AS_ALWAYS;
    }
    leave_behind(path);
    if (code == KILLED || (code == -KILLED && behind > 0)) {
        (void)kill(getpid(), SIGKILL);
    }
    return code < 0 ? (behind == 0 ? 0 : -code) : code;
}

static int fault_of_file(const char *call, int fd)
{
    char link[64];
    char path[PATH_MAX];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t n = fd > 2 ? readlink(link, path, sizeof(path) - 1) : -1;
    if (n < 0) {
        return AS_ALWAYS;
    }
    path[n] = '\0';
    return fault(call, path);
}

#define REAL(result, name, params) result(*real) params = (result(*) params)(size_t)dlsym(RTLD_NEXT, #name)

/* `failed` when there is to be a fault, else what the real one gives. */
#define CALL(result, name, params, args, failed, code_of)                                                              \
    result name params;                                                                                                \
    result name params                                                                                                 \
    {                                                                                                                  \
        REAL(result, name, params);                                                                                    \
        const int code = code_of;                                                                                      \
        if (code > 0) {                                                                                                \
            errno = code;                                                                                              \
            return failed;                                                                                             \
        }                                                                                                              \
        return real args;                                                                                              \
    }
#define READ_PARAMS (int fd, void *to, size_t n, off_t at)
#define WRITE_PARAMS (int fd, const void *from, size_t n, off_t at)

#define TRANSFER(name, call, params, args, half)                                                                       \
    ssize_t name params;                                                                                               \
    ssize_t name params                                                                                                \
    {                                                                                                                  \
        REAL(ssize_t, name, params);                                                                                   \
        const int code = fault_of_file(call, fd);                                                                      \
        if (code > 0) {                                                                                                \
            errno = code;                                                                                              \
            return -1;                                                                                                 \
        }                                                                                                              \
        return code == 0 && n > 1 ? real half : real args;                                                             \
    }
TRANSFER(pread, "pread", READ_PARAMS, (fd, to, n, at), (fd, to, n / 2, at))
TRANSFER(pread64, "pread", READ_PARAMS, (fd, to, n, at), (fd, to, n / 2, at))
TRANSFER(pwrite, "pwrite", WRITE_PARAMS, (fd, from, n, at), (fd, from, n / 2, at))
TRANSFER(pwrite64, "pwrite", WRITE_PARAMS, (fd, from, n, at), (fd, from, n / 2, at))
TRANSFER(write, "write", (int fd, const void *from, size_t n), (fd, from, n), (fd, from, n / 2))

CALL(int, stat, (const char *path, struct stat *info), (path, info), -1, fault("stat", path))
CALL(int, stat64, (const char *path, struct stat64 *info), (path, info), -1, fault("stat", path))
CALL(int, fstat, (int fd, struct stat *info), (fd, info), -1, fault_of_file("fstat", fd))
CALL(int, fstat64, (int fd, struct stat64 *info), (fd, info), -1, fault_of_file("fstat", fd))
CALL(int, access, (const char *path, int mode), (path, mode), -1, fault("access", path))
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), -1, fault("mkdir", path))
CALL(int, unlink, (const char *path), (path), -1, fault("unlink", path))
CALL(int, rename, (const char *from, const char *to), (from, to), -1, fault("rename", to))
/* The disk is not waited for: the machine will not stop. */
int fsync(int fd)
{
    const int code = fault_of_file("fsync", fd);
    errno = code > 0 ? code : errno;
    return code > 0 ? -1 : 0;
}

CALL(int, ftruncate, (int fd, off_t n), (fd, n), -1, fault_of_file("ftruncate", fd))
CALL(int, ftruncate64, (int fd, off64_t n), (fd, n), -1, fault_of_file("ftruncate", fd))
CALL(DIR *, opendir, (const char *path), (path), NULL, fault("opendir", path))
CALL(struct dirent *, readdir, (DIR * dir), (dir), NULL, fault_of_file("readdir", dirfd(dir)))
CALL(struct dirent64 *, readdir64, (DIR * dir), (dir), NULL, fault_of_file("readdir", dirfd(dir)))

/* The file is closed all the same, as it is by Linux. */
int close(int fd)
{
    REAL(int, close, (int));
    const int code = fault_of_file("close", fd);
    const int result = real(fd);
    if (code > 0) {
        errno = code;
        return -1;
    }
    return result;
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        REAL(int, name, (const char *, int, ...));                                                                     \
        va_list args;                                                                                                  \
        va_start(args, flags);                                                                                         \
        const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;                                         \
        va_end(args);                                                                                                  \
        const int code = fault("open", path);                                                                          \
        if (code > 0) {                                                                                                \
            errno = code;                                                                                              \
            return -1;                                                                                                 \
        }                                                                                                              \
        return real(path, flags, mode);                                                                                \
    }
OPEN(open)
OPEN(open64)

/* Of locks only. */
#define FCNTL(name)                                                                                                    \
    int name(int fd, int command, ...)                                                                                 \
    {                                                                                                                  \
        REAL(int, name, (int, int, ...));                                                                              \
        va_list args;                                                                                                  \
        va_start(args, command);                                                                                       \
        void *arg = va_arg(args, void *);                                                                              \
        va_end(args);                                                                                                  \
        const int code = command == F_SETLK ? fault_of_file("lock", fd) : AS_ALWAYS;                                   \
        if (code > 0) {                                                                                                \
            errno = code;                                                                                              \
            return -1;                                                                                                 \
        }                                                                                                              \
        return real(fd, command, arg);                                                                                 \
    }
FCNTL(fcntl)
FCNTL(fcntl64)
