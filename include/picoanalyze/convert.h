/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/convert.h
 * @brief The tensors of a checkpoint as one safetensors file.
 *
 * Threads: a checkpoint may be written by several threads at once, each to its own file.
 */
#ifndef PICOANALYZE_CONVERT_H
#define PICOANALYZE_CONVERT_H
#include <picoanalyze/checkpoint.h>

PA_BEGIN_DECLS

/** How far the writing has come. */
typedef struct pa_convert_progress {
    size_t struct_size;   /**< `sizeof(pa_convert_progress)` as the library was compiled. */
    const char *name;     /**< The tensor being written; borrowed for the call. */
    int64_t tensors_done; /**< Tensors written. */
    int64_t tensors;      /**< Tensors in all. */
    int64_t bytes_done;   /**< Bytes of elements written. */
    int64_t bytes;        /**< Bytes of elements in all. */
} pa_convert_progress;

/**
 * @brief Told about progress at every tensor, and every few megabytes, from the thread that called
 *        pa_checkpoint_convert().
 * @return 1 to go on, 0 to stop: the conversion then ends with ::PA_ERR_CANCELLED.
 */
typedef int32_t (*pa_convert_fn)(void *user, const pa_convert_progress *progress);

/** How to write. Zero-initialise it; zero means the default. */
typedef struct pa_convert_options {
    size_t struct_size;     /**< `sizeof(pa_convert_options)` as the caller compiled it. */
    pa_convert_fn progress; /**< May be NULL. */
    void *user;             /**< Handed to `progress`. */
    int32_t overwrite;      /**< 1: a file that is there already is replaced; 0: it is an error. */
    int32_t reserved;       /**< Zero. */
} pa_convert_options;

/**
 * @brief Write all tensors of a checkpoint's one file (or set of shards) to a safetensors file.
 *
 * Element types and bits stay as they are stored; views (transposes, slices, tensors that share a storage) are written
 * out in full. The `__metadata__` of a safetensors file is kept; other formats get `{"format": "pt"}`. The same tensors
 * give the same bytes as the reference implementation of safetensors writes. What is no tensor of a type that can be
 * read is left out, with a warning in the context's log.
 *
 * The file is written beside its name, flushed to the disk and renamed: after a failure there is no new file, and an
 * old one is as it was. Memory: the largest tensor, and the header.
 * @param[in] checkpoint  Opened with pa_checkpoint_open(), or borrowed from pa_checkpoint_state_dict().
 * @param[in] path        File to write, in a directory that is there.
 * @param[in] options     NULL for the defaults.
 * @param[out] err        Error text, or NULL.
 * @retval PA_OK              Written.
 * @retval PA_ERR_INVALID     A NULL argument, a bad `struct_size`, or a checkpoint in memory.
 * @retval PA_ERR_EXISTS      There is a file at `path`, and `overwrite` is 0.
 * @retval PA_ERR_UNSUPPORTED The checkpoint is a step of a run, whose files may use a name twice; a name that is not
 *                            UTF-8, or is "__metadata__"; or `path` is no regular file.
 * @retval PA_ERR_IO          A file cannot be read or written (the disk is full, there is no such directory ...).
 * @retval PA_ERR_FORMAT      The checkpoint's file is damaged.
 * @retval PA_ERR_LIMIT       The header or the file would be too large.
 * @retval PA_ERR_CANCELLED   `progress` returned 0.
 * @retval PA_ERR_NOMEM       Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_checkpoint_convert(const pa_checkpoint *checkpoint, const char *path,
                                                    const pa_convert_options *options, pa_error *err);

PA_END_DECLS
#endif
