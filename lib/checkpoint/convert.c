/* SPDX-License-Identifier: Apache-2.0 */
#include <picoanalyze/convert.h>

#include <string.h>

#include "base/system.h"
#include "base/text.h"
#include "checkpoint/checkpoint_impl.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/safetensors_write.h"

static pa_status read_options(const pa_convert_options *given, pa_convert_options *out, pa_error *err)
{
    if (given != NULL && given->struct_size < sizeof(*given)) {
        return pa_fail(err, PA_ERR_INVALID, "pa_convert_options: struct_size %zu, at least %zu", given->struct_size,
                       sizeof(*given));
    }
    *out = given != NULL ? *given : (pa_convert_options){.struct_size = sizeof(*out)};
    return PA_OK;
}

/* The one file that all tensors come from. */
static pa_status find_archive(const pa_checkpoint *checkpoint, const pa_archive **out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(!checkpoint->in_memory, err, PA_ERR_INVALID,
               "the checkpoint is in memory: only one that was read from a file can be converted");
    PA_REQUIRE(checkpoint->archive != NULL, err, PA_ERR_UNSUPPORTED,
               "step %lld of a run is several files that may use the same names: convert them one by one",
               (long long)checkpoint->step);
    *out = checkpoint->archive;

cleanup:
    return status;
}

/* Renaming would replace a device or a pipe, which nobody means. */
static pa_status check_target(const char *path, int overwrite, pa_error *err)
{
    pa_status status = PA_OK;
    pa_path_kind kind = PA_PATH_NONE;
    PA_TRY(pa_path_look(path, &kind, err));
    if (kind != PA_PATH_NONE) {
        PA_REQUIRE(kind == PA_PATH_FILE, err, PA_ERR_UNSUPPORTED, "%s: is not a regular file", path);
        PA_REQUIRE(overwrite, err, PA_ERR_EXISTS, "%s: exists already", path);
    }

cleanup:
    return status;
}

/* What is no tensor is counted, a tensor that cannot be read is named. */
static pa_status warn_of_omissions(const pa_archive *archive, pa_error *err)
{
    enum { MAX_NAMED = 16 };
    pa_status status = PA_OK;
    pa_text text = {.mem = &archive->ctx->mem};
    if (archive->skipped == 0) {
        return PA_OK;
    }
    PA_TRY(pa_text_printf(&text, err,
                          "%s: entries that are no tensors of a type that can be read, and are left out: %lld",
                          pa_file_path(archive->file), (long long)archive->skipped));
    for (int64_t i = 0; i < archive->n_omissions && i <= MAX_NAMED; i++) {
        char shown[PA_PRINTABLE_SIZE];
        const pa_archive_omission *o = &archive->omissions[i];
        PA_TRY(pa_text_append(&text, i == 0 ? ", among them " : ", ", err));
        if (i == MAX_NAMED) {
            PA_TRY(pa_text_append(&text, "...", err));
        } else {
            PA_TRY(pa_text_printf(&text, err, "'%s' (%s)", pa_printable(shown, o->name, (int64_t)strlen(o->name)),
                                  o->what));
        }
    }
    pa_log(archive->ctx, PA_LOG_WARNING, "%s", text.data);

cleanup:
    pa_text_free(&text);
    return status;
}

pa_status pa_checkpoint_convert(const pa_checkpoint *checkpoint, const char *path, const pa_convert_options *options,
                                pa_error *err)
{
    pa_status status = PA_OK;
    pa_convert_options how;
    const pa_archive *archive = NULL;
    pa_output *output = NULL;
    PA_REQUIRE(checkpoint != NULL && path != NULL && path[0] != '\0', err, PA_ERR_INVALID,
               "pa_checkpoint_convert: an argument is NULL, or the path is \"\"");
    PA_TRY(read_options(options, &how, err));
    PA_TRY(find_archive(checkpoint, &archive, err));
    PA_TRY(check_target(path, how.overwrite, err));
    PA_TRY(warn_of_omissions(archive, err));
    PA_TRY(pa_output_create(&checkpoint->ctx->mem, &output, err));
    PA_TRY(pa_output_begin(output, path, err));
    PA_TRY(pa_safetensors_write(archive, &how, output, err));
    PA_TRY(pa_output_end(output, err));
    PA_TRY(check_target(path, how.overwrite, err)); /* somebody may have written it meanwhile */
    PA_TRY(pa_output_commit(output, err));

cleanup:
    pa_output_destroy(output);
    return status;
}
