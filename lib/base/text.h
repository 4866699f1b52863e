/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A string that grows, numbers that do not depend on the locale, and the nearest of some names. */
#ifndef PA_BASE_TEXT_H
#define PA_BASE_TEXT_H
#include "base/error.h"

/** Zero-initialise with the allocator: `pa_text t = {.mem = mem};`. Free with pa_text_free(). */
typedef struct pa_text {
    const pa_allocator *mem;
    char *data; /**< NUL-terminated once something was appended; NULL before. */
    int64_t length;
    int64_t capacity;
} pa_text;

/** All return PA_OK or PA_ERR_NOMEM; the text is unchanged on failure. */
pa_status pa_text_append(pa_text *text, const char *string, pa_error *err);
pa_status pa_text_append_bytes(pa_text *text, const char *bytes, int64_t length, pa_error *err);
/** No floating-point conversions: they depend on the locale. Use pa_text_number(). */
pa_status pa_text_printf(pa_text *text, pa_error *err, const char *fmt, ...) PA_PRINTF(3, 4);
/** Shortest decimal that reads back as the same double, with '.', as JSON and Python write it ("1.0", "1e-07"). */
pa_status pa_text_number(pa_text *text, double number, pa_error *err);
void pa_text_free(pa_text *text);

/** Enough for any double that pa_format_number() writes. */
enum { PA_NUMBER_SIZE = 40 };
/** The number that pa_text_number() appends; `number` is finite. */
void pa_format_number(char out[PA_NUMBER_SIZE], double number);

/** Read a whole decimal floating-point number, independent of the locale: 1 when all of `text` is one, else 0. */
int pa_parse_number(const char *text, double *out);

/** The candidate nearest to `word` by edit distance, or NULL when none is near enough to be meant. */
const char *pa_nearest(const char *word, const char *const *candidates, int64_t n_candidates);

/** Whether `name` (may be NULL) is [a-z][a-z0-9_]*, at most 63 characters: what metrics and components are called. */
int pa_is_identifier(const char *name);

/** Order in which people count: runs of digits compare as numbers ("head 2" before "head 10"). */
int pa_natural_compare(const char *a, const char *b);
#endif
