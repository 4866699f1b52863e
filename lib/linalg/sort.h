/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Sorting of magnitudes. */
#ifndef PA_LINALG_SORT_H
#define PA_LINALG_SORT_H
#include "base/error.h"

/** Replace `count` finite numbers by their magnitudes in ascending order. PA_ERR_NOMEM. */
pa_status pa_sort_magnitudes(const pa_allocator *mem, double *x, int64_t count, pa_error *err);
#endif
