/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Tensors of other models under the names that components ask for.
 *
 * A naming is a list of rules. Where the name of a tensor matches, the checkpoint gets one more entry, a view of the
 * tensor: turned over, or one of several parts of its rows. Nothing is read or copied for it.
 */
#ifndef PA_CHECKPOINT_NAMING_H
#define PA_CHECKPOINT_NAMING_H
#include "base/text.h"
#include "base/yaml.h"
#include "checkpoint/checkpoint_impl.h"

typedef struct pa_name_rule {
    const char *suffix;  /**< Wanted: what follows `layers.<n>.`, or a name of no layer if the pattern has none. */
    const char *pattern; /**< End of a tensor's name, from its start or behind a dot; `{layer}` is a decimal number. */
    int32_t transposed;  /**< Stored [in, out] instead of [out, in]. */
    int32_t part;        /**< Of `parts` parts of the rows (after the turn), from 0; */
    int32_t parts;       /**< 0 or 1: all of them. */
    const char *fused;   /**< The parts are queries, keys or values, a letter each ("qkv"), of as many rows as they have
                              heads; NULL: they are equal. */
    int32_t per_head;    /**< The parts follow each other in every head, or for `fused` in every group of heads with a
                              key and a value of their own; not in the tensor. */
    int32_t fallback;    /**< Only where no earlier rule gave that name. */
} pa_name_rule;

struct pa_naming {
    const char *name; /**< NULL: of none, whose tensors have the names that are stored and no others. */
    const pa_name_rule *rules;
    int64_t n_rules;
};

/** `{layer}` in patterns. */
#define PA_NAMING_LAYER "{layer}"

/** @name Built-in namings: naming_builtin.c
 * @{ */
/** Built-in naming number `index`, or NULL. */
const pa_naming *pa_naming_at(int64_t index);
/** The naming without rules. */
extern const pa_naming pa_naming_none;
/** @} */

/** @name Namings in YAML: naming_yaml.c
 * @{ */
/**
 * A name of a built-in naming, "none", or a mapping from suffix to pattern; made in the arena, where it is not static.
 * `*out` is NULL for "auto" and without a node. PA_ERR_CONFIG with the place, PA_ERR_NOMEM.
 */
pa_status pa_naming_read(pa_arena *arena, const pa_yaml *yaml, const pa_yaml_node *node, const pa_naming **out,
                         pa_error *err);
/** Append the rules of a naming as a mapping in one line. */
pa_status pa_naming_write_rules(const pa_naming *naming, pa_text *text, pa_error *err);
/** Append what pa_naming_read() makes an equal naming of: a name or the rules. */
pa_status pa_naming_write(const pa_naming *naming, pa_text *text, pa_error *err);
/** @} */

/** @name Their use: naming.c
 * @{ */
/** Where `name` matches: 1 and the layer (-1 without `{layer}`), else 0. */
int pa_name_matches(const char *pattern, const char *name, int64_t *layer);

/**
 * Add the entries of `naming` to a checkpoint that has its files and is not sorted yet. NULL: of the built-in one that
 * alone fits, if any. PA_ERR_SHAPE when a tensor does not divide as a rule says, PA_ERR_CONFIG when no tensor has a
 * name of a naming that was given, PA_ERR_NOMEM.
 */
pa_status pa_naming_apply(pa_checkpoint *checkpoint, const pa_naming *naming, pa_error *err);
/** @} */
#endif
