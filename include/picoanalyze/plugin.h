/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/plugin.h
 * @brief What a shared object for `picoanalyze --plugin X.so` exports.
 *
 * Threads: pa_plugin_register() is called once, with exclusive access to the context.
 */
#ifndef PICOANALYZE_PLUGIN_H
#define PICOANALYZE_PLUGIN_H
#include <picoanalyze/component.h>
#include <picoanalyze/metric.h>

PA_BEGIN_DECLS

/**
 * @brief Register what the plugin brings. Written by the plugin, called by the program that loads it.
 * @param[in,out] ctx  Context to extend with pa_metric_register() and pa_component_register().
 * @param[out]    err  Error text; may be NULL.
 * @return ::PA_OK or the first error.
 */
PA_API pa_status pa_plugin_register(pa_context *ctx, pa_error *err);

PA_END_DECLS
#endif
