/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Text of unknown origin as valid UTF-8 and as JSON. */
#ifndef PA_EXPORT_UTF8_H
#define PA_EXPORT_UTF8_H
#include "base/text.h"

/**
 * Length in bytes of the first character of a non-empty string, and whether it is well-formed UTF-8. An ill-formed one
 * is as long as the Unicode standard's "maximal subpart", so that each is replaced by one U+FFFD as elsewhere.
 */
int64_t pa_utf8_next(const char *text, int *valid);

/** Append `text` with U+FFFD in the place of ill-formed bytes, and `quote` (if not 0) doubled. */
pa_status pa_text_append_utf8(pa_text *out, const char *text, char quote, pa_error *err);

/** Append `text` as a JSON string with its quotes (RFC 8259); ill-formed UTF-8 becomes U+FFFD. */
pa_status pa_text_append_json(pa_text *out, const char *text, pa_error *err);
#endif
