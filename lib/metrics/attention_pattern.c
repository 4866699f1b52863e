/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief What an attention head looks at: induction, previous token, duplicates, the first token; and how spread out.
 *
 * With A the pattern of one head (row i is where position i looks; rows add up to 1) and t the token ids, position i
 * repeats an earlier token when \f$J_i = \{j < i : t_j = t_i\}\f$ is not empty. The value is the prefix-matching score,
 * \f[ P = \mathrm{mean}_{i : J_i \ne \emptyset} \sum_{j \in J_i} A_{i, j+1}, \f]
 * the attention to what came after the same token before: 1 for an ideal induction head, whatever the number of
 * repetitions. Outputs, the sums of the first three over the same kind of sets:
 *
 * - `duplicate_token`: \f$A_{ij}\f$ instead of \f$A_{i, j+1}\f$;
 * - `anti_induction`: \f$A_{i, j-1}\f$, over positions with a \f$j \ge 1\f$: what a head that only looks near the
 *   earlier token would also have, to compare the value with (arXiv:2509.22947);
 * - `queries`: how many positions the value is a mean of;
 * - `previous_token`: mean of \f$A_{i, i-1}\f$ over i >= 1; `sink_mass`: mean of \f$A_{i0}\f$ over all i;
 * - `distance`: mean of \f$\sum_j A_{ij} |i - j|\f$;
 * - `entropy`: mean of \f$-\sum_j A_{ij} \ln A_{ij}\f$; `entropy_normalized`: the same over i >= 1 (from 0), each divided
 *   by \f$\ln(i + 1)\f$, the most that a causal row can have.
 *
 * @shape      the pattern [T, T] and the token ids [T, 1]
 * @range      [0, 1]
 * @invariance any renaming of the tokens
 * @cost       O(T^2)
 * @paper      C. Olsson et al., "In-context learning and induction heads", arXiv:2209.11895; entropy: S. Zhai et al.,
 *             arXiv:2303.06296
 *
 * States: unsupported for other shapes and when a row is not a distribution: an element below -2^-7, or a sum further
 * than 2^-7 from 1, which is what rounding to bfloat16 can do; empty when no token is repeated, or, for outputs, no
 * position counts. The outputs do not need the value.
 */
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "metrics/metric_impl.h"

/* Of a sum of elements, each of which rounding to bfloat16 moves by at most this times itself; the same for all types,
 * as patterns are converted. */
static const double TOLERANCE = 0x1p-7;

/* A mean over some of the positions. */
typedef struct mean {
    double sum;
    int64_t count;
} mean;

static void add(mean *m, double x)
{
    m->sum += x;
    m->count++;
}

typedef struct tally {
    mean induction;
    mean duplicate;
    mean anti;
    mean previous;
    mean sink;
    mean distance;
    mean entropy;
    mean normalized;
} tally;

/* Whether a row is a distribution; if not, `out` tells. */
static int check_row(const double *row, int64_t n, int64_t i, pa_value *out)
{
    char note[sizeof(out->note)];
    double sum = 0.0;
    double least = 0.0;
    for (int64_t j = 0; j < n; j++) {
        sum += row[j];
        least = row[j] < least ? row[j] : least;
    }
    if (least >= -TOLERANCE && fabs(sum - 1.0) <= TOLERANCE) {
        return 1;
    }
    if (least < -TOLERANCE) {
        (void)snprintf(note, sizeof(note), "row %lld has an element %.3g", (long long)i, least);
    } else {
        (void)snprintf(note, sizeof(note), "row %lld adds up to %.6g, not to 1", (long long)i, sum);
    }
    pa_value_set_undefined(out, PA_STATE_UNSUPPORTED, note);
    return 0;
}

/* Attention of position i to where its token was before, and to the neighbours of those places. */
static void add_repeats(tally *t, const double *row, const double *tokens, int64_t i)
{
    double after = 0.0;
    double at = 0.0;
    double before = 0.0;
    int found = 0;
    int found_before = 0;
    for (int64_t j = 0; j < i; j++) {
        if (!(tokens[j] < tokens[i]) && !(tokens[j] > tokens[i])) {
            found = 1;
            after += row[j + 1];
            at += row[j];
            found_before |= j > 0;
            before += j > 0 ? row[j - 1] : 0.0;
        }
    }
    if (found) {
        add(&t->induction, after);
        add(&t->duplicate, at);
    }
    if (found_before) {
        add(&t->anti, before);
    }
}

static void add_spread(tally *t, const double *row, int64_t n, int64_t i)
{
    double entropy = 0.0;
    double distance = 0.0;
    for (int64_t j = 0; j < n; j++) {
        entropy -= row[j] > 0.0 ? row[j] * log(row[j]) : 0.0;
        distance += row[j] * (double)(i > j ? i - j : j - i);
    }
    add(&t->sink, row[0]);
    add(&t->distance, distance);
    add(&t->entropy, entropy);
    if (i > 0) {
        add(&t->previous, row[i - 1]);
        add(&t->normalized, entropy / log((double)(i + 1)));
    }
}

static pa_status add_mean(pa_value *out, const char *name, mean m, pa_error *err)
{
    return m.count > 0 ? pa_value_add_number(out, name, m.sum / (double)m.count, err)
                       : pa_value_add_undefined(out, name, PA_STATE_EMPTY, err);
}

static pa_status add_outputs(const tally *t, pa_value *out, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_value_add_number(out, "queries", (double)t->induction.count, err));
    PA_TRY(add_mean(out, "duplicate_token", t->duplicate, err));
    PA_TRY(add_mean(out, "anti_induction", t->anti, err));
    PA_TRY(add_mean(out, "previous_token", t->previous, err));
    PA_TRY(add_mean(out, "sink_mass", t->sink, err));
    PA_TRY(add_mean(out, "distance", t->distance, err));
    PA_TRY(add_mean(out, "entropy", t->entropy, err));
    PA_TRY(add_mean(out, "entropy_normalized", t->normalized, err));

cleanup:
    return status;
}

static pa_status compute(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err)
{
    (void)user_data;
    (void)options;
    pa_status status = PA_OK;
    const double *pattern = NULL;
    const double *tokens = NULL;
    const int64_t n = out->n;
    tally t = {.induction = {0.0, 0}};
    pa_value_set_definition(out, "prefix matching, arXiv:2209.11895", "");
    if (out->p != n || pa_matrix_cols(in[1]) != 1) {
        pa_value_set_undefined(out, PA_STATE_UNSUPPORTED, "not a pattern [T, T] and token ids [T, 1]");
        return PA_OK;
    }
    PA_TRY(pa_matrix_values(in[0], &pattern, err));
    PA_TRY(pa_matrix_values(in[1], &tokens, err));
    for (int64_t i = 0; i < n; i++) {
        const double *row = pattern + i * n;
        if (!check_row(row, n, i, out)) {
            return PA_OK;
        }
        add_repeats(&t, row, tokens, i);
        add_spread(&t, row, n, i);
    }
    if (t.induction.count > 0) {
        pa_value_set(out, t.induction.sum / (double)t.induction.count);
    } else {
        pa_value_set_undefined(out, PA_STATE_EMPTY, "no token is repeated");
    }
    PA_TRY(add_outputs(&t, out, err));

cleanup:
    return status;
}

static int32_t asks(void *user_data, const pa_options *options)
{
    (void)user_data;
    (void)options;
    return PA_ASKS_ELEMENTS;
}

/** @brief Built-in metric `attention_pattern`; see @ref attention_pattern.c. */
const pa_metric_ops pa_metric_attention_pattern = {
    .struct_size = sizeof(pa_metric_ops),
    .name = "attention_pattern",
    .description = "What an attention head looks at: prefix matching (induction), previous token, sink, entropy.",
    .paper = "Olsson et al., arXiv:2209.11895; entropy: Zhai et al., arXiv:2303.06296",
    .n_inputs = 2,
    .compute = compute,
    .asks = asks,
    .kinds = 1 << PA_ATTENTION,
    .formula = "mean over i with J_i = {j < i: t_j = t_i} not empty of sum_(j in J_i) A[i, j+1]",
    .shape = "the attention pattern [T, T] of a head, rows adding up to 1, and the token ids [T, 1]",
    .range = "[0, 1]",
    .invariance = "any renaming of the tokens",
    .cost = "O(T^2)",
    .states = "unsupported: other shapes, or a row with an element below -2^-7 or a sum further than 2^-7 from 1 (the "
              "rounding of bf16); empty: no token is repeated, and outputs that no position counts for",
    .outputs =
        "queries: positions that the value is a mean of; duplicate_token: A[i, j] instead; anti_induction: "
        "A[i, j-1] instead, a control; previous_token: mean A[i, i-1]; sink_mass: mean A[i, 0]; distance: mean "
        "sum_j A[i, j] |i - j|; entropy: mean -sum_j A ln A; entropy_normalized: each row's divided by ln(i + 1)",
};
