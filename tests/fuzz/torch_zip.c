/* SPDX-License-Identifier: Apache-2.0 */
/* Zip archives: the directory and every record by themselves, as torch.save() writes them and flat, then as tensors. */
#include "base/alloc.h"
#include "checkpoint/formats/zip.h"
#include "fuzz.h"

enum { MAX_RECORD = 1 << 20 };

static pa_status read_records(const pa_zip *zip, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < zip->count && status != PA_ERR_NOMEM; i++) {
        unsigned char *bytes = NULL;
        status = pa_zip_read(zip, i, MAX_RECORD, &bytes, err);
        fuzz_require((bytes != NULL) == (status == PA_OK), "a record is there when and only when it was read");
        fuzz_require(bytes == NULL || bytes[zip->entries[i].size] == '\0', "a NUL follows the record");
        pa_free(zip->mem, bytes);
    }
    return status == PA_ERR_NOMEM ? status : PA_OK; /* damaged records are found one by one */
}

static pa_status body(pa_context *ctx, const uint8_t *data, size_t n, pa_error *err)
{
    pa_status status = PA_OK;
    pa_file *file = NULL;
    PA_TRY(pa_file_open(fuzz_memory(), fuzz_memory_file("input", data, n), &file, err));
    for (int flat = 0; flat < 2; flat++) {
        pa_zip *zip = NULL;
        const pa_status opened =
            flat ? pa_zip_open_flat(fuzz_memory(), file, &zip, err) : pa_zip_open(fuzz_memory(), file, &zip, err);
        fuzz_require((zip != NULL) == (opened == PA_OK), "there is an archive when and only when it was opened");
        status = opened == PA_OK ? read_records(zip, err) : opened;
        pa_zip_close(zip);
        if (status == PA_ERR_NOMEM) {
            goto cleanup;
        }
    }
    PA_TRY(fuzz_archive(ctx, data, n, err));

cleanup:
    pa_file_release(file);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_run(body, data, n);
    return 0;
}
