/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create() */
#endif
#include "fuzz.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

enum { MAX_LIVE_BYTES = 256 << 20, MAX_ELEMENTS = 1 << 16 };

/* One thread: the contexts of the targets have no others. */
static struct {
    size_t bytes;
    int64_t live;
    int64_t calls;
    int64_t fail_at; /* -1: never */
    int64_t failed;
} heap = {.fail_at = -1};

static void *heap_alloc(void *user, size_t bytes)
{
    (void)user;
    if (heap.calls++ == heap.fail_at) {
        heap.failed++;
        return NULL;
    }
    void *memory = bytes <= MAX_LIVE_BYTES - heap.bytes ? malloc(bytes) : NULL;
    if (memory != NULL) {
        heap.bytes += malloc_usable_size(memory);
        heap.bytes = heap.bytes < MAX_LIVE_BYTES ? heap.bytes : MAX_LIVE_BYTES;
        heap.live++;
    }
    return memory;
}

static void heap_free(void *user, void *memory)
{
    (void)user;
    const size_t bytes = malloc_usable_size(memory);
    heap.bytes -= bytes < heap.bytes ? bytes : heap.bytes;
    heap.live--;
    free(memory);
}

const pa_allocator *fuzz_memory(void)
{
    static const pa_allocator memory = {heap_alloc, heap_free, NULL};
    return &memory;
}

void fuzz_require(int holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

static void check(pa_status status, const pa_error *err)
{
    fuzz_require(status <= PA_OK && strcmp(pa_status_name(status), "PA_ERR_UNKNOWN") != 0, "the status is a known one");
    if (status != PA_OK) {
        if (err->status != status) {
            (void)fprintf(stderr, "%s: %s: %s\n", pa_status_name(status), pa_status_name(err->status), err->message);
        }
        fuzz_require(err->status == status, "the error has the status that was returned");
        fuzz_require(memchr(err->message, '\0', sizeof(err->message)) != NULL, "the text ends");
        fuzz_require(err->message[0] != '\0', "a failure has a text");
        fuzz_require(strchr(err->message, '\n') == NULL, "the text is one line");
    }
}

static pa_status run_once(fuzz_body body, pa_context *ctx, const uint8_t *data, size_t n, int64_t fail_at)
{
    pa_error err;
    const int64_t live = heap.live;
    memset(&err, 0, sizeof(err));
    heap.calls = heap.failed = 0;
    heap.fail_at = fail_at;
    const pa_status status = body(ctx, data, n, &err);
    heap.fail_at = -1;
    check(status, &err);
    fuzz_require(heap.live == live, "all memory is given back");
    return status;
}

void fuzz_run(fuzz_body body, const uint8_t *data, size_t n)
{
    static pa_context *ctx;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = fuzz_memory(), .threads = 1};
    if (ctx == NULL) {
        fuzz_require(pa_context_create(&options, &ctx, NULL) == PA_OK, "there is a context");
    }
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ data[i]) * 16777619U;
    }
    (void)run_once(body, ctx, data, n, -1);
    if (hash % 8 == 0 && heap.calls > 0) {
        const pa_status status = run_once(body, ctx, data, n, hash / 8 % heap.calls);
        fuzz_require(heap.failed == 0 || status == PA_ERR_NOMEM, "memory that ran out is told of");
    }
}

const char *fuzz_file(const uint8_t *data, size_t n)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("input", 0);
        fuzz_require(fd >= 0, "there is a file in memory");
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    fuzz_require(ftruncate(fd, (off_t)n) == 0 && pwrite(fd, data, n, 0) == (ssize_t)n, "the file is written");
    return path;
}

const char *fuzz_data_path(const char *name)
{
    static char path[4096];
    const char *data = getenv("PA_TEST_DATA");
    const int n = snprintf(path, sizeof(path), "%s/%s", data != NULL ? data : "tests/data", name);
    fuzz_require(n > 0 && (size_t)n < sizeof(path), "the path is short enough");
    return path;
}

pa_status fuzz_read_tensors(const pa_archive *archive, pa_error *err)
{
    pa_status status = PA_OK;
    double *values = NULL;
    int64_t left = MAX_ELEMENTS;
    for (int64_t i = 0; i < archive->count; i++) {
        const pa_tensor *t = &archive->entries[i].tensor;
        int64_t nonfinite = 0;
        fuzz_require(archive->entries[i].name != NULL, "a tensor has a name");
        fuzz_require(pa_tensor_check(t, NULL) == PA_OK, "a tensor lies in its storage");
        const int64_t count = pa_tensor_count(t);
        if (count > left) {
            continue; /* e.g. one element repeated 2^60 times: legal, and nothing that a file can cause to be read */
        }
        left -= count;
        PA_REQUIRE_MEMORY(values = pa_alloc_raw(fuzz_memory(), count, sizeof(*values)), err, "values");
        PA_TRY(pa_tensor_read(t, fuzz_memory(), values, &nonfinite, err));
        fuzz_require(nonfinite >= 0 && nonfinite <= count, "no more are not finite than there are");
        pa_free(fuzz_memory(), values);
        values = NULL;
    }

cleanup:
    pa_free(fuzz_memory(), values);
    return status;
}

pa_status fuzz_archive(pa_context *ctx, const uint8_t *data, size_t n, pa_error *err)
{
    pa_archive *archive = NULL;
    const char *path = fuzz_memory_file("input", data, n);
    err->message[0] = '\0'; /* what the caller has tried before */
    pa_status status = pa_archive_open(ctx, path, &archive, err);
    fuzz_require((archive != NULL) == (status == PA_OK), "there is an archive when and only when it was opened");
    if (status == PA_OK) {
        fuzz_require(err->message[0] == '\0', "a success has no text of a failure");
        status = fuzz_read_tensors(archive, err);
    } else {
        fuzz_require(status == PA_ERR_NOMEM || strncmp(err->message, path, strlen(path)) == 0, "errors name the file");
    }
    pa_archive_destroy(archive);
    return status;
}
