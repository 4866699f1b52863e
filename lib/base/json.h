/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief JSON of strangers, read with Jansson (Meson features `safetensors` and `hub`).
 *
 * Jansson takes its memory through functions that belong to the process and not to a context: its trees are outside of
 * the context's allocator, as libyaml's events are, and gone when the file is open. Where memory runs out in the middle
 * of a text, Jansson says that the syntax is wrong.
 */
#ifndef PA_BASE_JSON_H
#define PA_BASE_JSON_H
#include <jansson.h>

#include "base/error.h"

/**
 * Read an object: UTF-8, no repeated keys, nothing behind it, at most a few levels and some millions of values.
 * End it with json_decref(). PA_ERR_FORMAT, PA_ERR_LIMIT, PA_ERR_NOMEM.
 */
pa_status pa_json_read(const char *text, int64_t length, json_t **out, pa_error *err);

/** The same for an array. */
pa_status pa_json_read_array(const char *text, int64_t length, json_t **out, pa_error *err);
#endif
