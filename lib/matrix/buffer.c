/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/buffer.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"

struct pa_buffer {
    pa_allocator mem;
    atomic_int references;
    pthread_mutex_t lock;
    int32_t ready; /* values and nonfinite are set; under the lock */
    const double *values;
    double *owned; /* backs `values`, or NULL */
    int64_t count;
    int64_t nonfinite;
    pa_tensor tensor;    /* storage NULL when the values were there from the start */
    int64_t *extents;    /* backs the tensor's shape and strides */
    const float *floats; /* see pa_buffer_floats() */
};

enum { MANY = 1 << 22 };

static const float *floats_of(const pa_tensor *tensor)
{
    const char *bytes = tensor->storage->resident;
    if (bytes == NULL || tensor->dtype != PA_F32 || tensor->swapped || pa_tensor_count(tensor) < MANY ||
        !pa_tensor_is_packed(tensor) || (uintptr_t)bytes % sizeof(float) != 0) {
        return NULL;
    }
    return (const float *)(const void *)(bytes + tensor->offset * (int64_t)sizeof(float));
}

static pa_status create(const pa_allocator *mem, pa_buffer **out, pa_error *err)
{
    *out = pa_alloc(mem, 1, sizeof(**out));
    if (*out == NULL) {
        return pa_fail_nomem(err, "a matrix");
    }
    (*out)->mem = *mem;
    atomic_init(&(*out)->references, 1);
    pthread_mutex_init(&(*out)->lock, NULL);
    return PA_OK;
}

pa_status pa_buffer_from_tensor(const pa_allocator *mem, const pa_tensor *tensor, pa_buffer **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_buffer *buffer = NULL;
    *out = NULL;
    PA_TRY(create(mem, &buffer, err));
    const size_t bytes = (size_t)tensor->ndim * sizeof(int64_t);
    PA_REQUIRE_MEMORY(buffer->extents = pa_alloc(mem, 2 * (int64_t)tensor->ndim, sizeof(int64_t)), err, "a matrix");
    if (bytes > 0) {
        memcpy(buffer->extents, tensor->shape, bytes);
    }
    pa_tensor_strides(tensor, buffer->extents + tensor->ndim);
    buffer->tensor = *tensor;
    buffer->tensor.shape = buffer->extents;
    buffer->tensor.strides = buffer->extents + tensor->ndim;
    buffer->tensor.storage = pa_storage_retain(tensor->storage);
    buffer->count = pa_tensor_count(tensor);
    buffer->floats = floats_of(tensor);
    *out = buffer;
    buffer = NULL;

cleanup:
    pa_buffer_release(buffer);
    return status;
}

pa_status pa_buffer_from_values(const pa_allocator *mem, const double *values, int64_t count, double *owned,
                                pa_buffer **out, pa_error *err)
{
    const pa_status status = create(mem, out, err);
    if (status == PA_OK) {
        pa_buffer *buffer = *out;
        buffer->values = values;
        buffer->count = count;
        buffer->owned = owned;
        for (int64_t i = 0; i < count; i++) {
            buffer->nonfinite += !isfinite(values[i]);
        }
        buffer->ready = 1;
    }
    return status;
}

pa_buffer *pa_buffer_retain(pa_buffer *buffer)
{
    atomic_fetch_add_explicit(&buffer->references, 1, memory_order_relaxed);
    return buffer;
}

void pa_buffer_release(pa_buffer *buffer)
{
    if (buffer != NULL && atomic_fetch_sub_explicit(&buffer->references, 1, memory_order_acq_rel) == 1) {
        pa_storage_release(buffer->tensor.storage);
        pthread_mutex_destroy(&buffer->lock);
        const pa_allocator mem = buffer->mem;
        pa_free(&mem, buffer->owned);
        pa_free(&mem, buffer->extents);
        pa_free(&mem, buffer);
    }
}

int pa_buffer_is_shared(const pa_buffer *buffer)
{
    return atomic_load_explicit(&buffer->references, memory_order_acquire) > 1;
}

const float *pa_buffer_floats(const pa_buffer *buffer)
{
    return buffer->floats;
}

/* With the lock held. The storage is let go: what was read is kept as doubles. */
static pa_status load(pa_buffer *buffer, pa_error *err)
{
    pa_status status = PA_OK;
    double *values = NULL;
    PA_REQUIRE_MEMORY(values = pa_alloc_raw(&buffer->mem, buffer->count, sizeof(*values)), err, "a tensor");
    PA_TRY(pa_tensor_read(&buffer->tensor, &buffer->mem, values, &buffer->nonfinite, err));
    buffer->owned = values;
    buffer->values = values;
    values = NULL;
    if (buffer->floats == NULL) {
        pa_storage_release(buffer->tensor.storage);
        buffer->tensor.storage = NULL;
    }
    buffer->ready = 1;

cleanup:
    pa_free(&buffer->mem, values);
    return status;
}

pa_status pa_buffer_values(pa_buffer *buffer, const double **values, int64_t *nonfinite, pa_error *err)
{
    pthread_mutex_lock(&buffer->lock);
    const pa_status status = buffer->ready ? PA_OK : load(buffer, err);
    pthread_mutex_unlock(&buffer->lock);
    if (status == PA_OK) {
        *values = buffer->values;
        *nonfinite = buffer->nonfinite;
    }
    return status;
}
