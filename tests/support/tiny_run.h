/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The run of tests/data/make_tiny_run.py: its numbers by formula, and a whole analysis of it in one call. */
#ifndef TINY_RUN_H
#define TINY_RUN_H
#include "pa_test.h"

enum { TINY_V = 0, TINY_K = 1, TINY_O = 2, TINY_W2 = 3 };

/** Element (i, j) of a tensor; `split` is 0 for train and 1 for val. */
static inline double tiny_entry(int64_t step, int split, pa_kind kind, int64_t layer, int suffix, int64_t i, int64_t j)
{
    return (double)((step + 7 * layer + 3 * i + 5 * j + 11 * kind + 13 * split + 2 * suffix) % 17 - 8) / 8.0;
}

static inline double tiny_frobenius(int64_t step, int split, pa_kind kind, int64_t layer, int suffix)
{
    static const int64_t rows[] = {4, 4, 8, 8};
    static const int64_t cols[] = {8, 8, 8, 16};
    const int64_t n = kind == PA_ACTIVATIONS ? 12 : rows[suffix];
    const int64_t p = kind == PA_ACTIVATIONS ? rows[suffix] : cols[suffix];
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < p; j++) {
            const double a = tiny_entry(step, split, kind, layer, suffix, i, j);
            sum += a * a;
        }
    }
    return sqrt(sum);
}

typedef struct tiny_log {
    int count;
    char text[4000]; /**< All messages, one a line. */
} tiny_log;

/** Everything between a YAML text and results. */
typedef struct tiny {
    pa_context *ctx;
    pa_config *config;
    pa_run *run;
    pa_analysis *analysis;
    pa_results *results;
    tiny_log log;
    pa_error err;
} tiny;

static inline void tiny_listen(void *user, pa_log_level level, const char *message)
{
    tiny_log *log = user;
    const size_t used = strlen(log->text);
    (void)level;
    log->count++;
    (void)snprintf(log->text + used, sizeof(log->text) - used, "%s\n", message);
}

static inline pa_status tiny_start(tiny *t, const pa_allocator *mem, int32_t threads)
{
    memset(t, 0, sizeof(*t));
    const pa_context_options options = {
        .struct_size = sizeof(options), .allocator = mem, .log = tiny_listen, .log_user = &t->log, .threads = threads};
    return pa_context_create(&options, &t->ctx, &t->err);
}

/** Up to the plan over any run, opened as the YAML says; then pa_analysis_execute() is the test's. */
static inline pa_status tiny_plan_over(tiny *t, const char *path, const char *yaml)
{
    pa_status status = pa_config_parse(t->ctx, yaml, (int64_t)strlen(yaml), "tiny.yaml", &t->config, &t->err);
    if (status == PA_OK) {
        status = pa_run_open_with(t->ctx, path, pa_config_run_options(t->config), &t->run, &t->err);
    }
    if (status == PA_OK) {
        status = pa_analysis_create(t->ctx, t->config, t->run, &t->analysis, &t->err);
    }
    return status;
}

/** Likewise over the tiny run. */
static inline pa_status tiny_plan(tiny *t, const char *yaml)
{
    char path[600];
    const char *data = getenv("PA_TEST_DATA");
    (void)snprintf(path, sizeof(path), "%s/tiny_run", data != NULL ? data : "tests/data");
    return tiny_plan_over(t, path, yaml);
}

static inline pa_status tiny_execute(tiny *t, const char *yaml)
{
    pa_status status = tiny_plan(t, yaml);
    if (status == PA_OK) {
        status = pa_analysis_execute(t->analysis, NULL, NULL, &t->results, &t->err);
    }
    assert_int_equal(t->err.message[0] == '\0', status == PA_OK);
    return status;
}

/** Ends all but the context, whose registrations a test may want to keep. */
static inline void tiny_reset(tiny *t)
{
    pa_results_destroy(t->results);
    pa_analysis_destroy(t->analysis);
    pa_run_destroy(t->run);
    pa_config_destroy(t->config);
    t->results = NULL;
    t->analysis = NULL;
    t->run = NULL;
    t->config = NULL;
    memset(&t->log, 0, sizeof(t->log));
}

static inline void tiny_end(tiny *t)
{
    tiny_reset(t);
    pa_context_destroy(t->ctx);
    t->ctx = NULL;
}

static inline pa_result_row tiny_row(const tiny *t, int64_t index)
{
    pa_result_row row = {.struct_size = sizeof(row)};
    assert_int_equal(pa_results_row(t->results, index, &row, NULL), PA_OK);
    return row;
}
#endif
