/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A matrix of tensors that are read when first asked. */
#ifndef PA_MATRIX_LEAF_H
#define PA_MATRIX_LEAF_H
#include <picoanalyze/matrix.h>

#include "base/storage.h"

/**
 * Tensors of one element type, one below another: of each the last dimension is the columns, of which all have as many,
 * all others together the rows; no dimension is 1 x 1. At least one. The descriptions are copied and the storages
 * retained; the tensors must have been checked.
 */
pa_status pa_matrix_from_tensors(pa_context *ctx, const pa_tensor *tensors, int64_t n_tensors, pa_matrix **out,
                                 pa_error *err);

/** Whether there are references besides one's own to the matrix or, in slices of it, to its elements. */
int pa_matrix_is_shared(const pa_matrix *m);
#endif
