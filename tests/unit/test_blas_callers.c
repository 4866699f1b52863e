/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Many callers at once: the same bits as one after the other, and never more inside the BLAS than it can bear. */
#include "linalg/blas_threads.h"

#include <cblas.h>
#include <stdatomic.h>
#include <time.h>

#include "linalg/gemm.h"
#include "pa_dense.h"
#include "pa_load.h"
#include "pa_sanitizers.h"
#include "pa_test.h"

enum { N_THREADS = 8, N_SEEDS = 12, SIDE = 40 };

static pa_error err;

typedef struct load {
    pa_context *ctx; /* shared, or NULL: each its own */
    uint64_t expected[N_SEEDS];
    atomic_int wrong;
    atomic_int started;
} load;

static int crowd(void)
{
    return PA_UNDER_VALGRIND ? 40 : 300;
}

static int64_t size_of(int seed)
{
    return PA_UNDER_VALGRIND ? 12 : seed == 0 ? 150 : 12 + 7 * seed;
}

static void *query(void *user)
{
    load *l = user;
    pa_context *ctx = l->ctx;
    const int first = atomic_fetch_add(&l->started, 1);
    if (ctx == NULL && pa_context_create(NULL, &ctx, NULL) != PA_OK) {
        atomic_fetch_add(&l->wrong, 1);
        return NULL;
    }
    for (int i = 0; i < (PA_UNDER_VALGRIND ? 2 : 3 * N_SEEDS); i++) {
        const int seed = (first + i) % N_SEEDS;
        uint64_t digest = 0;
        const pa_status status = pa_load_run(ctx, (uint64_t)seed, size_of(seed), &digest);
        atomic_fetch_add(&l->wrong, status != PA_OK || digest != l->expected[seed]);
    }
    if (l->ctx == NULL) {
        pa_context_destroy(ctx);
    }
    return NULL;
}

static void check_load(pa_context *shared, load *l)
{
    pthread_t threads[N_THREADS];
    l->ctx = shared;
    atomic_init(&l->wrong, 0);
    atomic_init(&l->started, 0);
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, query, l), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&l->wrong), 0);
}

static void test_callers_side_by_side_get_the_bits_of_one_alone(void **state)
{
    (void)state;
    load l = {.ctx = NULL};
    pa_context *ctx = NULL;
    assert_ok(pa_context_create(NULL, &ctx, &err));
    for (int seed = 0; seed < N_SEEDS; seed++) {
        assert_ok(pa_load_run(ctx, (uint64_t)seed, size_of(seed), &l.expected[seed]));
    }
    openblas_set_num_threads(2);
    check_load(ctx, &l);
    check_load(NULL, &l);
    pa_context_destroy(ctx);
}

/* Two different matrices, all of whose products are integers: exact in any order of summation. */
typedef struct products {
    double a[SIDE * SIDE];
    double b[SIDE * SIDE];
    double *expected;
    int repeats;
    atomic_int wrong;
    atomic_int inside;
    atomic_int most;
} products;

static void products_init(products *p, int repeats)
{
    for (int i = 0; i < SIDE * SIDE; i++) {
        p->a[i] = (double)(i * 7 % 13);
        p->b[i] = (double)(i * 5 % 11);
    }
    p->expected = dense_product(p->a, p->b, SIDE, SIDE, SIDE);
    p->repeats = repeats;
    atomic_init(&p->wrong, 0);
    atomic_init(&p->inside, 0);
    atomic_init(&p->most, 0);
}

static void *multiply(void *user)
{
    products *p = user;
    double c[SIDE * SIDE];
    const pa_view a = pa_view_row_major(p->a, SIDE, SIDE);
    const pa_view b = pa_view_row_major(p->b, SIDE, SIDE);
    for (int i = 0; i < p->repeats; i++) {
        const pa_status status = pa_gemm(1.0, a, b, 0.0, PA_ROW_MAJOR, c, SIDE, NULL);
        atomic_fetch_add(&p->wrong, status != PA_OK || memcmp(c, p->expected, sizeof(c)) != 0);
    }
    return NULL;
}

/* A build of the BLAS without threads has no locks: callers would compute in one buffer. */
static void test_small_products_are_right_in_any_build(void **state)
{
    (void)state;
    pthread_t threads[4];
    products p;
    products_init(&p, PA_UNDER_VALGRIND ? 200 : 20000);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, multiply, &p), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&p.wrong), 0);
    free(p.expected);
}

/* Stays inside for a while, so that all of the crowd are there before the first leaves. */
static void *linger(void *user)
{
    products *p = user;
    const struct timespec while_ = {0, 5000000};
    int host = 0;
    if (pa_blas_enter(&host, NULL) != PA_OK) {
        atomic_fetch_add(&p->wrong, 1);
        return NULL;
    }
    const int now = atomic_fetch_add(&p->inside, 1) + 1;
    int most = atomic_load(&p->most);
    while (most < now && !atomic_compare_exchange_weak(&p->most, &most, now)) {
    }
    (void)nanosleep(&while_, NULL);
    atomic_fetch_sub(&p->inside, 1);
    pa_blas_leave(host);
    return multiply(p);
}

static void test_a_crowd_waits_for_its_turn(void **state)
{
    (void)state;
    pthread_t *threads = calloc((size_t)crowd(), sizeof(*threads));
    products p;
    int n = 0;
    assert_non_null(threads);
    products_init(&p, 20);
    while (n < crowd() && pthread_create(&threads[n], NULL, linger, &p) == 0) {
        n++;
    }
    for (int i = 0; i < n; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(n, crowd());
    assert_int_equal(atomic_load(&p.wrong), 0);
    assert_in_range(atomic_load(&p.most), 1, pa_blas_max_callers());
    free(p.expected);
    free(threads);
}

/* All of 300 ask the same matrices: they wait for each other's answers and for the BLAS, never both in a circle. */
typedef struct shared_matrices {
    const pa_matrix *in[2];
    pa_context *ctx;
    atomic_int wrong;
} shared_matrices;

static void *ask_all(void *user)
{
    shared_matrices *s = user;
    uint64_t digest = 0;
    atomic_fetch_add(&s->wrong, pa_load_values(s->ctx, s->in[0], s->in[1], &digest) != PA_OK);
    return NULL;
}

static void test_a_crowd_on_one_matrix_ends(void **state)
{
    (void)state;
    pthread_t *threads = calloc((size_t)crowd(), sizeof(*threads));
    shared_matrices s = {.ctx = NULL};
    pa_matrix *product = NULL;
    assert_non_null(threads);
    assert_ok(pa_context_create(NULL, &s.ctx, &err));
    pa_matrix *a = pa_load_matrix(s.ctx, 1, 40, 10);
    pa_matrix *b = pa_load_matrix(s.ctx, 2, 10, 30);
    pa_matrix *full = pa_load_matrix(s.ctx, 3, 40, 20);
    assert_ok(pa_matrix_product(a, b, &product, &err));
    s.in[0] = product;
    s.in[1] = full;
    for (int i = 0; i < crowd(); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all, &s), 0);
    }
    for (int i = 0; i < crowd(); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&s.wrong), 0);
    pa_matrix_destroy(product);
    pa_matrix_destroy(full);
    pa_matrix_destroy(b);
    pa_matrix_destroy(a);
    pa_context_destroy(s.ctx);
    free(threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callers_side_by_side_get_the_bits_of_one_alone),
        cmocka_unit_test(test_small_products_are_right_in_any_build),
        cmocka_unit_test(test_a_crowd_waits_for_its_turn),
        cmocka_unit_test(test_a_crowd_on_one_matrix_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
