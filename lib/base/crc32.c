/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32.h"

#ifdef PA_HAVE_ISAL
#include <isa-l/crc.h>

/*
 * ISA-L returns with the upper halves of the vector registers in use, which makes all SSE code that follows wait for
 * them: conversions took two to three times as long.
 */
#ifdef __x86_64__
__attribute__((target("avx"))) static void clear_upper_halves(void)
{
    __builtin_ia32_vzeroupper();
}

static void restore_speed(void)
{
    if (__builtin_cpu_supports("avx")) {
        clear_upper_halves();
    }
}
#else
static void restore_speed(void)
{
}
#endif

uint32_t pa_crc32(uint32_t crc, const void *bytes, int64_t count)
{
    if (count > 0) {
        crc = crc32_gzip_refl(crc, bytes, (uint64_t)count);
        restore_speed();
    }
    return crc;
}
#else
#include <zlib.h>

uint32_t pa_crc32(uint32_t crc, const void *bytes, int64_t count)
{
    /* zlib takes "no bytes" for "begin anew". */
    return count > 0 ? (uint32_t)crc32_z(crc, bytes, (size_t)count) : crc;
}
#endif
