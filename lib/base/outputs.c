/* SPDX-License-Identifier: Apache-2.0 */
#include "base/outputs.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

enum { MAX_OUTPUTS = 4096, MAX_NAME = 63, MAX_AXES = 127 };

/* One block: the axes stand behind the numbers. */
typedef struct array {
    int64_t shape[PA_OUTPUT_MAX_DIMS];
    int64_t count;
    int64_t bytes; /* of the block */
    int32_t ndim;
    double numbers[];
} array;

/* Small, because results keep those of every row. */
typedef struct item {
    double number;
    array *array; /* NULL for a number */
    int32_t name; /* where it begins in `names` */
    pa_state state;
} item;

struct pa_outputs {
    pa_allocator mem;
    item *items;
    int64_t count;
    int64_t capacity;
    char *names; /* one after the other, each with its NUL */
    int64_t names_length;
    int64_t names_capacity;
};

static const char *axes_of(const array *a)
{
    return (const char *)&a->numbers[a->count];
}

pa_outputs *pa_outputs_create(const pa_allocator *mem)
{
    pa_outputs *outputs = pa_alloc(mem, 1, sizeof(*outputs));
    if (outputs != NULL) {
        outputs->mem = *mem;
    }
    return outputs;
}

void pa_outputs_destroy(pa_outputs *outputs)
{
    if (outputs != NULL) {
        const pa_allocator mem = outputs->mem;
        for (int64_t i = 0; i < outputs->count; i++) {
            pa_free(&mem, outputs->items[i].array);
        }
        pa_free(&mem, outputs->items);
        pa_free(&mem, outputs->names);
        pa_free(&mem, outputs);
    }
}

static const item *find(const pa_outputs *outputs, const char *name)
{
    for (int64_t i = 0; outputs != NULL && i < outputs->count; i++) {
        if (strcmp(outputs->names + outputs->items[i].name, name) == 0) {
            return &outputs->items[i];
        }
    }
    return NULL;
}

/* The length of the `[a-z][a-z0-9_]*` that `text` begins with. */
static size_t name_length(const char *text)
{
    const int begins = text != NULL && *text >= 'a' && *text <= 'z';
    return begins ? strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;
}

static int is_name(const char *text)
{
    const size_t length = name_length(text);
    return length > 0 && length <= MAX_NAME && text[length] == '\0';
}

/* Room for one more of that name, which becomes part of the value only by commit(). */
static pa_status begin(pa_value *value, const char *name, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(value != NULL, err, PA_ERR_INVALID, "an output of no value");
    PA_REQUIRE(is_name(name), err, PA_ERR_INVALID,
               "the name of an output is [a-z][a-z0-9_]*, at most %d characters, not '%.80s'", MAX_NAME,
               name != NULL ? name : "");
    PA_REQUIRE(find(value->outputs, name) == NULL, err, PA_ERR_EXISTS, "there is an output '%s' already", name);
    if (value->outputs == NULL) {
        PA_REQUIRE_MEMORY(value->outputs = pa_outputs_create(&pa_allocator_default), err, "outputs");
    }
    pa_outputs *outputs = value->outputs;
    PA_REQUIRE(outputs->count < MAX_OUTPUTS, err, PA_ERR_LIMIT, "more than %d outputs", MAX_OUTPUTS);
    PA_GROW(&outputs->mem, outputs->items, outputs->capacity, outputs->count + 1, err, "outputs");
    PA_GROW(&outputs->mem, outputs->names, outputs->names_capacity, outputs->names_length + MAX_NAME + 1, err,
            "outputs");

cleanup:
    return status;
}

static void commit(pa_outputs *outputs, const char *name, item added)
{
    const size_t bytes = strlen(name) + 1;
    added.name = (int32_t)outputs->names_length;
    memcpy(outputs->names + outputs->names_length, name, bytes);
    outputs->names_length += (int64_t)bytes;
    outputs->items[outputs->count++] = added;
}

pa_status pa_value_add_number(pa_value *value, const char *name, double number, pa_error *err)
{
    if (!isfinite(number)) {
        return pa_value_add_undefined(value, name, PA_STATE_NONFINITE, err);
    }
    const pa_status status = begin(value, name, err);
    if (status == PA_OK) {
        commit(value->outputs, name, (item){.number = number, .state = PA_STATE_OK});
    }
    return status;
}

pa_status pa_value_add_undefined(pa_value *value, const char *name, pa_state state, pa_error *err)
{
    if (state <= PA_STATE_OK || state > PA_STATE_UNSUPPORTED) {
        return pa_fail(err, PA_ERR_INVALID, "%d is no state without a value", (int)state);
    }
    const pa_status status = begin(value, name, err);
    if (status == PA_OK) {
        commit(value->outputs, name, (item){.state = state});
    }
    return status;
}

/* As many names as dimensions, with commas between. */
static int are_axes(const char *axes, int32_t ndim)
{
    const char *at = axes;
    for (int32_t i = 0; i < ndim; i++) {
        const size_t length = name_length(at);
        if (length == 0 || at[length] != (i + 1 < ndim ? ',' : '\0')) {
            return 0;
        }
        at += length + 1;
    }
    return at - axes <= MAX_AXES + 1;
}

int64_t pa_outputs_elements(const int64_t *shape, int32_t ndim)
{
    int64_t count = 1;
    int empty = 0;
    for (int32_t i = 0; i < ndim; i++) {
        if (shape[i] < 0) {
            return -1;
        }
        empty = empty || shape[i] == 0;
    }
    for (int32_t i = 0; i < ndim && !empty; i++) {
        if (__builtin_mul_overflow(count, shape[i], &count)) {
            return -1;
        }
    }
    return empty ? 0 : count <= INT64_MAX / 16 ? count : -1;
}

static int are_finite(const double *numbers, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(numbers[i])) {
            return 0;
        }
    }
    return 1;
}

pa_status pa_value_add_array(pa_value *value, const char *name, const char *axes, const int64_t *shape, int32_t ndim,
                             const double *numbers, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(shape != NULL && ndim >= 1 && ndim <= PA_OUTPUT_MAX_DIMS && are_axes(axes, ndim), err, PA_ERR_INVALID,
               "an array needs 1 to %d sizes and as many names of axes", PA_OUTPUT_MAX_DIMS);
    const int64_t count = pa_outputs_elements(shape, ndim);
    PA_REQUIRE(count >= 0 && (numbers != NULL || count == 0), err, PA_ERR_INVALID, "an array of impossible size");
    PA_REQUIRE(are_finite(numbers, count), err, PA_ERR_INVALID, "an array with a number that is not finite");
    PA_TRY(begin(value, name, err));
    const size_t axes_bytes = strlen(axes) + 1;
    const int64_t bytes = (int64_t)(sizeof(array) + axes_bytes) + count * (int64_t)sizeof(double);
    array *made = pa_alloc_raw(&value->outputs->mem, bytes, 1);
    PA_REQUIRE_MEMORY(made, err, "an array");
    *made = (array){.count = count, .bytes = bytes, .ndim = ndim};
    memcpy(made->shape, shape, (size_t)ndim * sizeof(*shape));
    if (count > 0) {
        memcpy(made->numbers, numbers, (size_t)count * sizeof(double));
    }
    memcpy(&made->numbers[count], axes, axes_bytes);
    commit(value->outputs, name, (item){.array = made, .state = PA_STATE_OK});

cleanup:
    return status;
}

int64_t pa_value_output_count(const pa_value *value)
{
    return value != NULL && value->outputs != NULL ? value->outputs->count : 0;
}

static pa_status tell(const pa_outputs *outputs, const item *from, pa_output *out, pa_error *err)
{
    if (out == NULL || out->struct_size < sizeof(*out)) {
        return pa_fail(err, PA_ERR_INVALID, "pa_output: NULL, or struct_size is less than %zu", sizeof(*out));
    }
    pa_output told = {.struct_size = out->struct_size,
                      .name = outputs->names + from->name,
                      .axes = "",
                      .state = from->state,
                      .number = from->number};
    if (from->array != NULL) {
        told.axes = axes_of(from->array);
        told.numbers = from->array->numbers;
        told.ndim = from->array->ndim;
        memcpy(told.shape, from->array->shape, sizeof(told.shape));
    }
    *out = told;
    return PA_OK;
}

pa_status pa_value_output(const pa_value *value, int64_t index, pa_output *out, pa_error *err)
{
    if (index < 0 || index >= pa_value_output_count(value)) {
        return pa_fail(err, PA_ERR_INVALID, "output %lld of %lld", (long long)index,
                       (long long)pa_value_output_count(value));
    }
    return tell(value->outputs, &value->outputs->items[index], out, err);
}

pa_status pa_value_find_output(const pa_value *value, const char *name, pa_output *out, pa_error *err)
{
    const item *found = value != NULL && name != NULL ? find(value->outputs, name) : NULL;
    if (found == NULL) {
        return pa_fail(err, PA_ERR_NOT_FOUND, "the value has no output '%.80s'", name != NULL ? name : "");
    }
    return tell(value->outputs, found, out, err);
}

pa_status pa_outputs_copy(const pa_allocator *mem, const pa_outputs *outputs, pa_outputs **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_outputs *copy = NULL;
    *out = NULL;
    if (outputs == NULL || outputs->count == 0) {
        return PA_OK;
    }
    PA_REQUIRE_MEMORY(copy = pa_outputs_create(mem), err, "outputs");
    PA_REQUIRE_MEMORY(copy->items = pa_alloc_raw(mem, outputs->count, sizeof(*copy->items)), err, "outputs");
    copy->capacity = outputs->count;
    PA_REQUIRE_MEMORY(copy->names = pa_alloc_raw(mem, outputs->names_length, 1), err, "outputs");
    copy->names_capacity = outputs->names_length;
    copy->names_length = outputs->names_length;
    memcpy(copy->names, outputs->names, (size_t)outputs->names_length);
    for (int64_t i = 0; i < outputs->count; i++) {
        item made = outputs->items[i];
        if (made.array != NULL) {
            array *from = made.array;
            PA_REQUIRE_MEMORY(made.array = pa_alloc_raw(mem, from->bytes, 1), err, "an array");
            memcpy(made.array, from, (size_t)from->bytes);
        }
        copy->items[copy->count++] = made;
    }
    *out = copy;
    copy = NULL;

cleanup:
    pa_outputs_destroy(copy);
    return status;
}
