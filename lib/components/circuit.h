/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The bilinear circuits of attention heads, OV and QK: for each head a [d, d] product of two thin factors.
 *
 * Both are L[:, h] R[kv(h), :] with L [d, n_heads * head_dim] and R [n_kv * head_dim, d]: L = W_O and R = W_V for OV,
 * L = W_Q^T and R = W_K for QK; kv(h) = floor(h * n_kv / n_heads).
 */
#ifndef PA_COMPONENTS_CIRCUIT_H
#define PA_COMPONENTS_CIRCUIT_H
#include "components/component_impl.h"

/** The tensors that the circuits of one layer are made of; all but the kind's own may be NULL. */
typedef struct pa_circuit {
    pa_matrix *left;    /**< L */
    pa_matrix *right;   /**< R */
    pa_matrix *d_left;  /**< gradient of L */
    pa_matrix *d_right; /**< gradient of R */
    pa_matrix *activations;
    pa_matrix *turn; /**< [head_dim, head_dim], applied to the rows of R that belong to a head; NULL: none. */
    int64_t n_heads;
    int64_t n_kv_heads;
    int64_t head_dim;
} pa_circuit;

/** In which order the factors of a head's weights are multiplied. */
typedef enum pa_circuit_order {
    PA_CIRCUIT_LEFT_RIGHT, /**< L R [d, d] */
    PA_CIRCUIT_RIGHT_LEFT  /**< R L [head_dim, head_dim] */
} pa_circuit_order;

/** Heads of the model, and key/value heads: as many when the model does not say. PA_ERR_SHAPE when it has none. */
pa_status pa_circuit_heads(const pa_site *site, int64_t *n_heads, int64_t *n_kv_heads, pa_error *err);

/** Read the roles output_layer and value_layer of a layer and check their shapes. */
pa_status pa_circuit_read_ov(const pa_site *site, int64_t layer, pa_kind kind, pa_circuit *out, pa_error *err);
/** Read the roles query_layer and key_layer; not of activations. */
pa_status pa_circuit_read_qk(const pa_site *site, int64_t layer, pa_kind kind, pa_circuit *out, pa_error *err);
void pa_circuit_free(pa_circuit *c);

/** Make the circuits of the heads that are `wanted` (one byte a head; NULL: all) in `heads`, which has n_heads places. */
pa_status pa_circuit_make(const pa_circuit *c, pa_kind kind, pa_circuit_order order, const unsigned char *wanted,
                          pa_matrix **heads, pa_error *err);

/** @name choice.c
 * @{ */
/**
 * Which of the numbers 0 ... n - 1 the list option `option` names: one byte a number, yours. "all" stands for all.
 * PA_ERR_CONFIG for anything else, for an empty list and for a number that is out of range; `what` are "heads" ...
 */
pa_status pa_choice_read(const pa_site *site, const char *option, const char *what, int64_t n, unsigned char **out,
                         pa_error *err);
/** @} */

/** @name rope.c
 * @{ */
/**
 * The mean rotation [head_dim, head_dim] between a key and the queries 0 ... window - 1 positions behind it, from the
 * options rope_window, rope_theta and rope_pairing; NULL when there is no window.
 */
pa_status pa_rope_mean(const pa_site *site, int64_t head_dim, pa_matrix **out, pa_error *err);

/** Whether an option says something about positions that means nothing without a window. */
int pa_rope_is_asked(const pa_options *options);

/** Those options, for the table of a component. */
#define PA_ROPE_OPTIONS                                                                                                \
    {.name = "rope_window",                                                                                            \
     .type = PA_OPTION_INT,                                                                                            \
     .fallback = "0",                                                                                                  \
     .help = "Mean of the QK circuit over so many distances, from 0, with rotary positions; 0: without positions."},   \
        {.name = "rope_theta",                                                                                         \
         .type = PA_OPTION_REAL,                                                                                       \
         .fallback = "0",                                                                                              \
         .help =                                                                                                       \
             "Base of the frequencies of rotary positions; 0: the model's (position_emb_theta), 10000 if unknown."},   \
    {                                                                                                                  \
        .name = "rope_pairing", .type = PA_OPTION_CHOICE, .fallback = "interleaved", .choices = "interleaved|halves",  \
        .help = "Whether neighbours are turned together, as in pico-train, or element i with i + head_dim / 2."        \
    }
/** @} */
#endif
