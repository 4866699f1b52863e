/* SPDX-License-Identifier: Apache-2.0 */
/* The pickle machine with torch's names, over storages that are all there and as long as they are said to be. */
#include <string.h>

#include "base/alloc.h"
#include "base/dtype.h"
#include "checkpoint/formats/pickle.h"
#include "checkpoint/formats/torch_names.h"
#include "checkpoint/formats/torch_objects.h"
#include "fuzz.h"

enum { N_STORAGES = 16, STORAGE_BYTES = 4096 };

static const unsigned char zeros[STORAGE_BYTES];

static pa_status pass_zeros(pa_storage *self, int64_t offset, int64_t bytes, pa_bytes_fn take, void *user,
                            pa_error *err)
{
    fuzz_require(offset >= 0 && bytes >= 0 && bytes <= self->bytes - offset, "what is read lies in the storage");
    return take(user, zeros, bytes, err); /* at most STORAGE_BYTES: one piece */
}

static void keep(pa_storage *self)
{
    (void)self;
}

static const pa_storage_ops ops = {.pass = pass_zeros, .destroy = keep};
static pa_storage storages[N_STORAGES];

/* What the persistent id that is being read says; a long storage is never as long as it should be. */
static int64_t expected_bytes;
static pa_pickle_hooks torch_hooks;

static pa_status persistent(void *user, pa_pickle *pickle, const pa_pickle_node *node, pa_pickle_node **out,
                            pa_error *err)
{
    pa_torch_id id;
    expected_bytes = STORAGE_BYTES;
    if (pa_torch_read_id(user, node, &id, NULL) == PA_OK && id.numel >= 0 && id.numel <= STORAGE_BYTES / 8) {
        expected_bytes = id.numel * pa_dtype_size(id.type->dtype);
    }
    return torch_hooks.persistent(user, pickle, node, out, err);
}

/* Key "12" is storage 12 modulo their number. */
static pa_status find(void *user, const char *key, int64_t *number, int64_t *bytes, pa_error *err)
{
    (void)user;
    (void)err;
    const size_t length = strlen(key);
    fuzz_require(length > 0 && strspn(key, "0123456789") == length, "a key is a number");
    *number = (key[length - 1] - '0') % N_STORAGES;
    *bytes = expected_bytes;
    return PA_OK;
}

static pa_status open_storage(void *user, int64_t number, pa_storage **out, pa_error *err)
{
    (void)user;
    (void)err;
    fuzz_require(number >= 0 && number < N_STORAGES, "a storage is one that was found");
    pa_storage_init(&storages[number], &ops, number % 2 == 0 ? zeros : NULL, expected_bytes);
    *out = &storages[number];
    return PA_OK;
}

static pa_status body(pa_context *ctx, const uint8_t *data, size_t n, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle *pickle = NULL;
    pa_archive archive = {.ctx = ctx, .arena = {.mem = fuzz_memory()}};
    pa_torch_reader reader = {
        .mem = fuzz_memory(), .count = N_STORAGES, .id_items = 5, .find = find, .open = open_storage};
    PA_TRY(pa_torch_reader_start(&reader, err));
    torch_hooks = pa_torch_hooks(&reader);
    pa_pickle_hooks hooks = torch_hooks;
    hooks.persistent = persistent;
    PA_TRY(pa_pickle_read(fuzz_memory(), data, (int64_t)n, &hooks, &pickle, err));
    PA_TRY(pa_torch_add_tensors(&archive, "alone.pt", pickle, err));
    PA_TRY(fuzz_read_tensors(&archive, err));

cleanup:
    pa_pickle_destroy(pickle);
    pa_torch_reader_end(&reader);
    for (int64_t i = 0; i < archive.count; i++) {
        pa_storage_release(archive.entries[i].tensor.storage);
    }
    pa_free(fuzz_memory(), archive.entries);
    pa_free(fuzz_memory(), archive.omissions);
    pa_arena_free(&archive.arena);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_run(body, data, n);
    return 0;
}
