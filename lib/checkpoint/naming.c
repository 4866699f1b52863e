/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/naming.h"

#include <string.h>

#include "base/alloc.h"

static const char word[] = "{layer}";

/* The rest of the text behind a number of at most 9 digits, or NULL. */
static const char *parse_layer(const char *text, int64_t *layer)
{
    const char *c = text;
    *layer = 0;
    for (; *c >= '0' && *c <= '9'; c++) {
        *layer = 10 * *layer + (*c - '0');
        if (c - text >= 9) {
            return NULL;
        }
    }
    return c > text ? c : NULL;
}

int pa_name_matches(const char *pattern, const char *name, int64_t *layer)
{
    const char *at = strstr(pattern, word);
    const size_t before = at != NULL ? (size_t)(at - pattern) : strlen(pattern);
    *layer = -1;
    for (const char *start = name; start != NULL; start = strchr(start, '.')) {
        start += start != name; /* behind the dot */
        if (strncmp(start, pattern, before) != 0) {
            continue;
        }
        if (at == NULL) {
            if (start[before] == '\0') {
                return 1;
            }
            continue;
        }
        const char *rest = parse_layer(start + before, layer);
        if (rest != NULL && strcmp(rest, at + sizeof(word) - 1) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A view as the rule says; its shape and strides in the checkpoint's arena. */
static pa_status make_view(pa_checkpoint *checkpoint, const pa_name_rule *rule, const pa_entry *source,
                           const pa_tensor **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_tensor *whole = source->tensor;
    const int turn = rule->transposed != 0;
    const int64_t parts = rule->parts > 1 ? rule->parts : 1;
    const int64_t heads = rule->per_head ? checkpoint->model.n_heads : 1;
    PA_REQUIRE(whole->ndim == 2, err, PA_ERR_SHAPE, "'%s' has %d dimensions, not 2", source->name, (int)whole->ndim);
    int64_t strides[2];
    pa_tensor_strides(whole, strides);
    const int64_t rows = whole->shape[turn];
    const int64_t stride = strides[turn];
    PA_REQUIRE(heads <= rows && rows % (heads * parts) == 0, err, PA_ERR_SHAPE,
               "'%s': %lld rows do not divide into %lld parts of %lld heads", source->name, (long long)rows,
               (long long)parts, (long long)heads);
    const int64_t size = rows / (heads * parts);
    pa_tensor *view = pa_arena_alloc(&checkpoint->arena, 1, sizeof(*view));
    int64_t *extents = pa_arena_alloc(&checkpoint->arena, 6, sizeof(*extents));
    PA_REQUIRE_MEMORY(view, err, "a view of a tensor");
    PA_REQUIRE_MEMORY(extents, err, "a view of a tensor");
    const int64_t all[] = {heads, size, whole->shape[!turn], size * parts * stride, stride, strides[!turn]};
    memcpy(extents, all, sizeof(all));
    *view = *whole;
    view->ndim = heads > 1 ? 3 : 2;
    view->shape = heads > 1 ? extents : extents + 1;
    view->strides = view->shape + 3;
    view->offset += rule->part * size * stride;
    *out = view;

cleanup:
    return status;
}

static int has_alias(const pa_checkpoint *checkpoint, int64_t first, const char *suffix, int64_t layer)
{
    for (int64_t i = first; i < checkpoint->count; i++) {
        if (checkpoint->entries[i].layer == layer && strcmp(checkpoint->entries[i].suffix, suffix) == 0) {
            return 1;
        }
    }
    return 0;
}

static pa_status apply_rule(pa_checkpoint *checkpoint, const pa_name_rule *rule, int64_t n_raw, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < n_raw; i++) {
        pa_entry entry = checkpoint->entries[i];
        if (checkpoint->groups[entry.group].kind != PA_WEIGHTS ||
            !pa_name_matches(rule->pattern, entry.name, &entry.layer) ||
            (rule->fallback && has_alias(checkpoint, n_raw, rule->suffix, entry.layer))) {
            continue;
        }
        PA_TRY(make_view(checkpoint, rule, &entry, &entry.tensor, err));
        PA_TRY(pa_checkpoint_reserve(checkpoint, 1, err));
        entry.suffix = rule->suffix;
        checkpoint->entries[checkpoint->count++] = entry;
    }

cleanup:
    return status;
}

static int fits(const pa_checkpoint *checkpoint, const pa_naming *naming)
{
    enum { N_ATTENTION = 4 };
    int64_t layer = -1;
    for (int64_t r = 0; r < N_ATTENTION; r++) {
        int found = 0;
        for (int64_t i = 0; i < checkpoint->count && !found; i++) {
            found = pa_name_matches(naming->rules[r].pattern, checkpoint->entries[i].name, &layer);
        }
        if (!found) {
            return 0;
        }
    }
    return 1;
}

static const pa_naming *choose(const pa_checkpoint *checkpoint)
{
    const pa_naming *chosen = NULL;
    for (int64_t n = 0; pa_naming_at(n) != NULL; n++) {
        if (fits(checkpoint, pa_naming_at(n))) {
            if (chosen != NULL) {
                return NULL;
            }
            chosen = pa_naming_at(n);
        }
    }
    return chosen;
}

pa_status pa_naming_apply(pa_checkpoint *checkpoint, const pa_naming *naming, pa_error *err)
{
    pa_status status = PA_OK;
    pa_error why = {0};
    const int64_t n_raw = checkpoint->count;
    const pa_naming *used = naming != NULL ? naming : choose(checkpoint);
    for (int64_t r = 0; used != NULL && r < used->n_rules; r++) {
        if (used->rules[r].per_head && checkpoint->model.n_heads == 0) {
            continue; /* where one head ends is not known; whoever needs heads says so */
        }
        PA_TRY(apply_rule(checkpoint, &used->rules[r], n_raw, err != NULL ? err : &why));
    }
    checkpoint->n_aliases = checkpoint->count - n_raw;
    checkpoint->naming = used;

cleanup:
    /* A guess must not make a file unreadable: whoever asks for what it would have named is told what there is. */
    if (status != PA_OK) {
        checkpoint->count = n_raw;
    }
    if (naming == NULL && status == PA_ERR_SHAPE) {
        pa_log(checkpoint->ctx, PA_LOG_WARNING, "tensors have the names of %s, but not its shapes: %s", used->name,
               err != NULL ? err->message : why.message);
        pa_error_clear(err);
        status = PA_OK;
    }
    return status;
}

int pa_naming_lacks(const pa_checkpoint *checkpoint, const char *suffix)
{
    const pa_checkpoint *dict = pa_state_dict_opened(checkpoint);
    const pa_naming *naming = dict != NULL ? dict->naming : checkpoint->naming;
    for (int64_t r = 0; naming != NULL && r < naming->n_rules; r++) {
        if (strcmp(naming->rules[r].suffix, suffix) == 0) {
            return 0;
        }
    }
    return naming != NULL;
}
