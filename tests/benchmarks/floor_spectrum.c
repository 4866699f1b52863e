/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Singular values of A B, where A = O_h and B = V for weights, A = [O_h dO_h] and B = [dV; V] for gradients, and of all
 * heads side by side. With L L^T = B B^T they are those of the narrow A L; their squares are the eigenvalues of
 * (A L)^T A L, and side by side those of the sum of A L (A L)^T. Squaring costs accuracy: a singular value s is known
 * to eps s_1^2 / s, which at the suite's condition numbers (below 1e5) is better than 1e-6.
 */
#define _DEFAULT_SOURCE
#include "floor.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

void *floor_memory(int64_t bytes)
{
    const size_t page = 1 << 21;
    const size_t size = ((size_t)bytes + page - 1) / page * page;
    void *memory = NULL;
    if (posix_memalign(&memory, page, size) != 0) {
        exit(1);
    }
    (void)madvise(memory, size, MADV_HUGEPAGE);
    return memory;
}

/** What one kind needs beside the answers. */
typedef struct scratch {
    int64_t width;  /* of A: columns of O_h or of [O_h dO_h] */
    double *b;      /* [width, d] */
    double *root;   /* [width, width]: L of the kv head being used */
    double *a;      /* [d, width]: A, then A L */
    double *gram;   /* [width, width]: of one head */
    double *whole;  /* [d, d]: of all heads */
    double *lambda; /* [d] */
    double *work;
    int64_t n_work;
} scratch;

static void widen(const float *from, int64_t count, double *to)
{
    for (int64_t i = 0; i < count; i++) {
        to[i] = from[i];
    }
}

static void find_root(const floor_layer *l, floor_kind kind, int64_t kv, scratch *s)
{
    const int64_t part = l->size * l->d;
    if (kind == FLOOR_GRADIENTS) {
        widen(l->dv + kv * part, part, s->b);
    }
    widen(l->v + kv * part, part, s->b + (kind == FLOOR_GRADIENTS ? part : 0));
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (blasint)s->width, (blasint)l->d, 1.0, s->b, (blasint)l->d,
                0.0, s->root, (blasint)s->width);
    /* what is L by rows is the upper triangle of what LAPACK sees */
    if (LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)s->width, s->root, (lapack_int)s->width) != 0) {
        fputs("floor: a value matrix has dependent rows\n", stderr);
        exit(1);
    }
}

static void reduce(const floor_layer *l, floor_kind kind, int64_t head, scratch *s)
{
    const int64_t ld = l->heads * l->size;
    for (int64_t i = 0; i < l->d; i++) {
        widen(l->o + i * ld + head * l->size, l->size, s->a + i * s->width);
        if (kind == FLOOR_GRADIENTS) {
            widen(l->dout + i * ld + head * l->size, l->size, s->a + i * s->width + l->size);
        }
    }
    cblas_dtrmm(CblasRowMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)l->d, (blasint)s->width,
                1.0, s->root, (blasint)s->width, s->a, (blasint)s->width);
}

/* Of the upper triangle by rows, which is the lower one to LAPACK: its faster case. Destroys it. */
static void find_eigenvalues(double *gram, int64_t k, scratch *s)
{
    if (LAPACKE_dsyev_work(LAPACK_COL_MAJOR, 'N', 'L', (lapack_int)k, gram, (lapack_int)k, s->lambda, s->work,
                           (lapack_int)s->n_work) != 0) {
        exit(1);
    }
}

/* Of a d x d or wider matrix that has no other nonzero squared singular values than these. */
static void answer(floor_layer *l, floor_kind kind, int64_t index, double *lambda, int64_t k)
{
    double total = 0.0, squares = 0.0, entropy = 0.0;
    for (int64_t i = 0; i < k; i++) {
        squares += lambda[i];
        lambda[i] = sqrt(fmax(lambda[i], 0.0));
        total += lambda[i];
    }
    for (int64_t i = 0; i < k; i++) {
        const double p = lambda[i] / total;
        entropy -= p > 0.0 ? p * log(p) : 0.0;
    }
    l->answers.norm[kind][index] = sqrt(squares);
    l->answers.per[kind][index] = exp(entropy) / (double)l->d;
}

static scratch start(const floor_layer *l, floor_kind kind)
{
    enum { WORK = 66 }; /* LAPACK's blocks are 64 wide at most */
    scratch s = {.width = (kind == FLOOR_WEIGHTS ? 1 : 2) * l->size, .n_work = WORK * l->d};
    double *memory = floor_memory((int64_t)sizeof(double) *
                                  (2 * s.width * l->d + 2 * s.width * s.width + l->d * l->d + l->d + s.n_work));
    s.b = memory;
    s.a = s.b + s.width * l->d;
    s.root = s.a + s.width * l->d;
    s.gram = s.root + s.width * s.width;
    s.whole = s.gram + s.width * s.width;
    s.lambda = s.whole + l->d * l->d;
    s.work = s.lambda + l->d;
    return s;
}

void floor_spectrum(floor_layer *l, floor_kind kind)
{
    scratch s = start(l, kind);
    for (int64_t head = 0; head < l->heads; head++) {
        if (head % l->group == 0) {
            find_root(l, kind, head / l->group, &s);
        }
        reduce(l, kind, head, &s);
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (blasint)l->d, (blasint)s.width, 1.0, s.a,
                    (blasint)s.width, head == 0 ? 0.0 : 1.0, s.whole, (blasint)l->d);
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, (blasint)s.width, (blasint)l->d, 1.0, s.a, (blasint)s.width,
                    0.0, s.gram, (blasint)s.width);
        find_eigenvalues(s.gram, s.width, &s);
        answer(l, kind, head, s.lambda, s.width);
    }
    find_eigenvalues(s.whole, l->d, &s);
    answer(l, kind, l->heads, s.lambda, l->d);
    l->answers.condition[kind] = s.lambda[l->d - 1] / s.lambda[0];
    free(s.b);
}
