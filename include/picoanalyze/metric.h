/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/metric.h
 * @brief Metrics: look up by name, compute, register your own.
 *
 * Threads: many threads may look up and compute at once; registering needs exclusive access to the context.
 */
#ifndef PICOANALYZE_METRIC_H
#define PICOANALYZE_METRIC_H
#include <picoanalyze/matrix.h>
#include <picoanalyze/options.h>
#include <picoanalyze/value.h>

PA_BEGIN_DECLS

/** Opaque: a registered metric together with its options. */
typedef struct pa_metric pa_metric;

/** Values of pa_metric_ops::flags. */
enum {
    /** `compute` also wants inputs that hold NaN or infinity; without it such inputs never reach it. */
    PA_METRIC_ACCEPTS_NONFINITE = 1,
    /** Of two inputs, either may come first: of all pairs (`matrix:`), each is then computed once. */
    PA_METRIC_SYMMETRIC = 2
};

/** What a metric asks of its inputs: bits of what pa_metric_ops::asks returns. */
enum {
    PA_ASKS_ELEMENTS = 1,  /**< Sums or values of all elements. */
    PA_ASKS_ORDER = 2,     /**< The distribution of magnitudes. */
    PA_ASKS_FROBENIUS = 4, /**< The Frobenius norm. */
    PA_ASKS_SPECTRUM = 8,  /**< Singular values. */
    PA_ASKS_VECTORS = 16,  /**< Singular vectors. */
    PA_ASKS_GRAM = 32      /**< Inner products of row Grams. */
};

/** How a metric is computed. Zero-initialise it; fields are only ever appended. */
typedef struct pa_metric_ops {
    size_t struct_size;            /**< `sizeof(pa_metric_ops)` as the caller compiled it. */
    const char *name;              /**< Unique, `[a-z][a-z0-9_]*`; copied. */
    const char *description;       /**< One sentence; may be NULL; copied. */
    const char *paper;             /**< Citation with DOI or arXiv id; may be NULL; copied. */
    int32_t n_inputs;              /**< 1, or 2 for a comparison: of two checkpoints, or of the two of a pair. */
    int32_t flags;                 /**< Sum of ::PA_METRIC_ACCEPTS_NONFINITE ... */
    const pa_option_spec *options; /**< `n_options` entries; may be NULL when none; copied. */
    int64_t n_options;             /**< Length of `options`. */
    /**
     * Compute the value: call pa_value_set() or pa_value_set_undefined() on `out` and return ::PA_OK, or return a
     * negative status. `in` has `n_inputs` matrices with at least one element; two have equally many rows. May run
     * in several threads at once. A call that succeeds without setting `out` has failed (::PA_ERR_CALLBACK).
     */
    pa_status (*compute)(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                         pa_error *err);
    void (*destroy)(void *user_data); /**< Called once when the context ends; may be NULL. */
    /** What `compute` will ask with these options, ::PA_ASKS_SPECTRUM ...: for plans and schedules; NULL: unknown. */
    int32_t (*asks)(void *user_data, const pa_options *options);
    const char *pico; /**< How pico-analyze's own value differs, one sentence; NULL when it does not; copied. */

    /** @name For the catalogue; each may be NULL; copied
     * @{ */
    const char *formula;    /**< As plain text, e.g. "||X^T Y||_F^2 / (||X^T X||_F ||Y^T Y||_F), columns centred". */
    const char *shape;      /**< What the inputs are, e.g. "two matrices [n, p], [n, q], rows paired". */
    const char *range;      /**< E.g. "[0, 1]". */
    const char *invariance; /**< E.g. "orthogonal maps and scaling of either". */
    const char *cost;       /**< E.g. "O(n p min(n, p))". */
    const char *states;     /**< When there is no value, e.g. "degenerate: a constant matrix; saturated: n <= rank". */
    const char *outputs;    /**< Named outputs, "name: meaning" with "; " between. */
    /** @} */

    /**
     * Complete a value by that of the same key at the step before, in the order of steps: for sums along a run. `before`
     * is NULL at the first step. May be NULL. Called by one thread at a time.
     */
    pa_status (*follow)(void *user_data, const pa_options *options, const pa_value *before, pa_value *value,
                        pa_error *err);
    /**
     * One more value out of all that an entry of the configuration has at a step (of a component's heads only where it gives nothing else), in
     * the order of the plan; its key is "all". Undefined ones are among them. May be NULL.
     */
    pa_status (*pool)(void *user_data, const pa_options *options, const pa_value *const *values, int64_t n_values,
                      pa_value *out, pa_error *err);
    int32_t
        kinds; /**< What it can be computed of: bit k for ::pa_kind k; 0: anything. Others are refused in a configuration. */
} pa_metric_ops;

/**
 * @brief Add a metric to a context; from then on `metric_name: <name>` works in a configuration.
 * @param[in,out] ctx        Context to extend.
 * @param[in]     ops        Implementation; the struct, its strings and its option table are copied.
 * @param[in]     user_data  Handed to the callbacks. On ::PA_OK the context owns it and calls `ops->destroy`; on
 *                           failure it stays with the caller. May be NULL.
 * @param[out]    err        Error text, or NULL.
 * @retval PA_OK          Registered.
 * @retval PA_ERR_INVALID Malformed `ops`: no name or `compute`, `n_inputs` not 1 or 2, a bad option table.
 * @retval PA_ERR_EXISTS  The name is taken; the old metric stays.
 * @retval PA_ERR_NOMEM   Out of memory; `ctx` is unchanged.
 */
PA_API PA_NODISCARD pa_status pa_metric_register(pa_context *ctx, const pa_metric_ops *ops, void *user_data,
                                                 pa_error *err);

/**
 * @brief Number of registered metrics.
 * @param[in] ctx  Context.
 * @return At least 0.
 */
PA_API int64_t pa_metric_count(const pa_context *ctx);

/**
 * @brief Description of a registered metric.
 * @param[in] ctx    Context.
 * @param[in] index  0 ... pa_metric_count() - 1, in alphabetical order.
 * @return Borrowed from the context; NULL when `index` is out of range.
 */
PA_API const pa_metric_ops *pa_metric_describe(const pa_context *ctx, int64_t index);

/**
 * @brief A metric with options, ready to compute.
 * @param[in]  ctx      Context; outlives the metric.
 * @param[in]  name     Registered name.
 * @param[in]  options  Flow YAML without braces, e.g. "norm_type: nuclear, compat: pico"; NULL or "" for defaults.
 * @param[out] out      The metric; yours, end it with pa_metric_destroy().
 * @param[out] err      Error text, or NULL.
 * @retval PA_OK            Made.
 * @retval PA_ERR_NOT_FOUND No such metric; the text names the nearest one.
 * @retval PA_ERR_CONFIG    An option is unknown, missing or of the wrong type.
 * @retval PA_ERR_NOMEM     Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_metric_create(pa_context *ctx, const char *name, const char *options, pa_metric **out,
                                               pa_error *err);

/**
 * @brief End a metric.
 * @param[in] metric  May be NULL.
 */
PA_API void pa_metric_destroy(pa_metric *metric);

/**
 * @brief Compute a metric. Every input ends in a finite value or a named state; see ::pa_state.
 * @param[in]  metric    Metric.
 * @param[in]  in        Matrices.
 * @param[in]  n_inputs  Number of matrices; what the metric asks for.
 * @param[out] out       The value; initialise with ::PA_VALUE_INIT, end with pa_value_clear(). What it held before is
 *                       cleared first. Unset on failure.
 * @param[out] err       Error text, or NULL.
 * @retval PA_OK           `out` is set, perhaps to an undefined state.
 * @retval PA_ERR_INVALID  A NULL argument or the wrong number of inputs.
 * @retval PA_ERR_CALLBACK The metric returned success without a value.
 * @retval PA_ERR_NOMEM    Out of memory. Any other negative status: what the metric returned.
 */
PA_API PA_NODISCARD pa_status pa_metric_compute(const pa_metric *metric, const pa_matrix *const *in, int64_t n_inputs,
                                                pa_value *out, pa_error *err);

/**
 * @brief Look up, compute and forget: pa_metric_create(), pa_metric_compute(), pa_metric_destroy().
 * @param[in]  ctx       Context.
 * @param[in]  name      Registered name.
 * @param[in]  options   As for pa_metric_create().
 * @param[in]  in        Matrices.
 * @param[in]  n_inputs  Number of matrices.
 * @param[out] out       The value, as for pa_metric_compute().
 * @param[out] err       Error text, or NULL.
 * @return ::PA_OK or an error of one of the three.
 */
PA_API PA_NODISCARD pa_status pa_compute(pa_context *ctx, const char *name, const char *options,
                                         const pa_matrix *const *in, int64_t n_inputs, pa_value *out, pa_error *err);

PA_END_DECLS
#endif
