/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/model_config.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/system.h"
#include "base/text.h"
#include "base/yaml.h" /* of which JSON is a part */

/* The first of the keys that is a size, as models call it. */
static int64_t find_size(const pa_yaml_node *root, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        const pa_yaml_node *node = pa_yaml_find(root, *keys);
        if (node != NULL && node->type == PA_YAML_INT && node->integer > 0 && node->integer <= INT32_MAX) {
            return node->integer;
        }
    }
    return 0;
}

/* Unknown, or such that all frequencies are in (0, 1]. */
static int is_theta(double theta)
{
    return !(theta < 0.0) && !(theta > 0.0 && theta < 1.0) && isfinite(theta);
}

/* What files may say, too: numbers of heads are multiplied with numbers of parts. */
static pa_status check_size(const char *name, int64_t size, pa_error *err)
{
    return size >= 0 && size <= INT32_MAX ? PA_OK
                                          : pa_fail(err, PA_ERR_INVALID, "pa_model: %s is %lld, not from 0 to %d", name,
                                                    (long long)size, INT32_MAX);
}

pa_status pa_model_check(const pa_model *model, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(model->struct_size >= sizeof(*model), err, PA_ERR_INVALID, "pa_model: struct_size %zu, at least %zu",
               model->struct_size, sizeof(*model));
    PA_TRY(check_size("d_model", model->d_model, err));
    PA_TRY(check_size("n_layers", model->n_layers, err));
    PA_TRY(check_size("n_heads", model->n_heads, err));
    PA_TRY(check_size("n_kv_heads", model->n_kv_heads, err));
    PA_REQUIRE(model->rope_share >= 0.0 && model->rope_share <= 1.0, err, PA_ERR_INVALID,
               "pa_model: rope_share is %g, not from 0 to 1", model->rope_share);
    PA_REQUIRE(is_theta(model->rope_theta), err, PA_ERR_INVALID, "pa_model: rope_theta is %g, neither 0 nor at least 1",
               model->rope_theta);

cleanup:
    return status;
}

static void fill(int64_t *size, int64_t found)
{
    *size = *size > 0 ? *size : found;
}

void pa_model_fill(pa_model *model, const pa_model *from)
{
    fill(&model->d_model, from->d_model);
    fill(&model->n_layers, from->n_layers);
    fill(&model->n_heads, from->n_heads);
    fill(&model->n_kv_heads, from->n_kv_heads);
    if (model->rope_theta < 1.0) {
        model->rope_theta = from->rope_theta;
        model->rope_other = from->rope_other;
    }
    model->rope_share = model->rope_share > 0.0 ? model->rope_share : from->rope_share;
}

void pa_model_settle(pa_model *model)
{
    fill(&model->n_kv_heads, model->n_heads);
}

/* The first of `keys` that is a number from `least` to `most`, else 0. */
static double find_number(const pa_yaml_node *map, const char *const *keys, double least, double most)
{
    for (; *keys != NULL; keys++) {
        const pa_yaml_node *node = pa_yaml_find(map, *keys);
        const int is_number = node != NULL && (node->type == PA_YAML_INT || node->type == PA_YAML_REAL);
        const double number = !is_number ? 0.0 : node->type == PA_YAML_INT ? (double)node->integer : node->real;
        if (is_number && number >= least && number <= most) {
            return number;
        }
    }
    return 0.0;
}

static int is_default(const pa_yaml_node *node)
{
    return node == NULL || node->text == NULL || strcmp(node->text, "default") == 0;
}

/* Transformers 5 has all about positions in a mapping of its own, of which there may be one for each type of layer. */
static void find_positions(const pa_yaml_node *root, pa_model *model)
{
    static const char *const theta[] = {"rope_theta", "rotary_emb_base", NULL};
    static const char *const share[] = {"partial_rotary_factor", "rotary_pct", NULL};
    const pa_yaml_node *own = pa_yaml_find(root, "rope_parameters");
    const int is_new = own != NULL && own->type == PA_YAML_MAPPING;
    const pa_yaml_node *positions = is_new ? own : root;
    const pa_yaml_node *scaling = is_new ? own : pa_yaml_find(root, "rope_scaling");
    model->rope_theta = find_number(positions, theta, 1.0, DBL_MAX);
    model->rope_share = find_number(positions, share, DBL_MIN, 1.0);
    if (model->rope_share <= 0.0) {
        model->rope_share = find_number(root, share, DBL_MIN, 1.0);
    }
    model->rope_other = scaling != NULL && scaling->type == PA_YAML_MAPPING &&
                        (!is_default(pa_yaml_find(scaling, "rope_type")) ||
                         !is_default(pa_yaml_find(scaling, "type")) || (is_new && model->rope_theta < 1.0));
}

static void fill_model(const pa_yaml_node *root, pa_model *model)
{
    static const char *const d_model[] = {"hidden_size", "n_embd", "d_model", NULL};
    static const char *const layers[] = {"num_hidden_layers", "n_layer", "n_layers", NULL};
    static const char *const heads[] = {"num_attention_heads", "n_head", "attention_n_heads", NULL};
    static const char *const kv_heads[] = {"num_key_value_heads", "num_kv_heads", "attention_n_kv_heads", NULL};
    pa_model found = {.d_model = find_size(root, d_model),
                      .n_layers = find_size(root, layers),
                      .n_heads = find_size(root, heads),
                      .n_kv_heads = find_size(root, kv_heads)};
    find_positions(root, &found);
    pa_model_fill(model, &found);
    pa_model_settle(model);
}

pa_status pa_model_config_read(pa_context *ctx, const char *path, pa_model *model, pa_error *err)
{
    pa_status status = PA_OK;
    pa_path_kind kind = PA_PATH_NONE;
    pa_error why = {0};
    pa_yaml *yaml = NULL;
    pa_text file = {.mem = &ctx->mem};
    const char *slash = strrchr(path, '/');
    PA_TRY(pa_path_look(path, &kind, err));
    if (kind == PA_PATH_DIRECTORY) {
        PA_TRY(pa_text_printf(&file, err, "%s/config.json", path));
    } else {
        PA_TRY(pa_text_printf(&file, err, "%.*sconfig.json", slash != NULL ? (int)(slash + 1 - path) : 0, path));
    }
    status = pa_yaml_load(&ctx->mem, file.data, &yaml, &why);
    if (status == PA_OK) {
        fill_model(pa_yaml_root(yaml), model);
    } else if (status == PA_ERR_NOMEM) {
        PA_TRY(pa_fail_nomem(err, "the sizes of a model"));
    } else if (status != PA_ERR_NOT_FOUND) {
        pa_log(ctx, PA_LOG_WARNING, "%s; the sizes of the model are not known from it", why.message);
    }
    status = PA_OK;

cleanup:
    pa_yaml_destroy(yaml);
    pa_text_free(&file);
    return status;
}
