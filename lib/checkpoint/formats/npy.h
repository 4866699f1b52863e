/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Arrays as np.save() writes them: a file of their own, or a record of an .npz archive. */
#ifndef PA_FORMATS_NPY_H
#define PA_FORMATS_NPY_H
#include "checkpoint/archive.h"

enum { PA_NPY_MAX_DIMENSIONS = 64, PA_NPY_MAX_HEADER = 10000, PA_NPY_HEAD_BYTES = PA_NPY_MAX_HEADER + 12 };

/** What the header says. */
typedef struct pa_npy {
    pa_dtype dtype;
    int32_t swapped; /**< 1: the other byte order than this machine's. */
    int32_t ndim;
    int32_t fortran; /**< 1: the first dimension is the fastest. */
    int64_t shape[PA_NPY_MAX_DIMENSIONS];
    int64_t data;   /**< Where the elements begin. */
    char descr[64]; /**< Element type as the header has it, or "fields"; "" until it has been read. */
} pa_npy;

/**
 * Read the first `n` bytes of an array of `size` bytes: the smaller of `size` and PA_NPY_HEAD_BYTES. Never evaluated,
 * only compared. PA_ERR_FORMAT; PA_ERR_UNSUPPORTED for element types that cannot be read, with `out->descr` set; PA_ERR_LIMIT.
 */
pa_status pa_npy_read_header(const unsigned char *head, int64_t n, int64_t size, pa_npy *out, pa_error *err);

/** Add the array that a storage holds under a name without its ".npy"; `npy` is its header. */
pa_status pa_npy_add(pa_archive *archive, const char *name, const pa_npy *npy, pa_storage *storage, pa_error *err);

/** Say that the array of that record cannot be read, of which the header has been. */
pa_status pa_npy_omit(pa_archive *archive, const char *name, const pa_npy *npy, pa_error *err);

/** 1 when the first bytes are those of an array. */
int pa_npy_probe(const unsigned char *head, int64_t n, int64_t size);
#endif
