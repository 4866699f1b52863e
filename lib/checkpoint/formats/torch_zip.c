/* SPDX-License-Identifier: Apache-2.0 */
/* Files of torch.save() since 1.6: a zip archive of one pickle and one record a storage. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "checkpoint/archive.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/format_impl.h"
#include "checkpoint/formats/torch_objects.h"

enum { MAX_PICKLE_BYTES = 64 << 20, MAX_SMALL_RECORD = 64, MIN_VERSION = 1, MAX_VERSION = 10 };
enum { MAX_DEPTH = 64, MAX_ENTRIES = 1000000, MAX_NAME = 1 << 16, MAX_NAMES = 256 << 20 };

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

static int is_big_endian_machine(void)
{
    const uint16_t one = 1;
    unsigned char first = 0;
    memcpy(&first, &one, 1);
    return first == 0;
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
    *swapped = big != is_big_endian_machine();

cleanup:
    pa_free(zip->mem, text);
    return status;
}

/* The walk over nested dicts. Dicts may be shared and may hold themselves, so everything is counted. */
typedef struct walk {
    pa_archive *archive;
    pa_text name;
    int64_t visited;
    int64_t name_bytes;
} walk;

static pa_status append_key(walk *w, const pa_pickle_node *key, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    if (w->name.length > 0) {
        PA_TRY(pa_text_append(&w->name, ".", err));
    }
    if (key->type == PA_PICKLE_INT) {
        PA_TRY(pa_text_printf(&w->name, err, "%lld", (long long)key->u.integer));
    } else {
        PA_REQUIRE(key->u.text.length <= MAX_NAME - w->name.length, err, PA_ERR_LIMIT,
                   "the name of a tensor has more than %d bytes", MAX_NAME);
        PA_REQUIRE(key->u.text.length > 0 && pa_is_utf8(key->u.text.bytes, key->u.text.length), err, PA_ERR_FORMAT,
                   "the name '%s' is empty or not UTF-8", pa_printable(shown, key->u.text.bytes, key->u.text.length));
        PA_TRY(pa_text_append_bytes(&w->name, key->u.text.bytes, key->u.text.length, err));
    }
    w->name_bytes += w->name.length;
    PA_REQUIRE(w->name_bytes <= MAX_NAMES, err, PA_ERR_LIMIT, "the names take more than %d bytes", MAX_NAMES);

cleanup:
    return status;
}

static void cut_name(walk *w, int64_t length)
{
    w->name.length = length;
    if (w->name.data != NULL) {
        w->name.data[length] = '\0';
    }
}

static pa_status add_dict(walk *w, const pa_pickle_node *dict, int depth, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t length = w->name.length;
    PA_REQUIRE(depth < MAX_DEPTH, err, PA_ERR_LIMIT, "dicts are nested more than %d deep", MAX_DEPTH);
    for (int64_t i = 0; i < dict->u.list.count; i += 2) {
        const pa_pickle_node *key = dict->u.list.items[i];
        const pa_pickle_node *value = dict->u.list.items[i + 1];
        PA_REQUIRE(w->visited++ < MAX_ENTRIES, err, PA_ERR_LIMIT, "more than %d entries in nested dicts", MAX_ENTRIES);
        if ((key->type != PA_PICKLE_TEXT && key->type != PA_PICKLE_INT) ||
            (value->type != PA_PICKLE_TENSOR && value->type != PA_PICKLE_DICT)) {
            w->archive->skipped++;
            continue;
        }
        PA_TRY(append_key(w, key, err));
        if (value->type == PA_PICKLE_TENSOR) {
            PA_TRY(pa_archive_add(w->archive, w->name.data, value->u.object, err));
        } else {
            PA_TRY(add_dict(w, value, depth + 1, err));
        }
        cut_name(w, length);
    }

cleanup:
    return status;
}

static pa_status add_tensors(pa_archive *archive, const pa_pickle_node *root, pa_error *err)
{
    pa_status status = PA_OK;
    walk w = {.archive = archive, .name = {.mem = &archive->ctx->mem}};
    PA_REQUIRE(root->type == PA_PICKLE_DICT, err, PA_ERR_UNSUPPORTED, "holds a %s, not a dict of tensors",
               pa_pickle_type_name(root->type));
    PA_TRY(add_dict(&w, root, 0, err));

cleanup:
    pa_text_free(&w.name);
    return status;
}

static pa_status read(pa_archive *archive, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &archive->ctx->mem;
    pa_zip *zip = NULL;
    unsigned char *bytes = NULL;
    pa_pickle *pickle = NULL;
    pa_torch_reader reader = {.mem = mem};
    PA_TRY(pa_zip_open(mem, archive->file, &zip, err));
    reader.zip = zip;
    PA_TRY(check_version(zip, err));
    PA_TRY(read_byte_order(zip, &reader.swapped, err));
    const int64_t entry = pa_zip_find(zip, "data.pkl");
    PA_REQUIRE(entry >= 0, err, PA_ERR_FORMAT, "there is no record 'data.pkl': not a file of torch.save()");
    PA_TRY(pa_zip_read(zip, entry, MAX_PICKLE_BYTES, &bytes, err));
    PA_TRY(pa_torch_reader_start(&reader, err));
    const pa_pickle_hooks hooks = pa_torch_hooks(&reader);
    status = pa_pickle_read(mem, bytes, zip->entries[entry].size, &hooks, &pickle, err);
    if (status == PA_OK) {
        status = add_tensors(archive, pa_pickle_root(pickle), err);
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
