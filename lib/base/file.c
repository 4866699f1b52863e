/* SPDX-License-Identifier: Apache-2.0 */
/* pread() rather than a map: a file that shrinks while it is mapped ends the process with SIGBUS. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/system.h"

/* Linux transfers at most 2 GiB - 4 KiB a call. */
enum { READ_CHUNK = 1 << 30 };

struct pa_file {
    pa_allocator mem;
    atomic_int references;
    atomic_llong bytes_read;
    int fd;
    int64_t size;
    struct timespec modified;
    char *path;
};

static pa_status fail_open(pa_error *err, const char *path)
{
    return errno == ENOENT || errno == ENOTDIR ? pa_fail(err, PA_ERR_NOT_FOUND, "%s: no such file", path)
                                               : pa_fail_errno(err, path, "open");
}

pa_status pa_file_open(const pa_allocator *mem, const char *path, pa_file **out, pa_error *err)
{
    pa_status status = PA_OK;
    struct stat info;
    *out = NULL;
    pa_file *file = pa_alloc(mem, 1, sizeof(*file));
    PA_REQUIRE_MEMORY(file, err, "a file");
    file->mem = *mem;
    file->fd = -1;
    atomic_init(&file->references, 1);
    atomic_init(&file->bytes_read, 0);
    file->path = pa_strdup(mem, path);
    PA_REQUIRE_MEMORY(file->path, err, "a file name");

    /* Not blocking: opening a pipe would wait for its other end. */
    file->fd = pa_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (file->fd < 0) {
        PA_TRY(fail_open(err, path));
    }
    if (fstat(file->fd, &info) != 0) {
        PA_TRY(pa_fail_errno(err, path, "stat"));
    }
    PA_REQUIRE(!S_ISDIR(info.st_mode), err, PA_ERR_UNSUPPORTED, "%s: is a directory, not a file", path);
    PA_REQUIRE(S_ISREG(info.st_mode), err, PA_ERR_UNSUPPORTED, "%s: is not a regular file", path);
    file->size = (int64_t)info.st_size;
    file->modified = info.st_mtim;
    *out = file;
    file = NULL;

cleanup:
    pa_file_release(file);
    return status;
}

pa_file *pa_file_retain(pa_file *file)
{
    atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    return file;
}

void pa_file_release(pa_file *file)
{
    if (file == NULL || atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    const pa_allocator mem = file->mem;
    pa_free(&mem, file->path);
    pa_free(&mem, file);
}

const char *pa_file_path(const pa_file *file)
{
    return file->path;
}

pa_allocator pa_file_allocator(const pa_file *file)
{
    return file->mem;
}

int64_t pa_file_size(const pa_file *file)
{
    return file->size;
}

int64_t pa_file_bytes_read(const pa_file *file)
{
    return (int64_t)atomic_load_explicit(&file->bytes_read, memory_order_relaxed);
}

void pa_file_error_prefix(const pa_file *file, pa_error *err)
{
    if (err != NULL && strncmp(err->message, file->path, strlen(file->path)) != 0) {
        pa_error_prefix(err, file->path);
    }
}

/*
 * By size and time of modification. Not by the time of change: a rename over the name, and a link beside it, set that
 * too, and do nothing to what is read here. Kernels before Linux 6.13 stamp with their clock's tick (1 to 10 ms), so that
 * of two writes within one tick the second goes unseen by those who open the file in between; so do stores into a
 * mapped page that was dirty already, and network file systems may tell later.
 */
static pa_status check_unchanged(const pa_file *file, pa_error *err)
{
    struct stat info;
    if (fstat(file->fd, &info) != 0) {
        return pa_fail_errno(err, file->path, "stat");
    }
    if ((int64_t)info.st_size != file->size) {
        return pa_fail(err, PA_ERR_IO, "%s: had %lld bytes when it was opened and has %lld now", file->path,
                       (long long)file->size, (long long)info.st_size);
    }
    if (info.st_mtim.tv_sec != file->modified.tv_sec || info.st_mtim.tv_nsec != file->modified.tv_nsec) {
        return pa_fail(err, PA_ERR_IO, "%s: was written to since it was opened", file->path);
    }
    return PA_OK;
}

static pa_status check_range(const pa_file *file, int64_t offset, int64_t bytes, pa_error *err)
{
    if (offset < 0 || bytes < 0 || bytes > file->size || offset > file->size - bytes) {
        return pa_fail(err, PA_ERR_FORMAT, "%s: %lld bytes at %lld are asked for, the file has %lld", file->path,
                       (long long)bytes, (long long)offset, (long long)file->size);
    }
    return PA_OK;
}

static pa_status read_all(pa_file *file, int64_t offset, int64_t bytes, unsigned char *to, pa_error *err)
{
    int64_t done = 0;
    while (done < bytes) {
        const int64_t left = bytes - done;
        const ssize_t got =
            pread(file->fd, to + done, (size_t)(left < READ_CHUNK ? left : READ_CHUNK), (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return pa_fail_errno(err, file->path, "read");
        }
        if (got == 0) {
            return pa_fail(err, PA_ERR_IO, "%s: ends at %lld now, it had %lld bytes when it was opened", file->path,
                           (long long)(offset + done), (long long)file->size);
        }
        done += (int64_t)got;
    }
    atomic_fetch_add_explicit(&file->bytes_read, (long long)bytes, memory_order_relaxed);
    return PA_OK;
}

pa_status pa_file_read(pa_file *file, int64_t offset, int64_t bytes, void *dst, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(check_range(file, offset, bytes, err));
    PA_TRY(read_all(file, offset, bytes, dst, err));
    /* Afterwards, so that a change during the read is seen too. */
    PA_TRY(check_unchanged(file, err));

cleanup:
    return status;
}

pa_status pa_file_pass(pa_file *file, int64_t offset, int64_t bytes, pa_bytes_fn take, void *user, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &file->mem;
    unsigned char *piece = NULL;
    PA_TRY(check_range(file, offset, bytes, err));
    piece = pa_alloc_raw(mem, bytes < PA_PIECE ? bytes : PA_PIECE, 1);
    PA_REQUIRE_MEMORY(piece, err, "a piece of a file");
    for (int64_t done = 0; done < bytes; done += PA_PIECE) {
        const int64_t n = bytes - done < PA_PIECE ? bytes - done : PA_PIECE;
        PA_TRY(read_all(file, offset + done, n, piece, err));
        PA_TRY(take(user, piece, n, err));
    }
    PA_TRY(check_unchanged(file, err));

cleanup:
    pa_free(mem, piece);
    return status;
}

void pa_file_announce(const pa_file *file, int64_t offset, int64_t bytes)
{
    /* Advice: where the system cannot follow it, reading is no worse than without. */
    (void)posix_fadvise(file->fd, (off_t)offset, (off_t)bytes, POSIX_FADV_WILLNEED);
}

pa_status pa_file_read_text(const pa_allocator *mem, const char *path, int64_t limit, char **text, int64_t *length,
                            pa_error *err)
{
    pa_status status = PA_OK;
    pa_file *file = NULL;
    char *data = NULL;
    *text = NULL;
    PA_TRY(pa_file_open(mem, path, &file, err));
    PA_REQUIRE(file->size <= limit, err, PA_ERR_LIMIT, "%s: has %lld bytes, at most %lld are read", path,
               (long long)file->size, (long long)limit);
    data = pa_alloc_raw(mem, file->size + 1, 1);
    PA_REQUIRE_MEMORY(data, err, "a text file");
    PA_TRY(pa_file_read(file, 0, file->size, data, err));
    data[file->size] = '\0';
    *text = data;
    *length = file->size;
    data = NULL;

cleanup:
    pa_free(mem, data);
    pa_file_release(file);
    return status;
}
