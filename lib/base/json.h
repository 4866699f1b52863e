/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief JSON of strangers, read with Jansson (Meson features `safetensors` and `hub`).
 *
 * Jansson takes its memory through functions that belong to the process and not to a context: its trees are outside of
 * the context's allocator, as libyaml's events are, and gone when the file is open. Where memory runs out in the middle
 * of a text, Jansson says that the syntax is wrong.
 */
#ifndef PA_BASE_JSON_H
#define PA_BASE_JSON_H
#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"

/**
 * Read an object: UTF-8, no repeated keys, nothing behind it, at most a few levels and some millions of values.
 * End it with json_decref(). PA_ERR_FORMAT, PA_ERR_LIMIT, PA_ERR_NOMEM.
 */
pa_status pa_json_read(const char *text, int64_t length, json_t **out, pa_error *err);

/** The same for an array. */
pa_status pa_json_read_array(const char *text, int64_t length, json_t **out, pa_error *err);

/** @name Large objects, one member at a time: json_members.c. A tree takes ten times the room of its text.
 * @{ */

/** A piece of a text, and where it begins in the whole, for errors. */
typedef struct pa_json_part {
    const char *text;
    int64_t length;
    int64_t at;
} pa_json_part;

/** The members of an object that have not been taken yet. */
typedef struct pa_json_members {
    pa_json_part rest;
    int64_t count;
} pa_json_members;

/** What pa_json_read() checks of a text before it is read; `*out` is all of it. PA_ERR_FORMAT, PA_ERR_LIMIT. */
pa_status pa_json_check(const char *text, int64_t length, pa_json_part *out, pa_error *err);

/**
 * A part of a checked text as a value of any type, of some hundreds of values at most. End it with json_decref().
 * PA_ERR_FORMAT, PA_ERR_LIMIT, PA_ERR_NOMEM.
 */
pa_status pa_json_read_part(pa_json_part part, json_t **out, pa_error *err);

/** Only whether it is one: of what nobody needs there may be more. */
pa_status pa_json_check_part(pa_json_part part, pa_error *err);

/** As pa_json_read_part(), of one that must be a text, copied into an arena; NULL when it is something else. */
pa_status pa_json_read_text(pa_json_part part, pa_arena *arena, const char **out, pa_error *err);

/**
 * Find the members of an object, a checked text or a part of one. PA_ERR_FORMAT when it is none. Names and values are
 * told apart and not read: whoever does not read one does not know that it is JSON, and
 * whether names are repeated is for the caller to find out.
 */
pa_status pa_json_find_members(pa_json_part object, pa_json_members *out, pa_error *err);

/** Take the next one; `count` says how many there are. */
void pa_json_next(pa_json_members *members, pa_json_part *name, pa_json_part *value);
/** @} */
#endif
