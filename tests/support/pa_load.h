/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Work for a library under load: every registered metric of a few random matrices, told by one number. */
#ifndef PA_LOAD_H
#define PA_LOAD_H
#include <stdlib.h>
#include <string.h>

#include <picoanalyze/picoanalyze.h>

#include "pa_random.h"

/** What differs between two runs if any bit of any value does. */
static inline uint64_t pa_load_mix(uint64_t digest, uint64_t bits)
{
    return (digest ^ bits) * 0x100000001b3u;
}

static inline pa_matrix *pa_load_matrix(pa_context *ctx, uint64_t seed, int64_t rows, int64_t cols)
{
    pa_random random = {seed};
    pa_matrix *m = NULL;
    double *values = malloc((size_t)(rows * cols) * sizeof(*values));
    if (values != NULL) {
        pa_random_fill(&random, values, rows * cols);
        if (pa_matrix_from_memory(ctx, values, PA_F64, rows, cols, &m, NULL) != PA_OK) {
            m = NULL;
        }
    }
    free(values);
    return m;
}

static inline pa_status pa_load_values(pa_context *ctx, const pa_matrix *a, const pa_matrix *b, uint64_t *digest)
{
    const pa_matrix *const in[2] = {a, b};
    pa_status status = PA_OK;
    for (int64_t i = 0; i < pa_metric_count(ctx) && status == PA_OK; i++) {
        const pa_metric_ops *ops = pa_metric_describe(ctx, i);
        pa_value value = PA_VALUE_INIT;
        uint64_t bits = 0;
        status = pa_compute(ctx, ops->name, NULL, in, ops->n_inputs, &value, NULL);
        memcpy(&bits, &value.value, sizeof(bits));
        *digest = pa_load_mix(pa_load_mix(*digest, bits), (uint64_t)value.state);
        pa_value_clear(&value);
    }
    return status;
}

/** All metrics of a low-rank product and of a full matrix of about `size` rows. */
static inline pa_status pa_load_run(pa_context *ctx, uint64_t seed, int64_t size, uint64_t *digest)
{
    pa_matrix *a = pa_load_matrix(ctx, seed, size, size / 3 + 1);
    pa_matrix *b = pa_load_matrix(ctx, seed + 1, size / 3 + 1, size + 5);
    pa_matrix *full = pa_load_matrix(ctx, seed + 2, size, size - 3);
    pa_matrix *product = NULL;
    pa_status status = a != NULL && b != NULL && full != NULL ? PA_OK : PA_ERR_NOMEM;
    *digest = 0xcbf29ce484222325u;
    if (status == PA_OK) {
        status = pa_matrix_product(a, b, &product, NULL);
    }
    if (status == PA_OK) {
        status = pa_load_values(ctx, product, full, digest);
    }
    if (status == PA_OK) {
        status = pa_load_values(ctx, full, product, digest);
    }
    pa_matrix_destroy(product);
    pa_matrix_destroy(full);
    pa_matrix_destroy(b);
    pa_matrix_destroy(a);
    return status;
}
#endif
