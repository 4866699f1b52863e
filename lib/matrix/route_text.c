/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Routes in words, for people who want to see a plan. */
#include "matrix/route.h"

static pa_status shape(pa_text *out, int64_t rows, int64_t cols, pa_error *err)
{
    return pa_text_printf(out, err, "[%lld, %lld]", (long long)rows, (long long)cols);
}

pa_status pa_route_describe(const pa_matrix *m, pa_text *out, pa_error *err)
{
    pa_status status = PA_OK;
    switch (m->node) {
    case PA_NODE_LEAF:
        return pa_text_append(out, "a tensor", err);
    case PA_NODE_PRODUCT:
        PA_TRY(shape(out, m->operands[0]->rows, m->operands[0]->cols, err));
        PA_TRY(pa_text_append(out, " ", err));
        PA_TRY(shape(out, m->operands[1]->rows, m->operands[1]->cols, err));
        break;
    case PA_NODE_COLUMNS:
        return pa_text_printf(out, err, "%lld blocks side by side", (long long)m->n_operands);
    case PA_NODE_ROWS:
        return pa_text_printf(out, err, "%lld blocks one above the other", (long long)m->n_operands);
    case PA_NODE_SUM:
        return pa_text_append(out, "a sum", err);
    default:
        return pa_text_append(out, "elements", err);
    }

cleanup:
    return status;
}

static pa_status narrow_name(const pa_matrix *m, const char *what, pa_text *out, pa_error *err)
{
    const pa_narrow_plan plan = pa_route_narrow(m);
    pa_status status = PA_OK;
    PA_TRY(pa_text_append(out, what, err));
    PA_TRY(shape(out, m->rows, plan.cols, err));
    if (plan.shortens) {
        PA_TRY(pa_text_printf(out, err, " after an LQ of %lld columns", (long long)plan.inner));
    }

cleanup:
    return status;
}

pa_status pa_route_name(const pa_matrix *m, pa_query query, pa_text *out, pa_error *err)
{
    pa_status status = PA_OK;
    switch (query) {
    case PA_QUERY_SINGULAR_VALUES:
        if (pa_route_spectrum(m) == PA_SPECTRUM_SVD) {
            return narrow_name(m, "SVD of ", out, err);
        }
        PA_TRY(narrow_name(m, "Gram matrix of ", out, err));
        return pa_text_append(out, ", SVD if ill-conditioned", err);
    case PA_QUERY_LEFT_VECTORS:
        return narrow_name(m, "QR and SVD of ", out, err);
    case PA_QUERY_GRAM_NORM:
        return narrow_name(m, "cross product of ", out, err);
    case PA_QUERY_FROBENIUS:
        return narrow_name(m, "sum of squares of ", out, err);
    case PA_QUERY_GROUPS:
        return pa_text_append(out, pa_route_order(m) == PA_ORDER_COUNT ? "counted in buckets" : "sorted", err);
    default:
        return pa_text_append(out, "one pass over the elements", err);
    }

cleanup:
    return status;
}
