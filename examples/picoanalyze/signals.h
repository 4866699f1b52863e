/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Ending cleanly on Ctrl-C: the handler notes the signal, the work stops where it can. */
#ifndef PICOANALYZE_SIGNALS_H
#define PICOANALYZE_SIGNALS_H

/** Note SIGINT, SIGTERM and SIGHUP from now on. A second one ends the program at once. */
void cli_signals_catch(void);

/** The signal that came, or 0. */
int cli_signal_pending(void);

/** End as that signal would have ended the program, so that the shell sees it; returns when there was none. */
void cli_signal_reraise(void);
#endif
