/* SPDX-License-Identifier: Apache-2.0 */
/* Texts are sorted by a hash, which is beside the number that it is of; they are looked up only where hashes agree. */
#include "base/repeated.h"

#include <string.h>

#include "base/alloc.h"
#include "base/index.h"
#include "base/sort.h"

enum { NUMBER_BITS = 32, HASH_BITS = 31 };

typedef struct texts {
    pa_text_of_fn text_of;
    const void *items;
} texts;

static int64_t hash_of(int64_t key)
{
    return key >> NUMBER_BITS;
}

static int64_t number_of(int64_t key)
{
    return key & UINT32_MAX;
}

static int compare_texts(const texts *t, int64_t a, int64_t b)
{
    return hash_of(a) == hash_of(b) ? strcmp(t->text_of(t->items, number_of(a)), t->text_of(t->items, number_of(b)))
                                    : (a > b) - (a < b);
}

static int compare(const void *items, int64_t a, int64_t b)
{
    const int order = compare_texts(items, a, b);
    return order != 0 ? order : (a > b) - (a < b);
}

pa_status pa_find_repeated(const pa_allocator *mem, int64_t count, pa_text_of_fn text_of, const void *items,
                           int64_t *out, pa_error *err)
{
    pa_status status = PA_OK;
    const texts t = {text_of, items};
    int64_t *keys = NULL;
    PA_REQUIRE(count <= UINT32_MAX, err, PA_ERR_LIMIT, "%lld names", (long long)count);
    PA_REQUIRE_MEMORY(keys = pa_alloc_raw(mem, count, sizeof(*keys)), err, "names");
    for (int64_t i = 0; i < count; i++) {
        keys[i] = (int64_t)(pa_hash_text(text_of(items, i)) >> (64 - HASH_BITS)) << NUMBER_BITS | i;
    }
    pa_sort_order(keys, count, compare, &t);
    *out = -1;
    for (int64_t i = 1; i < count && *out < 0; i++) {
        *out = compare_texts(&t, keys[i - 1], keys[i]) == 0 ? number_of(keys[i]) : -1;
    }

cleanup:
    pa_free(mem, keys);
    return status;
}
