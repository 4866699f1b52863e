/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What the files of the command-line program share. */
#ifndef PICOANALYZE_CLI_H
#define PICOANALYZE_CLI_H
#include <stdint.h>
#include <stdio.h>

#include <picoanalyze/picoanalyze.h>

/** Exit codes. */
enum { CLI_OK = 0, CLI_ERROR = 1, CLI_USAGE = 2 };

/** Commands: the arguments after the command's name; return an exit code. */
int cli_analyze(int argc, char **argv);
int cli_inspect(int argc, char **argv);
int cli_convert(int argc, char **argv);
int cli_metrics(int argc, char **argv);
int cli_components(int argc, char **argv);
int cli_doctor(int argc, char **argv);

/** One line on stderr, "picoanalyze: <text>"; returns CLI_ERROR. */
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Of several processes: errors of all but the first say from now on who it is. */
void cli_speak_as(int32_t rank);

/** Log callback of every context: warnings go to stderr, past the progress bar. `user` is a cli_progress or NULL. */
void cli_log(void *user, pa_log_level level, const char *message);

/** Flush stdout: CLI_OK, or CLI_ERROR with the reason on stderr when something could not be written. */
int cli_finish_stdout(void);
#endif
