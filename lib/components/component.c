/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A component paired with kind, layer suffixes and options; building its matrices. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "components/component_impl.h"

enum { MAX_OTHER_KEYS = 32, MAY_BE_EMPTY = PA_COMPONENT_PAIRS | PA_COMPONENT_REFERENCE };

/* "layer_suffixes of 'ov_circuit'" takes its roles as keys; the error names the nearest. */
static pa_status unknown_role(const pa_component_ops *ops, const pa_yaml *yaml, const pa_yaml_node *key, pa_error *err)
{
    const char *nearest = NULL;
    for (int64_t i = 0; i < ops->n_roles && nearest == NULL; i++) {
        nearest = pa_nearest(key->text, &ops->roles[i].name, 1);
    }
    if (nearest == NULL) {
        nearest = ops->roles[0].name;
    }
    return pa_yaml_fail(yaml, key, err, "component '%s' has no layer suffix '%s'; did you mean '%s'?", ops->name,
                        key->text, nearest);
}

/* The text of the suffix for a role, or NULL when it must be told. */
static pa_status suffix_of(const pa_component_ops *ops, int64_t role, const pa_yaml *yaml, const pa_yaml_node *map,
                           const char **out, pa_error *err)
{
    const pa_role_spec *spec = &ops->roles[role];
    const pa_yaml_node *suffixes = pa_yaml_find(map, "layer_suffixes");
    const int plain = spec->name[0] == '\0';
    const pa_yaml_node *node = plain ? suffixes : pa_yaml_find(suffixes, spec->name);
    *out = spec->fallback;
    if (node != NULL && node->type != PA_YAML_NULL) {
        if (node->type == PA_YAML_SEQUENCE || node->type == PA_YAML_MAPPING || node->text[0] == '\0') {
            return pa_yaml_fail(yaml, node, err,
                                "a layer suffix of '%s' is a string such as 'attention.v_proj', not a %s", ops->name,
                                pa_yaml_type_name(node->type));
        }
        *out = node->text;
    }
    if (*out == NULL && plain) {
        return pa_yaml_fail(yaml, map, err, "component '%s' needs layer_suffixes", ops->name);
    }
    if (*out == NULL) {
        return pa_yaml_fail(yaml, suffixes != NULL ? suffixes : map, err, "component '%s' needs layer_suffixes.%s",
                            ops->name, spec->name);
    }
    return PA_OK;
}

static pa_status check_suffixes(const pa_component_ops *ops, const pa_yaml *yaml, const pa_yaml_node *map,
                                pa_error *err)
{
    const pa_yaml_node *suffixes = pa_yaml_find(map, "layer_suffixes");
    if (suffixes == NULL || suffixes->type == PA_YAML_NULL) {
        return PA_OK;
    }
    if (ops->n_roles == 0) {
        return pa_yaml_fail(yaml, suffixes, err, "component '%s' takes no layer_suffixes", ops->name);
    }
    if (ops->roles[0].name[0] == '\0') {
        return PA_OK;
    }
    if (suffixes->type != PA_YAML_MAPPING) {
        return pa_yaml_fail(yaml, suffixes, err, "layer_suffixes of '%s' is a mapping with '%s' ..., not a %s",
                            ops->name, ops->roles[0].name, pa_yaml_type_name(suffixes->type));
    }
    for (int64_t i = 0; i < suffixes->count; i++) {
        if (pa_role_find(ops, suffixes->keys[i].text) < 0) {
            return unknown_role(ops, yaml, &suffixes->keys[i], err);
        }
    }
    return PA_OK;
}

static pa_status read_suffixes(pa_component *component, const pa_yaml *yaml, const pa_yaml_node *map, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_component_ops *ops = &component->entry->ops;
    const pa_allocator *mem = &component->ctx->mem;
    PA_TRY(check_suffixes(ops, yaml, map, err));
    PA_REQUIRE_MEMORY(component->suffixes = pa_alloc(mem, ops->n_roles, sizeof(char *)), err, "a component");
    for (int64_t i = 0; i < ops->n_roles; i++) {
        const char *suffix = NULL;
        PA_TRY(suffix_of(ops, i, yaml, map, &suffix, err));
        PA_REQUIRE_MEMORY(component->suffixes[i] = pa_strdup(mem, suffix), err, "a component");
    }

cleanup:
    return status;
}

static pa_status read_options(pa_component *component, const pa_yaml *yaml, const pa_yaml_node *map,
                              const char *const *other_keys, int64_t n_other_keys, pa_error *err)
{
    pa_status status = PA_OK;
    const char *keys[MAX_OTHER_KEYS + 1];
    pa_text owner = {.mem = &component->ctx->mem};
    PA_REQUIRE(n_other_keys <= MAX_OTHER_KEYS, err, PA_ERR_INVALID, "too many keys");
    for (int64_t i = 0; i < n_other_keys; i++) {
        keys[i] = other_keys[i];
    }
    keys[n_other_keys] = "layer_suffixes";
    PA_TRY(pa_text_printf(&owner, err, "component '%s'", component->entry->ops.name));
    const pa_options_request request = {.mem = &component->ctx->mem,
                                        .owner = owner.data,
                                        .specs = component->entry->options,
                                        .n_specs = component->entry->ops.n_options,
                                        .yaml = yaml,
                                        .map = map,
                                        .other_keys = keys,
                                        .n_other_keys = n_other_keys + 1};
    PA_TRY(pa_options_create(&request, &component->options, err));

cleanup:
    pa_text_free(&owner);
    return status;
}

pa_status pa_component_create_yaml(pa_context *ctx, const char *name, pa_kind kind, const pa_yaml *yaml,
                                   const pa_yaml_node *map, const char *const *other_keys, int64_t n_other_keys,
                                   pa_component **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_component *component = NULL;
    *out = NULL;
    const pa_component_entry *entry = pa_registry_find(&ctx->components, name, err);
    if (entry == NULL) {
        return PA_ERR_NOT_FOUND;
    }
    PA_REQUIRE(kind >= 0 && kind < PA_N_KINDS, err, PA_ERR_INVALID, "unknown kind %d", (int)kind);
    PA_REQUIRE(entry->ops.kinds == 0 || (entry->ops.kinds >> kind & 1) != 0, err, PA_ERR_CONFIG,
               "component '%s' is not made of %s", name, pa_kind_name(kind));
    PA_REQUIRE_MEMORY(component = pa_alloc(&ctx->mem, 1, sizeof(*component)), err, "a component");
    component->ctx = ctx;
    component->entry = entry;
    component->kind = kind;
    PA_TRY(read_options(component, yaml, map, other_keys, n_other_keys, err));
    PA_TRY(read_suffixes(component, yaml, map, err));
    *out = component;
    component = NULL;

cleanup:
    pa_component_destroy(component);
    return status;
}

pa_status pa_component_create(pa_context *ctx, const char *name, pa_kind kind, const char *options, pa_component **out,
                              pa_error *err)
{
    pa_status status = PA_OK;
    pa_yaml *yaml = NULL;
    *out = NULL;
    PA_REQUIRE(ctx != NULL && name != NULL, err, PA_ERR_INVALID, "no context or no name");
    PA_TRY(pa_options_parse_text(&ctx->mem, options, &yaml, err));
    PA_TRY(pa_component_create_yaml(ctx, name, kind, yaml, pa_yaml_root(yaml), NULL, 0, out, err));

cleanup:
    pa_yaml_destroy(yaml);
    return status;
}

void pa_component_destroy(pa_component *component)
{
    if (component != NULL) {
        const pa_allocator *mem = &component->ctx->mem;
        for (int64_t i = 0; component->suffixes != NULL && i < component->entry->ops.n_roles; i++) {
            pa_free(mem, component->suffixes[i]);
        }
        pa_free(mem, component->suffixes);
        pa_options_destroy(component->options);
        pa_free(mem, component);
    }
}

const pa_component_ops *pa_component_ops_of(const pa_component *component)
{
    return &component->entry->ops;
}

const pa_options *pa_component_options(const pa_component *component)
{
    return component->options;
}

void pa_component_set_compat(pa_component *component, pa_compat compat)
{
    pa_options_set_compat(component->options, compat);
}

const char *pa_component_suffix(const pa_component *component, int64_t role)
{
    return component->suffixes[role];
}

pa_status pa_component_build(const pa_component *component, const pa_checkpoint *checkpoint, const char *split,
                             int64_t layer, pa_parts **out, pa_error *err)
{
    return pa_component_build_between(component, checkpoint, NULL, split, layer, out, err);
}

pa_status pa_component_build_between(const pa_component *component, const pa_checkpoint *checkpoint,
                                     const pa_checkpoint *reference, const char *split, int64_t layer, pa_parts **out,
                                     pa_error *err)
{
    pa_status status = PA_OK;
    pa_site site = {
        .component = component, .checkpoint = checkpoint, .reference = reference, .split = split, .layer = layer};
    *out = NULL;
    PA_REQUIRE(component != NULL && checkpoint != NULL && split != NULL, err, PA_ERR_INVALID, "a NULL argument");
    const pa_component_entry *entry = component->entry;
    PA_TRY(pa_parts_create(&component->ctx->mem, &site.parts, err));
    pa_error_clear(err);
    status = entry->ops.build(entry->user_data, &site, err);
    if (status != PA_OK) {
        status = status < 0 ? status : PA_ERR_CALLBACK;
        PA_REQUIRE(err != NULL && err->message[0] != '\0', err, status, "component '%s' returned %d", entry->ops.name,
                   (int)status);
        goto cleanup;
    }
    PA_REQUIRE(site.parts->count > 0 || (entry->ops.flags & MAY_BE_EMPTY) != 0, err, PA_ERR_CALLBACK,
               "component '%s' emitted nothing", entry->ops.name);
    *out = site.parts;
    site.parts = NULL;

cleanup:
    pa_parts_destroy(site.parts);
    return status;
}
