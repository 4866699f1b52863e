/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief From libyaml's events to a tree. */
#include "base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/file.h"

struct pa_yaml {
    pa_arena arena;
    const char *name;
    pa_yaml_node *root;
};

/** A container that is not closed yet; its children are the nodes of the stack from `first` on. */
typedef struct frame {
    int64_t first;
    pa_yaml_node node;
} frame;

typedef struct builder {
    pa_yaml *yaml;
    const pa_allocator *mem;
    pa_yaml_node *stack;
    int64_t count;
    int64_t capacity;
    frame frames[PA_YAML_MAX_DEPTH];
    int32_t depth;
    int32_t column_shift; /**< Columns of the first line that the caller did not write. */
    int64_t events;
    int32_t documents;
    int32_t done;
} builder;

static pa_status fail_at(const builder *b, const yaml_mark_t *mark, pa_status code, pa_error *err, const char *text)
{
    const int64_t shift = mark->line == 0 ? b->column_shift : 0;
    return pa_fail(err, code, "%s:%lld:%lld: %s", b->yaml->name, (long long)mark->line + 1,
                   (long long)mark->column + 1 - shift, text);
}

static int expects_key(const builder *b)
{
    const frame *top = b->depth > 0 ? &b->frames[b->depth - 1] : NULL;
    return top != NULL && top->node.type == PA_YAML_MAPPING && (b->count - top->first) % 2 == 0;
}

/* A tag may only repeat what the node is anyway, or turn a scalar into a string. */
static int tag_fits(const char *tag, pa_yaml_node *node)
{
    static const char *const names[] = {"null", "bool", "int", "float", "str", "seq", "map"}; /* by pa_yaml_type */
    static const char prefix[] = "tag:yaml.org,2002:";
    const int is_short = strncmp(tag, prefix, sizeof(prefix) - 1) == 0;
    const char *name = is_short ? tag + sizeof(prefix) - 1 : strcmp(tag, "!") == 0 ? "str" : "";
    if (node->text != NULL && strcmp(name, "str") == 0) {
        node->type = PA_YAML_STRING;
    }
    return strcmp(name, names[node->type]) == 0;
}

static pa_yaml_node node_at(const builder *b, pa_yaml_type type, const yaml_mark_t *mark)
{
    const size_t shift = mark->line == 0 ? (size_t)b->column_shift : 0;
    return (pa_yaml_node){.type = type, .line = (int32_t)mark->line + 1, .column = (int32_t)(mark->column + 1 - shift)};
}

static pa_status push(builder *b, const pa_yaml_node *node, pa_error *err)
{
    pa_yaml_node *stack = pa_array_grow(b->mem, b->stack, &b->capacity, b->count + 1, sizeof(*stack));
    if (stack == NULL) {
        return pa_fail_nomem(err, "YAML nodes");
    }
    b->stack = stack;
    b->stack[b->count++] = *node;
    return PA_OK;
}

static pa_status add_scalar(builder *b, const yaml_event_t *event, pa_error *err)
{
    const char *value = (const char *)event->data.scalar.value;
    const size_t length = event->data.scalar.length;
    const char *tag = (const char *)event->data.scalar.tag;
    const int plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    pa_yaml_node node = node_at(b, PA_YAML_STRING, &event->start_mark);
    if (event->data.scalar.anchor != NULL) {
        return fail_at(b, &event->start_mark, PA_ERR_CONFIG, err, "anchors are not supported");
    }
    if (memchr(value, '\0', length) != NULL) {
        return fail_at(b, &event->start_mark, PA_ERR_CONFIG, err, "a text holds a NUL character");
    }
    if (plain && tag == NULL && expects_key(b) && strcmp(value, "<<") == 0) {
        return fail_at(b, &event->start_mark, PA_ERR_CONFIG, err, "merge keys ('<<') are not supported");
    }
    node.text = pa_arena_strndup(&b->yaml->arena, value, (int64_t)length);
    if (node.text == NULL) {
        return pa_fail_nomem(err, "YAML text");
    }
    if (plain) {
        pa_yaml_resolve(&node);
    }
    if (tag != NULL && !tag_fits(tag, &node)) {
        return fail_at(b, &event->start_mark, PA_ERR_CONFIG, err, "tags other than !!str are not supported");
    }
    return push(b, &node, err);
}

static pa_status open_container(builder *b, pa_yaml_type type, const yaml_event_t *event, const yaml_char_t *tag,
                                const yaml_char_t *anchor, pa_error *err)
{
    pa_yaml_node node = node_at(b, type, &event->start_mark);
    char text[96];
    if (anchor != NULL) {
        return fail_at(b, &event->start_mark, PA_ERR_CONFIG, err, "anchors are not supported");
    }
    if (tag != NULL && !tag_fits((const char *)tag, &node)) {
        return fail_at(b, &event->start_mark, PA_ERR_CONFIG, err, "tags other than !!str are not supported");
    }
    if (expects_key(b)) {
        (void)snprintf(text, sizeof(text), "a key must be a word, not a %s", pa_yaml_type_name(type));
        return fail_at(b, &event->start_mark, PA_ERR_CONFIG, err, text);
    }
    if (b->depth == PA_YAML_MAX_DEPTH) {
        (void)snprintf(text, sizeof(text), "nested deeper than %d levels", PA_YAML_MAX_DEPTH);
        return fail_at(b, &event->start_mark, PA_ERR_LIMIT, err, text);
    }
    b->frames[b->depth++] = (frame){.first = b->count, .node = node};
    return PA_OK;
}

static pa_status check_keys(const builder *b, const pa_yaml_node *map, pa_error *err)
{
    if (map->keys != NULL && map->count > PA_YAML_MAX_KEYS) {
        return pa_fail(err, PA_ERR_LIMIT, "%s:%d:%d: a mapping of %lld keys; at most %d are allowed", b->yaml->name,
                       map->line, map->column, (long long)map->count, PA_YAML_MAX_KEYS);
    }
    for (int64_t j = 1; map->keys != NULL && j < map->count; j++) {
        for (int64_t i = 0; i < j; i++) {
            if (strcmp(map->keys[i].text, map->keys[j].text) == 0) {
                return pa_yaml_fail(b->yaml, &map->keys[j], err, "key '%s' is there already, at line %d, column %d",
                                    map->keys[j].text, map->keys[i].line, map->keys[i].column);
            }
        }
    }
    return PA_OK;
}

/* Moves the children from the stack into the arena. */
static pa_status close_container(builder *b, pa_error *err)
{
    frame *top = &b->frames[b->depth - 1];
    pa_yaml_node *node = &top->node;
    const int64_t children = b->count - top->first;
    const int64_t per_item = node->type == PA_YAML_MAPPING ? 2 : 1;
    node->count = children / per_item;
    if (node->count > 0) {
        pa_yaml_node *items = pa_arena_alloc(&b->yaml->arena, children, sizeof(*items));
        if (items == NULL) {
            return pa_fail_nomem(err, "YAML nodes");
        }
        for (int64_t i = 0; i < children; i++) { /* keys first, then values */
            items[i % per_item * node->count + i / per_item] = b->stack[top->first + i];
        }
        node->keys = per_item == 2 ? items : NULL;
        node->items = per_item == 2 ? items + node->count : items;
    }
    const pa_status status = check_keys(b, node, err);
    if (status != PA_OK) {
        return status;
    }
    b->count = top->first;
    b->depth--;
    return push(b, node, err);
}

static pa_status take(builder *b, const yaml_event_t *event, pa_error *err)
{
    if (++b->events > PA_YAML_MAX_EVENTS) {
        return fail_at(b, &event->start_mark, PA_ERR_LIMIT, err, "more items than a configuration may have");
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return add_scalar(b, event, err);
    case YAML_SEQUENCE_START_EVENT:
        return open_container(b, PA_YAML_SEQUENCE, event, event->data.sequence_start.tag,
                              event->data.sequence_start.anchor, err);
    case YAML_MAPPING_START_EVENT:
        return open_container(b, PA_YAML_MAPPING, event, event->data.mapping_start.tag,
                              event->data.mapping_start.anchor, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_container(b, err);
    case YAML_ALIAS_EVENT:
        return fail_at(b, &event->start_mark, PA_ERR_CONFIG, err, "aliases ('*') are not supported");
    case YAML_DOCUMENT_START_EVENT:
        b->documents++;
        if (b->documents > 1) {
            return fail_at(b, &event->start_mark, PA_ERR_CONFIG, err, "a second document starts here");
        }
        return PA_OK;
    case YAML_STREAM_END_EVENT:
        b->done = 1;
        return PA_OK;
    default:
        return PA_OK;
    }
}

/* Damaged UTF-8 is reported by offset only. */
static yaml_mark_t mark_of_offset(const char *text, int64_t length, size_t offset)
{
    yaml_mark_t mark = {.index = offset};
    for (int64_t i = 0; i < length && (size_t)i < offset; i++) {
        mark.column = text[i] == '\n' ? 0 : mark.column + ((text[i] & 0xC0) != 0x80);
        mark.line += text[i] == '\n';
    }
    return mark;
}

static pa_status parser_failed(const builder *b, const yaml_parser_t *parser, const char *text, int64_t length,
                               pa_error *err)
{
    char problem[256];
    yaml_mark_t mark = parser->problem_mark;
    if (parser->error == YAML_MEMORY_ERROR) {
        return pa_fail_nomem(err, "the YAML parser");
    }
    if (parser->error == YAML_READER_ERROR) {
        mark = mark_of_offset(text, length, parser->problem_offset);
    }
    (void)snprintf(problem, sizeof(problem), "%s%s%s", parser->context != NULL ? parser->context : "",
                   parser->context != NULL ? ": " : "", parser->problem != NULL ? parser->problem : "not valid YAML");
    return fail_at(b, &mark, PA_ERR_CONFIG, err, problem);
}

static pa_status build(builder *b, const char *text, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        return pa_fail_nomem(err, "the YAML parser");
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, (size_t)length);
    while (status == PA_OK && !b->done) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            status = parser_failed(b, &parser, text, length, err);
        } else {
            status = take(b, &event, err);
            yaml_event_delete(&event);
        }
    }
    yaml_parser_delete(&parser);
    return status;
}

static pa_status parse(const pa_allocator *mem, const char *text, int64_t length, const char *name,
                       int32_t column_shift, pa_yaml **out, pa_error *err)
{
    pa_status status = PA_OK;
    builder b = {.mem = mem, .column_shift = column_shift};
    *out = NULL;
    b.yaml = pa_alloc(mem, 1, sizeof(*b.yaml));
    PA_REQUIRE_MEMORY(b.yaml, err, "YAML");
    b.yaml->arena.mem = mem;
    b.yaml->name = pa_arena_strndup(&b.yaml->arena, name, (int64_t)strlen(name));
    PA_REQUIRE_MEMORY(b.yaml->name, err, "YAML");
    PA_REQUIRE(length <= PA_YAML_MAX_BYTES, err, PA_ERR_LIMIT, "%s: %lld bytes; at most %d are allowed", name,
               (long long)length, PA_YAML_MAX_BYTES);
    PA_TRY(build(&b, text, length, err));
    b.yaml->root = pa_arena_alloc(&b.yaml->arena, 1, sizeof(*b.yaml->root));
    PA_REQUIRE_MEMORY(b.yaml->root, err, "YAML");
    *b.yaml->root = b.count > 0 ? b.stack[0] : (pa_yaml_node){.type = PA_YAML_NULL, .line = 1, .column = 1, .text = ""};
    *out = b.yaml;
    b.yaml = NULL;

cleanup:
    pa_free(mem, b.stack);
    pa_yaml_destroy(b.yaml);
    return status;
}

pa_status pa_yaml_parse(const pa_allocator *mem, const char *text, int64_t length, const char *name, pa_yaml **out,
                        pa_error *err)
{
    return parse(mem, text, length, name, 0, out, err);
}

pa_status pa_yaml_load(const pa_allocator *mem, const char *path, pa_yaml **out, pa_error *err)
{
    char *text = NULL;
    int64_t length = 0;
    *out = NULL;
    pa_status status = pa_file_read_text(mem, path, PA_YAML_MAX_BYTES, &text, &length, err);
    if (status == PA_OK) {
        status = parse(mem, text, length, path, 0, out, err);
        pa_free(mem, text);
    }
    return status;
}

pa_status pa_yaml_parse_flow(const pa_allocator *mem, const char *text, const char *name, pa_yaml **out, pa_error *err)
{
    pa_status status = PA_OK;
    const size_t length = strlen(text);
    char *braced = NULL;
    *out = NULL;
    PA_REQUIRE(length <= PA_YAML_MAX_BYTES, err, PA_ERR_LIMIT, "%s: %lld bytes; at most %d are allowed", name,
               (long long)length, PA_YAML_MAX_BYTES);
    braced = pa_alloc_raw(mem, (int64_t)length + 3, 1);
    PA_REQUIRE_MEMORY(braced, err, "YAML");
    braced[0] = '{';
    memcpy(braced + 1, text, length);
    memcpy(braced + 1 + length, "\n}", 2); /* the line end keeps a comment from eating the brace */
    PA_TRY(parse(mem, braced, (int64_t)length + 3, name, 1, out, err));

cleanup:
    pa_free(mem, braced);
    return status;
}

void pa_yaml_destroy(pa_yaml *yaml)
{
    if (yaml != NULL) {
        const pa_allocator *mem = yaml->arena.mem;
        pa_arena_free(&yaml->arena);
        pa_free(mem, yaml);
    }
}

const pa_yaml_node *pa_yaml_root(const pa_yaml *yaml)
{
    return yaml->root;
}

const char *pa_yaml_name(const pa_yaml *yaml)
{
    return yaml->name;
}

const pa_yaml_node *pa_yaml_find(const pa_yaml_node *map, const char *key)
{
    if (map == NULL || map->type != PA_YAML_MAPPING) {
        return NULL;
    }
    for (int64_t i = 0; i < map->count; i++) {
        if (strcmp(map->keys[i].text, key) == 0) {
            return &map->items[i];
        }
    }
    return NULL;
}

const char *pa_yaml_type_name(pa_yaml_type type)
{
    static const char *const names[] = {"null", "boolean", "integer", "number", "string", "sequence", "mapping"};
    return names[type];
}

pa_status pa_yaml_fail(const pa_yaml *yaml, const pa_yaml_node *node, pa_error *err, const char *fmt, ...)
{
    char text[sizeof(err->message)];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (node == NULL) {
        return pa_fail(err, PA_ERR_CONFIG, "%s: %s", yaml->name, text);
    }
    return pa_fail(err, PA_ERR_CONFIG, "%s:%d:%d: %s", yaml->name, node->line, node->column, text);
}
