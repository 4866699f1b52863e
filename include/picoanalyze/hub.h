/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/hub.h
 * @brief Runs on the Hugging Face Hub: fetched into the cache that Hugging Face's own tools use, and only what is needed.
 *
 * The functions are always there; in a build without the Meson feature `hub` they return ::PA_ERR_UNSUPPORTED. libcurl
 * and what it uses take memory from malloc() and keep state of the process; what this library keeps is the context's.
 *
 * Threads: one pa_hub may serve several runs in several threads; destroying needs exclusive access.
 */
#ifndef PICOANALYZE_HUB_H
#define PICOANALYZE_HUB_H
#include <picoanalyze/checkpoint.h>

PA_BEGIN_DECLS

/** Opaque: a server, who asks, and a cache. */
typedef struct pa_hub pa_hub;

/** What has been fetched so far. */
typedef struct pa_hub_progress {
    size_t struct_size; /**< `sizeof(pa_hub_progress)` of the library. */
    int64_t bytes_done; /**< Of files, those of earlier attempts included. */
    int64_t bytes;      /**< Of files that were asked for and were not in the cache. */
    int64_t files_done; /**< Complete and checked. */
    int64_t files;      /**< Asked for and not in the cache. */
} pa_hub_progress;

/**
 * @brief Hears of progress, some times a second while the network is used, from any thread but one at a time.
 *
 * Return 1 to go on; anything else stops all that is being fetched through this hub at the time with
 * ::PA_ERR_CANCELLED, and what has come stays to be resumed. Whoever asks for something afterwards begins anew, with the
 * same hub, and this is asked again: go on answering so for as long as an analysis is to be stopped. It is called while
 * locks are held: call no function on the run, its checkpoints or the hub from it.
 */
typedef int32_t (*pa_hub_progress_fn)(void *user, const pa_hub_progress *progress);

/** How to reach the Hub. Zero-initialise it; fields are only ever appended. Strings are copied. */
typedef struct pa_hub_options {
    size_t struct_size;          /**< `sizeof(pa_hub_options)` as the caller compiled it. */
    const char *cache_dir;       /**< The cache, e.g. "/home/me/.cache/huggingface/hub"; must be set. */
    const char *endpoint;        /**< NULL: "https://huggingface.co". */
    const char *token;           /**< Who asks; sent to the endpoint alone. NULL or "": nobody. */
    const char *proxy;           /**< URL of a proxy as libcurl takes it; NULL: none. */
    const char *no_proxy;        /**< Hosts that the proxy is not for, separated by commas; NULL: none. */
    pa_hub_progress_fn progress; /**< May be NULL. */
    void *progress_user;         /**< Handed to `progress`. */
    int32_t connections;         /**< Downloads at one time, 1 to 64; 0: 4. */
    int32_t offline;             /**< 1: the cache alone is asked. */
    const char *ca_file;         /**< Certificates (PEM) of the authorities that vouch for servers, and only those: what
                                      a proxy or a server of one's own may need. NULL or "": the system's. */
    const char *ca_file_from;    /**< How errors call what `ca_file` was or can be named by, e.g. a variable's name;
                                      NULL: "pa_hub_options.ca_file". */
} pa_hub_options;

/**
 * @brief Prepare to ask a Hub. Nothing is sent yet.
 * @param[in]  ctx      Context; outlives the hub.
 * @param[in]  options  How; borrowed for the call.
 * @param[out] out      The hub; yours, end it with pa_hub_destroy().
 * @param[out] err      Error text, or NULL.
 * @retval PA_OK              Ready.
 * @retval PA_ERR_INVALID     `options` NULL or too small, no cache, an endpoint that is no http(s) URL, a token that is
 *                            not one printable word, or `connections` out of range.
 * @retval PA_ERR_UNSUPPORTED The library was built without the feature `hub`.
 * @retval PA_ERR_NOMEM       Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_hub_open(pa_context *ctx, const pa_hub_options *options, pa_hub **out, pa_error *err);

/**
 * @brief End a hub. All runs opened from it, and their checkpoints, must be gone.
 * @param[in] hub  May be NULL.
 */
PA_API void pa_hub_destroy(pa_hub *hub);

/**
 * @brief Open a run that pico-train has pushed: a step for each commit titled "Saving Learning Dynamics Data (train) --
 * Step N", "... (val) ..." or "Saving HF Model -- Step N", the oldest of each. Fetches `training_config.yaml`.
 *
 * A step's files are fetched when they are first asked for; pa_analysis_execute() fetches what its plan is certain to
 * need at once, several at a time.
 * @param[in]  hub       Hub; outlives the run and its checkpoints.
 * @param[in]  repo_id   "name" or "owner/name" of a model repository.
 * @param[in]  revision  Branch, tag or commit; NULL: "main".
 * @param[in]  options   As for pa_run_open_with(), copied; NULL for none. There is no layout.
 * @param[out] out       The run; yours, end it with pa_run_destroy(). Its path is "hf://<repo_id>@<revision>".
 * @param[out] err       Error text, or NULL.
 * @retval PA_OK              Opened.
 * @retval PA_ERR_INVALID     A NULL argument, no valid repo_id or revision, or options as for pa_run_open_with().
 * @retval PA_ERR_NOT_FOUND   No such repository (or a private one, and no token), revision or file, or no commits of
 *                            steps; offline, also what the cache does not have.
 * @retval PA_ERR_DENIED      A token is refused, or access must be asked for first.
 * @retval PA_ERR_NETWORK     The server cannot be reached or does not answer as it should, also when asked again.
 * @retval PA_ERR_FORMAT      What it sent is damaged. Likewise ::PA_ERR_LIMIT.
 * @retval PA_ERR_IO          The cache cannot be written.
 * @retval PA_ERR_CONFIG      `training_config.yaml` or the options are not valid, as for pa_run_open_with(), or there is a
 *                            layout.
 * @retval PA_ERR_CANCELLED   The progress callback asked to stop.
 * @retval PA_ERR_UNSUPPORTED The library was built without the feature `hub`.
 * @retval PA_ERR_NOMEM       Out of memory.
 */
PA_API PA_NODISCARD pa_status pa_run_open_hub(pa_hub *hub, const char *repo_id, const char *revision,
                                              const pa_run_options *options, pa_run **out, pa_error *err);

PA_END_DECLS
#endif
