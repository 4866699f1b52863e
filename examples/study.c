/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief A study from a file through the C API: what `picoanalyze analyze` does.
 *
 *     cc study.c -o study $(pkg-config --cflags --libs picoanalyze)
 *     ./study configs/demo.yaml data/pico-decoder-nano-1 results
 */
#include <inttypes.h>
#include <stdio.h>

#include <picoanalyze/picoanalyze.h>

/* The library prints nothing by itself: warnings (a step that is not there ...) come here. */
static void on_log(void *user, pa_log_level level, const char *message)
{
    (void)user;
    fprintf(stderr, "%s%s\n", level >= PA_LOG_WARNING ? "warning: " : "", message);
}

static int32_t on_progress(void *user, const pa_progress *progress)
{
    (void)user;
    (void)progress; /* step, values_done ... */
    return 1;       /* 0 would stop: the analysis then ends with PA_ERR_CANCELLED */
}

/* The rows are all there is to know: value or state, and where each comes from. */
static pa_status print_rows(const pa_results *results, pa_error *err)
{
    for (int64_t i = 0; i < pa_results_count(results); i++) {
        pa_result_row row = {.struct_size = sizeof(row)};
        const pa_status status = pa_results_row(results, i, &row, err);
        if (status != PA_OK) {
            return status;
        }
        printf("%" PRId64 " %s %s ", row.step, row.file, row.key);
        if (row.value.state == PA_STATE_OK) {
            printf("%.9g\n", row.value.value);
        } else {
            printf("%s\n", pa_state_name(row.value.state));
        }
    }
    return PA_OK;
}

int main(int argc, char **argv)
{
    pa_error err = {0};
    pa_context *ctx = NULL;
    pa_config *config = NULL;
    pa_run *run = NULL;
    pa_analysis *analysis = NULL;
    pa_results *results = NULL;
    if (argc != 4) {
        fprintf(stderr, "usage: study CONFIG.yaml RUN_DIRECTORY OUTPUT_DIRECTORY\n");
        return 2;
    }
    const pa_context_options options = {.struct_size = sizeof(options), .log = on_log};
    const int ok = pa_context_create(&options, &ctx, &err) == PA_OK &&
                   pa_config_load(ctx, argv[1], &config, &err) == PA_OK &&
                   pa_run_open(ctx, argv[2], &run, &err) == PA_OK &&
                   pa_analysis_create(ctx, config, run, &analysis, &err) == PA_OK &&
                   pa_analysis_execute(analysis, on_progress, NULL, &results, &err) == PA_OK &&
                   pa_results_export(results, "json,csv", argv[3], &err) == PA_OK && print_rows(results, &err) == PA_OK;
    if (!ok) {
        fprintf(stderr, "study: %s\n", err.message);
    }
    /* In the reverse order of making. */
    pa_results_destroy(results);
    pa_analysis_destroy(analysis);
    pa_run_destroy(run);
    pa_config_destroy(config);
    pa_context_destroy(ctx);
    return ok ? 0 : 1;
}
