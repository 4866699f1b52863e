/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The tensors of one file, whatever its format; and what a format implements. */
#ifndef PA_CHECKPOINT_ARCHIVE_H
#define PA_CHECKPOINT_ARCHIVE_H
#include "base/arena.h"
#include "base/context_impl.h"
#include "base/file.h"
#include "base/storage.h"

/** A tensor under its name in the file. All pointers belong to the archive. */
typedef struct pa_archive_entry {
    const char *name;
    pa_tensor tensor; /**< Checked: pa_tensor_check() has passed. */
} pa_archive_entry;

/** A tensor of a file that cannot be read, while those beside it can. All pointers belong to the archive. */
typedef struct pa_archive_omission {
    const char *name;
    const char *what; /**< "complex64", "sparse" ... */
} pa_archive_omission;

/** What a file says about itself, as safetensors files do. */
typedef struct pa_archive_notes {
    const char *const *texts; /**< Keys and their values in turn; the archive's. */
    int64_t count;            /**< Pairs. */
    int32_t possible;         /**< 1: the format has a place for them. */
} pa_archive_notes;

typedef struct pa_archive pa_archive;
struct pa_archive {
    pa_context *ctx;
    pa_file *file;
    pa_arena arena;     /**< Names, shapes and strides. */
    const char *format; /**< Name of the format, static. */
    pa_archive_entry *entries;
    int64_t count;
    int64_t capacity;
    pa_archive_notes notes;
    int64_t skipped; /**< Things in the file that are not tensors of a supported type, omissions among them. */
    pa_archive_omission *omissions;
    int64_t n_omissions;
    int64_t omissions_capacity;
    pa_archive **parts; /**< Files that this one refers to, whose tensors are among the entries. */
    int64_t n_parts;
    int32_t depth; /**< 0, or 1 for a part. */
};

/** Bytes that are enough to tell the formats apart. */
enum { PA_FORMAT_HEAD_BYTES = 512 };

/** A file format. */
typedef struct pa_format {
    const char *name;
    /** 1 when the first `n` bytes (up to PA_FORMAT_HEAD_BYTES) of a file of `size` bytes look like it. */
    int (*probe)(const unsigned char *head, int64_t n, int64_t size);
    /** Fill an empty archive: read directories only, no tensor data. */
    pa_status (*read)(pa_archive *archive, pa_error *err);
} pa_format;

/** Open by content. PA_ERR_FORMAT, PA_ERR_UNSUPPORTED, PA_ERR_LIMIT, PA_ERR_IO ...; texts begin with the path. */
pa_status pa_archive_open(pa_context *ctx, const char *path, pa_archive **out, pa_error *err);
void pa_archive_destroy(pa_archive *archive);

/** Bytes read so far, of all parts. */
int64_t pa_archive_bytes_read(const pa_archive *archive);

/** For formats: room for that many more tensors, and not for half as many again. */
pa_status pa_archive_reserve(pa_archive *archive, int64_t more, pa_error *err);

/**
 * For formats: append a tensor. Name, shape and strides are copied, the storage is retained. Runs pa_tensor_check().
 * A name that is there already makes pa_archive_open() fail with PA_ERR_FORMAT.
 */
pa_status pa_archive_add(pa_archive *archive, const char *name, const pa_tensor *tensor, pa_error *err);

/** The same without copies: name, shape and strides live as long as the archive. */
pa_status pa_archive_add_own(pa_archive *archive, const char *name, const pa_tensor *tensor, pa_error *err);

/** For formats: of a part whose tensors were added to the whole, which keeps its names, shapes and strides. */
void pa_archive_forget(pa_archive *archive);

/**
 * For formats: say that there is a tensor that cannot be read; texts are copied. When a file has no others,
 * pa_archive_open() fails with PA_ERR_UNSUPPORTED.
 */
pa_status pa_archive_omit(pa_archive *archive, const char *name, const char *what, pa_error *err);

/** For formats: open a file that this one refers to, which may not refer to others in turn. Nothing is added. */
pa_status pa_archive_open_part(const pa_archive *archive, const char *path, pa_archive **out, pa_error *err);
#endif
