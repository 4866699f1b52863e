/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What an execution left out because files are absent: collected, and told in one line for each cause. */
#ifndef PA_ANALYSIS_SKIPS_H
#define PA_ANALYSIS_SKIPS_H
#include "base/context_impl.h"
#include "base/index.h"

typedef struct pa_skip pa_skip;

/** Zero-initialise with the context: `pa_skips s = {.ctx = ctx};`. Free with pa_skips_free(). */
typedef struct pa_skips {
    pa_context *ctx;
    pa_skip *entries;
    int64_t count;
    int64_t capacity;
} pa_skips;

/** What is absent. Strings are the configuration's. */
typedef struct pa_skip_cause {
    const char *split;
    pa_kind kind;
    const char *run;       /**< "" for the one that is analysed. */
    const char *reference; /**< A component for which there is no step before; NULL: tensors of the above are absent. */
} pa_skip_cause;

/** `metric` is skipped at `step`. */
pa_status pa_skips_add(pa_skips *skips, const pa_skip_cause *cause, int64_t step, const char *metric, pa_error *err);

/** Warn once for each cause: "no train gradients at step 100: per, hoyer skipped". */
void pa_skips_tell(const pa_skips *skips);

void pa_skips_free(pa_skips *skips);
#endif
