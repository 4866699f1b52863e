/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief An execution by several processes: rank 0 leads, the others follow.
 *
 * A follower asks for a unit, gets its number, sends its rows back, and so on until there is none left. All units are
 * given out in ascending order, each to one rank; which one does not matter to the results.
 */
#ifndef PA_ANALYSIS_TEAM_H
#define PA_ANALYSIS_TEAM_H
#include "analysis/execution.h"

/** Whether there is anybody else. */
int pa_team_is_shared(const pa_analysis *analysis);

/**
 * Rank 0: compute all units together with the others. Whatever comes of it, and also when it was never called, the
 * others wait for pa_team_dismiss().
 */
pa_status pa_team_lead(pa_execution *x, pa_error *err);

/** Rank 0: tell the others how the execution has ended. Does nothing where there are no others. */
void pa_team_dismiss(const pa_analysis *analysis, pa_status status, const pa_error *error);

/** The other ranks: compute what is given out, until rank 0 says how it has ended. */
pa_status pa_team_follow(const pa_analysis *analysis, pa_progress_fn progress, void *user, int64_t *bytes_read,
                         pa_error *err);
#endif
