/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The `data.pkl` of a dictionary of float32 matrices. */
#ifndef TORCH_PICKLE_H
#define TORCH_PICKLE_H
#include <stddef.h>

#include "torch_file.h"

/** Returns the pickle, to be freed by the caller, and its bytes; NULL when out of memory. */
char *torch_pickle(const torch_tensor *tensors, int count, size_t *length);
#endif
