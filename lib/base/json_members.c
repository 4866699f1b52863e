/* SPDX-License-Identifier: Apache-2.0 */
/* Where the members of an object begin and end. What is between them is for Jansson to judge, piece by piece. */
#include "base/json.h"

static pa_json_part without(pa_json_part part, int64_t n)
{
    return (pa_json_part){part.text + n, part.length - n, part.at + n};
}

static pa_json_part skip_space(pa_json_part part)
{
    int64_t n = 0;
    while (n < part.length &&
           (part.text[n] == ' ' || part.text[n] == '\t' || part.text[n] == '\n' || part.text[n] == '\r')) {
        n++;
    }
    return without(part, n);
}

static int begins_with(pa_json_part part, char c)
{
    return part.length > 0 && part.text[0] == c;
}

/* Bytes of the text that a quotation mark begins, with both marks; all there are when the second is missing. */
static int64_t quoted_length(pa_json_part part)
{
    int64_t n = 1;
    while (n < part.length && part.text[n] != '"') {
        n += part.text[n] == '\\' ? 2 : 1;
    }
    return n < part.length ? n + 1 : part.length;
}

/* Bytes up to the comma or bracket behind a value. */
static int64_t value_length(pa_json_part part)
{
    int64_t n = 0;
    int64_t depth = 0;
    while (n < part.length) {
        const char c = part.text[n];
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
            break;
        }
        depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        n += c == '"' ? quoted_length(without(part, n)) : 1;
    }
    return n;
}

/* The rest begins with what stands before a member: a bracket or a comma. */
static pa_status take(pa_json_members *members, pa_json_part *name, pa_json_part *value, pa_error *err)
{
    pa_status status = PA_OK;
    pa_json_part at = skip_space(without(members->rest, 1));
    PA_REQUIRE(begins_with(at, '"'), err, PA_ERR_FORMAT, "JSON: byte %lld: a name must follow", (long long)at.at);
    *name = (pa_json_part){at.text, quoted_length(at), at.at};
    at = skip_space(without(at, name->length));
    PA_REQUIRE(begins_with(at, ':'), err, PA_ERR_FORMAT, "JSON: byte %lld: ':' must follow", (long long)at.at);
    at = skip_space(without(at, 1));
    *value = (pa_json_part){at.text, value_length(at), at.at};
    at = without(at, value->length);
    PA_REQUIRE(begins_with(at, ',') || begins_with(at, '}'), err, PA_ERR_FORMAT,
               "JSON: byte %lld: ',' or '}' must follow", (long long)at.at);
    members->rest = at;

cleanup:
    return status;
}

pa_status pa_json_find_members(pa_json_part object, pa_json_members *out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_json_part name;
    pa_json_part value;
    pa_json_members all = {skip_space(object), 0};
    PA_REQUIRE(begins_with(all.rest, '{'), err, PA_ERR_FORMAT, "JSON: not an object");
    const pa_json_part first = skip_space(without(all.rest, 1));
    *out = (pa_json_members){all.rest, 0};
    if (begins_with(first, '}')) {
        all.rest = first;
    }
    while (!begins_with(all.rest, '}')) {
        PA_TRY(take(&all, &name, &value, err));
        out->count++;
    }
    all.rest = skip_space(without(all.rest, 1));
    PA_REQUIRE(all.rest.length == 0, err, PA_ERR_FORMAT, "JSON: byte %lld: nothing may follow", (long long)all.rest.at);

cleanup:
    return status;
}

void pa_json_next(pa_json_members *members, pa_json_part *name, pa_json_part *value)
{
    (void)take(members, name, value, NULL);
    members->count--;
}
