/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A configuration file: its top level, and what of it everybody may ask. */
#include "analysis/config_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "components/component_impl.h"
#include "metrics/metric_impl.h"

const pa_yaml_node *pa_config_value(const pa_yaml_node *map, const char *key)
{
    const pa_yaml_node *node = pa_yaml_find(map, key);
    return node != NULL && node->type != PA_YAML_NULL ? node : NULL;
}

pa_status pa_config_expect(const pa_config *config, const pa_yaml_node *node, pa_yaml_type type, const char *what,
                           pa_error *err)
{
    if (node->type == type) {
        return PA_OK;
    }
    return pa_yaml_fail(config->yaml, node, err, "%s must be of type %s, not %s%s%.100s%s", what,
                        pa_yaml_type_name(type), pa_yaml_type_name(node->type), node->text != NULL ? " '" : "",
                        node->text != NULL ? node->text : "", node->text != NULL ? "'" : "");
}

pa_status pa_config_check_keys(const pa_config *config, const pa_yaml_node *map, const char *const *known,
                               int64_t n_known, const char *what, pa_error *err)
{
    for (int64_t i = 0; i < map->count; i++) {
        int64_t k = 0;
        while (k < n_known && strcmp(map->keys[i].text, known[k]) != 0) {
            k++;
        }
        if (k == n_known) {
            return pa_yaml_fail_unknown(config->yaml, &map->keys[i], err, what, known, n_known);
        }
    }
    return PA_OK;
}

/* A name for a directory: one path component. */
static int is_directory_name(const char *text)
{
    if (text[0] == '\0' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 || strlen(text) > 200) {
        return 0;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '/' || *c == '\\' || (unsigned char)*c < 0x20) {
            return 0;
        }
    }
    return 1;
}

/* "configs/demo.yaml" -> "demo" */
static pa_status name_after_file(pa_config *config, pa_error *err)
{
    const char *path = pa_yaml_name(config->yaml);
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    const int64_t length = dot != NULL && dot != base ? dot - base : (int64_t)strlen(base);
    char *name = pa_arena_strndup(&config->arena, base, length);
    if (name == NULL) {
        return pa_fail_nomem(err, "the configuration");
    }
    config->name = is_directory_name(name) ? name : "analysis";
    return PA_OK;
}

static pa_status read_name(pa_config *config, const pa_yaml_node *root, pa_error *err)
{
    const pa_yaml_node *node = pa_config_value(root, "analysis_name");
    if (node == NULL) {
        return name_after_file(config, err);
    }
    if (node->text == NULL) {
        return pa_config_expect(config, node, PA_YAML_STRING, "analysis_name", err);
    }
    if (!is_directory_name(node->text)) {
        return pa_yaml_fail(config->yaml, node, err, "analysis_name '%.100s' cannot be the name of a directory",
                            node->text);
    }
    config->name = node->text;
    return PA_OK;
}

static pa_status read_wandb(pa_config *config, const pa_yaml_node *monitoring, pa_error *err)
{
    static const char *const known[] = {"entity", "project"};
    pa_status status = PA_OK;
    const pa_yaml_node *save = pa_config_value(monitoring, "save_to_wandb");
    const pa_yaml_node *wandb = pa_config_value(monitoring, "wandb");
    if (wandb != NULL) {
        PA_TRY(pa_config_expect(config, wandb, PA_YAML_MAPPING, "wandb", err));
        PA_TRY(pa_config_check_keys(config, wandb, known, 2, "key of 'wandb':", err));
        for (int64_t i = 0; i < wandb->count; i++) {
            if (wandb->items[i].text == NULL) {
                PA_TRY(pa_config_expect(config, &wandb->items[i], PA_YAML_STRING, wandb->keys[i].text, err));
            }
        }
    }
    if (save != NULL) {
        PA_TRY(pa_config_expect(config, save, PA_YAML_BOOL, "save_to_wandb", err));
        if (save->integer != 0) {
            pa_log(config->ctx, PA_LOG_WARNING, "%s:%d:%d: save_to_wandb: this version does not write to wandb",
                   pa_yaml_name(config->yaml), save->line, save->column);
        }
    }

cleanup:
    return status;
}

static pa_status read_monitoring(pa_config *config, const pa_yaml_node *node, pa_error *err)
{
    static const char *const known[] = {"output_dir", "save_to_wandb", "wandb"};
    pa_status status = PA_OK;
    config->output_dir = "analysis_results";
    if (node == NULL) {
        return PA_OK;
    }
    PA_TRY(pa_config_expect(config, node, PA_YAML_MAPPING, "monitoring", err));
    PA_TRY(pa_config_check_keys(config, node, known, 3, "key of 'monitoring':", err));
    const pa_yaml_node *directory = pa_config_value(node, "output_dir");
    if (directory != NULL) {
        if (directory->text == NULL) {
            PA_TRY(pa_config_expect(config, directory, PA_YAML_STRING, "output_dir", err));
        }
        if (directory->text[0] == '\0') {
            PA_TRY(pa_yaml_fail(config->yaml, directory, err, "output_dir is empty"));
        }
        config->output_dir = directory->text;
    }
    PA_TRY(read_wandb(config, node, err));

cleanup:
    return status;
}

static pa_status read_compat(pa_config *config, const pa_yaml_node *node, pa_error *err)
{
    static const char *const known[] = {"literature", "pico"};
    if (node == NULL || (node->text != NULL && strcmp(node->text, known[0]) == 0)) {
        pa_config_set_compat(config, PA_COMPAT_LITERATURE);
        return PA_OK;
    }
    if (node->text != NULL && strcmp(node->text, known[1]) == 0) {
        pa_config_set_compat(config, PA_COMPAT_PICO);
        return PA_OK;
    }
    return pa_yaml_fail_unknown(config->yaml, node, err, "compat", known, 2);
}

static pa_status read_root(pa_config *config, pa_error *err)
{
    static const char *const known[] = {"analysis_name", "metrics", "steps", "monitoring", "compat",
                                        "layout",        "naming",  "model", "unscramble"};
    const pa_yaml_node *root = pa_yaml_root(config->yaml);
    pa_status status = PA_OK;
    PA_TRY(pa_config_expect(config, root, PA_YAML_MAPPING, "a configuration", err));
    PA_TRY(pa_config_check_keys(config, root, known, sizeof(known) / sizeof(known[0]), "key", err));
    PA_TRY(read_name(config, root, err));
    PA_TRY(pa_config_read_run(config, root, err));
    PA_TRY(pa_config_read_metrics(config, pa_config_value(root, "metrics"), err));
    PA_TRY(pa_config_read_steps(config, pa_config_value(root, "steps"), err));
    PA_TRY(read_compat(config, pa_config_value(root, "compat"), err));
    PA_TRY(read_monitoring(config, pa_config_value(root, "monitoring"), err));

cleanup:
    return status;
}

/* Takes over `yaml`, also when it fails. */
static pa_status make(pa_context *ctx, pa_yaml *yaml, pa_config **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_config *config = pa_alloc(&ctx->mem, 1, sizeof(*config));
    if (config == NULL) {
        pa_yaml_destroy(yaml);
        return pa_fail_nomem(err, "the configuration");
    }
    config->ctx = ctx;
    config->arena.mem = &ctx->mem;
    config->yaml = yaml;
    PA_TRY(read_root(config, err));
    *out = config;
    config = NULL;

cleanup:
    pa_config_destroy(config);
    return status;
}

pa_status pa_config_load(pa_context *ctx, const char *path, pa_config **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_yaml *yaml = NULL;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_config_load: an argument is NULL");
    *out = NULL;
    PA_REQUIRE(ctx != NULL && path != NULL, err, PA_ERR_INVALID, "pa_config_load: an argument is NULL");
    PA_TRY(pa_yaml_load(&ctx->mem, path, &yaml, err));
    PA_TRY(make(ctx, yaml, out, err));

cleanup:
    return status;
}

pa_status pa_config_parse(pa_context *ctx, const char *text, int64_t length, const char *name, pa_config **out,
                          pa_error *err)
{
    pa_status status = PA_OK;
    pa_yaml *yaml = NULL;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_config_parse: an argument is NULL");
    *out = NULL;
    PA_REQUIRE(ctx != NULL && text != NULL && name != NULL, err, PA_ERR_INVALID,
               "pa_config_parse: an argument is NULL");
    PA_REQUIRE(length >= 0, err, PA_ERR_INVALID, "pa_config_parse: length %lld", (long long)length);
    PA_TRY(pa_yaml_parse(&ctx->mem, text, length, name, &yaml, err));
    PA_TRY(make(ctx, yaml, out, err));

cleanup:
    return status;
}

void pa_config_destroy(pa_config *config)
{
    if (config == NULL) {
        return;
    }
    const pa_allocator *mem = &config->ctx->mem;
    for (int64_t m = 0; m < config->n_metrics; m++) {
        pa_metric_destroy(config->metrics[m].metric);
        for (int64_t p = 0; p < config->metrics[m].n_parts; p++) {
            pa_component_destroy(config->metrics[m].parts[p].component);
        }
    }
    pa_yaml_destroy(config->yaml);
    pa_arena_free(&config->arena);
    pa_free(mem, config);
}

const char *pa_config_name(const pa_config *config)
{
    return config->name;
}

const char *pa_config_output_dir(const pa_config *config)
{
    return config->output_dir;
}

const pa_run_options *pa_config_run_options(const pa_config *config)
{
    return &config->run;
}

pa_compat pa_config_compat(const pa_config *config)
{
    return config->compat;
}

void pa_config_set_compat(pa_config *config, pa_compat compat)
{
    config->compat = compat;
    for (int64_t m = 0; m < config->n_metrics; m++) {
        pa_config_metric *metric = &config->metrics[m];
        if (!metric->own_compat) {
            pa_metric_set_compat(metric->metric, compat);
        }
        for (int64_t p = 0; p < metric->n_parts; p++) {
            if (!metric->parts[p].own_compat) {
                pa_component_set_compat(metric->parts[p].component, compat);
            }
        }
    }
}
