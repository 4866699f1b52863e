/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Tensors of other models under the names that components ask for.
 *
 * A naming is a list of rules. Where the name of a tensor matches, the checkpoint gets one more entry, a view of the
 * tensor: turned over, or one of several equal parts of its rows. Nothing is read or copied for it.
 */
#ifndef PA_CHECKPOINT_NAMING_H
#define PA_CHECKPOINT_NAMING_H
#include "checkpoint/checkpoint_impl.h"

typedef struct pa_name_rule {
    const char *suffix;  /**< Wanted: what follows `layers.<n>.`, or a name of no layer if the pattern has none. */
    const char *pattern; /**< End of a tensor's name, from its start or behind a dot; `{layer}` is a decimal number. */
    int32_t transposed;  /**< Stored [in, out] instead of [out, in]. */
    int32_t part;        /**< Of `parts` equal parts of the rows (after the turn); */
    int32_t parts;       /**< 0 or 1: all of them. */
    int32_t per_head;    /**< The parts follow each other in every head, not in the tensor. */
    int32_t fallback;    /**< Only where no earlier rule gave that name. */
} pa_name_rule;

struct pa_naming {
    const char *name;
    const pa_name_rule *rules;
    int64_t n_rules;
};

/** A built-in one by name, or NULL. */
const pa_naming *pa_naming_find(const char *name);
/** Built-in naming number `index`, or NULL. */
const pa_naming *pa_naming_at(int64_t index);

/** Where `name` matches: 1 and the layer (-1 without `{layer}`), else 0. */
int pa_name_matches(const char *pattern, const char *name, int64_t *layer);

/**
 * Add the entries of `naming` to a checkpoint that has its files and is not sorted yet. NULL: of the built-in one that
 * alone fits, if any. PA_ERR_SHAPE when a tensor does not divide as a rule says, PA_ERR_NOMEM.
 */
pa_status pa_naming_apply(pa_checkpoint *checkpoint, const pa_naming *naming, pa_error *err);
#endif
