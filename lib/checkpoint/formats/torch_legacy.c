/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of torch.save() before 1.6, and of torch.save(_use_new_zipfile_serialization=False): five pickles (a magic
 * number, a version, the machine, the object, the keys of the storages), then for each key its number of elements and
 * the elements. Where a storage lies is known only behind the object that needs it, so the object is read twice: for
 * the types of the storages, then for the tensors.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/sort.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/format_impl.h"
#include "checkpoint/formats/span.h"
#include "checkpoint/formats/torch_names.h"
#include "checkpoint/formats/torch_objects.h"

static const unsigned char magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                      0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e};

enum { MAGIC_BYTES = sizeof(magic), VERSION = 1001, COUNT_BYTES = 8 };
/* The pickles are read into memory: first so much of the file, then more. */
enum { FIRST_WINDOW = 1 << 18, WINDOW_FACTOR = 8, MAX_WINDOW = 1 << 26 };

/* A storage that the object asks for. */
typedef struct stored {
    char key[PA_TORCH_KEY_SIZE];
    const pa_torch_name *type;
    int64_t place; /* of its elements in the file; -1: not among the keys */
    int64_t bytes;
} stored;

typedef struct legacy {
    pa_torch_reader reader; /* first: the hooks get its address */
    pa_file *file;
    unsigned char *bytes;
    int64_t length;
    stored *storages; /* by key, once collected */
    int64_t count;
    int64_t capacity;
    pa_pickle *object;
    pa_pickle *keys;
    int64_t used; /* bytes that the pickles take */
} legacy;

static int probe(const unsigned char *head, int64_t n, int64_t size)
{
    (void)size;
    return n >= MAGIC_BYTES && memcmp(head, magic, MAGIC_BYTES) == 0;
}

/* First reading: which storages there are. */
static pa_status collect(void *user, pa_pickle *pickle, const pa_pickle_node *tuple, pa_pickle_node **out,
                         pa_error *err)
{
    legacy *l = user;
    pa_status status = PA_OK;
    pa_torch_id id;
    PA_TRY(pa_torch_read_id(&l->reader, tuple, &id, err));
    if (id.in_file) {
        PA_GROW(l->reader.mem, l->storages, l->capacity, l->count + 1, err, "storages");
        l->storages[l->count] = (stored){.type = id.type, .place = -1};
        memcpy(l->storages[l->count].key, id.key, sizeof(id.key));
        l->count++;
    }
    PA_TRY(pa_pickle_node_create(pickle, PA_PICKLE_OPAQUE, out, err));

cleanup:
    return status;
}

static int compare_keys(const void *items, int64_t a, int64_t b)
{
    const stored *storages = items;
    return strcmp(storages[a].key, storages[b].key);
}

/* In the order of the keys, each once: tensors that share a storage ask for it each. */
static pa_status sort_storages(legacy *l, pa_error *err)
{
    pa_status status = PA_OK;
    stored *sorted = NULL;
    int64_t n = 0;
    int64_t *order = pa_alloc(l->reader.mem, l->count, sizeof(*order));
    PA_REQUIRE_MEMORY(order, err, "storages");
    PA_REQUIRE_MEMORY(sorted = pa_alloc(l->reader.mem, l->count, sizeof(*sorted)), err, "storages");
    pa_sort_numbers(order, l->count, compare_keys, l->storages);
    for (int64_t i = 0; i < l->count; i++) {
        const stored *next = &l->storages[order[i]];
        if (n == 0 || strcmp(sorted[n - 1].key, next->key) != 0) {
            sorted[n++] = *next;
        }
    }
    pa_free(l->reader.mem, l->storages);
    l->storages = sorted;
    l->count = n;
    sorted = NULL;

cleanup:
    pa_free(l->reader.mem, sorted);
    pa_free(l->reader.mem, order);
    return status;
}

static stored *find_key(const legacy *l, const char *key)
{
    int64_t low = 0;
    int64_t high = l->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const int order = strcmp(l->storages[middle].key, key);
        if (order == 0) {
            return &l->storages[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static pa_status find(void *user, const char *key, int64_t *number, int64_t *bytes, pa_error *err)
{
    const legacy *l = user;
    const stored *found = find_key(l, key);
    if (found == NULL || found->place < 0) {
        return pa_fail(err, PA_ERR_FORMAT, "storage '%s' is not among the keys of the file", key);
    }
    *number = found - l->storages;
    *bytes = found->bytes;
    return PA_OK;
}

static pa_status open_storage(void *user, int64_t number, pa_storage **out, pa_error *err)
{
    const legacy *l = user;
    const stored *found = &l->storages[number];
    return pa_span_of_file(l->file, found->place, found->bytes, out, err);
}

/* The next of the pickles. */
static pa_status next_pickle(legacy *l, const pa_pickle_hooks *hooks, pa_pickle **out, pa_error *err)
{
    int64_t used = 0;
    const pa_status status =
        pa_pickle_read_first(l->reader.mem, l->bytes + l->used, l->length - l->used, hooks, &used, out, err);
    l->used += used;
    return status;
}

static pa_status read_version(legacy *l, const pa_pickle_hooks *hooks, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle *pickle = NULL;
    PA_TRY(next_pickle(l, hooks, &pickle, err));
    const pa_pickle_node *root = pa_pickle_root(pickle);
    PA_REQUIRE(root->type == PA_PICKLE_INT && root->u.integer == VERSION, err, PA_ERR_UNSUPPORTED,
               "the version is not %d", VERSION);

cleanup:
    pa_pickle_destroy(pickle);
    return status;
}

/* {"protocol_version": 1001, "little_endian": True, "type_sizes": ...}; sizes of C types do not matter to storages. */
static pa_status read_machine(legacy *l, const pa_pickle_hooks *hooks, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle *pickle = NULL;
    const pa_pickle_node *little = NULL;
    PA_TRY(next_pickle(l, hooks, &pickle, err));
    const pa_pickle_node *root = pa_pickle_root(pickle);
    PA_REQUIRE(root->type == PA_PICKLE_DICT, err, PA_ERR_FORMAT, "the machine is %s, not a dict",
               pa_pickle_type_name(root->type));
    for (int64_t i = 0; i < root->u.list.count; i += 2) {
        little = pa_pickle_is(root->u.list.items[i], "little_endian") ? root->u.list.items[i + 1] : little;
    }
    PA_REQUIRE(little != NULL && little->type == PA_PICKLE_BOOL, err, PA_ERR_FORMAT,
               "the machine does not say 'little_endian'");
    l->reader.swapped = (little->u.integer == 0) != pa_is_big_endian_machine();

cleanup:
    pa_pickle_destroy(pickle);
    return status;
}

/* All but the last reading of the object, in the first `length` bytes of the file. */
static pa_status read_pickles(legacy *l, int64_t length, int64_t *object, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle *pickle = NULL;
    pa_pickle_hooks hooks = pa_torch_hooks(&l->reader);
    hooks.persistent = collect;
    pa_free(l->reader.mem, l->bytes);
    l->bytes = pa_alloc_raw(l->reader.mem, length, 1);
    PA_REQUIRE_MEMORY(l->bytes, err, "pickles");
    PA_TRY(pa_file_read(l->file, 0, length, l->bytes, err));
    l->length = length;
    l->used = MAGIC_BYTES;
    l->count = 0;
    PA_TRY(read_version(l, &hooks, err));
    PA_TRY(read_machine(l, &hooks, err));
    *object = l->used;
    PA_TRY(next_pickle(l, &hooks, &pickle, err));
    pa_pickle_destroy(pickle);
    pickle = NULL;
    PA_TRY(next_pickle(l, &hooks, &l->keys, err));

cleanup:
    pa_pickle_destroy(pickle);
    return status;
}

/* A count, and that many elements. */
static pa_status place_storage(legacy *l, const pa_pickle_node *node, int64_t *at, pa_error *err)
{
    pa_status status = PA_OK;
    unsigned char bytes[COUNT_BYTES];
    char key[PA_TORCH_KEY_SIZE] = "";
    char shown[PA_PRINTABLE_SIZE] = "";
    const int64_t size = pa_file_size(l->file);
    PA_REQUIRE(node->type == PA_PICKLE_TEXT, err, PA_ERR_FORMAT, "a key of a storage is %s",
               pa_pickle_type_name(node->type));
    (void)pa_printable(shown, node->u.text.bytes, node->u.text.length);
    if (node->u.text.length < PA_TORCH_KEY_SIZE) {
        memcpy(key, node->u.text.bytes, (size_t)node->u.text.length);
    }
    stored *found = find_key(l, key);
    PA_REQUIRE(found != NULL && found->place < 0, err, PA_ERR_FORMAT, "storage '%s' is %s", shown,
               found != NULL ? "there twice" : "one that nothing asks for");
    PA_REQUIRE(found->type->dtype != 0, err, PA_ERR_UNSUPPORTED,
               "storage '%s' is a %s: how long it is, is not known, and others follow it", shown, found->type->name);
    PA_REQUIRE(*at <= size - COUNT_BYTES, err, PA_ERR_FORMAT, "the file ends before storage '%s'", shown);
    PA_TRY(pa_file_read(l->file, *at, COUNT_BYTES, bytes, err));
    const uint64_t count = l->reader.swapped != pa_is_big_endian_machine() ? pa_be64(bytes) : pa_le64(bytes);
    const int64_t item = pa_dtype_size(found->type->dtype);
    *at += COUNT_BYTES;
    PA_REQUIRE(count <= (uint64_t)((size - *at) / item), err, PA_ERR_FORMAT,
               "storage '%s' has %llu elements, but the file ends before", shown, (unsigned long long)count);
    found->place = *at;
    found->bytes = (int64_t)count * item;
    *at += found->bytes;

cleanup:
    return status;
}

static pa_status place_storages(legacy *l, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t at = l->used;
    const pa_pickle_node *keys = pa_pickle_root(l->keys);
    PA_REQUIRE(keys->type == PA_PICKLE_LIST, err, PA_ERR_FORMAT, "the keys of storages are %s, not a list",
               pa_pickle_type_name(keys->type));
    for (int64_t i = 0; i < keys->u.list.count; i++) {
        PA_TRY(place_storage(l, keys->u.list.items[i], &at, err));
    }
    PA_REQUIRE(at == pa_file_size(l->file), err, PA_ERR_FORMAT, "%lld bytes follow the last storage",
               (long long)(pa_file_size(l->file) - at));

cleanup:
    return status;
}

static pa_status read_all(legacy *l, pa_archive *archive, pa_error *err)
{
    pa_status status = PA_ERR_FORMAT;
    const int64_t size = pa_file_size(l->file);
    int64_t object = 0;
    for (int64_t window = FIRST_WINDOW; status == PA_ERR_FORMAT; window *= WINDOW_FACTOR) {
        const int64_t most = window < MAX_WINDOW ? window : MAX_WINDOW;
        status = read_pickles(l, size < most ? size : most, &object, err);
        if (size <= most || most == MAX_WINDOW) {
            break; /* what is wrong is not that there was more to read */
        }
    }
    PA_TRY(status);
    pa_error_clear(err); /* of windows that were too small */
    PA_TRY(sort_storages(l, err));
    PA_TRY(place_storages(l, err));
    pa_pickle_destroy(l->keys);
    l->keys = NULL;
    l->reader.count = l->count;
    PA_TRY(pa_torch_reader_start(&l->reader, err));
    const pa_pickle_hooks hooks = pa_torch_hooks(&l->reader);
    l->used = object;
    PA_TRY(next_pickle(l, &hooks, &l->object, err));
    PA_TRY(pa_torch_add_tensors(archive, pa_file_path(archive->file), l->object, err));

cleanup:
    return status;
}

static pa_status read(pa_archive *archive, pa_error *err)
{
    legacy l = {.reader = {.mem = &archive->ctx->mem, .id_items = 6, .find = find, .open = open_storage},
                .file = archive->file};
    l.reader.user = &l;
    const pa_status status = read_all(&l, archive, err);
    pa_pickle_destroy(l.object);
    pa_pickle_destroy(l.keys);
    pa_torch_reader_end(&l.reader);
    pa_free(l.reader.mem, l.storages);
    pa_free(l.reader.mem, l.bytes);
    return status;
}

const pa_format pa_format_torch_legacy = {"torch legacy", probe, read};
