/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a run as checkpoints: which files they have. */
#include "base/alloc.h"
#include "checkpoint/reading.h"
#include "checkpoint/run_impl.h"

/* How many steps an error lists. */
enum { MAX_LISTED = 40 };

static pa_status check_step(const pa_run *run, int64_t step, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text list = {.mem = &run->ctx->mem};
    for (int64_t i = 0; i < run->origin->n_steps; i++) {
        if (run->origin->steps[i] == step) {
            return PA_OK;
        }
    }
    for (int64_t i = 0; i < run->origin->n_steps && i < MAX_LISTED; i++) {
        PA_TRY(pa_text_printf(&list, err, "%s%lld", i > 0 ? ", " : "", (long long)run->origin->steps[i]));
    }
    if (run->origin->n_steps > MAX_LISTED) {
        PA_TRY(pa_text_printf(&list, err, " ... %lld", (long long)run->origin->steps[run->origin->n_steps - 1]));
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

/* Damage of a file that is here is told at once, one that is not is fetched when it is asked for. */
static pa_status add_if_there(const pa_run *run, pa_checkpoint *checkpoint, const char *split, pa_kind kind,
                              pa_error *err)
{
    pa_status status = PA_OK;
    int there = 0;
    pa_step_file *file = NULL;
    const pa_checkpoint *opened = NULL;
    pa_text name = {.mem = &run->ctx->mem};
    PA_TRY(file_name(run, split, kind, &name, err));
    const pa_origin_file wanted = {checkpoint->step, split, name.data};
    PA_TRY(run->origin->has(run->origin, &wanted, &there, err));
    if (there) {
        PA_TRY(pa_step_file_add(checkpoint, split, kind, name.data, &file, err));
    }
    if (there && run->origin->fetch_all == NULL) {
        PA_TRY(pa_step_file_open(checkpoint, file, &opened, err));
        file->listed = 1;
    }

cleanup:
    pa_text_free(&name);
    return status;
}

pa_status pa_run_checkpoint(const pa_run *run, int64_t step, pa_checkpoint **out, pa_error *err)
{
    static const char *const splits[] = {"train", "val"};
    pa_status status = PA_OK;
    pa_checkpoint *checkpoint = NULL;
    const char *state_dict = NULL;
    PA_REQUIRE(out != NULL, err, PA_ERR_INVALID, "pa_run_checkpoint: out is NULL");
    *out = NULL;
    PA_REQUIRE(run != NULL, err, PA_ERR_INVALID, "pa_run_checkpoint: run is NULL");
    PA_TRY(check_step(run, step, err));
    PA_TRY(pa_checkpoint_start(run->ctx, step, &run->model, &checkpoint, err));
    checkpoint->reading = pa_reading_retain(run->reading);
    checkpoint->origin = pa_origin_retain(run->origin);
    for (int i = 0; run->learning_dynamics != NULL && i < 2; i++) {
        for (pa_kind kind = 0; kind < PA_N_KINDS; kind++) {
            PA_TRY(add_if_there(run, checkpoint, splits[i], kind, err));
        }
    }
    PA_TRY(pa_state_dict_find(run->origin, step, &state_dict, err));
    if (state_dict != NULL) {
        PA_TRY(pa_step_file_add(checkpoint, "", PA_WEIGHTS, state_dict, &checkpoint->state_dict, err));
    }
    *out = checkpoint;
    checkpoint = NULL;

cleanup:
    pa_checkpoint_destroy(checkpoint);
    return status;
}

pa_status pa_run_identify(const pa_run *run, int64_t step, pa_text *out, pa_error *err)
{
    return run->origin->identify != NULL ? run->origin->identify(run->origin, step, out, err) : PA_OK;
}

pa_status pa_run_fetch(const pa_run *run, const pa_run_file *files, int64_t n_files, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &run->ctx->mem;
    pa_arena names = {.mem = mem};
    pa_text name = {.mem = mem};
    pa_origin_file *wanted = NULL;
    if (run->origin->fetch_all == NULL) {
        return PA_OK;
    }
    wanted = pa_alloc(mem, n_files, sizeof(*wanted));
    PA_REQUIRE_MEMORY(wanted, err, "the names of files");
    for (int64_t i = 0; i < n_files; i++) {
        name.length = 0;
        PA_TRY(file_name(run, files[i].split, files[i].kind, &name, err));
        wanted[i] = (pa_origin_file){files[i].step, files[i].split, pa_arena_strdup(&names, name.data)};
        PA_REQUIRE_MEMORY(wanted[i].name, err, "the names of files");
    }
    PA_TRY(run->origin->fetch_all(run->origin, wanted, n_files, err));

cleanup:
    pa_free(mem, wanted);
    pa_text_free(&name);
    pa_arena_free(&names);
    return status;
}
