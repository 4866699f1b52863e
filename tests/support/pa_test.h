/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What all tests share: cmocka, comparison of doubles, an allocator that fails on demand. */
#ifndef PA_TEST_H
#define PA_TEST_H
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <picoanalyze/picoanalyze.h>

/** cmocka's own assert_float_equal() casts to float and lets NaN pass: never use it. */
#define assert_close(actual, expected, rtol)                                                                           \
    do {                                                                                                               \
        const double a_ = (actual), e_ = (expected);                                                                   \
        if (!(fabs(a_ - e_) <= (rtol)*fmax(1.0, fabs(e_)))) { /* false for NaN: fails */                               \
            fail_msg("%s = %.17g, expected %.17g", #actual, a_, e_);                                                   \
        }                                                                                                              \
    } while (0)

/** A call that must succeed, and leave no text of a failure that it has dealt with. Needs a local `pa_error err`. */
#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        err.message[0] = '\0';                                                                                         \
        const pa_status s_ = (call);                                                                                   \
        if (s_ != PA_OK || err.message[0] != '\0') {                                                                   \
            fail_msg("%s: %s: %s", #call, pa_status_name(s_), err.message);                                            \
        }                                                                                                              \
    } while (0)

/** A call that must fail with that status and a text that contains `part`. Needs a local `pa_error err`. */
#define assert_fails(call, code, part)                                                                                 \
    do {                                                                                                               \
        memset(&err, 0, sizeof(err));                                                                                  \
        const pa_status s_ = (call);                                                                                   \
        if (s_ != (code)) {                                                                                            \
            fail_msg("%s: %s (%s), expected %s", #call, pa_status_name(s_), err.message, pa_status_name(code));        \
        }                                                                                                              \
        if (strstr(err.message, (part)) == NULL) {                                                                     \
            fail_msg("%s: text '%s' does not contain '%s'", #call, err.message, (part));                               \
        }                                                                                                              \
    } while (0)

/** A heap that counts and fails: allocation number `fail_at` (from 0), and all later ones when `forever`. */
typedef struct pa_test_heap {
    pthread_mutex_t lock;
    int64_t fail_at; /**< Negative: never. */
    int forever;
    int64_t calls;
    int64_t live;
    int64_t failed;
} pa_test_heap;

#define PA_TEST_HEAP(at, ever)                                                                                         \
    {                                                                                                                  \
        .lock = PTHREAD_MUTEX_INITIALIZER, .fail_at = (at), .forever = (ever)                                          \
    }

static inline void *pa_test_heap_alloc(void *user, size_t bytes)
{
    pa_test_heap *heap = user;
    pthread_mutex_lock(&heap->lock);
    const int64_t call = heap->calls++;
    const int fails = heap->fail_at >= 0 && (call == heap->fail_at || (heap->forever && call > heap->fail_at));
    heap->failed += fails;
    heap->live += !fails;
    pthread_mutex_unlock(&heap->lock);
    void *memory = fails ? NULL : malloc(bytes);
    if (!fails && memory == NULL) {
        abort();
    }
    return memory;
}

static inline void pa_test_heap_free(void *user, void *memory)
{
    pa_test_heap *heap = user;
    pthread_mutex_lock(&heap->lock);
    heap->live--;
    pthread_mutex_unlock(&heap->lock);
    free(memory);
}

/**
 * Fail allocation 0, then 1, ... once and then for ever, until `body` succeeds: it must never leak, must return
 * PA_ERR_NOMEM when an allocation failed, and must not hide a failure. `body` makes and destroys all it needs.
 */
static inline void pa_test_oom_sweep(pa_status (*body)(const pa_allocator *mem, void *user), void *user)
{
    for (int forever = 0; forever < 2; forever++) {
        int64_t n = 0;
        for (;; n++) {
            pa_test_heap heap = PA_TEST_HEAP(n, forever);
            const pa_allocator mem = {pa_test_heap_alloc, pa_test_heap_free, &heap};
            const pa_status status = body(&mem, user);
            if (heap.live != 0) {
                fail_msg("allocation %lld: %lld blocks leaked", (long long)n, (long long)heap.live);
            }
            if (status == PA_OK) {
                if (heap.failed != 0) {
                    fail_msg("allocation %lld failed and nobody told", (long long)n);
                }
                break;
            }
            if (status != PA_ERR_NOMEM) {
                fail_msg("allocation %lld: %s", (long long)n, pa_status_name(status));
            }
            if (n > 200000) {
                fail_msg("no success after %lld allocations", (long long)n);
            }
        }
        assert_true(n > 0);
    }
}
#endif
