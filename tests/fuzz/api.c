/* SPDX-License-Identifier: Apache-2.0 */
/* Any calls of the public API in any order: each takes its arguments from the input, right or wrong. */
#include <string.h>

#include "fuzz.h"

enum { N_SLOTS = 8, MAX_CALLS = 32, MAX_SIZE = 9 };

typedef struct world {
    const uint8_t *data;
    size_t left;
    pa_context *ctx;
    pa_matrix *slots[N_SLOTS];
    pa_checkpoint *checkpoint;
} world;

static uint8_t next(world *w)
{
    if (w->left == 0) {
        return 0;
    }
    w->left--;
    return *w->data++;
}

/* -1 ... MAX_SIZE, now and then a size that overflows. */
static int64_t next_size(world *w)
{
    const uint8_t byte = next(w);
    return byte == 255 ? INT64_MAX / 2 : byte % (MAX_SIZE + 2) - 1;
}

static pa_matrix **next_slot(world *w)
{
    return &w->slots[next(w) % N_SLOTS];
}

/* Elements by their bits: NaN and infinity, denormals, anything. */
static pa_status make_leaf(world *w, pa_matrix **out, pa_error *err)
{
    double bits[MAX_SIZE * MAX_SIZE];
    const pa_dtype dtype = next(w) % 15;
    const int64_t rows = next_size(w);
    const int64_t cols = next_size(w);
    const uint8_t fill = next(w);
    memset(bits, fill, sizeof(bits));
    const size_t n = w->left < sizeof(bits) && fill % 2 == 0 ? w->left : 0;
    if (n > 0) {
        memcpy(bits, w->data, n);
    }
    return pa_matrix_from_memory(w->ctx, next(w) == 1 ? NULL : (const void *)bits, dtype, rows, cols, out, err);
}

static pa_status make_concat(world *w, pa_matrix **out, pa_error *err)
{
    const pa_matrix *parts[4];
    const int64_t n = next(w) % 5;
    const int rows = next(w) % 2;
    for (int64_t i = 0; i < n; i++) {
        parts[i] = *next_slot(w);
        if (parts[i] == NULL) {
            return pa_matrix_scale(w->slots[0], 1.0, out, err);
        }
    }
    return rows ? pa_matrix_concat_rows(parts, n, out, err) : pa_matrix_concat_columns(parts, n, out, err);
}

/* A new matrix of those that are there. */
static pa_status make(world *w, uint8_t what, pa_matrix **out, pa_error *err)
{
    const pa_matrix *a = *next_slot(w);
    const pa_matrix *b = *next_slot(w);
    if (a == NULL || b == NULL) {
        return make_leaf(w, out, err);
    }
    switch (what % 7) {
    case 0: {
        const int64_t row = next_size(w);
        const int64_t rows = next_size(w);
        const int64_t col = next_size(w);
        return pa_matrix_slice(a, row, rows, col, next_size(w), out, err);
    }
    case 1:
        return pa_matrix_transpose(a, out, err);
    case 2:
        return pa_matrix_product(a, b, out, err);
    case 3:
        return pa_matrix_sum(a, b, out, err);
    case 4:
        return pa_matrix_scale(a, next(w) - 128.0, out, err);
    case 5:
        return make_concat(w, out, err);
    default:
        return make_leaf(w, out, err);
    }
}

static pa_status query(const pa_matrix *m, uint8_t what, pa_error *err)
{
    const double *numbers = NULL;
    const double *imaginary = NULL;
    const pa_matrix *other = NULL;
    int64_t count = 0;
    double number = 0.0;
    pa_entry_stats stats;
    pa_magnitude_groups groups;
    switch (what % 13) {
    case 0:
        return pa_matrix_nonfinite(m, &count, err);
    case 1:
        return pa_matrix_values(m, &numbers, err);
    case 2:
        return pa_matrix_entry_stats(m, &stats, err);
    case 3:
        return pa_matrix_sorted_magnitudes(m, &numbers, err);
    case 4:
        return pa_matrix_magnitude_groups(m, &groups, err);
    case 5:
        return pa_matrix_frobenius(m, &number, err);
    case 6:
        return pa_matrix_row_norms_squared(m, &numbers, err);
    case 7:
        return pa_matrix_singular_values(m, &numbers, &count, err);
    case 8:
        return pa_matrix_rank(m, &count, err);
    case 9:
        return pa_matrix_left_vectors(m, &other, err);
    case 10:
        return pa_matrix_eigenvalues(m, &numbers, &imaginary, &count, err);
    case 11:
        return pa_matrix_centered(m, &other, err);
    default:
        return pa_matrix_standardized(m, &other, err);
    }
}

/* A metric by number, with options out of the input. */
static pa_status compute(world *w, pa_error *err)
{
    char options[24] = "";
    pa_value value;
    const pa_metric_ops *ops = pa_metric_describe(w->ctx, next(w) % pa_metric_count(w->ctx));
    const pa_matrix *in[2];
    const int64_t n = next(w) % 8 == 0 ? next(w) % 3 : ops->n_inputs;
    in[0] = *next_slot(w);
    in[1] = *next_slot(w);
    if (in[0] == NULL || in[1] == NULL) {
        return PA_OK;
    }
    for (size_t length = next(w) % 3 == 0 ? next(w) % sizeof(options) : 0, i = 0; i < length; i++) {
        options[i] = (char)next(w);
    }
    pa_value_init(&value, sizeof(value));
    const pa_status status = pa_compute(w->ctx, ops->name, options, in, n, &value, err);
    if (status == PA_OK && value.state == PA_STATE_OK) {
        fuzz_require(value.value - value.value == 0.0, "a value that is there is finite");
    }
    pa_value_clear(&value);
    return status;
}

static pa_status use_checkpoint(world *w, pa_error *err)
{
    static const char *const names[] = {"layers.0.a", "layers.7.b.weight", "x", "", "layers.99999999999999999999.c"};
    const char *name = names[next(w) % 5];
    pa_matrix **slot = next_slot(w);
    pa_matrix *found = NULL;
    if (w->checkpoint == NULL) {
        return pa_checkpoint_create(w->ctx, next_size(w), NULL, &w->checkpoint, err);
    }
    if (next(w) % 2 == 0) {
        return pa_checkpoint_add(w->checkpoint, "val", next(w) % 6 - 1, name, *slot, err);
    }
    const pa_status status =
        pa_checkpoint_matrix(w->checkpoint, "val", next(w) % PA_N_KINDS, next_size(w), name, &found, err);
    fuzz_require((found != NULL) == (status == PA_OK), "there is a matrix when and only when it was found");
    pa_matrix_destroy(found);
    return status;
}

static pa_status call(world *w, pa_error *err)
{
    const uint8_t what = next(w);
    pa_matrix **slot = next_slot(w);
    pa_matrix *made = NULL;
    pa_status status = PA_OK;
    switch (what % 5) {
    case 0:
    case 1:
        status = make(w, what / 5, &made, err);
        fuzz_require((made != NULL) == (status == PA_OK), "there is a matrix when and only when it was made");
        if (made != NULL) {
            pa_matrix_destroy(*slot);
            *slot = made;
        }
        return status;
    case 2:
        return *slot != NULL ? query(*slot, what / 5, err) : PA_OK;
    case 3:
        return compute(w, err);
    default:
        return use_checkpoint(w, err);
    }
}

static pa_status body(pa_context *ctx, const uint8_t *data, size_t n, pa_error *err)
{
    pa_status status = PA_OK;
    world w = {.data = data, .left = n, .ctx = ctx};
    for (int i = 0; i < MAX_CALLS && w.left > 0 && status != PA_ERR_NOMEM; i++) {
        memset(err, 0, sizeof(*err));
        status = call(&w, err);
        fuzz_require(err->status == status && (err->message[0] != '\0') == (status != PA_OK),
                     "a failure has a text, and nothing else has one");
    }
    for (int i = 0; i < N_SLOTS; i++) {
        pa_matrix_destroy(w.slots[i]);
    }
    pa_checkpoint_destroy(w.checkpoint);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_run(body, data, n);
    return 0;
}
