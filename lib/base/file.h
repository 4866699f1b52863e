/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Files: read at a place, counted, and checked against being changed meanwhile; written beside and renamed. */
#ifndef PA_BASE_FILE_H
#define PA_BASE_FILE_H
#include "base/storage.h"

/** Opaque, counted: a regular file opened for reading. Any thread. */
typedef struct pa_file pa_file;

/** PA_ERR_NOT_FOUND, PA_ERR_IO (text names path and reason), PA_ERR_UNSUPPORTED (not a regular file), PA_ERR_NOMEM. */
pa_status pa_file_open(const pa_allocator *mem, const char *path, pa_file **out, pa_error *err);
pa_file *pa_file_retain(pa_file *file);
void pa_file_release(pa_file *file);
const char *pa_file_path(const pa_file *file);
/** What its memory and that of its readers comes from. */
pa_allocator pa_file_allocator(const pa_file *file);
int64_t pa_file_size(const pa_file *file);
int64_t pa_file_bytes_read(const pa_file *file);

/**
 * Read exactly `bytes` bytes. A range beyond the end is PA_ERR_FORMAT; a file that was truncated or replaced since it
 * was opened (size, modification time) is PA_ERR_IO; interrupted and short reads are continued.
 */
pa_status pa_file_read(pa_file *file, int64_t offset, int64_t bytes, void *dst, pa_error *err);

/** The same, handed over in pieces of PA_PIECE bytes and the rest; the first status of `take` that is not PA_OK ends it. */
pa_status pa_file_pass(pa_file *file, int64_t offset, int64_t bytes, pa_bytes_fn take, void *user, pa_error *err);

/** That range will be read soon: the system may fetch it meanwhile. */
void pa_file_announce(const pa_file *file, int64_t offset, int64_t bytes);

/** Prepend the path to the text that a reader of this file wrote, unless it begins with it already. */
void pa_file_error_prefix(const pa_file *file, pa_error *err);

/** A whole small file as a NUL-terminated string; longer than `limit` is PA_ERR_LIMIT. Free with pa_free(). */
pa_status pa_file_read_text(const pa_allocator *mem, const char *path, int64_t limit, char **text, int64_t *length,
                            pa_error *err);

/** A set of files that appear together: each is written beside its name, all are renamed by pa_output_commit(). */
typedef struct pa_output pa_output;
pa_status pa_output_create(const pa_allocator *mem, pa_output **out, pa_error *err);
/** Write one file completely (directories are made); nothing is visible under `path` yet. Errors name the path. */
pa_status pa_output_write(pa_output *output, const char *path, const char *data, int64_t length, pa_error *err);
/** The same piece by piece, in a directory that is there: begin, append what it holds, end. One file at a time. */
pa_status pa_output_begin(pa_output *output, const char *path, pa_error *err);
pa_status pa_output_append(pa_output *output, const void *data, int64_t length, pa_error *err);
pa_status pa_output_end(pa_output *output, pa_error *err);
/** Rename all into place, for good: a loss of power afterwards does not undo it. After a failure what was not renamed yet
 * is gone and its old version stays. */
pa_status pa_output_commit(pa_output *output, pa_error *err);
/** Removes what was not committed. */
void pa_output_destroy(pa_output *output);
#endif
