/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `picoanalyze doctor`: what this machine computes with. */
#include "args.h"

static const char *parallel_name(int32_t parallel)
{
    switch (parallel) {
    case 0:
        return "none (serial build)";
    case 1:
        return "POSIX threads";
    case 2:
        return "OpenMP";
    default:
        return "unknown";
    }
}

int cli_doctor(int argc, char **argv)
{
    const cli_command command = {
        .name = "doctor",
        .summary = "Show what this machine computes with, and what would be faster.",
    };
    const cli_verdict verdict = cli_parse(&command, argc, argv);
    if (verdict != CLI_GO_ON) {
        return verdict == CLI_HELP_SHOWN ? CLI_OK : CLI_USAGE;
    }
    pa_error err = {0};
    pa_runtime_info info = {.struct_size = sizeof(info)};
    if (pa_runtime_info_get(&info, &err) != PA_OK) {
        return cli_fail("%s", err.message);
    }
    printf("picoanalyze   %s\n", pa_version());
    printf("BLAS          %s\n", info.blas);
    printf("kernels       %s\n", info.blas_core[0] != '\0' ? info.blas_core : "unknown");
    printf("BLAS threads  %d, threading: %s\n", (int)info.blas_threads, parallel_name(info.blas_parallel));
    printf("BLAS callers  %s\n", info.blas_callers == 1 ? "one at a time" : "many at once");
    printf("processors    %d\n", (int)info.cpus);
    if (info.blas_callers == 1 && info.cpus > 1) {
        printf("\nThis build of the BLAS is not safe to use from several threads, so they take turns.\n"
               "Remedy: install a build with threads; on Debian: apt install libopenblas0-pthread.\n");
    }
    if (info.cpu_best_core[0] != '\0') {
        printf("\nThe BLAS runs %s kernels, but this processor can run %s ones, which are faster.\n"
               "Remedy: set OPENBLAS_CORETYPE=%s. 'picoanalyze analyze' does so by itself unless the\n"
               "variable is set already; your own programs need it in their environment.\n",
               info.blas_core, info.cpu_best_core, info.cpu_best_core);
    } else {
        printf("\nThe BLAS uses the kernels that fit this processor.\n");
    }
    return CLI_OK;
}
