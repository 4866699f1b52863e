/* SPDX-License-Identifier: Apache-2.0 */
/* Directories as pico-train writes them. */
#include <picoanalyze/checkpoint.h>

#include <string.h>

#include "base/alloc.h"
#include "base/system.h"
#include "checkpoint/layout.h"
#include "checkpoint/model_config.h"
#include "checkpoint/reading.h"
#include "checkpoint/run_config.h"
#include "checkpoint/run_impl.h"

/* The last component of the run's path, without slashes at its end. */
static char *directory_name(const pa_run *run)
{
    const char *path = run->path;
    int64_t end = (int64_t)strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    int64_t begin = end;
    while (begin > 0 && path[begin - 1] != '/') {
        begin--;
    }
    return pa_strndup(&run->ctx->mem, path + begin, end - begin);
}

/* Rows that are in order would be mixed up by it. Whoever asks for it knows, where the configuration does not say. */
static pa_status check_unscramble(const char *path, const pa_run_config *config, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(config->n_processes <= 1, err, PA_ERR_CONFIG,
               "%s: unscramble: %lld processes wrote the run (num_devices, num_nodes), so its rows are in order", path,
               (long long)config->n_processes);
    PA_REQUIRE(config->batch > 0, err, PA_ERR_CONFIG,
               "%s: unscramble: checkpointing.learning_dynamics.batch_size does not say how many samples were together",
               path);

cleanup:
    return status;
}

/* The steps are below the run, where it is none of elsewhere: then `name` is NULL. */
static pa_status read_config(pa_run *run, const char *path, const char *name, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &run->ctx->mem;
    pa_run_config config = {.name = NULL};
    pa_text checkpoints = {.mem = mem};
    PA_TRY(pa_run_config_read(mem, path, &config, err));
    pa_model_fill(&run->model, &config.model);
    pa_model_settle(&run->model);
    run->n_processes = config.n_processes;
    if (run->reading->options.unscramble) {
        PA_TRY(check_unscramble(path, &config, err));
        run->reading->batch = config.batch;
    }
    name = config.name != NULL ? config.name : name;
    run->name = name != NULL ? pa_strdup(mem, name) : directory_name(run);
    PA_REQUIRE_MEMORY(run->name, err, "the name of a run");
    run->learning_dynamics = pa_strdup(mem, config.learning_dynamics);
    PA_REQUIRE_MEMORY(run->learning_dynamics, err, "the name of a directory");
    if (run->origin == NULL) {
        PA_TRY(pa_text_printf(&checkpoints, err, "%s/%s", run->path, config.checkpoints));
        PA_TRY(pa_pico_list(mem, checkpoints.data, &run->origin, err));
        PA_REQUIRE(run->origin->n_steps > 0, err, PA_ERR_NOT_FOUND, "%s: there is no directory step_<N> in it",
                   checkpoints.data);
    }

cleanup:
    pa_run_config_free(mem, &config);
    pa_text_free(&checkpoints);
    return status;
}

static pa_status read_pico(pa_run *run, pa_error *err)
{
    pa_status status = PA_OK;
    pa_path_kind kind = PA_PATH_NONE;
    pa_text config = {.mem = &run->ctx->mem};
    PA_TRY(pa_text_printf(&config, err, "%s/training_config.yaml", run->path));
    PA_TRY(pa_path_look(config.data, &kind, err));
    PA_REQUIRE(kind != PA_PATH_NONE, err, PA_ERR_NOT_FOUND,
               "%s: no such file; checkpoints that pico-train did not write need a layout", config.data);
    PA_TRY(read_config(run, config.data, NULL, err));

cleanup:
    pa_text_free(&config);
    return status;
}

/* One more than the last layer that a weight of the first step is of. */
static pa_status count_layers(pa_run *run, pa_error *err)
{
    pa_status status = PA_OK;
    pa_checkpoint *checkpoint = NULL;
    const pa_checkpoint *dict = NULL;
    PA_TRY(pa_run_checkpoint(run, run->origin->steps[0], &checkpoint, err));
    PA_TRY(pa_checkpoint_state_dict(checkpoint, &dict, err));
    for (int64_t i = 0; dict != NULL && i < dict->count; i++) {
        const int64_t n = dict->entries[i].layer + 1;
        run->model.n_layers = n > run->model.n_layers && n <= INT32_MAX ? n : run->model.n_layers;
    }

cleanup:
    pa_checkpoint_destroy(checkpoint);
    return status;
}

static pa_status read_layout(pa_run *run, pa_error *err)
{
    pa_status status = PA_OK;
    pa_context *ctx = run->ctx;
    pa_text first = {.mem = &ctx->mem};
    run->name = directory_name(run);
    PA_REQUIRE_MEMORY(run->name, err, "the name of a run");
    PA_TRY(pa_layout_list(&ctx->mem, run->path, run->reading->options.layout, &run->origin, err));
    PA_REQUIRE(run->origin->n_steps > 0, err, PA_ERR_NOT_FOUND, "%s: nothing in it matches the layout '%.200s'",
               run->path, run->reading->options.layout);
    PA_TRY(run->origin->where(run->origin, run->origin->steps[0], &first, err));
    PA_TRY(pa_model_config_read(ctx, first.data, &run->model, err));
    PA_TRY(pa_model_config_read(ctx, run->path, &run->model, err));
    pa_model_settle(&run->model);
    if (run->model.n_layers == 0) {
        PA_TRY(count_layers(run, err));
    }

cleanup:
    pa_text_free(&first);
    return status;
}

/* What the files then do not say is known already: sizes that were given. */
static pa_status start(pa_context *ctx, const char *path, const pa_run_options *options, pa_run **out, pa_error *err)
{
    pa_status status = PA_OK;
    *out = NULL;
    pa_run *run = pa_alloc(&ctx->mem, 1, sizeof(*run));
    PA_REQUIRE_MEMORY(run, err, "a run");
    run->ctx = ctx;
    run->path = pa_strdup(&ctx->mem, path);
    PA_REQUIRE_MEMORY(run->path, err, "the path of a run");
    PA_TRY(pa_reading_create(ctx, options, &run->reading, err));
    run->model = run->reading->model;
    *out = run;
    run = NULL;

cleanup:
    pa_run_destroy(run);
    return status;
}

pa_status pa_run_open(pa_context *ctx, const char *path, pa_run **out, pa_error *err)
{
    return pa_run_open_with(ctx, path, NULL, out, err);
}

pa_status pa_run_open_with(pa_context *ctx, const char *path, const pa_run_options *options, pa_run **out,
                           pa_error *err)
{
    pa_status status = PA_OK;
    pa_path_kind kind = PA_PATH_NONE;
    pa_run *run = NULL;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_run_open: out is NULL");
    *out = NULL;
    PA_REQUIRE(ctx != NULL && path != NULL, err, PA_ERR_INVALID, "pa_run_open: ctx or path is NULL");
    PA_TRY(pa_path_look(path, &kind, err));
    PA_REQUIRE(kind != PA_PATH_NONE, err, PA_ERR_NOT_FOUND, "%s: no such directory", path);
    PA_REQUIRE(kind == PA_PATH_DIRECTORY, err, PA_ERR_NOT_FOUND, "%s: is a file, not the directory of a run", path);
    PA_TRY(start(ctx, path, options, &run, err));
    PA_TRY(run->reading->options.layout[0] != '\0' ? read_layout(run, err) : read_pico(run, err));
    *out = run;
    run = NULL;

cleanup:
    pa_run_destroy(run);
    return status;
}

pa_status pa_run_open_origin(pa_context *ctx, pa_origin *origin, const pa_run_papers *papers,
                             const pa_run_options *options, pa_run **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_run *run = NULL;
    *out = NULL;
    PA_TRY(start(ctx, papers->path, options, &run, err));
    PA_REQUIRE(run->reading->options.layout[0] == '\0', err, PA_ERR_CONFIG,
               "%s: a layout is for directories that pico-train did not write", run->path);
    run->origin = pa_origin_retain(origin);
    PA_TRY(read_config(run, papers->config, papers->name, err));
    *out = run;
    run = NULL;

cleanup:
    pa_run_destroy(run);
    return status;
}

void pa_run_destroy(pa_run *run)
{
    if (run != NULL) {
        const pa_allocator *mem = &run->ctx->mem;
        pa_origin_release(run->origin);
        pa_free(mem, run->path);
        pa_reading_release(run->reading);
        pa_free(mem, run->name);
        pa_free(mem, run->learning_dynamics);
        pa_free(mem, run);
    }
}

const char *pa_run_name(const pa_run *run)
{
    return run->name;
}

const char *pa_run_path(const pa_run *run)
{
    return run->path;
}

int32_t pa_run_is_single_process(const pa_run *run)
{
    return run->n_processes == 1;
}

int64_t pa_run_unscrambled_batch(const pa_run *run)
{
    return run->reading->batch;
}

const pa_run_options *pa_run_opened_with(const pa_run *run)
{
    return &run->reading->options;
}

const pa_model *pa_run_model(const pa_run *run)
{
    return &run->model;
}

const int64_t *pa_run_steps(const pa_run *run, int64_t *count)
{
    *count = run->origin->n_steps;
    return run->origin->steps;
}
