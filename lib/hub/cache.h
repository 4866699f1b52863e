/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The cache as all Hugging Face tools have it: blobs by etag, snapshots of links to them, refs, locks. */
#ifndef PA_HUB_CACHE_H
#define PA_HUB_CACHE_H
#include "base/text.h"
#include "hub/hub_impl.h"

/** "models--pico-lm--demo" in the cache. */
pa_status pa_cache_folder(const pa_hub *hub, const char *repo_id, pa_text *out, pa_error *err);

/** A small file of the cache, whole; PA_ERR_NOT_FOUND. */
pa_status pa_cache_read(const pa_hub *hub, const char *path, pa_text *out, pa_error *err);
/** Written beside its name and renamed. */
pa_status pa_cache_write(const pa_hub *hub, const char *path, const char *text, int64_t length, pa_error *err);

/** Whether a file of a snapshot is there; a link counts only when it leads into the blobs of `folder`. */
int pa_cache_has(const char *folder, const char *pointer);
/** Let `snapshots/<commit>/<path>` lead to a blob. */
pa_status pa_cache_link(const pa_hub *hub, const char *folder, const char *pointer, const char *path, const char *etag,
                        pa_error *err);

/** Wait for the lock of a blob, whoever has it; give it back with close(). */
pa_status pa_cache_lock(pa_hub *hub, const char *folder, const char *etag, int *fd, pa_error *err);
#endif
