/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Metrics and components from shared objects (`--plugin X.so`). */
#ifndef PICOANALYZE_PLUGIN_LOADER_H
#define PICOANALYZE_PLUGIN_LOADER_H
#include "args.h"

typedef struct cli_plugins {
    void *handles[CLI_MAX_VALUES];
    int count;
} cli_plugins;

/** Load each file and let it register; CLI_OK or CLI_ERROR with the reason on stderr. */
int cli_plugins_load(cli_plugins *plugins, const cli_values *paths, pa_context *ctx);

/** Unload; only after the context that they registered with is gone. */
void cli_plugins_unload(cli_plugins *plugins);
#endif
