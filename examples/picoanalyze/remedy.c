/* SPDX-License-Identifier: Apache-2.0 */
#include "remedy.h"

#include <stdlib.h>
#include <unistd.h>

#include "cli.h"

void cli_remedy_apply(char **argv)
{
    pa_runtime_info info = {.struct_size = sizeof(info)};
    if (getenv("OPENBLAS_CORETYPE") != NULL || pa_runtime_info_get(&info, NULL) != PA_OK ||
        info.cpu_best_core[0] == '\0') {
        return;
    }
    /* The BLAS reads its environment when it is loaded, which has happened: only a new process can choose. The new one
       finds the variable set and goes on. */
    if (setenv("OPENBLAS_CORETYPE", info.cpu_best_core, 1) == 0) {
        (void)execv("/proc/self/exe", argv);
    }
    (void)unsetenv("OPENBLAS_CORETYPE");
}
