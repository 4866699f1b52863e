/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors that are in the files of a checkpoint and cannot be read: they are told, and hide none of the others. */
#include <string.h>

#include "checkpoint/checkpoint_impl.h"
#include "checkpoint/formats/bytes.h"

int64_t pa_checkpoint_omitted_count(const pa_checkpoint *checkpoint)
{
    int64_t count = checkpoint->archive != NULL ? checkpoint->archive->n_omissions : 0;
    for (const pa_step_file *file = checkpoint->files; file != NULL; file = file->next) {
        count += file->listed ? pa_checkpoint_omitted_count(file->opened) : 0;
    }
    return count;
}

pa_status pa_checkpoint_omitted(const pa_checkpoint *checkpoint, int64_t index, pa_omitted_info *out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(checkpoint != NULL && out != NULL, err, PA_ERR_INVALID, "pa_checkpoint_omitted: an argument is NULL");
    PA_REQUIRE(out->struct_size >= sizeof(*out), err, PA_ERR_INVALID, "pa_omitted_info: struct_size %zu, at least %zu",
               out->struct_size, sizeof(*out));
    PA_REQUIRE(index >= 0 && index < pa_checkpoint_omitted_count(checkpoint), err, PA_ERR_INVALID,
               "omitted tensor %lld, there are %lld", (long long)index,
               (long long)pa_checkpoint_omitted_count(checkpoint));
    for (const pa_step_file *file = checkpoint->files; file != NULL; file = file->next) {
        const int64_t n = file->listed ? pa_checkpoint_omitted_count(file->opened) : 0;
        if (index < n) {
            return pa_checkpoint_omitted(file->opened, index, out, err);
        }
        index -= n;
    }
    out->split = checkpoint->groups[0].split;
    out->kind = checkpoint->groups[0].kind;
    out->name = checkpoint->archive->omissions[index].name;
    out->what = checkpoint->archive->omissions[index].what;
    out->reserved = 0;

cleanup:
    return status;
}

pa_status pa_checkpoint_check_omitted(const pa_checkpoint *checkpoint, int64_t layer, const char *suffix, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE];
    const size_t length = strlen(suffix);
    const pa_archive *archive = checkpoint->archive;
    for (int64_t i = 0; archive != NULL && i < archive->n_omissions; i++) {
        int64_t its_layer = -1;
        const char *name = archive->omissions[i].name;
        const char *its_suffix = pa_tensor_name_suffix(name, &its_layer);
        const int is_it = its_layer == layer && strncmp(its_suffix, suffix, length) == 0 &&
                          (its_suffix[length] == '\0' || strcmp(its_suffix + length, ".weight") == 0);
        PA_REQUIRE(!is_it, err, PA_ERR_UNSUPPORTED, "'%s' cannot be read: %s",
                   pa_printable(shown, name, (int64_t)strlen(name)), archive->omissions[i].what);
    }

cleanup:
    return status;
}
