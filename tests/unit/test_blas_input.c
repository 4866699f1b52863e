/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What the BLAS and LAPACK get to see: never NaN or an infinity, on which some of them print, some loop and some return
 * nonsense in good faith. And whatever the input is, nothing is written to the host's standard output and error.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_NEXT */
#endif
#include <cblas.h>
#include <dlfcn.h>
#include <lapacke.h>
#include <stdatomic.h>
#include <unistd.h>

#include "pa_load.h"
#include "pa_test.h"
#include "pa_test_outputs.h"

/* --- between the library and the BLAS: these come before the real ones when the program is linked --- */

static atomic_int calls;
static atomic_int poisoned;

static void inspect(const double *a, lapack_int rows, lapack_int cols, lapack_int ld)
{
    int bad = 0;
    for (int64_t j = 0; j < cols; j++) {
        for (int64_t i = 0; i < rows; i++) {
            bad += !isfinite(a[i + j * ld]);
        }
    }
    atomic_fetch_add(&calls, 1);
    atomic_fetch_add(&poisoned, bad > 0);
}

/* POSIX allows this conversion, ISO C does not spell it. */
static void real(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        abort();
    }
    memcpy(function, &found, sizeof(found));
}

lapack_int LAPACKE_dgesdd_work(int layout, char job, lapack_int m, lapack_int n, double *a, lapack_int lda, double *s,
                               double *u, lapack_int ldu, double *vt, lapack_int ldvt, double *work, lapack_int lwork,
                               lapack_int *iwork)
{
    lapack_int (*next)(int, char, lapack_int, lapack_int, double *, lapack_int, double *, double *, lapack_int,
                       double *, lapack_int, double *, lapack_int, lapack_int *);
    real("LAPACKE_dgesdd_work", &next);
    if (lwork >= 0) {
        inspect(a, m, n, lda);
    }
    return next(layout, job, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork);
}

lapack_int LAPACKE_dgeqrf_work(int layout, lapack_int m, lapack_int n, double *a, lapack_int lda, double *tau,
                               double *work, lapack_int lwork)
{
    lapack_int (*next)(int, lapack_int, lapack_int, double *, lapack_int, double *, double *, lapack_int);
    real("LAPACKE_dgeqrf_work", &next);
    if (lwork >= 0) {
        inspect(a, m, n, lda);
    }
    return next(layout, m, n, a, lda, tau, work, lwork);
}

lapack_int LAPACKE_dsyevd_work(int layout, char job, char uplo, lapack_int n, double *a, lapack_int lda, double *w,
                               double *work, lapack_int lwork, lapack_int *iwork, lapack_int liwork)
{
    lapack_int (*next)(int, char, char, lapack_int, double *, lapack_int, double *, double *, lapack_int, lapack_int *,
                       lapack_int);
    real("LAPACKE_dsyevd_work", &next);
    for (lapack_int j = 0; lwork >= 0 && j < n; j++) { /* the triangle that is read */
        inspect(a + (size_t)j * (size_t)lda + (uplo == 'U' ? 0 : j), uplo == 'U' ? j + 1 : n - j, 1, lda);
    }
    return next(layout, job, uplo, n, a, lda, w, work, lwork, iwork, liwork);
}

/* --- the inputs --- */

enum { ROWS = 14, INNER = 4, COLS = 17, N_POISONS = 9 };

static const double poisons[N_POISONS] = {NAN, INFINITY, -INFINITY, 1.7e308, -1e308, 1e200, 4.9e-324, 1e-200, 0.0};

static pa_context *ctx;
static pa_error err;

/* Ordinary elements with the poison in one of them, or in all. */
static pa_matrix *poisoned_matrix(double poison, int everywhere, uint64_t seed, int64_t rows, int64_t cols)
{
    double values[ROWS * COLS];
    pa_random random = {seed};
    pa_matrix *m = NULL;
    pa_random_fill(&random, values, rows * cols);
    for (int64_t i = 0; i < rows * cols; i++) {
        if (everywhere || i == rows * cols / 2) {
            values[i] = poison;
        }
    }
    assert_ok(pa_matrix_from_memory(ctx, values, PA_F64, rows, cols, &m, &err));
    return m;
}

static int count_values(const pa_matrix *const in[2], int must_be_nonfinite)
{
    int count = 0;
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        const pa_metric_ops *ops = pa_metric_describe(ctx, i);
        static const char *const variants[2] = {NULL, "compat: pico"};
        for (int v = 0; v < 2; v++) {
            pa_value value = PA_VALUE_INIT;
            assert_ok(pa_compute(ctx, ops->name, variants[v], in, ops->n_inputs, &value, &err));
            assert_true(isfinite(value.value));
            if (must_be_nonfinite && (ops->flags & PA_METRIC_ACCEPTS_NONFINITE) == 0) {
                assert_string_equal(pa_state_name(value.state), pa_state_name(PA_STATE_NONFINITE));
            }
            for (int64_t k = 0; k < pa_value_output_count(&value); k++) {
                assert_true(isfinite(output_at(&value, k).number));
            }
            pa_value_clear(&value);
            count++;
        }
    }
    return count;
}

static void ask_everything(double poison, int everywhere)
{
    pa_matrix *full = poisoned_matrix(poison, everywhere, 1, ROWS, COLS);
    pa_matrix *a = poisoned_matrix(poison, everywhere, 2, ROWS, INNER);
    pa_matrix *b = poisoned_matrix(poison, everywhere, 3, INNER, COLS);
    pa_matrix *good = pa_load_matrix(ctx, 4, ROWS, COLS);
    pa_matrix *product = NULL;
    pa_matrix *concatenated = NULL;
    assert_ok(pa_matrix_product(a, b, &product, &err)); /* 1e200 is finite, its square is not */
    assert_ok(pa_matrix_concat_columns((const pa_matrix *[]){product, full}, 2, &concatenated, &err));
    const pa_matrix *const pairs[5][2] = {
        {full, good}, {good, full}, {product, good}, {product, full}, {concatenated, product}};
    for (int i = 0; i < 5; i++) {
        if (i != 1) { /* its first input is good: metrics of one matrix have a value */
            assert_true(count_values(pairs[i], !isfinite(poison)) > 0);
        } else {
            assert_true(count_values(pairs[i], 0) > 0);
        }
    }
    pa_matrix_destroy(concatenated);
    pa_matrix_destroy(product);
    pa_matrix_destroy(good);
    pa_matrix_destroy(b);
    pa_matrix_destroy(a);
    pa_matrix_destroy(full);
}

/* --- the tests --- */

/* Everything that is written meanwhile to a descriptor goes to a file. */
typedef struct capture {
    int descriptor;
    int saved;
    FILE *file;
} capture;

static void capture_begin(capture *c, int descriptor)
{
    c->descriptor = descriptor;
    (void)fflush(NULL);
    c->saved = dup(descriptor);
    c->file = tmpfile();
    assert_true(c->saved >= 0 && c->file != NULL);
    assert_true(dup2(fileno(c->file), descriptor) >= 0);
}

static long capture_end(capture *c)
{
    (void)fflush(NULL);
    assert_true(dup2(c->saved, c->descriptor) >= 0);
    (void)close(c->saved);
    (void)fseek(c->file, 0, SEEK_END);
    const long bytes = ftell(c->file);
    (void)fclose(c->file);
    return bytes;
}

static void test_nothing_nonfinite_reaches_lapack(void **state)
{
    (void)state;
    atomic_store(&calls, 0);
    atomic_store(&poisoned, 0);
    for (int i = 0; i < N_POISONS; i++) {
        ask_everything(poisons[i], 0);
        ask_everything(poisons[i], 1);
    }
    assert_true(atomic_load(&calls) > 0); /* else nobody is asked */
    assert_int_equal(atomic_load(&poisoned), 0);
}

static void test_nothing_is_printed(void **state)
{
    (void)state;
    capture out;
    capture error;
    capture_begin(&out, STDOUT_FILENO);
    capture_begin(&error, STDERR_FILENO);
    for (int i = 0; i < N_POISONS; i++) {
        ask_everything(poisons[i], 0);
        ask_everything(poisons[i], 1);
    }
    const long error_bytes = capture_end(&error);
    const long out_bytes = capture_end(&out);
    assert_int_equal(error_bytes, 0);
    assert_int_equal(out_bytes, 0);
}

static int make_context(void **state)
{
    (void)state;
    return pa_context_create(NULL, &ctx, &err);
}

static int end_context(void **state)
{
    (void)state;
    pa_context_destroy(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_nonfinite_reaches_lapack),
        cmocka_unit_test(test_nothing_is_printed),
    };
    return cmocka_run_group_tests(tests, make_context, end_context);
}
