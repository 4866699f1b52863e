/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Numbers out of the bytes of a file. */
#ifndef PA_FORMATS_BYTES_H
#define PA_FORMATS_BYTES_H
#include <stdint.h>

#include "base/printable.h"

static inline uint16_t pa_le16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t pa_le32(const unsigned char *p)
{
    return (uint32_t)pa_le16(p) | (uint32_t)pa_le16(p + 2) << 16;
}

static inline uint64_t pa_le64(const unsigned char *p)
{
    return (uint64_t)pa_le32(p) | (uint64_t)pa_le32(p + 4) << 32;
}

static inline uint64_t pa_be64(const unsigned char *p)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

/** 1 when this machine has the most significant byte first. */
static inline int pa_is_big_endian_machine(void)
{
    const union {
        uint16_t number;
        unsigned char bytes[2];
    } one = {1};
    return one.bytes[0] == 0;
}
#endif
