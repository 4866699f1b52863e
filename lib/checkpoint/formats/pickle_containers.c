/* SPDX-License-Identifier: Apache-2.0 */
/* Opcodes that make and fill tuples, lists, dicts and sets. */
#include "checkpoint/formats/pickle_vm.h"

pa_status pa_pickle_op_mark(pa_pickle *vm, pa_error *err)
{
    int64_t *grown = pa_array_grow(vm->arena.mem, vm->marks, &vm->marks_capacity, vm->n_marks + 1, sizeof(*grown));
    if (grown == NULL) {
        return pa_fail_nomem(err, "the marks of a pickle");
    }
    vm->marks = grown;
    vm->marks[vm->n_marks++] = vm->depth;
    return PA_OK;
}

pa_status pa_pickle_op_empty(pa_pickle *vm, pa_error *err)
{
    pa_pickle_node *node = NULL;
    const pa_pickle_type type = vm->opcode == '}'   ? PA_PICKLE_DICT
                                : vm->opcode == ']' ? PA_PICKLE_LIST
                                : vm->opcode == ')' ? PA_PICKLE_TUPLE
                                                    : PA_PICKLE_SET;
    pa_status status = pa_pickle_node_create(vm, type, &node, err);
    if (status == PA_OK) {
        status = pa_pickle_push(vm, node, err);
    }
    return status;
}

/* Replace what lies from `first` on by one tuple. */
static pa_status make_tuple(pa_pickle *vm, int64_t first, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle_node *tuple = NULL;
    PA_TRY(pa_pickle_node_create(vm, PA_PICKLE_TUPLE, &tuple, err));
    PA_TRY(pa_pickle_reserve(vm, tuple, vm->depth - first, err));
    for (int64_t i = first; i < vm->depth; i++) {
        PA_TRY(pa_pickle_node_append(vm, tuple, vm->stack[i], err));
    }
    vm->depth = first;
    PA_TRY(pa_pickle_push(vm, tuple, err));

cleanup:
    return status;
}

pa_status pa_pickle_op_tuple(pa_pickle *vm, pa_error *err)
{
    int64_t first = 0;
    const pa_status status = pa_pickle_pop_mark(vm, &first, err);
    return status == PA_OK ? make_tuple(vm, first, err) : status;
}

pa_status pa_pickle_op_short_tuple(pa_pickle *vm, pa_error *err)
{
    const int64_t count = (int64_t)vm->opcode - 0x84;
    const int64_t floor = vm->n_marks > 0 ? vm->marks[vm->n_marks - 1] : 0;
    if (vm->depth - floor < count) {
        return pa_fail(err, PA_ERR_FORMAT, "%lld values are on the stack, not %lld", (long long)(vm->depth - floor),
                       (long long)count);
    }
    return make_tuple(vm, vm->depth - count, err);
}

/* Put what lies from `first` on into the container below it. Objects that are not understood swallow anything. */
static pa_status fill(pa_pickle *vm, int64_t first, pa_pickle_type type, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t floor = vm->n_marks > 0 ? vm->marks[vm->n_marks - 1] : 0;
    PA_REQUIRE(first > floor, err, PA_ERR_FORMAT, "no %s on the stack", pa_pickle_type_name(type));
    pa_pickle_node *target = vm->stack[first - 1];
    PA_REQUIRE(target->type == type || target->type == PA_PICKLE_OPAQUE, err, PA_ERR_FORMAT, "needs %s, not %s",
               pa_pickle_type_name(type), pa_pickle_type_name(target->type));
    PA_REQUIRE(type != PA_PICKLE_DICT || (vm->depth - first) % 2 == 0, err, PA_ERR_FORMAT, "a key without a value");
    for (int64_t i = first; i < vm->depth; i++) {
        if (target->type == type && type != PA_PICKLE_SET) {
            PA_TRY(pa_pickle_node_append(vm, target, vm->stack[i], err));
        } else {
            pa_pickle_release(vm, vm->stack[i]);
        }
    }
    vm->depth = first;

cleanup:
    return status;
}

static pa_status fill_from_mark(pa_pickle *vm, pa_pickle_type type, pa_error *err)
{
    int64_t first = 0;
    const pa_status status = pa_pickle_pop_mark(vm, &first, err);
    return status == PA_OK ? fill(vm, first, type, err) : status;
}

pa_status pa_pickle_op_append(pa_pickle *vm, pa_error *err)
{
    return fill(vm, vm->depth - 1, PA_PICKLE_LIST, err);
}

pa_status pa_pickle_op_appends(pa_pickle *vm, pa_error *err)
{
    return fill_from_mark(vm, PA_PICKLE_LIST, err);
}

pa_status pa_pickle_op_set_item(pa_pickle *vm, pa_error *err)
{
    return fill(vm, vm->depth - 2, PA_PICKLE_DICT, err);
}

pa_status pa_pickle_op_set_items(pa_pickle *vm, pa_error *err)
{
    return fill_from_mark(vm, PA_PICKLE_DICT, err);
}

pa_status pa_pickle_op_add_items(pa_pickle *vm, pa_error *err)
{
    return fill_from_mark(vm, PA_PICKLE_SET, err);
}

pa_status pa_pickle_op_frozen_set(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t first = 0;
    pa_pickle_node *set = NULL;
    PA_TRY(pa_pickle_pop_mark(vm, &first, err));
    PA_TRY(pa_pickle_node_create(vm, PA_PICKLE_SET, &set, err));
    while (vm->depth > first) {
        pa_pickle_release(vm, vm->stack[--vm->depth]);
    }
    PA_TRY(pa_pickle_push(vm, set, err));

cleanup:
    return status;
}
