/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Errors: one function that writes the text, macros that leave through the one exit. */
#ifndef PA_BASE_ERROR_H
#define PA_BASE_ERROR_H
#include <picoanalyze/types.h>

#define PA_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/** Write `code` and the text into `err` (may be NULL) and return `code`. */
pa_status pa_fail(pa_error *err, pa_status code, const char *fmt, ...) PA_PRINTF(3, 4);

/** The one text for exhausted memory; `what` names what it was for. */
pa_status pa_fail_nomem(pa_error *err, const char *what);

/** Prepend "<prefix>: " to the text that a lower layer wrote. */
void pa_error_prefix(pa_error *err, const char *prefix);

/** Clear `err`, so that a callback that fails without a text can be told. */
void pa_error_clear(pa_error *err);

/* All need a local `pa_status status` and a `cleanup:` label, and never return by themselves. */
#define PA_TRY(expr)                                                                                                   \
    do {                                                                                                               \
        status = (expr);                                                                                               \
        if (status != PA_OK) {                                                                                         \
            goto cleanup;                                                                                              \
        }                                                                                                              \
    } while (0)

#define PA_REQUIRE(cond, err, code, ...)                                                                               \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            status = pa_fail(err, code, __VA_ARGS__);                                                                  \
            goto cleanup;                                                                                              \
        }                                                                                                              \
    } while (0)

#define PA_REQUIRE_MEMORY(pointer, err, what)                                                                          \
    do {                                                                                                               \
        if ((pointer) == NULL) {                                                                                       \
            status = pa_fail_nomem(err, what);                                                                         \
            goto cleanup;                                                                                              \
        }                                                                                                              \
    } while (0)
#endif
