/* SPDX-License-Identifier: Apache-2.0 */
/* A file of np.save(): one array, which is called what the file is called. */
#include "checkpoint/formats/npy.h"

#include <string.h>

#include "base/alloc.h"
#include "checkpoint/formats/format_impl.h"
#include "checkpoint/formats/span.h"

/* Strides of an array whose first dimension is the fastest. */
static void fortran_strides(const pa_npy *npy, int64_t *strides)
{
    int64_t stride = 1;
    for (int32_t i = 0; i < npy->ndim; i++) {
        strides[i] = stride;
        stride *= npy->shape[i] > 0 ? npy->shape[i] : 1;
    }
}

static char *name_without_end(const pa_allocator *mem, const char *name)
{
    const size_t length = strlen(name);
    const int has_end = length > 4 && strcmp(name + length - 4, ".npy") == 0;
    return pa_strndup(mem, name, (int64_t)(has_end ? length - 4 : length));
}

pa_status pa_npy_add(pa_archive *archive, const char *name, const pa_npy *npy, pa_storage *storage, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &archive->ctx->mem;
    int64_t strides[PA_NPY_MAX_DIMENSIONS];
    pa_tensor tensor = {.dtype = npy->dtype, .swapped = npy->swapped, .ndim = npy->ndim, .shape = npy->shape};
    char *shorter = name_without_end(mem, name);
    PA_REQUIRE_MEMORY(shorter, err, "the name of an array");
    if (npy->fortran) {
        fortran_strides(npy, strides);
        tensor.strides = strides;
    }
    PA_TRY(pa_span_of_storage(mem, storage, npy->data, storage->bytes - npy->data, &tensor.storage, err));
    PA_TRY(pa_archive_add(archive, shorter, &tensor, err));

cleanup:
    pa_storage_release(tensor.storage);
    pa_free(mem, shorter);
    return status;
}

pa_status pa_npy_omit(pa_archive *archive, const char *name, const pa_npy *npy, pa_error *err)
{
    pa_status status = PA_OK;
    char *shorter = name_without_end(&archive->ctx->mem, name);
    PA_REQUIRE_MEMORY(shorter, err, "the name of an array");
    PA_TRY(pa_archive_omit(archive, shorter, npy->descr[0] != '\0' ? npy->descr : "of another version", err));

cleanup:
    pa_free(&archive->ctx->mem, shorter);
    return status;
}

static pa_status read(pa_archive *archive, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &archive->ctx->mem;
    const int64_t size = pa_file_size(archive->file);
    const int64_t n = size < PA_NPY_HEAD_BYTES ? size : PA_NPY_HEAD_BYTES;
    const char *slash = strrchr(pa_file_path(archive->file), '/');
    pa_storage *storage = NULL;
    pa_npy npy;
    unsigned char *head = pa_alloc_raw(mem, n, 1);
    PA_REQUIRE_MEMORY(head, err, "an npy header");
    PA_TRY(pa_file_read(archive->file, 0, n, head, err));
    PA_TRY(pa_npy_read_header(head, n, size, &npy, err));
    PA_TRY(pa_span_of_file(archive->file, 0, size, &storage, err));
    PA_TRY(pa_npy_add(archive, slash != NULL ? slash + 1 : pa_file_path(archive->file), &npy, storage, err));

cleanup:
    pa_storage_release(storage);
    pa_free(mem, head);
    return status;
}

const pa_format pa_format_npy = {"npy", pa_npy_probe, read};
