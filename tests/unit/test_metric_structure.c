/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons of products of thin factors never hold a dense matrix: told from the largest allocation. */
#include "pa_metric_test.h"

enum { SIDE = 600, INNER = 4, DENSE_BYTES = SIDE * SIDE * 8 };

static void *alloc_and_note(void *user, size_t bytes)
{
    size_t *largest = user;
    *largest = bytes > *largest ? bytes : *largest;
    return malloc(bytes);
}

static void dealloc(void *user, void *memory)
{
    (void)user;
    free(memory);
}

static pa_matrix *thin_product(pa_context *own, pa_random *r)
{
    double *data = dense_new(SIDE, INNER);
    pa_matrix *left = NULL;
    pa_matrix *right = NULL;
    pa_matrix *m = NULL;
    pa_random_fill(r, data, SIDE * INNER);
    assert_ok(pa_matrix_from_memory(own, data, PA_F64, SIDE, INNER, &left, &err));
    pa_random_fill(r, data, SIDE * INNER);
    assert_ok(pa_matrix_from_memory(own, data, PA_F64, INNER, SIDE, &right, &err));
    assert_ok(pa_matrix_product(left, right, &m, &err));
    pa_matrix_destroy(right);
    pa_matrix_destroy(left);
    free(data);
    return m;
}

static void test_products_are_compared_through_their_factors(void **state)
{
    (void)state;
    const char *const metrics[] = {"cca",        "cka",   "composition",     "gradient_similarity",
                                   "procrustes", "svcca", "weight_movement", "pwcca"};
    for (int i = 0; i < 8; i++) {
        size_t largest = 0;
        const pa_allocator mem = {alloc_and_note, dealloc, &largest};
        const pa_context_options options = {.struct_size = sizeof(options), .allocator = &mem, .threads = 1};
        pa_context *own = NULL;
        pa_random r = {1};
        pa_value v = PA_VALUE_INIT;
        assert_ok(pa_context_create(&options, &own, &err));
        pa_matrix *a = thin_product(own, &r);
        pa_matrix *b = thin_product(own, &r);
        assert_ok(pa_compute(own, metrics[i], NULL, (const pa_matrix *[]){a, b}, 2, &v, &err));
        assert_int_equal(v.state, PA_STATE_OK);
        if (largest >= DENSE_BYTES / 2) {
            fail_msg("%s allocates %zu bytes at once; a dense matrix has %d", metrics[i], largest, (int)DENSE_BYTES);
        }
        pa_value_clear(&v);
        pa_matrix_destroy(b);
        pa_matrix_destroy(a);
        pa_context_destroy(own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_are_compared_through_their_factors),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
