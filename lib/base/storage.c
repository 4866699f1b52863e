/* SPDX-License-Identifier: Apache-2.0 */
#include "base/storage.h"

#include <string.h>

void pa_storage_init(pa_storage *storage, const pa_storage_ops *ops, const void *resident, int64_t bytes)
{
    storage->ops = ops;
    storage->resident = resident;
    storage->bytes = bytes;
    atomic_init(&storage->references, 1);
}

pa_storage *pa_storage_retain(pa_storage *storage)
{
    if (storage != NULL) {
        atomic_fetch_add_explicit(&storage->references, 1, memory_order_relaxed);
    }
    return storage;
}

void pa_storage_release(pa_storage *storage)
{
    if (storage != NULL && atomic_fetch_sub_explicit(&storage->references, 1, memory_order_acq_rel) == 1) {
        storage->ops->destroy(storage);
    }
}

pa_status pa_take_copy(void *user, const void *bytes, int64_t count, pa_error *err)
{
    unsigned char **to = user;
    (void)err;
    memcpy(*to, bytes, (size_t)count);
    *to += count;
    return PA_OK;
}

pa_status pa_storage_read(pa_storage *storage, int64_t offset, int64_t bytes, void *dst, pa_error *err)
{
    unsigned char *to = dst;
    return storage->ops->pass(storage, offset, bytes, pa_take_copy, &to, err);
}
