/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/buffer.h"

#include <math.h>
#include <pthread.h>

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
    pa_tensor *tensors; /* none when the values were there from the start; storages NULL when they are let go of */
    int64_t n_tensors;
    int64_t *extents;    /* backs the tensors' shapes and strides */
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

/* Appends one; shape and strides to `extents`, of which the rest is returned. */
static int64_t *keep(pa_buffer *buffer, const pa_tensor *tensor, int64_t *extents)
{
    pa_tensor *copy = &buffer->tensors[buffer->n_tensors++];
    *copy = *tensor;
    copy->storage = pa_storage_retain(tensor->storage);
    copy->shape = extents;
    copy->strides = extents + tensor->ndim;
    for (int32_t i = 0; i < tensor->ndim; i++) {
        extents[i] = tensor->shape[i];
    }
    pa_tensor_strides(tensor, extents + tensor->ndim);
    buffer->count += pa_tensor_count(tensor);
    return extents + 2 * (int64_t)tensor->ndim;
}

pa_status pa_buffer_from_tensors(const pa_allocator *mem, const pa_tensor *tensors, int64_t n_tensors, pa_buffer **out,
                                 pa_error *err)
{
    pa_status status = PA_OK;
    pa_buffer *buffer = NULL;
    int64_t n_extents = 0;
    *out = NULL;
    for (int64_t k = 0; k < n_tensors; k++) {
        n_extents += 2 * (int64_t)tensors[k].ndim;
    }
    PA_TRY(create(mem, &buffer, err));
    PA_REQUIRE_MEMORY(buffer->tensors = pa_alloc(mem, n_tensors, sizeof(*buffer->tensors)), err, "a matrix");
    PA_REQUIRE_MEMORY(buffer->extents = pa_alloc(mem, n_extents, sizeof(int64_t)), err, "a matrix");
    int64_t *extents = buffer->extents;
    for (int64_t k = 0; k < n_tensors; k++) {
        extents = keep(buffer, &tensors[k], extents);
    }
    buffer->floats = n_tensors == 1 ? floats_of(&tensors[0]) : NULL;
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

static void let_go(pa_buffer *buffer)
{
    for (int64_t k = 0; k < buffer->n_tensors; k++) {
        pa_storage_release(buffer->tensors[k].storage);
        buffer->tensors[k].storage = NULL;
    }
}

pa_buffer *pa_buffer_retain(pa_buffer *buffer)
{
    atomic_fetch_add_explicit(&buffer->references, 1, memory_order_relaxed);
    return buffer;
}

void pa_buffer_release(pa_buffer *buffer)
{
    if (buffer != NULL && atomic_fetch_sub_explicit(&buffer->references, 1, memory_order_acq_rel) == 1) {
        let_go(buffer);
        pthread_mutex_destroy(&buffer->lock);
        const pa_allocator mem = buffer->mem;
        pa_free(&mem, buffer->owned);
        pa_free(&mem, buffer->tensors);
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

/* With the lock held. The storages are let go of: what was read is kept as doubles. */
static pa_status load(pa_buffer *buffer, pa_error *err)
{
    pa_status status = PA_OK;
    double *values = NULL;
    PA_REQUIRE_MEMORY(values = pa_alloc_raw(&buffer->mem, buffer->count, sizeof(*values)), err, "a tensor");
    int64_t done = 0;
    int64_t nonfinite = 0;
    for (int64_t k = 0; k < buffer->n_tensors; k++) {
        int64_t more = 0;
        PA_TRY(pa_tensor_read(&buffer->tensors[k], &buffer->mem, values + done, &more, err));
        done += pa_tensor_count(&buffer->tensors[k]);
        nonfinite += more;
    }
    buffer->nonfinite = nonfinite;
    buffer->owned = values;
    buffer->values = values;
    values = NULL;
    if (buffer->floats == NULL) {
        let_go(buffer);
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
