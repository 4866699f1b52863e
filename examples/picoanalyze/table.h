/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Results as tables: a section a step, layers down, heads or metrics across. */
#ifndef PICOANALYZE_TABLE_H
#define PICOANALYZE_TABLE_H
#include "cli.h"

/** Print all steps on stdout; CLI_OK or CLI_ERROR with the reason on stderr. */
int cli_table_print(const pa_results *results);
#endif
