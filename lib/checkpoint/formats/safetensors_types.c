/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/formats/safetensors_types.h"

#include <string.h>

/* In the order of the reference implementation, which ranks them by alignment. */
static const pa_safetensors_type types[] = {
    {"BOOL", 8, PA_BOOL},
    {"F4", 4, 0},
    {"F6_E2M3", 6, 0},
    {"F6_E3M2", 6, 0},
    {"U8", 8, PA_U8},
    {"I8", 8, PA_I8},
    {"F8_E5M2", 8, PA_F8_E5M2},
    {"F8_E4M3", 8, PA_F8_E4M3FN},
    {"F8_E8M0", 8, PA_F8_E8M0FNU},
    {"F8_E4M3FNUZ", 8, PA_F8_E4M3FNUZ},
    {"F8_E5M2FNUZ", 8, PA_F8_E5M2FNUZ},
    {"I16", 16, PA_I16},
    {"U16", 16, PA_U16},
    {"F16", 16, PA_F16},
    {"BF16", 16, PA_BF16},
    {"I32", 32, PA_I32},
    {"U32", 32, PA_U32},
    {"F32", 32, PA_F32},
    {"C64", 64, 0},
    {"F64", 64, PA_F64},
    {"I64", 64, PA_I64},
    {"U64", 64, PA_U64},
};

enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

const pa_safetensors_type *pa_safetensors_type_named(const char *name)
{
    for (int i = 0; i < N_TYPES; i++) {
        if (strcmp(types[i].name, name) == 0) {
            return &types[i];
        }
    }
    return NULL;
}

const pa_safetensors_type *pa_safetensors_type_of(pa_dtype dtype)
{
    for (int i = 0; i < N_TYPES; i++) {
        if (types[i].dtype == dtype) {
            return &types[i];
        }
    }
    return NULL;
}
