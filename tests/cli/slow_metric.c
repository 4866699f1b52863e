/* SPDX-License-Identifier: Apache-2.0 */
/* A metric that takes its time and notes each call in a file, so that a test can interrupt the work in its middle. */
#include <stdio.h>
#include <time.h>

#include <picoanalyze/plugin.h>

static pa_status slow(void *user_data, const pa_options *options, const pa_matrix *const *in, pa_value *out,
                      pa_error *err)
{
    (void)user_data;
    (void)in;
    (void)err;
    FILE *marker = fopen(pa_options_string(options, "marker"), "a");
    if (marker != NULL) {
        (void)fputs("computed\n", marker);
        (void)fclose(marker);
    }
    const struct timespec pause = {.tv_nsec = 1000000 * pa_options_int(options, "milliseconds")};
    (void)nanosleep(&pause, NULL);
    pa_value_set(out, 1.0);
    return PA_OK;
}

static const pa_option_spec options[] = {
    {.name = "marker", .type = PA_OPTION_STRING, .help = "Gets a line a call."},
    {.name = "milliseconds", .type = PA_OPTION_INT, .fallback = "30", .help = "How long a call takes, below 1000."},
};
static const pa_metric_ops slow_ops = {.struct_size = sizeof(slow_ops),
                                       .name = "slow",
                                       .n_inputs = 1,
                                       .options = options,
                                       .n_options = 2,
                                       .compute = slow};

pa_status pa_plugin_register(pa_context *ctx, pa_error *err)
{
    return pa_metric_register(ctx, &slow_ops, NULL, err);
}
