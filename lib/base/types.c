/* SPDX-License-Identifier: Apache-2.0 */
#include <picoanalyze/types.h>

const char *pa_version(void)
{
    return PA_VERSION;
}

const char *pa_status_name(pa_status status)
{
    static const char *const names[] = {
        "PA_OK",         "PA_ERR_INVALID",   "PA_ERR_NOMEM",    "PA_ERR_IO",      "PA_ERR_FORMAT", "PA_ERR_UNSUPPORTED",
        "PA_ERR_LIMIT",  "PA_ERR_NOT_FOUND", "PA_ERR_EXISTS",   "PA_ERR_CONFIG",  "PA_ERR_SHAPE",  "PA_ERR_NONFINITE",
        "PA_ERR_NOCONV", "PA_ERR_CANCELLED", "PA_ERR_CALLBACK", "PA_ERR_NETWORK", "PA_ERR_DENIED",
    };
    return status <= 0 && status >= PA_ERR_DENIED ? names[-status] : "PA_ERR_UNKNOWN";
}

const char *pa_kind_name(pa_kind kind)
{
    static const char *const names[PA_N_KINDS] = {"weights", "gradients", "activations", "attention"};
    return kind >= 0 && kind < PA_N_KINDS ? names[kind] : "?";
}
