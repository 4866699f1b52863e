/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What opening a file takes, counted: no more memory than 16 MiB and four times its header. */
#ifndef PA_TEST_COUNTED_H
#define PA_TEST_COUNTED_H
#include "pa_test_archive.h"

enum { PA_TEST_BLOCK = 16, PA_TEST_FIXED = 16 << 20, PA_TEST_FACTOR = 4 };

/** What is allocated now, and the most that was, with what malloc adds to each block. */
static int64_t pa_test_now;
static int64_t pa_test_peak;

static inline void *pa_test_count_alloc(size_t bytes)
{
    const int64_t size = (int64_t)bytes;
    unsigned char *block = malloc(PA_TEST_BLOCK + bytes);
    if (block == NULL) {
        return NULL;
    }
    memcpy(block, &size, sizeof(size));
    pa_test_now += PA_TEST_BLOCK + size;
    pa_test_peak = pa_test_now > pa_test_peak ? pa_test_now : pa_test_peak;
    return block + PA_TEST_BLOCK;
}

static inline void pa_test_count_free(void *memory)
{
    int64_t size = 0;
    if (memory != NULL) {
        unsigned char *block = (unsigned char *)memory - PA_TEST_BLOCK;
        memcpy(&size, block, sizeof(size));
        pa_test_now -= PA_TEST_BLOCK + size;
        free(block);
    }
}

static void *pa_test_counted_alloc(void *user, size_t bytes)
{
    (void)user;
    return pa_test_count_alloc(bytes);
}

static void pa_test_counted_free(void *user, void *memory)
{
    (void)user;
    pa_test_count_free(memory);
}

static const pa_allocator pa_test_counted = {pa_test_counted_alloc, pa_test_counted_free, NULL};

/** Opens a file with a context of this allocator; fails when it takes too much for so many bytes of header. */
static inline pa_status pa_test_open_within(pa_context *ctx, const char *path, int64_t header, pa_checkpoint **out,
                                            pa_error *err)
{
    const int64_t before = pa_test_now;
    const int64_t most = PA_TEST_FIXED + PA_TEST_FACTOR * header;
    pa_test_peak = before;
    const pa_status status = pa_checkpoint_open(ctx, path, out, err);
    if (pa_test_peak - before > most) {
        fail_msg("%lld bytes of header took %lld, more than %lld", (long long)header,
                 (long long)(pa_test_peak - before), (long long)most);
    }
    return status;
}
#endif
