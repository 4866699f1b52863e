/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What is known of these metrics on random and ideal inputs, and what other programs get wrong on them. Statistical
 * ones are means over seeds. The mean expected is a closed form or NumPy's over 40 seeds or more, the tolerance four
 * standard errors of the difference, with the standard deviation that NumPy's values have from seed to seed.
 */
#include "pa_component_test.h"
#include "pa_output_test.h"

static double *random_matrix(uint64_t seed, int64_t n, int64_t p)
{
    pa_random r = {seed};
    double *x = dense_new(n, p);
    pa_random_fill(&r, x, n * p);
    return x;
}

static void assert_within(const char *what, double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance)) {
        fail_msg("%s is %.17g, expected %.17g to %g", what, got, expected, tolerance);
    }
}

/* "Rank" has as many values as definitions. One draw gave 247.4, 226.2, 116.2, 205.4 and 166.9. */
static void test_the_ranks_of_a_random_matrix_are_five_numbers(void **state)
{
    (void)state;
    enum { ROWS = 256, COLS = 1024, SEEDS = 4, NUMPY_SEEDS = 40, RANKS = 5 };
    static const struct {
        const char *metric, *options, *output;
        double mean, deviation;
    } ranks[RANKS] = {
        {"effective_rank", "", NULL, 247.3129, 0.0603},
        {"effective_rank", "of: squared", NULL, 225.8046, 0.1965},
        {"stable_rank", "", NULL, 114.9294, 1.3959},
        {"participation_ratio", "center: false", NULL, 204.6372, 0.3167},
        {"stable_rank", "", "nuclear_rank", 165.9590, 1.0222},
    };
    double mean[RANKS] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        double *x = random_matrix(seed, ROWS, COLS);
        for (int i = 0; i < RANKS; i++) {
            pa_value v = value_of(ranks[i].metric, ranks[i].options, x, ROWS, COLS);
            assert_int_equal(v.state, PA_STATE_OK);
            mean[i] += (ranks[i].output == NULL ? v.value : output_number(&v, ranks[i].output)) / SEEDS;
            pa_value_clear(&v);
        }
        free(x);
    }
    for (int i = 0; i < RANKS; i++) {
        const double error = ranks[i].deviation * sqrt(1.0 / SEEDS + 1.0 / NUMPY_SEEDS);
        assert_within(ranks[i].metric, mean[i], ranks[i].mean, 4.0 * error);
    }
}

/* Unrelated data: E ||X^T Y||^2 = (n - 1) p^2 and E ||X^T X||^2 = (n - 1) p (n + p), so that CKA tends to p / (n + p):
 * 0.889, 0.667, 0.111. Debiased it is zero on average. */
static void test_cka_of_unrelated_data_says_how_many_samples_there_are(void **state)
{
    (void)state;
    enum { P = 512 };
    static const struct {
        int64_t n;
        uint64_t seeds;
        double deviation, debiased_deviation;
    } cases[] = {{64, 6, 3.1e-3, 1.9e-2}, {256, 4, 2.1e-3, 5.0e-3}, {4096, 2, 3.1e-4, 3.4e-4}};
    for (int i = 0; i < 3; i++) {
        const double error = 4.0 / sqrt((double)cases[i].seeds);
        double biased = 0.0;
        double debiased = 0.0;
        for (uint64_t seed = 0; seed < cases[i].seeds; seed++) {
            double *x = random_matrix(2 * seed, cases[i].n, P);
            double *y = random_matrix(2 * seed + 1, cases[i].n, P);
            biased += value_of_two("cka", "", x, P, y, P, cases[i].n).value / (double)cases[i].seeds;
            debiased += value_of_two("cka", "debiased: true", x, P, y, P, cases[i].n).value / (double)cases[i].seeds;
            free(y);
            free(x);
        }
        assert_within("CKA", biased, P / ((double)cases[i].n + P), error * cases[i].deviation);
        assert_within("debiased CKA", debiased, 0.0, error * cases[i].debiased_deviation);
    }
}

/* With c = p / n, squared canonical correlations of unrelated data are spread over 0 ... l = 4 c (1 - c) with density
 * sqrt((l - x) x) / (2 pi c x (1 - x)) (Wachter 1980); x = l sin^2 t makes the mean of sqrt(x) a smooth integral. */
static double mean_correlation(double c)
{
    enum { PIECES = 2000 };
    const double pi = 3.141592653589793;
    const double l = 4.0 * c * (1.0 - c);
    double sum = 0.0;
    for (int i = 0; i < PIECES; i++) {
        const double t = (i + 0.5) / PIECES * pi / 2.0;
        sum += sin(t) * cos(t) * cos(t) / (1.0 - l * sin(t) * sin(t));
    }
    return pow(l, 1.5) / (pi * c) * sum * (pi / 2.0) / PIECES;
}

static void test_canonical_correlations_of_unrelated_data_are_not_zero(void **state)
{
    (void)state;
    enum { N = 4096, P = 512 };
    double *x = random_matrix(100, N, P);
    double *y = random_matrix(101, N, P);
    const double expected = mean_correlation((double)P / (N - 1));
    assert_within("the mean correlation", expected, 0.30, 0.005);
    assert_value(value_of_two("cca", "", x, P, y, P, N), expected, 4.0 * 5e-4);
    free(y);
    free(x);
}

/* Features with a mean of 100 in single precision, four rows a batch at least: uncentred sums of such numbers cancel,
 * give a negative variance and end in NaN elsewhere. Against HSIC_1 of the same stored numbers from Gram matrices. */
static double *centered_gram(const float *x, int64_t n, int64_t p)
{
    double *wide = dense_new(n, p);
    for (int64_t i = 0; i < n * p; i++) {
        wide[i] = (double)x[i];
    }
    double *c = dense_centered(wide, n, p);
    double *t = dense_transpose(c, n, p);
    double *k = dense_product(c, t, n, p, n);
    for (int64_t i = 0; i < n; i++) {
        k[i * n + i] = 0.0;
    }
    free(t);
    free(c);
    free(wide);
    return k;
}

static double hsic1(const double *k, const double *l, int64_t n)
{
    double trace = 0.0, of_k = 0.0, of_l = 0.0, cross = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double row_k = 0.0, row_l = 0.0;
        for (int64_t j = 0; j < n; j++) {
            trace += k[i * n + j] * l[i * n + j];
            row_k += k[i * n + j];
            row_l += l[i * n + j];
        }
        of_k += row_k;
        of_l += row_l;
        cross += row_k * row_l;
    }
    const double m = (double)n;
    return trace + of_k * of_l / ((m - 1.0) * (m - 2.0)) - 2.0 * cross / (m - 2.0);
}

static void test_cka_keeps_its_digits_under_large_means(void **state)
{
    (void)state;
    enum { N = 32, P = 24 };
    float x[N * P];
    float y[N * P];
    pa_random r = {3};
    for (int i = 0; i < N * P; i++) {
        x[i] = (float)(100.0 + pa_random_normal(&r));
        y[i] = (float)(100.0 + pa_random_normal(&r));
    }
    double *k = centered_gram(x, N, P);
    double *l = centered_gram(y, N, P);
    const double expected = hsic1(k, l, N) / sqrt(hsic1(k, k, N) * hsic1(l, l, N));
    pa_matrix *m[2] = {NULL, NULL};
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_matrix_from_memory(ctx, x, PA_F32, N, P, &m[0], &err));
    assert_ok(pa_matrix_from_memory(ctx, y, PA_F32, N, P, &m[1], &err));
    assert_ok(pa_compute(ctx, "cka", "debiased: true", (const pa_matrix *const *)m, 2, &value, &err));
    assert_number(&value, expected, 1e-10);
    pa_value_clear(&value);
    pa_matrix_destroy(m[0]);
    pa_matrix_destroy(m[1]);
    free(k);
    free(l);
}

/* 50 random tokens twice: a head that looks at what came after the same token, and at itself where there is none.
 * The mean of the whole diagonal i - 49, with an entry for the last token of the first half, is 50/51 = 0.980, and the
 * share of all attention 0.5; of the positions that can match it is 1. */
static void test_an_ideal_induction_head_is_not_averaged_with_what_cannot_match(void **state)
{
    (void)state;
    enum { L = 50, T = 2 * L };
    double tokens[T];
    double *a = dense_new(T, T);
    double stripe = 0.0;
    for (int i = 0; i < T; i++) {
        tokens[i] = 7 * (i % L) % 1009;
        a[i * T + (i < L ? i : i - L + 1)] = 1.0;
    }
    for (int i = L - 1; i < T; i++) {
        stripe += a[i * T + i - L + 1] / (L + 1);
    }
    assert_close(stripe, 0.980, 5e-4);
    pa_value value = value_of_two("attention_pattern", "", a, T, tokens, 1, T);
    assert_number(&value, 1.0, 1e-15);
    assert_output(&value, "queries", L, 0.0);
    pa_value_clear(&value);
    free(a);
}

/* Stored in 16 bits, with more elements than 16 bits can count: a ramp of their type would overflow to NaN. */
static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_gini_counts_beyond_what_half_precision_can(void **state)
{
    (void)state;
    enum { N = 300, COUNT = N * N };
    uint16_t *half = calloc(COUNT, sizeof(*half));
    double *x = dense_new(N, N);
    pa_random r = {4};
    assert_non_null(half);
    for (int i = 0; i < COUNT; i++) {
        const uint64_t bits = pa_random_bits(&r);
        const int fraction = (int)(bits & 1023);
        const int exponent = 10 + (int)(bits >> 10 & 7); /* 2^-5 ... 2^2 */
        half[i] = (uint16_t)(exponent << 10 | fraction | (int)(bits >> 20 & 1) << 15);
        x[i] = ldexp(1.0 + fraction / 1024.0, exponent - 15);
    }
    qsort(x, COUNT, sizeof(*x), by_size);
    double ranked = 0.0;
    double sum = 0.0;
    for (int i = 0; i < COUNT; i++) {
        ranked += (2.0 * (i + 1) - COUNT - 1.0) * x[i];
        sum += x[i];
    }
    pa_matrix *m = NULL;
    pa_value value = PA_VALUE_INIT;
    assert_ok(pa_matrix_from_memory(ctx, half, PA_F16, N, N, &m, &err));
    assert_ok(pa_compute(ctx, "gini", "", (const pa_matrix *[]){m}, 1, &value, &err));
    assert_number(&value, ranked / (COUNT * sum), 1e-11);
    pa_value_clear(&value);
    pa_matrix_destroy(m);
    free(x);
    free(half);
}

/* Singular values that are exactly zero: 0 log 0 is 0, not NaN. p = (3/4, 1/4): exp(H) = 4 / 3^(3/4). */
static void test_a_spectrum_with_exact_zeros_has_an_effective_rank(void **state)
{
    (void)state;
    const double x[16] = {3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    assert_value(value_of("per", "", x, 4, 4), pow(3.0, -0.75), 1e-14);
    assert_value(value_of("effective_rank", "", x, 4, 4), 4.0 * pow(3.0, -0.75), 1e-14);
}

/* O V and V O of random heads, d = 64, head_dim = 8, have the same eigenvalues and yet hardly a number in common: one
 * draw gave nuclear norm 8.02 and 2.48, effective rank over head_dim 0.95 and 0.78, condition number 3.05
 * over the 8 that are not zero and 23.4. */
static void test_the_order_of_an_ov_circuit_s_factors_matters(void **state)
{
    (void)state;
    enum { D = 64, HEADS = 8, HD = 8, NUMPY_SEEDS = 200 };
    static const struct {
        const char *options;
        double nuclear, nuclear_deviation, rank, rank_deviation;
    } forms[2] = {{NULL, 7.6779, 0.3320, 0.9654, 0.0083}, {"compat: pico", 2.3214, 0.2431, 0.7755, 0.0420}};
    double *v = random_matrix(200, D, D);
    double *o = random_matrix(201, D, D);
    for (int i = 0; i < D * D; i++) {
        v[i] /= sqrt(D);
        o[i] /= sqrt(D);
    }
    pa_checkpoint *c = component_checkpoint(D, HEADS, HEADS);
    component_add(c, PA_WEIGHTS, "layers.0.attention.v_proj", v, D, D);
    component_add(c, PA_WEIGHTS, "layers.0.attention.o_proj", o, D, D);
    for (int form = 0; form < 2; form++) {
        const double error = 4.0 * sqrt(1.0 / HEADS + 1.0 / NUMPY_SEEDS);
        double nuclear = 0.0;
        double rank = 0.0;
        pa_parts *parts = component_build(c, "ov_circuit", PA_WEIGHTS, forms[form].options, 0);
        for (int64_t head = 0; head < HEADS; head++) {
            const pa_matrix *m = pa_parts_matrix(parts, head);
            pa_value value = PA_VALUE_INIT;
            assert_ok(pa_compute(ctx, "norm", "norm_type: nuclear", &m, 1, &value, &err));
            nuclear += value.value / HEADS;
            pa_value_clear(&value);
            assert_ok(pa_compute(ctx, "effective_rank", "", &m, 1, &value, &err));
            rank += value.value / (HD * HEADS);
            pa_value_clear(&value);
            assert_ok(pa_compute(ctx, "condition_number", "", &m, 1, &value, &err));
            assert_int_equal(value.state, form == 0 ? PA_STATE_SINGULAR : PA_STATE_OK);
            assert_int_equal(value.rank, HD);
            pa_value_clear(&value);
        }
        assert_within("the nuclear norm", nuclear, forms[form].nuclear, error * forms[form].nuclear_deviation);
        assert_within("the effective rank", rank, forms[form].rank, error * forms[form].rank_deviation);
        pa_parts_destroy(parts);
    }
    pa_checkpoint_destroy(c);
    free(o);
    free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_ranks_of_a_random_matrix_are_five_numbers),
        cmocka_unit_test(test_cka_of_unrelated_data_says_how_many_samples_there_are),
        cmocka_unit_test(test_canonical_correlations_of_unrelated_data_are_not_zero),
        cmocka_unit_test(test_cka_keeps_its_digits_under_large_means),
        cmocka_unit_test(test_an_ideal_induction_head_is_not_averaged_with_what_cannot_match),
        cmocka_unit_test(test_gini_counts_beyond_what_half_precision_can),
        cmocka_unit_test(test_a_spectrum_with_exact_zeros_has_an_effective_rank),
        cmocka_unit_test(test_the_order_of_an_ov_circuit_s_factors_matters),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
