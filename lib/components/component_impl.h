/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Inside the components layer: registry entries, components made from YAML, sites and parts. */
#ifndef PA_COMPONENTS_COMPONENT_IMPL_H
#define PA_COMPONENTS_COMPONENT_IMPL_H
#include <picoanalyze/component.h>

#include "base/arena.h"
#include "base/context_impl.h"
#include "base/index.h"
#include "base/options_impl.h"

/** A registered component: everything copied. */
typedef struct pa_component_entry {
    pa_component_ops ops;
    void *user_data;
    pa_arena arena; /**< Backs the strings and roles of `ops`. */
    pa_option_spec *options;
} pa_component_entry;

struct pa_component {
    pa_context *ctx;
    const pa_component_entry *entry;
    pa_kind kind;
    pa_options *options;
    char **suffixes; /**< One a role, in the order of the roles. */
};

typedef struct pa_part {
    const char *key; /**< Of the parts' index. */
    int64_t head;
    pa_matrix *matrix;
    pa_matrix *second; /**< Of a pair; else NULL. */
} pa_part;

struct pa_parts {
    pa_allocator mem;
    pa_part *items;
    int64_t count;
    int64_t capacity;
    pa_index keys; /**< Numbers of `items` by key: pairs of heads are many. */
};

struct pa_site {
    const pa_component *component;
    const pa_checkpoint *checkpoint;
    const pa_checkpoint *reference; /**< Or NULL. */
    const char *split;
    int64_t layer;
    pa_parts *parts;
};

pa_status pa_components_register_builtin(pa_context *ctx, pa_error *err);
void pa_components_unregister(pa_context *ctx);

/** As pa_component_create(), with `layer_suffixes` and options among other keys of a mapping; see pa_options_request. */
pa_status pa_component_create_yaml(pa_context *ctx, const char *name, pa_kind kind, const pa_yaml *yaml,
                                   const pa_yaml_node *map, const char *const *other_keys, int64_t n_other_keys,
                                   pa_component **out, pa_error *err);
const pa_component_ops *pa_component_ops_of(const pa_component *component);
const pa_options *pa_component_options(const pa_component *component);
void pa_component_set_compat(pa_component *component, pa_compat compat);
/** The suffix of role number `role`; borrowed. */
const char *pa_component_suffix(const pa_component *component, int64_t role);

/** Index of a role by name, or -1. */
int64_t pa_role_find(const pa_component_ops *ops, const char *role);

pa_status pa_parts_create(const pa_allocator *mem, pa_parts **out, pa_error *err);
/** Takes its own references; `second` may be NULL. PA_ERR_EXISTS when the key is there. */
pa_status pa_parts_add(pa_parts *parts, const char *key, int64_t head, const pa_matrix *matrix, const pa_matrix *second,
                       pa_error *err);

#define PA_COMPONENT(name) extern const pa_component_ops pa_component_##name;
#include "components/component_list.h"
#undef PA_COMPONENT
#endif
