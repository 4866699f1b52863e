/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * What holds for every registered metric, with every choice of its options, on inputs of every awkward kind: it ends in
 * finite values or named states, repeats bit for bit, and does not see how its input is stored. */
#include <ctype.h>

#include "awkward.h"

typedef void (*check_fn)(const variant *v, const awkward *a, const awkward *b);

static void for_all(check_fn check)
{
    assert_true(pa_metric_count(ctx) > 0);
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        variant all[MAX_VARIANTS];
        const int n = variants_of(pa_metric_describe(ctx, i), all);
        for (int v = 0; v < n; v++) {
            for (int a = 0; a < N_INPUTS; a++) {
                for (int b = 0; b < (all[v].ops->n_inputs == 2 ? N_INPUTS : 1); b++) {
                    check(&all[v], &inputs[a], &inputs[b]);
                }
            }
        }
    }
}

/* Whether a word stands in a text by itself. */
static int has_word(const char *text, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        const int begins = at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '_');
        if (begins && !isalnum((unsigned char)at[length]) && at[length] != '_') {
            return 1;
        }
    }
    return 0;
}

/* One named output: a finite number, a named state, or an array without anything else; see value.h. */
static void check_output(const pa_output *output, const pa_metric_ops *ops, const char *what)
{
    int good = output->name[0] != '\0' && output->state > PA_STATE_UNSET && output->state <= PA_STATE_UNSUPPORTED;
    good = good && (output->state == PA_STATE_OK ? isfinite(output->number) : output->number == 0.0);
    for (int64_t i = 0; i < output_elements(output); i++) {
        good = good && isfinite(output->numbers[i]);
    }
    if (!good) {
        fail_msg("%s: output %s is %g, %s", what, output->name, output->number, pa_state_name(output->state));
    }
    if (!has_word(ops->outputs, output->name)) {
        fail_msg("%s: output %s is not in the description of the metric", what, output->name);
    }
}

static void check_value(const pa_value *value, const variant *v, const awkward *a, const char *what)
{
    const int named = value->state > PA_STATE_UNSET && value->state <= PA_STATE_UNSUPPORTED;
    const int settled = value->state == PA_STATE_OK ? isfinite(value->value) && value->definition[0] != '\0'
                                                    : value->value == 0.0 && value->note[0] != '\0';
    if (!named || !settled || value->n != a->rows || value->p != a->cols) {
        fail_msg("%s (%s) of %s: value %g, state %s, note '%s'", v->ops->name, v->options, what, value->value,
                 pa_state_name(value->state), value->note);
    }
    for (int64_t i = 0; i < pa_value_output_count(value); i++) {
        const pa_output output = output_at(value, i);
        check_output(&output, v->ops, what);
    }
}

static int has_value(const variant *v, const awkward *a, const awkward *b)
{
    double *x = make(a, 1);
    double *y = make(b, 2);
    pa_matrix *mx = packed(x, a);
    pa_matrix *my = packed(y, b);
    pa_value value = compute(v, mx, my, a->name);
    const int found = value.state == PA_STATE_OK;
    pa_value_clear(&value);
    pa_matrix_destroy(mx);
    pa_matrix_destroy(my);
    free(x);
    free(y);
    return found;
}

static void check_total(const variant *v, const awkward *a, const awkward *b)
{
    double *x = make(a, 1);
    double *y = make(b, 2);
    pa_matrix *mx = packed(x, a);
    pa_matrix *my = packed(y, b);
    pa_matrix *fresh = packed(x, a);
    char what[128];
    (void)snprintf(what, sizeof(what), "%s and %s", a->name, b->name);
    pa_value value = compute(v, mx, my, what);
    check_value(&value, v, a, what);
    pa_value again = compute(v, mx, my, what); /* all from the memo */
    assert_same_values(&value, &again, v, what);
    value = compute(v, mx, my, what);
    pa_value anew = compute(v, fresh, my, what);
    assert_same_values(&value, &anew, v, what);
    pa_matrix_destroy(fresh);
    pa_matrix_destroy(mx);
    pa_matrix_destroy(my);
    free(x);
    free(y);
}

static void test_every_input_ends_in_a_value_or_a_named_state(void **state)
{
    (void)state;
    for_all(check_total);
}

/* The same elements three apart, NaN between them; the array is the caller's. */
static pa_matrix *with_gaps(const double *x, const awkward *a, double **gaps)
{
    pa_matrix *m = NULL;
    *gaps = dense_new(a->rows, 3 * a->cols);
    for (int64_t i = 0; i < a->rows * 3 * a->cols; i++) {
        (*gaps)[i] = i % 3 == 0 ? x[i / 3] : NAN;
    }
    assert_ok(pa_matrix_borrow(ctx, *gaps, PA_F64, a->rows, a->cols, 3 * a->cols, 3, &m, &err));
    return m;
}

static pa_matrix *by_columns(const double *x, const awkward *a, double **columns)
{
    pa_matrix *m = NULL;
    *columns = dense_transpose(x, a->rows, a->cols);
    assert_ok(pa_matrix_borrow(ctx, *columns, PA_F64, a->rows, a->cols, 1, a->rows, &m, &err));
    return m;
}

/* Both inputs, each stored in every other way. */
static void check_strides(const variant *v, const awkward *a, const awkward *b)
{
    if (a->rows == 0 || a->cols == 0 || b->rows == 0 || b->cols == 0) {
        return;
    }
    double *x = make(a, 1);
    double *y = make(b, 2);
    double *arrays[4];
    pa_matrix *plain[2] = {packed(x, a), packed(y, b)};
    pa_matrix *odd[2][2] = {{with_gaps(x, a, &arrays[0]), by_columns(x, a, &arrays[1])},
                            {by_columns(y, b, &arrays[2]), with_gaps(y, b, &arrays[3])}};
    for (int i = 0; i < 2; i++) {
        pa_value expected = compute(v, plain[0], plain[1], a->name);
        pa_value got = compute(v, odd[0][i], odd[1][i], a->name);
        assert_same_values(&got, &expected, v, a->name);
    }
    for (int i = 0; i < 2; i++) {
        pa_matrix_destroy(plain[i]);
        pa_matrix_destroy(odd[i][0]);
        pa_matrix_destroy(odd[i][1]);
    }
    for (int i = 0; i < 4; i++) {
        free(arrays[i]);
    }
    free(y);
    free(x);
}

static void test_strides_do_not_matter(void **state)
{
    (void)state;
    for_all(check_strides);
}

/* The numbers of `x` as bfloat16 and, from there, as f32. */
static void make_coarse(const double *x, const awkward *a, pa_matrix **coarse, pa_matrix **fine)
{
    const int64_t count = a->rows * a->cols;
    uint16_t *halves = calloc((size_t)count + 1, sizeof(*halves));
    float *floats = calloc((size_t)count + 1, sizeof(*floats));
    assert_true(halves != NULL && floats != NULL);
    for (int64_t i = 0; i < count; i++) {
        const float value = (float)x[i];
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        halves[i] = (uint16_t)(bits >> 16);
        bits = (uint32_t)halves[i] << 16;
        memcpy(&floats[i], &bits, sizeof(bits));
    }
    assert_ok(pa_matrix_from_memory(ctx, halves, PA_BF16, a->rows, a->cols, coarse, &err));
    assert_ok(pa_matrix_from_memory(ctx, floats, PA_F32, a->rows, a->cols, fine, &err));
    free(halves);
    free(floats);
}

/* bfloat16 and the same numbers as f32: the value agrees bit for bit; only the provenance differs. */
static void check_bfloat16(const variant *v, const awkward *a, const awkward *b)
{
    double *x = make(a, 1);
    double *y = make(b, 2);
    pa_matrix *coarse[2] = {NULL, NULL};
    pa_matrix *fine[2] = {NULL, NULL};
    make_coarse(x, a, &coarse[0], &fine[0]);
    make_coarse(y, b, &coarse[1], &fine[1]);
    pa_value from_coarse = compute(v, coarse[0], coarse[1], a->name);
    pa_value from_fine = compute(v, fine[0], fine[1], a->name);
    from_coarse.dtype = from_fine.dtype;
    from_coarse.rank_storage = from_fine.rank_storage;
    assert_same_values(&from_coarse, &from_fine, v, a->name);
    for (int i = 0; i < 2; i++) {
        pa_matrix_destroy(coarse[i]);
        pa_matrix_destroy(fine[i]);
    }
    free(y);
    free(x);
}

static void test_bfloat16_equals_its_upcast(void **state)
{
    (void)state;
    for_all(check_bfloat16);
}

static void check_symmetry(const variant *v, const awkward *a, const awkward *b)
{
    if ((v->ops->flags & PA_METRIC_SYMMETRIC) == 0) {
        return;
    }
    double *x = make(a, 1);
    double *y = make(b, 2);
    pa_matrix *mx = packed(x, a);
    pa_matrix *my = packed(y, b);
    pa_value forth = compute(v, mx, my, a->name);
    pa_value back = compute(v, my, mx, a->name);
    assert_string_equal(pa_state_name(back.state), pa_state_name(forth.state));
    assert_close(back.value, forth.value, 1e-9);
    pa_value_clear(&forth);
    pa_value_clear(&back);
    pa_matrix_destroy(my);
    pa_matrix_destroy(mx);
    free(y);
    free(x);
}

static void test_the_order_does_not_matter_where_a_metric_says_so(void **state)
{
    (void)state;
    for_all(check_symmetry);
}

/* A product of factors and its elements: another way to the same value. */
static void check_structure(const variant *v, const awkward *a, const awkward *b)
{
    enum { N = 24, K = 3, P = 9 };
    static const awkward left = {"left", N, K, make_normal};
    static const awkward right = {"right", K, P, make_normal};
    static const awkward whole = {"a product", N, P, make_normal};
    if (a != &inputs[0] || b != &inputs[0]) {
        return;
    }
    double *l = make(&left, 3);
    double *r = make(&right, 4);
    double *lr = dense_product(l, r, N, K, P);
    double *y = make(&whole, 5);
    pa_matrix *factors[2] = {packed(l, &left), packed(r, &right)};
    pa_matrix *dense = packed(lr, &whole);
    pa_matrix *my = packed(y, &whole);
    pa_matrix *product = NULL;
    assert_ok(pa_matrix_product(factors[0], factors[1], &product, &err));
    pa_value structured = compute(v, product, my, whole.name);
    pa_value formed = compute(v, dense, my, whole.name);
    if (structured.state != formed.state ||
        !(fabs(structured.value - formed.value) <= 1e-7 * fabs(formed.value) + 1e-9)) {
        fail_msg("%s (%s): %.17g (%s) from factors, %.17g (%s) from elements", v->ops->name, v->options,
                 structured.value, pa_state_name(structured.state), formed.value, pa_state_name(formed.state));
    }
    assert_int_equal(pa_value_output_count(&structured), pa_value_output_count(&formed));
    pa_value_clear(&structured);
    pa_value_clear(&formed);
    pa_matrix_destroy(product);
    pa_matrix_destroy(my);
    pa_matrix_destroy(dense);
    pa_matrix_destroy(factors[0]);
    pa_matrix_destroy(factors[1]);
    free(y);
    free(lr);
    free(r);
    free(l);
}

static void test_structure_does_not_matter(void **state)
{
    (void)state;
    for_all(check_structure);
}

static void assert_said(const char *name, const char *field, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        fail_msg("'%s' says nothing about its %s", name, field);
    }
}

static void test_the_catalogue_is_complete(void **state)
{
    (void)state;
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        const pa_metric_ops *ops = pa_metric_describe(ctx, i);
        assert_said(ops->name, "description", ops->description);
        assert_said(ops->name, "formula", ops->formula);
        assert_said(ops->name, "shape", ops->shape);
        assert_said(ops->name, "range", ops->range);
        assert_said(ops->name, "invariance", ops->invariance);
        assert_said(ops->name, "cost", ops->cost);
        assert_said(ops->name, "states", ops->states);
        assert_said(ops->name, "questions (asks)", ops->asks != NULL ? "yes" : "");
        for (int64_t k = 0; k < ops->n_options; k++) {
            assert_said(ops->name, ops->options[k].name, ops->options[k].help);
        }
    }
    for (int64_t i = 0; i < pa_component_count(ctx); i++) {
        const pa_component_ops *ops = pa_component_describe(ctx, i);
        assert_said(ops->name, "description", ops->description);
        assert_said(ops->name, "formula", ops->formula);
        assert_said(ops->name, "shape", ops->shape);
        for (int64_t k = 0; k < ops->n_options; k++) {
            assert_said(ops->name, ops->options[k].name, ops->options[k].help);
        }
    }
}

/* What is unsupported everywhere is tested nowhere. */
static void test_every_metric_has_a_value_somewhere(void **state)
{
    (void)state;
    for (int64_t i = 0; i < pa_metric_count(ctx); i++) {
        variant all[MAX_VARIANTS];
        const int n = variants_of(pa_metric_describe(ctx, i), all);
        for (int v = 0; v < n; v++) {
            int found = strstr(all[v].options, "compat: pico") != NULL; /* may have none by its definition */
            for (int a = 0; a < N_INPUTS && !found; a++) {
                for (int b = 0; b < (all[v].ops->n_inputs == 2 ? N_INPUTS : 1) && !found; b++) {
                    found = has_value(&all[v], &inputs[a], &inputs[b]);
                }
            }
            if (!found) {
                fail_msg("%s (%s) has a value of no input", all[v].ops->name, all[v].options);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_input_ends_in_a_value_or_a_named_state),
        cmocka_unit_test(test_strides_do_not_matter),
        cmocka_unit_test(test_bfloat16_equals_its_upcast),
        cmocka_unit_test(test_the_order_does_not_matter_where_a_metric_says_so),
        cmocka_unit_test(test_structure_does_not_matter),
        cmocka_unit_test(test_the_catalogue_is_complete),
        cmocka_unit_test(test_every_metric_has_a_value_somewhere),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
