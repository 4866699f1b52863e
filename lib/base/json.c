/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

#include "base/printable.h"

/* A value takes Jansson up to some 100 bytes; a tensor of a safetensors header is 7 to 10 values. */
enum { MAX_JSON_DEPTH = 8, MAX_JSON_VALUES = 4000000, MAX_PART_VALUES = 1024, MAX_IDLE_VALUES = 50000 };

/* Brackets, commas and colons outside of texts bound what the tree will take, before any of it is made. */
static pa_status check_extent(const char *text, int64_t length, int64_t most, pa_error *err)
{
    pa_status status = PA_OK;
    int depth = 0;
    int64_t values = 0;
    for (int64_t i = 0; i < length; i++) {
        const char c = text[i];
        if (c == '"') {
            for (i++; i < length && text[i] != '"'; i++) {
                i += text[i] == '\\';
            }
            continue;
        }
        values += c == ',' || c == ':' || c == '[' || c == '{';
        depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        PA_REQUIRE(depth <= MAX_JSON_DEPTH, err, PA_ERR_LIMIT, "JSON: nested more than %d deep at byte %lld",
                   MAX_JSON_DEPTH, (long long)i);
        PA_REQUIRE(values <= most, err, PA_ERR_LIMIT, "JSON: more than %lld values", (long long)most);
    }

cleanup:
    return status;
}

pa_status pa_json_check(const char *text, int64_t length, pa_json_part *out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(pa_is_utf8(text, length), err, PA_ERR_FORMAT, "JSON: not UTF-8");
    PA_TRY(check_extent(text, length, MAX_JSON_VALUES, err));
    *out = (pa_json_part){text, length, 0};

cleanup:
    return status;
}

static pa_status load(pa_json_part part, size_t more, json_t **out, pa_error *err)
{
    pa_status status = PA_OK;
    char shown[PA_PRINTABLE_SIZE] = "";
    json_error_t why;
    memset(&why, 0, sizeof(why));
    *out = json_loadb(part.text, (size_t)part.length, JSON_REJECT_DUPLICATES | more, &why);
    /* Where Jansson gives no reason, or this one, memory was short. */
    PA_REQUIRE(*out != NULL || (why.text[0] != '\0' && json_error_code(&why) != json_error_out_of_memory), err,
               PA_ERR_NOMEM, "out of memory for JSON");
    PA_REQUIRE(*out != NULL, err, PA_ERR_FORMAT, "JSON: byte %lld: %s", (long long)(part.at + why.position),
               pa_printable(shown, why.text, (int64_t)strlen(why.text)));

cleanup:
    return status;
}

static pa_status read_any(pa_json_part part, int64_t most, json_t **out, pa_error *err)
{
    pa_status status = PA_OK;
    *out = NULL;
    PA_TRY(check_extent(part.text, part.length, most, err));
    PA_TRY(load(part, JSON_DECODE_ANY, out, err));

cleanup:
    return status;
}

pa_status pa_json_read_part(pa_json_part part, json_t **out, pa_error *err)
{
    return read_any(part, MAX_PART_VALUES, out, err);
}

pa_status pa_json_check_part(pa_json_part part, pa_error *err)
{
    json_t *value = NULL;
    const pa_status status = read_any(part, MAX_IDLE_VALUES, &value, err);
    json_decref(value);
    return status;
}

/* A text in which every byte stands for itself, as most do: no need to ask Jansson. */
static int is_plain_text(pa_json_part part)
{
    int64_t n = 1;
    while (n < part.length - 1 && (unsigned char)part.text[n] >= ' ' && part.text[n] != '"' && part.text[n] != '\\') {
        n++;
    }
    return part.length >= 2 && n == part.length - 1 && part.text[0] == '"' && part.text[n] == '"';
}

pa_status pa_json_read_text(pa_json_part part, pa_arena *arena, const char **out, pa_error *err)
{
    pa_status status = PA_OK;
    json_t *value = NULL;
    *out = NULL;
    if (is_plain_text(part)) {
        PA_REQUIRE_MEMORY(*out = pa_arena_strndup(arena, part.text + 1, part.length - 2), err, "JSON");
        goto cleanup;
    }
    PA_TRY(pa_json_read_part(part, &value, err));
    if (json_is_string(value)) {
        PA_REQUIRE_MEMORY(*out = pa_arena_strdup(arena, json_string_value(value)), err, "JSON");
    }

cleanup:
    json_decref(value);
    return status;
}

static pa_status load_only(const char *text, int64_t length, json_type type, json_t **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_json_part whole;
    *out = NULL;
    PA_TRY(pa_json_check(text, length, &whole, err));
    PA_TRY(load(whole, 0, out, err));
    if (json_typeof(*out) != type) {
        json_decref(*out);
        *out = NULL;
        PA_REQUIRE(0, err, PA_ERR_FORMAT, "JSON: not an %s", type == JSON_OBJECT ? "object" : "array");
    }

cleanup:
    return status;
}

pa_status pa_json_read(const char *text, int64_t length, json_t **out, pa_error *err)
{
    return load_only(text, length, JSON_OBJECT, out, err);
}

pa_status pa_json_read_array(const char *text, int64_t length, json_t **out, pa_error *err)
{
    return load_only(text, length, JSON_ARRAY, out, err);
}
