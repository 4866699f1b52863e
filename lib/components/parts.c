/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The named matrices that a component has built. */
#include "base/alloc.h"
#include "components/component_impl.h"

pa_status pa_parts_create(const pa_allocator *mem, pa_parts **out, pa_error *err)
{
    *out = pa_alloc(mem, 1, sizeof(**out));
    if (*out == NULL) {
        return pa_fail_nomem(err, "a component");
    }
    (*out)->mem = *mem;
    (*out)->keys.arena.mem = &(*out)->mem;
    return PA_OK;
}

void pa_parts_destroy(pa_parts *parts)
{
    if (parts != NULL) {
        const pa_allocator mem = parts->mem;
        for (int64_t i = 0; i < parts->count; i++) {
            pa_matrix_destroy(parts->items[i].matrix);
            pa_matrix_destroy(parts->items[i].second);
        }
        pa_index_free(&parts->keys);
        pa_free(&mem, parts->items);
        pa_free(&mem, parts);
    }
}

pa_status pa_parts_add(pa_parts *parts, const char *key, int64_t head, const pa_matrix *matrix, const pa_matrix *second,
                       pa_error *err)
{
    pa_status status = PA_OK;
    int64_t number = 0;
    PA_GROW(&parts->mem, parts->items, parts->capacity, parts->count + 1, err, "a component");
    PA_TRY(pa_index_add(&parts->keys, key, &number, err));
    PA_REQUIRE(number == parts->count, err, PA_ERR_EXISTS, "'%s' was emitted twice", key);
    pa_part *part = &parts->items[number];
    part->key = parts->keys.texts[number];
    part->head = head;
    part->matrix = pa_matrix_retain(matrix);
    part->second = second != NULL ? pa_matrix_retain(second) : NULL;
    parts->count++;

cleanup:
    return status;
}

int64_t pa_parts_count(const pa_parts *parts)
{
    return parts->count;
}

static const pa_part *part_at(const pa_parts *parts, int64_t index)
{
    return index >= 0 && index < parts->count ? &parts->items[index] : NULL;
}

const char *pa_parts_key(const pa_parts *parts, int64_t index)
{
    const pa_part *part = part_at(parts, index);
    return part != NULL ? part->key : NULL;
}

int64_t pa_parts_head(const pa_parts *parts, int64_t index)
{
    const pa_part *part = part_at(parts, index);
    return part != NULL ? part->head : -1;
}

const pa_matrix *pa_parts_matrix(const pa_parts *parts, int64_t index)
{
    const pa_part *part = part_at(parts, index);
    return part != NULL ? part->matrix : NULL;
}

const pa_matrix *pa_parts_second(const pa_parts *parts, int64_t index)
{
    const pa_part *part = part_at(parts, index);
    return part != NULL ? part->second : NULL;
}
