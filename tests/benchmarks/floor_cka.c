/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * CKA of X_h = A_h O_h^T with the target's Y_h: ||X^T Y||^2 = trace(Ox^T Ox C Oy^T Oy C^T) with C = Ax^T Ay of centred
 * activations, all of the width of a head. Over all heads side by side the heads of one kv head add up their O^T O.
 */
#include "floor.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

enum { SIDES = 2 };

typedef struct sides {
    float *centred[SIDES]; /* [n, kv_heads size] */
    float *gram[SIDES];    /* per head: O_h^T O_h */
    float *group[SIDES];   /* per kv head: their sum */
} sides;

static float *floats(int64_t count)
{
    float *values = calloc((size_t)count, sizeof(*values));
    if (values == NULL) {
        exit(1);
    }
    return values;
}

static void center(const float *a, int64_t n, int64_t width, float *out)
{
    double *mean = calloc((size_t)width, sizeof(*mean));
    if (mean == NULL) {
        exit(1);
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < width; j++) {
            mean[j] += a[i * width + j];
        }
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < width; j++) {
            out[i * width + j] = (float)(a[i * width + j] - mean[j] / (double)n);
        }
    }
    free(mean);
}

static void output_grams(const floor_layer *l, const float *o, float *gram, float *group)
{
    const int64_t k = l->size;
    const int64_t all = l->heads * k;
    for (int64_t h = 0; h < l->heads; h++) {
        float *g = gram + h * k * k;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)k, (blasint)k, (blasint)l->d, 1.0f, o + h * k,
                    (blasint)all, o + h * k, (blasint)all, 0.0f, g, (blasint)k);
        cblas_saxpy((blasint)(k * k), 1.0f, g, 1, group + h / l->group * k * k, 1);
    }
}

/* trace(P C Q C^T), where C is a k x k block of a matrix with rows of length ld. `scratch` holds 2 k k. */
static double trace(const float *p, const float *c, int64_t ld, const float *q, int64_t k, float *scratch)
{
    float *pc = scratch;
    float *cq = scratch + k * k;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)k, (blasint)k, (blasint)k, 1.0f, p, (blasint)k, c,
                (blasint)ld, 0.0f, pc, (blasint)k);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)k, (blasint)k, (blasint)k, 1.0f, c, (blasint)ld, q,
                (blasint)k, 0.0f, cq, (blasint)k);
    double sum = 0.0;
    for (int64_t i = 0; i < k * k; i++) {
        sum += (double)pc[i] * (double)cq[i];
    }
    return sum;
}

/* ||X^T Y||^2 of each head and of all, into `out`. */
static void cross(const floor_layer *l, const sides *s, int x, int y, double *out)
{
    const int64_t k = l->size;
    const int64_t width = l->kv_heads * k;
    float *c = floats(width * width);
    float *scratch = floats(2 * k * k);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)width, (blasint)width, (blasint)l->n, 1.0f,
                s->centred[x], (blasint)width, s->centred[y], (blasint)width, 0.0f, c, (blasint)width);
    for (int64_t h = 0; h < l->heads; h++) {
        const int64_t kv = h / l->group;
        out[h] = trace(s->gram[x] + h * k * k, c + kv * k * width + kv * k, width, s->gram[y] + h * k * k, k, scratch);
    }
    out[l->heads] = 0.0;
    for (int64_t i = 0; i < l->kv_heads; i++) {
        for (int64_t j = 0; j < l->kv_heads; j++) {
            out[l->heads] +=
                trace(s->group[x] + i * k * k, c + i * k * width + j * k, width, s->group[y] + j * k * k, k, scratch);
        }
    }
    free(c);
    free(scratch);
}

void floor_cka(floor_layer *l)
{
    const int64_t k = l->size;
    const float *a[SIDES] = {l->a, l->target_a};
    const float *o[SIDES] = {l->o, l->target_o};
    double xy[FLOOR_MAX_HEADS + 1], xx[FLOOR_MAX_HEADS + 1], yy[FLOOR_MAX_HEADS + 1];
    sides s;
    for (int i = 0; i < SIDES; i++) {
        s.centred[i] = floats(l->n * l->kv_heads * k);
        s.gram[i] = floats(l->heads * k * k);
        s.group[i] = floats(l->kv_heads * k * k);
        center(a[i], l->n, l->kv_heads * k, s.centred[i]);
        output_grams(l, o[i], s.gram[i], s.group[i]);
    }
    cross(l, &s, 0, 1, xy);
    cross(l, &s, 0, 0, xx);
    cross(l, &s, 1, 1, yy);
    for (int64_t h = 0; h <= l->heads; h++) {
        l->answers.cka[h] = xy[h] / (sqrt(xx[h]) * sqrt(yy[h]));
    }
    for (int i = 0; i < SIDES; i++) {
        free(s.centred[i]);
        free(s.gram[i]);
        free(s.group[i]);
    }
}
