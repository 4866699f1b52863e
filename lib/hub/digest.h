/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Whether a file is what its etag says: SHA-256 of large files, git's SHA-1 of a blob for others. */
#ifndef PA_HUB_DIGEST_H
#define PA_HUB_DIGEST_H
#include "base/error.h"

/** `etag` has 64 or 40 hexadecimal digits. PA_ERR_FORMAT when the file is another; PA_ERR_IO. */
pa_status pa_hub_check_digest(const pa_allocator *mem, const char *path, const char *etag, pa_error *err);
#endif
