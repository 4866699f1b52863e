/* SPDX-License-Identifier: Apache-2.0 */
/* Files of np.savez() and np.savez_compressed(): a zip archive of arrays, each named after its record. */
#include <string.h>

#include "base/alloc.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/format_impl.h"
#include "checkpoint/formats/npy.h"
#include "checkpoint/formats/zip.h"

static int ends_in_npy(const char *name, int64_t length)
{
    return length > 4 && memcmp(name + length - 4, ".npy", 4) == 0;
}

/* A local header of 30 bytes, and the name of the first record. */
static int probe(const unsigned char *head, int64_t n, int64_t size)
{
    (void)size;
    return n >= 30 && memcmp(head, "PK\3\4", 4) == 0 && 30 + (int64_t)pa_le16(head + 26) <= n &&
           ends_in_npy((const char *)head + 30, pa_le16(head + 26));
}

static pa_status add_record(pa_archive *archive, const pa_zip *zip, int64_t number, unsigned char *head, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_zip_entry *entry = &zip->entries[number];
    const int64_t n = entry->size < PA_NPY_HEAD_BYTES ? entry->size : PA_NPY_HEAD_BYTES;
    pa_storage *storage = NULL;
    pa_npy npy;
    PA_TRY(pa_zip_peek(zip, number, n, head, err));
    status = pa_npy_read_header(head, n, entry->size, &npy, err);
    if (status == PA_ERR_UNSUPPORTED) { /* texts and objects beside the arrays; damage could look like them */
        pa_error_clear(err);
        PA_TRY(pa_zip_check(zip, number, err));
        PA_TRY(pa_npy_omit(archive, entry->name, &npy, err));
        goto cleanup;
    }
    if (status != PA_OK) {
        char shown[PA_PRINTABLE_SIZE];
        pa_error_prefix(err, pa_printable(shown, entry->name, (int64_t)strlen(entry->name)));
        goto cleanup;
    }
    PA_TRY(pa_zip_storage(zip, number, &storage, err));
    PA_TRY(pa_npy_add(archive, entry->name, &npy, storage, err));

cleanup:
    pa_storage_release(storage);
    return status;
}

static pa_status read(pa_archive *archive, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &archive->ctx->mem;
    pa_zip *zip = NULL;
    unsigned char *head = pa_alloc_raw(mem, PA_NPY_HEAD_BYTES, 1);
    PA_REQUIRE_MEMORY(head, err, "an npy header");
    PA_TRY(pa_zip_open_flat(mem, archive->file, &zip, err));
    for (int64_t i = 0; i < zip->count; i++) {
        if (ends_in_npy(zip->entries[i].name, (int64_t)strlen(zip->entries[i].name))) {
            PA_TRY(add_record(archive, zip, i, head, err));
        } else {
            archive->skipped++;
        }
    }

cleanup:
    pa_zip_close(zip);
    pa_free(mem, head);
    return status;
}

const pa_format pa_format_npz = {"npz", probe, read};
