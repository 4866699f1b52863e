/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/cpus.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

int32_t pa_cpus_available(void)
{
    cpu_set_t sets[8]; /* 8192 processors */
    memset(sets, 0, sizeof(sets));
    if (sched_getaffinity(0, sizeof(sets), sets) == 0) {
        const int count = CPU_COUNT_S(sizeof(sets), sets);
        if (count > 0) {
            return count;
        }
    }
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 && online < 1 << 20 ? (int32_t)online : 1;
}
