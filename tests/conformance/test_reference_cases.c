/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Metrics against what an independent NumPy implementation says: tests/data/reference/cases/, written by cases_*.py.
 *
 *     test_reference_cases FILE...
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case_reader.h"

enum { MAX_INPUTS = 2 };

static int is_close(double got, double expected, double rtol)
{
    return fabs(got - expected) <= rtol * fabs(expected) + 1e-12;
}

/* The output of that name, or the value itself. */
static int output_of(const pa_value *value, const char *name, pa_output *out)
{
    *out = (pa_output){.struct_size = sizeof(*out), .name = name, .state = value->state, .number = value->value};
    return strcmp(name, "value") == 0 || pa_value_find_output(value, name, out, NULL) == PA_OK;
}

static void complain(case_reader *r, int number, const char *metric, const char *name, const char *what)
{
    fprintf(stderr, "%s: case %d, %s, %s: %s\n", r->path, number, metric, name, what);
    r->wrong++;
}

static void check_expected(case_reader *r, const char *kind, int number, const char *metric, double rtol,
                           const pa_value *value)
{
    char name[64], state[32], text[160];
    pa_output got;
    if (fscanf(r->file, "%63s", name) != 1) {
        case_die(r, "a malformed expectation");
    }
    const int there = output_of(value, name, &got);
    if (!there) {
        complain(r, number, metric, name, "there is no such output");
        got = (pa_output){.struct_size = sizeof(got)};
    }
    if (strcmp(kind, "state") == 0) {
        if (fscanf(r->file, "%31s", state) != 1) {
            case_die(r, "a malformed state");
        }
        if (there && strcmp(pa_state_name(got.state), state) != 0) {
            (void)snprintf(text, sizeof(text), "%s, expected %s", pa_state_name(got.state), state);
            complain(r, number, metric, name, text);
        }
    } else if (strcmp(kind, "number") == 0) {
        double *expected = case_numbers(r, 1);
        if (there && (got.ndim != 0 || got.state != PA_STATE_OK || !is_close(got.number, *expected, rtol))) {
            (void)snprintf(text, sizeof(text), "%.17g (%s), expected %.17g", got.number, pa_state_name(got.state),
                           *expected);
            complain(r, number, metric, name, text);
        }
        free(expected);
    } else if (strcmp(kind, "array") == 0) {
        long long ndim = 0, shape[PA_OUTPUT_MAX_DIMS] = {0};
        int64_t count = 1;
        int same = 1;
        if (fscanf(r->file, "%lld", &ndim) != 1 || ndim < 1 || ndim > PA_OUTPUT_MAX_DIMS) {
            case_die(r, "a malformed array");
        }
        same = got.ndim == ndim;
        for (long long i = 0; i < ndim; i++) {
            if (fscanf(r->file, "%lld", &shape[i]) != 1) {
                case_die(r, "a malformed shape");
            }
            same = same && got.shape[i] == shape[i];
            count *= shape[i];
        }
        double *expected = case_numbers(r, count);
        if (there && !same) {
            complain(r, number, metric, name, "another shape");
        }
        for (int64_t i = 0; same && i < count; i++) {
            if (!is_close(got.numbers[i], expected[i], rtol)) {
                (void)snprintf(text, sizeof(text), "[%lld] is %.17g, expected %.17g", (long long)i, got.numbers[i],
                               expected[i]);
                complain(r, number, metric, name, text);
            }
        }
        free(expected);
    } else {
        case_die(r, "an unknown kind of expectation");
    }
}

static void read_case(case_reader *r)
{
    char metric[64], line[512], options[512] = "";
    double rtol = 0.0;
    int number = 0, n_inputs = 0;
    const pa_matrix *in[MAX_INPUTS] = {NULL};
    pa_value value = PA_VALUE_INIT;
    pa_error err = {0};
    if (fscanf(r->file, "%d %63s %lf", &number, metric, &rtol) != 3 || fgets(line, sizeof(line), r->file) == NULL) {
        case_die(r, "a malformed case");
    }
    for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        if (n_inputs == MAX_INPUTS) {
            case_die(r, "too many inputs");
        }
        in[n_inputs++] = case_find(r, word);
    }
    if (fgets(line, sizeof(line), r->file) == NULL || strncmp(line, "options", 7) != 0) {
        case_die(r, "no options");
    }
    (void)sscanf(line, "options %511[^\n]", options); /* nothing to read: the defaults */
    r->cases++;
    if (pa_compute(r->ctx, metric, options, in, n_inputs, &value, &err) != PA_OK) {
        complain(r, number, metric, "value", err.message);
    }
    char kind[16];
    while (fscanf(r->file, "%15s", kind) == 1 && strcmp(kind, "end") != 0) {
        check_expected(r, kind, number, metric, rtol, &value);
    }
    pa_value_clear(&value);
}

static int read_line(case_reader *r, const char *word)
{
    const int is_case = strcmp(word, "case") == 0;
    if (is_case) {
        read_case(r);
    }
    return is_case;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++) {
        failed |= case_file(argv[i], read_line);
    }
    return failed;
}
