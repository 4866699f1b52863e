/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What is asked of two matrices together, and of the rows of one. Not memoised: neither matrix owns the answer. */
#ifndef PA_MATRIX_PAIRS_H
#define PA_MATRIX_PAIRS_H
#include <picoanalyze/matrix.h>

/**
 * A - B, keeping low rank: A1 B1 - A2 B2 = (A1 - A2) B1 + A2 (B1 - B2), so that factors that agree leave nothing and
 * those that are close lose no digits. PA_ERR_SHAPE when the shapes differ.
 */
pa_status pa_matrix_difference(const pa_matrix *a, const pa_matrix *b, pa_matrix **out, pa_error *err);

/** Of the elements that are zero in neither matrix, `*compared` in all, `*agreeing` have the same sign. */
pa_status pa_matrix_sign_agreement(const pa_matrix *a, const pa_matrix *b, int64_t *agreeing, int64_t *compared,
                                   pa_error *err);

/** Nuclear norm of A^T B from the narrow forms, which are all it depends on. PA_ERR_SHAPE when the rows differ. */
pa_status pa_matrix_cross_nuclear(const pa_matrix *a, const pa_matrix *b, double *out, pa_error *err);

/** The allocator of the matrix's context, for what is computed beside its queries. */
const pa_allocator *pa_matrix_allocator(const pa_matrix *m);

/** A A^T, written to rows x rows doubles. */
pa_status pa_matrix_row_gram(const pa_matrix *m, double *out, pa_error *err);
#endif
