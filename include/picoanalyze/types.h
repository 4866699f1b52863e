/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/types.h
 * @brief What every other header uses: status codes, errors, the allocator, data types, tensor kinds.
 *
 * Conventions of the whole library:
 * - A fallible function returns ::pa_status and takes a caller-owned, nullable ::pa_error last.
 * - Outputs are written on success only; a `**out` is set to NULL on failure.
 * - `**out` is yours: destroy it. A returned `const` pointer is borrowed; its comment says until when.
 * - Every destroy function accepts NULL.
 * - Nothing here prints, aborts, exits, installs signal handlers or reads the environment.
 *
 * Threads: everything in this header may be called from any thread.
 */
#ifndef PICOANALYZE_TYPES_H
#define PICOANALYZE_TYPES_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define PA_BEGIN_DECLS extern "C" {
#define PA_END_DECLS }
#else
#define PA_BEGIN_DECLS
#define PA_END_DECLS
#endif

#if defined(__GNUC__)
#define PA_API __attribute__((visibility("default")))
#define PA_NODISCARD __attribute__((warn_unused_result))
#else
#define PA_API
#define PA_NODISCARD
#endif

PA_BEGIN_DECLS

/** Result of a fallible call: ::PA_OK or one of the negative codes. The numbers never change. */
typedef int32_t pa_status;

/** Values of ::pa_status. */
enum {
    PA_OK = 0,               /**< Success. */
    PA_ERR_INVALID = -1,     /**< An argument breaks the function's contract. */
    PA_ERR_NOMEM = -2,       /**< The allocator returned NULL. */
    PA_ERR_IO = -3,          /**< The operating system refused to open, read or write. */
    PA_ERR_FORMAT = -4,      /**< A file is damaged, truncated or lies about itself. */
    PA_ERR_UNSUPPORTED = -5, /**< Well-formed, but of a kind this version does not handle. */
    PA_ERR_LIMIT = -6,       /**< A safety limit (size, depth, count) would be exceeded. */
    PA_ERR_NOT_FOUND = -7,   /**< No such name, step, tensor or file. */
    PA_ERR_EXISTS = -8,      /**< The name is taken. */
    PA_ERR_CONFIG = -9,      /**< A configuration is not valid; the text gives file, line and column. */
    PA_ERR_SHAPE = -10,      /**< Shapes of the operands do not fit together. */
    PA_ERR_NONFINITE = -11,  /**< The input holds NaN or infinity where a factorization is needed. */
    PA_ERR_NOCONV = -12,     /**< An iterative factorization did not converge. */
    PA_ERR_CANCELLED = -13,  /**< A progress callback asked to stop. */
    PA_ERR_CALLBACK = -14,   /**< A user callback failed, or succeeded without giving its result. */
    PA_ERR_NETWORK = -15,    /**< A server cannot be reached, is too busy, or does not answer as it should. */
    PA_ERR_DENIED = -16      /**< A server wants to know who asks, or does not let them. */
};

/**
 * @brief Name of a status, e.g. "PA_ERR_IO".
 * @param[in] status  A ::pa_status.
 * @return Static string; "PA_ERR_UNKNOWN" for any other number.
 */
PA_API const char *pa_status_name(pa_status status);

/**
 * @brief What went wrong, in one line. Owned by the caller, may be NULL wherever it is taken. A call that succeeds leaves
 * it as it was or empty.
 */
typedef struct pa_error {
    pa_status status;   /**< The status that the failed call returned. */
    int32_t reserved;   /**< Zero. */
    char message[1016]; /**< NUL-terminated UTF-8, no newline; truncated when longer. */
} pa_error;

/** Where the library takes its memory from. Must be safe to call from several threads. */
typedef struct pa_allocator {
    void *(*alloc)(void *user, size_t bytes);  /**< At least `bytes` (> 0), aligned as malloc, or NULL. */
    void (*dealloc)(void *user, void *memory); /**< Gives back what `alloc` returned; never NULL. */
    void *user;                                /**< Handed to both; may be NULL. */
} pa_allocator;

/** Element type of a tensor, as stored. */
typedef int32_t pa_dtype;

/** Values of ::pa_dtype. The numbers never change. */
enum {
    PA_F32 = 1,        /**< IEEE 754 binary32. */
    PA_F64 = 2,        /**< IEEE 754 binary64. */
    PA_F16 = 3,        /**< IEEE 754 binary16. */
    PA_BF16 = 4,       /**< bfloat16: the upper half of a binary32. */
    PA_I8 = 5,         /**< Signed 8 bit. */
    PA_I16 = 6,        /**< Signed 16 bit. */
    PA_I32 = 7,        /**< Signed 32 bit. */
    PA_I64 = 8,        /**< Signed 64 bit; values beyond 2^53 are rounded when computed with. */
    PA_U8 = 9,         /**< Unsigned 8 bit. */
    PA_U16 = 10,       /**< Unsigned 16 bit. */
    PA_U32 = 11,       /**< Unsigned 32 bit. */
    PA_U64 = 12,       /**< Unsigned 64 bit; values beyond 2^53 are rounded when computed with. */
    PA_BOOL = 13,      /**< One byte, 0 or 1. */
    PA_F8_E4M3FN = 14, /**< 8 bit: sign, 4 of exponent, 3 of mantissa; NaN, nothing infinite; up to 448. */
    PA_F8_E5M2 = 15,   /**< 8 bit: sign, 5 of exponent, 2 of mantissa, infinity and NaN as in IEEE 754; up to 57344. */
    PA_F8_E4M3FNUZ = 16, /**< 8 bit: E4M3 with one NaN in place of -0; up to 240. */
    PA_F8_E5M2FNUZ = 17, /**< 8 bit: E5M2 with one NaN in place of -0, nothing infinite; up to 57344. */
    PA_F8_E8M0FNU = 18   /**< 8 bit: a power of two, 2^-127 to 2^127, or NaN; scales of other tensors. */
};

/**
 * @brief Short name of an element type, e.g. "f32", "bf16".
 * @param[in] dtype  A ::pa_dtype.
 * @return Static string; "?" for an unknown number.
 */
PA_API const char *pa_dtype_name(pa_dtype dtype);

/**
 * @brief Bytes of one element.
 * @param[in] dtype  A ::pa_dtype.
 * @return At least 1; 0 for an unknown number.
 */
PA_API int64_t pa_dtype_size(pa_dtype dtype);

/** What a tensor holds. */
typedef int32_t pa_kind;

/** Values of ::pa_kind. The numbers never change. */
enum {
    PA_WEIGHTS = 0,     /**< A parameter, [out, in] as PyTorch's Linear stores it. */
    PA_GRADIENTS = 1,   /**< The loss gradient of a parameter, same shape. */
    PA_ACTIVATIONS = 2, /**< Outputs of a module, [samples, features]. */
    PA_ATTENTION = 3    /**< Attention patterns, [heads, tokens, tokens], rows add up to 1; and the token ids. */
};

/** Number of ::pa_kind values: kinds are 0 ... PA_N_KINDS - 1. */
#define PA_N_KINDS 4

/**
 * @brief "weights", "gradients", "activations" or "attention".
 * @param[in] kind  Kind.
 * @return Static string; "?" for an unknown number.
 */
PA_API const char *pa_kind_name(pa_kind kind);

/** Whose formula is used where pico-analyze and the cited literature differ. */
typedef int32_t pa_compat;

/** Values of ::pa_compat. */
enum {
    PA_COMPAT_LITERATURE = 0, /**< The definition of the cited paper (default). */
    PA_COMPAT_PICO = 1        /**< pico-analyze's formula, wherever that is deterministic. */
};

/**
 * @brief Version of the library that runs, e.g. "0.1.0".
 * @return Static string.
 */
PA_API const char *pa_version(void);

PA_END_DECLS
#endif
