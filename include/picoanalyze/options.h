/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/options.h
 * @brief Options of metrics and components: declared in a table, read from YAML, checked by the library.
 *
 * A metric or component declares what it understands as an array of ::pa_option_spec. The library checks what
 * the user wrote against that table (unknown names, types, choices; the error names the nearest valid one) and fills
 * in defaults, so that an implementation only ever sees complete, valid options.
 *
 * Threads: a pa_options object is read-only; any thread may read it.
 */
#ifndef PICOANALYZE_OPTIONS_H
#define PICOANALYZE_OPTIONS_H
#include <picoanalyze/types.h>

PA_BEGIN_DECLS

/** Opaque read-only map from option name to value, complete with defaults. */
typedef struct pa_options pa_options;

/** Type of an option. */
typedef int32_t pa_option_type;

/** Values of ::pa_option_type. */
enum {
    PA_OPTION_BOOL = 0,   /**< true or false. */
    PA_OPTION_INT = 1,    /**< 64-bit integer. */
    PA_OPTION_REAL = 2,   /**< Finite double. */
    PA_OPTION_CHOICE = 3, /**< One of `choices`. */
    PA_OPTION_STRING = 4, /**< Any text. */
    PA_OPTION_LIST = 5 /**< A list of words or numbers, or one: pa_options_string() gives them with commas between. */
};

/** One option that a metric or component understands. */
typedef struct pa_option_spec {
    const char *name;     /**< Key in the YAML, `[a-z0-9_]+`. */
    pa_option_type type;  /**< How its value is read. */
    int32_t reserved;     /**< Zero. */
    const char *fallback; /**< Value when absent, as YAML text, e.g. "false", of a list "0, 3"; NULL: it is required. */
    const char *choices;  /**< For ::PA_OPTION_CHOICE: "frobenius|nuclear"; otherwise NULL. */
    const char *help;     /**< One sentence. */
} pa_option_spec;

/** @name Reading options
 * `name` must be one that the table declares with that type; any other call gives 0, 0.0, "" or 0.
 * Strings are borrowed from the options object.
 * @{ */
/**
 * @brief Value of a boolean option.
 * @param[in] options  Options.
 * @param[in] name     Name of a declared option.
 * @return 1 for true, 0 for false.
 */
PA_API int32_t pa_options_bool(const pa_options *options, const char *name);

/**
 * @brief Value of an integer option.
 * @param[in] options  Options.
 * @param[in] name     Name of a declared option.
 * @return The number.
 */
PA_API int64_t pa_options_int(const pa_options *options, const char *name);

/**
 * @brief Value of a real option.
 * @param[in] options  Options.
 * @param[in] name     Name of a declared option.
 * @return Always finite.
 */
PA_API double pa_options_real(const pa_options *options, const char *name);

/**
 * @brief Value of a choice, string or list option; the items of a list have commas between, as "0,3".
 * @param[in] options  Options.
 * @param[in] name     Name of a declared option.
 * @return Borrowed from the options; never NULL.
 */
PA_API const char *pa_options_string(const pa_options *options, const char *name);

/**
 * @brief Whether pico-analyze's formula is asked for.
 * @param[in] options  Options.
 * @return A ::pa_compat.
 */
PA_API pa_compat pa_options_compat(const pa_options *options);

/**
 * @brief All options that differ from their defaults as flow YAML without braces, e.g. "debiased: true".
 * @param[in] options  Options.
 * @return Borrowed from the options; may be "".
 */
PA_API const char *pa_options_text(const pa_options *options);
/** @} */

PA_END_DECLS
#endif
