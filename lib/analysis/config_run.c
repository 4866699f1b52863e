/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief How a configuration wants its runs to be opened: `layout`, `naming`, `model` and `unscramble`. */
#include "analysis/config_impl.h"

#include "base/text.h"
#include "checkpoint/naming.h"
#include "checkpoint/run_config.h"

/* Whether it can be a layout is for those to say who open a run with it. */
static pa_status read_layout(pa_config *config, const pa_yaml_node *node, pa_error *err)
{
    if (node == NULL) {
        return PA_OK;
    }
    if (node->type != PA_YAML_STRING) { /* {step}/a without quotes is a mapping to YAML */
        return pa_yaml_fail(config->yaml, node, err,
                            "layout must be a path in quotes, e.g. '{step}/model.safetensors'");
    }
    config->run.layout = node->text;
    return PA_OK;
}

/* Checked here, where places are known; handed on as text, as anyone can who opens a run. */
static pa_status read_naming(pa_config *config, const pa_yaml_node *node, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_naming *naming = NULL;
    pa_text text = {.mem = config->arena.mem};
    PA_TRY(pa_naming_read(&config->arena, config->yaml, node, &naming, err));
    PA_TRY(pa_naming_write(naming, &text, err));
    config->run.naming = pa_arena_strdup(&config->arena, text.data);
    PA_REQUIRE_MEMORY(config->run.naming, err, "the configuration");

cleanup:
    pa_text_free(&text);
    return status;
}

static pa_status read_model(pa_config *config, const pa_yaml_node *node, pa_error *err)
{
    static const char *const known[] = {
        "d_model", "n_layers", "attention_n_heads", "attention_n_kv_heads", "position_emb_theta", "position_emb_share"};
    pa_status status = PA_OK;
    if (node == NULL) {
        return PA_OK;
    }
    PA_TRY(pa_config_expect(config, node, PA_YAML_MAPPING, "model", err));
    PA_TRY(pa_config_check_keys(config, node, known, sizeof(known) / sizeof(known[0]), "key of 'model':", err));
    PA_TRY(pa_model_read(config->yaml, node, &config->model, err));
    config->run.model = &config->model;

cleanup:
    return status;
}

static pa_status read_unscramble(pa_config *config, const pa_yaml_node *node, pa_error *err)
{
    if (node == NULL) {
        return PA_OK;
    }
    const pa_status status = pa_config_expect(config, node, PA_YAML_BOOL, "unscramble", err);
    config->run.unscramble = status == PA_OK && node->integer != 0;
    return status;
}

pa_status pa_config_read_run(pa_config *config, const pa_yaml_node *root, pa_error *err)
{
    pa_status status = PA_OK;
    config->run = (pa_run_options){.struct_size = sizeof(config->run), .layout = "", .naming = ""};
    PA_TRY(read_layout(config, pa_config_value(root, "layout"), err));
    PA_TRY(read_naming(config, pa_config_value(root, "naming"), err));
    PA_TRY(read_model(config, pa_config_value(root, "model"), err));
    PA_TRY(read_unscramble(config, pa_config_value(root, "unscramble"), err));

cleanup:
    return status;
}
