/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Options: read from YAML, checked against a table of specs, complete with defaults. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/options_impl.h"

typedef struct option {
    const pa_option_spec *spec;
    const char *string; /**< Choice, string, or the items of a list with commas between. */
    int64_t integer;    /**< Integer or boolean. */
    double real;
    int32_t differs; /**< From the fallback. */
} option;

struct pa_options {
    pa_arena arena;
    option *options;
    int64_t count;
    pa_compat compat;
    pa_text text;
};

/** Where a value comes from, for errors: a node of the YAML, or the fallback of its spec. */
typedef struct origin {
    const pa_options_request *request;
    const pa_option_spec *spec;
    const pa_yaml_node *node;
    int from_yaml;
} origin;

static pa_status refuse(const origin *from, pa_error *err, const char *wanted)
{
    const pa_options_request *request = from->request;
    const char *value = from->node->text != NULL ? from->node->text : pa_yaml_type_name(from->node->type);
    if (!from->from_yaml) {
        return pa_fail(err, PA_ERR_CONFIG, "%s: fallback of option '%s' must be %s, not '%.100s'", request->owner,
                       from->spec->name, wanted, value);
    }
    return pa_yaml_fail(request->yaml, from->node, err, "%s: option '%s' must be %s, not '%.100s'", request->owner,
                        from->spec->name, wanted, value);
}

/* Splits "a|b|c" in place; names[] has room for `n`. */
static int64_t split_choices(char *choices, const char **names, int64_t n)
{
    int64_t count = 0;
    char *name = choices;
    while (name != NULL && count < n) {
        char *bar = strchr(name, '|');
        if (bar != NULL) {
            *bar = '\0';
        }
        names[count++] = name;
        name = bar != NULL ? bar + 1 : NULL;
    }
    return count;
}

static pa_status read_choice(const origin *from, const pa_allocator *mem, pa_error *err)
{
    enum { MAX_CHOICES = 64 };
    const char *names[MAX_CHOICES];
    char wanted[300];
    const char *text = from->node->text;
    char *choices = pa_strdup(mem, from->spec->choices);
    if (choices == NULL) {
        return pa_fail_nomem(err, "choices");
    }
    const int64_t count = split_choices(choices, names, MAX_CHOICES);
    const char *nearest = text != NULL ? pa_nearest(text, names, count) : NULL;
    int found = 0;
    for (int64_t i = 0; text != NULL && i < count; i++) {
        found |= strcmp(names[i], text) == 0;
    }
    (void)snprintf(wanted, sizeof(wanted), "one of %s%s%s%s", from->spec->choices, nearest != NULL ? " (perhaps '" : "",
                   nearest != NULL ? nearest : "", nearest != NULL ? "')" : "");
    const pa_status status = found ? PA_OK : refuse(from, err, wanted);
    pa_free(mem, choices);
    return status;
}

/* YAML 1.1 takes "1e-6" for a string because it has no point; whoever wrote it where a number goes meant the number. */
static int read_real(const pa_yaml_node *node, double *real)
{
    if (node->type == PA_YAML_INT || node->type == PA_YAML_REAL) {
        *real = node->real;
    } else if (node->type != PA_YAML_STRING || !pa_parse_number(node->text, real)) {
        return 0;
    }
    return isfinite(*real) != 0;
}

static pa_status read_list(pa_options *options, option *value, const origin *from, pa_error *err)
{
    pa_status status = PA_OK;
    const char *wanted = NULL;
    pa_text list = {.mem = options->arena.mem};
    PA_TRY(pa_option_list_join(from->node, &list, &wanted, err));
    if (wanted != NULL) {
        PA_TRY(refuse(from, err, wanted));
    }
    value->string = pa_arena_strndup(&options->arena, list.data != NULL ? list.data : "", list.length);
    PA_REQUIRE_MEMORY(value->string, err, "options");

cleanup:
    pa_text_free(&list);
    return status;
}

static pa_status read_value(pa_options *options, option *value, const origin *from, pa_error *err)
{
    const pa_yaml_node *node = from->node;
    pa_status status = PA_OK;
    switch (value->spec->type) {
    case PA_OPTION_BOOL:
        value->integer = node->integer;
        return node->type == PA_YAML_BOOL ? PA_OK : refuse(from, err, "true or false");
    case PA_OPTION_INT:
        value->integer = node->integer;
        return node->type == PA_YAML_INT ? PA_OK : refuse(from, err, "an integer of at most 64 bits");
    case PA_OPTION_REAL:
        return read_real(node, &value->real) ? PA_OK : refuse(from, err, "a finite number");
    case PA_OPTION_LIST:
        return read_list(options, value, from, err);
    case PA_OPTION_CHOICE:
        status = read_choice(from, options->arena.mem, err);
        break;
    default:
        status = node->text != NULL ? PA_OK : refuse(from, err, "a text");
        break;
    }
    if (status == PA_OK) {
        value->string = pa_arena_strndup(&options->arena, node->text, (int64_t)strlen(node->text));
        status = value->string != NULL ? PA_OK : pa_fail_nomem(err, "options");
    }
    return status;
}

static pa_status read_fallback(pa_options *options, option *value, const pa_options_request *request, pa_error *err)
{
    pa_yaml_node node = {.text = value->spec->fallback};
    if (node.text == NULL) {
        return PA_OK;
    }
    pa_yaml_resolve(&node);
    const origin from = {request, value->spec, &node, 0};
    return read_value(options, value, &from, err);
}

static int same_value(const option *a, const option *b)
{
    switch (a->spec->type) {
    case PA_OPTION_REAL:
        return !(a->real < b->real || a->real > b->real);
    case PA_OPTION_BOOL:
    case PA_OPTION_INT:
        return a->integer == b->integer;
    default:
        return a->string != NULL && b->string != NULL && strcmp(a->string, b->string) == 0;
    }
}

/* An option that stands there without a value ("norm_type:") has its default. */
static pa_status read_option(pa_options *options, option *value, const pa_options_request *request, pa_error *err)
{
    const pa_yaml_node *node = pa_yaml_find(request->map, value->spec->name);
    const int given = node != NULL && node->type != PA_YAML_NULL;
    pa_status status = read_fallback(options, value, request, err);
    if (status != PA_OK || (!given && value->spec->fallback != NULL)) {
        return status;
    }
    if (!given) {
        const char *name = value->spec->name;
        return request->yaml == NULL ? pa_fail(err, PA_ERR_CONFIG, "%s: option '%s' is required", request->owner, name)
                                     : pa_yaml_fail(request->yaml, request->map, err, "%s: option '%s' is required",
                                                    request->owner, name);
    }
    const option fallback = *value;
    const origin from = {request, value->spec, node, 1};
    status = read_value(options, value, &from, err);
    value->differs = status == PA_OK && (value->spec->fallback == NULL || !same_value(value, &fallback));
    return status;
}

static pa_status check_key(const pa_options_request *request, const pa_yaml_node *key, pa_error *err)
{
    pa_status status = PA_OK;
    char what[160];
    int64_t n = 0;
    const char **known = pa_alloc_raw(request->mem, request->n_specs + request->n_other_keys + 1, sizeof(*known));
    PA_REQUIRE_MEMORY(known, err, "options");
    for (int64_t i = 0; i < request->n_other_keys; i++) {
        known[n++] = request->other_keys[i];
    }
    for (int64_t i = 0; i < request->n_specs; i++) {
        known[n++] = request->specs[i].name;
    }
    known[n++] = "compat";
    for (int64_t i = 0; i < n; i++) {
        if (strcmp(known[i], key->text) == 0) {
            goto cleanup;
        }
    }
    (void)snprintf(what, sizeof(what), "key of %.120s:", request->owner);
    status = pa_yaml_fail_unknown(request->yaml, key, err, what, known, n);

cleanup:
    pa_free(request->mem, known);
    return status;
}

static pa_status read_compat(pa_options *options, const pa_options_request *request, pa_error *err)
{
    static const pa_option_spec spec = {.name = "compat", .type = PA_OPTION_CHOICE, .choices = "pico|literature"};
    const pa_yaml_node *node = pa_yaml_find(request->map, "compat");
    if (node == NULL || node->type == PA_YAML_NULL) {
        return PA_OK;
    }
    const origin from = {request, &spec, node, 1};
    const pa_status status = read_choice(&from, request->mem, err);
    if (status == PA_OK) {
        options->compat = strcmp(node->text, "pico") == 0 ? PA_COMPAT_PICO : PA_COMPAT_LITERATURE;
    }
    return status;
}

static pa_status write_option(pa_text *text, const option *value, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_text_printf(text, err, "%s%s: ", text->length > 0 ? ", " : "", value->spec->name));
    switch (value->spec->type) {
    case PA_OPTION_BOOL:
        PA_TRY(pa_text_append(text, value->integer != 0 ? "true" : "false", err));
        break;
    case PA_OPTION_INT:
        PA_TRY(pa_text_printf(text, err, "%lld", (long long)value->integer));
        break;
    case PA_OPTION_REAL:
        PA_TRY(pa_text_number(text, value->real, err));
        break;
    case PA_OPTION_CHOICE: /* read by its text, so that no quotes are needed */
        PA_TRY(pa_text_append(text, value->string, err));
        break;
    case PA_OPTION_LIST:
        PA_TRY(pa_option_write_list(text, value->string, err));
        break;
    default:
        PA_TRY(pa_option_write_string(text, value->string, err));
        break;
    }

cleanup:
    return status;
}

static pa_status fill(pa_options *options, const pa_options_request *request, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < request->n_specs; i++) {
        options->options[i].spec = &request->specs[i];
        PA_TRY(read_option(options, &options->options[i], request, err));
        if (options->options[i].differs) {
            PA_TRY(write_option(&options->text, &options->options[i], err));
        }
    }
    PA_TRY(read_compat(options, request, err));

cleanup:
    return status;
}

pa_status pa_options_create(const pa_options_request *request, pa_options **out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_yaml_node *map = request->map;
    pa_options *options = NULL;
    *out = NULL;
    if (map != NULL && map->type != PA_YAML_NULL) {
        if (map->type != PA_YAML_MAPPING) {
            return pa_yaml_fail(request->yaml, map, err, "%s: a mapping is needed here", request->owner);
        }
        for (int64_t i = 0; i < map->count; i++) {
            PA_TRY(check_key(request, &map->keys[i], err));
        }
    }
    options = pa_alloc(request->mem, 1, sizeof(*options));
    PA_REQUIRE_MEMORY(options, err, "options");
    options->arena.mem = request->mem;
    options->text.mem = request->mem;
    options->count = request->n_specs;
    options->options = pa_arena_alloc(&options->arena, request->n_specs, sizeof(*options->options));
    PA_REQUIRE_MEMORY(options->options, err, "options");
    PA_TRY(fill(options, request, err));
    *out = options;
    options = NULL;

cleanup:
    pa_options_destroy(options);
    return status;
}

void pa_options_destroy(pa_options *options)
{
    if (options != NULL) {
        const pa_allocator *mem = options->arena.mem;
        pa_text_free(&options->text);
        pa_arena_free(&options->arena);
        pa_free(mem, options);
    }
}

void pa_options_set_compat(pa_options *options, pa_compat compat)
{
    options->compat = compat;
}

pa_status pa_options_difference(const pa_options *options, const pa_options *other, pa_text *text, pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < options->count && i < other->count; i++) {
        if (!same_value(&options->options[i], &other->options[i])) {
            PA_TRY(write_option(text, &options->options[i], err));
        }
    }

cleanup:
    return status;
}

pa_status pa_options_parse_text(const pa_allocator *mem, const char *text, pa_yaml **out, pa_error *err)
{
    return pa_yaml_parse_flow(mem, text != NULL ? text : "", "options", out, err);
}

/* An option of a type from `first` to `last`. */
static const option *find(const pa_options *options, const char *name, pa_option_type first, pa_option_type last)
{
    for (int64_t i = 0; options != NULL && name != NULL && i < options->count; i++) {
        const option *value = &options->options[i];
        if (value->spec->type >= first && value->spec->type <= last && strcmp(value->spec->name, name) == 0) {
            return value;
        }
    }
    return NULL;
}

int32_t pa_options_bool(const pa_options *options, const char *name)
{
    const option *value = find(options, name, PA_OPTION_BOOL, PA_OPTION_BOOL);
    return value != NULL && value->integer != 0;
}

int64_t pa_options_int(const pa_options *options, const char *name)
{
    const option *value = find(options, name, PA_OPTION_INT, PA_OPTION_INT);
    return value != NULL ? value->integer : 0;
}

double pa_options_real(const pa_options *options, const char *name)
{
    const option *value = find(options, name, PA_OPTION_REAL, PA_OPTION_REAL);
    return value != NULL ? value->real : 0.0;
}

const char *pa_options_string(const pa_options *options, const char *name)
{
    const option *value = find(options, name, PA_OPTION_CHOICE, PA_OPTION_LIST);
    return value != NULL && value->string != NULL ? value->string : "";
}

pa_compat pa_options_compat(const pa_options *options)
{
    return options != NULL ? options->compat : PA_COMPAT_LITERATURE;
}

const char *pa_options_text(const pa_options *options)
{
    return options != NULL && options->text.data != NULL ? options->text.data : "";
}
