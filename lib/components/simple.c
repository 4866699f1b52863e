/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief A single tensor: `layers.<layer>.<suffix>.<kind>`.
 *
 * The last dimension is the columns, all others together the rows.
 */
#include "base/text.h"
#include "components/component_impl.h"

static pa_status build(void *user_data, pa_site *site, pa_error *err)
{
    (void)user_data;
    pa_status status = PA_OK;
    pa_matrix *tensor = NULL;
    pa_text name = {.mem = &site->component->ctx->mem};
    PA_TRY(pa_site_tensor(site, "", pa_site_kind(site), &tensor, err));
    PA_TRY(pa_text_printf(&name, err, "%s.%s", pa_site_suffix(site, ""), pa_kind_name(pa_site_kind(site))));
    PA_TRY(pa_site_emit(site, name.data, -1, tensor, err));

cleanup:
    pa_text_free(&name);
    pa_matrix_destroy(tensor);
    return status;
}

static const pa_role_spec roles[] = {{.name = "", .fallback = NULL}};

/** @brief Built-in component `simple`; see @ref simple.c. */
const pa_component_ops pa_component_simple = {
    .struct_size = sizeof(pa_component_ops),
    .name = "simple",
    .description = "One tensor of a layer: its weights, gradients or activations.",
    .roles = roles,
    .n_roles = sizeof(roles) / sizeof(roles[0]),
    .build = build,
    .formula = "T, its last dimension the columns, all others together the rows",
    .shape = "one matrix `layers.<layer>.<suffix>.<kind>`: weights and gradients [out, in], activations "
             "[samples, features]",
};
