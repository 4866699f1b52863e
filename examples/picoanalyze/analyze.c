/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `picoanalyze analyze`: a configuration over a run, to files and tables. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "format.h"
#include "plugins.h"
#include "progress.h"
#include "signals.h"
#include "table.h"

/** What the user asked for. */
typedef struct request {
    const char *config_path;
    const char *run_path;
    const char *output_dir;
    const char *compat;
    const char *threads;
    cli_values plugins;
    int quiet;
} request;

/** Everything that must be ended. */
typedef struct study {
    pa_context *ctx;
    cli_plugins plugins;
    pa_config *config;
    pa_run *run;
    pa_analysis *analysis;
    pa_results *results;
    cli_progress progress;
} study;

static const char details[] =
    "Writes DIR/<analysis_name>/step_<N>/<metric>_<split>.json, results.jsonl and results.csv (one full row a value),\n"
    "and prints a table a step. DIR is 'monitoring.output_dir' of the configuration unless --output_dir is given.\n"
    "Undefined values are null in the files and named in the tables (degenerate, singular, saturated ...).\n"
    "Where the BLAS picked slower kernels than the processor can run (see 'picoanalyze doctor'), the program\n"
    "restarts itself once with OPENBLAS_CORETYPE set; set that variable yourself to prevent it.";

static cli_verdict parse(int argc, char **argv, request *asked)
{
    const cli_option options[] = {
        {.name = "config_path",
         .value = "FILE",
         .help = "what to compute: a YAML file",
         .text = &asked->config_path,
         .required = 1},
        {.name = "run_path",
         .value = "DIR",
         .help = "the run: a pico-train run directory",
         .text = &asked->run_path,
         .required = 1},
        {.name = "output_dir", .value = "DIR", .help = "where results go", .text = &asked->output_dir},
        {.name = "compat", .value = "WHOSE", .help = "whose formulas: literature or pico", .text = &asked->compat},
        {.name = "threads",
         .value = "N",
         .help = "worker threads (default: the processors available)",
         .text = &asked->threads},
        {.name = "plugin",
         .value = "FILE",
         .help = "shared object with metrics or components; may be repeated",
         .values = &asked->plugins},
        {.name = "quiet", .help = "neither progress nor tables", .flag = &asked->quiet},
    };
    const cli_command command = {.name = "analyze",
                                 .summary = "Compute the metrics of a configuration over a run.",
                                 .details = details,
                                 .options = options,
                                 .n_options = (int)(sizeof(options) / sizeof(options[0]))};
    return cli_parse(&command, argc, argv);
}

static cli_verdict check(const request *asked, int32_t *threads)
{
    int64_t number = 0;
    if (asked->threads != NULL && !cli_parse_integer(asked->threads, 1, 1024, &number)) {
        return cli_bad_usage("analyze", "--threads %s: not a number from 1 to 1024", asked->threads);
    }
    if (asked->compat != NULL && strcmp(asked->compat, "pico") != 0 && strcmp(asked->compat, "literature") != 0) {
        return cli_bad_usage("analyze", "--compat %s: neither 'literature' nor 'pico'", asked->compat);
    }
    *threads = (int32_t)number;
    return CLI_GO_ON;
}

/* From the request to results: CLI_OK or CLI_ERROR with the reason on stderr. */
static int compute(study *s, const request *asked, int32_t threads)
{
    pa_error err = {0};
    const pa_context_options options = {
        .struct_size = sizeof(options), .log = cli_log, .log_user = &s->progress, .threads = threads};
    if (pa_context_create(&options, &s->ctx, &err) != PA_OK) {
        return cli_fail("%s", err.message);
    }
    if (cli_plugins_load(&s->plugins, &asked->plugins, s->ctx) != CLI_OK) {
        return CLI_ERROR;
    }
    if (pa_config_load(s->ctx, asked->config_path, &s->config, &err) != PA_OK) {
        return cli_fail("%s", err.message);
    }
    if (asked->compat != NULL) {
        pa_config_set_compat(s->config, strcmp(asked->compat, "pico") == 0 ? PA_COMPAT_PICO : PA_COMPAT_LITERATURE);
    }
    if (pa_run_open(s->ctx, asked->run_path, &s->run, &err) != PA_OK ||
        pa_analysis_create(s->ctx, s->config, s->run, &s->analysis, &err) != PA_OK) {
        return cli_fail("%s", err.message);
    }
    const pa_status status = pa_analysis_execute(s->analysis, cli_progress_tick, &s->progress, &s->results, &err);
    cli_progress_clear(&s->progress);
    if (status == PA_ERR_CANCELLED || (status == PA_OK && cli_signal_pending())) {
        return cli_fail("interrupted; nothing was written");
    }
    return status == PA_OK ? CLI_OK : cli_fail("%s", err.message);
}

/* "<output directory>/<analysis name>"; NULL when out of memory. */
static char *result_directory(const study *s, const request *asked)
{
    const char *parent = asked->output_dir != NULL ? asked->output_dir : pa_config_output_dir(s->config);
    const char *name = pa_config_name(s->config);
    const size_t size = strlen(parent) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL) {
        (void)snprintf(path, size, "%s/%s", parent, name);
    }
    return path;
}

static int print_summary(const study *s, const char *directory)
{
    pa_error err = {0};
    pa_summary summary = {.struct_size = sizeof(summary)};
    if (pa_results_summary(s->results, &summary, &err) != PA_OK) {
        return cli_fail("%s", err.message);
    }
    char bytes[CLI_NUMBER_SIZE];
    char seconds[CLI_NUMBER_SIZE];
    cli_format_bytes(bytes, (double)summary.bytes_read);
    cli_format_seconds(seconds, summary.seconds);
    printf("\n%" PRId64 " values (%" PRId64 " undefined) in %s, %s read; results in %s\n", summary.values,
           summary.undefined, seconds, bytes, directory);
    return CLI_OK;
}

static int publish(const study *s, const request *asked)
{
    pa_error err = {0};
    char *directory = result_directory(s, asked);
    int code = CLI_OK;
    if (directory == NULL) {
        code = cli_fail("out of memory for the result directory");
    } else if (pa_results_export(s->results, "json,jsonl,csv", directory, &err) != PA_OK) {
        code = cli_fail("%s", err.message);
    }
    if (code == CLI_OK && !asked->quiet) {
        code = cli_table_print(s->results);
    }
    if (code == CLI_OK) {
        code = print_summary(s, directory);
    }
    free(directory);
    return code;
}

static void end_study(study *s)
{
    pa_results_destroy(s->results);
    pa_analysis_destroy(s->analysis);
    pa_run_destroy(s->run);
    pa_config_destroy(s->config);
    pa_context_destroy(s->ctx);
    cli_plugins_unload(&s->plugins);
}

int cli_analyze(int argc, char **argv)
{
    request asked = {.config_path = NULL};
    study s = {.ctx = NULL};
    int32_t threads = 0;
    cli_verdict verdict = parse(argc, argv, &asked);
    if (verdict == CLI_GO_ON) {
        verdict = check(&asked, &threads);
    }
    if (verdict != CLI_GO_ON) {
        return verdict == CLI_HELP_SHOWN ? CLI_OK : CLI_USAGE;
    }
    cli_signals_catch();
    cli_progress_begin(&s.progress, asked.quiet);
    int code = compute(&s, &asked, threads);
    if (code == CLI_OK) {
        code = publish(&s, &asked);
    }
    end_study(&s);
    cli_signal_reraise();
    return code;
}
