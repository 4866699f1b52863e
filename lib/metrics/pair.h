/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What metrics that compare two matrices element by element have in common. */
#ifndef PA_METRICS_PAIR_H
#define PA_METRICS_PAIR_H
#include <picoanalyze/metric.h>

/** Two matrices of one shape with their norms. */
typedef struct pa_pair {
    const pa_matrix *x;
    const pa_matrix *y;
    double x_norm; /**< Frobenius. */
    double y_norm;
    double cosine; /**< Not clipped; 0 unless both norms are positive. */
    double inner;  /**< May be infinite. */
} pa_pair;

/** Norms, inner product and cosine. Or `value` is given the state of inputs that cannot be compared, and `*ok` is 0. */
pa_status pa_pair_create(const pa_matrix *const *in, pa_pair *out, pa_value *value, int *ok, pa_error *err);

/** ||X - Y||_F. */
pa_status pa_pair_distance(const pa_pair *pair, double *out, pa_error *err);

/** An output that is a quotient: degenerate when the denominator is zero. */
pa_status pa_value_add_quotient(pa_value *value, const char *name, double numerator, double denominator, pa_error *err);

/** The number of a named output; 0 when it has none. */
int pa_value_number(const pa_value *value, const char *name, double *out);
#endif
