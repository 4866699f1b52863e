/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What a component sees while it builds. */
#include "base/text.h"
#include "components/component_impl.h"

const pa_checkpoint *pa_site_checkpoint(const pa_site *site)
{
    return site->checkpoint;
}

const pa_model *pa_site_model(const pa_site *site)
{
    return pa_checkpoint_model(site->checkpoint);
}

int64_t pa_site_layer(const pa_site *site)
{
    return site->layer;
}

pa_kind pa_site_kind(const pa_site *site)
{
    return site->component->kind;
}

const char *pa_site_split(const pa_site *site)
{
    return site->split;
}

const pa_options *pa_site_options(const pa_site *site)
{
    return site->component->options;
}

const char *pa_site_suffix(const pa_site *site, const char *role)
{
    const int64_t index = pa_role_find(pa_component_ops_of(site->component), role);
    return index >= 0 ? site->component->suffixes[index] : "";
}

pa_status pa_site_tensor(const pa_site *site, const char *role, pa_kind kind, pa_matrix **out, pa_error *err)
{
    return pa_site_tensor_at(site, site->layer, role, kind, out, err);
}

pa_status pa_site_tensor_at(const pa_site *site, int64_t layer, const char *role, pa_kind kind, pa_matrix **out,
                            pa_error *err)
{
    *out = NULL;
    const int64_t index = pa_role_find(pa_component_ops_of(site->component), role);
    if (index < 0) {
        return pa_fail(err, PA_ERR_INVALID, "component '%s' has no role '%s'", site->component->entry->ops.name, role);
    }
    return pa_checkpoint_matrix(site->checkpoint, site->split, kind, layer, site->component->suffixes[index], out, err);
}

const pa_checkpoint *pa_site_reference(const pa_site *site)
{
    return site->reference;
}

static pa_status emit(pa_site *site, const char *name, int64_t head, const pa_matrix *first, const pa_matrix *second,
                      pa_error *err)
{
    pa_status status = PA_OK;
    pa_text key = {.mem = &site->component->ctx->mem};
    PA_TRY(pa_text_printf(&key, err, "layers.%lld.%s", (long long)site->layer, name));
    if (head >= 0) {
        PA_TRY(pa_text_printf(&key, err, ".heads.%lld", (long long)head));
    }
    PA_TRY(pa_parts_add(site->parts, key.data, head, first, second, err));

cleanup:
    pa_text_free(&key);
    return status;
}

pa_status pa_site_emit(pa_site *site, const char *name, int64_t head, const pa_matrix *matrix, pa_error *err)
{
    const pa_component_ops *ops = &site->component->entry->ops;
    if (name == NULL || matrix == NULL) {
        return pa_fail(err, PA_ERR_INVALID, "component '%s' emitted NULL", ops->name);
    }
    if ((ops->flags & PA_COMPONENT_PAIRS) != 0) {
        return pa_fail(err, PA_ERR_INVALID, "component '%s' is one of pairs and emitted a single matrix", ops->name);
    }
    return emit(site, name, head, matrix, NULL, err);
}

pa_status pa_site_emit_pair(pa_site *site, const char *name, int64_t head, const pa_matrix *first,
                            const pa_matrix *second, pa_error *err)
{
    const pa_component_ops *ops = &site->component->entry->ops;
    if (name == NULL || first == NULL || second == NULL) {
        return pa_fail(err, PA_ERR_INVALID, "component '%s' emitted NULL", ops->name);
    }
    if ((ops->flags & PA_COMPONENT_PAIRS) == 0) {
        return pa_fail(err, PA_ERR_INVALID, "component '%s' emitted a pair without PA_COMPONENT_PAIRS", ops->name);
    }
    return emit(site, name, head, first, second, err);
}
