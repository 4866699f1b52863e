/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Numbers for people, and what the terminal can show. */
#ifndef PICOANALYZE_FORMAT_H
#define PICOANALYZE_FORMAT_H
#include <stddef.h>
#include <stdint.h>

enum { CLI_NUMBER_SIZE = 32 };

/** Four significant digits in few columns: "0.9512", "123.4", "1.234e7". */
void cli_format_number(char out[CLI_NUMBER_SIZE], double number);

/** "1.2 MiB". */
void cli_format_bytes(char out[CLI_NUMBER_SIZE], double bytes);

/** "0.31 s", "2 min 5 s". */
void cli_format_seconds(char out[CLI_NUMBER_SIZE], double seconds);

/** Escape sequences of stdout, all "" when it is no terminal or NO_COLOR is set. */
typedef struct cli_style {
    const char *bold;
    const char *dim;
    const char *reset;
} cli_style;
cli_style cli_stdout_style(void);

/** Columns of stdout's terminal; 120 when it is none. */
int cli_stdout_width(void);
#endif
