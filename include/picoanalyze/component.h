/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/component.h
 * @brief Components: parts of a model as named matrices; build them, register your own.
 *
 * A component owns nothing and computes nothing: from a checkpoint, a layer and its options it names matrices that
 * pa_matrix_*() constructors make.
 *
 * Threads: many threads may build at once; registering needs exclusive access to the context.
 */
#ifndef PICOANALYZE_COMPONENT_H
#define PICOANALYZE_COMPONENT_H
#include <picoanalyze/checkpoint.h>
#include <picoanalyze/options.h>

PA_BEGIN_DECLS

/** Opaque: a registered component with kind, layer suffixes and options. */
typedef struct pa_component pa_component;

/** Opaque: where a component is being built; valid during pa_component_ops::build only. */
typedef struct pa_site pa_site;

/** Opaque: the named matrices that a component has built. */
typedef struct pa_parts pa_parts;

/** A tensor that a component needs, named by its role in `layer_suffixes`. */
typedef struct pa_role_spec {
    const char *name;     /**< Key under `layer_suffixes`, e.g. "value_layer"; "" when that is a plain string. */
    const char *fallback; /**< Suffix when absent, e.g. "attention.v_proj"; NULL: required. */
} pa_role_spec;

/** Values of pa_component_ops::flags. */
enum {
    /** It emits pairs of matrices, for metrics that compare the two: such a metric then needs no target. It may emit
     *  none, as at the first layer when pairs are of different layers: there are then no values, and it is no error. */
    PA_COMPONENT_PAIRS = 1,
    /** It needs a second checkpoint, which the configuration names by `reference`. It may emit nothing where there is
     *  none, as at the first step when the reference is the one before. */
    PA_COMPONENT_REFERENCE = 2
};

/** How a component is built. Zero-initialise it; fields are only ever appended. */
typedef struct pa_component_ops {
    size_t struct_size;            /**< `sizeof(pa_component_ops)` as the caller compiled it. */
    const char *name;              /**< Unique, `[a-z][a-z0-9_]*`; copied. */
    const char *description;       /**< One sentence; may be NULL; copied. */
    const char *paper;             /**< Citation with DOI or arXiv id; may be NULL; copied. */
    const pa_role_spec *roles;     /**< `n_roles` entries; may be NULL when none; copied. */
    int64_t n_roles;               /**< Length of `roles`; 0 when its options say which tensors it is made of. */
    const pa_option_spec *options; /**< `n_options` entries; may be NULL when none; copied. */
    int64_t n_options;             /**< Length of `options`. */
    /**
     * Ask for tensors with pa_site_tensor(), combine them, and hand each result to pa_site_emit(). Return ::PA_OK or
     * a negative status. May run in several threads at once.
     */
    pa_status (*build)(void *user_data, pa_site *site, pa_error *err);
    void (*destroy)(void *user_data); /**< Called once when the context ends; may be NULL. */
    const char *pico;    /**< How pico-analyze's own matrices differ, one sentence; NULL when they do not; copied. */
    int32_t flags;       /**< Sum of ::PA_COMPONENT_PAIRS ... */
    int32_t kinds;       /**< Bits 1 << ::PA_WEIGHTS ... of what it can be built of; 0: all. */
    const char *formula; /**< For the catalogue, e.g. "W_O[:, h] W_V[kv(h), :]"; may be NULL; copied. */
    const char *shape;   /**< Likewise, e.g. "weights: [d, d], rank <= head_dim; ..." */
} pa_component_ops;

/**
 * @brief Add a component to a context; from then on `component_name: <name>` works in a configuration.
 * @param[in,out] ctx        Context to extend.
 * @param[in]     ops        Implementation; the struct, its strings and its tables are copied.
 * @param[in]     user_data  Handed to the callbacks. On ::PA_OK the context owns it and calls `ops->destroy`; on
 *                           failure it stays with the caller. May be NULL.
 * @param[out]    err        Error text, or NULL.
 * @retval PA_OK          Registered.
 * @retval PA_ERR_INVALID Malformed `ops`: no name, no `build`, or a bad table of roles or options.
 * @retval PA_ERR_EXISTS  The name is taken; the old component stays.
 * @retval PA_ERR_NOMEM   Out of memory; `ctx` is unchanged.
 */
PA_API PA_NODISCARD pa_status pa_component_register(pa_context *ctx, const pa_component_ops *ops, void *user_data,
                                                    pa_error *err);

/**
 * @brief Number of registered components.
 * @param[in] ctx  Context.
 * @return At least 0.
 */
PA_API int64_t pa_component_count(const pa_context *ctx);

/**
 * @brief Description of a registered component.
 * @param[in] ctx    Context.
 * @param[in] index  0 ... pa_component_count() - 1, in alphabetical order.
 * @return Borrowed from the context; NULL when `index` is out of range.
 */
PA_API const pa_component_ops *pa_component_describe(const pa_context *ctx, int64_t index);

/** @name Inside pa_component_ops::build
 * @{ */

/**
 * @brief The checkpoint.
 * @param[in] site  Site.
 * @return Borrowed.
 */
PA_API const pa_checkpoint *pa_site_checkpoint(const pa_site *site);

/**
 * @brief Sizes of the model.
 * @param[in] site  Site.
 * @return Borrowed.
 */
PA_API const pa_model *pa_site_model(const pa_site *site);

/**
 * @brief The layer.
 * @param[in] site  Site.
 * @return Its number.
 */
PA_API int64_t pa_site_layer(const pa_site *site);

/**
 * @brief The kind asked for.
 * @param[in] site  Site.
 * @return A ::pa_kind.
 */
PA_API pa_kind pa_site_kind(const pa_site *site);

/**
 * @brief The split, e.g. "val".
 * @param[in] site  Site.
 * @return Borrowed.
 */
PA_API const char *pa_site_split(const pa_site *site);

/**
 * @brief The options.
 * @param[in] site  Site.
 * @return Borrowed.
 */
PA_API const pa_options *pa_site_options(const pa_site *site);

/**
 * @brief The layer suffix that plays a role; borrowed.
 * @param[in] site  Site.
 * @param[in] role  Name from pa_component_ops::roles.
 * @return The suffix; "" when there is no such role.
 */
PA_API const char *pa_site_suffix(const pa_site *site, const char *role);

/**
 * @brief The tensor that plays a role at this layer and split.
 * @param[in]  site  Site.
 * @param[in]  role  Name from pa_component_ops::roles.
 * @param[in]  kind  Which kind; often pa_site_kind().
 * @param[out] out   The matrix; yours.
 * @param[out] err   Error text, or NULL.
 * @return As pa_checkpoint_matrix().
 */
PA_API PA_NODISCARD pa_status pa_site_tensor(const pa_site *site, const char *role, pa_kind kind, pa_matrix **out,
                                             pa_error *err);

/**
 * @brief As pa_site_tensor(), at any layer: for components that span several.
 * @param[in]  site   Site.
 * @param[in]  layer  Layer number, or -1 for a tensor that belongs to none.
 * @param[in]  role   Name from pa_component_ops::roles.
 * @param[in]  kind   Which kind.
 * @param[out] out    The matrix; yours.
 * @param[out] err    Error text, or NULL.
 * @return As pa_checkpoint_matrix().
 */
PA_API PA_NODISCARD pa_status pa_site_tensor_at(const pa_site *site, int64_t layer, const char *role, pa_kind kind,
                                                pa_matrix **out, pa_error *err);

/**
 * @brief The second checkpoint, of components with ::PA_COMPONENT_REFERENCE.
 * @param[in] site  Site.
 * @return Borrowed; NULL when there is none, as at the first step when the reference is the one before.
 */
PA_API const pa_checkpoint *pa_site_reference(const pa_site *site);

/**
 * @brief Hand over a matrix under the key `layers.<layer>.<name>` or, for a head, `layers.<layer>.<name>.heads.<head>`.
 * @param[in,out] site    Site.
 * @param[in]     name    E.g. "ov_circuit.weights"; copied.
 * @param[in]     head    Head number, or -1 for the whole.
 * @param[in]     matrix  The site takes its own reference.
 * @param[out]    err     Error text, or NULL.
 * @retval PA_OK          Taken.
 * @retval PA_ERR_EXISTS  The key was emitted before.
 * @retval PA_ERR_INVALID A NULL argument.
 * @retval PA_ERR_NOMEM   Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_site_emit(pa_site *site, const char *name, int64_t head, const pa_matrix *matrix,
                                           pa_error *err);

/**
 * @brief Hand over two matrices that are compared with each other; see ::PA_COMPONENT_PAIRS.
 * @param[in,out] site    Site.
 * @param[in]     name    As for pa_site_emit().
 * @param[in]     head    As for pa_site_emit().
 * @param[in]     first   The site takes its own reference.
 * @param[in]     second  Likewise.
 * @param[out]    err     Error text, or NULL.
 * @return As pa_site_emit().
 */
PA_API PA_NODISCARD pa_status pa_site_emit_pair(pa_site *site, const char *name, int64_t head, const pa_matrix *first,
                                                const pa_matrix *second, pa_error *err);
/** @} */

/** @name Using a component from C
 * @{ */

/**
 * @brief A component with kind and options, ready to build.
 * @param[in]  ctx      Context; outlives the component.
 * @param[in]  name     Registered name.
 * @param[in]  kind     What to build it of.
 * @param[in]  options  Flow YAML without braces, e.g. "layer_suffixes: swiglu.w_2"; NULL or "" for defaults.
 * @param[out] out      The component; yours, end it with pa_component_destroy().
 * @param[out] err      Error text, or NULL.
 * @retval PA_OK            Made.
 * @retval PA_ERR_NOT_FOUND No such component; the text names the nearest one.
 * @retval PA_ERR_CONFIG    An option or role is unknown, missing or of the wrong type.
 * @retval PA_ERR_NOMEM     Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_component_create(pa_context *ctx, const char *name, pa_kind kind, const char *options,
                                                  pa_component **out, pa_error *err);

/**
 * @brief End a component.
 * @param[in] component  May be NULL.
 */
PA_API void pa_component_destroy(pa_component *component);

/**
 * @brief Build the matrices of one layer.
 * @param[in]  component   Component.
 * @param[in]  checkpoint  Where its tensors come from.
 * @param[in]  split       "train", "val" ...
 * @param[in]  layer       Layer number.
 * @param[out] out         The matrices; yours, end them with pa_parts_destroy().
 * @param[out] err         Error text, or NULL.
 * @retval PA_OK            Built.
 * @retval PA_ERR_NOT_FOUND A tensor is missing.
 * @retval PA_ERR_SHAPE     A tensor's shape does not fit the model's sizes.
 * @retval PA_ERR_CALLBACK  The component emitted nothing, and is neither one of pairs nor one with a reference.
 * @retval PA_ERR_NOMEM     Out of memory. Any other negative status: what `build` returned.
 */
PA_API PA_NODISCARD pa_status pa_component_build(const pa_component *component, const pa_checkpoint *checkpoint,
                                                 const char *split, int64_t layer, pa_parts **out, pa_error *err);

/**
 * @brief As pa_component_build(), with a second checkpoint for components with ::PA_COMPONENT_REFERENCE.
 * @param[in]  component   Component.
 * @param[in]  checkpoint  Where its tensors come from.
 * @param[in]  reference   The second checkpoint, or NULL.
 * @param[in]  split       "train", "val" ...
 * @param[in]  layer       Layer number.
 * @param[out] out         The matrices; yours, end them with pa_parts_destroy().
 * @param[out] err         Error text, or NULL.
 * @return As pa_component_build().
 */
PA_API PA_NODISCARD pa_status pa_component_build_between(const pa_component *component, const pa_checkpoint *checkpoint,
                                                         const pa_checkpoint *reference, const char *split,
                                                         int64_t layer, pa_parts **out, pa_error *err);

/**
 * @brief Number of matrices.
 * @param[in] parts  Parts.
 * @return At least 0.
 */
PA_API int64_t pa_parts_count(const pa_parts *parts);

/**
 * @brief Key of a matrix, e.g. "layers.0.ov_circuit.weights.heads.3".
 * @param[in] parts  Parts.
 * @param[in] index  0 ... pa_parts_count() - 1.
 * @return Borrowed; NULL when out of range.
 */
PA_API const char *pa_parts_key(const pa_parts *parts, int64_t index);

/**
 * @brief Head of a matrix.
 * @param[in] parts  Parts.
 * @param[in] index  0 ... pa_parts_count() - 1.
 * @return The head, or -1.
 */
PA_API int64_t pa_parts_head(const pa_parts *parts, int64_t index);

/**
 * @brief A matrix.
 * @param[in] parts  Parts.
 * @param[in] index  0 ... pa_parts_count() - 1.
 * @return Borrowed; NULL when out of range.
 */
PA_API const pa_matrix *pa_parts_matrix(const pa_parts *parts, int64_t index);

/**
 * @brief The second matrix of a pair.
 * @param[in] parts  Parts.
 * @param[in] index  0 ... pa_parts_count() - 1.
 * @return Borrowed; NULL when out of range or when it is no pair.
 */
PA_API const pa_matrix *pa_parts_second(const pa_parts *parts, int64_t index);

/**
 * @brief End the list and its references to the matrices.
 * @param[in] parts  May be NULL.
 */
PA_API void pa_parts_destroy(pa_parts *parts);
/** @} */

PA_END_DECLS
#endif
