/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief One BLAS thread while the library computes, the host's setting back afterwards. */
#ifndef PA_LINALG_BLAS_THREADS_H
#define PA_LINALG_BLAS_THREADS_H

/** Between the two, BLAS calls of the library run on one thread each. They nest and may overlap between threads. */
void pa_blas_enter(void);
void pa_blas_leave(void);
#endif
