/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Texts of strangers: whether they are text, and how an error shows them. */
#ifndef PA_BASE_PRINTABLE_H
#define PA_BASE_PRINTABLE_H
#include <stdint.h>

/** 1 when the bytes are UTF-8 (shortest forms, no surrogates) without NUL, else 0. */
int pa_is_utf8(const char *text, int64_t length);

/** Enough for a name of a file in an error text. */
enum { PA_PRINTABLE_SIZE = 128 };

/** A name of a file for an error text: cut when long, bytes that are not printable ASCII as '?'. Returns `out`. */
const char *pa_printable(char out[PA_PRINTABLE_SIZE], const char *text, int64_t length);
#endif
