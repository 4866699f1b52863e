/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Metrics against what an independent NumPy implementation says: tests/data/reference/cases/, written by cases_*.py.
 *
 *     test_reference_cases FILE...
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <picoanalyze/picoanalyze.h>

enum { MAX_MATRICES = 400, MAX_INPUTS = 2 };

typedef struct named_matrix {
    char name[64];
    pa_matrix *matrix;
} named_matrix;

typedef struct reader {
    FILE *file;
    const char *path;
    pa_context *ctx;
    named_matrix matrices[MAX_MATRICES];
    int n_matrices;
    int cases;
    int wrong;
} reader;

static void die(const reader *r, const char *what)
{
    fprintf(stderr, "%s: %s\n", r->path, what);
    exit(2);
}

static double *read_numbers(reader *r, int64_t count)
{
    double *x = calloc((size_t)(count > 0 ? count : 1), sizeof(*x));
    for (int64_t i = 0; i < count; i++) {
        if (x == NULL || fscanf(r->file, "%lf", &x[i]) != 1) {
            die(r, "numbers are missing");
        }
    }
    return x;
}

static uint16_t to_bf16(double x)
{
    const float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, sizeof(bits));
    return (uint16_t)(bits >> 16);
}

static void read_matrix(reader *r)
{
    char dtype[8];
    long long rows = 0, cols = 0;
    pa_error err = {0};
    if (r->n_matrices == MAX_MATRICES) {
        die(r, "too many matrices");
    }
    named_matrix *m = &r->matrices[r->n_matrices++];
    if (fscanf(r->file, "%63s %7s %lld %lld", m->name, dtype, &rows, &cols) != 4) {
        die(r, "a malformed matrix");
    }
    double *x = read_numbers(r, rows * cols);
    void *data = x;
    pa_dtype type = PA_F64;
    if (strcmp(dtype, "f32") == 0) {
        type = PA_F32;
        for (long long i = 0; i < rows * cols; i++) {
            const float f = (float)x[i];
            memcpy((char *)data + 4 * i, &f, 4);
        }
    } else if (strcmp(dtype, "bf16") == 0) {
        type = PA_BF16;
        for (long long i = 0; i < rows * cols; i++) {
            const uint16_t b = to_bf16(x[i]);
            memcpy((char *)data + 2 * i, &b, 2);
        }
    }
    if (pa_matrix_from_memory(r->ctx, data, type, rows, cols, &m->matrix, &err) != PA_OK) {
        die(r, err.message);
    }
    free(x);
}

static const pa_matrix *find_matrix(const reader *r, const char *name)
{
    for (int i = 0; i < r->n_matrices; i++) {
        if (strcmp(r->matrices[i].name, name) == 0) {
            return r->matrices[i].matrix;
        }
    }
    die(r, "an unknown matrix");
    return NULL;
}

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

static void complain(reader *r, int number, const char *metric, const char *name, const char *what)
{
    fprintf(stderr, "%s: case %d, %s, %s: %s\n", r->path, number, metric, name, what);
    r->wrong++;
}

static void check_expected(reader *r, const char *kind, int number, const char *metric, double rtol,
                           const pa_value *value)
{
    char name[64], state[32], text[160];
    pa_output got;
    if (fscanf(r->file, "%63s", name) != 1) {
        die(r, "a malformed expectation");
    }
    const int there = output_of(value, name, &got);
    if (!there) {
        complain(r, number, metric, name, "there is no such output");
        got = (pa_output){.struct_size = sizeof(got)};
    }
    if (strcmp(kind, "state") == 0) {
        if (fscanf(r->file, "%31s", state) != 1) {
            die(r, "a malformed state");
        }
        if (there && strcmp(pa_state_name(got.state), state) != 0) {
            (void)snprintf(text, sizeof(text), "%s, expected %s", pa_state_name(got.state), state);
            complain(r, number, metric, name, text);
        }
    } else if (strcmp(kind, "number") == 0) {
        double *expected = read_numbers(r, 1);
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
            die(r, "a malformed array");
        }
        same = got.ndim == ndim;
        for (long long i = 0; i < ndim; i++) {
            if (fscanf(r->file, "%lld", &shape[i]) != 1) {
                die(r, "a malformed shape");
            }
            same = same && got.shape[i] == shape[i];
            count *= shape[i];
        }
        double *expected = read_numbers(r, count);
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
        die(r, "an unknown kind of expectation");
    }
}

static void read_case(reader *r)
{
    char metric[64], line[512], options[512] = "";
    double rtol = 0.0;
    int number = 0, n_inputs = 0;
    const pa_matrix *in[MAX_INPUTS] = {NULL};
    pa_value value = PA_VALUE_INIT;
    pa_error err = {0};
    if (fscanf(r->file, "%d %63s %lf", &number, metric, &rtol) != 3 || fgets(line, sizeof(line), r->file) == NULL) {
        die(r, "a malformed case");
    }
    for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        if (n_inputs == MAX_INPUTS) {
            die(r, "too many inputs");
        }
        in[n_inputs++] = find_matrix(r, word);
    }
    if (fgets(line, sizeof(line), r->file) == NULL || strncmp(line, "options", 7) != 0) {
        die(r, "no options");
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

static int check_file(const char *path)
{
    static reader r;
    pa_error err = {0};
    char word[16], line[512];
    r = (reader){.path = path, .file = fopen(path, "r")};
    if (r.file == NULL) {
        die(&r, "cannot be opened");
    }
    if (pa_context_create(NULL, &r.ctx, &err) != PA_OK) {
        die(&r, err.message);
    }
    while (fscanf(r.file, "%15s", word) == 1) {
        if (word[0] == '#') {
            (void)fgets(line, sizeof(line), r.file);
        } else if (strcmp(word, "matrix") == 0) {
            read_matrix(&r);
        } else if (strcmp(word, "case") == 0) {
            read_case(&r);
        } else {
            die(&r, "neither a matrix nor a case");
        }
    }
    for (int i = 0; i < r.n_matrices; i++) {
        pa_matrix_destroy(r.matrices[i].matrix);
    }
    pa_context_destroy(r.ctx);
    (void)fclose(r.file);
    printf("%s: %d cases, %d wrong\n", path, r.cases, r.wrong);
    return r.wrong > 0 || r.cases == 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++) {
        failed |= check_file(argv[i]);
    }
    return failed;
}
