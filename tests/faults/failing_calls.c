/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: call number PA_FAULT_AT (from 1) of PA_FAULT_CALL fails with errno PA_FAULT_ERRNO, once; 0 transfers
 * half of what was asked for instead. Leaves the file PA_FAULT_FIRED behind when it did.
 */
#undef _FILE_OFFSET_BITS /* else pread() would be defined under the name of pread64() */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long calls;

/* -1: this call is as always; else what it fails with, 0 for half of the bytes. */
static int fault(const char *call)
{
    const char *wanted = getenv("PA_FAULT_CALL");
    const char *at = getenv("PA_FAULT_AT");
    const char *code = getenv("PA_FAULT_ERRNO");
    const char *fired = getenv("PA_FAULT_FIRED");
    if (wanted == NULL || at == NULL || code == NULL || fired == NULL || strcmp(wanted, call) != 0 ||
        atomic_fetch_add(&calls, 1) + 1 != atol(at)) {
        return -1;
    }
    const int fd = open(fired, O_WRONLY | O_CREAT, 0666);
    if (fd >= 0) {
        (void)close(fd);
    }
    return atoi(code);
}

#define REAL(result, name, params) result(*real) params = (result(*) params)(size_t)dlsym(RTLD_NEXT, #name)
#define TRANSFER(name, call, params, args, half)                                                                       \
    ssize_t name params;                                                                                               \
    ssize_t name params                                                                                                \
    {                                                                                                                  \
        REAL(ssize_t, name, params);                                                                                   \
        const int code = fd > 2 ? fault(call) : -1;                                                                    \
        if (code > 0) {                                                                                                \
            errno = code;                                                                                              \
            return -1;                                                                                                 \
        }                                                                                                              \
        return code == 0 && n > 1 ? real half : real args;                                                             \
    }

TRANSFER(pread, "pread", (int fd, void *to, size_t n, off_t at), (fd, to, n, at), (fd, to, n / 2, at))
TRANSFER(pread64, "pread", (int fd, void *to, size_t n, off_t at), (fd, to, n, at), (fd, to, n / 2, at))
TRANSFER(write, "write", (int fd, const void *from, size_t n), (fd, from, n), (fd, from, n / 2))
TRANSFER(pwrite, "pwrite", (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), (fd, from, n / 2, at))
TRANSFER(pwrite64, "pwrite", (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), (fd, from, n / 2, at))

int fsync(int fd)
{
    REAL(int, fsync, (int));
    const int code = fault("fsync");
    if (code > 0) {
        errno = code;
        return -1;
    }
    return real(fd);
}

int rename(const char *from, const char *to)
{
    REAL(int, rename, (const char *, const char *));
    const int code = fault("rename");
    if (code > 0) {
        errno = code;
        return -1;
    }
    return real(from, to);
}
