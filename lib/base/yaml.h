/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief YAML as a tree of typed nodes that know their line and column.
 *
 * Scalars are typed as PyYAML (YAML 1.1) does: `50_000` is an integer, `yes` a boolean, `1e-6` without a dot a string.
 * Duplicate keys, aliases, several documents and anything beyond the limits are errors.
 */
#ifndef PA_BASE_YAML_H
#define PA_BASE_YAML_H
#include "base/error.h"

/** Limits: a configuration is small, and libyaml is quadratic in the depth. */
enum { PA_YAML_MAX_BYTES = 1 << 20, PA_YAML_MAX_DEPTH = 64, PA_YAML_MAX_EVENTS = 100000, PA_YAML_MAX_KEYS = 1024 };

typedef enum pa_yaml_type {
    PA_YAML_NULL,
    PA_YAML_BOOL,
    PA_YAML_INT,
    PA_YAML_REAL,
    PA_YAML_STRING,
    PA_YAML_SEQUENCE,
    PA_YAML_MAPPING
} pa_yaml_type;

typedef struct pa_yaml_node pa_yaml_node;
struct pa_yaml_node {
    pa_yaml_type type;
    int32_t line;        /**< From 1. */
    int32_t column;      /**< From 1. */
    const char *text;    /**< Scalars: as written, without quotes, NUL-terminated, no NUL inside. Otherwise NULL. */
    int64_t integer;     /**< PA_YAML_INT; PA_YAML_BOOL: 0 or 1. */
    double real;         /**< PA_YAML_REAL (integers beyond 64 bits, ".inf" and ".nan" too) and PA_YAML_INT. */
    int64_t count;       /**< Sequence: items. Mapping: pairs. */
    pa_yaml_node *keys;  /**< Mapping: `count` scalar keys in order; otherwise NULL. */
    pa_yaml_node *items; /**< `count` items or values in order; NULL when empty. */
};

typedef struct pa_yaml pa_yaml;

/** Parse `length` bytes. `name` is what errors call it ("demo.yaml"); copied. An empty document is a null root. */
pa_status pa_yaml_parse(const pa_allocator *mem, const char *text, int64_t length, const char *name, pa_yaml **out,
                        pa_error *err);
/** Read and parse a file; errors call it by its path. PA_ERR_NOT_FOUND, PA_ERR_IO, PA_ERR_LIMIT as well. */
pa_status pa_yaml_load(const pa_allocator *mem, const char *path, pa_yaml **out, pa_error *err);
/** Parse what stands between the braces of a flow mapping, "a: 1, b: two"; places count from its first character. */
pa_status pa_yaml_parse_flow(const pa_allocator *mem, const char *text, const char *name, pa_yaml **out, pa_error *err);
void pa_yaml_destroy(pa_yaml *yaml);

/** Give `node->text` the type (and value) that it has when written without quotes. */
void pa_yaml_resolve(pa_yaml_node *node);

const pa_yaml_node *pa_yaml_root(const pa_yaml *yaml);
const char *pa_yaml_name(const pa_yaml *yaml);

/** Value of a key, or NULL when `map` is NULL, not a mapping, or has no such key. */
const pa_yaml_node *pa_yaml_find(const pa_yaml_node *map, const char *key);

/** "integer", "mapping" ... for error texts. */
const char *pa_yaml_type_name(pa_yaml_type type);

/** PA_ERR_CONFIG with "name:line:column: " before the text; `node` NULL leaves out the place. */
pa_status pa_yaml_fail(const pa_yaml *yaml, const pa_yaml_node *node, pa_error *err, const char *fmt, ...)
    PA_PRINTF(4, 5);

/**
 * PA_ERR_CONFIG for a word that is none of the known ones: "<place>: unknown <what> '<word>'; did you mean 'x'?", or
 * the known ones when none is near. `node` is the word.
 */
pa_status pa_yaml_fail_unknown(const pa_yaml *yaml, const pa_yaml_node *node, pa_error *err, const char *what,
                               const char *const *known, int64_t n_known);
#endif
