/* SPDX-License-Identifier: Apache-2.0 */
/* Every format of pa_results_export(), one line each. Included several times, hence no guard. */
PA_EXPORTER(csv)
PA_EXPORTER(json)
PA_EXPORTER(jsonl)
