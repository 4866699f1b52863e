/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief How many processors this process may use. */
#ifndef PA_BASE_CPUS_H
#define PA_BASE_CPUS_H
#include <stdint.h>

/** At least 1; what an affinity mask leaves out does not count. */
int32_t pa_cpus_available(void);
#endif
