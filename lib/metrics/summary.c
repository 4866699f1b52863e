/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/summary.h"

#include <math.h>

#include "base/error.h"

static const char *const quantile_names[PA_N_QUANTILES] = {"q001", "q01", "q25", "q50", "q75", "q99", "q999"};

static pa_status add_number(pa_value *out, const char *name, pa_state state, double number, pa_error *err)
{
    return state == PA_STATE_OK ? pa_value_add_number(out, name, number, err)
                                : pa_value_add_undefined(out, name, state, err);
}

/* Three numbers always have the same kurtosis, two the same skew. */
static pa_state state_of_shape(const pa_moments *moments)
{
    if (moments->count == 0) {
        return PA_STATE_NONFINITE;
    }
    if (moments->count < 4) {
        return PA_STATE_SATURATED;
    }
    return pa_moments_is_constant(moments) ? PA_STATE_DEGENERATE : PA_STATE_OK;
}

pa_status pa_summary_add(const pa_distribution *d, pa_value *out, pa_error *err)
{
    pa_status status = PA_OK;
    const pa_moments *m = &d->moments;
    const pa_state any = m->count > 0 ? PA_STATE_OK : PA_STATE_NONFINITE;
    const pa_state shape = state_of_shape(m);
    const int ok = any == PA_STATE_OK;
    if (!ok) {
        pa_value_set_undefined(out, any, "no element is finite");
    }
    PA_TRY(add_number(out, "mean", any, ok ? pa_moments_mean(m) : 0.0, err));
    PA_TRY(add_number(out, "sd", any, ok ? pa_moments_sd(m) : 0.0, err));
    PA_TRY(add_number(out, "skew", shape, shape == PA_STATE_OK ? pa_moments_skew(m) : 0.0, err));
    PA_TRY(add_number(out, "kurtosis", shape, shape == PA_STATE_OK ? pa_moments_kurtosis(m) : 0.0, err));
    PA_TRY(add_number(out, "min", any, d->min, err));
    PA_TRY(add_number(out, "max", any, d->max, err));
    PA_TRY(add_number(out, "rms", any, ok ? pa_moments_rms(m) : 0.0, err));
    for (int q = 0; q < PA_N_QUANTILES; q++) {
        PA_TRY(add_number(out, quantile_names[q], any, d->quantiles[q], err));
    }
    PA_TRY(add_number(out, "median_abs", any, d->median_abs, err));
    PA_TRY(add_number(out, "zero_share", any, ok ? (double)d->zeros / (double)m->count : 0.0, err));
    PA_TRY(pa_value_add_number(out, "nan_count", (double)d->nans, err));
    PA_TRY(pa_value_add_number(out, "inf_count", (double)d->infinities, err));

cleanup:
    return status;
}
