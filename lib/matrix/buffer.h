/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The elements of tensors as doubles, read once and shared by all slices and transposes of it. */
#ifndef PA_MATRIX_BUFFER_H
#define PA_MATRIX_BUFFER_H
#include "base/storage.h"

/** Opaque, counted, safe to use from several threads. */
typedef struct pa_buffer pa_buffer;

/** The elements of several, one after the other: copies the descriptions; retains the storages; reads nothing yet. */
pa_status pa_buffer_from_tensors(const pa_allocator *mem, const pa_tensor *tensors, int64_t n_tensors, pa_buffer **out,
                                 pa_error *err);

/** Doubles that exist already; `owned` is freed with the buffer, NULL when they are somebody else's and outlive it. */
pa_status pa_buffer_from_values(const pa_allocator *mem, const double *values, int64_t count, double *owned,
                                pa_buffer **out, pa_error *err);

pa_buffer *pa_buffer_retain(pa_buffer *buffer);
void pa_buffer_release(pa_buffer *buffer);

/** Whether there are references besides one's own. */
int pa_buffer_is_shared(const pa_buffer *buffer);

/**
 * Single-precision elements that are in memory as they are, packed, and so many that a copy in doubles would cost more
 * than reading them anew; NULL for all other buffers. Does not depend on what was asked before.
 */
const float *pa_buffer_floats(const pa_buffer *buffer);

/** The elements in row-major order, read now if need be; and how many of them are NaN or infinite. */
pa_status pa_buffer_values(pa_buffer *buffer, const double **values, int64_t *nonfinite, pa_error *err);
#endif
