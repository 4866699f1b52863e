/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/value.h
 * @brief The value of a metric: a finite number, or a named reason why there is none.
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
} pa_value;

/** Initialiser of a pa_value: `pa_value v = PA_VALUE_INIT;`; pa_value_init() is the same as a function. */
#define PA_VALUE_INIT                                                                                                  \
    {                                                                                                                  \
        sizeof(pa_value), 0.0, PA_STATE_UNSET, 0, 0, 0, -1, -1, 0, "", "", ""                                          \
    }

/**
 * @brief Put a value into the state of ::PA_VALUE_INIT.
 * @param[out] value        To initialise.
 * @param[in]  struct_size  `sizeof(pa_value)` as the caller compiled it.
 */
PA_API void pa_value_init(pa_value *value, size_t struct_size);

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

PA_END_DECLS
#endif
