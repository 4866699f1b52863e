/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Where the elements of tensors are: bytes in memory, or bytes that can be read on demand.
 *
 * File formats make storages; matrices read them. Neither knows the other.
 */
#ifndef PA_BASE_STORAGE_H
#define PA_BASE_STORAGE_H
#include <stdatomic.h>

#include "base/error.h"

typedef struct pa_storage pa_storage;

/** Bytes of a piece: a multiple of every element's size, and small enough to be worked on in the processor's cache. */
enum { PA_PIECE = 1 << 16 };

/** Takes the next `count` bytes, which are borrowed for the call. */
typedef pa_status (*pa_bytes_fn)(void *user, const void *bytes, int64_t count, pa_error *err);

typedef struct pa_storage_ops {
    /**
     * Hand over `bytes` bytes from `offset` on, in pieces of PA_PIECE bytes and the rest; the range lies inside the
     * storage. Damage may show behind a piece that was taken already: what was taken is good when PA_OK is returned.
     * Any thread.
     */
    pa_status (*pass)(pa_storage *self, int64_t offset, int64_t bytes, pa_bytes_fn take, void *user, pa_error *err);
    /** Free the storage itself; called when the last reference goes. */
    void (*destroy)(pa_storage *self);
    /** All of it will be read soon: the system may fetch it meanwhile. May be NULL. Any thread. */
    void (*announce)(const pa_storage *self);
} pa_storage_ops;

/** First member of every implementation. Start with pa_storage_init(). */
struct pa_storage {
    const pa_storage_ops *ops;
    const void *resident; /**< All bytes when they are in memory, else NULL. */
    int64_t bytes;
    atomic_int references;
};

/** One reference, held by the caller. */
void pa_storage_init(pa_storage *storage, const pa_storage_ops *ops, const void *resident, int64_t bytes);
pa_storage *pa_storage_retain(pa_storage *storage);
void pa_storage_release(pa_storage *storage);

/** Fill `dst` with `bytes` bytes from `offset` on; the range lies inside the storage. */
pa_status pa_storage_read(pa_storage *storage, int64_t offset, int64_t bytes, void *dst, pa_error *err);

/** A ::pa_bytes_fn that copies to where the `unsigned char *` lies that `user` points to, and moves it on. */
pa_status pa_take_copy(void *user, const void *bytes, int64_t count, pa_error *err);

/** A view of a storage. Shape and strides are borrowed from whoever made the description. */
typedef struct pa_tensor {
    pa_storage *storage;
    pa_dtype dtype;
    int32_t swapped; /**< 1: the bytes of each element are in the other order than this machine's. */
    int32_t ndim;
    int64_t offset;         /**< Of the first element, in elements. */
    const int64_t *shape;   /**< `ndim` sizes, >= 0. */
    const int64_t *strides; /**< `ndim` distances in elements, >= 0; NULL: as pa_packed_strides() has them. */
} pa_tensor;

/** PA_OK when the view lies inside its storage and nothing overflows, else PA_ERR_FORMAT with the reason. */
pa_status pa_tensor_check(const pa_tensor *tensor, pa_error *err);

/** Let the system fetch the storage of a tensor that will be read soon. */
void pa_tensor_announce(const pa_tensor *tensor);

/** Whether the elements lie one after the other in row-major order. */
int pa_tensor_is_packed(const pa_tensor *tensor);

/** Strides of `ndim` sizes whose elements lie one after the other in row-major order; sizes of 0 count as 1. */
void pa_packed_strides(const int64_t *shape, int32_t ndim, int64_t *strides);

/** The strides of a checked tensor, also where it has none of its own. */
void pa_tensor_strides(const pa_tensor *tensor, int64_t *strides);

/** Number of elements; call on checked tensors only. */
int64_t pa_tensor_count(const pa_tensor *tensor);

/**
 * Read all elements in row-major order as doubles, and count those that are NaN or infinite.
 * `dst` has room for pa_tensor_count() doubles. The tensor must have been checked.
 */
pa_status pa_tensor_read(const pa_tensor *tensor, const pa_allocator *mem, double *dst, int64_t *nonfinite,
                         pa_error *err);

/**
 * Hand over all elements in row-major order as they are stored, but in little-endian order. The tensor must have been
 * checked. Elements that do not lie one after the other need as much memory as the part of the storage that they span.
 */
pa_status pa_tensor_bytes(const pa_tensor *tensor, const pa_allocator *mem, pa_bytes_fn take, void *user,
                          pa_error *err);
#endif
