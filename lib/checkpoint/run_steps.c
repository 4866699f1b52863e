/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a run as checkpoints: which files they have, here or elsewhere. */
#include "base/alloc.h"
#include "base/arena.h"
#include "base/system.h"
#include "base/text.h"
#include "checkpoint/reading.h"
#include "checkpoint/run_impl.h"

/* How many steps an error lists. */
enum { MAX_LISTED = 40 };

pa_status pa_run_step_path(const pa_run *run, int64_t step, pa_text *out, pa_error *err)
{
    for (int64_t i = 0; run->places != NULL && i < run->n_steps; i++) {
        if (run->places[i].step == step) {
            return pa_text_append(out, run->places[i].path, err);
        }
    }
    return pa_text_printf(out, err, "%s/step_%lld", run->checkpoints, (long long)step);
}

static pa_status check_step(const pa_run *run, int64_t step, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text list = {.mem = &run->ctx->mem};
    for (int64_t i = 0; i < run->n_steps; i++) {
        if (run->steps[i] == step) {
            return PA_OK;
        }
    }
    for (int64_t i = 0; i < run->n_steps && i < MAX_LISTED; i++) {
        PA_TRY(pa_text_printf(&list, err, "%s%lld", i > 0 ? ", " : "", (long long)run->steps[i]));
    }
    if (run->n_steps > MAX_LISTED) {
        PA_TRY(pa_text_printf(&list, err, " ... %lld", (long long)run->steps[run->n_steps - 1]));
    }
    status = pa_fail(err, PA_ERR_NOT_FOUND, "%s: there is no step %lld; steps are %s", run->path, (long long)step,
                     list.data);

cleanup:
    pa_text_free(&list);
    return status;
}

/* Below the step's directory. */
static pa_status file_name(const pa_run *run, const char *split, pa_kind kind, pa_text *out, pa_error *err)
{
    return pa_text_printf(out, err, "%s/%s_%s.pt", run->learning_dynamics, split, pa_kind_name(kind));
}

/* Noted, to be fetched when it is asked for. */
static pa_status note_if_there(const pa_run *run, pa_checkpoint *checkpoint, const char *split, pa_kind kind,
                               pa_error *err)
{
    pa_status status = PA_OK;
    int there = 0;
    pa_text name = {.mem = &run->ctx->mem};
    PA_TRY(file_name(run, split, kind, &name, err));
    const pa_remote_file file = {checkpoint->step, split, name.data};
    PA_TRY(run->remote->has(run->remote, &file, &there, err));
    if (there) {
        PA_TRY(pa_distant_add(checkpoint, split, kind, name.data, err));
    }

cleanup:
    pa_text_free(&name);
    return status;
}

static pa_status add_if_there(const pa_run *run, pa_checkpoint *checkpoint, const char *split, pa_kind kind,
                              pa_error *err)
{
    pa_status status = PA_OK;
    pa_path_kind there = PA_PATH_NONE;
    pa_text path = {.mem = &run->ctx->mem};
    PA_TRY(pa_run_step_path(run, checkpoint->step, &path, err));
    PA_TRY(pa_text_append(&path, "/", err));
    PA_TRY(file_name(run, split, kind, &path, err));
    PA_TRY(pa_path_look(path.data, &there, err));
    if (there != PA_PATH_NONE) {
        PA_TRY(pa_checkpoint_add_file(checkpoint, split, kind, path.data, err));
    }

cleanup:
    pa_text_free(&path);
    return status;
}

pa_status pa_run_checkpoint(const pa_run *run, int64_t step, pa_checkpoint **out, pa_error *err)
{
    static const char *const splits[] = {"train", "val"};
    pa_status status = PA_OK;
    pa_checkpoint *checkpoint = NULL;
    pa_text folder = {0};
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_run_checkpoint: out is NULL");
    *out = NULL;
    PA_REQUIRE(run != NULL, err, PA_ERR_INVALID, "pa_run_checkpoint: run is NULL");
    folder.mem = &run->ctx->mem;
    PA_TRY(check_step(run, step, err));
    PA_TRY(pa_checkpoint_start(run->ctx, step, &run->model, &checkpoint, err));
    checkpoint->reading = pa_reading_retain(run->reading);
    if (run->remote != NULL) {
        checkpoint->remote = pa_remote_retain(run->remote);
        PA_TRY(run->remote->begin(run->remote, step, err));
    }
    for (int i = 0; run->places == NULL && i < 2; i++) {
        for (pa_kind kind = 0; kind < PA_N_KINDS; kind++) {
            PA_TRY(run->remote != NULL ? note_if_there(run, checkpoint, splits[i], kind, err)
                                       : add_if_there(run, checkpoint, splits[i], kind, err));
        }
    }
    pa_checkpoint_sort(checkpoint);
    PA_TRY(run->remote != NULL ? pa_text_append(&folder, run->path, err) : pa_run_step_path(run, step, &folder, err));
    PA_TRY(pa_state_dict_locate(checkpoint, folder.data, err));
    *out = checkpoint;
    checkpoint = NULL;

cleanup:
    if (folder.mem != NULL) {
        pa_text_free(&folder);
    }
    pa_checkpoint_destroy(checkpoint);
    return status;
}

pa_status pa_run_identify(const pa_run *run, int64_t step, pa_text *out, pa_error *err)
{
    return run->remote != NULL ? run->remote->identify(run->remote, step, out, err) : PA_OK;
}

pa_status pa_run_fetch(const pa_run *run, const pa_run_file *files, int64_t n_files, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &run->ctx->mem;
    pa_arena names = {.mem = mem};
    pa_text name = {.mem = mem};
    pa_remote_file *wanted = NULL;
    if (run->remote == NULL) {
        return PA_OK;
    }
    wanted = pa_alloc(mem, n_files, sizeof(*wanted));
    PA_REQUIRE_MEMORY(wanted, err, "the names of files");
    for (int64_t i = 0; i < n_files; i++) {
        name.length = 0;
        PA_TRY(file_name(run, files[i].split, files[i].kind, &name, err));
        wanted[i] = (pa_remote_file){files[i].step, files[i].split, pa_arena_strdup(&names, name.data)};
        PA_REQUIRE_MEMORY(wanted[i].name, err, "the names of files");
    }
    PA_TRY(run->remote->fetch_all(run->remote, wanted, n_files, err));

cleanup:
    pa_free(mem, wanted);
    pa_text_free(&name);
    pa_arena_free(&names);
    return status;
}
