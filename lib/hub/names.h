/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Names of repositories, revisions, commits and files, which come from strangers. */
#ifndef PA_HUB_NAMES_H
#define PA_HUB_NAMES_H
#include "base/text.h"

/** "name" or "owner/name" by the Hub's rules. PA_ERR_INVALID. */
pa_status pa_hub_check_repo(const char *repo_id, pa_error *err);
/** A branch, tag or commit that is safe as a path below refs/. PA_ERR_INVALID. */
pa_status pa_hub_check_revision(const char *revision, pa_error *err);
/** Exactly `digits` lower-case hexadecimal digits. `text` may be NULL. */
int pa_hub_is_hex(const char *text, size_t digits);
/** A path that stays below where it begins. */
int pa_hub_is_inside(const char *path);
/** Append with every byte but unreserved ones, and those of `keep`, percent-encoded. */
pa_status pa_hub_encode(pa_text *out, const char *text, const char *keep, pa_error *err);
#endif
