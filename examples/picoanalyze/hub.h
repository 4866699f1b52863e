/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The Hub as the environment says: HF_ENDPOINT, HF_TOKEN, HF_HOME and the like, as huggingface_hub reads them. */
#ifndef PICOANALYZE_HUB_CLI_H
#define PICOANALYZE_HUB_CLI_H
#include "progress.h"

/** Open the Hub; CLI_OK, or CLI_ERROR with the reason on stderr. Progress goes to `progress`. */
int cli_hub_open(pa_context *ctx, cli_progress *progress, pa_hub **out);
#endif
