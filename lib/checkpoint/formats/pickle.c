/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/formats/pickle.h"

#include <stdio.h>
#include <string.h>

#include "checkpoint/formats/pickle_vm.h"

/* An entry of a state_dict takes some 20 opcodes, and 200 bytes that stay. */
enum { MAX_OPCODES = 4000000, MAX_ARENA_BYTES = 512 << 20, MAX_RELEASED_DEPTH = 16 };
enum { PROTO = 0x80, STOP = 0x2e, FRAME = 0x95, MIN_PROTOCOL = 2, MAX_PROTOCOL = 5 };

pa_status pa_pickle_alloc(pa_pickle *pickle, int64_t count, size_t size, void **out, pa_error *err)
{
    *out = NULL;
    if (count < 0 || (uint64_t)count > (uint64_t)(MAX_ARENA_BYTES - pickle->arena_bytes) / size) {
        return pa_fail(err, PA_ERR_LIMIT, "the values take more than %d bytes", MAX_ARENA_BYTES);
    }
    *out = pa_arena_alloc(&pickle->arena, count, size);
    if (*out == NULL) {
        return pa_fail_nomem(err, "the values of a pickle");
    }
    pickle->arena_bytes += count * (int64_t)size;
    return PA_OK;
}

pa_status pa_pickle_node_create(pa_pickle *pickle, pa_pickle_type type, pa_pickle_node **out, pa_error *err)
{
    pa_status status = PA_OK;
    void *memory = pickle->free_nodes;
    if (memory != NULL) {
        pickle->free_nodes = pickle->free_nodes->u.next;
    } else {
        status = pa_pickle_alloc(pickle, 1, sizeof(**out), &memory, err);
    }
    *out = memory;
    if (status == PA_OK) {
        **out = (pa_pickle_node){.type = type};
    }
    return status;
}

/* Numbers and texts, of which lists may have very many, never need a second look. */
static int may_hold_tensors(const pa_pickle_node *node)
{
    switch (node->type) {
    case PA_PICKLE_LIST:
    case PA_PICKLE_TUPLE:
    case PA_PICKLE_DICT:
    case PA_PICKLE_TENSOR:
        return 1;
    default:
        return node->type == PA_PICKLE_OPAQUE && node->u.object != NULL;
    }
}

static void release_items(pa_pickle *vm, pa_pickle_node *list)
{
    const int64_t capacity = list->u.list.capacity;
    if (capacity > 0 && capacity <= PA_PICKLE_FEW_ITEMS) {
        memcpy(list->u.list.items, &vm->free_items[capacity], sizeof(vm->free_items[capacity]));
        vm->free_items[capacity] = list->u.list.items;
    }
}

int pa_pickle_holds_nodes(const pa_pickle_node *node)
{
    return node->type == PA_PICKLE_LIST || node->type == PA_PICKLE_TUPLE || node->type == PA_PICKLE_DICT;
}

/* What is nested too deep for the stack of this function stays where it is. */
static void release(pa_pickle *vm, pa_pickle_node *node, int depth)
{
    if (node->is_shared || depth > MAX_RELEASED_DEPTH) {
        return;
    }
    if (pa_pickle_holds_nodes(node)) {
        for (int64_t i = 0; i < node->u.list.count; i++) {
            release(vm, node->u.list.items[i], depth + 1);
        }
        release_items(vm, node);
    }
    node->u.next = vm->free_nodes;
    vm->free_nodes = node;
}

void pa_pickle_release(pa_pickle *vm, pa_pickle_node *node)
{
    release(vm, node, 0);
}

pa_status pa_pickle_reserve(pa_pickle *vm, pa_pickle_node *list, int64_t capacity, pa_error *err)
{
    pa_status status = PA_OK;
    void *memory = capacity <= PA_PICKLE_FEW_ITEMS ? vm->free_items[capacity] : NULL;
    if (memory != NULL) {
        memcpy(&vm->free_items[capacity], memory, sizeof(vm->free_items[capacity]));
    } else {
        PA_TRY(pa_pickle_alloc(vm, capacity, sizeof(*list->u.list.items), &memory, err));
    }
    list->u.list.items = memory;
    list->u.list.capacity = capacity;

cleanup:
    return status;
}

pa_status pa_pickle_node_append(pa_pickle *pickle, pa_pickle_node *list, pa_pickle_node *item, pa_error *err)
{
    if (list->u.list.count == list->u.list.capacity) {
        pa_pickle_node before = *list;
        const int64_t capacity = list->u.list.capacity < 2 ? 2 : 2 * list->u.list.capacity;
        const pa_status status = pa_pickle_reserve(pickle, list, capacity, err);
        if (status != PA_OK) {
            return status;
        }
        if (before.u.list.count > 0) {
            memcpy(list->u.list.items, before.u.list.items, (size_t)before.u.list.count * sizeof(item));
        }
        release_items(pickle, &before);
    }
    list->u.list.items[list->u.list.count++] = item;
    if (may_hold_tensors(item)) {
        list->is_nested = 1;
    }
    return PA_OK;
}

int pa_pickle_is(const pa_pickle_node *node, const char *text)
{
    const size_t length = strlen(text);
    return node->type == PA_PICKLE_TEXT && node->u.text.length == (int64_t)length &&
           memcmp(node->u.text.bytes, text, length) == 0;
}

const char *pa_pickle_type_name(pa_pickle_type type)
{
    static const char *const names[] = {"None",  "bool", "int",  "float",  "text",    "bytes",  "list",
                                        "tuple", "set",  "dict", "global", "storage", "tensor", "object"};
    return names[type];
}

pa_status pa_pickle_take(pa_pickle *vm, int64_t n, const unsigned char **out, pa_error *err)
{
    if (n < 0 || n > vm->length - vm->at) {
        return pa_fail(err, PA_ERR_FORMAT, "%lld bytes must follow, there are %lld", (long long)n,
                       (long long)(vm->length - vm->at));
    }
    *out = vm->bytes + vm->at;
    vm->at += n;
    return PA_OK;
}

pa_status pa_pickle_push(pa_pickle *vm, pa_pickle_node *node, pa_error *err)
{
    void *grown = pa_array_grow(vm->arena.mem, vm->stack, &vm->stack_capacity, vm->depth + 1, sizeof(node));
    if (grown == NULL) {
        return pa_fail_nomem(err, "the stack of a pickle");
    }
    vm->stack = grown;
    vm->stack[vm->depth++] = node;
    return PA_OK;
}

pa_status pa_pickle_top(pa_pickle *vm, pa_pickle_node **out, pa_error *err)
{
    const int64_t floor = vm->n_marks > 0 ? vm->marks[vm->n_marks - 1] : 0;
    if (vm->depth <= floor) {
        return pa_fail(err, PA_ERR_FORMAT, "the stack is empty");
    }
    *out = vm->stack[vm->depth - 1];
    return PA_OK;
}

pa_status pa_pickle_pop(pa_pickle *vm, pa_pickle_node **out, pa_error *err)
{
    const pa_status status = pa_pickle_top(vm, out, err);
    vm->depth -= status == PA_OK;
    return status;
}

pa_status pa_pickle_pop_mark(pa_pickle *vm, int64_t *first, pa_error *err)
{
    if (vm->n_marks == 0) {
        return pa_fail(err, PA_ERR_FORMAT, "there is no mark");
    }
    *first = vm->marks[--vm->n_marks];
    return PA_OK;
}

/* Frames only group bytes; what they announce must exist. */
static pa_status op_frame(pa_pickle *vm, pa_error *err)
{
    const unsigned char *p = NULL;
    pa_status status = pa_pickle_take(vm, 8, &p, err);
    if (status == PA_OK && pa_le64(p) > (uint64_t)(vm->length - vm->at)) {
        status =
            pa_fail(err, PA_ERR_FORMAT, "a frame of %llu bytes exceeds the pickle", (unsigned long long)pa_le64(p));
    }
    return status;
}

typedef struct op_info {
    const char *name;
    pa_pickle_op run;
} op_info;

/* All that torch.save() writes with any protocol. Whatever else exists (text opcodes, instances, extensions) is left
 * out on purpose. */
static const op_info ops[256] = {
    ['('] = {"MARK", pa_pickle_op_mark},
    ['}'] = {"EMPTY_DICT", pa_pickle_op_empty},
    [']'] = {"EMPTY_LIST", pa_pickle_op_empty},
    [')'] = {"EMPTY_TUPLE", pa_pickle_op_empty},
    [0x8f] = {"EMPTY_SET", pa_pickle_op_empty},
    ['t'] = {"TUPLE", pa_pickle_op_tuple},
    [0x85] = {"TUPLE1", pa_pickle_op_short_tuple},
    [0x86] = {"TUPLE2", pa_pickle_op_short_tuple},
    [0x87] = {"TUPLE3", pa_pickle_op_short_tuple},
    ['s'] = {"SETITEM", pa_pickle_op_set_item},
    ['u'] = {"SETITEMS", pa_pickle_op_set_items},
    ['a'] = {"APPEND", pa_pickle_op_append},
    ['e'] = {"APPENDS", pa_pickle_op_appends},
    [0x90] = {"ADDITEMS", pa_pickle_op_add_items},
    [0x91] = {"FROZENSET", pa_pickle_op_frozen_set},
    ['N'] = {"NONE", pa_pickle_op_constant},
    [0x88] = {"NEWTRUE", pa_pickle_op_constant},
    [0x89] = {"NEWFALSE", pa_pickle_op_constant},
    ['K'] = {"BININT1", pa_pickle_op_integer},
    ['M'] = {"BININT2", pa_pickle_op_integer},
    ['J'] = {"BININT", pa_pickle_op_integer},
    [0x8a] = {"LONG1", pa_pickle_op_long},
    [0x8b] = {"LONG4", pa_pickle_op_long},
    ['G'] = {"BINFLOAT", pa_pickle_op_real},
    ['X'] = {"BINUNICODE", pa_pickle_op_text},
    [0x8c] = {"SHORT_BINUNICODE", pa_pickle_op_text},
    [0x8d] = {"BINUNICODE8", pa_pickle_op_text},
    ['U'] = {"SHORT_BINSTRING", pa_pickle_op_text},
    ['T'] = {"BINSTRING", pa_pickle_op_text},
    ['C'] = {"SHORT_BINBYTES", pa_pickle_op_text},
    ['B'] = {"BINBYTES", pa_pickle_op_text},
    [0x8e] = {"BINBYTES8", pa_pickle_op_text},
    [0x96] = {"BYTEARRAY8", pa_pickle_op_text},
    ['q'] = {"BINPUT", pa_pickle_op_put},
    ['r'] = {"LONG_BINPUT", pa_pickle_op_put},
    [0x94] = {"MEMOIZE", pa_pickle_op_put},
    ['h'] = {"BINGET", pa_pickle_op_get},
    ['j'] = {"LONG_BINGET", pa_pickle_op_get},
    ['c'] = {"GLOBAL", pa_pickle_op_global},
    [0x93] = {"STACK_GLOBAL", pa_pickle_op_stack_global},
    ['R'] = {"REDUCE", pa_pickle_op_call},
    [0x81] = {"NEWOBJ", pa_pickle_op_call},
    [0x92] = {"NEWOBJ_EX", pa_pickle_op_call_with_names},
    ['b'] = {"BUILD", pa_pickle_op_build},
    ['Q'] = {"BINPERSID", pa_pickle_op_persistent},
    [FRAME] = {"FRAME", op_frame},
    [STOP] = {"STOP", NULL},
};

static pa_status read_protocol(pa_pickle *vm, pa_error *err)
{
    const unsigned char *p = NULL;
    const pa_status status = pa_pickle_take(vm, 2, &p, err);
    if (status != PA_OK || p[0] != PROTO) {
        return pa_fail(err, PA_ERR_FORMAT, "not a pickle of protocol %d to %d", MIN_PROTOCOL, MAX_PROTOCOL);
    }
    if (p[1] < MIN_PROTOCOL || p[1] > MAX_PROTOCOL) {
        return pa_fail(err, PA_ERR_UNSUPPORTED, "pickle protocol %d; %d to %d can be read", (int)p[1], MIN_PROTOCOL,
                       MAX_PROTOCOL);
    }
    return PA_OK;
}

static void add_place(pa_error *err, int64_t at, unsigned opcode)
{
    char place[64];
    const char *name = ops[opcode].name;
    (void)snprintf(place, sizeof(place), "byte %lld (%s)", (long long)at, name != NULL ? name : "?");
    pa_error_prefix(err, place);
}

static pa_status finish(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    PA_REQUIRE(vm->depth == 1 && vm->n_marks == 0, err, PA_ERR_FORMAT,
               "%lld values and %lld marks are left, not one value", (long long)vm->depth, (long long)vm->n_marks);
    PA_REQUIRE(vm->may_be_followed || vm->at == vm->length, err, PA_ERR_FORMAT, "%lld bytes follow the end",
               (long long)(vm->length - vm->at));
    vm->root = vm->stack[0];

cleanup:
    return status;
}

static pa_status run(pa_pickle *vm, pa_error *err)
{
    pa_status status = read_protocol(vm, err);
    int64_t place = 0;
    vm->opcode = PROTO;
    for (int64_t n = 0; status == PA_OK && vm->opcode != STOP; n++) {
        const unsigned char *p = NULL;
        place = vm->at;
        if (n >= MAX_OPCODES) {
            status = pa_fail(err, PA_ERR_LIMIT, "more than %d opcodes", MAX_OPCODES);
        } else if (vm->at == vm->length) {
            status = pa_fail(err, PA_ERR_FORMAT, "ends without STOP");
        } else {
            status = pa_pickle_take(vm, 1, &p, err);
        }
        if (status != PA_OK) {
            break;
        }
        vm->opcode = *p;
        if (vm->opcode == STOP) {
            status = finish(vm, err);
        } else if (ops[vm->opcode].run == NULL) {
            status = pa_fail(err, PA_ERR_FORMAT, "opcode 0x%02x is none that torch.save() writes", vm->opcode);
        } else {
            status = ops[vm->opcode].run(vm, err);
        }
    }
    if (status != PA_OK && status != PA_ERR_NOMEM) {
        add_place(err, place, vm->opcode);
    }
    return status;
}

/* What only the machine needs; the values stay. */
static void free_machine(pa_pickle *vm)
{
    pa_free(vm->arena.mem, vm->stack);
    pa_free(vm->arena.mem, vm->marks);
    pa_free(vm->arena.mem, vm->memo);
    vm->stack = NULL;
    vm->marks = NULL;
    vm->memo = NULL;
}

static pa_status read(const pa_allocator *mem, const unsigned char *bytes, int64_t length, const pa_pickle_hooks *hooks,
                      int32_t may_be_followed, pa_pickle **out, pa_error *err)
{
    *out = NULL;
    pa_pickle *vm = pa_alloc(mem, 1, sizeof(*vm));
    if (vm == NULL) {
        return pa_fail_nomem(err, "a pickle");
    }
    vm->arena.mem = mem;
    vm->hooks = hooks;
    vm->bytes = bytes;
    vm->length = length;
    vm->may_be_followed = may_be_followed;
    pa_status status = pa_pickle_plan_memo(vm, err);
    if (status == PA_OK) {
        status = run(vm, err);
    }
    free_machine(vm);
    if (status != PA_OK) {
        pa_pickle_destroy(vm);
        return status;
    }
    *out = vm;
    return PA_OK;
}

pa_status pa_pickle_read(const pa_allocator *mem, const unsigned char *bytes, int64_t length,
                         const pa_pickle_hooks *hooks, pa_pickle **out, pa_error *err)
{
    return read(mem, bytes, length, hooks, 0, out, err);
}

pa_status pa_pickle_read_first(const pa_allocator *mem, const unsigned char *bytes, int64_t length,
                               const pa_pickle_hooks *hooks, int64_t *used, pa_pickle **out, pa_error *err)
{
    const pa_status status = read(mem, bytes, length, hooks, 1, out, err);
    if (status == PA_OK) {
        *used = pa_pickle_bytes(*out);
    }
    return status;
}

void pa_pickle_destroy(pa_pickle *pickle)
{
    if (pickle != NULL) {
        const pa_allocator *mem = pickle->arena.mem;
        pa_arena_free(&pickle->arena);
        pa_free(mem, pickle);
    }
}

int64_t pa_pickle_bytes(const pa_pickle *pickle)
{
    return pickle->at;
}

const pa_pickle_node *pa_pickle_root(const pa_pickle *pickle)
{
    return pickle->root;
}
