/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Tables of option specs: checked and copied when a metric or component is registered. */
#include <string.h>

#include "base/alloc.h"
#include "base/options_impl.h"

/** Keys of the configuration that stand beside the options. */
static const char *const reserved[] = {"compat",     "metric_name",    "data_split", "target_checkpoint",
                                       "components", "component_name", "data_type",  "layer_suffixes",
                                       "layers"};
enum { N_RESERVED = sizeof(reserved) / sizeof(reserved[0]) };

static int is_name(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static int is_reserved(const char *name)
{
    for (int i = 0; i < N_RESERVED; i++) {
        if (strcmp(name, reserved[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* "a|b|c" without an empty part. */
static int are_choices(const char *choices)
{
    const size_t length = strlen(choices);
    return length > 0 && choices[0] != '|' && choices[length - 1] != '|' && strstr(choices, "||") == NULL;
}

static pa_status check_one(const pa_option_spec *specs, int64_t index, const char *owner, pa_error *err)
{
    const pa_option_spec *spec = &specs[index];
    if (spec->name == NULL || !is_name(spec->name)) {
        return pa_fail(err, PA_ERR_INVALID, "%s: option %lld needs a name of [a-z0-9_]", owner, (long long)index);
    }
    if (is_reserved(spec->name)) {
        return pa_fail(err, PA_ERR_INVALID, "%s: option '%s' has the name of a configuration key", owner, spec->name);
    }
    for (int64_t i = 0; i < index; i++) {
        if (strcmp(specs[i].name, spec->name) == 0) {
            return pa_fail(err, PA_ERR_INVALID, "%s: option '%s' is declared twice", owner, spec->name);
        }
    }
    if (spec->type < PA_OPTION_BOOL || spec->type > PA_OPTION_LIST) {
        return pa_fail(err, PA_ERR_INVALID, "%s: option '%s' has type %d, which is none", owner, spec->name,
                       (int)spec->type);
    }
    if ((spec->type == PA_OPTION_CHOICE) != (spec->choices != NULL)) {
        return pa_fail(err, PA_ERR_INVALID, "%s: option '%s' %s", owner, spec->name,
                       spec->choices == NULL ? "needs choices" : "has choices but is no choice");
    }
    if (spec->choices != NULL && !are_choices(spec->choices)) {
        return pa_fail(err, PA_ERR_INVALID, "%s: option '%s' has an empty choice in '%s'", owner, spec->name,
                       spec->choices);
    }
    return PA_OK;
}

/* A spec whose required option is not missing: what is left to fail is a bad fallback. */
static pa_status check_fallback(const pa_allocator *mem, const pa_option_spec *spec, const char *owner, pa_error *err)
{
    pa_options *options = NULL;
    pa_error reason = {0};
    const pa_options_request request = {.mem = mem, .owner = owner, .specs = spec, .n_specs = 1};
    if (spec->fallback == NULL) {
        return PA_OK;
    }
    const pa_status status = pa_options_create(&request, &options, &reason);
    pa_options_destroy(options);
    if (status == PA_ERR_CONFIG) {
        return pa_fail(err, PA_ERR_INVALID, "%s", reason.message);
    }
    return status == PA_ERR_NOMEM ? pa_fail_nomem(err, owner) : status;
}

pa_status pa_option_specs_check(const pa_allocator *mem, const pa_option_spec *specs, int64_t n_specs,
                                const char *owner, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(n_specs >= 0 && (n_specs == 0 || specs != NULL), err, PA_ERR_INVALID,
               "%s: a table of %lld options at a NULL pointer", owner, (long long)n_specs);
    for (int64_t i = 0; i < n_specs; i++) {
        PA_TRY(check_one(specs, i, owner, err));
        PA_TRY(check_fallback(mem, &specs[i], owner, err));
    }

cleanup:
    return status;
}

static int copy_string(const pa_allocator *mem, const char *text, const char **out)
{
    *out = text != NULL ? pa_strdup(mem, text) : NULL;
    return text == NULL || *out != NULL;
}

pa_option_spec *pa_option_specs_copy(const pa_allocator *mem, const pa_option_spec *specs, int64_t n_specs)
{
    pa_option_spec *copy = pa_alloc(mem, n_specs, sizeof(*copy));
    for (int64_t i = 0; copy != NULL && i < n_specs; i++) {
        copy[i].type = specs[i].type;
        if (!copy_string(mem, specs[i].name, &copy[i].name) ||
            !copy_string(mem, specs[i].fallback, &copy[i].fallback) ||
            !copy_string(mem, specs[i].choices, &copy[i].choices) || !copy_string(mem, specs[i].help, &copy[i].help)) {
            pa_option_specs_free(mem, copy, n_specs);
            copy = NULL;
        }
    }
    return copy;
}

/* The strings are the copy's own; the public struct can only show them as const. */
static void free_string(const pa_allocator *mem, const char *text)
{
    union {
        const char *shown;
        char *owned;
    } string = {.shown = text};
    pa_free(mem, string.owned);
}

void pa_option_specs_free(const pa_allocator *mem, pa_option_spec *specs, int64_t n_specs)
{
    for (int64_t i = 0; specs != NULL && i < n_specs; i++) {
        free_string(mem, specs[i].name);
        free_string(mem, specs[i].fallback);
        free_string(mem, specs[i].choices);
        free_string(mem, specs[i].help);
    }
    pa_free(mem, specs);
}
