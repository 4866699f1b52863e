/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief What the process computes with: the BLAS, its kernels, the processors.
 *
 * A build of OpenBLAS picks its kernels from the processor's model number, and takes a cautious choice for models that
 * are newer than itself. The instruction sets tell better: a core without AVX-512 kernels on a processor that has
 * AVX-512 runs matrix products at about half speed.
 */
#include "linalg/runtime_info.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

#include <picoanalyze/context.h>

#include "base/cpus.h"
#include "base/error.h"
#include "linalg/blas_threads.h"

static int is_one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(name, *list) == 0) {
            return 1;
        }
    }
    return 0;
}

const char *pa_blas_better_core(const char *core, int has_avx512, int has_avx2)
{
    static const char *const avx512_cores[] = {"SkylakeX", "Cooperlake", "SapphireRapids", NULL};
    static const char *const avx2_cores[] = {"Haswell", "Zen", "Excavator", NULL};
    if (core[0] == '\0' || is_one_of(core, avx512_cores)) {
        return "";
    }
    if (has_avx512) {
        return "SkylakeX";
    }
    return has_avx2 && !is_one_of(core, avx2_cores) ? "Haswell" : "";
}

static int cpu_has_avx512(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#else
    return 0;
#endif
}

static int cpu_has_avx2(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 0;
#endif
}

static void copy_name(char *out, size_t size, const char *name)
{
    (void)snprintf(out, size, "%s", name != NULL ? name : "");
}

pa_status pa_runtime_info_get(pa_runtime_info *info, pa_error *err)
{
    if (info == NULL || info->struct_size < sizeof(*info)) {
        return pa_fail(err, PA_ERR_INVALID, "pa_runtime_info_get: info is NULL or its struct_size is below %zu",
                       sizeof(*info));
    }
    pa_runtime_info own = {.struct_size = info->struct_size};
    copy_name(own.blas, sizeof(own.blas), openblas_get_config());
    copy_name(own.blas_core, sizeof(own.blas_core), openblas_get_corename());
    copy_name(own.cpu_best_core, sizeof(own.cpu_best_core),
              pa_blas_better_core(own.blas_core, cpu_has_avx512(), cpu_has_avx2()));
    own.blas_threads = pa_blas_host_threads();
    own.blas_parallel = openblas_get_parallel();
    own.cpus = pa_cpus_available();
    own.blas_callers = pa_blas_max_callers();
    *info = own;
    return PA_OK;
}
