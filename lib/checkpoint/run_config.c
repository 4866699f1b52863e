/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/run_config.h"

#include <float.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "checkpoint/checkpoint_impl.h"
#include "checkpoint/layout.h"

/* A positive integer; 0 when absent or null. */
static pa_status read_size(const pa_yaml *yaml, const pa_yaml_node *map, const char *key, int64_t *out, pa_error *err)
{
    const pa_yaml_node *node = pa_yaml_find(map, key);
    *out = 0;
    if (node == NULL || node->type == PA_YAML_NULL) {
        return PA_OK;
    }
    if (node->type != PA_YAML_INT || node->integer <= 0 || node->integer > INT32_MAX) {
        return pa_yaml_fail(yaml, node, err, "%s must be an integer from 1 to %d", key, INT32_MAX);
    }
    *out = node->integer;
    return PA_OK;
}

/* A number from `least`, at most `most`; 0 when absent or null. */
static pa_status read_number(const pa_yaml *yaml, const pa_yaml_node *map, const char *key, double least, double most,
                             double *out, pa_error *err)
{
    const pa_yaml_node *node = pa_yaml_find(map, key);
    *out = 0.0;
    if (node == NULL || node->type == PA_YAML_NULL) {
        return PA_OK;
    }
    double number = node->type == PA_YAML_INT ? (double)node->integer : node->real;
    const int is_number = node->type == PA_YAML_INT || node->type == PA_YAML_REAL ||
                          (node->type == PA_YAML_STRING && pa_parse_number(node->text, &number)); /* 5e5 */
    if (!is_number || !(number >= least && number <= most)) {
        return most < DBL_MAX ? pa_yaml_fail(yaml, node, err, "%s must be a number from %g to %g", key, least, most)
                              : pa_yaml_fail(yaml, node, err, "%s must be a number of at least %g", key, least);
    }
    *out = number;
    return PA_OK;
}

/* A directory below the run. The run may come from strangers: it must not lead elsewhere. */
static pa_status read_directory(const pa_yaml *yaml, const pa_yaml_node *map, const char *key, const char *fallback,
                                const char **out, pa_error *err)
{
    const pa_yaml_node *node = pa_yaml_find(map, key);
    *out = fallback;
    if (node == NULL || node->type == PA_YAML_NULL) {
        return PA_OK;
    }
    if (node->type != PA_YAML_STRING || !pa_path_is_inside(node->text)) {
        return pa_yaml_fail(yaml, node, err, "%s must be a directory below the run", key);
    }
    *out = node->text;
    return PA_OK;
}

pa_status pa_model_read(const pa_yaml *yaml, const pa_yaml_node *map, pa_model *model, pa_error *err)
{
    pa_status status = PA_OK;
    *model = (pa_model){.struct_size = sizeof(*model)};
    PA_TRY(read_size(yaml, map, "d_model", &model->d_model, err));
    PA_TRY(read_size(yaml, map, "n_layers", &model->n_layers, err));
    PA_TRY(read_size(yaml, map, "attention_n_heads", &model->n_heads, err));
    PA_TRY(read_size(yaml, map, "attention_n_kv_heads", &model->n_kv_heads, err));
    PA_TRY(read_number(yaml, map, "position_emb_theta", 1.0, DBL_MAX, &model->rope_theta, err));
    PA_TRY(read_number(yaml, map, "position_emb_share", 0.0, 1.0, &model->rope_share, err));

cleanup:
    return status;
}

/* What only some runs need is not worth an error: 0 when it is no size. */
static int64_t guess_size(const pa_yaml_node *map, const char *key)
{
    const pa_yaml_node *node = pa_yaml_find(map, key);
    return node != NULL && node->type == PA_YAML_INT && node->integer > 0 && node->integer <= INT32_MAX ? node->integer
                                                                                                        : 0;
}

static int64_t count_processes(const pa_yaml_node *root)
{
    const pa_yaml_node *fabric = pa_yaml_find(pa_yaml_find(root, "training"), "fabric");
    const int64_t devices = guess_size(fabric, "num_devices");
    const int64_t nodes = guess_size(fabric, "num_nodes");
    const int64_t least = (devices > 0 ? devices : 1) * (nodes > 0 ? nodes : 1);
    return (devices > 0 && nodes > 0) || least > 1 ? least : 0;
}

static pa_status copy(const pa_allocator *mem, const char *text, char **out, pa_error *err)
{
    *out = pa_strdup(mem, text);
    return *out != NULL ? PA_OK : pa_fail_nomem(err, "the configuration of a run");
}

pa_status pa_run_config_read(const pa_allocator *mem, const char *path, pa_run_config *out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_yaml *yaml = NULL;
    pa_run_config config = {.name = NULL};
    const char *checkpoints = NULL;
    const char *learning_dynamics = NULL;
    PA_TRY(pa_yaml_load(mem, path, &yaml, err));
    const pa_yaml_node *root = pa_yaml_root(yaml);
    if (root->type != PA_YAML_MAPPING) {
        PA_TRY(pa_yaml_fail(yaml, root, err, "must be a mapping, not a %s", pa_yaml_type_name(root->type)));
    }
    PA_TRY(pa_model_read(yaml, pa_yaml_find(root, "model"), &config.model, err));
    const pa_yaml_node *map = pa_yaml_find(root, "checkpointing");
    config.n_processes = count_processes(root);
    config.batch = guess_size(pa_yaml_find(map, "learning_dynamics"), "batch_size");
    PA_TRY(read_directory(yaml, map, "checkpoints_dir", "checkpoints", &checkpoints, err));
    PA_TRY(read_directory(yaml, map, "learning_dynamics_dir", "learning_dynamics", &learning_dynamics, err));
    PA_TRY(copy(mem, checkpoints, &config.checkpoints, err));
    PA_TRY(copy(mem, learning_dynamics, &config.learning_dynamics, err));
    const pa_yaml_node *name = pa_yaml_find(map, "run_name");
    if (name != NULL && name->text != NULL && name->type != PA_YAML_NULL && name->text[0] != '\0') {
        PA_TRY(copy(mem, name->text, &config.name, err));
    }
    *out = config;
    config = (pa_run_config){.name = NULL};

cleanup:
    pa_run_config_free(mem, &config);
    pa_yaml_destroy(yaml);
    return status;
}

void pa_run_config_free(const pa_allocator *mem, pa_run_config *config)
{
    pa_free(mem, config->name);
    pa_free(mem, config->checkpoints);
    pa_free(mem, config->learning_dynamics);
}
