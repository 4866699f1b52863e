/* SPDX-License-Identifier: Apache-2.0 */
#include "base/printable.h"

#include <string.h>

/* Bytes of the character that starts with `first`, and the smallest code point that needs as many; 0 for a bad one. */
static int64_t character_length(unsigned char first, uint32_t *smallest)
{
    if (first < 0x80) {
        *smallest = 1; /* NUL is not allowed */
        return 1;
    }
    if (first >= 0xc2 && first < 0xe0) {
        *smallest = 0x80;
        return 2;
    }
    if (first >= 0xe0 && first < 0xf0) {
        *smallest = 0x800;
        return 3;
    }
    *smallest = 0x10000;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

int pa_is_utf8(const char *text, int64_t length)
{
    const unsigned char *p = (const unsigned char *)text;
    for (int64_t i = 0; i < length;) {
        uint32_t smallest = 0;
        const int64_t n = character_length(p[i], &smallest);
        if (n == 0 || n > length - i) {
            return 0;
        }
        uint32_t code = n == 1 ? p[i] : p[i] & (0x7fU >> n);
        for (int64_t k = 1; k < n; k++) {
            if ((p[i + k] & 0xc0) != 0x80) {
                return 0;
            }
            code = code << 6 | (p[i + k] & 0x3f);
        }
        if (code < smallest || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
            return 0;
        }
        i += n;
    }
    return 1;
}

const char *pa_printable(char out[PA_PRINTABLE_SIZE], const char *text, int64_t length)
{
    const int64_t shown = length < PA_PRINTABLE_SIZE - 4 ? length : PA_PRINTABLE_SIZE - 4;
    for (int64_t i = 0; i < shown; i++) {
        out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
    }
    memcpy(out + shown, shown < length ? "..." : "", shown < length ? 4 : 1);
    return out;
}
