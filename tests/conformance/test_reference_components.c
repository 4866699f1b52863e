/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Components against what an independent NumPy implementation makes of the same tensors:
 * tests/data/reference/cases/components.txt, written by cases_components.py, which says what is in it.
 *
 *     test_reference_components FILE
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "case_reader.h"

static const double TOLERANCE = 1e-12; /* of the largest element expected */

/* The checkpoints that components are built from. */
static struct {
    pa_checkpoint *now;
    pa_checkpoint *then;
} made;

static char building[160]; /* the line of the component that is looked at, for complaints */

static void complain(case_reader *r, const char *key, const char *what)
{
    fprintf(stderr, "%s: case%s, %s: %s\n", r->path, building, key, what);
    r->wrong++;
}

static void read_model(case_reader *r)
{
    long long sizes[4] = {0};
    pa_error err = {0};
    if (fscanf(r->file, "%lld %lld %lld %lld", &sizes[0], &sizes[1], &sizes[2], &sizes[3]) != 4) {
        case_die(r, "a malformed model");
    }
    const pa_model model = {.struct_size = sizeof(model),
                            .d_model = sizes[0],
                            .n_layers = sizes[1],
                            .n_heads = sizes[2],
                            .n_kv_heads = sizes[3]};
    if (pa_checkpoint_create(r->ctx, 20, &model, &made.now, &err) != PA_OK ||
        pa_checkpoint_create(r->ctx, 10, &model, &made.then, &err) != PA_OK) {
        case_die(r, err.message);
    }
}

static pa_checkpoint *checkpoint_of(const case_reader *r, const char *name)
{
    pa_checkpoint *c = strcmp(name, "now") == 0 ? made.now : strcmp(name, "then") == 0 ? made.then : NULL;
    if (c == NULL) {
        case_die(r, "an unknown checkpoint");
    }
    return c;
}

static pa_kind kind_of(const case_reader *r, const char *name)
{
    for (pa_kind kind = PA_WEIGHTS; kind <= PA_ATTENTION; kind++) {
        if (strcmp(pa_kind_name(kind), name) == 0) {
            return kind;
        }
    }
    case_die(r, "an unknown kind");
    return PA_WEIGHTS;
}

static void read_tensor(case_reader *r)
{
    char checkpoint[8], split[8], kind[16], name[64], matrix[64];
    pa_error err = {0};
    if (fscanf(r->file, "%7s %7s %15s %63s %63s", checkpoint, split, kind, name, matrix) != 5) {
        case_die(r, "a malformed tensor");
    }
    if (pa_checkpoint_add(checkpoint_of(r, checkpoint), split, kind_of(r, kind), name, case_find(r, matrix), &err) !=
        PA_OK) {
        case_die(r, err.message);
    }
}

/* The largest difference over the largest expected magnitude; infinite when something is not a number. */
static double distance(const double *got, const double *expected, int64_t count)
{
    double difference = 0.0;
    double scale = 0.0;
    for (int64_t i = 0; i < count; i++) {
        const double d = fabs(got[i] - expected[i]);
        difference = isfinite(d) ? fmax(difference, d) : INFINITY;
        scale = fmax(scale, fabs(expected[i]));
    }
    return difference / scale; /* nothing that is expected is zero */
}

static const double *values_of(const case_reader *r, const pa_matrix *m)
{
    const double *values = NULL;
    pa_error err = {0};
    if (pa_matrix_values(m, &values, &err) != PA_OK) {
        case_die(r, err.message);
    }
    return values;
}

/* Singular values are asked first: those of products come from the factors, without the elements. */
static void check_matrix(case_reader *r, const char *key, const pa_matrix *m, const char *name)
{
    char text[120], sigma_name[80];
    pa_error err = {0};
    const double *sigma = NULL;
    int64_t n = 0;
    const pa_matrix *expected = case_find(r, name);
    (void)snprintf(sigma_name, sizeof(sigma_name), "%s.sigma", name);
    const pa_matrix *expected_sigma = case_find(r, sigma_name);
    const int64_t rows = pa_matrix_rows(expected);
    const int64_t cols = pa_matrix_cols(expected);
    if (m == NULL || pa_matrix_rows(m) != rows || pa_matrix_cols(m) != cols) {
        complain(r, key, m == NULL ? "no matrix" : "another shape");
        return;
    }
    if (pa_matrix_singular_values(m, &sigma, &n, &err) != PA_OK) {
        complain(r, key, err.message);
        return;
    }
    double off = n == pa_matrix_cols(expected_sigma) ? distance(sigma, values_of(r, expected_sigma), n) : INFINITY;
    if (off > TOLERANCE) {
        (void)snprintf(text, sizeof(text), "singular values are %g off", off);
        complain(r, key, text);
    }
    off = distance(values_of(r, m), values_of(r, expected), rows * cols);
    if (off > TOLERANCE) {
        (void)snprintf(text, sizeof(text), "elements are %g off", off);
        complain(r, key, text);
    }
}

static void check_part(case_reader *r, const pa_parts *parts, int64_t index)
{
    char key[160], first[64], second[64];
    long long head = 0;
    if (fscanf(r->file, "%159s %lld %63s %63s", key, &head, first, second) != 4) {
        case_die(r, "a malformed part");
    }
    if (parts == NULL || index >= pa_parts_count(parts)) {
        complain(r, key, "not built");
        return;
    }
    if (strcmp(pa_parts_key(parts, index), key) != 0 || pa_parts_head(parts, index) != head) {
        complain(r, key, pa_parts_key(parts, index));
        return;
    }
    check_matrix(r, key, pa_parts_matrix(parts, index), first);
    if (strcmp(second, "-") != 0) {
        check_matrix(r, key, pa_parts_second(parts, index), second);
    } else if (pa_parts_second(parts, index) != NULL) {
        complain(r, key, "there is a second matrix");
    }
}

static pa_parts *build(case_reader *r, const char *options)
{
    char checkpoint[8], reference[8], split[8], kind[16], name[32];
    long long layer = 0;
    pa_component *component = NULL;
    pa_parts *parts = NULL;
    pa_error err = {0};
    if (sscanf(building, "%*d %7s %7s %7s %15s %lld %31s", checkpoint, reference, split, kind, &layer, name) != 6) {
        case_die(r, "a malformed component");
    }
    if (pa_component_create(r->ctx, name, kind_of(r, kind), options, &component, &err) != PA_OK ||
        pa_component_build_between(component, checkpoint_of(r, checkpoint),
                                   strcmp(reference, "-") == 0 ? NULL : checkpoint_of(r, reference), split, layer,
                                   &parts, &err) != PA_OK) {
        complain(r, name, err.message);
    }
    pa_component_destroy(component);
    return parts;
}

static void read_component(case_reader *r)
{
    char options[256] = "", word[16];
    int64_t n = 0;
    if (fgets(building, sizeof(building), r->file) == NULL || fscanf(r->file, "%15s%255[^\n]", word, options) < 1 ||
        strcmp(word, "options") != 0) {
        case_die(r, "a malformed component");
    }
    building[strcspn(building, "\n")] = '\0';
    r->cases++;
    pa_parts *parts = build(r, options);
    for (; fscanf(r->file, "%15s", word) == 1 && strcmp(word, "part") == 0; n++) {
        check_part(r, parts, n);
    }
    if (strcmp(word, "end") != 0) {
        case_die(r, "neither a part nor an end");
    }
    if (parts != NULL && pa_parts_count(parts) > n) {
        complain(r, pa_parts_key(parts, n), "not expected");
    }
    pa_parts_destroy(parts);
}

static int read_word(case_reader *r, const char *word)
{
    if (strcmp(word, "model") == 0) {
        read_model(r);
    } else if (strcmp(word, "add") == 0) {
        read_tensor(r);
    } else if (strcmp(word, "build") == 0) {
        read_component(r);
    } else if (strcmp(word, "done") == 0) {
        pa_checkpoint_destroy(made.now);
        pa_checkpoint_destroy(made.then);
    } else {
        return 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    return argc != 2 || case_file(argv[1], read_word);
}
