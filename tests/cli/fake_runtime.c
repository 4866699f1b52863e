/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the program: a processor that could run better kernels than the BLAS picked, and a record of every
 * start with the kernels asked for, in the file START_LOG.
 */
#include <stdio.h>
#include <stdlib.h>

#include <picoanalyze/context.h>

__attribute__((constructor)) static void record_start(void)
{
    const char *path = getenv("START_LOG");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    if (file != NULL) {
        const char *core = getenv("OPENBLAS_CORETYPE");
        fprintf(file, "start %s\n", core != NULL ? core : "unset");
        (void)fclose(file);
    }
}

pa_status pa_runtime_info_get(pa_runtime_info *info, pa_error *err)
{
    (void)err;
    *info = (pa_runtime_info){.struct_size = sizeof(*info),
                              .blas = "Fake 1.0",
                              .blas_core = "Prescott",
                              .cpu_best_core = "Haswell",
                              .blas_threads = 1,
                              .cpus = 1};
    return PA_OK;
}
