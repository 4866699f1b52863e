/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/naming.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sort.h"

static const char word[] = PA_NAMING_LAYER;

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

/* Where a part is among the rows: in each of `groups` equal groups, `size` of `total` shares from `first` on. */
typedef struct cut {
    int64_t groups;
    int64_t first;
    int64_t size;
    int64_t total;
} cut;

static cut find_cut(const pa_name_rule *rule, const pa_model *model)
{
    if (rule->fused == NULL) {
        return (cut){rule->per_head ? model->n_heads : 1, rule->part, 1, rule->parts > 1 ? rule->parts : 1};
    }
    const int64_t n_kv_heads = model->n_kv_heads > 0 ? model->n_kv_heads : model->n_heads;
    cut part = {.groups = rule->per_head ? n_kv_heads : 1};
    for (int32_t p = 0; p < rule->parts; p++) {
        const int64_t heads = (rule->fused[p] == 'q' ? model->n_heads : n_kv_heads) / part.groups;
        part.first += p < rule->part ? heads : 0;
        part.size = p == rule->part ? heads : part.size;
        part.total += heads;
    }
    return part;
}

/* A view as the rule says; its shape and strides in the checkpoint's arena. */
static pa_status make_view(pa_checkpoint *checkpoint, const pa_name_rule *rule, const pa_entry *source,
                           const pa_tensor **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_tensor *whole = source->tensor;
    if (!rule->transposed && rule->parts < 2) {
        *out = whole;
        return PA_OK;
    }
    const int turn = rule->transposed != 0;
    const cut part = find_cut(rule, &checkpoint->model);
    PA_REQUIRE(whole->ndim == 2, err, PA_ERR_SHAPE, "'%s' has %d dimensions, not 2", source->name, (int)whole->ndim);
    int64_t strides[2];
    pa_tensor_strides(whole, strides);
    const int64_t rows = whole->shape[turn];
    const int64_t stride = pa_tensor_count(whole) > 0 ? strides[turn] : 0; /* may be anything where none is */
    PA_REQUIRE(rule->fused == NULL || !rule->per_head || checkpoint->model.n_heads % part.groups == 0, err,
               PA_ERR_SHAPE, "'%s': %lld heads do not divide into groups for %lld keys and values", source->name,
               (long long)checkpoint->model.n_heads, (long long)part.groups);
    PA_REQUIRE(part.groups <= rows && rows % part.groups == 0 && rows / part.groups % part.total == 0, err,
               PA_ERR_SHAPE, "'%s': %lld rows do not divide into %lld parts of %lld heads", source->name,
               (long long)rows, (long long)part.total, (long long)part.groups);
    const int64_t group = rows / part.groups;
    const int64_t share = group / part.total;
    pa_tensor *view = pa_arena_alloc(&checkpoint->arena, 1, sizeof(*view));
    int64_t *extents = pa_arena_alloc(&checkpoint->arena, 6, sizeof(*extents));
    PA_REQUIRE_MEMORY(view, err, "a view of a tensor");
    PA_REQUIRE_MEMORY(extents, err, "a view of a tensor");
    const int64_t all[] = {part.groups, part.size * share, whole->shape[!turn], group * stride, stride, strides[!turn]};
    memcpy(extents, all, sizeof(all));
    *view = *whole;
    view->ndim = part.groups > 1 ? 3 : 2;
    view->shape = part.groups > 1 ? extents : extents + 1;
    view->strides = view->shape + 3;
    view->offset += part.first * share * stride;
    *out = view;

cleanup:
    return status;
}

static int compare_numbers(const void *items, int64_t a, int64_t b)
{
    (void)items; /* the "element numbers" are the layers themselves */
    return (a > b) - (a < b);
}

/* The layers of which there are aliases of that suffix among the entries from `first` on, ascending. */
static pa_status list_layers(const pa_checkpoint *checkpoint, int64_t first, const char *suffix, int64_t **out,
                             int64_t *count, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t *layers = pa_alloc_raw(&checkpoint->ctx->mem, checkpoint->count - first, sizeof(*layers));
    PA_REQUIRE_MEMORY(layers, err, "the names of tensors");
    *count = 0;
    for (int64_t i = first; i < checkpoint->count; i++) {
        if (strcmp(checkpoint->entries[i].suffix, suffix) == 0) {
            layers[(*count)++] = checkpoint->entries[i].layer;
        }
    }
    pa_sort_order(layers, *count, compare_numbers, NULL);
    *out = layers;

cleanup:
    return status;
}

static int is_among(const int64_t *layers, int64_t count, int64_t layer)
{
    int64_t low = 0;
    for (int64_t high = count; low < high;) {
        const int64_t middle = low + (high - low) / 2;
        low = layers[middle] < layer ? middle + 1 : low;
        high = layers[middle] < layer ? high : middle;
    }
    return low < count && layers[low] == layer;
}

static pa_status apply_rule(pa_checkpoint *checkpoint, const pa_name_rule *rule, int64_t n_raw, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t *given = NULL; /* by earlier rules; of a file with very many tensors no list must be searched for each */
    int64_t n_given = 0;
    if (rule->fallback) {
        PA_TRY(list_layers(checkpoint, n_raw, rule->suffix, &given, &n_given, err));
    }
    for (int64_t i = 0; i < n_raw; i++) {
        pa_entry entry = checkpoint->entries[i];
        if (checkpoint->groups[entry.group].kind != PA_WEIGHTS ||
            !pa_name_matches(rule->pattern, entry.name, &entry.layer) || is_among(given, n_given, entry.layer)) {
            continue;
        }
        PA_TRY(make_view(checkpoint, rule, &entry, &entry.tensor, err));
        PA_TRY(pa_checkpoint_reserve(checkpoint, 1, err));
        entry.suffix = rule->suffix;
        checkpoint->entries[checkpoint->count++] = entry;
    }

cleanup:
    pa_free(&checkpoint->ctx->mem, given);
    return status;
}

static int is_found(const pa_checkpoint *checkpoint, const pa_name_rule *rule)
{
    int64_t layer = -1;
    for (int64_t i = 0; i < checkpoint->count; i++) {
        if (pa_name_matches(rule->pattern, checkpoint->entries[i].name, &layer)) {
            return 1;
        }
    }
    return 0;
}

static int fits(const pa_checkpoint *checkpoint, const pa_naming *naming)
{
    enum { N_ATTENTION = 4 };
    int64_t r = 0;
    while (r < N_ATTENTION && is_found(checkpoint, &naming->rules[r])) {
        r++;
    }
    return r == N_ATTENTION;
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

/* One that was asked for by name or rules: it must be of some use. Rules that need a number of heads count as well. */
static pa_status check_given(const pa_checkpoint *checkpoint, const pa_naming *naming, pa_error *err)
{
    for (int64_t r = 0; r < naming->n_rules; r++) {
        if (is_found(checkpoint, &naming->rules[r])) {
            return PA_OK;
        }
    }
    return naming->n_rules == 0
               ? PA_OK
               : pa_fail(err, PA_ERR_CONFIG,
                         "naming '%s': no tensor's name ends with '%.200s', or with another of its patterns%s%.200s%s",
                         naming->name, naming->rules[0].pattern, checkpoint->count > 0 ? "; the first tensor is '" : "",
                         checkpoint->count > 0 ? checkpoint->entries[0].name : "", checkpoint->count > 0 ? "'" : "");
}

pa_status pa_naming_apply(pa_checkpoint *checkpoint, const pa_naming *naming, pa_error *err)
{
    pa_status status = PA_OK;
    pa_error why = {0};
    const int64_t n_raw = checkpoint->count;
    const pa_naming *used = naming != NULL ? naming : choose(checkpoint);
    if (naming != NULL) {
        PA_TRY(check_given(checkpoint, naming, err));
    }
    for (int64_t r = 0; used != NULL && r < used->n_rules; r++) {
        const pa_name_rule *rule = &used->rules[r];
        if ((rule->per_head || rule->fused != NULL) && checkpoint->model.n_heads == 0) {
            continue; /* where one head ends is not known; whoever needs heads says so */
        }
        PA_TRY(apply_rule(checkpoint, rule, n_raw, err != NULL ? err : &why));
    }
    checkpoint->n_aliases = checkpoint->count - n_raw;
    checkpoint->naming = used != &pa_naming_none ? used : NULL;

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

static const pa_name_rule *find_rule(const pa_naming *naming, const char *suffix)
{
    for (int64_t r = 0; naming != NULL && r < naming->n_rules; r++) {
        if (strcmp(naming->rules[r].suffix, suffix) == 0) {
            return &naming->rules[r];
        }
    }
    return NULL;
}

int pa_naming_lacks(const pa_checkpoint *checkpoint, const char *suffix)
{
    const pa_checkpoint *dict = pa_state_dict_opened(checkpoint);
    const pa_naming *naming = dict != NULL ? dict->naming : checkpoint->naming;
    return naming != NULL && find_rule(naming, suffix) == NULL;
}

void pa_naming_explain(const pa_checkpoint *checkpoint, const char *suffix, pa_error *err)
{
    char text[256];
    const pa_name_rule *rule = find_rule(checkpoint->naming, suffix);
    if (rule != NULL) {
        (void)snprintf(text, sizeof(text), "naming '%s' looks for '%.200s'", checkpoint->naming->name, rule->pattern);
        pa_error_prefix(err, text);
    }
}
