/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The BLAS' work buffers, mapped before they are needed. */
#ifndef PA_LINALG_BLAS_BUFFERS_H
#define PA_LINALG_BLAS_BUFFERS_H
#include <stdint.h>

/** At most so many callers. OpenBLAS has 50 buffers or more, and ends the process when they do not suffice. */
enum { PA_BLAS_MAX_BUFFERS = 32 };

/** Buffers known to be mapped. As many callers as there are of these never make OpenBLAS map memory. */
typedef struct pa_blas_buffers {
    void *known[PA_BLAS_MAX_BUFFERS];
    int32_t count;
} pa_blas_buffers;

/** Have one more mapped: 1, or 0 when memory does not suffice. Not for several threads at once. */
int32_t pa_blas_buffers_add(pa_blas_buffers *buffers);
#endif
