/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of 8 bits: every code of every type against ml_dtypes and the definitions (data/make_float8_files.py). */
#include "base/dtype.h"
#include "pa_test_files.h"

enum { N_TYPES = 5, N_CODES = 256 };

static const pa_dtype types[N_TYPES] = {PA_F8_E4M3FN, PA_F8_E5M2, PA_F8_E4M3FNUZ, PA_F8_E5M2FNUZ, PA_F8_E8M0FNU};
static double expected[N_TYPES][N_CODES];

static int read_codes(void **state)
{
    (void)state;
    char line[512];
    FILE *f = fopen(pa_test_data("float8/codes.txt"), "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f)); /* the heading */
    for (int code = 0; code < N_CODES; code++) {
        assert_non_null(fgets(line, sizeof(line), f));
        char *at = line;
        assert_int_equal(strtol(at, &at, 10), code);
        for (int t = 0; t < N_TYPES; t++) {
            char *end = at;
            expected[t][code] = strtod(at, &end);
            assert_ptr_not_equal(end, at);
            at = end;
        }
    }
    fclose(f);
    return 0;
}

static void test_every_code_means_what_the_definitions_say(void **state)
{
    (void)state;
    unsigned char codes[N_CODES];
    double out[N_CODES];
    for (int code = 0; code < N_CODES; code++) {
        codes[code] = (unsigned char)code;
    }
    for (int t = 0; t < N_TYPES; t++) {
        int64_t nonfinite = 0;
        const int64_t counted = pa_dtype_to_f64(types[t], 0, codes, 1, N_CODES, out);
        for (int code = 0; code < N_CODES; code++) {
            const double e = expected[t][code];
            nonfinite += !isfinite(e);
            if (isnan(e) ? !isnan(out[code]) : !(out[code] == e && !signbit(out[code]) == !signbit(e))) {
                fail_msg("%s, code %d: %a, expected %a", pa_dtype_name(types[t]), code, out[code], e);
            }
            if (isfinite(e)) { /* exact in single precision, too */
                assert_true((double)(float)out[code] == out[code]);
            }
        }
        assert_int_equal(counted, nonfinite);
    }
}

/* The roundoff decides ranks: it must be half the distance from 1 to the next number of the type. */
static void test_the_roundoff_is_half_the_spacing_of_one(void **state)
{
    (void)state;
    for (int t = 0; t < N_TYPES; t++) {
        double next = INFINITY;
        for (int code = 0; code < N_CODES; code++) {
            next = expected[t][code] > 1.0 ? fmin(next, expected[t][code]) : next;
        }
        assert_true(pa_dtype_roundoff(types[t]) == (next - 1.0) / 2.0);
        assert_int_equal(pa_dtype_size(types[t]), 1);
    }
}

static void test_names_are_known_and_numbers_beyond_are_not(void **state)
{
    (void)state;
    assert_string_equal(pa_dtype_name(PA_F8_E4M3FN), "f8_e4m3fn");
    assert_string_equal(pa_dtype_name(PA_F8_E8M0FNU), "f8_e8m0fnu");
    assert_string_equal(pa_dtype_name(PA_F8_E8M0FNU + 1), "?");
    assert_int_equal(pa_dtype_size(PA_F8_E8M0FNU + 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_means_what_the_definitions_say),
        cmocka_unit_test(test_the_roundoff_is_half_the_spacing_of_one),
        cmocka_unit_test(test_names_are_known_and_numbers_beyond_are_not),
    };
    return cmocka_run_group_tests(tests, read_codes, NULL);
}
