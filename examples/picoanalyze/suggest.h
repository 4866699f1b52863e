/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The name that a mistyped word probably meant. */
#ifndef PICOANALYZE_SUGGEST_H
#define PICOANALYZE_SUGGEST_H

/** The candidate within a third of the word's length in edits (at least 2), or NULL. */
const char *cli_nearest(const char *word, const char *const *candidates, int n_candidates);
#endif
