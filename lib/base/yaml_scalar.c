/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The type of a plain scalar: the regular expressions of PyYAML's YAML 1.1 resolver, written out. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "base/yaml.h"

#define DIGITS "0123456789"
#define DIGITS_ "0123456789_"

/** Longest number that is looked at; anything longer is a string. */
enum { MAX_NUMBER = 500 };

static int one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(text, *words) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_null(const char *text)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return one_of(text, words);
}

static int is_bool(const char *text, int64_t *value)
{
    static const char *const yes[] = {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL};
    static const char *const no[] = {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL};
    *value = one_of(text, yes);
    return *value != 0 || one_of(text, no);
}

/** A number while its digits are read: exact as long as it fits, and roughly in any case. */
typedef struct number {
    uint64_t exact;
    double rough;
    int overflow;
    int digits;
} number;

static void shift_in(number *n, unsigned base, unsigned digit)
{
    n->overflow |= n->exact > (UINT64_MAX - digit) / base;
    n->exact = n->exact * base + digit;
    n->rough = n->rough * base + digit;
    n->digits++;
}

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    return (unsigned)((c | 0x20) - 'a') + 10;
}

/* All of `text` consists of digits of that base and underscores. */
static int whole(const char *text, const char *digits)
{
    return *text != '\0' && text[strspn(text, digits)] == '\0';
}

static void read_digits(number *n, unsigned base, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text != '_') {
            shift_in(n, base, digit_value(*text));
        }
    }
}

/* The length of (:[0-5]?[0-9])+ at `text`, or 0. */
static size_t sexagesimal_tail(const char *text)
{
    const char *c = text;
    while (*c == ':' && c[1] != '\0' && strchr(DIGITS, c[1]) != NULL) {
        c += 2;
        if (c[-1] <= '5' && *c != '\0' && strchr(DIGITS, *c) != NULL) {
            c++;
        }
    }
    return (size_t)(c - text);
}

static void read_sexagesimal(number *n, const char *text)
{
    number group = {0};
    for (;; text++) {
        if (*text == ':' || *text == '\0') {
            const unsigned part = (unsigned)(group.exact % 60);
            if (n->digits == 0) {
                *n = group;
            } else {
                shift_in(n, 60, part);
            }
            group = (number){0};
            if (*text == '\0') {
                return;
            }
        } else if (*text != '_') {
            shift_in(&group, 10, digit_value(*text));
        }
    }
}

static int read_integer(const char *text, number *n)
{
    const size_t head = strspn(text, DIGITS_);
    if (text[0] == '0' && text[1] == 'b' && whole(text + 2, "01_")) {
        read_digits(n, 2, text + 2);
    } else if (text[0] == '0' && text[1] == 'x' && whole(text + 2, "0123456789abcdefABCDEF_")) {
        read_digits(n, 16, text + 2);
    } else if (text[0] == '0' && (text[1] == '\0' || whole(text + 1, "01234567_"))) {
        read_digits(n, 8, text);
    } else if (text[0] >= '1' && text[0] <= '9' && text[head] == '\0') {
        read_digits(n, 10, text);
    } else if (text[0] >= '1' && text[0] <= '9' && text[head] == ':') {
        const size_t tail = sexagesimal_tail(text + head);
        if (tail == 0 || text[head + tail] != '\0') {
            return 0;
        }
        read_sexagesimal(n, text);
    }
    return n->digits > 0;
}

static int is_integer(const char *text, pa_yaml_node *node)
{
    const int negative = text[0] == '-';
    number n = {0};
    if (!read_integer(text + (negative || text[0] == '+'), &n)) {
        return 0;
    }
    node->real = negative ? -n.rough : n.rough;
    if (n.overflow || n.exact > (uint64_t)INT64_MAX + (uint64_t)negative) {
        node->type = PA_YAML_REAL; /* PyYAML's integers have no end; ours do */
        return 1;
    }
    node->type = PA_YAML_INT;
    node->integer = negative ? (int64_t)(0 - n.exact) : (int64_t)n.exact;
    return 1;
}

/* ([eE][-+][0-9]+)? up to the end: the sign is not optional. */
static int exponent_ends(const char *text)
{
    if (*text == '\0') {
        return 1;
    }
    return (*text == 'e' || *text == 'E') && (text[1] == '-' || text[1] == '+') && whole(text + 2, DIGITS);
}

/* The number without underscores, with a digit on both sides of the point. */
static double decimal(const char *text)
{
    char clean[MAX_NUMBER + 4];
    size_t n = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '.' && n == 0) {
            clean[n++] = '0';
        }
        if (*c != '_') {
            clean[n++] = *c;
        }
    }
    clean[n] = '\0';
    double value = 0.0;
    (void)pa_parse_number(clean, &value);
    return value;
}

/* What stands before the point of a float, without its sign: decimal, or sexagesimal with `*colon` set. */
static int read_float(const char *text, double *value)
{
    const size_t head = strspn(text, DIGITS_);
    if (text[0] == '_' || (head == 0 && text[0] != '.')) {
        return 0;
    }
    if (text[head] == '.') {
        const char *fraction = text + head + 1;
        if (head == 0 && (fraction[0] < '0' || fraction[0] > '9')) {
            return 0;
        }
        *value = decimal(text);
        return exponent_ends(fraction + strspn(fraction, DIGITS_));
    }
    const size_t tail = sexagesimal_tail(text + head);
    const char *point = text + head + tail;
    if (tail == 0 || *point != '.' || point[1 + strspn(point + 1, DIGITS_)] != '\0') {
        return 0;
    }
    double sum = 0.0;
    for (const char *group = text; group <= point; group += strspn(group, DIGITS_) + 1) {
        char part[MAX_NUMBER + 1];
        const size_t length = group + strspn(group, DIGITS_) == point ? strlen(group) : strspn(group, DIGITS_);
        memcpy(part, group, length);
        part[length] = '\0';
        sum = sum * 60.0 + decimal(part);
    }
    *value = sum;
    return 1;
}

static int is_float(const char *text, double *value)
{
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    const int has_sign = text[0] == '-' || text[0] == '+';
    const char *magnitude = text + has_sign;
    if (one_of(text, nans)) {
        *value = NAN;
        return 1;
    }
    if (one_of(magnitude, infinities)) {
        *value = INFINITY;
    } else if (has_sign && magnitude[0] == '.') { /* PyYAML: "-.5" is a string, "-.inf" a float */
        return 0;
    } else if (!read_float(magnitude, value)) {
        return 0;
    }
    *value = text[0] == '-' ? -*value : *value;
    return 1;
}

void pa_yaml_resolve(pa_yaml_node *node)
{
    const char *text = node->text;
    double real = 0.0;
    node->type = PA_YAML_STRING;
    if (is_null(text)) {
        node->type = PA_YAML_NULL;
    } else if (is_bool(text, &node->integer)) {
        node->type = PA_YAML_BOOL;
    } else if (strnlen(text, MAX_NUMBER + 1) > MAX_NUMBER) {
        return;
    } else if (is_float(text, &real)) {
        node->type = PA_YAML_REAL;
        node->real = real;
    } else {
        (void)is_integer(text, node);
    }
}
