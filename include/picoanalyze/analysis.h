/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/analysis.h
 * @brief From a configuration and a run to results and files.
 *
 * Threads: a pa_config and pa_results may be read by several threads; a pa_analysis belongs to one at a time.
 */
#ifndef PICOANALYZE_ANALYSIS_H
#define PICOANALYZE_ANALYSIS_H
#include <picoanalyze/checkpoint.h>
#include <picoanalyze/value.h>

PA_BEGIN_DECLS

/** Opaque: what to compute, as read from YAML. */
typedef struct pa_config pa_config;

/** Opaque: the plan of one configuration over one run. */
typedef struct pa_analysis pa_analysis;

/** Opaque: rows of values, in the order of the plan. */
typedef struct pa_results pa_results;

/** @name Configuration
 * @{ */

/**
 * @brief Read a configuration file (pico-analyze's schema; docs/configuration.md).
 * @param[in]  ctx   Context with the metrics and components that the file may name; outlives the configuration.
 * @param[in]  path  File.
 * @param[out] out   The configuration; yours, end it with pa_config_destroy().
 * @param[out] err   Error text with file, line and column, or NULL.
 * @retval PA_OK            Read and valid.
 * @retval PA_ERR_NOT_FOUND No such file.
 * @retval PA_ERR_IO        It cannot be read.
 * @retval PA_ERR_CONFIG    It is not valid YAML, or names an unknown key, metric, component, option or value.
 * @retval PA_ERR_LIMIT     It is larger or deeper than a configuration may be.
 * @retval PA_ERR_NOMEM     Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_config_load(pa_context *ctx, const char *path, pa_config **out, pa_error *err);

/**
 * @brief Read a configuration from memory.
 * @param[in]  ctx     As for pa_config_load().
 * @param[in]  text    UTF-8 YAML.
 * @param[in]  length  Its bytes.
 * @param[in]  name    What errors call it, e.g. "config"; its last path component without extension names an
 *                     analysis that has no `analysis_name`.
 * @param[out] out     The configuration; yours.
 * @param[out] err     Error text, or NULL.
 * @return As pa_config_load().
 */
PA_API PA_NODISCARD pa_status pa_config_parse(pa_context *ctx, const char *text, int64_t length, const char *name,
                                              pa_config **out, pa_error *err);

/**
 * @brief End a configuration. An analysis made from it stays valid only as long as the configuration.
 * @param[in] config  May be NULL.
 */
PA_API void pa_config_destroy(pa_config *config);

/**
 * @brief `analysis_name`.
 * @param[in] config  Configuration.
 * @return Borrowed from the configuration.
 */
PA_API const char *pa_config_name(const pa_config *config);

/**
 * @brief `monitoring.output_dir`, "analysis_results" when absent.
 * @param[in] config  Configuration.
 * @return Borrowed from the configuration.
 */
PA_API const char *pa_config_output_dir(const pa_config *config);

/**
 * @brief How the configuration wants its runs to be opened: `layout`, `naming`, `model` and `unscramble`.
 * @param[in] config  Configuration.
 * @return Borrowed from the configuration, for pa_run_open_with() or pa_run_open_hub().
 */
PA_API const pa_run_options *pa_config_run_options(const pa_config *config);

/**
 * @brief Whose formulas are used.
 * @param[in] config  Configuration.
 * @return A ::pa_compat.
 */
PA_API pa_compat pa_config_compat(const pa_config *config);

/**
 * @brief Override the `compat` of the top level; entries that have a `compat` of their own keep it.
 * @param[in,out] config  Configuration that no analysis was made of yet.
 * @param[in]     compat  Whose formulas to use.
 */
PA_API void pa_config_set_compat(pa_config *config, pa_compat compat);
/** @} */

/** @name Analysis
 * @{ */

/** How far an analysis has come. */
typedef struct pa_progress {
    size_t struct_size;  /**< `sizeof(pa_progress)` as the library was compiled. */
    int64_t step;        /**< Training step being computed. */
    int64_t steps_done;  /**< Steps finished. */
    int64_t steps;       /**< Steps in all. */
    int64_t values_done; /**< Values computed. */
    int64_t values;      /**< Values in all, as far as known: those of steps not yet opened are estimated. */
} pa_progress;

/**
 * @brief Told about progress now and then, from the thread that called pa_analysis_execute().
 * @return 1 to go on, 0 to stop: the analysis then ends with ::PA_ERR_CANCELLED.
 */
typedef int32_t (*pa_progress_fn)(void *user, const pa_progress *progress);

/**
 * @brief Plan a configuration over a run. Warns, through the context's log, once about each thing it must skip.
 * @param[in]  ctx     Context.
 * @param[in]  config  What to compute; outlives the analysis.
 * @param[in]  run     Where; outlives the analysis.
 * @param[out] out     The analysis; yours, end it with pa_analysis_destroy().
 * @param[out] err     Error text, or NULL.
 * @retval PA_OK            Planned.
 * @retval PA_ERR_NOT_FOUND None of the steps is in the run, or a target step is not; the text lists what there is. Or a
 *                          target run cannot be opened; other errors are those of pa_run_open().
 * @retval PA_ERR_CONFIG    A layer is outside the model.
 * @retval PA_ERR_LIMIT     More than a million combinations of metric, component and layer.
 * @retval PA_ERR_NOMEM     Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_analysis_create(pa_context *ctx, const pa_config *config, const pa_run *run,
                                                 pa_analysis **out, pa_error *err);

/** What an analysis does with a journal that is there already. */
typedef int32_t pa_journal_mode;

/** Values of ::pa_journal_mode. The numbers never change. */
enum {
    PA_JOURNAL_START = 0, /**< Discard it and compute everything. */
    PA_JOURNAL_RESUME = 1 /**< Take over what is in it and compute the rest; nothing there: compute everything. */
};

/**
 * @brief Let pa_analysis_execute() write down what it has finished, so that it can be resumed after whatever ended it.
 *
 * The journal gets a record for each layer of a step as soon as that is computed; what was written survives the end of
 * the process. Records are flushed to the disk in groups, at least every 64, whenever one comes more than a second
 * after the last flush, and when execution is cancelled or fails; what was flushed survives the end of the machine. A
 * resumed execution gives the same rows as one that was never
 * interrupted, to the last bit; its summary counts only the bytes and seconds of its own.
 *
 * Nothing is opened yet: pa_analysis_execute() does, and returns ::PA_ERR_FORMAT when the file is no journal, is damaged,
 * or belongs to an analysis with another configuration, run or library version, and ::PA_ERR_IO when it cannot be read or
 * written or another process is using it. The file stays when execution succeeds; remove it once the results are safe.
 * @param[in,out] analysis  Analysis.
 * @param[in]     path      File, e.g. "analysis_results/demo/results.journal"; it and the directories above it are made
 *                          when there is something to write. Copied. NULL: keep no journal.
 * @param[in]     mode      A ::pa_journal_mode.
 * @param[out]    err       Error text, or NULL.
 * @retval PA_OK          Set.
 * @retval PA_ERR_INVALID `analysis` is NULL, `path` is "" or `mode` is none.
 * @retval PA_ERR_NOMEM   Out of memory; what was set before stays.
 */
PA_API PA_NODISCARD pa_status pa_analysis_set_journal(pa_analysis *analysis, const char *path, pa_journal_mode mode,
                                                      pa_error *err);

/**
 * @brief Compute everything. May be called again; it then starts anew, or resumes if pa_analysis_set_journal() says so.
 * @param[in]  analysis  Plan.
 * @param[in]  progress  Told about progress; may be NULL.
 * @param[in]  user      Handed to `progress`.
 * @param[out] out       The results; yours, end them with pa_results_destroy().
 * @param[out] err       Error text, or NULL.
 * @retval PA_OK            All computed; undefined values are rows with a state.
 * @retval PA_ERR_CANCELLED `progress` asked to stop.
 * @retval PA_ERR_FORMAT    The journal cannot be resumed from, see pa_analysis_set_journal(); or a file is damaged.
 * @retval PA_ERR_NOT_FOUND A tensor that a component needs is missing, or no step has any file that is asked for. Any
 *                          other: what a file, component or metric returned.
 */
PA_API PA_NODISCARD pa_status pa_analysis_execute(pa_analysis *analysis, pa_progress_fn progress, void *user,
                                                  pa_results **out, pa_error *err);

/** @brief Receives one line of text, without newline; valid during the call. */
typedef void (*pa_line_fn)(void *user, const char *line);

/**
 * @brief Explain the plan: for the first step, what each matrix is made of, which way each answer is computed, what that
 *        costs in floating-point operations, which metrics share it. Opens files but reads no tensor.
 * @param[in]  analysis  Plan.
 * @param[in]  line      Called for each line of the explanation, from the calling thread.
 * @param[in]  user      Handed to `line`.
 * @param[out] err       Error text, or NULL.
 * @return ::PA_OK, ::PA_ERR_INVALID for a NULL argument, or what a file or component returned.
 */
PA_API PA_NODISCARD pa_status pa_analysis_explain(const pa_analysis *analysis, pa_line_fn line, void *user,
                                                  pa_error *err);

/**
 * @brief End an analysis. Results stay valid.
 * @param[in] analysis  May be NULL.
 */
PA_API void pa_analysis_destroy(pa_analysis *analysis);
/** @} */

/** @name Results
 * @{ */

/** One value and where it comes from. Strings are borrowed from the results, and so are the named outputs of `value`: read
 *  them with pa_value_output() or pa_value_find_output(), and do not call pa_value_clear() on it. */
typedef struct pa_result_row {
    size_t struct_size;       /**< `sizeof(pa_result_row)` as the caller compiled it; set before the call. */
    const char *run;          /**< Name of the run. */
    const char *split;        /**< "train", "val" ... */
    const char *metric;       /**< Name of the metric. */
    const char *options;      /**< Its options that differ from the defaults, as YAML; may be "". */
    const char *component;    /**< Name of the component. */
    const char *key;          /**< Full key, e.g. "layers.0.ov_circuit.weights.heads.3". */
    const char *file;         /**< Name of the JSON file without extension, e.g. "norm_val". */
    int64_t step;             /**< Training step. */
    int64_t target_step;      /**< Step compared with, or -1. */
    int64_t layer;            /**< Layer; -1 of a value over several, whose key and component are "all". */
    int64_t head;             /**< Head, or -1 for the whole. */
    pa_kind kind;             /**< Weights, gradients or activations. */
    pa_compat compat;         /**< Whose formula. */
    pa_value value;           /**< The value or why there is none, with its named outputs. */
    const char *target_split; /**< Split compared with; "" when it is the same or nothing is compared. */
    const char *target_run;   /**< Run compared with, as the configuration has it; "" likewise. */
    int64_t target_layer;     /**< Layer compared with (`matrix: layers`), or -1. */
    int32_t unscrambled;      /**< 1: of activations whose rows were put in order (`unscramble`). */
    int32_t reserved;         /**< Zero. */
} pa_result_row;

/** Sums over all rows. */
typedef struct pa_summary {
    size_t struct_size; /**< `sizeof(pa_summary)` as the caller compiled it; set before the call. */
    int64_t values;     /**< Number of rows. */
    int64_t undefined;  /**< Rows without a value. */
    int64_t bytes_read; /**< Bytes of files read. */
    double seconds;     /**< Wall time of pa_analysis_execute(). */
    int64_t queries;    /**< Answers that were asked of matrices ... */
    int64_t computed;   /**< ... and how many of them had to be computed: the others were remembered. */
} pa_summary;

/**
 * @brief Number of rows.
 * @param[in] results  Results.
 * @return At least 0.
 */
PA_API int64_t pa_results_count(const pa_results *results);

/**
 * @brief Read a row.
 * @param[in]     results  Results.
 * @param[in]     index    0 ... pa_results_count() - 1: by step, then in the order of the configuration.
 * @param[in,out] out      `struct_size` set by the caller; the rest is filled in.
 * @param[out]    err      Error text, or NULL.
 * @return ::PA_OK, or ::PA_ERR_INVALID for a bad index or `struct_size`.
 */
PA_API PA_NODISCARD pa_status pa_results_row(const pa_results *results, int64_t index, pa_result_row *out,
                                             pa_error *err);

/**
 * @brief Sums over all rows.
 * @param[in]     results  Results.
 * @param[in,out] out      `struct_size` set by the caller; the rest is filled in.
 * @param[out]    err      Error text, or NULL.
 * @return ::PA_OK, or ::PA_ERR_INVALID for a bad `struct_size`.
 */
PA_API PA_NODISCARD pa_status pa_results_summary(const pa_results *results, pa_summary *out, pa_error *err);

/**
 * @brief Write results to files. Every file is written beside its name and renamed when all are complete, those of
 *        several formats together.
 *
 * - "json": `<directory>/step_<N>/<file>.json`, one flat object, key to number or null, as pico-analyze writes it. A named
 *   number of a value is one more key, `<key>.<name>`;
 * - "jsonl": `<directory>/results.jsonl`, one object a row with every field, and with `outputs` if the value has any: name to
 *   number, null or `{"axes": [...], "shape": [...], "values": [...]}`, the last axis fastest. `output_states` then says why
 *   there is a null;
 * - "csv": `<directory>/results.csv`, the fields with a header line (RFC 4180), one more line for each named number, whose name
 *   is in the column `output`.
 *
 * Arrays are in "jsonl" only.
 * @param[in]  results    Results.
 * @param[in]  format     "json", "jsonl" or "csv", or several with commas: "json,jsonl,csv".
 * @param[in]  directory  Where; made when absent, with its parents.
 * @param[out] err        Error text, or NULL.
 * @retval PA_OK            Written.
 * @retval PA_ERR_NOT_FOUND No such format; the text names the nearest one.
 * @retval PA_ERR_IO        A directory or file cannot be written; what was there before is untouched.
 * @retval PA_ERR_NOMEM     Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_results_export(const pa_results *results, const char *format, const char *directory,
                                                pa_error *err);

/**
 * @brief End results.
 * @param[in] results  May be NULL.
 */
PA_API void pa_results_destroy(pa_results *results);
/** @} */

PA_END_DECLS
#endif
