/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "signals.h"

enum { BAR_WIDTH = 30 };

#define BAR_SECONDS 0.1
#define LINE_SECONDS 5.0

static double seconds_between(const struct timespec *from, const struct timespec *to)
{
    return (double)(to->tv_sec - from->tv_sec) + 1e-9 * (double)(to->tv_nsec - from->tv_nsec);
}

void cli_progress_begin(cli_progress *progress, int quiet)
{
    memset(progress, 0, sizeof(*progress));
    atomic_init(&progress->bar_shown, 0);
    progress->quiet = quiet;
    progress->terminal = isatty(STDERR_FILENO);
    (void)clock_gettime(CLOCK_MONOTONIC, &progress->begin);
    progress->drawn = progress->terminal ? (struct timespec){0} : progress->begin;
}

void cli_progress_clear(cli_progress *progress)
{
    if (progress != NULL && atomic_exchange(&progress->bar_shown, 0)) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
}

/* Whether so much time has passed since the last time, which is then now. */
static int is_due(cli_progress *progress, double seconds)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (seconds_between(&progress->drawn, &now) < seconds) {
        return 0;
    }
    progress->drawn = now;
    return 1;
}

/* Not too often: 1 when a bar is due, whose first part is then drawn. */
static int begin_bar(cli_progress *progress, double done, double all)
{
    if (!is_due(progress, BAR_SECONDS)) {
        return 0;
    }
    const double share = all <= 0.0 ? 0.0 : done < all ? done / all : 1.0;
    const int filled = (int)(share * BAR_WIDTH);
    char bar[BAR_WIDTH + 1];
    memset(bar, '#', (size_t)filled);
    memset(bar + filled, '.', (size_t)(BAR_WIDTH - filled));
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r\033[K[%s] %3.0f %%  ", bar, 100.0 * share);
    return 1;
}

static void end_bar(cli_progress *progress)
{
    fprintf(stderr, "%.0f s", seconds_between(&progress->begin, &progress->drawn));
    fflush(stderr);
    atomic_store(&progress->bar_shown, 1);
}

static void draw_bar(cli_progress *progress, const pa_progress *state)
{
    if (begin_bar(progress, (double)state->values_done, (double)state->values)) {
        fprintf(stderr, "step %" PRId64 "  %" PRId64 " of %" PRId64 " values  ", state->step, state->values_done,
                state->values);
        end_bar(progress);
    }
}

void cli_progress_draw(cli_progress *progress, double done, double all)
{
    if (!progress->quiet && progress->terminal && begin_bar(progress, done, all)) {
        end_bar(progress);
    }
}

static void print_fetched(const pa_hub_progress *state)
{
    char done[CLI_NUMBER_SIZE];
    char bytes[CLI_NUMBER_SIZE];
    cli_format_bytes(done, (double)state->bytes_done);
    cli_format_bytes(bytes, (double)state->bytes);
    fprintf(stderr, "fetched %s of %s, %" PRId64 " of %" PRId64 " files", done, bytes, state->files_done, state->files);
}

int32_t cli_progress_fetch(void *user, const pa_hub_progress *state)
{
    cli_progress *progress = user;
    if (progress->quiet || state->files_done == state->files) { /* asking for lists, or for what there is */
        return !cli_signal_pending();
    }
    if (!progress->terminal) {
        if (is_due(progress, LINE_SECONDS)) {
            print_fetched(state);
            fputc('\n', stderr);
        }
    } else if (begin_bar(progress, (double)state->bytes_done, (double)state->bytes)) {
        print_fetched(state);
        fputs("  ", stderr);
        end_bar(progress);
    }
    return !cli_signal_pending();
}

static void print_lines(cli_progress *progress, const pa_progress *state)
{
    if (state->steps_done > progress->steps_reported) {
        progress->steps_reported = state->steps_done;
        fprintf(stderr, "step %" PRId64 " done: %" PRId64 " of %" PRId64 " steps, %" PRId64 " values\n", state->step,
                state->steps_done, state->steps, state->values_done);
    }
}

int32_t cli_progress_tick(void *user, const pa_progress *state)
{
    cli_progress *progress = user;
    if (progress->quiet) {
        return !cli_signal_pending();
    }
    if (progress->terminal) {
        draw_bar(progress, state);
    } else {
        print_lines(progress, state);
    }
    return !cli_signal_pending();
}
