/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * attention_pattern: what ideal heads score, and what is refused. */
#include "pa_output_test.h"

enum { LENGTH = 25, TIMES = 4, T = 1 + LENGTH * TIMES };

/* The test input of the paper: a first token, then a random sequence, repeated. */
static void make_tokens(double *tokens)
{
    tokens[0] = -1.0;
    for (int i = 1; i < T; i++) {
        tokens[i] = (double)((37 * ((i - 1) % LENGTH)) % 1009);
    }
}

/* Where position i looks: the places of its token before, moved by `shift`, in equal parts; else the first one. */
static double *make_pattern(const double *tokens, int64_t n, int64_t shift)
{
    double *a = dense_new(n, n);
    for (int64_t i = 0; i < n; i++) {
        double found = 0.0;
        for (int64_t j = 0; j < i; j++) {
            found += tokens[j] == tokens[i] && j + shift >= 0;
        }
        for (int64_t j = 0; j < i; j++) {
            if (tokens[j] == tokens[i] && j + shift >= 0) {
                a[i * n + j + shift] += 1.0 / found;
            }
        }
        a[i * n] += found > 0.0 ? 0.0 : 1.0;
    }
    return a;
}

static pa_value pattern_value(const double *a, const double *tokens, int64_t n)
{
    return value_of_two("attention_pattern", "", a, n, tokens, 1, n);
}

static void test_an_ideal_induction_head_scores_one(void **state)
{
    (void)state;
    double tokens[T];
    make_tokens(tokens);
    double *a = make_pattern(tokens, T, 1);
    pa_value value = pattern_value(a, tokens, T);
    assert_number(&value, 1.0, 1e-14);
    assert_output(&value, "queries", LENGTH * (TIMES - 1), 0.0);
    assert_output(&value, "duplicate_token", 0.0, 0.0);
    assert_output(&value, "anti_induction", 0.0, 0.0);
    pa_value_clear(&value);
    free(a);
}

static void test_other_ideal_heads_score_one_elsewhere(void **state)
{
    (void)state;
    double tokens[T];
    make_tokens(tokens);
    double *a = make_pattern(tokens, T, 0);
    pa_value value = pattern_value(a, tokens, T);
    assert_number(&value, 0.0, 0.0);
    assert_output(&value, "duplicate_token", 1.0, 1e-14);
    pa_value_clear(&value);
    free(a);
    a = make_pattern(tokens, T, -1);
    value = pattern_value(a, tokens, T);
    assert_number(&value, 0.0, 0.0);
    assert_output(&value, "anti_induction", 1.0, 1e-14);
    pa_value_clear(&value);
    memset(a, 0, sizeof(*a) * T * T);
    for (int i = 0; i < T; i++) {
        a[i * T + (i > 0 ? i - 1 : 0)] = 1.0;
    }
    value = pattern_value(a, tokens, T);
    assert_output(&value, "previous_token", 1.0, 1e-15);
    assert_output(&value, "sink_mass", 2.0 / T, 1e-15);
    assert_output(&value, "distance", (double)(T - 1) / T, 1e-15);
    assert_output(&value, "entropy", 0.0, 0.0);
    pa_value_clear(&value);
    free(a);
}

/* Row i spread over i + 1 places: the most entropy there is, and known chances for all sets. */
static void test_uniform_attention_has_full_entropy(void **state)
{
    (void)state;
    enum { N = 12 };
    double a[N * N] = {0};
    double tokens[N];
    double entropy = 0.0;
    for (int i = 0; i < N; i++) {
        tokens[i] = i % (N / 2);
        entropy += log(i + 1.0) / N;
        for (int j = 0; j <= i; j++) {
            a[i * N + j] = 1.0 / (i + 1.0);
        }
    }
    double chance = 0.0;
    for (int i = N / 2; i < N; i++) {
        chance += 1.0 / (i + 1.0) / (N / 2.0);
    }
    pa_value value = pattern_value(a, tokens, N);
    assert_number(&value, chance, 1e-14);
    assert_output(&value, "queries", N / 2.0, 0.0);
    assert_output(&value, "duplicate_token", chance, 1e-14);
    assert_output(&value, "entropy", entropy, 1e-14);
    assert_output(&value, "entropy_normalized", 1.0, 1e-14);
    pa_value_clear(&value);
    for (int i = 0; i < N; i++) {
        tokens[i] = 1e15 - 3.0 * tokens[i]; /* other names for the same */
    }
    value = pattern_value(a, tokens, N);
    assert_number(&value, chance, 1e-14);
    pa_value_clear(&value);
}

static void check_state(const double *a, const double *tokens, int64_t n, pa_state expected)
{
    pa_value value = pattern_value(a, tokens, n);
    assert_string_equal(pa_state_name(value.state), pa_state_name(expected));
    assert_true(value.value == 0.0 && value.note[0] != '\0');
    pa_value_clear(&value);
}

static void test_undefined_inputs_have_named_states(void **state)
{
    (void)state;
    const double tokens[2] = {4, 4};
    check_state((const double[]){1, 0, 0.4, 0.592}, tokens, 2, PA_STATE_UNSUPPORTED);
    check_state((const double[]){1, 0, -0.4, 1.4}, tokens, 2, PA_STATE_UNSUPPORTED);
    check_state((const double[]){1e308, 1e308, 1e308, 1e308}, tokens, 2, PA_STATE_UNSUPPORTED);
    check_state((const double[]){1, 0, NAN, 1}, tokens, 2, PA_STATE_NONFINITE);
    check_state((const double[]){1, 0, 0, 1}, (const double[]){4, INFINITY}, 2, PA_STATE_NONFINITE);
    pa_value value = pattern_value((const double[]){1, 0, 0.4, 0.593}, tokens, 2); /* within 2^-7 */
    assert_number(&value, 0.593, 1e-15);
    pa_value_clear(&value);
    value = pattern_value((const double[]){1, 0, 0.25, 0.75}, (const double[]){4, 5}, 2);
    assert_int_equal(value.state, PA_STATE_EMPTY);
    assert_output(&value, "queries", 0.0, 0.0);
    assert_output_undefined(&value, "duplicate_token", PA_STATE_EMPTY);
    assert_output(&value, "previous_token", 0.25, 1e-15);
    pa_value_clear(&value);
    value = pattern_value((const double[]){1}, tokens, 1);
    assert_output_undefined(&value, "previous_token", PA_STATE_EMPTY);
    assert_output(&value, "sink_mass", 1.0, 0.0);
    pa_value_clear(&value);
    value = value_of_two("attention_pattern", "", tokens, 1, tokens, 1, 2);
    assert_int_equal(value.state, PA_STATE_UNSUPPORTED);
    pa_value_clear(&value);
}

/* The nearest bfloat16, ties away from zero. */
static uint16_t to_bf16(double x)
{
    const float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, sizeof(bits));
    return (uint16_t)((bits + 0x8000u) >> 16);
}

/* Rows of rounded elements add up to 1 but for the rounding of each. */
static void test_patterns_in_bfloat16_are_patterns(void **state)
{
    (void)state;
    enum { N = 14 };
    uint16_t pattern[N * N] = {0};
    double tokens[N];
    double off = 0.0;
    for (int i = 0; i < N; i++) {
        double sum = 0.0;
        tokens[i] = i % 5;
        for (int j = 0; j <= i; j++) {
            const uint32_t bits = (uint32_t)(pattern[i * N + j] = to_bf16(1.0 / (i + 1.0))) << 16;
            float element;
            memcpy(&element, &bits, sizeof(element));
            sum += (double)element;
        }
        off = fmax(off, fabs(sum - 1.0));
    }
    assert_true(off > 1e-3); /* else this shows nothing */
    for (int wrong = 0; wrong < 2; wrong++) {
        pa_matrix *in[2] = {NULL, NULL};
        pa_value value = PA_VALUE_INIT;
        pattern[N] = wrong ? to_bf16(0.99) : pattern[N]; /* row 1: 0.99 + 0.5 */
        assert_ok(pa_matrix_from_memory(ctx, pattern, PA_BF16, N, N, &in[0], &err));
        assert_ok(pa_matrix_from_memory(ctx, tokens, PA_F64, N, 1, &in[1], &err));
        assert_ok(pa_compute(ctx, "attention_pattern", "", (const pa_matrix *const *)in, 2, &value, &err));
        assert_int_equal(value.state, wrong ? PA_STATE_UNSUPPORTED : PA_STATE_OK);
        if (wrong) {
            assert_non_null(strstr(value.note, "row 1 adds up to 1.4"));
        }
        pa_value_clear(&value);
        pa_matrix_destroy(in[0]);
        pa_matrix_destroy(in[1]);
    }
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    const double a[9] = {1, 0, 0, 0.5, 0.5, 0, 0.25, 0.25, 0.5};
    const double tokens[3] = {1, 2, 1};
    pa_test_oom_sweep(
        outputs_under_pressure,
        &(output_case){.name = "attention_pattern", .options = "", .x = a, .y = tokens, .n = 3, .p = 3, .q = 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_ideal_induction_head_scores_one),
        cmocka_unit_test(test_other_ideal_heads_score_one_elsewhere),
        cmocka_unit_test(test_uniform_attention_has_full_entropy),
        cmocka_unit_test(test_undefined_inputs_have_named_states),
        cmocka_unit_test(test_patterns_in_bfloat16_are_patterns),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
