/* SPDX-License-Identifier: Apache-2.0 */
/* Opcodes that push one value: constants, numbers, text. */
#include <string.h>

#include "checkpoint/formats/pickle_vm.h"

static pa_status push_new(pa_pickle *vm, pa_pickle_type type, pa_pickle_node **out, pa_error *err)
{
    pa_status status = pa_pickle_node_create(vm, type, out, err);
    if (status == PA_OK) {
        status = pa_pickle_push(vm, *out, err);
    }
    return status;
}

pa_status pa_pickle_op_constant(pa_pickle *vm, pa_error *err)
{
    pa_pickle_node *node = NULL;
    const pa_status status = push_new(vm, vm->opcode == 'N' ? PA_PICKLE_NONE : PA_PICKLE_BOOL, &node, err);
    if (status == PA_OK) {
        node->u.integer = vm->opcode == 0x88;
    }
    return status;
}

pa_status pa_pickle_op_integer(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    const unsigned char *p = NULL;
    pa_pickle_node *node = NULL;
    const int64_t bytes = vm->opcode == 'K' ? 1 : vm->opcode == 'M' ? 2 : 4;
    PA_TRY(pa_pickle_take(vm, bytes, &p, err));
    PA_TRY(push_new(vm, PA_PICKLE_INT, &node, err));
    node->u.integer = bytes == 1 ? p[0] : bytes == 2 ? pa_le16(p) : (int32_t)pa_le32(p);

cleanup:
    return status;
}

/* Two's complement of any length, little-endian; beyond 64 bits nothing here could use it. */
pa_status pa_pickle_op_long(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    const unsigned char *p = NULL;
    pa_pickle_node *node = NULL;
    int64_t length = 0;
    if (vm->opcode == 0x8a) {
        PA_TRY(pa_pickle_take(vm, 1, &p, err));
        length = p[0];
    } else {
        PA_TRY(pa_pickle_take(vm, 4, &p, err));
        length = (int32_t)pa_le32(p);
    }
    PA_TRY(pa_pickle_take(vm, length, &p, err));
    PA_TRY(push_new(vm, length <= 8 ? PA_PICKLE_INT : PA_PICKLE_OPAQUE, &node, err));
    if (length <= 8) {
        unsigned char wide[8];
        memset(wide, length > 0 && p[length - 1] >= 0x80 ? 0xff : 0, sizeof(wide));
        memcpy(wide, p, (size_t)length);
        node->u.integer = (int64_t)pa_le64(wide);
    }

cleanup:
    return status;
}

pa_status pa_pickle_op_real(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    const unsigned char *p = NULL;
    pa_pickle_node *node = NULL;
    PA_TRY(pa_pickle_take(vm, 8, &p, err));
    PA_TRY(push_new(vm, PA_PICKLE_REAL, &node, err));
    const uint64_t bits = pa_be64(p);
    memcpy(&node->u.real, &bits, sizeof(bits));

cleanup:
    return status;
}

/* Python 2 strings count as text: old files have them as names. */
static pa_pickle_type text_type(unsigned opcode)
{
    return opcode == 'C' || opcode == 'B' || opcode == 0x8e || opcode == 0x96 ? PA_PICKLE_BYTES : PA_PICKLE_TEXT;
}

static int64_t width_of_length(unsigned opcode)
{
    switch (opcode) {
    case 'U':
    case 'C':
    case 0x8c:
        return 1;
    case 'X':
    case 'T':
    case 'B':
        return 4;
    default:
        return 8;
    }
}

pa_status pa_pickle_op_text(pa_pickle *vm, pa_error *err)
{
    pa_status status = PA_OK;
    const unsigned char *p = NULL;
    pa_pickle_node *node = NULL;
    const int64_t width = width_of_length(vm->opcode);
    PA_TRY(pa_pickle_take(vm, width, &p, err));
    const uint64_t length = width == 1 ? p[0] : width == 4 ? pa_le32(p) : pa_le64(p);
    PA_TRY(pa_pickle_take(vm, length <= INT64_MAX ? (int64_t)length : -1, &p, err));
    PA_TRY(push_new(vm, text_type(vm->opcode), &node, err));
    node->u.text.bytes = (const char *)p;
    node->u.text.length = (int64_t)length;

cleanup:
    return status;
}
