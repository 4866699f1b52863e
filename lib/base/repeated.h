/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Whether a text is there twice among very many. */
#ifndef PA_BASE_REPEATED_H
#define PA_BASE_REPEATED_H
#include "base/error.h"

/** The text of element `number` of `items`. */
typedef const char *(*pa_text_of_fn)(const void *items, int64_t number);

/** `*out` is the number of an element with the text of an earlier one, or -1. n log n on any input. PA_ERR_NOMEM. */
pa_status pa_find_repeated(const pa_allocator *mem, int64_t count, pa_text_of_fn text_of, const void *items,
                           int64_t *out, pa_error *err);
#endif
