/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Which kernels a BLAS should have picked. */
#ifndef PA_LINALG_RUNTIME_INFO_H
#define PA_LINALG_RUNTIME_INFO_H

/**
 * The OpenBLAS kernel family that fits a processor with these instruction sets, or "" when `core` does or nothing
 * better is known. Static string.
 */
const char *pa_blas_better_core(const char *core, int has_avx512, int has_avx2);
#endif
