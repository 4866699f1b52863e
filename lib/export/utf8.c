/* SPDX-License-Identifier: Apache-2.0 */
#include "export/utf8.h"

#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* Continuation bytes that follow `lead` (-1: it cannot begin a character) and the range of the first of them
   (Unicode 15.0, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF). */
static int expect_continuation(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (lead < 0x80) {
        return 0;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        return 1;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        *low = lead == 0xE0 ? 0xA0 : *low;
        *high = lead == 0xED ? 0x9F : *high;
        return 2;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        *low = lead == 0xF0 ? 0x90 : *low;
        *high = lead == 0xF4 ? 0x8F : *high;
        return 3;
    }
    return -1;
}

int64_t pa_utf8_next(const char *text, int *valid)
{
    unsigned char low = 0;
    unsigned char high = 0;
    const int needed = expect_continuation((unsigned char)text[0], &low, &high);
    int length = 1;
    *valid = needed >= 0;
    while (*valid && length <= needed) {
        const unsigned char byte = (unsigned char)text[length];
        *valid = byte >= low && byte <= high;
        length += *valid;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

pa_status pa_text_append_utf8(pa_text *out, const char *text, char quote, pa_error *err)
{
    pa_status status = PA_OK;
    const char *start = text; /* of what was not appended yet */
    const char *at = text;
    while (*at != '\0') {
        int valid = 0;
        const int64_t length = pa_utf8_next(at, &valid);
        const int is_quote = quote != '\0' && *at == quote;
        if (!valid || is_quote) {
            PA_TRY(pa_text_append_bytes(out, start, at - start, err));
            PA_TRY(pa_text_append_bytes(out, is_quote ? &quote : replacement, is_quote ? 1 : 3, err));
            start = is_quote ? at : at + length; /* a quote goes out again with what follows it */
        }
        at += length;
    }
    PA_TRY(pa_text_append_bytes(out, start, at - start, err));

cleanup:
    return status;
}

/* The two-character escape of a byte, or 0. */
static char short_escape(char byte)
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    const char *found = strchr(from, byte);
    return found != NULL ? to[found - from] : '\0';
}

static pa_status append_escape(pa_text *out, const char *at, int valid, pa_error *err)
{
    if (!valid) {
        return pa_text_append(out, replacement, err);
    }
    if (short_escape(*at) != '\0') {
        const char escape[2] = {'\\', short_escape(*at)};
        return pa_text_append_bytes(out, escape, 2, err);
    }
    return pa_text_printf(out, err, "\\u%04x", (unsigned)(unsigned char)*at);
}

pa_status pa_text_append_json(pa_text *out, const char *text, pa_error *err)
{
    pa_status status = PA_OK;
    const char *start = text;
    const char *at = text;
    PA_TRY(pa_text_append(out, "\"", err));
    while (*at != '\0') {
        int valid = 0;
        const int64_t length = pa_utf8_next(at, &valid);
        if (!valid || (unsigned char)*at < 0x20 || *at == '"' || *at == '\\') {
            PA_TRY(pa_text_append_bytes(out, start, at - start, err));
            PA_TRY(append_escape(out, at, valid, err));
            start = at + length;
        }
        at += length;
    }
    PA_TRY(pa_text_append_bytes(out, start, at - start, err));
    PA_TRY(pa_text_append(out, "\"", err));

cleanup:
    return status;
}
