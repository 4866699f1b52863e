/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line of text, whatever file names and user strings bring along. */
static void flatten(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\r' || *c == '\t') {
            *c = ' ';
        }
    }
}

pa_status pa_fail(pa_error *err, pa_status code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(err->message, sizeof(err->message), fmt, args);
        va_end(args);
        flatten(err->message);
        err->status = code;
        err->reserved = 0;
    }
    return code;
}

pa_status pa_fail_nomem(pa_error *err, const char *what)
{
    return pa_fail(err, PA_ERR_NOMEM, "out of memory for %s", what);
}

void pa_error_prefix(pa_error *err, const char *prefix)
{
    if (err != NULL) {
        char text[sizeof(err->message)];
        memcpy(text, err->message, sizeof(text));
        text[sizeof(text) - 1] = '\0';
        const int written = snprintf(err->message, sizeof(err->message), "%s: ", prefix);
        if (written > 0 && (size_t)written < sizeof(err->message)) {
            const size_t room = sizeof(err->message) - (size_t)written;
            const size_t length = strnlen(text, room - 1);
            memcpy(err->message + written, text, length);
            err->message[(size_t)written + length] = '\0';
        }
        flatten(err->message);
    }
}

void pa_error_clear(pa_error *err)
{
    if (err != NULL) {
        err->status = PA_OK;
        err->reserved = 0;
        err->message[0] = '\0';
    }
}
