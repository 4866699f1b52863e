/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What the formats that need a JSON reader look like, whether or not there is one. */
#ifndef PA_FORMATS_JSON_PROBES_H
#define PA_FORMATS_JSON_PROBES_H
#include "checkpoint/formats/bytes.h"

/** A length below 2^48, which may still be too large, and the brace that must follow. */
static inline int pa_safetensors_probe(const unsigned char *head, int64_t n, int64_t size)
{
    (void)size;
    return n >= 9 && head[8] == '{' && head[6] == 0 && head[7] == 0;
}

/** A text that begins with a brace. */
static inline int pa_shards_probe(const unsigned char *head, int64_t n, int64_t size)
{
    (void)size;
    int64_t i = 0;
    while (i < n && (head[i] == ' ' || head[i] == '\t' || head[i] == '\n' || head[i] == '\r')) {
        i++;
    }
    return i < n && head[i] == '{';
}
#endif
