/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief `picoanalyze analyze`: a configuration over a run, to files and tables. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "destination.h"
#include "format.h"
#include "hub.h"
#include "mpi_team.h"
#include "plugins.h"
#include "progress.h"
#include "signals.h"
#include "table.h"

/** In place of an exit code: success, and nothing more is to be done. */
enum { CLI_DONE = -1 };

/** What the user asked for. */
typedef struct request {
    const char *config_path;
    const char *run_path;
    const char *layout;
    const char *repo_id;
    const char *branch;
    const char *output_dir;
    const char *compat;
    const char *threads;
    const char *max_memory;
    cli_values plugins;
    int resume;
    int explain;
    int quiet;
} request;

/** Everything that must be ended. */
typedef struct study {
    cli_mpi *mpi; /**< The others, or NULL. */
    pa_context *ctx;
    cli_plugins plugins;
    pa_config *config;
    pa_hub *hub; /**< Or NULL. */
    pa_run *run;
    pa_analysis *analysis;
    pa_results *results;
    char *directory; /**< Of the results. */
    char *journal;   /**< In it, while the work is not done. */
    cli_progress progress;
} study;

static const char details[] =
    "Writes DIR/<analysis_name>/step_<N>/<metric>_<split>.json, results.jsonl and results.csv (one full row a value),\n"
    "and prints a table a step. DIR is 'monitoring.output_dir' of the configuration unless --output_dir is given.\n"
    "Undefined values are null in the files and named in the tables (degenerate, singular, saturated ...).\n"
    "While it works it keeps what is done in DIR/<analysis_name>/results.journal. If it is stopped, by whatever,\n"
    "the same command with --resume goes on from there; without --resume everything is computed anew.\n"
    "Where it is built with MPI, 'mpirun -n N picoanalyze analyze ...' computes the same with N processes.\n"
    "With --repo_id it fetches from the Hugging Face Hub what it needs, into the cache that other tools use too;\n"
    "HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, HF_ENDPOINT and HF_TOKEN_PATH mean what they mean there.\n"
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
        {.name = "run_path", .value = "DIR", .help = "the run: a pico-train run directory", .text = &asked->run_path},
        {.name = "layout",
         .value = "PATTERN",
         .help = "where steps are in any other directory, e.g. {step}/model.safetensors",
         .text = &asked->layout},
        {.name = "repo_id",
         .value = "OWNER/NAME",
         .help = "in place of it, a repository of the Hugging Face Hub",
         .text = &asked->repo_id},
        {.name = "branch",
         .value = "REVISION",
         .help = "of the repository: a branch, tag or commit (default: main)",
         .text = &asked->branch},
        {.name = "output_dir", .value = "DIR", .help = "where results go", .text = &asked->output_dir},
        {.name = "compat", .value = "WHOSE", .help = "whose formulas: literature or pico", .text = &asked->compat},
        {.name = "threads",
         .value = "N",
         .help = "worker threads (default: the processors available)",
         .text = &asked->threads},
        {.name = "max_memory",
         .value = "BYTES",
         .help = "of layers computed at one time, e.g. 2G (default: no limit)",
         .text = &asked->max_memory},
        {.name = "resume", .help = "go on where an interrupted analysis stopped", .flag = &asked->resume},
        {.name = "plugin",
         .value = "FILE",
         .help = "shared object with metrics or components; may be repeated",
         .values = &asked->plugins},
        {.name = "explain",
         .help = "print what is computed which way and at what cost; afterwards, what was shared",
         .flag = &asked->explain},
        {.name = "quiet", .help = "neither progress nor tables", .flag = &asked->quiet},
    };
    const cli_command command = {.name = "analyze",
                                 .summary = "Compute the metrics of a configuration over a run.",
                                 .details = details,
                                 .options = options,
                                 .n_options = (int)(sizeof(options) / sizeof(options[0]))};
    return cli_parse(&command, argc, argv);
}

static cli_verdict check(const request *asked, int32_t *threads, int64_t *max_memory)
{
    int64_t number = 0;
    if (asked->run_path == NULL && asked->repo_id == NULL) {
        return cli_bad_usage("analyze", "analyze needs --run_path DIR or --repo_id OWNER/NAME");
    }
    if (asked->run_path != NULL && (asked->repo_id != NULL || asked->branch != NULL)) {
        return cli_bad_usage("analyze", "--run_path goes with neither --repo_id nor --branch");
    }
    if (asked->repo_id != NULL && asked->layout != NULL) {
        return cli_bad_usage("analyze", "--layout goes with --run_path");
    }
    if (asked->threads != NULL && !cli_parse_integer(asked->threads, 1, 1024, &number)) {
        return cli_bad_usage("analyze", "--threads %s: not a number from 1 to 1024", asked->threads);
    }
    if (asked->compat != NULL && strcmp(asked->compat, "pico") != 0 && strcmp(asked->compat, "literature") != 0) {
        return cli_bad_usage("analyze", "--compat %s: neither 'literature' nor 'pico'", asked->compat);
    }
    *threads = (int32_t)number;
    if (asked->max_memory != NULL && !cli_parse_bytes(asked->max_memory, max_memory)) {
        return cli_bad_usage("analyze", "--max_memory %s: not a number of bytes such as 500M or 2G", asked->max_memory);
    }
    return CLI_GO_ON;
}

/* "<a>/<b>"; NULL when out of memory. */
static char *join(const char *a, const char *b)
{
    const size_t size = strlen(a) + strlen(b) + 2;
    char *path = malloc(size);
    if (path != NULL) {
        (void)snprintf(path, size, "%s/%s", a, b);
    }
    return path;
}

/* Where results and journal go. */
static int choose_paths(study *s, const request *asked)
{
    const char *parent = asked->output_dir != NULL ? asked->output_dir : pa_config_output_dir(s->config);
    s->directory = join(parent, pa_config_name(s->config));
    s->journal = s->directory != NULL ? join(s->directory, "results.journal") : NULL;
    return s->journal != NULL ? CLI_OK : cli_fail("out of memory for the result directory");
}

/* The work itself. What is done stays in the journal when it does not come to an end. */
static int execute(study *s, const request *asked)
{
    pa_error err = {0};
    const pa_journal_mode mode = asked->resume ? PA_JOURNAL_RESUME : PA_JOURNAL_START;
    pa_status status = pa_analysis_set_journal(s->analysis, s->journal, mode, &err);
    if (status == PA_OK) {
        status = pa_analysis_set_team(s->analysis, cli_mpi_team(s->mpi), &err);
    }
    if (status == PA_OK) {
        status = pa_analysis_execute(s->analysis, cli_progress_tick, &s->progress, &s->results, &err);
    }
    cli_progress_clear(&s->progress);
    if (cli_mpi_rank(s->mpi) > 0) { /* rank 0 tells */
        return status == PA_OK ? CLI_OK : CLI_ERROR;
    }
    const int kept = access(s->journal, F_OK) == 0;
    if (status == PA_ERR_CANCELLED || (status == PA_OK && cli_signal_pending())) {
        return kept ? cli_fail("interrupted; the same command with --resume goes on from here")
                    : cli_fail("interrupted; nothing was written");
    }
    /* A journal that is there without having been asked for was written just now. */
    const char *hint = kept && !asked->resume ? "; with --resume, what was done before is not computed again" : "";
    return status == PA_OK ? CLI_OK : cli_fail("%s%s", err.message, hint);
}

static void print_line(void *user, const char *line)
{
    (void)user;
    puts(line);
}

static int explain(const study *s)
{
    pa_error err = {0};
    if (pa_analysis_explain(s->analysis, print_line, NULL, &err) != PA_OK) {
        return cli_fail("%s", err.message);
    }
    puts("");
    return CLI_OK;
}

static int open_run(study *s, const request *asked)
{
    pa_error err = {0};
    pa_status status = PA_OK;
    pa_run_options options = *pa_config_run_options(s->config);
    options.layout = asked->layout != NULL ? asked->layout : options.layout;
    if (asked->repo_id == NULL) {
        status = pa_run_open_with(s->ctx, asked->run_path, &options, &s->run, &err);
    } else if (cli_hub_open(s->ctx, &s->progress, &s->hub) != CLI_OK) {
        return CLI_ERROR;
    } else {
        status = pa_run_open_hub(s->hub, asked->repo_id, asked->branch, &options, &s->run, &err);
    }
    cli_progress_clear(&s->progress);
    if (status == PA_ERR_CANCELLED) {
        return cli_fail("interrupted; nothing was written");
    }
    return status == PA_OK ? CLI_OK : cli_fail("%s", err.message);
}

/* From the request to the plan: CLI_OK or CLI_ERROR with the reason on stderr. */
static int plan(study *s, const request *asked, int32_t threads, int64_t max_memory)
{
    pa_error err = {0};
    const int first = cli_mpi_rank(s->mpi) == 0; /* what all have to say, only one does */
    const pa_context_options options = {.struct_size = sizeof(options),
                                        .log = first ? cli_log : NULL,
                                        .log_user = &s->progress,
                                        .threads = threads > 0 ? threads : cli_mpi_threads(s->mpi),
                                        .max_memory = max_memory};
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
    if (open_run(s, asked) != CLI_OK) {
        return CLI_ERROR;
    }
    if (pa_analysis_create(s->ctx, s->config, s->run, &s->analysis, &err) != PA_OK) {
        return cli_fail("%s", err.message);
    }
    int code = choose_paths(s, asked);
    if (code == CLI_OK && first) {
        code = cli_destination_check(s->directory);
    }
    if (code == CLI_OK && asked->explain && first) {
        code = explain(s);
    }
    return code;
}

static int print_summary(const study *s, const request *asked)
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
    if (asked->explain) {
        printf("\nanswers asked of matrices: %" PRId64 ", computed: %" PRId64 ", remembered: %" PRId64 "\n",
               summary.queries, summary.computed, summary.queries - summary.computed);
    }
    printf("\n%" PRId64 " values (%" PRId64 " undefined) in %s, %s read; results in %s\n", summary.values,
           summary.undefined, seconds, bytes, s->directory);
    return CLI_OK;
}

static int publish(const study *s, const request *asked)
{
    pa_error err = {0};
    int code = CLI_OK;
    if (pa_results_export(s->results, "json,jsonl,csv", s->directory, &err) != PA_OK) {
        code = cli_fail("%s", err.message);
    } else if (unlink(s->journal) != 0 && errno != ENOENT) {
        fprintf(stderr, "picoanalyze: warning: %s: cannot be removed: %s\n", s->journal, strerror(errno));
    }
    if (code == CLI_OK && !asked->quiet) {
        code = cli_table_print(s->results);
    }
    if (code == CLI_OK) {
        code = print_summary(s, asked);
    }
    return code;
}

static void end_study(study *s)
{
    pa_results_destroy(s->results);
    pa_analysis_destroy(s->analysis);
    pa_run_destroy(s->run);
    pa_hub_destroy(s->hub);
    pa_config_destroy(s->config);
    pa_context_destroy(s->ctx);
    cli_plugins_unload(&s->plugins);
    free(s->journal);
    free(s->directory);
}

/* From the command line to the plan; CLI_DONE when there is nothing to be computed. */
static int prepare(study *s, request *asked, int argc, char **argv)
{
    int32_t threads = 0;
    int64_t max_memory = 0;
    cli_verdict verdict = parse(argc, argv, asked);
    if (verdict == CLI_GO_ON) {
        verdict = check(asked, &threads, &max_memory);
    }
    if (verdict != CLI_GO_ON) {
        return verdict == CLI_HELP_SHOWN ? CLI_DONE : CLI_USAGE;
    }
    cli_signals_catch();
    cli_progress_begin(&s->progress, asked->quiet || cli_mpi_rank(s->mpi) > 0);
    return plan(s, asked, threads, max_memory);
}

/* What is wrong for all is told by rank 0; the others look only when it has found nothing. */
static int prepare_all(study *s, request *asked, int argc, char **argv)
{
    const int first = cli_mpi_rank(s->mpi) == 0;
    int code = cli_mpi_first(s->mpi, first ? prepare(s, asked, argc, argv) : CLI_OK);
    if (!first && code == CLI_OK) {
        code = prepare(s, asked, argc, argv);
    }
    return cli_mpi_worst(s->mpi, code);
}

int cli_analyze(int argc, char **argv)
{
    request asked = {.config_path = NULL};
    study s = {.ctx = NULL};
    int code = cli_mpi_begin(&s.mpi);
    if (code != CLI_OK) {
        return code;
    }
    code = prepare_all(&s, &asked, argc, argv);
    if (code == CLI_OK) {
        code = execute(&s, &asked);
    }
    if (code == CLI_OK && cli_mpi_rank(s.mpi) == 0) {
        code = publish(&s, &asked);
    }
    end_study(&s);
    if (!cli_signal_pending()) { /* else there may be nobody left to wait for */
        cli_mpi_end(s.mpi);
    }
    cli_signal_reraise();
    return code == CLI_DONE ? CLI_OK : code;
}
