/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Norms, cosine and distance of two matrices, for elements of any size: matrices so large or small that products of
 * their elements would leave the range of doubles are first multiplied by a power of two. */
#include "metrics/pair.h"

#include <math.h>

#include "base/error.h"
#include "matrix/pairs.h"

enum { IN_RANGE = 300, LARGEST = 1000 };

/* The exponent of a norm where that is so large or small that squares are in danger, else 0. */
static int danger(double norm)
{
    int exponent = 0;
    (void)frexp(norm, &exponent);
    exponent = norm > 0.0 && (exponent > IN_RANGE || exponent < -IN_RANGE) ? exponent : 0;
    return exponent < -LARGEST ? -LARGEST : exponent;
}

/* M 2^-exponent; M itself, with its structure, as long as nothing is in danger. */
static pa_status brought_into_range(const pa_matrix *m, int exponent, pa_matrix **out, pa_error *err)
{
    if (exponent == 0) {
        *out = pa_matrix_retain(m);
        return PA_OK;
    }
    return pa_matrix_scale(m, ldexp(1.0, -exponent), out, err);
}

static pa_status multiply(pa_pair *pair, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *x = NULL;
    pa_matrix *y = NULL;
    double inner = 0.0;
    const int x_exponent = danger(pair->x_norm);
    const int y_exponent = danger(pair->y_norm);
    PA_TRY(brought_into_range(pair->x, x_exponent, &x, err));
    PA_TRY(brought_into_range(pair->y, y_exponent, &y, err));
    PA_TRY(pa_matrix_inner(x, y, &inner, err));
    pair->cosine = inner / ldexp(pair->x_norm, -x_exponent) / ldexp(pair->y_norm, -y_exponent);
    pair->inner = ldexp(inner, x_exponent + y_exponent);

cleanup:
    pa_matrix_destroy(y);
    pa_matrix_destroy(x);
    return status;
}

pa_status pa_pair_create(const pa_matrix *const *in, pa_pair *out, pa_value *value, int *ok, pa_error *err)
{
    pa_status status = PA_OK;
    *ok = 0;
    *out = (pa_pair){.x = in[0], .y = in[1]};
    if (pa_matrix_cols(in[0]) != pa_matrix_cols(in[1])) {
        pa_value_set_undefined(value, PA_STATE_UNSUPPORTED, "the matrices differ in shape");
        return PA_OK;
    }
    PA_TRY(pa_matrix_frobenius(in[0], &out->x_norm, err));
    PA_TRY(pa_matrix_frobenius(in[1], &out->y_norm, err));
    if (!isfinite(out->x_norm) || !isfinite(out->y_norm)) {
        pa_value_set_undefined(value, PA_STATE_NONFINITE, "a norm exceeds the range of a double");
        return PA_OK;
    }
    if (out->x_norm > 0.0 && out->y_norm > 0.0) {
        PA_TRY(multiply(out, err));
    }
    *ok = 1;

cleanup:
    return status;
}

pa_status pa_pair_distance(const pa_pair *pair, double *out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_matrix *x = NULL;
    pa_matrix *y = NULL;
    pa_matrix *difference = NULL;
    double norm = 0.0;
    const int exponent = danger(fmax(pair->x_norm, pair->y_norm));
    PA_TRY(brought_into_range(pair->x, exponent, &x, err));
    PA_TRY(brought_into_range(pair->y, exponent, &y, err));
    PA_TRY(pa_matrix_difference(x, y, &difference, err));
    PA_TRY(pa_matrix_frobenius(difference, &norm, err));
    *out = ldexp(norm, exponent);

cleanup:
    pa_matrix_destroy(difference);
    pa_matrix_destroy(y);
    pa_matrix_destroy(x);
    return status;
}

pa_status pa_value_add_quotient(pa_value *value, const char *name, double numerator, double denominator, pa_error *err)
{
    return denominator > 0.0 ? pa_value_add_number(value, name, numerator / denominator, err)
                             : pa_value_add_undefined(value, name, PA_STATE_DEGENERATE, err);
}

int pa_value_number(const pa_value *value, const char *name, double *out)
{
    pa_output found = {.struct_size = sizeof(found)};
    if (pa_value_find_output(value, name, &found, NULL) != PA_OK || found.ndim != 0 || found.state != PA_STATE_OK) {
        return 0;
    }
    *out = found.number;
    return 1;
}
