/* SPDX-License-Identifier: Apache-2.0 */
/* Files of torch.save() since 1.6: a zip archive of one pickle and one record a storage. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "checkpoint/archive.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/format_impl.h"
#include "checkpoint/formats/torch_objects.h"
#include "checkpoint/formats/zip.h"

enum { MAX_PICKLE_BYTES = 64 << 20, MAX_SMALL_RECORD = 64, MIN_VERSION = 1, MAX_VERSION = 10 };

static int probe(const unsigned char *head, int64_t n, int64_t size)
{
    (void)size;
    return n >= 4 && memcmp(head, "PK\3\4", 4) == 0;
}

static pa_status read_small(const pa_zip *zip, const char *name, unsigned char **text, int64_t *length, pa_error *err)
{
    const int64_t entry = pa_zip_find(zip, name);
    *text = NULL;
    *length = 0;
    if (entry < 0) {
        return PA_OK;
    }
    *length = zip->entries[entry].size;
    return pa_zip_read(zip, entry, MAX_SMALL_RECORD, text, err);
}

/* A decimal number with an optional line feed; -1 for anything else. */
static int parse_version(const unsigned char *text, int64_t length)
{
    int version = 0;
    if (length > 0 && text[length - 1] == '\n') {
        length--;
    }
    for (int64_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || i >= 6) {
            return -1;
        }
        version = 10 * version + (text[i] - '0');
    }
    return length > 0 ? version : -1;
}

static pa_status check_version(const pa_zip *zip, pa_error *err)
{
    pa_status status = PA_OK;
    unsigned char *text = NULL;
    int64_t length = 0;
    PA_REQUIRE(pa_zip_find(zip, "constants.pkl") < 0, err, PA_ERR_UNSUPPORTED,
               "a TorchScript program (it has a record 'constants.pkl'), not a file of torch.save()");
    PA_TRY(read_small(zip, pa_zip_find(zip, "version") >= 0 ? "version" : ".data/version", &text, &length, err));
    PA_REQUIRE(text != NULL, err, PA_ERR_FORMAT, "there is no record 'version': not a file of torch.save()");
    const int version = parse_version(text, length);
    PA_REQUIRE(version >= 0, err, PA_ERR_FORMAT, "record 'version' is no number");
    PA_REQUIRE(version >= MIN_VERSION && version <= MAX_VERSION, err, PA_ERR_UNSUPPORTED,
               "version %d; %d to %d can be read", version, MIN_VERSION, MAX_VERSION);
    pa_free(zip->mem, text);
    PA_TRY(read_small(zip, ".format_version", &text, &length, err));
    PA_REQUIRE(text == NULL || parse_version(text, length) == 1, err, PA_ERR_UNSUPPORTED,
               "record '.format_version' is not 1");

cleanup:
    pa_free(zip->mem, text);
    return status;
}

static pa_status read_byte_order(const pa_zip *zip, int32_t *swapped, pa_error *err)
{
    pa_status status = PA_OK;
    unsigned char *text = NULL;
    int64_t length = 0;
    PA_TRY(read_small(zip, "byteorder", &text, &length, err));
    const int big = text != NULL && length == 3 && memcmp(text, "big", 3) == 0;
    PA_REQUIRE(text == NULL || big || (length == 6 && memcmp(text, "little", 6) == 0), err, PA_ERR_FORMAT,
               "record 'byteorder' is neither 'little' nor 'big'");
    *swapped = big != pa_is_big_endian_machine();

cleanup:
    pa_free(zip->mem, text);
    return status;
}

/* "data/<key>" */
static pa_status find(void *user, const char *key, int64_t *number, int64_t *bytes, pa_error *err)
{
    const pa_zip *zip = user;
    char record[8 + PA_TORCH_KEY_SIZE];
    (void)snprintf(record, sizeof(record), "data/%s", key);
    *number = pa_zip_find(zip, record);
    if (*number < 0) {
        return pa_fail(err, PA_ERR_FORMAT, "there is no record '%s'", record);
    }
    *bytes = zip->entries[*number].size;
    return PA_OK;
}

static pa_status open_storage(void *user, int64_t number, pa_storage **out, pa_error *err)
{
    return pa_zip_storage(user, number, out, err);
}

static pa_status read(pa_archive *archive, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &archive->ctx->mem;
    pa_zip *zip = NULL;
    unsigned char *bytes = NULL;
    pa_pickle *pickle = NULL;
    pa_torch_reader reader = {.mem = mem, .id_items = 5, .find = find, .open = open_storage};
    PA_TRY(pa_zip_open(mem, archive->file, &zip, err));
    reader.user = zip;
    reader.count = zip->count;
    PA_TRY(check_version(zip, err));
    PA_TRY(read_byte_order(zip, &reader.swapped, err));
    const int64_t entry = pa_zip_find(zip, "data.pkl");
    PA_REQUIRE(entry >= 0, err, PA_ERR_FORMAT, "there is no record 'data.pkl': not a file of torch.save()");
    PA_TRY(pa_zip_read(zip, entry, MAX_PICKLE_BYTES, &bytes, err));
    PA_TRY(pa_torch_reader_start(&reader, err));
    const pa_pickle_hooks hooks = pa_torch_hooks(&reader);
    status = pa_pickle_read(mem, bytes, zip->entries[entry].size, &hooks, &pickle, err);
    pa_zip_close(zip);
    zip = NULL;
    if (status == PA_OK) {
        status = pa_torch_add_tensors(archive, pa_file_path(archive->file), pickle, err);
    }
    if (status != PA_OK && status != PA_ERR_NOMEM) {
        pa_error_prefix(err, "data.pkl");
    }

cleanup:
    pa_pickle_destroy(pickle);
    pa_torch_reader_end(&reader);
    pa_free(mem, bytes);
    pa_zip_close(zip);
    return status;
}

const pa_format pa_format_torch_zip = {"torch zip", probe, read};
