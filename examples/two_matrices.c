/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief One number from two arrays: the library as a numerical library.
 *
 *     cc two_matrices.c -o two_matrices $(pkg-config --cflags --libs picoanalyze)
 */
#include <stdio.h>

#include <picoanalyze/picoanalyze.h>

/* Six samples of a layer with three features, and the same samples after some more training. */
enum { N = 6, P = 3 };
static const float before[N * P] = {
    1.0f, 0.0f, 0.5f, 0.2f, 1.1f, 0.3f, 0.9f, 0.8f, 0.1f, 0.0f, 0.3f, 1.2f, 0.4f, 0.7f, 0.6f, 1.3f, 0.2f, 0.8f,
};
static const float after[N * P] = {
    1.1f, 0.1f, 0.4f, 0.1f, 1.2f, 0.5f, 0.8f, 0.9f, 0.0f, 0.2f, 0.1f, 1.1f, 0.5f, 0.5f, 0.7f, 1.2f, 0.4f, 0.9f,
};

int main(void)
{
    pa_error err = {0};
    pa_context *ctx = NULL;
    pa_matrix *x = NULL;
    pa_matrix *y = NULL;
    pa_value cka = PA_VALUE_INIT;

    /* Every fallible call returns PA_OK or says in `err` what is wrong; destroying NULL is fine. */
    const int ok = pa_context_create(NULL, &ctx, &err) == PA_OK &&
                   pa_matrix_from_memory(ctx, before, PA_F32, N, P, &x, &err) == PA_OK &&
                   pa_matrix_from_memory(ctx, after, PA_F32, N, P, &y, &err) == PA_OK &&
                   pa_compute(ctx, "cka", NULL, (const pa_matrix *[]){x, y}, 2, &cka, &err) == PA_OK;
    if (!ok) {
        fprintf(stderr, "two_matrices: %s\n", err.message);
    } else if (cka.state != PA_STATE_OK) {
        printf("cka is undefined (%s): %s\n", pa_state_name(cka.state), cka.note);
    } else {
        printf("cka = %.6f (%s, n = %d, p = %d)\n", cka.value, cka.definition, (int)cka.n, (int)cka.p);
    }
    pa_value_clear(&cka);
    pa_matrix_destroy(x);
    pa_matrix_destroy(y);
    pa_context_destroy(ctx); /* last: everything else was made with it */
    return ok ? 0 : 1;
}
