/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/formats/torch_objects.h"

#include <string.h>

#include "base/alloc.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/torch_names.h"

enum { MAX_DIMENSIONS = 64, MAX_METADATA = 64 };

pa_status pa_torch_reader_start(pa_torch_reader *reader, pa_error *err)
{
    reader->storages = pa_alloc(reader->mem, reader->count, sizeof(*reader->storages));
    return reader->storages != NULL ? PA_OK : pa_fail_nomem(err, "storages");
}

void pa_torch_reader_end(pa_torch_reader *reader)
{
    for (int64_t i = 0; reader->storages != NULL && i < reader->count; i++) {
        pa_storage_release(reader->storages[i].storage);
    }
    pa_free(reader->mem, reader->storages);
    reader->storages = NULL;
}

static pa_status hook_global(void *user, pa_pickle *pickle, const pa_pickle_node *module, const pa_pickle_node *name,
                             pa_pickle_node **out, pa_error *err)
{
    (void)user;
    const pa_torch_name *found = pa_torch_find_name(module, name);
    if (found == NULL && pa_torch_is_foreign_class(module, name)) {
        return pa_pickle_node_create(pickle, PA_PICKLE_OPAQUE, out, err);
    }
    if (found == NULL) {
        char shown[2][PA_PRINTABLE_SIZE];
        return pa_fail(err, PA_ERR_UNSUPPORTED, "'%s.%s' is no name that tensors need; it was not looked up",
                       pa_printable(shown[0], module->u.text.bytes, module->u.text.length),
                       pa_printable(shown[1], name->u.text.bytes, name->u.text.length));
    }
    const pa_status status = pa_pickle_node_create(pickle, PA_PICKLE_GLOBAL, out, err);
    if (status == PA_OK) {
        (*out)->u.object = found;
    }
    return status;
}

/* A tensor, or a storage of one, that cannot be read, and what it is; NULL for a value that is none. */
static pa_status make_unreadable(pa_pickle *pickle, const char *what, pa_pickle_node **out, pa_error *err)
{
    const pa_status status = pa_pickle_node_create(pickle, PA_PICKLE_OPAQUE, out, err);
    if (status == PA_OK) {
        (*out)->u.object = what;
    }
    return status;
}

static const pa_torch_name *name_of(const pa_pickle_node *node)
{
    return node->type == PA_PICKLE_GLOBAL ? node->u.object : NULL;
}

static pa_status read_key(const pa_pickle_node *key, char out[PA_TORCH_KEY_SIZE], pa_error *err)
{
    char shown[PA_PRINTABLE_SIZE] = "";
    const char *digits = key->u.text.bytes;
    const int64_t length = key->u.text.length;
    int64_t n = 0;
    while (n < length && digits[n] >= '0' && digits[n] <= '9') {
        n++;
    }
    if (length == 0 || n != length || length >= PA_TORCH_KEY_SIZE) {
        return pa_fail(err, PA_ERR_FORMAT, "storage key '%s' is no number", pa_printable(shown, digits, length));
    }
    memcpy(out, digits, (size_t)length);
    out[length] = '\0';
    return PA_OK;
}

/* ("storage", class, key, location, number of elements[, view]) */
pa_status pa_torch_read_id(const pa_torch_reader *reader, const pa_pickle_node *id, pa_torch_id *out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle_node *const *items = id->u.list.items;
    PA_REQUIRE(id->type == PA_PICKLE_TUPLE && id->u.list.count == reader->id_items, err, PA_ERR_FORMAT,
               "a persistent id must be a tuple of %d", (int)reader->id_items);
    out->type = name_of(items[1]);
    PA_REQUIRE(pa_pickle_is(items[0], "storage") && out->type != NULL && out->type->role == PA_TORCH_STORAGE &&
                   items[2]->type == PA_PICKLE_TEXT && items[3]->type == PA_PICKLE_TEXT &&
                   items[4]->type == PA_PICKLE_INT,
               err, PA_ERR_FORMAT, "a persistent id must be ('storage', class, key, location, size)");
    PA_REQUIRE(reader->id_items < 6 || items[5]->type == PA_PICKLE_NONE, err, PA_ERR_UNSUPPORTED,
               "a storage that is a part of another one");
    out->in_file = !pa_pickle_is(items[3], "meta");
    out->unreadable = out->in_file ? out->type->what : "meta";
    out->numel = items[4]->u.integer;
    PA_TRY(read_key(items[2], out->key, err));

cleanup:
    return status;
}

static pa_status make_storage(pa_torch_reader *reader, const pa_torch_id *id, pa_torch_storage **out, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t number = 0;
    int64_t size = 0;
    const int64_t item = pa_dtype_size(id->type->dtype);
    PA_TRY(reader->find(reader->user, id->key, &number, &size, err));
    pa_torch_storage *known = &reader->storages[number];
    *out = known;
    if (known->storage != NULL) {
        PA_REQUIRE(known->type == id->type && known->numel == id->numel, err, PA_ERR_FORMAT,
                   "storage '%s' is %lld elements of %s here and %lld of %s elsewhere", id->key, (long long)id->numel,
                   id->type->name, (long long)known->numel, known->type->name);
        goto cleanup;
    }
    PA_REQUIRE(id->numel >= 0 && size % item == 0 && id->numel == size / item, err, PA_ERR_FORMAT,
               "%lld elements of %s are declared, storage '%s' has %lld bytes", (long long)id->numel, id->type->name,
               id->key, (long long)size);
    PA_TRY(reader->open(reader->user, number, &known->storage, err));
    known->type = id->type;
    known->numel = id->numel;

cleanup:
    return status;
}

static pa_status hook_persistent(void *user, pa_pickle *pickle, const pa_pickle_node *tuple, pa_pickle_node **out,
                                 pa_error *err)
{
    pa_torch_reader *reader = user;
    pa_status status = PA_OK;
    pa_torch_id id;
    pa_torch_storage *storage = NULL;
    PA_TRY(pa_torch_read_id(reader, tuple, &id, err));
    if (id.unreadable != NULL) {
        PA_TRY(make_unreadable(pickle, id.unreadable, out, err));
        goto cleanup;
    }
    PA_TRY(make_storage(reader, &id, &storage, err));
    PA_TRY(pa_pickle_node_create(pickle, PA_PICKLE_STORAGE, out, err));
    (*out)->u.object = storage;

cleanup:
    return status;
}

static pa_status read_integers(const pa_pickle_node *tuple, const char *what, int64_t out[MAX_DIMENSIONS],
                               pa_error *err)
{
    if (tuple->type != PA_PICKLE_TUPLE || tuple->u.list.count > MAX_DIMENSIONS) {
        return pa_fail(err, PA_ERR_FORMAT, "%s must be a tuple of at most %d integers", what, MAX_DIMENSIONS);
    }
    for (int64_t i = 0; i < tuple->u.list.count; i++) {
        const pa_pickle_node *item = tuple->u.list.items[i];
        if (item->type != PA_PICKLE_INT) {
            return pa_fail(err, PA_ERR_FORMAT, "%s: item %lld is %s, not an integer", what, (long long)i,
                           pa_pickle_type_name(item->type));
        }
        out[i] = item->u.integer;
    }
    return PA_OK;
}

/* As pa_packed_strides() has them; of sizes that nobody has checked. */
static int are_packed(const int64_t *shape, const int64_t *strides, int64_t ndim)
{
    int64_t packed = 1;
    int same = 1;
    for (int64_t i = ndim - 1; i >= 0 && same; i--) {
        same = strides[i] == packed && !__builtin_mul_overflow(packed, shape[i] > 0 ? shape[i] : 1, &packed);
    }
    return same;
}

/* {'conj': True} or {'neg': True} would change the elements; one dict of a million may be given with every tensor. */
static int is_changed(const pa_pickle_node *args, int64_t index)
{
    const pa_pickle_node *dict = args->u.list.count > index ? args->u.list.items[index] : NULL;
    if (dict != NULL && dict->type == PA_PICKLE_DICT && dict->u.list.count > MAX_METADATA) {
        return 1;
    }
    for (int64_t i = 1; dict != NULL && dict->type == PA_PICKLE_DICT && i < dict->u.list.count; i += 2) {
        const pa_pickle_node *value = dict->u.list.items[i];
        if (value->type != PA_PICKLE_BOOL || value->u.integer != 0) {
            return 1;
        }
    }
    return 0;
}

/* (storage, offset, sizes, strides, requires_grad, hooks[, dtype][, metadata]) */
static pa_status make_tensor(const pa_torch_reader *reader, pa_pickle *pickle, const pa_torch_name *function,
                             const pa_pickle_node *args, pa_pickle_node **out, pa_error *err)
{
    pa_status status = PA_OK;
    const int typed = function->role == PA_TORCH_TENSOR_OF_TYPE;
    pa_pickle_node *const *items = args->u.list.items;
    int64_t shape[MAX_DIMENSIONS];
    int64_t strides[MAX_DIMENSIONS];
    void *memory = NULL;
    const int64_t count = args->u.list.count;
    PA_REQUIRE(count >= (typed ? 7 : 4) && count <= (typed ? 8 : 7), err, PA_ERR_FORMAT, "%s with %lld arguments",
               function->name, (long long)count);
    const pa_torch_name *type = typed ? name_of(items[6]) : NULL;
    PA_REQUIRE(!typed || (type != NULL && type->role == PA_TORCH_DTYPE), err, PA_ERR_FORMAT,
               "%s: argument 7 is no element type", function->name);
    const char *what = items[0]->type == PA_PICKLE_OPAQUE ? items[0]->u.object
                       : typed && type->dtype == 0        ? type->what
                       : is_changed(args, typed ? 7 : 6)  ? "stored conjugated or negated"
                                                          : NULL;
    if (items[0]->type == PA_PICKLE_OPAQUE || what != NULL) {
        PA_TRY(make_unreadable(pickle, what, out, err));
        goto cleanup;
    }
    PA_REQUIRE(items[0]->type == PA_PICKLE_STORAGE && items[1]->type == PA_PICKLE_INT, err, PA_ERR_FORMAT,
               "%s: needs a storage and an offset, not %s and %s", function->name, pa_pickle_type_name(items[0]->type),
               pa_pickle_type_name(items[1]->type));
    PA_TRY(read_integers(items[2], "sizes", shape, err));
    PA_TRY(read_integers(items[3], "strides", strides, err));
    PA_REQUIRE(items[2]->u.list.count == items[3]->u.list.count, err, PA_ERR_FORMAT, "%lld sizes but %lld strides",
               (long long)items[2]->u.list.count, (long long)items[3]->u.list.count);

    PA_TRY(pa_pickle_alloc(pickle, 1, sizeof(pa_tensor), &memory, err));
    pa_tensor *tensor = memory;
    const int64_t ndim = items[2]->u.list.count;
    const size_t bytes = (size_t)ndim * sizeof(*shape);
    const int packed = are_packed(shape, strides, ndim);
    PA_TRY(pa_pickle_alloc(pickle, packed ? ndim : 2 * ndim, sizeof(*shape), &memory, err));
    int64_t *extents = memory;
    memcpy(extents, shape, bytes);
    if (!packed) {
        memcpy(extents + ndim, strides, bytes);
    }
    const pa_torch_storage *storage = items[0]->u.object;
    tensor->storage = storage->storage;
    tensor->dtype = typed ? type->dtype : storage->type->dtype;
    tensor->swapped = reader->swapped && pa_dtype_size(tensor->dtype) > 1;
    tensor->ndim = (int32_t)ndim;
    tensor->offset = items[1]->u.integer;
    tensor->shape = extents;
    tensor->strides = packed ? NULL : extents + ndim;
    PA_TRY(pa_pickle_node_create(pickle, PA_PICKLE_TENSOR, out, err));
    (*out)->u.object = tensor;

cleanup:
    return status;
}

/* OrderedDict(), OrderedDict([[key, value], ...]), or defaultdict(list), which begins empty too. */
static pa_status make_dict(pa_pickle *pickle, const pa_pickle_node *args, pa_pickle_node **out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(args->u.list.count <= 1, err, PA_ERR_FORMAT, "a dict of %lld arguments", (long long)args->u.list.count);
    const pa_pickle_node *pairs = args->u.list.count == 1 ? args->u.list.items[0] : NULL;
    if (pairs != NULL && (pairs->type == PA_PICKLE_GLOBAL || pairs->type == PA_PICKLE_OPAQUE)) {
        pairs = NULL;
    }
    if (pairs != NULL && pairs->type == PA_PICKLE_DICT) {
        *out = args->u.list.items[0];
        goto cleanup;
    }
    PA_TRY(pa_pickle_node_create(pickle, PA_PICKLE_DICT, out, err));
    PA_REQUIRE(pairs == NULL || pairs->type == PA_PICKLE_LIST || pairs->type == PA_PICKLE_TUPLE, err, PA_ERR_FORMAT,
               "dict of %s", pa_pickle_type_name(pairs->type));
    for (int64_t i = 0; pairs != NULL && i < pairs->u.list.count; i++) {
        const pa_pickle_node *pair = pairs->u.list.items[i];
        PA_REQUIRE((pair->type == PA_PICKLE_LIST || pair->type == PA_PICKLE_TUPLE) && pair->u.list.count == 2, err,
                   PA_ERR_FORMAT, "item %lld of a dict is no pair", (long long)i);
        PA_TRY(pa_pickle_node_append(pickle, *out, pair->u.list.items[0], err));
        PA_TRY(pa_pickle_node_append(pickle, *out, pair->u.list.items[1], err));
    }

cleanup:
    return status;
}

/* What stands for one of its arguments. */
static pa_status pass_on(const pa_torch_name *function, const pa_pickle_node *args, pa_pickle_type type,
                         pa_pickle_node **out, pa_error *err)
{
    pa_pickle_node *first = args->u.list.count > 0 ? args->u.list.items[0] : NULL;
    if (first == NULL || (first->type != type && first->type != PA_PICKLE_OPAQUE)) {
        return pa_fail(err, PA_ERR_FORMAT, "%s needs %s first", function->name, pa_pickle_type_name(type));
    }
    *out = first;
    return PA_OK;
}

static pa_status apply(const pa_torch_reader *reader, pa_pickle *pickle, const pa_torch_name *function,
                       const pa_pickle_node *args, pa_pickle_node **out, pa_error *err)
{
    switch (function->role) {
    case PA_TORCH_TENSOR:
    case PA_TORCH_TENSOR_OF_TYPE:
        return make_tensor(reader, pickle, function, args, out, err);
    case PA_TORCH_PARAMETER:
        return pass_on(function, args, PA_PICKLE_TENSOR, out, err);
    case PA_TORCH_SIZE:
        return pass_on(function, args, PA_PICKLE_TUPLE, out, err);
    case PA_TORCH_DICT:
        return make_dict(pickle, args, out, err);
    case PA_TORCH_OTHER:
        return make_unreadable(pickle, function->what, out, err);
    default:
        return pa_fail(err, PA_ERR_FORMAT, "'%s.%s' cannot be called", function->module, function->name);
    }
}

static pa_status hook_call(void *user, pa_pickle *pickle, const pa_pickle_node *callable, const pa_pickle_node *args,
                           pa_pickle_node **out, pa_error *err)
{
    const pa_torch_reader *reader = user;
    const pa_torch_name *function = name_of(callable);
    if (function == NULL) {
        return pa_pickle_node_create(pickle, PA_PICKLE_OPAQUE, out, err);
    }
    if (function->role != PA_TORCH_FROM_TYPE) {
        return apply(reader, pickle, function, args, out, err);
    }
    /* A tensor with attributes: (function, type, args, state). */
    pa_pickle_node *const *items = args->u.list.items;
    const pa_torch_name *inner = args->u.list.count == 4 ? name_of(items[0]) : NULL;
    if (inner == NULL || items[2]->type != PA_PICKLE_TUPLE) {
        return pa_fail(err, PA_ERR_FORMAT, "%s needs (function, type, args, state)", function->name);
    }
    return apply(reader, pickle, inner, items[2], out, err);
}

pa_pickle_hooks pa_torch_hooks(pa_torch_reader *reader)
{
    return (pa_pickle_hooks){reader, hook_global, hook_call, hook_persistent};
}
