/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/context.h
 * @brief The context: allocator, log, threads and the registry of metrics and components.
 *
 * Several contexts may live side by side; they share no state. A context outlives every object made with it.
 *
 * Threads: many threads may use one context at once, except that registering (metric.h, component.h)
 * and destroying need exclusive access.
 */
#ifndef PICOANALYZE_CONTEXT_H
#define PICOANALYZE_CONTEXT_H
#include <picoanalyze/types.h>

PA_BEGIN_DECLS

/** Opaque; see the file description. */
typedef struct pa_context pa_context;

/** Severity of a log message. */
typedef int32_t pa_log_level;

/** Values of ::pa_log_level. */
enum {
    PA_LOG_INFO = 0,   /**< Worth knowing. */
    PA_LOG_WARNING = 1 /**< Something was skipped or is not as asked; the call still succeeds. */
};

/**
 * @brief Receives log messages: one line each, without newline, valid during the call.
 *
 * May be called from several threads, but never from two at a time for one context.
 */
typedef void (*pa_log_fn)(void *user, pa_log_level level, const char *message);

/** How to make a context. Zero-initialise it; zero means default; fields are only ever appended. */
typedef struct pa_context_options {
    size_t struct_size;            /**< `sizeof(pa_context_options)` as the caller compiled it. */
    const pa_allocator *allocator; /**< Copied; NULL: malloc and free. */
    pa_log_fn log;                 /**< NULL: messages are dropped. */
    void *log_user;                /**< Handed to `log`. */
    int32_t threads;               /**< Worker threads of an analysis; 0: the processors available. */
    int32_t reserved;              /**< Zero. */
    /**
     * Bytes that the layers being computed at one time may take, as estimated: each tensor of a layer and, for what is
     * derived from it, the same again, in doubles; and the tensors of the target checkpoints, which are kept. One layer
     * is always computed, however large. 0: no limit. Results do not depend on it.
     */
    int64_t max_memory;
} pa_context_options;

/**
 * @brief Make a context with all built-in metrics and components registered.
 * @param[in]  options  How, or NULL for the defaults; borrowed for the call.
 * @param[out] out      The context; yours, end it with pa_context_destroy().
 * @param[out] err      Error text, or NULL.
 * @retval PA_OK          Made.
 * @retval PA_ERR_INVALID `struct_size` too small, half an allocator, `threads` outside 0 ... 1024, or a negative
 *                        `max_memory`.
 * @retval PA_ERR_NOMEM   Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_context_create(const pa_context_options *options, pa_context **out, pa_error *err);

/**
 * @brief End a context. Every object made with it must be gone. Calls the `destroy` of registered user data.
 * @param[in] ctx  May be NULL.
 */
PA_API void pa_context_destroy(pa_context *ctx);

/**
 * @brief The number of worker threads that an analysis on this context uses.
 * @param[in] ctx  Context.
 * @return At least 1.
 */
PA_API int32_t pa_context_threads(const pa_context *ctx);

/** What the process computes with; for bug reports and for the `doctor` command. */
typedef struct pa_runtime_info {
    size_t struct_size;     /**< `sizeof(pa_runtime_info)` as the caller compiled it; set before the call. */
    char blas[128];         /**< Name, version and build of the BLAS in use. */
    char blas_core[32];     /**< Kernel family the BLAS picked, e.g. "Haswell"; empty if it does not say. */
    char cpu_best_core[32]; /**< Kernel family that fits this processor, or empty when `blas_core` does. */
    int32_t blas_threads;   /**< Threads the BLAS would use for the host's own calls, made by the calling thread. */
    int32_t blas_parallel;  /**< 0 serial build, 1 POSIX threads, 2 OpenMP, -1 unknown. */
    int32_t cpus;           /**< Processors available to this process. */
    int32_t blas_callers;   /**< Threads that the library lets into the BLAS at once: 1 where it is not thread-safe. */
} pa_runtime_info;

/**
 * @brief Describe the BLAS and the processor. Changes nothing.
 * @param[in,out] info  `struct_size` set by the caller; the rest is filled in.
 * @param[out]    err   Error text, or NULL.
 * @retval PA_OK          Filled in.
 * @retval PA_ERR_INVALID `info` is NULL or its `struct_size` is too small.
 */
PA_API PA_NODISCARD pa_status pa_runtime_info_get(pa_runtime_info *info, pa_error *err);

/**
 * @brief End the threads that the BLAS started when it was loaded and set it to one thread, for good.
 *
 * For programs that use the BLAS through this library only. The library spreads work over threads of its own; those of
 * OpenBLAS look for work in a loop for a tenth of a second before they sleep, which costs a short analysis up to a
 * third of its speed. Does nothing with a BLAS that has no such threads (serial, OpenMP, another than OpenBLAS).
 *
 * Threads: call it before any other thread uses the BLAS.
 */
PA_API void pa_runtime_end_blas_threads(void);

PA_END_DECLS
#endif
