/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Named entries in alphabetical order: what metrics and components are registered in. */
#ifndef PA_BASE_REGISTRY_H
#define PA_BASE_REGISTRY_H
#include "base/error.h"

typedef struct pa_registry {
    const char *what;   /**< What an entry is called in errors: "metric", "component". */
    void **entries;     /**< Sorted by name. */
    const char **names; /**< Borrowed from the entries; same order. */
    int64_t count;
    int64_t capacity;
} pa_registry;

/** Add `entry`, whose `name` stays valid as long as it does. PA_ERR_EXISTS when the name is taken, PA_ERR_NOMEM. */
pa_status pa_registry_add(pa_registry *registry, const pa_allocator *mem, const char *name, void *entry, pa_error *err);

/** The entry of that name; otherwise NULL, and `err` names the nearest one with PA_ERR_NOT_FOUND. */
void *pa_registry_find(const pa_registry *registry, const char *name, pa_error *err);

/** Free the arrays; the entries are the caller's. */
void pa_registry_free(pa_registry *registry, const pa_allocator *mem);
#endif
