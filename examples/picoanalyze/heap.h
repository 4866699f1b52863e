/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The memory of the program, arranged for speed. */
#ifndef PICOANALYZE_CLI_HEAP_H
#define PICOANALYZE_CLI_HEAP_H

/** Once, early, in a program of one thread. */
void cli_heap_prepare(void);

#endif
