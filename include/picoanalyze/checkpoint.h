/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/checkpoint.h
 * @brief Runs and checkpoints: where tensors come from.
 *
 * A run is a directory as pico-train writes it; a checkpoint is one of its steps, a single file, or a set of arrays
 * in memory. Opening reads directories only; a tensor's elements are read when a matrix made of it is first asked.
 *
 * Threads: a pa_run and an opened pa_checkpoint may be read by several threads; pa_checkpoint_add() and the destroy
 * functions need exclusive access.
 */
#ifndef PICOANALYZE_CHECKPOINT_H
#define PICOANALYZE_CHECKPOINT_H
#include <picoanalyze/matrix.h>

PA_BEGIN_DECLS

/** Opaque: a training run on disk. */
typedef struct pa_run pa_run;

/** Opaque: the tensors of one step. */
typedef struct pa_checkpoint pa_checkpoint;

/** Sizes of the model, each at most INT32_MAX, and its positions; 0 where unknown. */
typedef struct pa_model {
    size_t struct_size; /**< `sizeof(pa_model)` as the caller compiled it. */
    int64_t d_model;    /**< Width of the residual stream. */
    int64_t n_layers;   /**< Number of layers. */
    int64_t n_heads;    /**< Number of attention (query) heads. */
    int64_t n_kv_heads; /**< Number of key/value heads. */
    double rope_theta;  /**< Base of the frequencies of rotary positions. */
    double rope_share;  /**< Share of a head's elements, the first ones, that rotary positions turn; 0: all. */
    int32_t rope_other; /**< 1: positions are scaled, or differ between layers, in a way that is not computed. */
    int32_t reserved;   /**< Zero. */
} pa_model;

/** One tensor of a checkpoint. Pointers are borrowed from the checkpoint. */
typedef struct pa_tensor_info {
    size_t struct_size;   /**< `sizeof(pa_tensor_info)` as the caller compiled it; set before the call. */
    const char *split;    /**< "train", "val"; "" for a single file. */
    const char *name;     /**< Name as stored. */
    const char *suffix;   /**< What follows `layers.<n>.` in it; the whole name when there is no layer. */
    const int64_t *shape; /**< `ndim` sizes; may be NULL when `ndim` is 0. */
    int64_t layer;        /**< Layer number, or -1. */
    pa_kind kind;         /**< Weights, gradients, activations or attention patterns. */
    pa_dtype dtype;       /**< Element type as stored. */
    int32_t ndim;         /**< Number of dimensions. */
    int32_t reserved;     /**< Zero. */
} pa_tensor_info;

/** @name Runs
 * @{ */

/**
 * @brief Open a pico-train run directory: reads `training_config.yaml` and lists the steps under `checkpoints/`.
 * @param[in]  ctx   Context; outlives the run.
 * @param[in]  path  Directory.
 * @param[out] out   The run; yours, end it with pa_run_destroy().
 * @param[out] err   Error text, or NULL.
 * @retval PA_OK            Opened.
 * @retval PA_ERR_NOT_FOUND No such directory, or no `training_config.yaml` or no step in it.
 * @retval PA_ERR_IO        It cannot be read.
 * @retval PA_ERR_CONFIG    `training_config.yaml` is not valid.
 * @retval PA_ERR_NOMEM     Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_run_open(pa_context *ctx, const char *path, pa_run **out, pa_error *err);

/** How to open a run. Zero-initialise it; fields are only ever appended. */
typedef struct pa_run_options {
    size_t struct_size; /**< `sizeof(pa_run_options)` as the caller compiled it. */
    /**
     * Where the steps are, for a directory that pico-train did not write: a path below it in which `{step}` stands for
     * a decimal number, e.g. "checkpoint-{step}/model.safetensors". What it leads to is a state dict, or a directory
     * with one. NULL or "": as pico-train does.
     */
    const char *layout;
    /**
     * Under which names tensors of other models are found: what may stand behind `naming:` in a configuration, the name
     * of a built-in naming or a mapping in YAML (docs/namings.md). NULL, "" or "auto": found out from the names.
     */
    const char *naming;
    /** Sizes that replace those that the run's files tell, where they are not 0. NULL: none. */
    const pa_model *model;
    /**
     * 1: a single process of pico-train wrote the run, and the rows of its activations are to be put back in order. See
     * pa_run_is_single_process(). Nothing else is touched, and nothing copied.
     */
    int32_t unscramble;
    int32_t reserved; /**< Zero. */
} pa_run_options;

/**
 * @brief As pa_run_open(), with options.
 *
 * With a layout the run has weights only, and `training_config.yaml` is not read: sizes of the model are those of
 * `config.json` beside the first step's weights, else in the directory of the run; the number of layers, if neither
 * has it, is counted. A naming that fits none of the tensors is an error when a step's state dict is opened.
 * @param[in]  ctx      Context; outlives the run.
 * @param[in]  path     Directory.
 * @param[in]  options  Options, copied; NULL for none.
 * @param[out] out      The run; yours, end it with pa_run_destroy().
 * @param[out] err      Error text, or NULL.
 * @retval PA_ERR_INVALID   A `struct_size` is below that of the first version, a NULL argument, a size of the model that
 *                          is negative or above INT32_MAX, a `rope_theta` that is neither 0 nor at least 1, or a
 *                          `rope_share` outside of 0 to 1.
 * @retval PA_ERR_CONFIG    The layout has no `{step}` or several, or leads out of the directory; the naming is not valid; or
 *                          `unscramble` is asked for and there is a layout, several processes wrote the run, or it does
 *                          not say how many samples `checkpointing.learning_dynamics.batch_size` were together.
 * @retval PA_ERR_EXISTS    Two entries are of the same step, as `1` and `01`.
 * @retval PA_ERR_NOT_FOUND No such directory, or nothing in it matches the layout.
 * @return Else as pa_run_open() and, to count layers, pa_run_checkpoint().
 */
PA_API PA_NODISCARD pa_status pa_run_open_with(pa_context *ctx, const char *path, const pa_run_options *options,
                                               pa_run **out, pa_error *err);

/**
 * @brief End a run. Checkpoints opened from it stay valid.
 * @param[in] run  May be NULL.
 */
PA_API void pa_run_destroy(pa_run *run);

/**
 * @brief Name of the run (`checkpointing.run_name`, else the directory's).
 * @param[in] run  Run.
 * @return Borrowed from the run.
 */
PA_API const char *pa_run_name(const pa_run *run);

/**
 * @brief Directory of the run as given to pa_run_open().
 * @param[in] run  Run.
 * @return Borrowed from the run.
 */
PA_API const char *pa_run_path(const pa_run *run);

/**
 * @brief Whether `training_config.yaml` says that one process wrote the run: pico-train then mixes up the rows of each
 *        micro-batch of activations. pa_run_options::unscramble undoes it.
 * @param[in] run  Run.
 * @return 1 or 0; 0 also when it does not say.
 */
PA_API int32_t pa_run_is_single_process(const pa_run *run);

/**
 * @brief How the run was opened; another one can be opened in the same way.
 * @param[in] run  Run.
 * @return Borrowed from the run. No text is NULL: what was not asked for is "". `naming` may be written otherwise than it
 *         was given, but means the same; `model` is NULL when no size was given.
 */
PA_API const pa_run_options *pa_run_opened_with(const pa_run *run);

/**
 * @brief Sizes of the model.
 * @param[in] run  Run.
 * @return Borrowed from the run.
 */
PA_API const pa_model *pa_run_model(const pa_run *run);

/**
 * @brief Steps that have a directory, ascending.
 * @param[in]  run    Run.
 * @param[out] count  How many.
 * @return Borrowed from the run.
 */
PA_API const int64_t *pa_run_steps(const pa_run *run, int64_t *count);

/**
 * @brief Open one step. Learning-dynamics files that are absent are simply not there; damaged ones are errors.
 *
 * Weights that the learning dynamics do not have are looked up in the step's state dict, the first that is there of
 * `model.safetensors`, `model.safetensors.index.json`, `pytorch_model.bin` and `pytorch_model.bin.index.json`, for both
 * splits alike. It is opened when the first such weight is asked for.
 * @param[in]  run   Run; may end before the checkpoint.
 * @param[in]  step  One of pa_run_steps().
 * @param[out] out   The checkpoint; yours, end it with pa_checkpoint_destroy().
 * @param[out] err   Error text, or NULL.
 * @retval PA_OK              Opened.
 * @retval PA_ERR_NOT_FOUND   No such step; the text lists what there is.
 * @retval PA_ERR_IO          A file cannot be read.
 * @retval PA_ERR_FORMAT      A file is damaged. Likewise ::PA_ERR_UNSUPPORTED and ::PA_ERR_LIMIT.
 * @retval PA_ERR_INVALID     A NULL argument.
 * @retval PA_ERR_NOMEM       Out of memory.
 * @return Of a run of the Hub else as pa_run_open_hub().
 */
PA_API PA_NODISCARD pa_status pa_run_checkpoint(const pa_run *run, int64_t step, pa_checkpoint **out, pa_error *err);
/** @} */

/** @name Checkpoints
 * @{ */

/**
 * @brief Open a single tensor file. The kind is told from the file name (weights when it tells none).
 * @param[in]  ctx   Context; outlives the checkpoint.
 * @param[in]  path  File of any supported format; recognised by content, never by name. Or a directory with one of
 *                   `model.safetensors`, `model.safetensors.index.json`, `pytorch_model.bin` and
 *                   `pytorch_model.bin.index.json`: the first that is there.
 * @param[out] out   The checkpoint; yours.
 * @param[out] err   Error text, or NULL.
 * @return As pa_run_checkpoint().
 */
PA_API PA_NODISCARD pa_status pa_checkpoint_open(pa_context *ctx, const char *path, pa_checkpoint **out, pa_error *err);

/**
 * @brief An empty checkpoint in memory, to be filled with pa_checkpoint_add().
 * @param[in]  ctx    Context; outlives the checkpoint.
 * @param[in]  step   Training step, >= 0.
 * @param[in]  model  Sizes of the model, copied; NULL when unknown.
 * @param[out] out    The checkpoint; yours.
 * @param[out] err    Error text, or NULL.
 * @retval PA_OK          Made.
 * @retval PA_ERR_INVALID A NULL argument, a negative step, or a `model` that pa_run_open_with() would not take.
 * @retval PA_ERR_NOMEM   Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_checkpoint_create(pa_context *ctx, int64_t step, const pa_model *model,
                                                   pa_checkpoint **out, pa_error *err);

/**
 * @brief Add a matrix to a checkpoint made by pa_checkpoint_create().
 * @param[in,out] checkpoint  Checkpoint.
 * @param[in]     split       "train", "val" or any other name; copied.
 * @param[in]     kind        What it holds.
 * @param[in]     name        Full name, e.g. "layers.3.attention.v_proj"; copied.
 * @param[in]     matrix      Its elements; the checkpoint takes its own reference.
 * @param[out]    err         Error text, or NULL.
 * @retval PA_OK          Added.
 * @retval PA_ERR_INVALID A NULL argument, an unknown kind, or a checkpoint that comes from files.
 * @retval PA_ERR_EXISTS  Split, kind, layer and suffix are there already.
 * @retval PA_ERR_NOMEM   Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_checkpoint_add(pa_checkpoint *checkpoint, const char *split, pa_kind kind,
                                                const char *name, const pa_matrix *matrix, pa_error *err);

/**
 * @brief End a checkpoint. Matrices made from it stay valid.
 * @param[in] checkpoint  May be NULL.
 */
PA_API void pa_checkpoint_destroy(pa_checkpoint *checkpoint);

/**
 * @brief Training step.
 * @param[in] checkpoint  Checkpoint.
 * @return The step, or -1 for a single file.
 */
PA_API int64_t pa_checkpoint_step(const pa_checkpoint *checkpoint);

/**
 * @brief Sizes of the model.
 * @param[in] checkpoint  Checkpoint.
 * @return Borrowed from the checkpoint.
 */
PA_API const pa_model *pa_checkpoint_model(const pa_checkpoint *checkpoint);

/**
 * @brief Whether there is any tensor of that split and kind; of weights also when the step has a state dict.
 * @param[in] checkpoint  Checkpoint.
 * @param[in] split       Split, e.g. "val".
 * @param[in] kind        Kind.
 * @return 1 or 0.
 */
PA_API int32_t pa_checkpoint_has(const pa_checkpoint *checkpoint, const char *split, pa_kind kind);

/**
 * @brief Whose names its tensors have, when they can be asked for by pico-train's as well: "llama", "gpt_neox", "gpt2",
 *        or "own" for a naming given as a mapping.
 *
 * Unless it was given (pa_run_options::naming), it is found out when a file or a state dict is opened: the naming by
 * which all projections of attention are found.
 * @param[in] checkpoint  Checkpoint; of a step's weights, pa_checkpoint_state_dict().
 * @return Static; NULL when it is none of these.
 */
PA_API const char *pa_checkpoint_naming(const pa_checkpoint *checkpoint);

/**
 * @brief Number of tensors, without those of the step's state dict.
 * @param[in] checkpoint  Checkpoint.
 * @return At least 0.
 */
PA_API int64_t pa_checkpoint_count(const pa_checkpoint *checkpoint);

/**
 * @brief Describe a tensor.
 * @param[in]  checkpoint  Checkpoint.
 * @param[in]  index       0 ... pa_checkpoint_count() - 1, in the order of the files.
 * @param[in,out] out      `struct_size` set by the caller; the rest is filled in.
 * @param[out] err         Error text, or NULL.
 * @return ::PA_OK, or ::PA_ERR_INVALID for a bad index or `struct_size`.
 */
PA_API PA_NODISCARD pa_status pa_checkpoint_tensor(const pa_checkpoint *checkpoint, int64_t index, pa_tensor_info *out,
                                                   pa_error *err);

/** A tensor that is in a file but cannot be read. Pointers are borrowed from the checkpoint. */
typedef struct pa_omitted_info {
    size_t struct_size; /**< `sizeof(pa_omitted_info)` as the caller compiled it; set before the call. */
    const char *split;  /**< "train", "val"; "" for a single file. */
    const char *name;   /**< Name as stored. */
    const char *what;   /**< What it is: "complex64", "sparse", "quantized", "F4", "<U3" ... */
    pa_kind kind;       /**< Weights, gradients, activations or attention patterns. */
    int32_t reserved;   /**< Zero. */
} pa_omitted_info;

/**
 * @brief Number of tensors that are in its files but cannot be read: complex, sparse, quantized and the like. Those
 *        beside them can; a file that has no others is an error when it is opened.
 * @param[in] checkpoint  Checkpoint.
 * @return At least 0.
 */
PA_API int64_t pa_checkpoint_omitted_count(const pa_checkpoint *checkpoint);

/**
 * @brief Describe a tensor that cannot be read.
 * @param[in]  checkpoint  Checkpoint.
 * @param[in]  index       0 ... pa_checkpoint_omitted_count() - 1, in the order of the files.
 * @param[in,out] out      `struct_size` set by the caller; the rest is filled in.
 * @param[out] err         Error text, or NULL.
 * @return ::PA_OK, or ::PA_ERR_INVALID for a bad index or `struct_size`, or a NULL argument.
 */
PA_API PA_NODISCARD pa_status pa_checkpoint_omitted(const pa_checkpoint *checkpoint, int64_t index,
                                                    pa_omitted_info *out, pa_error *err);

/**
 * @brief A tensor as a matrix: the last dimension is the columns, all others together the rows.
 *
 * The checkpoint keeps the matrix, so that all who ask share what is derived from it. Nothing is read yet. Activations of
 * a run that was opened with pa_run_options::unscramble have their rows in order.
 * @param[in]  checkpoint  Checkpoint.
 * @param[in]  split       Split.
 * @param[in]  kind        Kind.
 * @param[in]  layer       Layer number, or -1 when the name has none.
 * @param[in]  suffix      What follows `layers.<n>.` in the name; a trailing ".weight" in the file may be left out. Of a
 *                         name without a layer also its end behind a dot: "embedding_proj" finds
 *                         "pico_decoder.embedding_proj.weight".
 * @param[out] out         The matrix; yours: end it with pa_matrix_destroy().
 * @param[out] err         Error text, or NULL.
 * @retval PA_OK            Found.
 * @retval PA_ERR_NOT_FOUND No such tensor; the text names the nearest one, and the files that were looked into.
 * @retval PA_ERR_INVALID   A NULL argument.
 * @retval PA_ERR_SHAPE     To be unscrambled, and not of two dimensions.
 * @retval PA_ERR_UNSUPPORTED Two tensors have that layer and suffix; it is there and cannot be read, see
 *                          pa_checkpoint_omitted(); or to be unscrambled, and it is not stored row after row, or is part of
 *                          a longer storage and ends within a batch.
 * @retval PA_ERR_NOMEM     Out of memory.
 * @return Else, when a file must be opened or fetched for it, as pa_checkpoint_state_dict().
 */
PA_API PA_NODISCARD pa_status pa_checkpoint_matrix(const pa_checkpoint *checkpoint, const char *split, pa_kind kind,
                                                   int64_t layer, const char *suffix, pa_matrix **out, pa_error *err);

/**
 * @brief The state dict of a step as a checkpoint of its own, opened now if it was not. See pa_run_checkpoint().
 * @param[in]  checkpoint  Checkpoint.
 * @param[out] out         Borrowed from the checkpoint; NULL when there is none. Its split is "", its kind weights.
 * @param[out] err         Error text, or NULL.
 * @retval PA_OK         Also when there is none.
 * @retval PA_ERR_CONFIG pa_run_options::naming was given, and fits none of its tensors.
 * @retval PA_ERR_SHAPE  It was given, and a tensor does not divide as it says.
 * @return Else as pa_checkpoint_open(); of a run of the Hub also as pa_run_open_hub().
 */
PA_API PA_NODISCARD pa_status pa_checkpoint_state_dict(const pa_checkpoint *checkpoint, const pa_checkpoint **out,
                                                       pa_error *err);

/**
 * @brief Bytes of files read so far through this checkpoint, directories included.
 * @param[in] checkpoint  Checkpoint.
 * @return At least 0.
 */
PA_API int64_t pa_checkpoint_bytes_read(const pa_checkpoint *checkpoint);
/** @} */

PA_END_DECLS
#endif
