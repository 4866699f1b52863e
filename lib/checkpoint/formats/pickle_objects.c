/* SPDX-License-Identifier: Apache-2.0 */
/* Opcodes that name things and call them: the hooks decide what those mean. */
#include <string.h>

#include "checkpoint/formats/pickle_vm.h"

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
    pa_pickle_release(vm, module);
    pa_pickle_release(vm, name);

cleanup:
    return status;
}

/*
 * What the hooks were given has been used. What they made may be a part of it, or have parts of it as items. Whatever is
 * shared already is a part, and has its items for itself: they are not gone through again, for it may be given often.
 */
static void release_used(pa_pickle *vm, pa_pickle_node *given, pa_pickle_node *made)
{
    if (!made->is_shared && (!pa_pickle_holds_nodes(given) || given->u.list.count > 0)) {
        made->is_shared = 1;
        for (int64_t i = 0; pa_pickle_holds_nodes(made) && i < made->u.list.count; i++) {
            made->u.list.items[i]->is_shared = 1;
        }
    }
    pa_pickle_release(vm, given);
}

static pa_status call(pa_pickle *vm, pa_pickle_node *args, pa_error *err)
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
    release_used(vm, args, out);
    pa_pickle_release(vm, callable);
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
    pa_pickle_release(vm, named);
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
    pa_pickle_release(vm, state);

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
    release_used(vm, id, out);
    PA_TRY(pa_pickle_push(vm, out, err));

cleanup:
    return status;
}
