/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Progress on stderr: a bar on a terminal, a line a step otherwise. */
#ifndef PICOANALYZE_PROGRESS_H
#define PICOANALYZE_PROGRESS_H
#include <stdatomic.h>
#include <time.h>

#include "cli.h"

typedef struct cli_progress {
    int quiet;
    int terminal;
    atomic_int bar_shown;   /**< The cursor stands behind a bar. Warnings come from other threads. */
    int64_t steps_reported; /**< Plain lines: steps that have had theirs. */
    struct timespec begin;
    struct timespec drawn; /**< When the bar was last drawn, or the last line printed that time asked for. */
} cli_progress;

void cli_progress_begin(cli_progress *progress, int quiet);

/** For pa_analysis_execute(); `user` is a cli_progress. Asks to stop once a signal has come. */
int32_t cli_progress_tick(void *user, const pa_progress *state);

/** A bar without more, on a terminal only. */
void cli_progress_draw(cli_progress *progress, double done, double all);

/** The same for what comes from the Hub: a bar, or now and then a line. */
int32_t cli_progress_fetch(void *user, const pa_hub_progress *state);

/** Take the bar off the line, so that something else may be written. NULL is fine. */
void cli_progress_clear(cli_progress *progress);
#endif
