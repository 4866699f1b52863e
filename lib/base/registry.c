/* SPDX-License-Identifier: Apache-2.0 */
#include "base/registry.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* Index of the first name that is not before `name`. */
static int64_t lower_bound(const pa_registry *registry, const char *name)
{
    int64_t low = 0;
    int64_t high = registry->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (strcmp(registry->names[middle], name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int is_at(const pa_registry *registry, int64_t index, const char *name)
{
    return index < registry->count && strcmp(registry->names[index], name) == 0;
}

pa_status pa_registry_add(pa_registry *registry, const pa_allocator *mem, const char *name, void *entry, pa_error *err)
{
    pa_status status = PA_OK;
    void **entries = NULL;
    const char **names = NULL;
    const int64_t at = lower_bound(registry, name);
    PA_REQUIRE(!is_at(registry, at, name), err, PA_ERR_EXISTS, "%s '%s' is registered already", registry->what, name);

    if (registry->count == registry->capacity) {
        int64_t capacity = registry->capacity;
        PA_REQUIRE_MEMORY(entries = pa_alloc(mem, capacity + 16, sizeof(*entries)), err, "the registry");
        PA_REQUIRE_MEMORY(names = pa_alloc(mem, capacity + 16, sizeof(*names)), err, "the registry");
        if (registry->count > 0) {
            memcpy(entries, registry->entries, (size_t)registry->count * sizeof(*entries));
            memcpy(names, registry->names, (size_t)registry->count * sizeof(*names));
        }
        pa_registry_free(registry, mem);
        registry->entries = entries;
        registry->names = names;
        registry->capacity = capacity + 16;
        entries = NULL;
        names = NULL;
    }
    const size_t after = (size_t)(registry->count - at);
    memmove(registry->entries + at + 1, registry->entries + at, after * sizeof(*registry->entries));
    memmove(registry->names + at + 1, registry->names + at, after * sizeof(*registry->names));
    registry->entries[at] = entry;
    registry->names[at] = name;
    registry->count++;

cleanup:
    pa_free(mem, entries);
    pa_free(mem, names);
    return status;
}

void *pa_registry_find(const pa_registry *registry, const char *name, pa_error *err)
{
    const int64_t at = lower_bound(registry, name);
    if (is_at(registry, at, name)) {
        return registry->entries[at];
    }
    const char *nearest = pa_nearest(name, registry->names, registry->count);
    if (nearest != NULL) {
        (void)pa_fail(err, PA_ERR_NOT_FOUND, "no %s '%s'; did you mean '%s'?", registry->what, name, nearest);
    } else {
        (void)pa_fail(err, PA_ERR_NOT_FOUND, "no %s '%s'", registry->what, name);
    }
    return NULL;
}

void pa_registry_free(pa_registry *registry, const pa_allocator *mem)
{
    pa_free(mem, registry->entries);
    pa_free(mem, registry->names);
    registry->entries = NULL;
    registry->names = NULL;
    registry->capacity = 0;
}
