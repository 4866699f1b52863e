/* SPDX-License-Identifier: Apache-2.0 */
/* What the header lines of an answer say. */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "hub/http.h"

static void copy_value(char *out, size_t room, const char *value, size_t length)
{
    if (length < room) { /* one that is too long is none */
        memcpy(out, value, length);
        out[length] = '\0';
    }
}

/* <url>; rel="next" among others. */
static void read_link(pa_http_answer *answer, const char *value, size_t length)
{
    static const char wanted[] = "rel=\"next\"";
    const char *const stop = value + length;
    for (const char *at = memchr(value, '<', length); at != NULL;) {
        const char *close = memchr(at, '>', (size_t)(stop - at));
        const char *end = close != NULL ? memchr(close, ',', (size_t)(stop - close)) : NULL;
        end = end != NULL ? end : stop;
        for (const char *rel = close; rel != NULL && end - rel >= (ptrdiff_t)strlen(wanted); rel++) {
            if (memcmp(rel, wanted, strlen(wanted)) == 0) {
                copy_value(answer->next, sizeof(answer->next), at + 1, (size_t)(close - at - 1));
                return;
            }
        }
        at = close != NULL ? memchr(end, '<', (size_t)(stop - end)) : NULL;
    }
}

/* Digits up to a bound; -1 for anything else. */
static int64_t read_digits(const char *text, size_t length)
{
    int64_t number = 0;
    size_t i = 0;
    for (; i < length && text[i] >= '0' && text[i] <= '9' && number < INT64_MAX / 16; i++) {
        number = 10 * number + (text[i] - '0');
    }
    return i > 0 ? number : -1;
}

/* ratelimit: "api";r=0;t=55 */
static double read_rate_limit(const char *value, size_t length)
{
    char text[128] = "";
    copy_value(text, sizeof(text), value, length);
    const char *reset = strstr(text, ";t=");
    return strstr(text, ";r=0;") != NULL && reset != NULL ? (double)read_digits(reset + 3, strlen(reset + 3)) : -1.0;
}

void pa_http_answer_read(pa_http_answer *answer, const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length);
    if (colon == NULL) {
        return;
    }
    const size_t name = (size_t)(colon - line);
    const char *value = colon + 1;
    size_t left = length - name - 1;
    for (; left > 0 && (*value == ' ' || *value == '\t'); left--) {
        value++;
    }
    for (; left > 0 && (unsigned char)value[left - 1] <= ' '; left--) {
    }
#define IS(text) (name == sizeof(text) - 1 && strncasecmp(line, text, name) == 0)
    if (IS("x-error-code")) {
        copy_value(answer->error_code, sizeof(answer->error_code), value, left);
    } else if (IS("x-error-message")) {
        copy_value(answer->error_message, sizeof(answer->error_message), value, left);
    } else if (IS("location")) {
        copy_value(answer->location, sizeof(answer->location), value, left);
    } else if (IS("link")) {
        read_link(answer, value, left);
    } else if (IS("ratelimit")) {
        const double reset = read_rate_limit(value, left);
        answer->retry_after = reset >= 0.0 ? reset : answer->retry_after;
    } else if (IS("content-range") && left > 6 && strncasecmp(value, "bytes ", 6) == 0) {
        answer->range_start = read_digits(value + 6, left - 6);
    }
#undef IS
}
