/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Signs of corresponding elements, some rows at a time. */
#include "matrix/matrix_impl.h"
#include "matrix/pairs.h"

enum { PANEL_ELEMENTS = 1 << 16 };

static void count_signs(const double *a, const double *b, int64_t count, int64_t *agreeing, int64_t *compared)
{
    for (int64_t i = 0; i < count; i++) {
        const int both = a[i] != 0.0 && b[i] != 0.0;
        *compared += both;
        *agreeing += both && (a[i] > 0.0) == (b[i] > 0.0);
    }
}

pa_status pa_matrix_sign_agreement(const pa_matrix *a, const pa_matrix *b, int64_t *agreeing, int64_t *compared,
                                   pa_error *err)
{
    pa_status status = PA_OK;
    double *rows = NULL;
    int64_t same = 0;
    int64_t both = 0;
    PA_REQUIRE(a->rows == b->rows && a->cols == b->cols, err, PA_ERR_SHAPE, "[%lld, %lld] and [%lld, %lld]",
               (long long)a->rows, (long long)a->cols, (long long)b->rows, (long long)b->cols);
    const int64_t height = a->cols > 0 && a->cols < PANEL_ELEMENTS ? PANEL_ELEMENTS / a->cols : 1;
    const int64_t area = pa_area(height, a->cols);
    PA_REQUIRE_MEMORY(rows = pa_alloc_raw(&a->ctx->mem, pa_area(2, area), sizeof(*rows)), err, "signs");
    for (int64_t row = 0; row < a->rows; row += height) {
        const int64_t n = row + height < a->rows ? height : a->rows - row;
        PA_TRY(pa_matrix_evaluate(a, row, n, rows, a->cols, err));
        PA_TRY(pa_matrix_evaluate(b, row, n, rows + area, a->cols, err));
        count_signs(rows, rows + area, n * a->cols, &same, &both);
    }
    *agreeing = same;
    *compared = both;

cleanup:
    pa_free(&a->ctx->mem, rows);
    return status;
}
