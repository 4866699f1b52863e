/* SPDX-License-Identifier: Apache-2.0 */
/* Opcodes that remember values, name things and call them: the hooks decide what those mean. */
#include <string.h>

#include "checkpoint/formats/pickle_vm.h"

static pa_status read_slot(pa_pickle *vm, int64_t *slot, pa_error *err)
{
    const unsigned char *p = NULL;
    const int64_t bytes = vm->opcode == 'q' || vm->opcode == 'h' ? 1 : 4;
    const pa_status status = pa_pickle_take(vm, bytes, &p, err);
    if (status == PA_OK) {
        *slot = bytes == 1 ? p[0] : (int64_t)pa_le32(p);
    }
    return status;
}

/* Picklers number what they memorise from 0 or 1 on; a larger number would only serve to exhaust memory. */
static pa_status reserve_slot(pa_pickle *vm, int64_t slot, pa_error *err)
{
    if (slot > vm->puts + 1) {
        return pa_fail(err, PA_ERR_FORMAT, "memo %lld, but only %lld were set before", (long long)slot,
                       (long long)vm->puts);
    }
    pa_pickle_node **grown = pa_array_grow(vm->arena.mem, vm->memo, &vm->memo_capacity, slot + 1, sizeof(*grown));
    if (grown == NULL) {
        return pa_fail_nomem(err, "the memo of a pickle");
    }
    vm->memo = grown;
    while (vm->memo_size <= slot) {
        vm->memo[vm->memo_size++] = NULL;
    }
    return PA_OK;
}

pa_status pa_pickle_op_put(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle_node *top = NULL;
    int64_t slot = vm->memo_size;
    if (vm->opcode != 0x94) {
        PA_TRY(read_slot(vm, &slot, err));
    }
    PA_TRY(pa_pickle_top(vm, &top, err));
    PA_TRY(reserve_slot(vm, slot, err));
    vm->memo[slot] = top;
    vm->puts++;

cleanup:
    return status;
}

pa_status pa_pickle_op_get(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t slot = 0;
    PA_TRY(read_slot(vm, &slot, err));
    PA_REQUIRE(slot < vm->memo_size && vm->memo[slot] != NULL, err, PA_ERR_FORMAT, "memo %lld was not set",
               (long long)slot);
    PA_TRY(pa_pickle_push(vm, vm->memo[slot], err));

cleanup:
    return status;
}

/* A name up to the end of its line. */
static pa_status take_line(pa_pickle *vm, pa_pickle_node *text, pa_error *err)
{
    const unsigned char *begin = vm->bytes + vm->at;
    const unsigned char *end = memchr(begin, '\n', (size_t)(vm->length - vm->at));
    if (end == NULL) {
        return pa_fail(err, PA_ERR_FORMAT, "the name does not end");
    }
    text->type = PA_PICKLE_TEXT;
    text->u.text.bytes = (const char *)begin;
    text->u.text.length = end - begin;
    vm->at += text->u.text.length + 1;
    return PA_OK;
}

static pa_status push_global(pa_pickle *vm, const pa_pickle_node *module, const pa_pickle_node *name, pa_error *err)
{
    pa_pickle_node *out = NULL;
    pa_status status = vm->hooks->global(vm->hooks->user, vm, module, name, &out, err);
    if (status == PA_OK) {
        status = pa_pickle_push(vm, out, err);
    }
    return status;
}

pa_status pa_pickle_op_global(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle_node module = {0};
    pa_pickle_node name = {0};
    PA_TRY(take_line(vm, &module, err));
    PA_TRY(take_line(vm, &name, err));
    PA_TRY(push_global(vm, &module, &name, err));

cleanup:
    return status;
}

pa_status pa_pickle_op_stack_global(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle_node *module = NULL;
    pa_pickle_node *name = NULL;
    PA_TRY(pa_pickle_pop(vm, &name, err));
    PA_TRY(pa_pickle_pop(vm, &module, err));
    PA_REQUIRE(module->type == PA_PICKLE_TEXT && name->type == PA_PICKLE_TEXT, err, PA_ERR_FORMAT,
               "needs two texts, not %s and %s", pa_pickle_type_name(module->type), pa_pickle_type_name(name->type));
    PA_TRY(push_global(vm, module, name, err));

cleanup:
    return status;
}

static pa_status call(pa_pickle *vm, const pa_pickle_node *args, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle_node *callable = NULL;
    pa_pickle_node *out = NULL;
    PA_TRY(pa_pickle_pop(vm, &callable, err));
    PA_REQUIRE(args->type == PA_PICKLE_TUPLE, err, PA_ERR_FORMAT, "arguments are %s, not tuple",
               pa_pickle_type_name(args->type));
    PA_REQUIRE(callable->type == PA_PICKLE_GLOBAL || callable->type == PA_PICKLE_OPAQUE, err, PA_ERR_FORMAT,
               "%s cannot be called", pa_pickle_type_name(callable->type));
    PA_TRY(vm->hooks->call(vm->hooks->user, vm, callable, args, &out, err));
    PA_TRY(pa_pickle_push(vm, out, err));

cleanup:
    return status;
}

pa_status pa_pickle_op_call(pa_pickle *vm, pa_error *err)
{
    pa_pickle_node *args = NULL;
    const pa_status status = pa_pickle_pop(vm, &args, err);
    return status == PA_OK ? call(vm, args, err) : status;
}

pa_status pa_pickle_op_call_with_names(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle_node *named = NULL;
    PA_TRY(pa_pickle_pop(vm, &named, err));
    PA_REQUIRE(named->type == PA_PICKLE_DICT && named->u.list.count == 0, err, PA_ERR_UNSUPPORTED,
               "a call with named arguments");
    PA_TRY(pa_pickle_op_call(vm, err));

cleanup:
    return status;
}

/* State is an attribute or two (`_metadata` of a state_dict) that no tensor depends on. */
pa_status pa_pickle_op_build(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle_node *state = NULL;
    pa_pickle_node *target = NULL;
    PA_TRY(pa_pickle_pop(vm, &state, err));
    PA_TRY(pa_pickle_top(vm, &target, err));
    PA_REQUIRE(target->type == PA_PICKLE_DICT || target->type == PA_PICKLE_OPAQUE, err, PA_ERR_FORMAT,
               "%s cannot be given a state", pa_pickle_type_name(target->type));

cleanup:
    return status;
}

pa_status pa_pickle_op_persistent(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle_node *id = NULL;
    pa_pickle_node *out = NULL;
    PA_TRY(pa_pickle_pop(vm, &id, err));
    PA_TRY(vm->hooks->persistent(vm->hooks->user, vm, id, &out, err));
    PA_TRY(pa_pickle_push(vm, out, err));

cleanup:
    return status;
}
