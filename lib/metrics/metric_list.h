/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in metrics, one line each; lib/metrics/<name>.c defines pa_metric_<name>. Included more than once. */
PA_METRIC(cka)
PA_METRIC(condition_number)
PA_METRIC(gini)
PA_METRIC(hoyer)
PA_METRIC(norm)
PA_METRIC(per)
PA_METRIC(pwcca)
