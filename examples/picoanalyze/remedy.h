/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Faster BLAS kernels, where the BLAS picked slower ones than the processor can run. */
#ifndef PICOANALYZE_REMEDY_H
#define PICOANALYZE_REMEDY_H

/**
 * Start the program anew with OPENBLAS_CORETYPE set, at most once, and never against a setting of the user's. Returns
 * when there is nothing to gain or the restart is not possible: everything then works, only slower.
 */
void cli_remedy_apply(char **argv);
#endif
