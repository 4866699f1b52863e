/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief What `--resume` takes before it computes anything: reading a large journal, and making rows of its records.
 *
 *     reopen RUN WORK_DIR [MEGABYTES]
 *
 * The journal, of 1000 MB unless told otherwise, is of a study of as many steps as it takes; each is a link to step 0 of
 * RUN, an absolute path, and has the rows that were computed for that one. Everything is in the page cache. A process for
 * each measurement, so that memory is told apart.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analysis/journal.h"
#include "analysis/plan.h"
#include "analysis/record.h"
#include "base/alloc.h"

enum { MAX_LAYERS = 64, PATH = 4096 };

#define METRIC(name) "- {metric_name: " name ", components: [{component_name: ov_circuit, data_type: weights}]}\n"
static const char study[] = "metrics:\n" METRIC("norm") METRIC("gini") METRIC("hoyer") METRIC("stable_rank")
    METRIC("effective_rank") METRIC("condition_number");

/** The records of one step. */
typedef struct records {
    pa_text bytes[MAX_LAYERS];
    int64_t count;
} records;

static void require(pa_status status, const pa_error *err)
{
    if (status != PA_OK) {
        fprintf(stderr, "reopen: %s\n", err->message);
        exit(1);
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* "<a>/<b>" */
static void join(char *out, const char *a, const char *b)
{
    if (snprintf(out, PATH, "%s/%s", a, b) >= PATH) {
        fprintf(stderr, "reopen: the path is too long\n");
        exit(1);
    }
}

static void link_to(const char *run, const char *name, const char *from, const char *there)
{
    char source[PATH], path[PATH];
    join(source, from, there);
    join(path, run, name);
    (void)symlink(source, path); /* is there already, the second time */
}

/* A run of which each step is step 0 of that one. */
static void make_run(const char *from, const char *run, int64_t steps)
{
    char checkpoints[PATH], name[64];
    join(checkpoints, run, "checkpoints");
    mkdir(run, 0777);
    mkdir(checkpoints, 0777);
    link_to(run, "training_config.yaml", from, "training_config.yaml");
    for (int64_t step = 0; step < steps; step++) {
        (void)snprintf(name, sizeof(name), "step_%lld", (long long)step);
        link_to(checkpoints, name, from, "checkpoints/step_0");
    }
}

static pa_analysis *make_plan(pa_context *ctx, const char *run_path, int64_t steps)
{
    pa_error err = {0};
    pa_config *config = NULL;
    pa_run *run = NULL;
    pa_analysis *analysis = NULL;
    char yaml[sizeof(study) + 100];
    const int n =
        snprintf(yaml, sizeof(yaml), "steps: {start: 0, end: %lld, step: 1}\n%s", (long long)steps - 1, study);
    require(pa_config_parse(ctx, yaml, n, "reopen.yaml", &config, &err), &err);
    require(pa_run_open(ctx, run_path, &run, &err), &err);
    require(pa_analysis_create(ctx, config, run, &analysis, &err), &err);
    return analysis; /* all three until the process ends */
}

static pa_journal *open_journal(const pa_analysis *analysis, const char *path, pa_journal_read_fn read, void *user)
{
    pa_error err = {0};
    pa_journal *journal = NULL;
    uint64_t plan = 0;
    require(pa_plan_hash(analysis, &plan, &err), &err);
    require(pa_journal_open(analysis->plan.mem, path, plan, read, user, &journal, &err), &err);
    return journal;
}

static pa_status collect(void *user, const char *bytes, int64_t length, pa_error *err)
{
    records *all = user;
    if (all->count == MAX_LAYERS) {
        return pa_fail(err, PA_ERR_LIMIT, "more than %d layers", MAX_LAYERS);
    }
    pa_text *text = &all->bytes[all->count++];
    text->mem = &pa_allocator_default;
    return pa_text_append_bytes(text, bytes, length, err);
}

static pa_status count(void *user, const char *bytes, int64_t length, pa_error *err)
{
    (void)bytes;
    (void)length;
    (void)err;
    ++*(int64_t *)user;
    return PA_OK;
}

static pa_status accept(void *user, const char *bytes, int64_t length, pa_error *err)
{
    return pa_record_accept(user, bytes, length, err);
}

/* How many steps it has. */
static int64_t make_journal(pa_context *ctx, const char *from, const char *run, const char *path, double megabytes)
{
    pa_error err = {0};
    pa_results *results = NULL;
    records step = {.count = 0};
    int64_t bytes = 0;
    make_run(from, run, 1);
    pa_analysis *one = make_plan(ctx, run, 1);
    require(pa_analysis_set_journal(one, path, PA_JOURNAL_START, &err), &err);
    require(pa_analysis_execute(one, NULL, NULL, &results, &err), &err);
    pa_journal_close(open_journal(one, path, collect, &step));
    for (int64_t i = 0; i < step.count; i++) {
        bytes += step.bytes[i].length;
    }
    const int64_t steps = 1 + (int64_t)(1e6 * megabytes / (double)bytes);
    make_run(from, run, steps);
    pa_journal *journal = open_journal(make_plan(ctx, run, steps), path, NULL, NULL);
    for (int64_t s = 0; s < steps; s++) {
        for (int64_t i = 0; i < step.count; i++) {
            for (int b = 0; b < 8; b++) { /* a record begins with its step */
                step.bytes[i].data[b] = (char)(unsigned char)((uint64_t)s >> (8 * b));
            }
            require(pa_journal_append(journal, step.bytes[i].data, step.bytes[i].length, &err), &err);
        }
    }
    require(pa_journal_sync(journal, &err), &err);
    pa_journal_close(journal);
    return steps;
}

typedef enum part { PART_PLAN, PART_READ, PART_ROWS } part;

/* Of both this process and the system. */
static double processor_seconds(struct rusage *used)
{
    getrusage(RUSAGE_SELF, used);
    return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) +
           1e-6 * (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec);
}

static void measure(pa_context *ctx, const char *run, const char *path, int64_t steps, part what)
{
    static const char *const names[] = {"plan", "read", "read, and made rows of"};
    pa_error err = {0};
    pa_record *record = NULL;
    struct rusage used;
    int64_t n = 0;
    double begin = now(), processor = processor_seconds(&used);
    const pa_analysis *analysis = make_plan(ctx, run, steps);
    if (what != PART_PLAN) {
        begin = now();
        processor = processor_seconds(&used);
    }
    if (what == PART_READ) {
        pa_journal_close(open_journal(analysis, path, count, &n));
    } else if (what == PART_ROWS) {
        require(pa_record_create(analysis, &record, &err), &err);
        pa_journal_close(open_journal(analysis, path, accept, record));
        n = pa_record_progress_now(record).values;
    }
    const double wall = now() - begin;
    processor = processor_seconds(&used) - processor;
    printf("  %-24s %8.3f s %8.3f s of processors %10lld %-8s %7.1f MiB\n", names[what], wall, processor, (long long)n,
           what == PART_ROWS ? "rows" : "records", (double)used.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    pa_error err = {0};
    pa_context *ctx = NULL;
    char run[PATH], path[PATH];
    struct stat info = {0};
    if (argc < 3) {
        fprintf(stderr, "usage: reopen RUN WORK_DIR [MEGABYTES]\n");
        return 2;
    }
    join(run, argv[2], "run");
    join(path, argv[2], "results.journal");
    mkdir(argv[2], 0777);
    const pa_context_options options = {.struct_size = sizeof(options), .threads = 1};
    require(pa_context_create(&options, &ctx, &err), &err);
    const int64_t steps = make_journal(ctx, argv[1], run, path, argc > 3 ? atof(argv[3]) : 1000);
    (void)stat(path, &info);
    printf("  a journal of %.2f GB, %lld steps\n", (double)info.st_size / 1e9, (long long)steps);
    for (part what = PART_PLAN; what <= PART_ROWS; what++) {
        int status = 0;
        fflush(stdout);
        if (fork() == 0) {
            measure(ctx, run, path, steps, what);
            fflush(stdout);
            _exit(0);
        }
        if (wait(&status) < 0 || status != 0) {
            return 1;
        }
    }
    (void)unlink(path);
    return 0;
}
