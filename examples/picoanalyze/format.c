/* SPDX-License-Identifier: Apache-2.0 */
#include "format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void cli_format_number(char out[CLI_NUMBER_SIZE], double number)
{
    char scientific[CLI_NUMBER_SIZE];
    (void)snprintf(scientific, sizeof(scientific), "%.3e", number);
    char *e = strchr(scientific, 'e');
    const int exponent = e != NULL ? (int)strtol(e + 1, NULL, 10) : 0; /* after rounding to four digits */
    if (number == 0.0) {
        (void)snprintf(out, CLI_NUMBER_SIZE, "0");
    } else if (exponent >= -3 && exponent <= 4) {
        (void)snprintf(out, CLI_NUMBER_SIZE, "%.*f", exponent < 3 ? 3 - exponent : 0, number);
    } else {
        (void)snprintf(out, CLI_NUMBER_SIZE, "%.*se%d", e != NULL ? (int)(e - scientific) : 0, scientific, exponent);
    }
}

void cli_format_bytes(char out[CLI_NUMBER_SIZE], double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    unsigned unit = 0;
    while (bytes >= 1024.0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= 1024.0;
        unit++;
    }
    (void)snprintf(out, CLI_NUMBER_SIZE, "%.*f %s", unit == 0 ? 0 : 1, bytes, units[unit]);
}

void cli_format_seconds(char out[CLI_NUMBER_SIZE], double seconds)
{
    if (seconds < 60.0) {
        (void)snprintf(out, CLI_NUMBER_SIZE, "%.2f s", seconds);
    } else {
        const long whole = (long)seconds;
        (void)snprintf(out, CLI_NUMBER_SIZE, "%ld min %ld s", whole / 60, whole % 60);
    }
}

cli_style cli_stdout_style(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    const int plain = (no_color != NULL && no_color[0] != '\0') || term == NULL || strcmp(term, "dumb") == 0;
    if (plain || !isatty(STDOUT_FILENO)) {
        return (cli_style){.bold = "", .dim = "", .reset = ""};
    }
    return (cli_style){.bold = "\033[1m", .dim = "\033[2m", .reset = "\033[0m"};
}

int cli_stdout_width(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col < 60 ? 60 : size.ws_col;
    }
    return 120;
}
