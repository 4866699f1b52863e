/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The Gaussian kernel of the rows of a matrix, centred. */
#ifndef PA_METRICS_KERNEL_H
#define PA_METRICS_KERNEL_H
#include <picoanalyze/metric.h>

/** Most rows: the kernel of so many has 3.2 GB. */
enum { PA_RBF_MAX_ROWS = 20000 };

typedef struct pa_rbf {
    double threshold;     /**< Bandwidth over the root of the median squared distance. */
    int median_of_pairs;  /**< Whether the median is that of distinct rows; else the zero diagonal counts too. */
    int without_diagonal; /**< U-centred, for unbiased estimates; needs 3 rows. */
} pa_rbf;

/**
 * Centred kernel of a matrix [n, p]: n x n doubles of Frobenius norm 1 from pa_matrix_allocator(). NULL where the kernel
 * is constant up to rounding, or the median distance zero.
 */
pa_status pa_rbf_kernel(const pa_matrix *m, const pa_rbf *how, double **out, pa_error *err);
#endif
