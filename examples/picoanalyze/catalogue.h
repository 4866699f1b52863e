/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What is registered, as a page of Markdown on stdout: docs/metrics.md and docs/components.md. */
#ifndef PICOANALYZE_CATALOGUE_H
#define PICOANALYZE_CATALOGUE_H
#include "cli.h"

void cli_catalogue_metrics(const pa_context *ctx);
void cli_catalogue_components(const pa_context *ctx);

/** "integer", "number" ... */
const char *cli_option_type(pa_option_type type);
#endif
