/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The named outputs of a value, from the inside. */
#ifndef PA_BASE_OUTPUTS_H
#define PA_BASE_OUTPUTS_H
#include <picoanalyze/value.h>

/** An empty collection whose memory comes from `mem`, which outlives it; NULL when out of memory. */
pa_outputs *pa_outputs_create(const pa_allocator *mem);
void pa_outputs_destroy(pa_outputs *outputs);

/** Elements of an array of that shape; -1 when memory cannot hold such an array, or a size is negative. */
int64_t pa_outputs_elements(const int64_t *shape, int32_t ndim);

/** Another collection with the same outputs. */
pa_status pa_outputs_copy(const pa_allocator *mem, const pa_outputs *outputs, pa_outputs **out, pa_error *err);
#endif
