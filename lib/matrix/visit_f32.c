/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/visit_f32.h"

#include <math.h>

#include "base/dtype.h"
#include "linalg/gemm.h"

enum { PANEL_ELEMENTS = 1 << 15 }; /* 128 KiB: read back from the nearer cache */

/* Largest magnitudes of factors for which products of two neither overflow nor lose digits. */
static const double LARGEST = 0x1p60;
static const double SMALLEST = 0x1p-60;

static int is_candidate(const pa_matrix *m)
{
    return m->node == PA_NODE_PRODUCT && m->operands[0]->cols > 0 && pa_dtype_rank_epsilon(m->dtype) > 0x1p-40;
}

static int is_in_range(const float *x, int64_t count)
{
    float largest = 0.0F;
    for (int64_t i = 0; i < count; i++) {
        largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    }
    return (double)largest <= LARGEST && (double)largest >= SMALLEST;
}

static pa_status rounded(const pa_matrix *m, float **out, pa_error *err)
{
    pa_status status = PA_OK;
    pa_view view = {0};
    float *values = NULL;
    PA_TRY(pa_matrix_view(m, &view, err));
    PA_REQUIRE_MEMORY(values = pa_alloc_raw(&m->ctx->mem, pa_area(m->rows, m->cols), sizeof(*values)), err, "a factor");
    for (int64_t i = 0; i < m->rows; i++) {
        for (int64_t j = 0; j < m->cols; j++) {
            values[i * m->cols + j] = (float)view.data[i * view.row_stride + j * view.col_stride];
        }
    }
    *out = values;

cleanup:
    return status;
}

pa_status pa_matrix_visit_f32(const pa_matrix *m, pa_panel_f32_fn visit, void *user, int *visited, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_allocator *mem = &m->ctx->mem;
    const float *floats = pa_matrix_floats(m);
    *visited = floats != NULL;
    if (floats != NULL) {
        visit(user, floats, m->rows, m->cols);
        return PA_OK;
    }
    if (!is_candidate(m)) {
        return PA_OK;
    }
    const int64_t k = m->operands[0]->cols;
    float *left = NULL;
    float *right = NULL;
    float *panel = NULL;
    int64_t height = PANEL_ELEMENTS / (m->cols > 0 ? m->cols : 1);
    height = height < 1 ? 1 : height > m->rows ? m->rows : height;
    PA_TRY(rounded(m->operands[0], &left, err));
    PA_TRY(rounded(m->operands[1], &right, err));
    if (!is_in_range(left, m->rows * k) || !is_in_range(right, k * m->cols)) {
        goto cleanup;
    }
    *visited = 1;
    PA_REQUIRE_MEMORY(panel = pa_alloc_raw(mem, pa_area(height, m->cols), sizeof(*panel)), err, "rows of a matrix");
    for (int64_t row = 0; row < m->rows; row += height) {
        const int64_t rows = row + height < m->rows ? height : m->rows - row;
        PA_TRY(pa_gemm_f32(left + row * k, right, rows, k, m->cols, panel, err));
        visit(user, panel, rows, m->cols);
    }

cleanup:
    pa_free(mem, panel);
    pa_free(mem, right);
    pa_free(mem, left);
    return status;
}
