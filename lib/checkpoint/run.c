/* SPDX-License-Identifier: Apache-2.0 */
/* Directories as pico-train writes them. */
#include <picoanalyze/checkpoint.h>

#include <string.h>

#include "base/alloc.h"
#include "base/sort.h"
#include "base/system.h"
#include "base/text.h"
#include "checkpoint/model_config.h"
#include "checkpoint/reading.h"
#include "checkpoint/run_config.h"
#include "checkpoint/run_impl.h"

/** @name Where it is and what it is
 * @{ */

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

static pa_status join(const pa_allocator *mem, const char *a, const char *b, char **out, pa_error *err)
{
    pa_text text = {.mem = mem};
    const pa_status status = pa_text_printf(&text, err, "%s/%s", a, b);
    if (status == PA_OK) {
        *out = text.data;
    } else {
        pa_text_free(&text);
    }
    return status;
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

static pa_status read_config(pa_run *run, const char *path, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &run->ctx->mem;
    pa_run_config config = {.name = NULL};
    PA_TRY(pa_run_config_read(mem, path, &config, err));
    pa_model_fill(&run->model, &config.model);
    pa_model_settle(&run->model);
    run->n_processes = config.n_processes;
    if (run->reading->options.unscramble) {
        PA_TRY(check_unscramble(path, &config, err));
        run->reading->batch = config.batch;
    }
    run->name = config.name != NULL   ? pa_strdup(mem, config.name)
                : run->remote != NULL ? pa_strdup(mem, run->remote->fallback)
                                      : directory_name(run);
    PA_REQUIRE_MEMORY(run->name, err, "the name of a run");
    PA_TRY(join(mem, run->path, config.checkpoints, &run->checkpoints, err));
    run->learning_dynamics = pa_strdup(mem, config.learning_dynamics);
    PA_REQUIRE_MEMORY(run->learning_dynamics, err, "the name of a directory");

cleanup:
    pa_run_config_free(mem, &config);
    return status;
}
/** @} */

/** @name Steps
 * @{ */

/* The number in "step_<n>" as it is printed, so that the directory can be found again; -1 for any other name. */
static int64_t parse_step(const char *name)
{
    if (strncmp(name, "step_", 5) != 0 || name[5] == '\0' || (name[5] == '0' && name[6] != '\0')) {
        return -1;
    }
    int64_t step = 0;
    for (const char *c = name + 5; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || step > (INT64_MAX - 9) / 10) {
            return -1;
        }
        step = 10 * step + (*c - '0');
    }
    return step;
}

static pa_status is_step_directory(const pa_run *run, int64_t step, int *out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_path_kind kind = PA_PATH_NONE;
    pa_text path = {.mem = &run->ctx->mem};
    PA_TRY(pa_run_step_path(run, step, &path, err));
    PA_TRY(pa_path_look(path.data, &kind, err));
    *out = kind == PA_PATH_DIRECTORY;

cleanup:
    pa_text_free(&path);
    return status;
}

static int compare_numbers(const void *items, int64_t a, int64_t b)
{
    (void)items; /* the "element numbers" are the steps themselves */
    return (a > b) - (a < b);
}

static pa_status list_steps(pa_run *run, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t capacity = 0;
    DIR *directory = NULL;
    const char *name = NULL;
    PA_TRY(pa_listing_open(run->checkpoints, &directory, err));
    PA_TRY(pa_listing_next(directory, run->checkpoints, &name, err));
    while (name != NULL) {
        const int64_t step = parse_step(name);
        int is_directory = 0;
        if (step >= 0) {
            PA_TRY(is_step_directory(run, step, &is_directory, err));
        }
        if (is_directory) {
            int64_t *grown = pa_array_grow(&run->ctx->mem, run->steps, &capacity, run->n_steps + 1, sizeof(*grown));
            PA_REQUIRE_MEMORY(grown, err, "the steps of a run");
            run->steps = grown;
            run->steps[run->n_steps++] = step;
        }
        PA_TRY(pa_listing_next(directory, run->checkpoints, &name, err));
    }
    PA_REQUIRE(run->n_steps > 0, err, PA_ERR_NOT_FOUND, "%s: there is no directory step_<N> in it", run->checkpoints);
    pa_sort_order(run->steps, run->n_steps, compare_numbers, NULL);

cleanup:
    if (directory != NULL) {
        (void)closedir(directory);
    }
    return status;
}

/** @} */

/** @name Opening
 * @{ */

/* One more than the last layer that a weight of the first step is of. */
static pa_status count_layers(pa_run *run, pa_error *err)
{
    pa_status status = PA_OK;
    pa_checkpoint *checkpoint = NULL;
    const pa_checkpoint *dict = NULL;
    PA_TRY(pa_run_checkpoint(run, run->steps[0], &checkpoint, err));
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
    run->name = directory_name(run);
    PA_REQUIRE_MEMORY(run->name, err, "the name of a run");
    PA_TRY(pa_layout_list(ctx, run->path, run->reading->options.layout, &run->places, &run->n_steps, err));
    run->steps = pa_alloc(&ctx->mem, run->n_steps, sizeof(*run->steps));
    PA_REQUIRE_MEMORY(run->steps, err, "the steps of a run");
    for (int64_t i = 0; i < run->n_steps; i++) {
        run->steps[i] = run->places[i].step;
    }
    PA_TRY(pa_model_config_read(ctx, run->places[0].path, &run->model, err));
    PA_TRY(pa_model_config_read(ctx, run->path, &run->model, err));
    pa_model_settle(&run->model);
    if (run->model.n_layers == 0) {
        PA_TRY(count_layers(run, err));
    }

cleanup:
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
    char *config = NULL;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_run_open: out is NULL");
    *out = NULL;
    PA_REQUIRE(ctx != NULL && path != NULL, err, PA_ERR_INVALID, "pa_run_open: ctx or path is NULL");
    PA_TRY(pa_path_look(path, &kind, err));
    PA_REQUIRE(kind != PA_PATH_NONE, err, PA_ERR_NOT_FOUND, "%s: no such directory", path);
    PA_REQUIRE(kind == PA_PATH_DIRECTORY, err, PA_ERR_NOT_FOUND, "%s: is a file, not the directory of a run", path);
    PA_TRY(start(ctx, path, options, &run, err));
    if (run->reading->options.layout[0] != '\0') {
        PA_TRY(read_layout(run, err));
    } else {
        PA_TRY(join(&ctx->mem, path, "training_config.yaml", &config, err));
        PA_TRY(pa_path_look(config, &kind, err));
        PA_REQUIRE(kind != PA_PATH_NONE, err, PA_ERR_NOT_FOUND,
                   "%s: no such file; checkpoints that pico-train did not write need a layout", config);
        PA_TRY(read_config(run, config, err));
        PA_TRY(list_steps(run, err));
    }
    *out = run;
    run = NULL;

cleanup:
    if (config != NULL) {
        pa_free(&ctx->mem, config);
    }
    pa_run_destroy(run);
    return status;
}

pa_status pa_run_open_remote(pa_context *ctx, pa_remote *remote, const pa_run_options *options, pa_run **out,
                             pa_error *err)
{
    pa_status status = PA_OK;
    pa_run *run = NULL;
    *out = NULL;
    PA_TRY(start(ctx, remote->where, options, &run, err));
    PA_REQUIRE(run->reading->options.layout[0] == '\0', err, PA_ERR_CONFIG,
               "%s: a layout is for directories that pico-train did not write", remote->where);
    run->remote = pa_remote_retain(remote);
    PA_TRY(read_config(run, remote->config_path, err));
    run->steps = pa_alloc(&ctx->mem, remote->n_steps, sizeof(*run->steps));
    PA_REQUIRE_MEMORY(run->steps, err, "the steps of a run");
    memcpy(run->steps, remote->steps, (size_t)remote->n_steps * sizeof(*run->steps));
    run->n_steps = remote->n_steps;
    *out = run;
    run = NULL;

cleanup:
    pa_run_destroy(run);
    return status;
}
/** @} */

void pa_run_destroy(pa_run *run)
{
    if (run != NULL) {
        const pa_allocator *mem = &run->ctx->mem;
        pa_remote_release(run->remote);
        pa_free(mem, run->path);
        pa_reading_release(run->reading);
        pa_free(mem, run->name);
        pa_free(mem, run->checkpoints);
        pa_free(mem, run->learning_dynamics);
        pa_layout_free(run->ctx, run->places, run->n_steps);
        pa_free(mem, run->steps);
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
    *count = run->n_steps;
    return run->steps;
}
