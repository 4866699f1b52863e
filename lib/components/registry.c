/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Registering components and looking them up. */
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "components/component_impl.h"

static void free_entry(const pa_allocator *mem, pa_component_entry *entry)
{
    if (entry != NULL) {
        pa_option_specs_free(mem, entry->options, entry->ops.n_options);
        pa_arena_free(&entry->arena);
        pa_free(mem, entry);
    }
}

static pa_status check_ops(const pa_allocator *mem, const pa_component_ops *ops, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(ops != NULL && ops->struct_size >= sizeof(*ops), err, PA_ERR_INVALID,
               "component: struct_size too small");
    PA_REQUIRE(pa_is_identifier(ops->name), err, PA_ERR_INVALID, "a component's name is [a-z][a-z0-9_]*, not '%s'",
               ops->name != NULL ? ops->name : "");
    PA_REQUIRE(ops->build != NULL, err, PA_ERR_INVALID, "component '%s' has no build", ops->name);
    PA_REQUIRE(ops->n_roles >= 0 && (ops->n_roles == 0 || ops->roles != NULL), err, PA_ERR_INVALID,
               "component '%s' has %lld roles at a NULL pointer", ops->name, (long long)ops->n_roles);
    for (int64_t i = 0; i < ops->n_roles; i++) {
        const char *role = ops->roles[i].name;
        const int plain = role != NULL && role[0] == '\0' && ops->n_roles == 1;
        PA_REQUIRE(plain || pa_is_identifier(role), err, PA_ERR_INVALID, "component '%s': role %lld has no valid name",
                   ops->name, (long long)i);
    }
    PA_TRY(pa_option_specs_check(mem, ops->options, ops->n_options, ops->name, err));

cleanup:
    return status;
}

static pa_status copy_roles(pa_arena *arena, const pa_component_ops *ops, const pa_role_spec **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_role_spec *roles = pa_arena_alloc(arena, ops->n_roles, sizeof(*roles));
    PA_REQUIRE_MEMORY(roles, err, "a component");
    for (int64_t i = 0; i < ops->n_roles; i++) {
        const char *fallback = ops->roles[i].fallback;
        PA_REQUIRE_MEMORY(roles[i].name = pa_arena_strdup(arena, ops->roles[i].name), err, "a component");
        if (fallback != NULL) {
            PA_REQUIRE_MEMORY(roles[i].fallback = pa_arena_strdup(arena, fallback), err, "a component");
        }
    }
    *out = roles;

cleanup:
    return status;
}

/* Fields that are strings; where one is NULL its copy is empty. */
static const size_t texts[] = {offsetof(pa_component_ops, name),    offsetof(pa_component_ops, description),
                               offsetof(pa_component_ops, paper),   offsetof(pa_component_ops, pico),
                               offsetof(pa_component_ops, formula), offsetof(pa_component_ops, shape)};

static pa_status copy_entry(const pa_allocator *mem, const pa_component_ops *ops, pa_component_entry **out,
                            pa_error *err)
{
    pa_status status = PA_OK;
    pa_component_entry *entry = pa_alloc(mem, 1, sizeof(*entry));
    PA_REQUIRE_MEMORY(entry, err, "a component");
    entry->arena.mem = mem;
    entry->ops = *ops;
    entry->ops.struct_size = sizeof(entry->ops);
    entry->ops.n_options = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char **text = (const char **)((char *)&entry->ops + texts[i]);
        PA_REQUIRE_MEMORY(*text = pa_arena_strdup(&entry->arena, *text), err, "a component");
    }
    PA_TRY(copy_roles(&entry->arena, ops, &entry->ops.roles, err));
    if (ops->n_options > 0) {
        PA_REQUIRE_MEMORY(entry->options = pa_option_specs_copy(mem, ops->options, ops->n_options), err, "a component");
    }
    entry->ops.options = entry->options;
    entry->ops.n_options = ops->n_options;
    *out = entry;
    entry = NULL;

cleanup:
    free_entry(mem, entry);
    return status;
}

pa_status pa_component_register(pa_context *ctx, const pa_component_ops *ops, void *user_data, pa_error *err)
{
    pa_status status = PA_OK;
    pa_component_entry *entry = NULL;
    PA_REQUIRE(ctx != NULL, err, PA_ERR_INVALID, "no context");
    PA_TRY(check_ops(&ctx->mem, ops, err));
    PA_TRY(copy_entry(&ctx->mem, ops, &entry, err));
    PA_TRY(pa_registry_add(&ctx->components, &ctx->mem, entry->ops.name, entry, err));
    entry->user_data = user_data;
    entry = NULL;

cleanup:
    if (ctx != NULL) {
        free_entry(&ctx->mem, entry);
    }
    return status;
}

#define PA_COMPONENT(name) &pa_component_##name,
static const pa_component_ops *const builtin[] = {
#include "components/component_list.h"
};
#undef PA_COMPONENT

pa_status pa_components_register_builtin(pa_context *ctx, pa_error *err)
{
    pa_status status = PA_OK;
    for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]) && status == PA_OK; i++) {
        status = pa_component_register(ctx, builtin[i], NULL, err);
    }
    return status;
}

void pa_components_unregister(pa_context *ctx)
{
    for (int64_t i = 0; i < ctx->components.count; i++) {
        pa_component_entry *entry = ctx->components.entries[i];
        if (entry->ops.destroy != NULL) {
            entry->ops.destroy(entry->user_data);
        }
        free_entry(&ctx->mem, entry);
    }
    pa_registry_free(&ctx->components, &ctx->mem);
}

int64_t pa_component_count(const pa_context *ctx)
{
    return ctx->components.count;
}

const pa_component_ops *pa_component_describe(const pa_context *ctx, int64_t index)
{
    const pa_component_entry *entry =
        index >= 0 && index < ctx->components.count ? ctx->components.entries[index] : NULL;
    return entry != NULL ? &entry->ops : NULL;
}

int64_t pa_role_find(const pa_component_ops *ops, const char *role)
{
    for (int64_t i = 0; i < ops->n_roles; i++) {
        if (strcmp(ops->roles[i].name, role) == 0) {
            return i;
        }
    }
    return -1;
}
