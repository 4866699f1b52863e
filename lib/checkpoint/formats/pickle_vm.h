/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Inside the pickle machine: its state, and the groups of opcodes by file. */
#ifndef PA_FORMATS_PICKLE_VM_H
#define PA_FORMATS_PICKLE_VM_H
#include "base/alloc.h"
#include "base/arena.h"
#include "checkpoint/formats/bytes.h"
#include "checkpoint/formats/pickle.h"

/** Arrays of so many items at most are used again. */
enum { PA_PICKLE_FEW_ITEMS = 8 };

/** A growing array of nodes or numbers lives in plain memory, everything else in the arena. */
struct pa_pickle {
    pa_arena arena;
    int64_t arena_bytes;
    const pa_pickle_hooks *hooks;
    const unsigned char *bytes;
    int64_t length;
    int32_t may_be_followed; /**< 1: bytes behind STOP are somebody else's. */
    int64_t at;              /**< Next byte. */
    unsigned opcode;         /**< The one being executed. */
    pa_pickle_node **stack;
    int64_t depth;
    int64_t stack_capacity;
    int64_t *marks; /**< Depths of the stack. */
    int64_t n_marks;
    int64_t marks_capacity;
    pa_pickle_node **memo; /**< By slot: NULL when nobody asks for it, `unset` as long as it was not put. */
    int64_t memo_capacity;
    int64_t memo_size; /**< Slots up to the last one that was put. */
    int64_t puts;      /**< Things memorised so far. */
    pa_pickle_node unset;
    pa_pickle_node *free_nodes;                           /**< Each has the next one as its object. */
    pa_pickle_node **free_items[PA_PICKLE_FEW_ITEMS + 1]; /**< By capacity; the first item is the next one. */
    pa_pickle_node *root;
};

typedef pa_status (*pa_pickle_op)(pa_pickle *vm, pa_error *err);

/** @name The machine (pickle.c)
 * @{ */
/** The next `n` bytes. */
pa_status pa_pickle_take(pa_pickle *vm, int64_t n, const unsigned char **out, pa_error *err);
pa_status pa_pickle_push(pa_pickle *vm, pa_pickle_node *node, pa_error *err);
/** Never takes what lies under the last mark. */
pa_status pa_pickle_pop(pa_pickle *vm, pa_pickle_node **out, pa_error *err);
/** The topmost value, which stays. */
pa_status pa_pickle_top(pa_pickle *vm, pa_pickle_node **out, pa_error *err);
/** Removes the last mark; `first` is the depth that it marked. The values above stay. */
pa_status pa_pickle_pop_mark(pa_pickle *vm, int64_t *first, pa_error *err);
/** 1 for a list, tuple or dict. */
int pa_pickle_holds_nodes(const pa_pickle_node *node);
/** What was popped and will not be seen again, with all that nothing else refers to: its memory is used for others. */
void pa_pickle_release(pa_pickle *vm, pa_pickle_node *node);
/** Room for exactly so many items in an empty list, tuple or dict. */
pa_status pa_pickle_reserve(pa_pickle *vm, pa_pickle_node *list, int64_t capacity, pa_error *err);
/** Before anything is read: which slots of the memo will be asked for (pickle_memo.c). */
pa_status pa_pickle_plan_memo(pa_pickle *vm, pa_error *err);
/** @} */

/** @name Opcodes by what they make
 * @{ */
/* pickle_values.c */
pa_status pa_pickle_op_constant(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_integer(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_long(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_real(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_text(pa_pickle *vm, pa_error *err);
/* pickle_containers.c */
pa_status pa_pickle_op_mark(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_empty(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_tuple(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_short_tuple(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_append(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_appends(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_set_item(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_set_items(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_add_items(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_frozen_set(pa_pickle *vm, pa_error *err);
/* pickle_memo.c */
pa_status pa_pickle_op_put(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_get(pa_pickle *vm, pa_error *err);
/* pickle_objects.c */
pa_status pa_pickle_op_global(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_stack_global(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_call(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_call_with_names(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_build(pa_pickle *vm, pa_error *err);
pa_status pa_pickle_op_persistent(pa_pickle *vm, pa_error *err);
/** @} */
#endif
