/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fails in the middle can be asked for again with the same handles: memory that runs out, and a host that stops,
 * while a run of the Hub is opened and its files are fetched. test_again.py starts this beside a server, with
 * PA_HUB_ENDPOINT and a directory PA_HUB_CACHE.
 */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <stdatomic.h>

#include "checkpoint/origin.h"
#include "hub/repo.h"
#include "tiny_run.h"

/* What is fetched: what a plan would have fetched at once, and what is then asked for. */
typedef struct sight {
    pa_hub_options options;
    pa_test_heap heap;
    atomic_int_fast64_t
        stop_at;     /**< How many questions whether to go on are answered well before one is not; -1: all. */
    pa_status first; /**< Of the first call that failed. */
    pa_context *ctx;
    pa_hub *hub;
    pa_run *run;
    pa_checkpoint *checkpoint;
    pa_matrix *matrix;
    const pa_checkpoint *dict; /* borrowed */
    pa_hub_progress progress;
    int wrong; /**< The progress told of more than there is. */
} sight;

/* From any thread, so that nothing can be asserted. */
static int32_t watch(void *user, const pa_hub_progress *progress)
{
    sight *s = user;
    s->progress = *progress;
    s->wrong |= progress->bytes_done < 0 || progress->bytes_done > progress->bytes || progress->files_done < 0 ||
                progress->files_done > progress->files;
    return atomic_fetch_sub(&s->stop_at, 1) != 0;
}

/* A call that failed succeeds when it is repeated and nothing is in its way, with whatever the first one left. */
#define TWICE(s, call)                                                                                                 \
    do {                                                                                                               \
        pa_error err = {0};                                                                                            \
        const pa_status once_ = (call);                                                                                \
        assert_int_equal(err.status, once_);                                                                           \
        assert_int_equal(err.message[0] == '\0', once_ == PA_OK);                                                      \
        if (once_ != PA_OK) {                                                                                          \
            (s)->first = (s)->first == PA_OK ? once_ : (s)->first;                                                     \
            (s)->heap.fail_at = -1;                                                                                    \
            assert_ok(call);                                                                                           \
        }                                                                                                              \
    } while (0)

static pa_status look(sight *s)
{
    static const pa_run_file files[] = {{10, "val", PA_WEIGHTS}, {20, "val", PA_GRADIENTS}, {10, "train", PA_WEIGHTS}};
    const pa_allocator mem = {pa_test_heap_alloc, pa_test_heap_free, &s->heap};
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = &mem};
    s->options.progress = watch;
    s->options.progress_user = s;
    TWICE(s, pa_context_create(&options, &s->ctx, &err));
    TWICE(s, pa_hub_open(s->ctx, &s->options, &s->hub, &err));
    TWICE(s, pa_run_open_hub(s->hub, "pico-lm/tiny", "demo-1", NULL, &s->run, &err));
    TWICE(s, pa_run_fetch(s->run, files, 3, &err));
    TWICE(s, pa_run_checkpoint(s->run, 10, &s->checkpoint, &err));
    TWICE(s, pa_checkpoint_matrix(s->checkpoint, "val", PA_ACTIVATIONS, 1, "attention.v_proj", &s->matrix, &err));
    TWICE(s, pa_checkpoint_state_dict(s->checkpoint, &s->dict, &err));
    pa_text identity = {.mem = &mem};
    TWICE(s, (identity.length = 0, pa_run_identify(s->run, 10, &identity, &err)));
    assert_int_equal(identity.length, 3 * PA_COMMIT); /* three commits, and a comma behind each */
    pa_text_free(&identity);
    double norm = 0.0;
    TWICE(s, pa_matrix_frobenius(s->matrix, &norm, &err));
    assert_close(norm, tiny_frobenius(10, 1, PA_ACTIVATIONS, 1, TINY_V), 1e-12);
    assert_false(s->wrong);
    assert_int_equal(s->progress.bytes_done, s->progress.bytes);
    assert_int_equal(s->progress.files_done, s->progress.files);
    assert_non_null(s->dict);
    assert_int_equal(pa_checkpoint_count(s->dict), 3);
    pa_matrix_destroy(s->matrix);
    pa_checkpoint_destroy(s->checkpoint);
    pa_run_destroy(s->run);
    pa_hub_destroy(s->hub);
    pa_context_destroy(s->ctx);
    assert_int_equal(s->heap.live, 0);
    return s->first;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static void forget_all(const pa_hub_options *options)
{
    (void)nftw(options->cache_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* As pa_test_oom_sweep(), but that a call is repeated where it failed; with a new cache each time when `afar`. */
static void sweep(const pa_hub_options *options, int afar)
{
    for (int64_t n = 0, failed = 1; failed > 0; n++) {
        sight s = {.options = *options, .heap = PA_TEST_HEAP(n, 0), .stop_at = -1};
        if (afar) {
            forget_all(options);
        }
        const pa_status status = look(&s);
        failed = s.heap.failed;
        assert_int_equal(status, failed > 0 ? PA_ERR_NOMEM : PA_OK);
        assert_true(failed > 0 || n > 100);
    }
}

static pa_hub_options make_options(void)
{
    return (pa_hub_options){.struct_size = sizeof(pa_hub_options),
                            .cache_dir = getenv("PA_HUB_CACHE"),
                            .endpoint = getenv("PA_HUB_ENDPOINT"),
                            .token = "hf_token",
                            .ca_file = "/none",
                            .connections = 1};
}

static void memory_that_runs_out_while_files_are_fetched(void **state)
{
    const pa_hub_options options = make_options();
    (void)state;
    sweep(&options, 1);
}

static void memory_that_runs_out_with_files_in_the_cache(void **state)
{
    pa_hub_options options = make_options();
    (void)state;
    sweep(&options, 0);
    options.offline = 1;
    sweep(&options, 0);
}

static void memory_that_runs_out_with_files_and_no_lists_in_the_cache(void **state)
{
    char trees[1024];
    pa_hub_options options = make_options();
    (void)state;
    options.offline = 1;
    (void)snprintf(trees, sizeof(trees), "%s/models--pico-lm--tiny/trees", options.cache_dir);
    assert_int_equal(nftw(trees, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    sweep(&options, 0);
}

static void a_host_that_stops_may_ask_again(void **state)
{
    pa_hub_options options = make_options();
    (void)state;
    for (options.connections = 1; options.connections <= 4; options.connections += 3) {
        int64_t stopped = 0;
        for (int64_t n = 0, left = -1; left < 0; n++) {
            sight s = {.options = options, .heap = PA_TEST_HEAP(-1, 0), .stop_at = n};
            forget_all(&options);
            const pa_status status = look(&s);
            assert_true(status == PA_ERR_CANCELLED || status == PA_OK); /* what was complete already is not undone */
            stopped += status == PA_ERR_CANCELLED;
            left = atomic_load(&s.stop_at);
        }
        assert_true(stopped > 10);
    }
}

static void an_analysis_that_was_stopped_may_be_made_again(void **state)
{
    static const char yaml[] =
        "steps: [0, 10]\nmetrics:\n- {metric_name: norm, norm_type: frobenius, components: "
        "[{component_name: simple, data_type: weights, layer_suffixes: swiglu.w_2, layers: [1]}]}\n";
    tiny t;
    pa_error err = {0};
    pa_hub *hub = NULL;
    sight s = {.options = make_options()};
    (void)state;
    s.options.connections = 0;
    s.options.progress = watch;
    s.options.progress_user = &s;
    forget_all(&s.options);
    assert_ok(tiny_start(&t, NULL, 2));
    assert_ok(pa_hub_open(t.ctx, &s.options, &hub, &err));
    atomic_store(&s.stop_at, -1);
    assert_ok(pa_run_open_hub(hub, "pico-lm/tiny", "demo-1", NULL, &t.run, &err));
    assert_ok(pa_config_parse(t.ctx, yaml, (int64_t)strlen(yaml), "again.yaml", &t.config, &err));
    assert_ok(pa_analysis_create(t.ctx, t.config, t.run, &t.analysis, &err));
    atomic_store(&s.stop_at, 3);
    assert_fails(pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err), PA_ERR_CANCELLED, "stopped");
    atomic_store(&s.stop_at, -1);
    assert_ok(pa_analysis_execute(t.analysis, NULL, NULL, &t.results, &err));
    assert_int_equal(pa_results_count(t.results), 2);
    for (int64_t i = 0; i < 2; i++) {
        assert_close(tiny_row(&t, i).value.value, tiny_frobenius(10 * i, 1, PA_WEIGHTS, 1, TINY_W2), 1e-12);
    }
    assert_false(s.wrong);
    tiny_reset(&t);
    pa_hub_destroy(hub);
    tiny_end(&t);
}

/* Held all the while: starting libcurl anew takes longer than all else. */
static int open_hub(void **state)
{
    pa_context *ctx = NULL;
    const pa_hub_options options = make_options();
    return pa_context_create(NULL, &ctx, NULL) != PA_OK || pa_hub_open(ctx, &options, (pa_hub **)state, NULL) != PA_OK;
}

static int close_hub(void **state)
{
    pa_hub *hub = *state;
    pa_context *ctx = hub->ctx;
    pa_hub_destroy(hub);
    pa_context_destroy(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_runs_out_while_files_are_fetched),
        cmocka_unit_test(memory_that_runs_out_with_files_in_the_cache),
        cmocka_unit_test(memory_that_runs_out_with_files_and_no_lists_in_the_cache),
        cmocka_unit_test(a_host_that_stops_may_ask_again),
        cmocka_unit_test(an_analysis_that_was_stopped_may_be_made_again),
    };
    return cmocka_run_group_tests(tests, open_hub, close_hub);
}
