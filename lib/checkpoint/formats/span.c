/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/formats/span.h"

#include "base/alloc.h"

/* One a tensor, and a file may have a hundred thousand of them. */
typedef struct file_span {
    pa_storage base;
    pa_file *file;
    int64_t offset;
} file_span;

typedef struct storage_span {
    pa_storage base;
    pa_allocator mem;
    pa_storage *whole;
    int64_t offset;
} storage_span;

static pa_status pass_file(pa_storage *self, int64_t offset, int64_t bytes, pa_bytes_fn take, void *user, pa_error *err)
{
    const file_span *span = (const file_span *)self;
    return pa_file_pass(span->file, span->offset + offset, bytes, take, user, err);
}

static pa_status pass_whole(pa_storage *self, int64_t offset, int64_t bytes, pa_bytes_fn take, void *user,
                            pa_error *err)
{
    const storage_span *span = (const storage_span *)self;
    return span->whole->ops->pass(span->whole, span->offset + offset, bytes, take, user, err);
}

static void announce_file(const pa_storage *self)
{
    const file_span *span = (const file_span *)self;
    pa_file_announce(span->file, span->offset, self->bytes);
}

static void announce_whole(const pa_storage *self)
{
    const storage_span *span = (const storage_span *)self;
    if (span->whole->ops->announce != NULL) {
        span->whole->ops->announce(span->whole);
    }
}

static void destroy_file_span(pa_storage *self)
{
    file_span *span = (file_span *)self;
    const pa_allocator mem = pa_file_allocator(span->file);
    pa_file_release(span->file);
    pa_free(&mem, span);
}

static void destroy_storage_span(pa_storage *self)
{
    storage_span *span = (storage_span *)self;
    const pa_allocator mem = span->mem;
    pa_storage_release(span->whole);
    pa_free(&mem, span);
}

static const pa_storage_ops file_ops = {pass_file, destroy_file_span, announce_file};
static const pa_storage_ops whole_ops = {pass_whole, destroy_storage_span, announce_whole};

pa_status pa_span_of_file(pa_file *file, int64_t offset, int64_t bytes, pa_storage **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator mem = pa_file_allocator(file);
    *out = NULL;
    file_span *span = pa_alloc(&mem, 1, sizeof(*span));
    PA_REQUIRE_MEMORY(span, err, "a storage");
    pa_storage_init(&span->base, &file_ops, NULL, bytes);
    span->file = pa_file_retain(file);
    span->offset = offset;
    *out = &span->base;

cleanup:
    return status;
}

pa_status pa_span_of_storage(const pa_allocator *mem, pa_storage *base, int64_t offset, int64_t bytes, pa_storage **out,
                             pa_error *err)
{
    pa_status status = PA_OK;
    *out = NULL;
    storage_span *span = pa_alloc(mem, 1, sizeof(*span));
    PA_REQUIRE_MEMORY(span, err, "a storage");
    pa_storage_init(&span->base, &whole_ops, NULL, bytes);
    span->mem = *mem;
    span->whole = pa_storage_retain(base);
    span->offset = offset;
    *out = &span->base;

cleanup:
    return status;
}
