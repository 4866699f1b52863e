/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/unit_rows.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/outputs.h"

/*
 * int64 step, int64 layer, then entries that begin with a byte:
 *   'S' int64 item, int64 kind, int64 step, int64 where                an item that was skipped
 *   'R' int64 item, int64 head, key, value                             a row
 *   'E'                                                                the end
 * A value is the bits of the number, int64 state, dtype, n, p, rank, rank_storage, nonfinite, three strings, and its
 * outputs: an int64 number of them, then for each
 *   string name, int64 state, int64 ndim                               the bits of the number follow if ndim is 0, else
 *   string axes, ndim int64 sizes, the bits of the elements            of the array
 * A string is an int64 length, its bytes and a NUL, so that readers can lend it.
 */

/** @name Writing
 * @{ */

static pa_status put_tag(pa_text *bytes, char tag, pa_error *err)
{
    return pa_text_append_bytes(bytes, &tag, 1, err);
}

static pa_status put_number(pa_text *bytes, int64_t number, pa_error *err)
{
    char encoded[8];
    for (int i = 0; i < 8; i++) {
        encoded[i] = (char)(unsigned char)((uint64_t)number >> (8 * i));
    }
    return pa_text_append_bytes(bytes, encoded, 8, err);
}

static pa_status put_string(pa_text *bytes, const char *text, pa_error *err)
{
    const int64_t length = (int64_t)strlen(text);
    const pa_status status = put_number(bytes, length, err);
    return status == PA_OK ? pa_text_append_bytes(bytes, text, length + 1, err) : status;
}

static pa_status put_bits(pa_text *bytes, double number, pa_error *err)
{
    int64_t bits = 0;
    memcpy(&bits, &number, sizeof(bits));
    return put_number(bytes, bits, err);
}

static pa_status put_output(pa_text *bytes, const pa_output *output, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(put_string(bytes, output->name, err));
    PA_TRY(put_number(bytes, output->state, err));
    PA_TRY(put_number(bytes, output->ndim, err));
    if (output->ndim == 0) {
        PA_TRY(put_bits(bytes, output->number, err));
        goto cleanup;
    }
    PA_TRY(put_string(bytes, output->axes, err));
    for (int32_t i = 0; i < output->ndim; i++) {
        PA_TRY(put_number(bytes, output->shape[i], err));
    }
    const int64_t count = pa_outputs_elements(output->shape, output->ndim);
    for (int64_t i = 0; i < count; i++) {
        PA_TRY(put_bits(bytes, output->numbers[i], err));
    }

cleanup:
    return status;
}

static pa_status put_outputs(pa_text *bytes, const pa_value *value, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t count = pa_value_output_count(value);
    PA_TRY(put_number(bytes, count, err));
    for (int64_t i = 0; i < count; i++) {
        pa_output output = {.struct_size = sizeof(output)};
        PA_TRY(pa_value_output(value, i, &output, err));
        PA_TRY(put_output(bytes, &output, err));
    }

cleanup:
    return status;
}

static pa_status put_value(pa_text *bytes, const pa_value *value, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t numbers[] = {value->state, value->dtype,        value->n,        value->p,
                               value->rank,  value->rank_storage, value->nonfinite};
    PA_TRY(put_bits(bytes, value->value, err));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        PA_TRY(put_number(bytes, numbers[i], err));
    }
    PA_TRY(put_string(bytes, value->definition, err));
    PA_TRY(put_string(bytes, value->estimator, err));
    PA_TRY(put_string(bytes, value->note, err));
    PA_TRY(put_outputs(bytes, value, err));

cleanup:
    return status;
}

pa_status pa_unit_rows_begin(const pa_plan *plan, int64_t unit, pa_text *bytes, pa_error *err)
{
    const pa_unit_place place = pa_unit_at(plan, unit);
    const pa_status status = put_number(bytes, place.step, err);
    return status == PA_OK ? put_number(bytes, place.layer, err) : status;
}

pa_status pa_unit_rows_add(pa_text *bytes, const pa_unit_row *row, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(put_tag(bytes, row->skipped ? 'S' : 'R', err));
    PA_TRY(put_number(bytes, row->item, err));
    if (row->skipped) {
        PA_TRY(put_number(bytes, row->kind, err));
        PA_TRY(put_number(bytes, row->skip_step, err));
        PA_TRY(put_number(bytes, row->skip_where, err));
    } else {
        PA_TRY(put_number(bytes, row->head, err));
        PA_TRY(put_string(bytes, row->key, err));
        PA_TRY(put_value(bytes, &row->value, err));
    }

cleanup:
    return status;
}

pa_status pa_unit_rows_end(pa_text *bytes, pa_error *err)
{
    return put_tag(bytes, 'E', err);
}
/** @} */

/** @name Reading: each takes what it can and says whether it was there
 * @{ */

static int get_number(pa_unit_reader *reader, int64_t *number)
{
    if (reader->length - reader->at < 8) {
        return 0;
    }
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) {
        bits |= (uint64_t)(unsigned char)reader->bytes[reader->at + i] << (8 * i);
    }
    *number = (int64_t)bits;
    reader->at += 8;
    return 1;
}

static int get_string(pa_unit_reader *reader, const char **text, int64_t *length)
{
    if (!get_number(reader, length) || *length < 0 || *length >= reader->length - reader->at) {
        return 0;
    }
    *text = reader->bytes + reader->at;
    reader->at += *length + 1;
    return memchr(*text, '\0', (size_t)*length + 1) == *text + *length;
}

static int get_text(pa_unit_reader *reader, char *out, size_t size)
{
    const char *text = NULL;
    int64_t length = 0;
    if (!get_string(reader, &text, &length) || length >= (int64_t)size) {
        return 0;
    }
    memcpy(out, text, (size_t)length + 1);
    return 1;
}

/* A number that a value may have: not NaN, not infinite. */
static int get_finite(pa_unit_reader *reader, double *number)
{
    int64_t bits = 0;
    const int got = get_number(reader, &bits);
    memcpy(number, &bits, sizeof(bits));
    return got && isfinite(*number);
}

/* Whether that many numbers are there: before anything is allocated for them. */
static int skip_finite(pa_unit_reader *reader, int64_t count)
{
    double number = 0.0;
    while (count > 0 && get_finite(reader, &number)) {
        count--;
    }
    return count == 0; /* below 0: no size at all */
}

/* An output; of an array, `elements` is where its numbers begin in the bytes. */
static int get_output(pa_unit_reader *reader, pa_output *output, int64_t *elements)
{
    int64_t length = 0;
    int64_t state = 0;
    int64_t ndim = 0;
    *output = (pa_output){.struct_size = sizeof(*output), .axes = ""};
    if (!get_string(reader, &output->name, &length) || !get_number(reader, &state) || state < PA_STATE_OK ||
        state > PA_STATE_UNSUPPORTED || !get_number(reader, &ndim) || ndim < 0 || ndim > PA_OUTPUT_MAX_DIMS) {
        return 0;
    }
    output->state = (pa_state)state;
    output->ndim = (int32_t)ndim;
    if (ndim == 0) {
        return get_finite(reader, &output->number);
    }
    if (state != PA_STATE_OK || !get_string(reader, &output->axes, &length)) {
        return 0;
    }
    for (int64_t i = 0; i < ndim; i++) {
        if (!get_number(reader, &output->shape[i])) {
            return 0;
        }
    }
    *elements = reader->at;
    return skip_finite(reader, pa_outputs_elements(output->shape, output->ndim));
}

static int get_outputs(pa_unit_reader *reader, pa_unit_row *row)
{
    pa_output output;
    int64_t elements = 0;
    row->outputs = reader->bytes + reader->at;
    const int64_t begin = reader->at;
    if (!get_number(reader, &row->n_outputs) || row->n_outputs < 0) {
        return 0;
    }
    for (int64_t i = 0; i < row->n_outputs; i++) {
        if (!get_output(reader, &output, &elements)) {
            return 0;
        }
    }
    row->outputs_length = reader->at - begin;
    return 1;
}

static int get_value(pa_unit_reader *reader, pa_value *value)
{
    int64_t numbers[8];
    pa_value_init(value, sizeof(*value));
    for (int i = 0; i < 8; i++) {
        if (!get_number(reader, &numbers[i])) {
            return 0;
        }
    }
    memcpy(&value->value, &numbers[0], sizeof(value->value));
    value->state = (pa_state)numbers[1];
    value->dtype = (pa_dtype)numbers[2];
    value->n = numbers[3];
    value->p = numbers[4];
    value->rank = numbers[5];
    value->rank_storage = numbers[6];
    value->nonfinite = numbers[7];
    return numbers[1] >= PA_STATE_OK && numbers[1] <= PA_STATE_UNSUPPORTED && isfinite(value->value) &&
           numbers[2] >= INT32_MIN && numbers[2] <= INT32_MAX &&
           get_text(reader, value->definition, sizeof(value->definition)) &&
           get_text(reader, value->estimator, sizeof(value->estimator)) &&
           get_text(reader, value->note, sizeof(value->note));
}

static int get_row(pa_unit_reader *reader, pa_unit_row *row)
{
    int64_t kind = 0;
    int64_t where = 0;
    int64_t length = 0;
    const char tag = reader->at < reader->length ? reader->bytes[reader->at++] : '\0';
    memset(row, 0, sizeof(*row));
    if (tag == 'S') {
        row->skipped = 1;
        const int got = get_number(reader, &row->item) && get_number(reader, &kind) && kind >= 0 && kind < PA_N_KINDS &&
                        get_number(reader, &row->skip_step) && get_number(reader, &where) && where >= 0 &&
                        where < PA_N_SKIPS;
        row->kind = (pa_kind)kind;
        row->skip_where = (pa_skip_where)where;
        return got;
    }
    return tag == 'R' && get_number(reader, &row->item) && get_number(reader, &row->head) &&
           get_string(reader, &row->key, &length) && get_value(reader, &row->value) && get_outputs(reader, row);
}

pa_unit_reader pa_unit_rows_read(const char *bytes, int64_t length)
{
    return (pa_unit_reader){.bytes = bytes, .length = length, .at = 16};
}

int pa_unit_rows_next(pa_unit_reader *reader, pa_unit_row *row)
{
    return reader->at < reader->length && reader->bytes[reader->at] != 'E' && get_row(reader, row);
}

/* The elements of an array, which bytes need not hold where doubles may be. */
static pa_status add_array(pa_value *value, const pa_output *output, const char *bytes, const pa_allocator *mem,
                           pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t count = pa_outputs_elements(output->shape, output->ndim);
    double *numbers = pa_alloc_raw(mem, count, sizeof(*numbers));
    PA_REQUIRE_MEMORY(numbers, err, "an array");
    pa_unit_reader reader = {.bytes = bytes, .length = 8 * count};
    for (int64_t i = 0; i < count; i++) {
        (void)get_finite(&reader, &numbers[i]);
    }
    PA_TRY(pa_value_add_array(value, output->name, output->axes, output->shape, output->ndim, numbers, err));

cleanup:
    pa_free(mem, numbers);
    return status;
}

static pa_status add_output(pa_value *value, pa_unit_reader *reader, const pa_allocator *mem, pa_error *err)
{
    pa_output output;
    int64_t elements = 0;
    if (!get_output(reader, &output, &elements)) {
        return pa_fail(err, PA_ERR_FORMAT, "an output is cut short");
    }
    if (output.ndim > 0) {
        return add_array(value, &output, reader->bytes + elements, mem, err);
    }
    if (output.state != PA_STATE_OK) {
        return pa_value_add_undefined(value, output.name, output.state, err);
    }
    return pa_value_add_number(value, output.name, output.number, err);
}

pa_status pa_unit_row_outputs(const pa_unit_row *row, const pa_allocator *mem, pa_outputs **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_value made = PA_VALUE_INIT;
    pa_unit_reader reader = {.bytes = row->outputs, .length = row->outputs_length, .at = 8};
    *out = NULL;
    if (row->n_outputs == 0) {
        return PA_OK;
    }
    PA_REQUIRE_MEMORY(made.outputs = pa_outputs_create(mem), err, "outputs");
    for (int64_t i = 0; i < row->n_outputs; i++) {
        status = add_output(&made, &reader, mem, err);
        /* what a value refuses was not written by one */
        PA_REQUIRE(status == PA_OK || status == PA_ERR_NOMEM, err, PA_ERR_FORMAT,
                   "output %lld of %lld of '%.100s' is damaged", (long long)i, (long long)row->n_outputs, row->key);
        PA_TRY(status);
    }
    *out = made.outputs;
    made.outputs = NULL;

cleanup:
    pa_value_clear(&made);
    return status;
}
/** @} */

/* The number of an ascending list's element, or -1. */
static int64_t find_step(const pa_plan *plan, int64_t step)
{
    int64_t low = 0;
    int64_t high = plan->n_steps;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (plan->steps[middle] < step) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < plan->n_steps && plan->steps[low] == step ? low : -1;
}

static int64_t find_layer(const pa_plan *plan, int64_t layer)
{
    for (int64_t i = 0; i < plan->n_layers; i++) {
        if (plan->layers[i].layer == layer) {
            return i;
        }
    }
    return -1;
}

/* Items of the layer, in order. */
static int is_in_order(const pa_plan *plan, int64_t layer_number, int64_t before, const pa_unit_row *row)
{
    return row->item >= before && row->item < plan->n_items &&
           plan->sites[plan->items[row->item].site].layer_number == layer_number;
}

pa_status pa_unit_rows_check(const pa_plan *plan, const char *bytes, int64_t length, int64_t *unit, int64_t *values,
                             pa_error *err)
{
    pa_status status = PA_OK;
    pa_unit_reader reader = {.bytes = bytes, .length = length};
    pa_unit_row row = {.item = 0};
    int64_t step = 0;
    int64_t layer = 0;
    *values = 0;
    PA_REQUIRE(get_number(&reader, &step) && get_number(&reader, &layer), err, PA_ERR_FORMAT,
               "the values of a layer are cut short: %lld bytes", (long long)length);
    const int64_t step_number = find_step(plan, step);
    const int64_t layer_number = find_layer(plan, layer);
    PA_REQUIRE(step_number >= 0 && layer_number >= 0, err, PA_ERR_FORMAT,
               "there are values of step %lld, layer %lld, which is not asked for", (long long)step, (long long)layer);
    while (reader.at < length && bytes[reader.at] != 'E') {
        const int64_t before = row.item;
        PA_REQUIRE(get_row(&reader, &row) && is_in_order(plan, layer_number, before, &row), err, PA_ERR_FORMAT,
                   "the values of step %lld, layer %lld are damaged at byte %lld of %lld", (long long)step,
                   (long long)layer, (long long)reader.at, (long long)length);
        *values += !row.skipped;
    }
    PA_REQUIRE(reader.at == length - 1, err, PA_ERR_FORMAT, "the values of step %lld, layer %lld do not end well",
               (long long)step, (long long)layer);
    *unit = step_number * plan->n_layers + layer_number;

cleanup:
    return status;
}
