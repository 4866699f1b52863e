/* SPDX-License-Identifier: Apache-2.0 */
/* Views of storages: checked, and their elements read in row-major order. */
#include <string.h>

#include "base/alloc.h"
#include "base/dtype.h"
#include "base/storage.h"

void pa_tensor_announce(const pa_tensor *tensor)
{
    if (tensor->storage->ops->announce != NULL) {
        tensor->storage->ops->announce(tensor->storage);
    }
}

int64_t pa_tensor_count(const pa_tensor *tensor)
{
    int64_t count = 1;
    for (int32_t i = 0; i < tensor->ndim; i++) {
        count *= tensor->shape[i];
    }
    return count;
}

/* Distance from the first element to the last one of a checked, non-empty tensor. */
static int64_t reach(const pa_tensor *tensor)
{
    int64_t last = 0;
    if (tensor->strides == NULL) {
        return pa_tensor_count(tensor) - 1;
    }
    for (int32_t i = 0; i < tensor->ndim; i++) {
        last += (tensor->shape[i] - 1) * tensor->strides[i];
    }
    return last;
}

pa_status pa_tensor_check(const pa_tensor *tensor, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t item = pa_dtype_size(tensor->dtype);
    PA_REQUIRE(item > 0, err, PA_ERR_UNSUPPORTED, "unknown element type %d", (int)tensor->dtype);
    PA_REQUIRE(tensor->ndim >= 0 && tensor->ndim <= 64, err, PA_ERR_LIMIT, "%d dimensions, at most 64",
               (int)tensor->ndim);
    PA_REQUIRE(tensor->offset >= 0, err, PA_ERR_FORMAT, "negative offset %lld", (long long)tensor->offset);

    int64_t count = 1;
    int64_t beyond = 0; /* the last element's distance from the first */
    int64_t last = 0;
    int too_many = 0; /* of empty ones as well: whoever multiplies sizes need not look for a 0 first */
    int too_far = 0;
    int empty = 0;
    for (int32_t i = 0; i < tensor->ndim; i++) {
        const int64_t size = tensor->shape[i];
        const int64_t stride = tensor->strides != NULL ? tensor->strides[i] : 0;
        int64_t step = 0;
        PA_REQUIRE(size >= 0, err, PA_ERR_FORMAT, "negative size %lld in dimension %d", (long long)size, (int)i);
        PA_REQUIRE(stride >= 0, err, PA_ERR_FORMAT, "negative stride %lld in dimension %d", (long long)stride, (int)i);
        empty |= size == 0;
        if (size > 0) {
            too_many |= __builtin_mul_overflow(count, size, &count);
            too_far |= __builtin_mul_overflow(size - 1, stride, &step);
            too_far |= __builtin_add_overflow(beyond, step, &beyond);
        }
    }
    too_far |= __builtin_add_overflow(tensor->offset, tensor->strides != NULL ? beyond : count - 1, &last);
    PA_REQUIRE(!too_many && (empty || (!too_far && count <= INT64_MAX / 8)), err, PA_ERR_FORMAT, "the sizes overflow");
    PA_REQUIRE(empty || last < tensor->storage->bytes / item, err, PA_ERR_FORMAT,
               "the view ends at element %lld of a storage of %lld", (long long)last,
               (long long)(tensor->storage->bytes / item));

cleanup:
    return status;
}

/* Where the walk over all but the last dimension stands. */
typedef struct odometer {
    int64_t index[64];
    int64_t strides[64];
    int64_t offset; /* in elements, from the first element */
} odometer;

/* From the first element on. */
static void start(const pa_tensor *tensor, odometer *at)
{
    memset(at->index, 0, sizeof(at->index));
    pa_tensor_strides(tensor, at->strides);
    at->offset = 0;
}

/* Steps to the next line of the last dimension; 0 after the last one. */
static int next_line(const pa_tensor *tensor, odometer *at)
{
    for (int32_t i = tensor->ndim - 2; i >= 0; i--) {
        at->offset += at->strides[i];
        if (++at->index[i] < tensor->shape[i]) {
            return 1;
        }
        at->offset -= tensor->shape[i] * at->strides[i];
        at->index[i] = 0;
    }
    return 0;
}

int pa_tensor_is_packed(const pa_tensor *tensor)
{
    int64_t expected = 1;
    for (int32_t i = tensor->strides != NULL ? tensor->ndim - 1 : -1; i >= 0; i--) {
        if (tensor->shape[i] != 1 && tensor->strides[i] != expected) {
            return 0;
        }
        expected *= tensor->shape[i];
    }
    return 1;
}

void pa_packed_strides(const int64_t *shape, int32_t ndim, int64_t *strides)
{
    int64_t stride = 1;
    for (int32_t i = ndim - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape[i] > 0 ? shape[i] : 1;
    }
}

void pa_tensor_strides(const pa_tensor *tensor, int64_t *strides)
{
    if (tensor->strides == NULL) {
        pa_packed_strides(tensor->shape, tensor->ndim, strides);
    } else if (tensor->ndim > 0) {
        memcpy(strides, tensor->strides, (size_t)tensor->ndim * sizeof(*strides));
    }
}

static int64_t convert(const pa_tensor *tensor, const unsigned char *first, double *dst)
{
    const int64_t item = pa_dtype_size(tensor->dtype);
    if (pa_tensor_is_packed(tensor)) {
        return pa_dtype_to_f64(tensor->dtype, tensor->swapped, first, 1, pa_tensor_count(tensor), dst);
    }
    const int64_t length = tensor->shape[tensor->ndim - 1];
    odometer at;
    int64_t nonfinite = 0;
    start(tensor, &at);
    const int64_t stride = at.strides[tensor->ndim - 1];
    do {
        nonfinite += pa_dtype_to_f64(tensor->dtype, tensor->swapped, first + at.offset * item, stride, length, dst);
        dst += length;
    } while (next_line(tensor, &at));
    return nonfinite;
}

/* The first element, in memory. `*owned` backs it or is NULL; the caller frees it. */
static pa_status load(const pa_tensor *tensor, const pa_allocator *mem, unsigned char **owned,
                      const unsigned char **first, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t item = pa_dtype_size(tensor->dtype);
    const int64_t length = (reach(tensor) + 1) * item;
    if (tensor->storage->resident != NULL) {
        *first = (const unsigned char *)tensor->storage->resident + tensor->offset * item;
        goto cleanup;
    }
    PA_REQUIRE_MEMORY(*owned = pa_alloc_raw(mem, length, 1), err, "the bytes of a tensor");
    PA_TRY(pa_storage_read(tensor->storage, tensor->offset * item, length, *owned, err));
    *first = *owned;

cleanup:
    return status;
}

/* Whether the bytes need only be read one after the other: they are neither in memory nor to be rearranged. */
static int is_stream(const pa_tensor *tensor)
{
    return tensor->storage->resident == NULL && pa_tensor_is_packed(tensor);
}

static pa_status stream(const pa_tensor *tensor, pa_bytes_fn take, void *user, pa_error *err)
{
    const int64_t item = pa_dtype_size(tensor->dtype);
    return tensor->storage->ops->pass(tensor->storage, tensor->offset * item, pa_tensor_count(tensor) * item, take,
                                      user, err);
}

typedef struct doubles {
    const pa_tensor *tensor;
    double *next;
    int64_t nonfinite;
} doubles;

static pa_status take_doubles(void *user, const void *bytes, int64_t count, pa_error *err)
{
    (void)err;
    doubles *d = user;
    const int64_t n = count / pa_dtype_size(d->tensor->dtype);
    d->nonfinite += pa_dtype_to_f64(d->tensor->dtype, d->tensor->swapped, bytes, 1, n, d->next);
    d->next += n;
    return PA_OK;
}

pa_status pa_tensor_read(const pa_tensor *tensor, const pa_allocator *mem, double *dst, int64_t *nonfinite,
                         pa_error *err)
{
    pa_status status = PA_OK;
    unsigned char *bytes = NULL;
    const unsigned char *first = NULL;
    doubles all = {tensor, dst, 0};
    *nonfinite = 0;
    if (pa_tensor_count(tensor) == 0) {
        goto cleanup;
    }
    if (is_stream(tensor)) {
        PA_TRY(stream(tensor, take_doubles, &all, err));
        *nonfinite = all.nonfinite;
        goto cleanup;
    }
    PA_TRY(load(tensor, mem, &bytes, &first, err));
    *nonfinite = convert(tensor, first, dst);

cleanup:
    pa_free(mem, bytes);
    return status;
}

/* Elements on their way to who takes them. */
typedef struct byte_sink {
    pa_bytes_fn take;
    void *user;
    int64_t item;
    int reverse;
    int64_t used;
    unsigned char buffer[1 << 14]; /* a multiple of every element's size */
} byte_sink;

static pa_status flush(byte_sink *sink, pa_error *err)
{
    const int64_t used = sink->used;
    sink->used = 0;
    return used > 0 ? sink->take(sink->user, sink->buffer, used, err) : PA_OK;
}

/* `count` elements that are `stride` elements apart. */
static pa_status put_line(byte_sink *sink, const unsigned char *from, int64_t stride, int64_t count, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t item = sink->item;
    for (int64_t i = 0; i < count; i++) {
        const unsigned char *element = from + i * stride * item;
        unsigned char *to = sink->buffer + sink->used;
        for (int64_t k = 0; k < item; k++) {
            to[k] = element[sink->reverse ? item - 1 - k : k];
        }
        sink->used += item;
        if (sink->used == (int64_t)sizeof(sink->buffer)) {
            PA_TRY(flush(sink, err));
        }
    }

cleanup:
    return status;
}

static int is_big_endian_machine(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 0;
}

static pa_status rearrange(const pa_tensor *tensor, const unsigned char *first, byte_sink *sink, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t length = tensor->ndim > 0 ? tensor->shape[tensor->ndim - 1] : 1;
    odometer at;
    start(tensor, &at);
    const int64_t stride = tensor->ndim > 0 ? at.strides[tensor->ndim - 1] : 1;
    do {
        PA_TRY(put_line(sink, first + at.offset * sink->item, stride, length, err));
    } while (next_line(tensor, &at));
    PA_TRY(flush(sink, err));

cleanup:
    return status;
}

pa_status pa_tensor_bytes(const pa_tensor *tensor, const pa_allocator *mem, pa_bytes_fn take, void *user, pa_error *err)
{
    pa_status status = PA_OK;
    unsigned char *bytes = NULL;
    const unsigned char *first = NULL;
    byte_sink *sink = NULL;
    const int64_t item = pa_dtype_size(tensor->dtype);
    const int reverse = item > 1 && (tensor->swapped != 0) != is_big_endian_machine();
    if (pa_tensor_count(tensor) == 0) {
        goto cleanup;
    }
    if (is_stream(tensor) && !reverse) {
        PA_TRY(stream(tensor, take, user, err));
        goto cleanup;
    }
    PA_TRY(load(tensor, mem, &bytes, &first, err));
    if (pa_tensor_is_packed(tensor) && !reverse) {
        PA_TRY(take(user, first, pa_tensor_count(tensor) * item, err));
        goto cleanup;
    }
    PA_REQUIRE_MEMORY(sink = pa_alloc_raw(mem, 1, sizeof(*sink)), err, "the bytes of a tensor");
    sink->take = take;
    sink->user = user;
    sink->item = item;
    sink->reverse = reverse;
    sink->used = 0;
    PA_TRY(rearrange(tensor, first, sink, err));

cleanup:
    pa_free(mem, sink);
    pa_free(mem, bytes);
    return status;
}
