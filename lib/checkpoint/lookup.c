/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a tensor of a checkpoint, and saying what there is when it is not there. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "checkpoint/checkpoint_impl.h"

static const char optional_end[] = ".weight";

int64_t pa_checkpoint_find_group(const pa_checkpoint *checkpoint, const char *split, pa_kind kind)
{
    for (int64_t i = 0; i < checkpoint->n_groups; i++) {
        if (checkpoint->groups[i].kind == kind && strcmp(checkpoint->groups[i].split, split) == 0) {
            return i;
        }
    }
    return -1;
}

static int compare_keys(const pa_entry *entry, int64_t group, int64_t layer, const char *suffix)
{
    if (entry->group != group) {
        return entry->group < group ? -1 : 1;
    }
    if (entry->layer != layer) {
        return entry->layer < layer ? -1 : 1;
    }
    return strcmp(entry->suffix, suffix);
}

int pa_entry_compare(const void *items, int64_t a, int64_t b)
{
    const pa_entry *entries = items;
    const int order = compare_keys(&entries[a], entries[b].group, entries[b].layer, entries[b].suffix);
    return order != 0 ? order : (a > b) - (a < b);
}

int64_t pa_checkpoint_place(const pa_checkpoint *checkpoint, int64_t group, int64_t layer, const char *suffix)
{
    int64_t low = 0;
    int64_t high = checkpoint->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (compare_keys(&checkpoint->entries[checkpoint->order[middle]], group, layer, suffix) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int pa_checkpoint_matches(const pa_checkpoint *checkpoint, int64_t place, int64_t group, int64_t layer,
                          const char *suffix)
{
    return place < checkpoint->count &&
           compare_keys(&checkpoint->entries[checkpoint->order[place]], group, layer, suffix) == 0;
}

static int ends_with(const char *text, size_t length, const char *end, size_t end_length)
{
    return length > end_length && text[length - end_length - 1] == '.' &&
           strncmp(text + length - end_length, end, end_length) == 0;
}

/* A tensor of no layer by the end of its name: what comes before is the name of the model. The first one, or -1. */
static int64_t find_by_end(const pa_checkpoint *checkpoint, int64_t group, const char *end)
{
    const size_t end_length = strlen(end);
    const size_t optional = strlen(optional_end);
    int64_t place = pa_checkpoint_place(checkpoint, group, -1, "");
    for (; place < checkpoint->count; place++) {
        const pa_entry *entry = &checkpoint->entries[checkpoint->order[place]];
        if (entry->group != group || entry->layer != -1) {
            break;
        }
        const size_t length = strlen(entry->suffix);
        const int longer = length > optional && strcmp(entry->suffix + length - optional, optional_end) == 0;
        if (ends_with(entry->suffix, length, end, end_length) ||
            (longer && ends_with(entry->suffix, length - optional, end, end_length))) {
            return place;
        }
    }
    return -1;
}

/* The suffix as it is, or with the end that requests may leave out, or without what requests may leave out before it. */
static pa_status find_place(const pa_checkpoint *checkpoint, int64_t group, int64_t layer, const char *suffix,
                            int64_t *place, pa_error *err)
{
    pa_status status = PA_OK;
    pa_text longer = {.mem = &checkpoint->ctx->mem};
    *place = pa_checkpoint_place(checkpoint, group, layer, suffix);
    if (pa_checkpoint_matches(checkpoint, *place, group, layer, suffix)) {
        goto cleanup;
    }
    PA_TRY(pa_text_append(&longer, suffix, err));
    PA_TRY(pa_text_append(&longer, optional_end, err));
    *place = pa_checkpoint_place(checkpoint, group, layer, longer.data);
    if (!pa_checkpoint_matches(checkpoint, *place, group, layer, longer.data)) {
        *place = layer == -1 && suffix[0] != '\0' ? find_by_end(checkpoint, group, suffix) : -1;
    }

cleanup:
    pa_text_free(&longer);
    return status;
}

/* "val activations" or, for a single file, "activations". */
static void describe(const pa_checkpoint *checkpoint, const char *split, pa_kind kind, char *out, size_t size)
{
    char step[40] = "";
    if (checkpoint->step >= 0) {
        (void)snprintf(step, sizeof(step), "step %lld: ", (long long)checkpoint->step);
    }
    (void)snprintf(out, size, "%s%s%s%s", step, split, split[0] != '\0' ? " " : "", pa_kind_name(kind));
}

static pa_status fail_no_group(const pa_checkpoint *checkpoint, const char *what, pa_error *err)
{
    pa_text list = {.mem = &checkpoint->ctx->mem};
    pa_status status = PA_OK;
    for (int64_t i = 0; i < checkpoint->n_groups && status == PA_OK; i++) {
        const pa_group *group = &checkpoint->groups[i];
        status = pa_text_printf(&list, err, "%s%s%s%s", i > 0 ? ", " : "", group->split,
                                group->split[0] != '\0' ? " " : "", pa_kind_name(group->kind));
    }
    for (const pa_step_file *file = checkpoint->files; file != checkpoint->state_dict && status == PA_OK;
         file = file->next) {
        status =
            pa_text_printf(&list, err, "%s%s %s", list.length > 0 ? ", " : "", file->split, pa_kind_name(file->kind));
    }
    if (status == PA_OK) {
        status = pa_fail(err, PA_ERR_NOT_FOUND, "%s: there are none, only %s", what,
                         list.data != NULL ? list.data : "an empty checkpoint");
    }
    pa_text_free(&list);
    return status;
}

/* Suffixes of a layer are few; names without a layer may be many: look at a bounded number. */
static pa_status fail_no_suffix(const pa_checkpoint *checkpoint, const char *what, int64_t group, int64_t layer,
                                const char *suffix, pa_error *err)
{
    enum { MAX_CANDIDATES = 4096 };
    pa_status status = PA_OK;
    const char **names = NULL;
    pa_text longer = {.mem = &checkpoint->ctx->mem};
    char where[40] = "";
    const int64_t first = pa_checkpoint_place(checkpoint, group, layer, "");
    int64_t n = 0;
    for (; first + n < checkpoint->count && n < MAX_CANDIDATES; n++) {
        const pa_entry *entry = &checkpoint->entries[checkpoint->order[first + n]];
        if (entry->group != group || entry->layer != layer) {
            break;
        }
    }
    names = pa_alloc(&checkpoint->ctx->mem, n, sizeof(*names));
    PA_REQUIRE_MEMORY(names, err, "the names of tensors");
    for (int64_t i = 0; i < n; i++) {
        names[i] = checkpoint->entries[checkpoint->order[first + i]].suffix;
    }
    PA_TRY(pa_text_printf(&longer, err, "%s%s", suffix, optional_end));
    const char *nearest = pa_nearest(suffix, names, n);
    nearest = nearest == NULL ? pa_nearest(longer.data, names, n) : nearest;
    nearest = nearest == NULL && n > 0 ? names[0] : nearest;
    if (layer >= 0) {
        (void)snprintf(where, sizeof(where), "layer %lld ", (long long)layer);
    }
    status = nearest != NULL ? pa_fail(err, PA_ERR_NOT_FOUND, "%s: %shas no '%s'; the nearest is '%s'", what, where,
                                       suffix, nearest)
                             : pa_fail(err, PA_ERR_NOT_FOUND, "%s: there is no '%s'", what, suffix);

cleanup:
    pa_text_free(&longer);
    pa_free(&checkpoint->ctx->mem, names);
    return status;
}

static pa_status fail_not_found(const pa_checkpoint *checkpoint, const char *what, int64_t group, int64_t layer,
                                const char *suffix, pa_error *err)
{
    if (group < 0) {
        return fail_no_group(checkpoint, what, err);
    }
    const int64_t first = pa_checkpoint_place(checkpoint, group, 0, "");
    const int64_t last = pa_checkpoint_place(checkpoint, group + 1, -1, "") - 1;
    const int64_t place = pa_checkpoint_place(checkpoint, group, layer, "");
    const int has_layer = place < checkpoint->count && checkpoint->entries[checkpoint->order[place]].group == group &&
                          checkpoint->entries[checkpoint->order[place]].layer == layer;
    if (layer >= 0 && !has_layer && first <= last) {
        return pa_fail(err, PA_ERR_NOT_FOUND, "%s: there is no layer %lld; layers are %lld to %lld", what,
                       (long long)layer, (long long)checkpoint->entries[checkpoint->order[first]].layer,
                       (long long)checkpoint->entries[checkpoint->order[last]].layer);
    }
    return fail_no_suffix(checkpoint, what, group, layer, suffix, err);
}

/* An entry of the checkpoint's own; `*out` is NULL when there is none. */
static pa_status find_own(const pa_checkpoint *checkpoint, const char *split, pa_kind kind, int64_t layer,
                          const char *suffix, pa_entry **out, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t place = -1;
    const int64_t group = pa_checkpoint_find_group(checkpoint, split, kind);
    *out = NULL;
    if (group >= 0) {
        PA_TRY(find_place(checkpoint, group, layer, suffix, &place, err));
    }
    if (group >= 0 && place < 0) {
        PA_TRY(pa_checkpoint_check_omitted(checkpoint, layer, suffix, err));
    }
    if (place >= 0) {
        pa_entry *entry = &checkpoint->entries[checkpoint->order[place]];
        /* Two stacks of layers in one file (an encoder and a decoder) cannot be told apart by the layer's number. */
        PA_REQUIRE(!pa_checkpoint_matches(checkpoint, place + 1, group, layer, entry->suffix), err, PA_ERR_UNSUPPORTED,
                   "'%s' and '%s' are both layer %lld '%s'", entry->name,
                   checkpoint->entries[checkpoint->order[place + 1]].name, (long long)layer, entry->suffix);
        *out = entry;
    }

cleanup:
    return status;
}

/* In the state dict of the step, which is opened for it. */
static pa_status find_in_dict(const pa_checkpoint *checkpoint, const char *split, int64_t layer, const char *suffix,
                              const pa_checkpoint **owner, pa_entry **out, pa_error *err)
{
    pa_status status = PA_OK;
    char what[128];
    PA_TRY(pa_checkpoint_state_dict(checkpoint, owner, err));
    PA_TRY(find_own(*owner, "", PA_WEIGHTS, layer, suffix, out, err));
    if (*out == NULL) {
        status = fail_not_found(*owner, pa_file_path((*owner)->archive->file), 0, layer, suffix, err);
        pa_naming_explain(*owner, suffix, err);
        describe(checkpoint, split, PA_WEIGHTS, what, sizeof(what));
        pa_error_prefix(err, "not in the learning dynamics");
        pa_error_prefix(err, what);
    }

cleanup:
    return status;
}

pa_status pa_checkpoint_find(const pa_checkpoint *checkpoint, const char *split, pa_kind kind, int64_t layer,
                             const char *suffix, const pa_checkpoint **owner, pa_entry **out, pa_error *err)
{
    pa_status status = PA_OK;
    char what[128];
    pa_step_file *file = pa_step_file_find(checkpoint, split, kind);
    *out = NULL;
    *owner = checkpoint;
    if (file != NULL) {
        PA_TRY(pa_step_file_open(checkpoint, file, owner, err));
    }
    PA_TRY(find_own(*owner, split, kind, layer, suffix, out, err));
    if (*out != NULL) {
        return PA_OK;
    }
    if (pa_state_dict_serves(checkpoint, split, kind)) {
        return find_in_dict(checkpoint, split, layer, suffix, owner, out, err);
    }
    describe(checkpoint, split, kind, what, sizeof(what));
    status = fail_not_found(*owner, what, pa_checkpoint_find_group(*owner, split, kind), layer, suffix, err);
    status = status == PA_ERR_NOT_FOUND && kind == PA_WEIGHTS ? pa_state_dict_fail_absent(checkpoint, err) : status;

cleanup:
    return status;
}
