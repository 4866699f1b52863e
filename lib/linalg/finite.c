/* SPDX-License-Identifier: Apache-2.0 */
#include "linalg/finite.h"

#include <math.h>

#include "linalg/reduce.h"

pa_status pa_finite_check(const double *x, int64_t count, pa_error *err)
{
    if (isfinite(pa_sum_abs(x, count))) {
        return PA_OK;
    }
    for (int64_t i = 0; i < count; i++) { /* or the sum alone is too large */
        if (!isfinite(x[i])) {
            return pa_fail(err, PA_ERR_NONFINITE, "an intermediate result exceeds the range of a double");
        }
    }
    return PA_OK;
}
