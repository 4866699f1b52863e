/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The CRC-32 of zip archives and gzip (IEEE 802.3, reflected), as fast as memory where ISA-L is built in.
 */
#ifndef PA_BASE_CRC32_H
#define PA_BASE_CRC32_H
#include <stdint.h>

/** Go on from `crc`, which is 0 before the first byte. `count` is at least 0; no bytes leave it as it is. */
uint32_t pa_crc32(uint32_t crc, const void *bytes, int64_t count);
#endif
