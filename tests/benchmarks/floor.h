/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The parts of the floor program: the answers that suite.yaml asks for, by the least arithmetic we know. */
#ifndef FLOOR_H
#define FLOOR_H
#include <stdint.h>

enum { FLOOR_MAX_HEADS = 128 };
typedef enum floor_kind { FLOOR_WEIGHTS, FLOOR_GRADIENTS, FLOOR_KINDS } floor_kind;

/** What is asked of each head, and of all heads side by side at the index `heads`. */
typedef struct floor_answers {
    double cka[FLOOR_MAX_HEADS + 1];
    double per[FLOOR_KINDS][FLOOR_MAX_HEADS + 1];
    double gini[FLOOR_KINDS][FLOOR_MAX_HEADS + 1];
    double norm[FLOOR_KINDS][FLOOR_MAX_HEADS + 1];
    double condition[FLOOR_KINDS]; /**< Of all heads side by side; a single head is singular. */
} floor_answers;

/** One layer. Rows are stored one after the other: v is [kv_heads size, d], o is [d, heads size], a is [n, kv_heads
 *  size]; head h reads rows h / group of v and columns h of o. */
typedef struct floor_layer {
    int64_t d, n, heads, kv_heads, size, group;
    const float *v, *o;        /**< Weights. */
    const float *dv, *dout;    /**< Gradients. */
    const float *a, *target_a; /**< Activations of v. */
    const float *target_o;     /**< Weights of o at the target step. */
    floor_answers answers;
} floor_layer;

/** Memory that is touched for the first time page by page would cost more than the arithmetic on it: this asks for
 *  large pages. For one use; ends the program when there is none. */
void *floor_memory(int64_t bytes);

/** PER, norm and condition number of each head and of all heads side by side. */
void floor_spectrum(floor_layer *layer, floor_kind kind);

/** A histogram over the leading bits of magnitudes; one a thread and kind. */
typedef struct floor_counts {
    uint32_t *head;      /**< Of the head being counted; all zero between heads. */
    uint32_t *all;       /**< Of all heads so far. */
    float *left, *right; /**< Of a product of gradients, [O dO] (a panel's rows) and [dV; V]. */
    float *panel;        /**< Rows of the product being counted. */
    int64_t low, high;   /**< Buckets of `all` that may be nonzero; none when low > high. */
} floor_counts;

void floor_counts_start(floor_counts *counts, const floor_layer *layer);
/** Gini of one head, which is also added to `counts->all`. */
void floor_gini(floor_layer *layer, floor_kind kind, int64_t head, floor_counts *counts);
/** Gini of all heads from what the threads counted. */
void floor_gini_all(floor_layer *layer, floor_kind kind, floor_counts *const *counts, int n_counts);

/** All of CKA. */
void floor_cka(floor_layer *layer);
#endif
