/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A matrix of a tensor that is read when first asked. */
#ifndef PA_MATRIX_LEAF_H
#define PA_MATRIX_LEAF_H
#include <picoanalyze/matrix.h>

#include "base/storage.h"

/**
 * The last dimension is the columns, all others together the rows; no dimension is 1 x 1. The description is copied
 * and the storage retained; the tensor must have been checked.
 */
pa_status pa_matrix_from_tensor(pa_context *ctx, const pa_tensor *tensor, pa_matrix **out, pa_error *err);

/** Whether there are references besides one's own to the matrix or, in slices of it, to its elements. */
int pa_matrix_is_shared(const pa_matrix *m);
#endif
