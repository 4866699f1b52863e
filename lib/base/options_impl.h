/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Making a pa_options from YAML and a table of specs. */
#ifndef PA_BASE_OPTIONS_IMPL_H
#define PA_BASE_OPTIONS_IMPL_H
#include <picoanalyze/options.h>

#include "base/text.h"
#include "base/yaml.h"

/** What options are made for and from. */
typedef struct pa_options_request {
    const pa_allocator *mem;
    const char *owner; /**< For errors: "metric 'norm'". */
    const pa_option_spec *specs;
    int64_t n_specs;
    const pa_yaml *yaml;           /**< May be NULL: all defaults. */
    const pa_yaml_node *map;       /**< Mapping with the options among other keys; NULL or a null node: all defaults. */
    const char *const *other_keys; /**< Keys of the mapping that are somebody else's business. */
    int64_t n_other_keys;
} pa_options_request;

/**
 * Check and read. A key that is neither an option, nor `compat`, nor one of `other_keys` is PA_ERR_CONFIG with file,
 * line, column and the nearest valid name; so is a wrong type, a choice that does not exist, a missing required option.
 * `compat: pico|literature` is understood everywhere. The options borrow `mem` and `specs`, nothing else.
 */
pa_status pa_options_create(const pa_options_request *request, pa_options **out, pa_error *err);
void pa_options_destroy(pa_options *options);

/** Set `compat` before the options are in use. */
void pa_options_set_compat(pa_options *options, pa_compat compat);

/** Append "a: 1, b: two" for every option of `options` whose value differs in `other`, made from the same table. */
pa_status pa_options_difference(const pa_options *options, const pa_options *other, pa_text *text, pa_error *err);

/** A table that a user registers: PA_ERR_INVALID with the reason when malformed (names, choices, fallbacks). */
pa_status pa_option_specs_check(const pa_allocator *mem, const pa_option_spec *specs, int64_t n_specs,
                                const char *owner, pa_error *err);
/** Deep copy; one block per table is not promised, free with pa_option_specs_free(). NULL when out of memory. */
pa_option_spec *pa_option_specs_copy(const pa_allocator *mem, const pa_option_spec *specs, int64_t n_specs);
void pa_option_specs_free(const pa_allocator *mem, pa_option_spec *specs, int64_t n_specs);

/** @name option_text.c
 * @{ */
/** Items of a sequence, or of a text with commas, as "a,b". `*wanted` says what is needed instead, or is NULL. */
pa_status pa_option_list_join(const pa_yaml_node *node, pa_text *out, const char **wanted, pa_error *err);
/** Append what YAML reads back as `string`. */
pa_status pa_option_write_string(pa_text *text, const char *string, pa_error *err);
/** Append "a,b" as "[a, b]". */
pa_status pa_option_write_list(pa_text *text, const char *list, pa_error *err);
/** @} */

/** Parse "a: 1, b: two" (flow YAML without braces; NULL is empty); end it with pa_yaml_destroy(). */
pa_status pa_options_parse_text(const pa_allocator *mem, const char *text, pa_yaml **out, pa_error *err);
#endif
