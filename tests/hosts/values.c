/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * A host that prints every bit: all metrics of a few matrices, and which build of the BLAS is in use. */
#include <stdio.h>

#include "pa_load.h"

static void print_outputs(const pa_value *value)
{
    for (int64_t i = 0; i < pa_value_output_count(value); i++) {
        pa_output output = {.struct_size = sizeof(output)};
        if (pa_value_output(value, i, &output, NULL) == PA_OK && output.ndim == 0) {
            printf("  %s: %a (%s)\n", output.name, output.number, pa_state_name(output.state));
        }
    }
}

static int print_values(pa_context *ctx, const pa_matrix *a, const pa_matrix *b)
{
    const pa_matrix *const in[2] = {a, b};
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        static const char *const variants[2] = {NULL, "compat: pico"};
        const pa_metric_ops *ops = pa_metric_describe(ctx, i);
        for (int v = 0; v < 2; v++) {
            pa_value value = PA_VALUE_INIT;
            if (pa_compute(ctx, ops->name, variants[v], in, ops->n_inputs, &value, NULL) != PA_OK) {
                return 0;
            }
            printf("%s%s %lld x %lld: %a (%s)\n", ops->name, v > 0 ? ", pico" : "", (long long)value.n,
                   (long long)value.p, value.value, pa_state_name(value.state));
            print_outputs(&value);
            pa_value_clear(&value);
        }
    }
    return 1;
}

static int print_size(pa_context *ctx, int64_t rows, int64_t inner, int64_t cols)
{
    pa_matrix *a = pa_load_matrix(ctx, 1, rows, inner);
    pa_matrix *b = pa_load_matrix(ctx, 2, inner, cols);
    pa_matrix *full = pa_load_matrix(ctx, 3, rows, cols);
    pa_matrix *product = NULL;
    const int ok = a != NULL && b != NULL && full != NULL && pa_matrix_product(a, b, &product, NULL) == PA_OK &&
                   print_values(ctx, full, product) && print_values(ctx, product, full);
    pa_matrix_destroy(product);
    pa_matrix_destroy(full);
    pa_matrix_destroy(b);
    pa_matrix_destroy(a);
    return ok;
}

int main(void)
{
    static const int64_t sizes[][3] = {{9, 3, 7}, {64, 16, 64}, {100, 30, 370}, {310, 20, 60}, {260, 200, 250}};
    pa_context *ctx = NULL;
    pa_runtime_info info = {.struct_size = sizeof(info)};
    int ok = pa_runtime_info_get(&info, NULL) == PA_OK && pa_context_create(NULL, &ctx, NULL) == PA_OK;
    printf("build %d\n", (int)info.blas_parallel);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && ok; i++) {
        ok = print_size(ctx, sizes[i][0], sizes[i][1], sizes[i][2]);
    }
    pa_context_destroy(ctx);
    return ok ? 0 : 1;
}
