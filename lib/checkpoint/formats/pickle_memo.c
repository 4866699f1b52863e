/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opcodes that remember values and bring them back. A pickler remembers nearly everything and asks for little of it
 * again, so what it will ask for is found out first: only that is kept, and all else can go when it has been used.
 */
#include "checkpoint/formats/pickle_vm.h"

enum { MEMOIZE = 0x94, STOP = 0x2e, HEAD_BYTES = 2, MAX_SCANNED = 4000000 };

static uint64_t number(const unsigned char *p, int64_t width)
{
    return width == 1 ? p[0] : width == 4 ? pa_le32(p) : pa_le64(p);
}

/* A length of `width` bytes, and what it says; more than there is when it says too much. */
static int64_t counted(const unsigned char *p, int64_t left, int64_t width)
{
    const uint64_t length = left >= width ? number(p, width) : 0;
    return left < width || length > (uint64_t)(left - width) ? left + 1 : width + (int64_t)length;
}

static int64_t two_lines(const unsigned char *p, int64_t left)
{
    int64_t n = 0;
    for (int lines = 0; lines < 2 && n <= left; n++) {
        lines += n < left && p[n] == '\n';
    }
    return n;
}

/* Bytes that belong to an opcode, behind it. */
static int64_t operand_bytes(unsigned opcode, const unsigned char *p, int64_t left)
{
    switch (opcode) {
    case 'K':
    case 'q':
    case 'h':
        return 1;
    case 'M':
        return 2;
    case 'J':
    case 'r':
    case 'j':
        return 4;
    case 'G':
    case 0x95:
        return 8;
    case 'U':
    case 'C':
    case 0x8a:
    case 0x8c:
        return counted(p, left, 1);
    case 'X':
    case 'T':
    case 'B':
    case 0x8b:
        return counted(p, left, 4);
    case 0x8d:
    case 0x8e:
    case 0x96:
        return counted(p, left, 8);
    case 'c':
        return two_lines(p, left);
    default:
        return 0;
    }
}

static pa_status want(pa_pickle *vm, int64_t slot, pa_error *err)
{
    const int64_t before = vm->memo_capacity;
    pa_pickle_node **grown = pa_array_grow(vm->arena.mem, vm->memo, &vm->memo_capacity, slot + 1, sizeof(*grown));
    if (grown == NULL) {
        return pa_fail_nomem(err, "the memo of a pickle");
    }
    vm->memo = grown;
    for (int64_t i = before; i < vm->memo_capacity; i++) {
        vm->memo[i] = NULL;
    }
    vm->memo[slot] = &vm->unset;
    return PA_OK;
}

/* Whatever is wrong with the bytes ends this; the machine comes to the same place and says so. */
pa_status pa_pickle_plan_memo(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t puts = 0;
    int64_t at = HEAD_BYTES;
    for (int64_t n = 0; n < MAX_SCANNED && at < vm->length && vm->bytes[at] != STOP; n++) {
        const unsigned opcode = vm->bytes[at++];
        const unsigned char *p = vm->bytes + at;
        const int64_t bytes = operand_bytes(opcode, p, vm->length - at);
        if (bytes > vm->length - at) {
            break;
        }
        puts += opcode == 'q' || opcode == 'r' || opcode == MEMOIZE;
        if (opcode == 'h' || opcode == 'j') {
            const int64_t slot = (int64_t)number(p, bytes);
            if (slot > puts) {
                break;
            }
            PA_TRY(want(vm, slot, err));
        }
        at += bytes;
    }

cleanup:
    return status;
}

static pa_status read_slot(pa_pickle *vm, int64_t *slot, pa_error *err)
{
    const unsigned char *p = NULL;
    const int64_t bytes = vm->opcode == 'q' || vm->opcode == 'h' ? 1 : 4;
    const pa_status status = pa_pickle_take(vm, bytes, &p, err);
    if (status == PA_OK) {
        *slot = (int64_t)number(p, bytes);
    }
    return status;
}

pa_status pa_pickle_op_put(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    pa_pickle_node *top = NULL;
    int64_t slot = vm->memo_size;
    if (vm->opcode != MEMOIZE) {
        PA_TRY(read_slot(vm, &slot, err));
    }
    PA_TRY(pa_pickle_top(vm, &top, err));
    /* Picklers number what they memorise from 0 or 1 on. */
    PA_REQUIRE(slot <= vm->puts + 1, err, PA_ERR_FORMAT, "memo %lld, but only %lld were set before", (long long)slot,
               (long long)vm->puts);
    vm->memo_size = slot < vm->memo_size ? vm->memo_size : slot + 1;
    vm->puts++;
    if (slot < vm->memo_capacity && vm->memo[slot] != NULL) {
        vm->memo[slot] = top;
        top->is_shared = 1;
    }

cleanup:
    return status;
}

pa_status pa_pickle_op_get(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t slot = 0;
    PA_TRY(read_slot(vm, &slot, err));
    pa_pickle_node *node = slot < vm->memo_capacity ? vm->memo[slot] : NULL;
    PA_REQUIRE(node != NULL && node != &vm->unset, err, PA_ERR_FORMAT, "memo %lld was not set", (long long)slot);
    PA_TRY(pa_pickle_push(vm, node, err));

cleanup:
    return status;
}
