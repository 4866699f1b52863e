/* SPDX-License-Identifier: Apache-2.0 */
/* From what a pickle of torch.save() holds to tensors under names. */
#include <string.h>

#include "base/text.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/torch_objects.h"

enum { MAX_DEPTH = 64, MAX_ENTRIES = 1000000, MAX_NAME = 1 << 16, MAX_NAMES = 256 << 20 };
/*
 * Dicts that hold one dict twice, which holds another twice, make a million tensors of a few hundred bytes: beyond a
 * small file's worth there is no more of anything than the pickle's length accounts for.
 */
enum { FREE_ENTRIES = 1 << 12, FREE_NAMES = 1 << 24, NAMES_FACTOR = 4 };

/* The walk over nested dicts and lists. They may be shared and may hold themselves, so everything is counted. */
typedef struct walk {
    pa_archive *archive;
    pa_text name;
    int64_t visited;
    int64_t name_bytes;
    int64_t max_visited;
    int64_t max_name_bytes;
} walk;

/* What follows a dot: a key of a dict, or a position in a list. */
static pa_status append_part(walk *w, const pa_pickle_node *key, int64_t position, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    if (w->name.length > 0) {
        PA_TRY(pa_text_append(&w->name, ".", err));
    }
    if (key == NULL || key->type == PA_PICKLE_INT) {
        PA_TRY(pa_text_printf(&w->name, err, "%lld", (long long)(key == NULL ? position : key->u.integer)));
    } else {
        PA_REQUIRE(key->u.text.length <= MAX_NAME - w->name.length, err, PA_ERR_LIMIT,
                   "the name of a tensor has more than %d bytes", MAX_NAME);
        PA_REQUIRE(key->u.text.length > 0 && pa_is_utf8(key->u.text.bytes, key->u.text.length), err, PA_ERR_FORMAT,
                   "the name '%s' is empty or not UTF-8", pa_printable(shown, key->u.text.bytes, key->u.text.length));
        PA_TRY(pa_text_append_bytes(&w->name, key->u.text.bytes, key->u.text.length, err));
    }
    w->name_bytes += w->name.length;
    PA_REQUIRE(w->name_bytes <= w->max_name_bytes, err, PA_ERR_LIMIT, "the names take more than %lld bytes",
               (long long)w->max_name_bytes);

cleanup:
    return status;
}

static void cut_name(walk *w, int64_t length)
{
    w->name.length = length;
    if (w->name.data != NULL) {
        w->name.data[length] = '\0';
    }
}

static int is_list(const pa_pickle_node *node)
{
    return node->type == PA_PICKLE_LIST || node->type == PA_PICKLE_TUPLE;
}

/* Whether there is anything for this walk in a value. */
static int is_wanted(const pa_pickle_node *value, int depth)
{
    return value->type == PA_PICKLE_TENSOR || value->type == PA_PICKLE_DICT ||
           (value->type == PA_PICKLE_OPAQUE && value->u.object != NULL) ||
           (is_list(value) && value->is_nested && depth + 1 < MAX_DEPTH);
}

static pa_status add_items(walk *w, const pa_pickle_node *items, int depth, pa_error *err);

static pa_status add_value(walk *w, const pa_pickle_node *value, int depth, pa_error *err)
{
    if (value->type == PA_PICKLE_TENSOR) {
        return pa_archive_add(w->archive, w->name.data, value->u.object, err);
    }
    if (value->type == PA_PICKLE_OPAQUE) {
        return pa_archive_omit(w->archive, w->name.data, value->u.object, err);
    }
    return add_items(w, value, depth + 1, err);
}

static int64_t count_tensors(const pa_pickle_node *items)
{
    int64_t n = 0;
    for (int64_t i = 0; i < items->u.list.count; i++) {
        n += items->u.list.items[i]->type == PA_PICKLE_TENSOR;
    }
    return n;
}

static pa_status add_items(walk *w, const pa_pickle_node *items, int depth, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t length = w->name.length;
    const int is_dict = items->type == PA_PICKLE_DICT;
    PA_REQUIRE(depth < MAX_DEPTH, err, PA_ERR_LIMIT, "dicts are nested more than %d deep", MAX_DEPTH);
    if (depth == 0) {
        PA_TRY(pa_archive_reserve(w->archive, count_tensors(items), err));
    }
    for (int64_t i = 0; i < items->u.list.count; i += 1 + is_dict) {
        const pa_pickle_node *key = is_dict ? items->u.list.items[i] : NULL;
        const pa_pickle_node *value = items->u.list.items[i + is_dict];
        PA_REQUIRE(w->visited++ < w->max_visited, err, PA_ERR_LIMIT, "more than %lld entries in nested dicts",
                   (long long)w->max_visited);
        if ((key != NULL && key->type != PA_PICKLE_TEXT && key->type != PA_PICKLE_INT) || !is_wanted(value, depth)) {
            w->archive->skipped++;
            continue;
        }
        PA_TRY(append_part(w, key, i, err));
        PA_TRY(add_value(w, value, depth, err));
        cut_name(w, length);
    }

cleanup:
    return status;
}

/* What is alone has no name but its file's. */
static pa_status name_after_file(walk *w, const char *path, pa_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    const size_t length = dot != NULL && dot > name ? (size_t)(dot - name) : strlen(name);
    return pa_text_append_bytes(&w->name, name, (int64_t)length, err);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

pa_status pa_torch_add_tensors(pa_archive *archive, const char *path, const pa_pickle *pickle, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_pickle_node *root = pa_pickle_root(pickle);
    const int64_t bytes = pa_pickle_bytes(pickle);
    walk w = {.archive = archive,
              .name = {.mem = &archive->ctx->mem},
              .max_visited = least(MAX_ENTRIES, FREE_ENTRIES + bytes),
              .max_name_bytes = least(MAX_NAMES, FREE_NAMES + NAMES_FACTOR * bytes)};
    if (root->type == PA_PICKLE_DICT || is_list(root)) {
        PA_TRY(add_items(&w, root, 0, err));
    } else if (is_wanted(root, 0)) {
        PA_TRY(name_after_file(&w, path, err));
        PA_TRY(add_value(&w, root, 0, err));
    }
    PA_REQUIRE(root->type == PA_PICKLE_DICT || archive->count + archive->n_omissions > 0, err, PA_ERR_UNSUPPORTED,
               "holds %s %s, not tensors", root->type == PA_PICKLE_OPAQUE || root->type == PA_PICKLE_INT ? "an" : "a",
               pa_pickle_type_name(root->type));

cleanup:
    pa_text_free(&w.name);
    return status;
}
