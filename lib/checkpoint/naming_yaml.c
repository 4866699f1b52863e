/* SPDX-License-Identifier: Apache-2.0 */
/* Namings as configurations and documentation write them. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "checkpoint/naming.h"

/* YAML takes keys of at most 1024 characters. */
enum { MAX_PARTS = 1024, MAX_NAME = 1000 };

/* Of a rule that is more than a pattern. */
static const char *const keys[] = {"pattern", "part", "per_head", "transposed"};

enum { PATTERN, PART, PER_HEAD, TRANSPOSED, N_KEYS };

/* What queries, keys and values are stored in as one. */
static const char *const fusions[] = {"qkv", "kv"};

static pa_status expect(const pa_yaml *yaml, const pa_yaml_node *node, pa_yaml_type type, const char *what,
                        pa_error *err)
{
    return node->type == type ? PA_OK
                              : pa_yaml_fail(yaml, node, err, "%s must be of type %s, not %s", what,
                                             pa_yaml_type_name(type), pa_yaml_type_name(node->type));
}

/* What tensors are called: so that it can be written in one line between quotes. */
static pa_status copy_name(pa_arena *arena, const pa_yaml *yaml, const pa_yaml_node *node, const char *what,
                           const char **out, pa_error *err)
{
    pa_status status = PA_OK;
    if (node->text == NULL || node->type == PA_YAML_NULL) {
        PA_TRY(expect(yaml, node, PA_YAML_STRING, what, err));
    }
    if (node->text[0] == '\0' || strlen(node->text) > MAX_NAME) {
        PA_TRY(pa_yaml_fail(yaml, node, err, "%s must have 1 to %d characters", what, MAX_NAME));
    }
    for (const char *c = node->text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~') {
            PA_TRY(pa_yaml_fail(yaml, node, err, "%s has a character that names of tensors do not have", what));
        }
    }
    PA_REQUIRE_MEMORY(*out = pa_arena_strdup(arena, node->text), err, "a naming");

cleanup:
    return status;
}

static pa_status read_pattern(pa_arena *arena, const pa_yaml *yaml, const pa_yaml_node *node, pa_name_rule *rule,
                              pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(copy_name(arena, yaml, node, "a pattern", &rule->pattern, err));
    const char *layer = strstr(rule->pattern, PA_NAMING_LAYER);
    const char *brace = strchr(rule->pattern, '{');
    if (brace != layer || (layer != NULL && strchr(layer + 1, '{') != NULL)) {
        PA_TRY(pa_yaml_fail(yaml, node, err, "'%.200s': a pattern has " PA_NAMING_LAYER " once or not at all",
                            rule->pattern));
    }

cleanup:
    return status;
}

/* A decimal number of a few digits, or -1; `*text` goes behind it. */
static int32_t take_number(const char **text)
{
    enum { MAX_DIGITS = 4 };
    int32_t number = 0;
    const char *c = *text;
    for (; *c >= '0' && *c <= '9' && c - *text < MAX_DIGITS; c++) {
        number = 10 * number + (*c - '0');
    }
    const int none = c == *text;
    *text = c;
    return none ? -1 : number;
}

static const char of[] = " of ";

/* "2 of 3": of equal parts. */
static int take_part(const char *text, pa_name_rule *rule)
{
    const int32_t part = take_number(&text);
    const int has_of = strncmp(text, of, sizeof(of) - 1) == 0;
    text += has_of ? sizeof(of) - 1 : 0;
    const int32_t parts = has_of ? take_number(&text) : -1;
    if (*text != '\0' || parts < 2 || parts > MAX_PARTS || part < 1 || part > parts) {
        return 0;
    }
    rule->part = part - 1;
    rule->parts = parts;
    return 1;
}

/* "k of qkv": of parts with a letter each. */
static int take_fused(const char *text, pa_name_rule *rule)
{
    const size_t n_before = sizeof(of); /* a letter, and what is between it and the others, whose end is not counted */
    if (strlen(text) < n_before + 2 || strncmp(text + 1, of, sizeof(of) - 1) != 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(fusions) / sizeof(fusions[0]); i++) {
        const char *at = strchr(fusions[i], text[0]);
        if (strcmp(text + n_before, fusions[i]) == 0 && at != NULL) {
            rule->fused = fusions[i];
            rule->part = (int32_t)(at - fusions[i]);
            rule->parts = (int32_t)strlen(fusions[i]);
            return 1;
        }
    }
    return 0;
}

static pa_status read_part(const pa_yaml *yaml, const pa_yaml_node *node, pa_name_rule *rule, pa_error *err)
{
    const char *text = node->text != NULL ? node->text : "";
    return take_part(text, rule) || take_fused(text, rule)
               ? PA_OK
               : pa_yaml_fail(yaml, node, err,
                              "part must be as in '1 of 3', the first of 2 to %d, or 'q of qkv', not '%.100s'",
                              MAX_PARTS, node->text != NULL ? node->text : pa_yaml_type_name(node->type));
}

static pa_status read_flag(const pa_yaml *yaml, const pa_yaml_node *map, int key, int32_t *out, pa_error *err)
{
    const pa_yaml_node *node = pa_yaml_find(map, keys[key]);
    if (node == NULL || node->type == PA_YAML_NULL) {
        return PA_OK;
    }
    const pa_status status = expect(yaml, node, PA_YAML_BOOL, keys[key], err);
    *out = status == PA_OK && node->integer != 0;
    return status;
}

static pa_status read_options(pa_arena *arena, const pa_yaml *yaml, const pa_yaml_node *map, pa_name_rule *rule,
                              pa_error *err)
{
    pa_status status = PA_OK;
    for (int64_t i = 0; i < map->count; i++) {
        int k = 0;
        while (k < N_KEYS && strcmp(map->keys[i].text, keys[k]) != 0) {
            k++;
        }
        if (k == N_KEYS) {
            PA_TRY(pa_yaml_fail_unknown(yaml, &map->keys[i], err, "key of a naming's rule:", keys, N_KEYS));
        }
    }
    const pa_yaml_node *pattern = pa_yaml_find(map, keys[PATTERN]);
    const pa_yaml_node *part = pa_yaml_find(map, keys[PART]);
    if (pattern == NULL) {
        PA_TRY(pa_yaml_fail(yaml, map, err, "'%s' needs a 'pattern'", rule->suffix));
    }
    PA_TRY(read_pattern(arena, yaml, pattern, rule, err));
    if (part != NULL && part->type != PA_YAML_NULL) {
        PA_TRY(read_part(yaml, part, rule, err));
    }
    PA_TRY(read_flag(yaml, map, PER_HEAD, &rule->per_head, err));
    PA_TRY(read_flag(yaml, map, TRANSPOSED, &rule->transposed, err));
    if (rule->per_head && rule->parts == 0) {
        PA_TRY(pa_yaml_fail(yaml, pa_yaml_find(map, keys[PER_HEAD]), err, "per_head goes with 'part'"));
    }

cleanup:
    return status;
}

/* One way to find what is wanted: a pattern, or a mapping with one. */
static pa_status read_rule(pa_arena *arena, const pa_yaml *yaml, const pa_yaml_node *node, pa_name_rule *rule,
                           pa_error *err)
{
    return node->type == PA_YAML_MAPPING ? read_options(arena, yaml, node, rule, err)
                                         : read_pattern(arena, yaml, node, rule, err);
}

static pa_status read_rules(pa_arena *arena, const pa_yaml *yaml, const pa_yaml_node *map, const pa_naming **out,
                            pa_error *err)
{
    pa_status status = PA_OK;
    int64_t n_rules = 0;
    for (int64_t i = 0; i < map->count; i++) {
        const pa_yaml_node *ways = &map->items[i];
        n_rules += ways->type == PA_YAML_SEQUENCE ? ways->count : 1;
    }
    pa_naming *naming = pa_arena_alloc(arena, 1, sizeof(*naming));
    PA_REQUIRE_MEMORY(naming, err, "a naming");
    pa_name_rule *rules = pa_arena_alloc(arena, n_rules, sizeof(*rules));
    PA_REQUIRE_MEMORY(rules, err, "a naming");
    *naming = (pa_naming){.name = "own", .rules = rules};
    for (int64_t i = 0; i < map->count; i++) {
        const pa_yaml_node *ways = &map->items[i];
        const int is_list = ways->type == PA_YAML_SEQUENCE;
        const char *suffix = NULL;
        PA_TRY(copy_name(arena, yaml, &map->keys[i], "a name in a naming", &suffix, err));
        if (is_list && ways->count == 0) {
            PA_TRY(pa_yaml_fail(yaml, ways, err, "'%s' has no pattern", suffix));
        }
        for (int64_t way = 0; way < (is_list ? ways->count : 1); way++) {
            pa_name_rule *rule = &rules[naming->n_rules++];
            *rule = (pa_name_rule){.suffix = suffix, .fallback = way > 0};
            PA_TRY(read_rule(arena, yaml, is_list ? &ways->items[way] : ways, rule, err));
        }
    }
    *out = naming;

cleanup:
    return status;
}

static pa_status find_by_name(const pa_yaml *yaml, const pa_yaml_node *node, const pa_naming **out, pa_error *err)
{
    enum { MAX_NAMES = 16 };
    const char *names[MAX_NAMES] = {"auto", "none"};
    int64_t n = 2;
    if (strcmp(node->text, names[0]) == 0) {
        return PA_OK;
    }
    if (strcmp(node->text, names[1]) == 0) {
        *out = &pa_naming_none;
        return PA_OK;
    }
    for (int64_t i = 0; pa_naming_at(i) != NULL && n < MAX_NAMES; i++) {
        names[n++] = pa_naming_at(i)->name;
        if (strcmp(node->text, pa_naming_at(i)->name) == 0) {
            *out = pa_naming_at(i);
            return PA_OK;
        }
    }
    return pa_yaml_fail_unknown(yaml, node, err, "naming", names, n);
}

pa_status pa_naming_read(pa_arena *arena, const pa_yaml *yaml, const pa_yaml_node *node, const pa_naming **out,
                         pa_error *err)
{
    *out = NULL;
    if (node == NULL || node->type == PA_YAML_NULL) {
        return PA_OK;
    }
    if (node->type == PA_YAML_MAPPING && node->count > 0) {
        return read_rules(arena, yaml, node, out, err);
    }
    if (node->type == PA_YAML_STRING) {
        return find_by_name(yaml, node, out, err);
    }
    return pa_yaml_fail(yaml, node, err, "naming must be a name such as 'llama', or a mapping from name to pattern");
}

/* Between quotes, as YAML writes a quote in them. */
static pa_status write_quoted(const char *string, pa_text *text, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_text_append(text, "'", err));
    for (const char *c = string; *c != '\0'; c++) {
        PA_TRY(pa_text_append_bytes(text, c, 1, err));
        PA_TRY(*c == '\'' ? pa_text_append(text, "'", err) : PA_OK);
    }
    PA_TRY(pa_text_append(text, "'", err));

cleanup:
    return status;
}

static pa_status write_rule(const pa_name_rule *rule, pa_text *text, pa_error *err)
{
    pa_status status = PA_OK;
    const int plain = !rule->transposed && rule->parts < 2;
    PA_TRY(plain ? PA_OK : pa_text_printf(text, err, "{%s: ", keys[PATTERN]));
    PA_TRY(write_quoted(rule->pattern, text, err));
    if (rule->fused != NULL) {
        PA_TRY(pa_text_printf(text, err, ", %s: %c of %s", keys[PART], rule->fused[rule->part], rule->fused));
    } else if (rule->parts > 1) {
        PA_TRY(pa_text_printf(text, err, ", %s: %d of %d", keys[PART], (int)rule->part + 1, (int)rule->parts));
    }
    PA_TRY(rule->per_head ? pa_text_printf(text, err, ", %s: true", keys[PER_HEAD]) : PA_OK);
    PA_TRY(rule->transposed ? pa_text_printf(text, err, ", %s: true", keys[TRANSPOSED]) : PA_OK);
    PA_TRY(plain ? PA_OK : pa_text_append(text, "}", err));

cleanup:
    return status;
}

pa_status pa_naming_write_rules(const pa_naming *naming, pa_text *text, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_text_append(text, "{", err));
    for (int64_t r = 0; r < naming->n_rules; r++) {
        const pa_name_rule *rule = &naming->rules[r];
        const int goes_on = r + 1 < naming->n_rules && naming->rules[r + 1].fallback;
        PA_TRY(r > 0 ? pa_text_append(text, ", ", err) : PA_OK);
        if (!rule->fallback) {
            PA_TRY(write_quoted(rule->suffix, text, err));
            PA_TRY(pa_text_append(text, goes_on ? ": [" : ": ", err));
        }
        PA_TRY(write_rule(rule, text, err));
        PA_TRY(rule->fallback && !goes_on ? pa_text_append(text, "]", err) : PA_OK);
    }
    PA_TRY(pa_text_append(text, "}", err));

cleanup:
    return status;
}

pa_status pa_naming_write(const pa_naming *naming, pa_text *text, pa_error *err)
{
    const int is_own = naming != NULL && naming->name != NULL && strcmp(naming->name, "own") == 0;
    return is_own ? pa_naming_write_rules(naming, text, err)
                  : pa_text_append(text,
                                   naming == NULL         ? ""
                                   : naming->name != NULL ? naming->name
                                                          : "none",
                                   err);
}
