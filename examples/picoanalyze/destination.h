/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Whether results can go where they are to go, known before hours of work and not after. */
#ifndef PICOANALYZE_DESTINATION_H
#define PICOANALYZE_DESTINATION_H

/**
 * CLI_OK when a directory exists and can be written to, or could be made; else CLI_ERROR with the reason on stderr.
 * Makes nothing: an analysis that fails leaves nothing behind.
 */
int cli_destination_check(const char *directory);
#endif
