/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Element types of safetensors files. */
#ifndef PA_FORMATS_SAFETENSORS_TYPES_H
#define PA_FORMATS_SAFETENSORS_TYPES_H
#include <picoanalyze/types.h>

typedef struct pa_safetensors_type {
    const char *name;
    int bits;
    pa_dtype dtype; /**< 0: cannot be computed with. */
} pa_safetensors_type;

/** Both return NULL when there is none. Of two types, the one that the reference writer puts first has the higher
 * address. */
const pa_safetensors_type *pa_safetensors_type_named(const char *name);
const pa_safetensors_type *pa_safetensors_type_of(pa_dtype dtype);
#endif
