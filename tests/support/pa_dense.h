/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Naive dense linear algebra, row-major, for expected values: no BLAS, no structure. */
#ifndef PA_DENSE_H
#define PA_DENSE_H
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline double *dense_new(int64_t rows, int64_t cols)
{
    double *x = calloc((size_t)(rows * cols) + 1, sizeof(*x));
    if (x == NULL) {
        abort();
    }
    return x;
}

/** A [n, k] times B [k, p]. */
static inline double *dense_product(const double *a, const double *b, int64_t n, int64_t k, int64_t p)
{
    double *c = dense_new(n, p);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t l = 0; l < k; l++) {
            for (int64_t j = 0; j < p; j++) {
                c[i * p + j] += a[i * k + l] * b[l * p + j];
            }
        }
    }
    return c;
}

static inline double *dense_transpose(const double *a, int64_t n, int64_t p)
{
    double *c = dense_new(p, n);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < p; j++) {
            c[j * n + i] = a[i * p + j];
        }
    }
    return c;
}

static inline double *dense_centered(const double *a, int64_t n, int64_t p)
{
    double *c = dense_new(n, p);
    for (int64_t j = 0; j < p; j++) {
        double mean = 0.0;
        for (int64_t i = 0; i < n; i++) {
            mean += a[i * p + j] / (double)n;
        }
        for (int64_t i = 0; i < n; i++) {
            c[i * p + j] = a[i * p + j] - mean;
        }
    }
    return c;
}

static inline double dense_inner(const double *a, const double *b, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/**
 * Singular values by one-sided Jacobi rotations of the columns: slow, accurate, and nothing like LAPACK's way. Writes
 * min(n, p) values in descending order.
 */
static inline void dense_singular_values(const double *a, int64_t n, int64_t p, double *sigma)
{
    if (p > n) {
        double *t = dense_transpose(a, n, p);
        dense_singular_values(t, p, n, sigma);
        free(t);
        return;
    }
    double *u = dense_transpose(a, n, p); /* row j is column j of A */
    for (int sweep = 0, rotated = 1; rotated && sweep < 60; sweep++) {
        rotated = 0;
        for (int64_t i = 0; i < p; i++) {
            for (int64_t j = i + 1; j < p; j++) {
                double *x = u + i * n;
                double *y = u + j * n;
                const double xx = dense_inner(x, x, n);
                const double yy = dense_inner(y, y, n);
                const double xy = dense_inner(x, y, n);
                if (fabs(xy) > 1e-16 * sqrt(xx * yy) && fabs(xy) > 1e-300) {
                    const double zeta = (yy - xx) / (2.0 * xy);
                    const double t = (zeta >= 0.0 ? 1.0 : -1.0) / (fabs(zeta) + sqrt(1.0 + zeta * zeta));
                    const double c = 1.0 / sqrt(1.0 + t * t);
                    for (int64_t k = 0; k < n; k++) {
                        const double keep = x[k];
                        x[k] = c * keep - c * t * y[k];
                        y[k] = c * t * keep + c * y[k];
                    }
                    rotated = 1;
                }
            }
        }
    }
    for (int64_t j = 0; j < p; j++) {
        const double norm = sqrt(dense_inner(u + j * n, u + j * n, n));
        int64_t at = j;
        for (; at > 0 && sigma[at - 1] < norm; at--) {
            sigma[at] = sigma[at - 1];
        }
        sigma[at] = norm;
    }
    free(u);
}
#endif
