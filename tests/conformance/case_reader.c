/* SPDX-License-Identifier: Apache-2.0 */
#include "case_reader.h"

#include <stdlib.h>
#include <string.h>

void case_die(const case_reader *r, const char *what)
{
    fprintf(stderr, "%s: %s\n", r->path, what);
    exit(2);
}

double *case_numbers(case_reader *r, int64_t count)
{
    double *x = calloc((size_t)(count > 0 ? count : 1), sizeof(*x));
    for (int64_t i = 0; i < count; i++) {
        if (x == NULL || fscanf(r->file, "%lf", &x[i]) != 1) {
            case_die(r, "numbers are missing");
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

static void read_matrix(case_reader *r)
{
    char dtype[8];
    long long rows = 0, cols = 0;
    pa_error err = {0};
    if (r->n_matrices == MAX_MATRICES) {
        case_die(r, "too many matrices");
    }
    named_matrix *m = &r->matrices[r->n_matrices++];
    if (fscanf(r->file, "%63s %7s %lld %lld", m->name, dtype, &rows, &cols) != 4) {
        case_die(r, "a malformed matrix");
    }
    double *x = case_numbers(r, rows * cols);
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
        case_die(r, err.message);
    }
    free(x);
}

const pa_matrix *case_find(const case_reader *r, const char *name)
{
    for (int i = 0; i < r->n_matrices; i++) {
        if (strcmp(r->matrices[i].name, name) == 0) {
            return r->matrices[i].matrix;
        }
    }
    case_die(r, "an unknown matrix");
    return NULL;
}

int case_file(const char *path, int (*other)(case_reader *r, const char *word))
{
    static case_reader r;
    pa_error err = {0};
    char word[16], line[512];
    r = (case_reader){.path = path, .file = fopen(path, "r")};
    if (r.file == NULL) {
        case_die(&r, "cannot be opened");
    }
    if (pa_context_create(NULL, &r.ctx, &err) != PA_OK) {
        case_die(&r, err.message);
    }
    while (fscanf(r.file, "%15s", word) == 1) {
        if (word[0] == '#') {
            (void)fgets(line, sizeof(line), r.file);
        } else if (strcmp(word, "matrix") == 0) {
            read_matrix(&r);
        } else if (!other(&r, word)) {
            case_die(&r, "neither a matrix nor a case");
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
