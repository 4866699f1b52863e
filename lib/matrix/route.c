/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/route.h"

#include "base/dtype.h"

enum {
    WIDE = 2,                /* up to this many columns a row, the columns are cheaper than an LQ that shortens them */
    GRAM_SIDE = 96,          /* below, an SVD is cheap enough */
    COUNT_ELEMENTS = 1 << 16 /* below, sorting is cheap enough */
};

/* What is stored in doubles is computed to their precision; what is stored in less has lost more already. */
static int is_stored_in_doubles(const pa_matrix *m)
{
    return pa_dtype_rank_epsilon(m->dtype) < 0x1p-40;
}

static pa_narrow_plan finish(pa_narrow_plan plan, const pa_matrix *m)
{
    const int64_t rows = m->rows;
    plan.shortens = plan.inner / WIDE > rows;
    plan.cols = plan.shortens ? rows : plan.inner;
    plan.cholesky = plan.shortens && !is_stored_in_doubles(m);
    return plan;
}

pa_narrow_plan pa_route_narrow(const pa_matrix *m)
{
    pa_narrow_plan plan = {.route = PA_NARROW_ELEMENTS, .inner = m->cols};
    switch (m->node) {
    case PA_NODE_PRODUCT: {
        const pa_narrow_plan right = pa_route_narrow(m->operands[1]);
        if (right.cols < m->cols) {
            plan.route = PA_NARROW_PRODUCT;
            plan.inner = right.cols;
        }
        break;
    }
    case PA_NODE_COLUMNS:
        plan.route = PA_NARROW_COLUMNS;
        plan.inner = 0;
        for (int64_t i = 0; i < m->n_operands; i++) {
            plan.inner += pa_route_narrow(m->operands[i]).cols;
        }
        break;
    case PA_NODE_SCALE:
        plan = pa_route_narrow(m->operands[0]);
        plan.route = PA_NARROW_SCALE;
        plan.inner = plan.cols;
        break;
    default:
        break;
    }
    return finish(plan, m);
}

pa_spectrum_route pa_route_spectrum(const pa_matrix *m)
{
    const int64_t cols = pa_route_narrow(m).cols;
    const int64_t side = m->rows < cols ? m->rows : cols;
    return side >= GRAM_SIDE && !is_stored_in_doubles(m) ? PA_SPECTRUM_GRAM : PA_SPECTRUM_SVD;
}

pa_order_route pa_route_order(const pa_matrix *m)
{
    return m->rows > COUNT_ELEMENTS / (m->cols > 0 ? m->cols : 1) && !is_stored_in_doubles(m) ? PA_ORDER_COUNT
                                                                                              : PA_ORDER_SORT;
}

/* Of an LQ that leaves [n, k], k <= n, of [n, p]. */
static double lq_flops(double n, double p)
{
    return n < p ? 2.0 * n * n * (p - n / 3.0) : 2.0 * p * p * (n - p / 3.0);
}

static double dense_flops(const pa_matrix *m)
{
    const double area = (double)m->rows * (double)m->cols;
    double flops = 0.0;
    if (m->node == PA_NODE_LEAF) {
        return 0.0;
    }
    for (int64_t i = 0; i < m->n_operands; i++) {
        flops += dense_flops(m->operands[i]);
    }
    return flops + (m->node == PA_NODE_PRODUCT ? 2.0 * area * (double)m->operands[0]->cols : area);
}

static double narrow_flops(const pa_matrix *m)
{
    const pa_narrow_plan plan = pa_route_narrow(m);
    const double n = (double)m->rows;
    const double inner = (double)plan.inner;
    double flops = plan.cholesky ? n * n * (inner + n / 3.0) : plan.shortens ? lq_flops(n, inner) : 0.0;
    switch (plan.route) {
    case PA_NARROW_ELEMENTS:
        return flops + dense_flops(m);
    case PA_NARROW_PRODUCT:
        return flops + dense_flops(m->operands[0]) + narrow_flops(m->operands[1]) +
               2.0 * n * (double)m->operands[0]->cols * inner;
    case PA_NARROW_COLUMNS:
        for (int64_t i = 0; i < m->n_operands; i++) {
            flops += narrow_flops(m->operands[i]);
        }
        return flops;
    case PA_NARROW_SCALE:
        return flops + narrow_flops(m->operands[0]) + n * inner;
    }
    return flops;
}

static double spectrum_flops(const pa_matrix *m)
{
    const double n = (double)m->rows;
    const double p = (double)pa_route_narrow(m).cols;
    const double side = n < p ? n : p;
    const double other = n < p ? p : n;
    if (pa_route_spectrum(m) == PA_SPECTRUM_GRAM) {
        return side * side * other + 4.0 / 3.0 * side * side * side;
    }
    return (other > 1.8 * side ? lq_flops(side, other) : 0.0) + 8.0 / 3.0 * side * side * side;
}

double pa_route_flops(const pa_matrix *m, pa_query query)
{
    const double area = (double)m->rows * (double)m->cols;
    const double narrow = (double)m->rows * (double)pa_route_narrow(m).cols;
    switch (query) {
    case PA_QUERY_DENSE:
        return dense_flops(m);
    case PA_QUERY_NARROW:
        return narrow_flops(m);
    case PA_QUERY_ENTRIES:
    case PA_QUERY_GROUPS:
    case PA_QUERY_SORTED:
        return dense_flops(m) + 4.0 * area;
    case PA_QUERY_FROBENIUS:
    case PA_QUERY_ROW_NORMS:
        return narrow_flops(m) + 2.0 * narrow;
    case PA_QUERY_GRAM_NORM:
        return narrow_flops(m) + 2.0 * narrow * narrow / (m->rows > 0 ? (double)m->rows : 1.0);
    case PA_QUERY_SINGULAR_VALUES:
        return narrow_flops(m) + spectrum_flops(m);
    case PA_QUERY_LEFT_VECTORS:
        return narrow_flops(m) + 4.0 * spectrum_flops(m);
    default:
        return area;
    }
}

double pa_route_dense_flops(const pa_matrix *m, pa_query query)
{
    const double n = (double)m->rows;
    const double p = (double)m->cols;
    const double side = n < p ? n : p;
    switch (query) {
    case PA_QUERY_SINGULAR_VALUES:
        return dense_flops(m) + lq_flops(side, n + p - side) + 8.0 / 3.0 * side * side * side;
    case PA_QUERY_LEFT_VECTORS:
        return dense_flops(m) + 2.0 * lq_flops(side, n + p - side) + 22.0 * side * side * side;
    case PA_QUERY_GRAM_NORM:
        return dense_flops(m) + 2.0 * n * p * side;
    default:
        return dense_flops(m) + 4.0 * n * p;
    }
}
