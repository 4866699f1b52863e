/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Matrices at the edges: empty, huge, tiny, not finite, out of memory, shared between threads. */
#include "pa_dense.h"
#include "pa_random.h"
#include "pa_test.h"

static pa_context *ctx;
static pa_error err;

static int setup(void **state)
{
    (void)state;
    return pa_context_create(NULL, &ctx, &err);
}

static int teardown(void **state)
{
    (void)state;
    pa_context_destroy(ctx);
    return 0;
}

static pa_matrix *make(const double *data, int64_t rows, int64_t cols)
{
    pa_matrix *m = NULL;
    assert_ok(pa_matrix_from_memory(ctx, data, PA_F64, rows, cols, &m, &err));
    return m;
}

static void test_bad_arguments_are_named(void **state)
{
    (void)state;
    const double x[4] = {1, 2, 3, 4};
    pa_matrix *m = NULL;
    pa_matrix *out = (pa_matrix *)(uintptr_t)1;
    assert_fails(pa_matrix_from_memory(ctx, x, 99, 2, 2, &out, &err), PA_ERR_INVALID, "element type 99");
    assert_null(out);
    assert_fails(pa_matrix_from_memory(ctx, x, PA_F64, -1, 2, &out, &err), PA_ERR_INVALID, "negative size -1 x 2");
    assert_fails(pa_matrix_from_memory(ctx, NULL, PA_F64, 2, 2, &out, &err), PA_ERR_INVALID, "no data");
    assert_fails(pa_matrix_from_memory(ctx, x, PA_F64, INT64_MAX, 2, &out, &err), PA_ERR_LIMIT, "too many");
    assert_fails(pa_matrix_borrow(ctx, x, PA_F64, 2, 2, -2, 1, &out, &err), PA_ERR_INVALID, "stride");
    m = make(x, 2, 2);
    pa_matrix *row = make(x, 1, 4);
    assert_fails(pa_matrix_product(m, row, &out, &err), PA_ERR_SHAPE, "[2, 2] times [1, 4]");
    assert_fails(pa_matrix_sum(m, row, &out, &err), PA_ERR_SHAPE, "[2, 2] plus [1, 4]");
    assert_fails(pa_matrix_slice(m, 1, 2, 0, 2, &out, &err), PA_ERR_SHAPE, "2 rows from 1 on of a matrix with 2");
    assert_fails(pa_matrix_slice(m, 0, 2, INT64_MAX, INT64_MAX, &out, &err), PA_ERR_SHAPE, "columns");
    assert_fails(pa_matrix_scale(m, NAN, &out, &err), PA_ERR_INVALID, "not finite");
    assert_fails(pa_matrix_concat_columns((const pa_matrix *[]){m, row}, 2, &out, &err), PA_ERR_SHAPE,
                 "part 1 has 1 rows");
    assert_fails(pa_matrix_concat_rows(NULL, 0, &out, &err), PA_ERR_INVALID, "nothing");
    assert_fails(pa_matrix_transpose(NULL, &out, &err), PA_ERR_INVALID, "no operand");
    double inner = 0.0;
    assert_fails(pa_matrix_inner(m, row, &inner, &err), PA_ERR_SHAPE, "[2, 2] and [1, 4]");
    assert_fails(pa_matrix_gram_inner(m, row, &inner, &err), PA_ERR_SHAPE, "2 and 1 rows");
    assert_null(out);
    pa_matrix_destroy(row);
    pa_matrix_destroy(m);
    pa_matrix_destroy(NULL);
    assert_null(pa_matrix_retain(NULL));
}

static void test_empty_matrices_have_empty_answers(void **state)
{
    (void)state;
    const int64_t shapes[][2] = {{0, 0}, {0, 5}, {5, 0}};
    for (int i = 0; i < 3; i++) {
        pa_matrix *m = make(NULL, shapes[i][0], shapes[i][1]);
        pa_matrix *t = NULL;
        pa_matrix *p = NULL;
        assert_ok(pa_matrix_transpose(m, &t, &err));
        assert_ok(pa_matrix_product(m, t, &p, &err));
        const pa_matrix *const all[3] = {m, t, p};
        for (int j = 0; j < 3; j++) {
            const double *values = NULL;
            const double *sigma = NULL;
            int64_t k = -1;
            double norm = -1.0;
            pa_entry_stats stats;
            assert_ok(pa_matrix_values(all[j], &values, &err));
            for (int64_t e = 0; e < pa_matrix_rows(all[j]) * pa_matrix_cols(all[j]); e++) {
                assert_true(values[e] == 0.0); /* an empty sum */
            }
            assert_ok(pa_matrix_singular_values(all[j], &sigma, &k, &err));
            assert_true(k == (pa_matrix_rows(all[j]) < pa_matrix_cols(all[j]) ? pa_matrix_rows(all[j])
                                                                              : pa_matrix_cols(all[j])));
            assert_ok(pa_matrix_frobenius(all[j], &norm, &err));
            assert_true(norm == 0.0);
            assert_ok(pa_matrix_entry_stats(all[j], &stats, &err));
            assert_true(stats.sum_abs == 0.0 && stats.max_abs == 0.0 && stats.max_col_sum == 0.0);
            const pa_matrix *standardized = all[j];
            assert_ok(pa_matrix_standardized(all[j], &standardized, &err));
            assert_null(standardized);
        }
        pa_matrix_destroy(p);
        pa_matrix_destroy(t);
        pa_matrix_destroy(m);
    }
}

static void test_norms_neither_overflow_nor_underflow(void **state)
{
    (void)state;
    const double scales[] = {1e300, 1e150, 1.0, 1e-150, 1e-300, 5e-324};
    for (int i = 0; i < 6; i++) {
        const double x[4] = {3.0 * scales[i], 0.0, 0.0, 4.0 * scales[i]};
        pa_matrix *m = make(x, 2, 2);
        double norm = 0.0;
        const double *sigma = NULL;
        int64_t k = 0;
        assert_ok(pa_matrix_frobenius(m, &norm, &err));
        assert_close(norm / scales[i], 5.0, 1e-15);
        assert_ok(pa_matrix_singular_values(m, &sigma, &k, &err));
        assert_close(sigma[0] / scales[i], 4.0, 1e-14);
        assert_close(sigma[1] / scales[i], 3.0, 1e-14);
        pa_matrix_destroy(m);
    }
}

static void test_nonfinite_elements_are_counted_where_they_are(void **state)
{
    (void)state;
    const float x[6] = {1, NAN, 3, 4, 5, -INFINITY};
    pa_matrix *m = NULL;
    pa_matrix *clean = NULL;
    pa_matrix *t = NULL;
    pa_matrix *p = NULL;
    int64_t count = -1;
    double norm = 0.0;
    const double *values = NULL;
    const double *sigma = NULL;
    int64_t k = 0;
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F32, 2, 3, &m, &err));
    assert_ok(pa_matrix_nonfinite(m, &count, &err));
    assert_int_equal(count, 2);
    assert_ok(pa_matrix_slice(m, 0, 2, 0, 1, &clean, &err));
    assert_ok(pa_matrix_nonfinite(clean, &count, &err));
    assert_int_equal(count, 0);
    assert_ok(pa_matrix_frobenius(clean, &norm, &err));
    assert_close(norm, sqrt(17.0), 1e-15);
    assert_ok(pa_matrix_transpose(m, &t, &err));
    assert_ok(pa_matrix_product(m, t, &p, &err));
    assert_fails(pa_matrix_singular_values(p, &sigma, &k, &err), PA_ERR_NONFINITE, "4 of the elements");
    assert_null(sigma);
    assert_fails(pa_matrix_frobenius(m, &norm, &err), PA_ERR_NONFINITE, "2 of the elements");
    assert_fails(pa_matrix_inner(m, m, &norm, &err), PA_ERR_NONFINITE, "2 of");
    assert_fails(pa_matrix_gram_inner(p, p, &norm, &err), PA_ERR_NONFINITE, "4 of");
    assert_ok(pa_matrix_values(m, &values, &err));
    assert_true(isnan(values[1]) && isinf(values[5]));
    pa_matrix_destroy(p);
    pa_matrix_destroy(t);
    pa_matrix_destroy(clean);
    pa_matrix_destroy(m);
}

static void test_ranks_follow_the_storage_type(void **state)
{
    (void)state;
    /* diag(1, 1e-6, 1e-12): f32 cannot tell 1e-6 * 3 * 2^-23 ... it can tell the second, not the third */
    const double d[9] = {1, 0, 0, 0, 1e-6, 0, 0, 0, 1e-12};
    float f[9];
    for (int i = 0; i < 9; i++) {
        f[i] = (float)d[i];
    }
    pa_matrix *wide = make(d, 3, 3);
    pa_matrix *narrow = NULL;
    int64_t rank = -1;
    assert_ok(pa_matrix_from_memory(ctx, f, PA_F32, 3, 3, &narrow, &err));
    assert_ok(pa_matrix_rank(wide, &rank, &err));
    assert_int_equal(rank, 3);
    assert_ok(pa_matrix_rank(narrow, &rank, &err));
    assert_int_equal(rank, 2);
    pa_matrix_destroy(narrow);
    pa_matrix_destroy(wide);
    /* bf16 noise: 2^-9 * ||A||_F * (2 sqrt 4) / 4 = 2^-9 ||A||_F for 4 x 4, ||A||_F about 1 */
    const uint16_t bf16[16] = {0x3f80, 0, 0, 0, 0, 0x3b40, 0, 0, 0, 0, 0x3a00, 0, 0, 0, 0, 0}; /* 1, 1.5 2^-9, 2^-11 */
    pa_matrix *coarse = NULL;
    assert_ok(pa_matrix_from_memory(ctx, bf16, PA_BF16, 4, 4, &coarse, &err));
    assert_ok(pa_matrix_rank_storage(coarse, &rank, &err));
    assert_int_equal(rank, 2);
    assert_ok(pa_matrix_rank(coarse, &rank, &err));
    assert_int_equal(rank, 3);
    assert_int_equal(pa_matrix_dtype(coarse), PA_BF16);
    pa_matrix_destroy(coarse);
}

static void test_constant_columns_have_no_standardized_form(void **state)
{
    (void)state;
    enum { N = 1000 };
    double *x = dense_new(N, 3);
    for (int i = 0; i < N; i++) {
        x[3 * i] = 0.1;
        x[3 * i + 1] = -1e300;
        x[3 * i + 2] = 1.0 / 3.0;
    }
    pa_matrix *m = make(x, N, 3);
    pa_matrix *t = NULL;
    const pa_matrix *standardized = m;
    assert_ok(pa_matrix_standardized(m, &standardized, &err));
    assert_null(standardized);
    x[4] = -1.0000001e300; /* one element differs by 1e-7 */
    pa_matrix *other = make(x, N, 3);
    assert_ok(pa_matrix_standardized(other, &standardized, &err));
    assert_non_null(standardized);
    pa_matrix_destroy(other);
    pa_matrix_destroy(t);
    pa_matrix_destroy(m);
    free(x);
}

static void test_borrowed_arrays_may_have_any_strides(void **state)
{
    (void)state;
    float data[40];
    for (int i = 0; i < 40; i++) {
        data[i] = (float)i;
    }
    const struct {
        int64_t row, col;
    } strides[] = {{5, 1}, {1, 8}, {10, 2}, {0, 1}, {1, 0}, {0, 0}};
    for (int s = 0; s < 6; s++) {
        pa_matrix *m = NULL;
        const double *values = NULL;
        assert_ok(pa_matrix_borrow(ctx, data, PA_F32, 3, 4, strides[s].row, strides[s].col, &m, &err));
        assert_ok(pa_matrix_values(m, &values, &err));
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 4; j++) {
                assert_true(values[i * 4 + j] == (double)(i * strides[s].row + j * strides[s].col));
            }
        }
        pa_matrix_destroy(m);
    }
    double packed[6] = {1, 2, 3, 4, 5, 6};
    pa_matrix *m = NULL;
    const double *values = NULL;
    assert_ok(pa_matrix_borrow(ctx, packed, PA_F64, 2, 3, 3, 1, &m, &err));
    assert_ok(pa_matrix_values(m, &values, &err));
    assert_ptr_equal(values, packed); /* no copy */
    pa_matrix_destroy(m);
}

static void test_expressions_that_are_too_deep_are_refused(void **state)
{
    (void)state;
    const double x[4] = {1, 2, 3, 4};
    pa_matrix *m = make(x, 2, 2);
    pa_status status = PA_OK;
    int depth = 0;
    while (status == PA_OK && depth < 100000) {
        pa_matrix *next = NULL;
        status = pa_matrix_sum(m, m, &next, &err);
        if (status == PA_OK) {
            pa_matrix_destroy(m);
            m = next;
            depth++;
        }
    }
    assert_int_equal(status, PA_ERR_LIMIT);
    assert_true(depth > 100);
    pa_matrix_destroy(m);
}

static void test_operands_may_end_before_the_expression(void **state)
{
    (void)state;
    pa_random r = {3};
    double x[20];
    pa_random_fill(&r, x, 20);
    pa_matrix *a = make(x, 5, 4);
    const pa_matrix *centered = NULL;
    const pa_matrix *left = NULL;
    pa_matrix *t = NULL;
    pa_matrix *product = NULL;
    const double *values = NULL;
    assert_ok(pa_matrix_centered(a, &centered, &err));
    assert_ok(pa_matrix_left_vectors(centered, &left, &err));
    assert_ok(pa_matrix_transpose(left, &t, &err));
    assert_ok(pa_matrix_product(t, centered, &product, &err)); /* holds the companion, which holds its owner */
    pa_matrix_destroy(t);
    pa_matrix_destroy(a);
    assert_ok(pa_matrix_values(product, &values, &err));
    double *expected = dense_centered(x, 5, 4);
    double norm = 0.0;
    assert_ok(pa_matrix_frobenius(product, &norm, &err));
    assert_close(norm, sqrt(dense_inner(expected, expected, 20)), 1e-14);
    free(expected);
    pa_matrix_destroy(product);
}

/* Queries of one shared expression from several threads, against those of a fresh one. */
typedef struct shared {
    const pa_matrix *m;
    double norm;
    double sigma;
    double gram;
    double sum;
} shared;

static pa_status ask_all(shared *s)
{
    pa_error local;
    const double *sigma = NULL;
    int64_t k = 0;
    pa_entry_stats stats;
    const pa_matrix *c = NULL;
    pa_status status = pa_matrix_standardized(s->m, &c, &local);
    status = status != PA_OK ? status : pa_matrix_gram_inner(c, c, &s->gram, &local);
    status = status != PA_OK ? status : pa_matrix_singular_values(s->m, &sigma, &k, &local);
    status = status != PA_OK ? status : pa_matrix_frobenius(s->m, &s->norm, &local);
    status = status != PA_OK ? status : pa_matrix_entry_stats(s->m, &stats, &local);
    if (status == PA_OK) {
        s->sigma = sigma[0];
        s->sum = stats.sum_abs;
    }
    return status;
}

static void *ask_in_thread(void *argument)
{
    return ask_all(argument) == PA_OK ? argument : NULL;
}

static pa_matrix *head_like(pa_random *r)
{
    double *a = dense_new(60, 8);
    double *b = dense_new(8, 50);
    pa_random_fill(r, a, 480);
    pa_random_fill(r, b, 400);
    pa_matrix *left = make(a, 60, 8);
    pa_matrix *right = make(b, 8, 50);
    pa_matrix *product = NULL;
    assert_ok(pa_matrix_product(left, right, &product, &err));
    pa_matrix_destroy(left);
    pa_matrix_destroy(right);
    free(a);
    free(b);
    return product;
}

static void test_threads_share_one_answer(void **state)
{
    (void)state;
    for (int repeat = 0; repeat < 20; repeat++) {
        pa_random r = {9};
        pa_random again = {9};
        pa_matrix *m = head_like(&r);
        pa_matrix *fresh = head_like(&again);
        shared expected = {.m = fresh};
        assert_int_equal(ask_all(&expected), PA_OK);
        shared got[8];
        pthread_t threads[8];
        for (int i = 0; i < 8; i++) {
            got[i] = (shared){.m = m};
            assert_int_equal(pthread_create(&threads[i], NULL, ask_in_thread, &got[i]), 0);
        }
        for (int i = 0; i < 8; i++) {
            void *result = NULL;
            pthread_join(threads[i], &result);
            assert_non_null(result);
            got[i].m = expected.m;
            assert_memory_equal(&got[i], &expected, sizeof(expected)); /* bit for bit */
        }
        pa_matrix_destroy(fresh);
        pa_matrix_destroy(m);
    }
}

/* Builds an OV-like expression and asks every query. */
static pa_status everything(const pa_allocator *mem, void *user)
{
    (void)user;
    double data[200];
    pa_random r = {11};
    pa_random_fill(&r, data, 200);
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem};
    pa_context *own = NULL;
    pa_matrix *m[7] = {0};
    const double *p = NULL;
    const pa_matrix *companion = NULL;
    const pa_matrix *left = NULL;
    pa_entry_stats stats;
    double x = 0.0;
    int64_t k = 0;
    pa_status s = pa_context_create(&options, &own, NULL);
#define STEP(call) s = s != PA_OK ? s : (call)
    STEP(pa_matrix_from_memory(own, data, PA_F64, 12, 3, &m[0], NULL));
    STEP(pa_matrix_borrow(own, data, PA_F64, 3, 10, 10, 1, &m[1], NULL));
    STEP(pa_matrix_product(m[0], m[1], &m[2], NULL));
    STEP(pa_matrix_transpose(m[2], &m[3], NULL));
    STEP(pa_matrix_slice(m[3], 1, 8, 0, 12, &m[4], NULL));
    STEP(pa_matrix_concat_rows((const pa_matrix *[]){m[3], m[4], m[3]}, 3, &m[5], NULL));
    STEP(pa_matrix_transpose(m[5], &m[6], NULL));
    for (int i = 0; i < 7; i++) {
        STEP(pa_matrix_values(m[i], &p, NULL));
        STEP(pa_matrix_sorted_magnitudes(m[i], &p, NULL));
        STEP(pa_matrix_entry_stats(m[i], &stats, NULL));
        STEP(pa_matrix_frobenius(m[i], &x, NULL));
        STEP(pa_matrix_rank(m[i], &k, NULL));
        STEP(pa_matrix_row_norms_squared(m[i], &p, NULL));
        STEP(pa_matrix_standardized(m[i], &companion, NULL));
        STEP(pa_matrix_gram_inner(companion, companion, &x, NULL));
        STEP(pa_matrix_gram_inner(m[i], companion, &x, NULL));
        STEP(pa_matrix_inner(m[i], companion, &x, NULL));
        STEP(pa_matrix_left_vectors(m[i], &left, NULL));
        STEP(pa_matrix_column_means(m[i], &p, NULL));
    }
#undef STEP
    for (int i = 0; i < 7; i++) {
        pa_matrix_destroy(m[i]);
    }
    pa_context_destroy(own);
    return s;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(everything, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_arguments_are_named),
        cmocka_unit_test(test_empty_matrices_have_empty_answers),
        cmocka_unit_test(test_norms_neither_overflow_nor_underflow),
        cmocka_unit_test(test_nonfinite_elements_are_counted_where_they_are),
        cmocka_unit_test(test_ranks_follow_the_storage_type),
        cmocka_unit_test(test_constant_columns_have_no_standardized_form),
        cmocka_unit_test(test_borrowed_arrays_may_have_any_strides),
        cmocka_unit_test(test_expressions_that_are_too_deep_are_refused),
        cmocka_unit_test(test_operands_may_end_before_the_expression),
        cmocka_unit_test(test_threads_share_one_answer),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
