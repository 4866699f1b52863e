/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief All tensors of a file from the page cache, beside reading the file and doing nothing with it; and what it
 * costs to make numbers of bfloat16.
 *
 *     read FILE...
 *
 * Medians of five, one thread. "tensors" are the elements as stored, with the check sums where the format has them.
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/dtype.h"
#include "checkpoint/checkpoint_impl.h"

enum { REPEATS = 5, BUFFER = 128 << 10 /* as cat has it */ };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *seconds)
{
    qsort(seconds, REPEATS, sizeof(*seconds), compare);
    return seconds[REPEATS / 2];
}

static int64_t read_plain(const char *path)
{
    static char buffer[BUFFER];
    int64_t bytes = 0;
    const int fd = open(path, O_RDONLY);
    for (ssize_t n = 1; n > 0; bytes += n > 0 ? n : 0) {
        n = read(fd, buffer, sizeof(buffer));
    }
    close(fd);
    return bytes;
}

static pa_status count(void *user, const void *bytes, int64_t n, pa_error *err)
{
    (void)bytes;
    (void)err;
    *(int64_t *)user += n;
    return PA_OK;
}

static int64_t read_tensors(pa_context *ctx, const char *path)
{
    pa_error err = {0};
    pa_checkpoint *checkpoint = NULL;
    int64_t bytes = 0;
    pa_status status = pa_checkpoint_open(ctx, path, &checkpoint, &err);
    for (int64_t i = 0; status == PA_OK && i < pa_checkpoint_count(checkpoint); i++) {
        status = pa_tensor_bytes(checkpoint->entries[i].tensor, &ctx->mem, count, &bytes, &err);
    }
    pa_checkpoint_destroy(checkpoint);
    if (status != PA_OK) {
        fprintf(stderr, "read: %s\n", err.message);
        exit(1);
    }
    return bytes;
}

static void measure_file(pa_context *ctx, const char *path)
{
    double plain[REPEATS], tensors[REPEATS];
    int64_t bytes = 0;
    for (int i = 0; i < REPEATS; i++) {
        double start = now();
        (void)read_plain(path);
        plain[i] = now() - start;
        start = now();
        bytes = read_tensors(ctx, path);
        tensors[i] = now() - start;
    }
    const double theirs = median(plain), ours = median(tensors);
    const char *name = strrchr(path, '/');
    printf("  %-22s plain %6.2f GB/s   tensors %6.2f GB/s   = %.2f of plain\n", name != NULL ? name + 1 : path,
           1e-9 * (double)bytes / theirs, 1e-9 * (double)bytes / ours, theirs / ours);
}

/* In pieces that stay in the cache, as the library does it. */
static void measure_widening(void)
{
    enum { PIECE = 16384, TIMES = 20000 };
    static uint16_t from[PIECE];
    static double to[PIECE];
    double seconds[REPEATS];
    int64_t nonfinite = 0;
    for (int i = 0; i < PIECE; i++) {
        from[i] = (uint16_t)(0x3f80 + i % 64);
    }
    for (int i = 0; i < REPEATS; i++) {
        const double start = now();
        for (int k = 0; k < TIMES; k++) {
            nonfinite += pa_dtype_to_f64(PA_BF16, 0, from, 1, PIECE, to);
        }
        seconds[i] = now() - start;
    }
    printf("  bf16 to f64            %6.2f GB/s of doubles, a core%s\n",
           1e-9 * (double)sizeof(to) * TIMES / median(seconds), nonfinite == 0 ? "" : " (not finite?)");
}

int main(int argc, char **argv)
{
    pa_context *ctx = NULL;
    /* As the program does: pages that were touched once are used again. */
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 30);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    if (pa_context_create(NULL, &ctx, NULL) != PA_OK) {
        return 1;
    }
    for (int i = 1; i < argc; i++) {
        measure_file(ctx, argv[i]);
    }
    measure_widening();
    pa_context_destroy(ctx);
    return 0;
}
