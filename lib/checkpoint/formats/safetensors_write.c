/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/formats/safetensors_write.h"

#include <string.h>

#include "base/alloc.h"
#include "base/sort.h"
#include "base/text.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/safetensors_types.h"

/* Readers refuse longer headers. What is written between two questions whether to go on is a fraction of a second. */
enum { MAX_HEADER = 100000000, ALIGNMENT = 8, PIECE = 8 << 20 };

typedef struct writer {
    const pa_archive *archive;
    const pa_convert_options *options;
    pa_output *output;
    int64_t *order; /* entries as they stand in the file */
    pa_text header;
    pa_convert_progress progress;
} writer;

static int compare_entries(const void *items, int64_t a, int64_t b)
{
    const pa_archive_entry *x = (const pa_archive_entry *)items + a;
    const pa_archive_entry *y = (const pa_archive_entry *)items + b;
    const pa_safetensors_type *s = pa_safetensors_type_of(x->tensor.dtype);
    const pa_safetensors_type *t = pa_safetensors_type_of(y->tensor.dtype);
    return s != t ? (s < t ? 1 : -1) : strcmp(x->name, y->name);
}

/* A JSON string, escaped as little as possible. */
static pa_status append_string(pa_text *out, const char *text, pa_error *err)
{
    static const char escaped[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    pa_status status = PA_OK;
    PA_TRY(pa_text_append(out, "\"", err));
    for (const char *p = text; *p != '\0'; p++) {
        const char *special = strchr(escaped, *p);
        if (special != NULL) {
            PA_TRY(pa_text_printf(out, err, "\\%c", letters[special - escaped]));
        } else if ((unsigned char)*p < 0x20) {
            PA_TRY(pa_text_printf(out, err, "\\u%04x", (unsigned)*p));
        } else {
            PA_TRY(pa_text_append_bytes(out, p, 1, err));
        }
    }
    PA_TRY(pa_text_append(out, "\"", err));

cleanup:
    return status;
}

static pa_status append_notes(writer *w, pa_error *err)
{
    static const char *const torch[] = {"format", "pt"}; /* what transformers writes, and wants to read */
    const pa_archive_notes *notes = &w->archive->notes;
    const char *const *texts = notes->possible ? notes->texts : torch;
    const int64_t count = notes->possible ? notes->count : 1;
    pa_status status = PA_OK;
    for (int64_t i = 0; i < count; i++) {
        PA_TRY(pa_text_append(&w->header, i > 0 ? "," : "\"__metadata__\":{", err));
        PA_TRY(append_string(&w->header, texts[2 * i], err));
        PA_TRY(pa_text_append(&w->header, ":", err));
        PA_TRY(append_string(&w->header, texts[2 * i + 1], err));
    }
    PA_TRY(pa_text_append(&w->header, count > 0 ? "}" : "", err));

cleanup:
    return status;
}

static pa_status check_name(const char *name, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    const int64_t length = (int64_t)strlen(name);
    PA_REQUIRE(pa_is_utf8(name, length), err, PA_ERR_UNSUPPORTED,
               "'%s': names in a safetensors file are UTF-8, this one is not", pa_printable(shown, name, length));
    PA_REQUIRE(strcmp(name, "__metadata__") != 0, err, PA_ERR_UNSUPPORTED,
               "'__metadata__': no tensor of a safetensors file may have this name");

cleanup:
    return status;
}

static pa_status append_entry(writer *w, const pa_archive_entry *entry, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_tensor *tensor = &entry->tensor;
    const int64_t begin = w->progress.bytes;
    int64_t bytes = 0;
    int64_t end = 0;
    PA_TRY(check_name(entry->name, err));
    /* Counts are at most INT64_MAX / 8, but a view may repeat elements without end. */
    PA_REQUIRE(!__builtin_mul_overflow(pa_tensor_count(tensor), pa_dtype_size(tensor->dtype), &bytes) &&
                   !__builtin_add_overflow(begin, bytes, &end),
               err, PA_ERR_LIMIT, "the sizes of the tensors overflow");
    PA_TRY(append_string(&w->header, entry->name, err));
    PA_TRY(
        pa_text_printf(&w->header, err, ":{\"dtype\":\"%s\",\"shape\":[", pa_safetensors_type_of(tensor->dtype)->name));
    for (int32_t i = 0; i < tensor->ndim; i++) {
        PA_TRY(pa_text_printf(&w->header, err, "%s%lld", i > 0 ? "," : "", (long long)tensor->shape[i]));
    }
    PA_TRY(pa_text_printf(&w->header, err, "],\"data_offsets\":[%lld,%lld]}", (long long)begin, (long long)end));
    w->progress.bytes = end;

cleanup:
    return status;
}

static pa_status make_header(writer *w, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_text_append(&w->header, "{", err));
    PA_TRY(append_notes(w, err));
    for (int64_t i = 0; i < w->archive->count; i++) {
        PA_TRY(pa_text_append(&w->header, w->header.length > 1 ? "," : "", err));
        PA_TRY(append_entry(w, &w->archive->entries[w->order[i]], err));
    }
    PA_TRY(pa_text_append(&w->header, "}", err));
    while (w->header.length % ALIGNMENT != 0) {
        PA_TRY(pa_text_append(&w->header, " ", err));
    }
    PA_REQUIRE(w->header.length <= MAX_HEADER, err, PA_ERR_LIMIT,
               "the header would have %lld bytes, at most %d are allowed", (long long)w->header.length, MAX_HEADER);

cleanup:
    return status;
}

static pa_status ask(writer *w, pa_error *err)
{
    if (w->options->progress != NULL && !w->options->progress(w->options->user, &w->progress)) {
        return pa_fail(err, PA_ERR_CANCELLED, "cancelled");
    }
    return PA_OK;
}

static pa_status write_bytes(void *user, const void *bytes, int64_t count, pa_error *err)
{
    pa_status status = PA_OK;
    writer *w = user;
    for (int64_t done = 0; done < count;) {
        const int64_t piece = count - done < PIECE ? count - done : PIECE;
        PA_TRY(pa_output_append(w->output, (const char *)bytes + done, piece, err));
        done += piece;
        w->progress.bytes_done += piece;
        PA_TRY(ask(w, err));
    }

cleanup:
    return status;
}

static pa_status write_all(writer *w, pa_error *err)
{
    pa_status status = PA_OK;
    unsigned char length[8];
    for (int i = 0; i < 8; i++) {
        length[i] = (unsigned char)((uint64_t)w->header.length >> (8 * i));
    }
    PA_TRY(pa_output_append(w->output, length, sizeof(length), err));
    PA_TRY(pa_output_append(w->output, w->header.data, w->header.length, err));
    for (int64_t i = 0; i < w->archive->count; i++) {
        const pa_archive_entry *entry = &w->archive->entries[w->order[i]];
        w->progress.name = entry->name;
        PA_TRY(ask(w, err));
        PA_TRY(pa_tensor_bytes(&entry->tensor, &w->archive->ctx->mem, write_bytes, w, err));
        w->progress.tensors_done++;
    }
    PA_TRY(ask(w, err));

cleanup:
    return status;
}

pa_status pa_safetensors_write(const pa_archive *archive, const pa_convert_options *options, pa_output *output,
                               pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &archive->ctx->mem;
    writer w = {.archive = archive,
                .options = options,
                .output = output,
                .header = {.mem = mem},
                .progress = {.struct_size = sizeof(w.progress), .name = "", .tensors = archive->count}};
    PA_REQUIRE_MEMORY(w.order = pa_alloc(mem, archive->count, sizeof(*w.order)), err, "the order of tensors");
    pa_sort_numbers(w.order, archive->count, compare_entries, archive->entries);
    status = make_header(&w, err);
    if (status != PA_OK && status != PA_ERR_NOMEM) {
        pa_file_error_prefix(archive->file, err);
    }
    PA_TRY(status);
    PA_TRY(write_all(&w, err));

cleanup:
    pa_text_free(&w.header);
    pa_free(mem, w.order);
    return status;
}
