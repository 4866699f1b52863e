/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/value.h
 * @brief The value of a metric: a finite number, or a named reason why there is none.
 *
 * Beside its one number a value may carry named outputs: further numbers, and arrays with named axes (a histogram, a
 * matrix). They belong to the value and end with pa_value_clear().
 *
 * Threads: a pa_value belongs to whoever holds it; no function here touches shared state.
 */
#ifndef PICOANALYZE_VALUE_H
#define PICOANALYZE_VALUE_H
#include <picoanalyze/types.h>

PA_BEGIN_DECLS

/** Whether a metric is defined on its input, and if not, why. */
typedef int32_t pa_state;

/** Values of ::pa_state. The numbers never change. */
enum {
    PA_STATE_UNSET = 0,      /**< Nothing was computed yet; never appears in results. */
    PA_STATE_OK = 1,         /**< `value` is finite and is the answer. */
    PA_STATE_DEGENERATE = 2, /**< The input is constant or zero, so the quotient is 0/0. */
    PA_STATE_SATURATED = 3,  /**< Too few rows: the answer would be the same for any data. */
    PA_STATE_SINGULAR = 4,   /**< The smallest singular value is zero. */
    PA_STATE_NONFINITE = 5,  /**< The input holds NaN or infinity (counted), or the answer exceeds a double. */
    PA_STATE_EMPTY = 6,      /**< The input has no element. */
    PA_STATE_UNSUPPORTED = 7 /**< The metric is not defined for such input; `note` says why. */
};

/**
 * @brief "ok", "degenerate", "saturated" ...
 * @param[in] state  A ::pa_state.
 * @return Static string; "unset" for any other number.
 */
PA_API const char *pa_state_name(pa_state state);

/** Opaque: the named outputs of a value. */
typedef struct pa_outputs pa_outputs;

/** A metric's value with its provenance. Initialise with ::PA_VALUE_INIT or pa_value_init(). */
typedef struct pa_value {
    size_t struct_size;   /**< `sizeof(pa_value)` as the caller compiled it. */
    double value;         /**< Finite; 0 unless `state` is ::PA_STATE_OK. */
    pa_state state;       /**< Whether there is a value. */
    pa_dtype dtype;       /**< Storage type of the (first) input: the coarsest among its tensors. */
    int64_t n;            /**< Rows of the first input. */
    int64_t p;            /**< Columns of the first input. */
    int64_t rank;         /**< Numerical rank of the first input, or -1 when the metric did not need it. */
    int64_t rank_storage; /**< Singular values above the rounding noise of `dtype`; -1 likewise. */
    int64_t nonfinite;    /**< NaN and infinite elements of the inputs. */
    char definition[48];  /**< Formula used, e.g. "kornblith2019", "pico". */
    char estimator[32];   /**< Variant of it, e.g. "biased", "debiased"; may be empty. */
    char note[96];        /**< Reason when there is no value; may be empty. */
    pa_outputs *outputs;  /**< Named numbers and arrays, see pa_value_output(); NULL when there are none. */
} pa_value;

/** Initialiser of a pa_value: `pa_value v = PA_VALUE_INIT;`; pa_value_init() is the same as a function. */
#define PA_VALUE_INIT                                                                                                  \
    {                                                                                                                  \
        sizeof(pa_value), 0.0, PA_STATE_UNSET, 0, 0, 0, -1, -1, 0, "", "", "", NULL                                    \
    }

/**
 * @brief Put a value into the state of ::PA_VALUE_INIT.
 * @param[out] value        To initialise.
 * @param[in]  struct_size  `sizeof(pa_value)` as the caller compiled it.
 */
PA_API void pa_value_init(pa_value *value, size_t struct_size);

/**
 * @brief End the named outputs and go back to the state of ::PA_VALUE_INIT.
 * @param[in,out] value  An initialised value, or NULL.
 */
PA_API void pa_value_clear(pa_value *value);

/**
 * @brief Give the answer. A number that is not finite becomes ::PA_STATE_NONFINITE.
 * @param[in,out] value   Where.
 * @param[in]     number  The answer.
 */
PA_API void pa_value_set(pa_value *value, double number);

/**
 * @brief Say that there is no answer, and why.
 * @param[in,out] value  Where.
 * @param[in]     state  Any state but ::PA_STATE_OK and ::PA_STATE_UNSET.
 * @param[in]     note   One short sentence without full stop, copied; may be NULL.
 */
PA_API void pa_value_set_undefined(pa_value *value, pa_state state, const char *note);

/**
 * @brief Say which formula gave the answer.
 * @param[in,out] value       Where.
 * @param[in]     definition  E.g. "kornblith2019"; copied.
 * @param[in]     estimator   E.g. "debiased"; copied; NULL for none.
 */
PA_API void pa_value_set_definition(pa_value *value, const char *definition, const char *estimator);

/** @name Named outputs
 * Names, of outputs and of axes, are `[a-z][a-z0-9_]*`. An output's has at most 63 characters and occurs once in a value,
 * which has at most 4096 outputs.
 * @{ */

/** Most dimensions of an array. */
#define PA_OUTPUT_MAX_DIMS 4

/** One named output. Pointers are borrowed from the value, until it is cleared or gets another output. */
typedef struct pa_output {
    size_t struct_size;    /**< `sizeof(pa_output)` as the caller compiled it; set before the call. */
    const char *name;      /**< E.g. "q50". */
    const char *axes;      /**< Of an array: a name for each dimension, "bin" or "row,column"; "" for a number. */
    const double *numbers; /**< Of an array: all elements, the last axis fastest; NULL for a number. */
    int64_t shape[PA_OUTPUT_MAX_DIMS]; /**< `ndim` sizes. */
    int32_t ndim;                      /**< 0 for a number. */
    pa_state state;                    /**< ::PA_STATE_OK, or why there is no number. */
    double number;                     /**< Finite; 0 unless `state` is ::PA_STATE_OK; 0 for an array. */
} pa_output;

/**
 * @brief Add a number. One that is not finite becomes an output with ::PA_STATE_NONFINITE.
 * @param[in,out] value   Where.
 * @param[in]     name    Copied.
 * @param[in]     number  The number.
 * @param[out]    err     Error text, or NULL.
 * @retval PA_OK          Added.
 * @retval PA_ERR_INVALID A NULL argument or a malformed name.
 * @retval PA_ERR_EXISTS  The name is taken.
 * @retval PA_ERR_LIMIT   Too many outputs.
 * @retval PA_ERR_NOMEM   Out of memory; the value is as before.
 */
PA_API PA_NODISCARD pa_status pa_value_add_number(pa_value *value, const char *name, double number, pa_error *err);

/**
 * @brief Add a name without a number, and why there is none.
 * @param[in,out] value  Where.
 * @param[in]     name   Copied.
 * @param[in]     state  Any state but ::PA_STATE_OK and ::PA_STATE_UNSET.
 * @param[out]    err    Error text, or NULL.
 * @return As pa_value_add_number().
 */
PA_API PA_NODISCARD pa_status pa_value_add_undefined(pa_value *value, const char *name, pa_state state, pa_error *err);

/**
 * @brief Add an array.
 * @param[in,out] value    Where.
 * @param[in]     name     Copied.
 * @param[in]     axes     `ndim` names with commas between, at most 127 characters, e.g. "bin" or "row,column"; copied.
 * @param[in]     shape    `ndim` sizes, each at least 0.
 * @param[in]     ndim     1 ... ::PA_OUTPUT_MAX_DIMS.
 * @param[in]     numbers  All elements, finite, the last axis fastest; copied; may be NULL when there are none.
 * @param[out]    err      Error text, or NULL.
 * @return As pa_value_add_number(); ::PA_ERR_INVALID also for a bad shape, axes or a number that is not finite.
 */
PA_API PA_NODISCARD pa_status pa_value_add_array(pa_value *value, const char *name, const char *axes,
                                                 const int64_t *shape, int32_t ndim, const double *numbers,
                                                 pa_error *err);

/**
 * @brief Number of named outputs.
 * @param[in] value  Value.
 * @return At least 0.
 */
PA_API int64_t pa_value_output_count(const pa_value *value);

/**
 * @brief Read a named output.
 * @param[in]     value  Value.
 * @param[in]     index  0 ... pa_value_output_count() - 1, in the order in which they were added.
 * @param[in,out] out    `struct_size` set by the caller; the rest is filled in.
 * @param[out]    err    Error text, or NULL.
 * @return ::PA_OK, or ::PA_ERR_INVALID for a bad index or `struct_size`.
 */
PA_API PA_NODISCARD pa_status pa_value_output(const pa_value *value, int64_t index, pa_output *out, pa_error *err);

/**
 * @brief Read a named output by its name.
 * @param[in]     value  Value.
 * @param[in]     name   Name.
 * @param[in,out] out    `struct_size` set by the caller; the rest is filled in.
 * @param[out]    err    Error text, or NULL.
 * @return As pa_value_output(); ::PA_ERR_NOT_FOUND when there is none of that name.
 */
PA_API PA_NODISCARD pa_status pa_value_find_output(const pa_value *value, const char *name, pa_output *out,
                                                   pa_error *err);
/** @} */

PA_END_DECLS
#endif
