/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/formats/span.h"

#include "base/alloc.h"

/* Of a file or of another storage; the other is NULL. */
typedef struct span_storage {
    pa_storage base;
    pa_allocator mem;
    pa_file *file;
    pa_storage *whole;
    int64_t offset;
} span_storage;

static pa_status pass_file(pa_storage *self, int64_t offset, int64_t bytes, pa_bytes_fn take, void *user, pa_error *err)
{
    const span_storage *span = (const span_storage *)self;
    return pa_file_pass(span->file, &span->mem, span->offset + offset, bytes, take, user, err);
}

static pa_status pass_whole(pa_storage *self, int64_t offset, int64_t bytes, pa_bytes_fn take, void *user,
                            pa_error *err)
{
    const span_storage *span = (const span_storage *)self;
    return span->whole->ops->pass(span->whole, span->offset + offset, bytes, take, user, err);
}

static void announce_file(const pa_storage *self)
{
    const span_storage *span = (const span_storage *)self;
    pa_file_announce(span->file, span->offset, self->bytes);
}

static void announce_whole(const pa_storage *self)
{
    const span_storage *span = (const span_storage *)self;
    if (span->whole->ops->announce != NULL) {
        span->whole->ops->announce(span->whole);
    }
}

static void destroy(pa_storage *self)
{
    span_storage *span = (span_storage *)self;
    const pa_allocator mem = span->mem;
    pa_file_release(span->file);
    pa_storage_release(span->whole);
    pa_free(&mem, span);
}

static const pa_storage_ops file_ops = {pass_file, destroy, announce_file};
static const pa_storage_ops whole_ops = {pass_whole, destroy, announce_whole};

static pa_status create(const pa_allocator *mem, const pa_storage_ops *ops, int64_t offset, int64_t bytes,
                        span_storage **out, pa_error *err)
{
    *out = pa_alloc(mem, 1, sizeof(**out));
    if (*out == NULL) {
        return pa_fail_nomem(err, "a storage");
    }
    pa_storage_init(&(*out)->base, ops, NULL, bytes);
    (*out)->mem = *mem;
    (*out)->offset = offset;
    return PA_OK;
}

pa_status pa_span_of_file(const pa_allocator *mem, pa_file *file, int64_t offset, int64_t bytes, pa_storage **out,
                          pa_error *err)
{
    span_storage *span = NULL;
    const pa_status status = create(mem, &file_ops, offset, bytes, &span, err);
    *out = NULL;
    if (status == PA_OK) {
        span->file = pa_file_retain(file);
        *out = &span->base;
    }
    return status;
}

pa_status pa_span_of_storage(const pa_allocator *mem, pa_storage *base, int64_t offset, int64_t bytes, pa_storage **out,
                             pa_error *err)
{
    span_storage *span = NULL;
    const pa_status status = create(mem, &whole_ops, offset, bytes, &span, err);
    *out = NULL;
    if (status == PA_OK) {
        span->whole = pa_storage_retain(base);
        *out = &span->base;
    }
    return status;
}
