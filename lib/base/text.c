/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

pa_status pa_text_append_bytes(pa_text *text, const char *bytes, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    PA_GROW(text->mem, text->data, text->capacity, text->length + length + 1, err, "text");
    if (length > 0) {
        memcpy(text->data + text->length, bytes, (size_t)length);
    }
    text->length += length;
    text->data[text->length] = '\0';

cleanup:
    return status;
}

pa_status pa_text_append(pa_text *text, const char *string, pa_error *err)
{
    return pa_text_append_bytes(text, string, (int64_t)strlen(string), err);
}

pa_status pa_text_printf(pa_text *text, pa_error *err, const char *fmt, ...)
{
    pa_status status = PA_OK;
    va_list args;
    va_list again;
    va_start(args, fmt);
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, fmt, args);
    PA_REQUIRE(length >= 0, err, PA_ERR_INVALID, "bad format");
    PA_GROW(text->mem, text->data, text->capacity, text->length + length + 1, err, "text");
    (void)vsnprintf(text->data + text->length, (size_t)length + 1, fmt, again);
    text->length += length;

cleanup:
    va_end(again);
    va_end(args);
    return status;
}

void pa_text_free(pa_text *text)
{
    pa_free(text->mem, text->data);
    text->data = NULL;
    text->length = 0;
    text->capacity = 0;
}

/* The digits and the exponent of "%.*e", which differ between locales only in the point. */
static void shortest_digits(double magnitude, char digits[32], int *exponent)
{
    char buffer[64];
    /* What 15 digits can say comes back from a normal double with zeros behind it: no need to try fewer. */
    for (int precision = magnitude < DBL_MIN ? 0 : DBL_DIG - 1; precision < DBL_DECIMAL_DIG; precision++) {
        (void)snprintf(buffer, sizeof(buffer), "%.*e", precision, magnitude);
        if (strtod(buffer, NULL) == magnitude) { /* reads what the line above wrote, in the same locale */
            break;
        }
    }
    int n = 0;
    const char *c = buffer;
    for (; *c != 'e' && *c != '\0'; c++) {
        if (isdigit((unsigned char)*c)) {
            digits[n++] = *c;
        }
    }
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    digits[n] = '\0';
    *exponent = *c == 'e' ? atoi(c + 1) : 0;
}

/* Fixed notation between 1e-4 and 1e16, as Python's repr. */
void pa_format_number(char out[PA_NUMBER_SIZE], double number)
{
    char digits[32];
    int exponent = 0;
    char *o = out;
    if (signbit(number)) {
        *o++ = '-';
    }
    if (number == 0.0) {
        memcpy(o, "0.0", 4);
        return;
    }
    shortest_digits(fabs(number), digits, &exponent);
    const int n = (int)strlen(digits);
    if (exponent < -4 || exponent >= 16) {
        *o++ = digits[0];
        if (n > 1) {
            *o++ = '.';
            memcpy(o, digits + 1, (size_t)(n - 1));
            o += n - 1;
        }
        (void)snprintf(o, 8, "e%c%02u", exponent < 0 ? '-' : '+', (unsigned)abs(exponent) % 1000u);
        return;
    }
    if (exponent < 0) {
        *o++ = '0';
        *o++ = '.';
        for (int i = -1; i > exponent; i--) {
            *o++ = '0';
        }
        memcpy(o, digits, (size_t)n + 1);
        return;
    }
    for (int i = 0; i <= exponent || i < n; i++) {
        if (i == exponent + 1) {
            *o++ = '.';
        }
        *o++ = (char)(i < n ? digits[i] : '0');
    }
    if (n <= exponent + 1) {
        *o++ = '.';
        *o++ = '0';
    }
    *o = '\0';
}

pa_status pa_text_number(pa_text *text, double number, pa_error *err)
{
    char digits[PA_NUMBER_SIZE];
    pa_format_number(digits, number);
    return pa_text_append(text, digits, err);
}

/* Whether `text` is [sign] digits [. digits] [e [sign] digits] with a digit somewhere before the exponent. */
static int is_number(const char *text)
{
    const char *c = text;
    int digits = 0;
    c += *c == '+' || *c == '-';
    for (; isdigit((unsigned char)*c); c++) {
        digits++;
    }
    if (*c == '.') {
        for (c++; isdigit((unsigned char)*c); c++) {
            digits++;
        }
    }
    if (digits > 0 && (*c == 'e' || *c == 'E')) {
        c++;
        c += *c == '+' || *c == '-';
        if (!isdigit((unsigned char)*c)) {
            return 0;
        }
        while (isdigit((unsigned char)*c)) {
            c++;
        }
    }
    return digits > 0 && *c == '\0';
}

int pa_parse_number(const char *text, double *out)
{
    char buffer[512];
    const size_t length = strnlen(text, sizeof(buffer));
    if (length >= sizeof(buffer) || !is_number(text)) {
        return 0;
    }
    memcpy(buffer, text, length + 1);
    char *point = strchr(buffer, '.');
    char *end = NULL;
    double number = strtod(buffer, &end);
    if (*end != '\0' && end == point) { /* this locale writes another point: find out which */
        char sample[8];
        (void)snprintf(sample, sizeof(sample), "%.1f", 0.5);
        *point = sample[1];
        number = strtod(buffer, &end);
    }
    if (*end != '\0') {
        return 0;
    }
    *out = number;
    return 1;
}

/* Edit distance (insert, delete, replace, swap neighbours), names longer than the table are never near. */
static int distance(const char *a, const char *b)
{
    enum { MAX = 64 };
    const size_t la = strlen(a);
    const size_t lb = strlen(b);
    if (la >= MAX || lb >= MAX) {
        return MAX;
    }
    int rows[3][MAX + 1];
    for (size_t j = 0; j <= lb; j++) {
        rows[0][j] = (int)j;
    }
    for (size_t i = 1; i <= la; i++) {
        int *now = rows[i % 3];
        const int *last = rows[(i + 2) % 3];
        const int *before = rows[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= lb; j++) {
            int best = last[j - 1] + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return rows[la % 3][lb];
}

const char *pa_nearest(const char *word, const char *const *candidates, int64_t n_candidates)
{
    const char *nearest = NULL;
    int best = (int)(strnlen(word, 64) / 3 + 2); /* a third of the letters may be wrong, and one more */
    for (int64_t i = 0; i < n_candidates; i++) {
        const int d = distance(word, candidates[i]);
        if (d < best) {
            best = d;
            nearest = candidates[i];
        }
    }
    return nearest;
}

int pa_is_identifier(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    return name != NULL && name[0] != '\0' && strchr(letters, name[0]) != NULL && strlen(name) < 64 &&
           name[strspn(name, all)] == '\0';
}

int pa_natural_compare(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            while (*a == '0') {
                a++;
            }
            while (*b == '0') {
                b++;
            }
            const size_t la = strspn(a, "0123456789");
            const size_t lb = strspn(b, "0123456789");
            const int order = la != lb ? (la < lb ? -1 : 1) : strncmp(a, b, la);
            if (order != 0) {
                return order;
            }
            a += la;
            b += lb;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return (*a != '\0') - (*b != '\0');
}
