/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of activations that a single process of pico-train mixed up, and that `unscramble` puts back in order. */
#include "analysis/plan.h"
#include "made_run.h"
#include "tiny_run.h"

/** @name Runs with activations of any shape
 * @{ */

/* A tensor and its storage, of floats or of bfloat16. */
typedef struct stored {
    const char *name;
    const float *data; /* n_stored elements */
    int64_t n_stored;
    int64_t offset;
    int64_t rows;
    int64_t cols;
    int64_t row_stride;
    int64_t col_stride;
    int bf16;
} stored;

static void put_tensor(pa_test_bytes *b, const stored *t, const char *key)
{
    pa_test_put_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    made_run_put_text(b, "storage");
    if (t->bf16) {
        pa_test_put_text(b, "ctorch\nBFloat16Storage\n");
    } else {
        pa_test_put_text(b, "ctorch\nFloatStorage\n");
    }
    made_run_put_text(b, key);
    made_run_put_text(b, "cpu");
    made_run_put_int(b, t->n_stored);
    pa_test_put_text(b, "tQ");
    made_run_put_int(b, t->offset);
    made_run_put_pair(b, t->rows, t->cols);
    made_run_put_pair(b, t->row_stride, t->col_stride);
    pa_test_put_text(b, "\x89"
                        "ccollections\nOrderedDict\n)R"
                        "tR");
}

static void write_file(const char *path, const stored *tensors, int n)
{
    char key[32];
    char record[64];
    pa_test_zip zip;
    pa_test_bytes pickle = {NULL, 0};
    memset(&zip, 0, sizeof(zip));
    pa_test_put_text(&pickle, "\x80\x02}(");
    for (int i = 0; i < n; i++) {
        pa_test_format(key, sizeof(key), "%d", i);
        made_run_put_text(&pickle, tensors[i].name);
        put_tensor(&pickle, &tensors[i], key);
    }
    pa_test_put_text(&pickle, "u.");
    pa_test_zip_add(&zip, "archive/data.pkl", pickle.data, pickle.n);
    for (int i = 0; i < n; i++) {
        pa_test_bytes data = {NULL, 0};
        for (int64_t k = 0; k < tensors[i].n_stored; k++) {
            uint32_t bits;
            memcpy(&bits, &tensors[i].data[k], sizeof(bits));
            pa_test_put_le(&data, tensors[i].bf16 ? bits >> 16 : bits, tensors[i].bf16 ? 2 : 4);
        }
        pa_test_format(record, sizeof(record), "archive/data/%d", i);
        pa_test_zip_add(&zip, record, data.data, data.n);
        pa_test_free(&data);
    }
    pa_test_zip_add(&zip, "archive/version", "3\n", 2);
    pa_test_zip_finish(&zip);
    pa_test_write(path, zip.bytes.data, zip.bytes.n);
    pa_test_free(&zip.bytes);
    pa_test_free(&pickle);
}

/* What pico-train does to a batch: A.transpose(0, 1).reshape(-1, D), of each batch for itself. */
static void scramble(const float *in, int64_t rows, int64_t cols, int64_t batch, float *out)
{
    for (int64_t first = 0; first < rows; first += batch) {
        const int64_t size = rows - first < batch ? rows - first : batch;
        for (int64_t j = 0; j < cols; j++) {
            for (int64_t b = 0; b < size; b++) {
                *out++ = in[(first + b) * cols + j];
            }
        }
    }
}

/* The path of a file of a step; the buffer is shared. */
static const char *file_of(const char *run, int64_t step, const char *split, pa_kind kind)
{
    static char path[600];
    pa_test_format(path, sizeof(path), "%s/checkpoints/step_%d/learning_dynamics/%s_%s.pt", run, (int)step, split,
                   pa_kind_name(kind));
    return path;
}

static void write_config(const char *run, const char *batch, const char *fabric)
{
    char path[400];
    char text[600];
    pa_test_format(text, sizeof(text),
                   "checkpointing: {run_name: same, learning_dynamics: {%s}}\n"
                   "model: {d_model: 6, n_layers: 2, attention_n_heads: 2, attention_n_kv_heads: 2}\n"
                   "training: {fabric: {%s}}\n",
                   batch, fabric);
    pa_test_format(path, sizeof(path), "%s/training_config.yaml", run);
    pa_test_write(path, text, strlen(text));
}

static const char single[] = "num_devices: 1, num_nodes: 1";

/* The directories of a run with n_steps steps, and a configuration of one process. */
static void make_run(char *run, size_t size, int64_t n_steps, const char *batch)
{
    static const char *const levels[] = {"", "/learning_dynamics"};
    char path[400];
    pa_test_directory(run, size);
    pa_test_format(path, sizeof(path), "%s/checkpoints", run);
    assert_int_equal(mkdir(path, 0700), 0);
    for (int64_t step = 0; step < n_steps; step++) {
        for (int level = 0; level < 2; level++) {
            pa_test_format(path, sizeof(path), "%s/checkpoints/step_%d%s", run, (int)step, levels[level]);
            assert_int_equal(mkdir(path, 0700), 0);
        }
    }
    write_config(run, batch, single);
}

static pa_status open_matrix(pa_context *ctx, const char *run_path, int32_t unscramble, pa_kind kind,
                             const char *suffix, pa_matrix **out, pa_error *err)
{
    const pa_run_options how = {.struct_size = sizeof(how), .unscramble = unscramble};
    pa_run *run = NULL;
    pa_checkpoint *c = NULL;
    pa_status status = pa_run_open_with(ctx, run_path, &how, &run, err);
    status = status == PA_OK ? pa_run_checkpoint(run, 0, &c, err) : status;
    pa_run_destroy(run); /* the checkpoint knows by itself how it is read */
    status = status == PA_OK ? pa_checkpoint_matrix(c, "val", kind, 0, suffix, out, err) : status;
    pa_checkpoint_destroy(c);
    return status;
}

static void check_matrix(pa_matrix *m, const float *expected, int64_t rows, int64_t cols)
{
    pa_error err;
    const double *values = NULL;
    assert_int_equal(pa_matrix_rows(m), rows);
    assert_int_equal(pa_matrix_cols(m), cols);
    assert_ok(pa_matrix_values(m, &values, &err));
    for (int64_t i = 0; i < rows * cols; i++) {
        if (!(values[i] == (double)expected[i])) {
            fail_msg("element %d is %g, expected %g", (int)i, values[i], (double)expected[i]);
        }
    }
    pa_matrix_destroy(m);
}
/** @} */

/* numpy.arange(30).reshape(10, 3), of which each four rows went through A.transpose(1, 0).reshape(-1, 3). */
static const float by_numpy[] = {0,  3,  6,  9,  1,  4,  7,  10, 2,  5,  8,  11, 12, 15, 18,
                                 21, 13, 16, 19, 22, 14, 17, 20, 23, 24, 27, 25, 28, 26, 29};

static void test_what_numpy_mixed_up_is_in_order(void **state)
{
    (void)state;
    enum { ROWS = 10, COLS = 3 };
    char run[128];
    float order[ROWS * COLS];
    float again[ROWS * COLS];
    pa_error err;
    pa_matrix *m = NULL;
    pa_context *ctx = pa_test_context();
    for (int i = 0; i < ROWS * COLS; i++) {
        order[i] = (float)i;
    }
    scramble(order, ROWS, COLS, 4, again); /* the tests' own, too */
    assert_memory_equal(again, by_numpy, sizeof(again));
    make_run(run, sizeof(run), 1, "batch_size: 4");
    for (int bf16 = 0; bf16 < 2; bf16++) {
        const stored t = {"layers.0.a", by_numpy, ROWS * COLS, 0, ROWS, COLS, COLS, 1, bf16};
        write_file(file_of(run, 0, "val", PA_ACTIVATIONS), &t, 1);
        assert_ok(open_matrix(ctx, run, 1, PA_ACTIVATIONS, "a", &m, &err));
        assert_int_equal(pa_matrix_dtype(m), bf16 ? PA_BF16 : PA_F32);
        check_matrix(m, order, ROWS, COLS);
        assert_ok(open_matrix(ctx, run, 0, PA_ACTIVATIONS, "a", &m, &err));
        check_matrix(m, by_numpy, ROWS, COLS);
    }
    pa_test_remove(run);
    pa_context_destroy(ctx);
}

static void test_every_size_of_the_last_batch_is_put_in_order(void **state)
{
    (void)state;
    enum { MAX = 400 };
    static const int64_t shapes[][3] = {/* rows, columns, batch */
                                        {8, 3, 4},  {9, 3, 4},          {11, 5, 4}, {3, 5, 4}, {4, 4, 4},
                                        {1, 7, 4},  {7, 1, 3},          {6, 2, 1},  {0, 3, 4}, {5, 0, 2},
                                        {50, 8, 7}, {5, 3, 2147483647}, {12, 6, 5}, {2, 2, 2}};
    char run[128];
    char batch[64];
    float order[MAX];
    float mixed[MAX];
    pa_error err;
    pa_matrix *m = NULL;
    pa_context *ctx = pa_test_context();
    make_run(run, sizeof(run), 1, "");
    for (size_t k = 0; k < sizeof(shapes) / sizeof(shapes[0]); k++) {
        const int64_t rows = shapes[k][0];
        const int64_t cols = shapes[k][1];
        for (int bf16 = 0; bf16 < 2; bf16++) {
            for (int64_t i = 0; i < rows * cols; i++) {
                order[i] = (float)(i % 251 + 1); /* bfloat16 has it exactly, and the file is told from zeros */
            }
            scramble(order, rows, cols, shapes[k][2], mixed);
            const stored t = {"layers.0.a", mixed, rows * cols, 0, rows, cols, cols, 1, bf16};
            write_file(file_of(run, 0, "val", PA_ACTIVATIONS), &t, 1);
            pa_test_format(batch, sizeof(batch), "batch_size: %d", (int)shapes[k][2]);
            write_config(run, batch, k % 2 == 0 ? single : ""); /* whoever asks knows, where it does not say */
            assert_ok(open_matrix(ctx, run, 1, PA_ACTIVATIONS, "a", &m, &err));
            check_matrix(m, order, rows, cols);
        }
    }
    pa_test_remove(run);
    pa_context_destroy(ctx);
}

static void test_views_of_longer_storages_are_put_in_order_where_they_end_with_a_batch(void **state)
{
    (void)state;
    enum { COLS = 3, ROWS = 8, BEFORE = 5, ALL = BEFORE + ROWS * COLS + 7 };
    char run[128];
    float order[ROWS * COLS];
    float data[ALL];
    pa_error err;
    pa_matrix *m = NULL;
    pa_context *ctx = pa_test_context();
    for (int i = 0; i < ROWS * COLS; i++) {
        order[i] = (float)(i + 1);
    }
    for (int i = 0; i < ALL; i++) {
        data[i] = -1.0F;
    }
    scramble(order, ROWS, COLS, 4, data + BEFORE);
    make_run(run, sizeof(run), 1, "batch_size: 4");
    const stored tensors[] = {
        {"layers.0.whole", data, ALL, BEFORE, ROWS, COLS, COLS, 1, 0},
        {"layers.0.short", data, ALL, BEFORE, 4, COLS, COLS, 1, 1}, /* the first batch of it */
        {"layers.0.torn", data, ALL, BEFORE, 6, COLS, COLS, 1, 0},  /* ends within one */
        {"layers.0.last", data, ALL - 7, BEFORE, ROWS, COLS, COLS, 1, 0},
        {"layers.0.turned", data, ALL, BEFORE, COLS, ROWS, 1, COLS, 0},
        {"layers.0.wide", data, ALL, BEFORE, 4, COLS, COLS + 1, 1, 0},
    };
    write_file(file_of(run, 0, "val", PA_ACTIVATIONS), tensors, 6);
    assert_ok(open_matrix(ctx, run, 1, PA_ACTIVATIONS, "whole", &m, &err));
    check_matrix(m, order, ROWS, COLS);
    assert_ok(open_matrix(ctx, run, 1, PA_ACTIVATIONS, "short", &m, &err));
    check_matrix(m, order, 4, COLS);
    assert_ok(open_matrix(ctx, run, 1, PA_ACTIVATIONS, "last", &m, &err));
    check_matrix(m, order, ROWS, COLS);
    assert_fails(
        open_matrix(ctx, run, 1, PA_ACTIVATIONS, "torn", &m, &err), PA_ERR_UNSUPPORTED,
        "unscramble: 'layers.0.torn' has 6 rows of a longer storage: how many of 4 samples its last batch had");
    assert_fails(open_matrix(ctx, run, 1, PA_ACTIVATIONS, "turned", &m, &err), PA_ERR_UNSUPPORTED,
                 "unscramble: the rows of 'layers.0.turned' are not stored one after the other");
    assert_fails(open_matrix(ctx, run, 1, PA_ACTIVATIONS, "wide", &m, &err), PA_ERR_UNSUPPORTED, "'layers.0.wide'");
    assert_null(m);
    pa_test_remove(run);
    pa_context_destroy(ctx);
}

static void test_what_is_not_finite_is_counted_in_every_batch(void **state)
{
    (void)state;
    char run[128];
    float data[30];
    int64_t n = 0;
    pa_error err;
    pa_matrix *m = NULL;
    pa_context *ctx = pa_test_context();
    make_run(run, sizeof(run), 1, "batch_size: 4");
    for (int64_t at = 1; at < 30; at += 28) { /* in the first batch; in the last one, which is smaller */
        memcpy(data, by_numpy, sizeof(data));
        data[at] = NAN;
        const stored t = {"layers.0.a", data, 30, 0, 10, 3, 3, 1, 0};
        write_file(file_of(run, 0, "val", PA_ACTIVATIONS), &t, 1);
        assert_ok(open_matrix(ctx, run, 1, PA_ACTIVATIONS, "a", &m, &err));
        assert_ok(pa_matrix_nonfinite(m, &n, &err));
        assert_int_equal(n, 1);
        pa_matrix_destroy(m);
    }
    pa_test_remove(run);
    pa_context_destroy(ctx);
}

static void test_other_kinds_are_not_touched(void **state)
{
    (void)state;
    static const pa_kind kinds[] = {PA_WEIGHTS, PA_GRADIENTS, PA_ATTENTION};
    char run[128];
    pa_error err;
    pa_matrix *m = NULL;
    pa_context *ctx = pa_test_context();
    const stored t = {"layers.0.a", by_numpy, 30, 0, 10, 3, 3, 1, 0};
    make_run(run, sizeof(run), 1, "batch_size: 4");
    for (int k = 0; k < 3; k++) {
        write_file(file_of(run, 0, "val", kinds[k]), &t, 1);
        assert_ok(open_matrix(ctx, run, 1, kinds[k], "a", &m, &err));
        check_matrix(m, by_numpy, 10, 3);
    }
    pa_test_remove(run);
    pa_context_destroy(ctx);
}

static void test_runs_that_cannot_be_meant_are_refused(void **state)
{
    (void)state;
    static const char *const refused[][3] = {
        {"batch_size: 4", "num_devices: 4, num_nodes: 1",
         "training_config.yaml: unscramble: 4 processes wrote the run"},
        {"batch_size: 4", "num_devices: 2, num_nodes: 3", "6 processes"},
        {"batch_size: 4", "num_nodes: 2", "2 processes"},
        {"", "num_devices: 1, num_nodes: 1", "learning_dynamics.batch_size does not say how many samples"},
        {"batch_size: 0", "", "batch_size does not say"},
        {"batch_size: many", "", "batch_size does not say"},
        {"batch_size: -4", "", "batch_size does not say"},
        {"batch_size: 2147483648", "", "batch_size does not say"},
    };
    char run_path[128];
    pa_error err;
    pa_run *run = NULL;
    pa_context *ctx = pa_test_context();
    pa_run_options how = {.struct_size = sizeof(how)};
    make_run(run_path, sizeof(run_path), 1, "batch_size: 4");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        write_config(run_path, refused[i][0], refused[i][1]);
        how.unscramble = 1;
        assert_fails(pa_run_open_with(ctx, run_path, &how, &run, &err), PA_ERR_CONFIG, refused[i][2]);
        assert_null(run);
        how.unscramble = 0;
        assert_ok(pa_run_open_with(ctx, run_path, &how, &run, &err));
        pa_run_destroy(run);
        run = NULL;
    }
    how = (pa_run_options){.struct_size = sizeof(how), .unscramble = 1, .layout = "{step}"};
    assert_fails(pa_run_open_with(ctx, run_path, &how, &run, &err), PA_ERR_CONFIG, "in a run by the layout '{step}'");
    pa_test_remove(run_path);
    pa_context_destroy(ctx);
}

/** @name A whole study
 * @{ */

enum { SAMPLES = 11, BATCH = 4, WIDTH = 6, N_STEPS = 3, N_LAYERS = 2 };

static const char *const suffixes[] = {"attention.v_proj", "attention.o_proj"};

/* The same numbers in both runs; in the second one as a single process writes them. */
static void write_step(const char *plain, const char *mixed, int64_t step, const char *split, pa_kind kind)
{
    enum { N = 2 * N_LAYERS };
    const int64_t rows = kind == PA_ACTIVATIONS ? SAMPLES : WIDTH;
    char names[N][64];
    float data[N][SAMPLES * WIDTH];
    float mixed_data[N][SAMPLES * WIDTH];
    stored tensors[N];
    pa_random random = {(uint64_t)(1000 * step + 10 * kind + (split[0] == 't') + 1)};
    for (int i = 0; i < N; i++) {
        for (int64_t k = 0; k < rows * WIDTH; k++) {
            data[i][k] = (float)pa_random_normal(&random);
        }
        pa_test_format(names[i], sizeof(names[i]), "layers.%d.%s", i / 2, suffixes[i % 2]);
        tensors[i] = (stored){names[i], data[i], rows * WIDTH, 0, rows, WIDTH, WIDTH, 1, 0};
    }
    write_file(file_of(plain, step, split, kind), tensors, N);
    for (int i = 0; i < N && kind == PA_ACTIVATIONS; i++) {
        scramble(data[i], rows, WIDTH, BATCH, mixed_data[i]);
        tensors[i].data = mixed_data[i];
    }
    write_file(file_of(mixed, step, split, kind), tensors, N);
}

#define PARTS                                                                                                          \
    "components: [{component_name: simple, data_type: activations, layer_suffixes: attention.v_proj}, "                \
    "{component_name: ov_circuit, data_type: activations}]"
#define STUDY(unscramble)                                                                                              \
    unscramble "metrics:\n"                                                                                            \
               "- {metric_name: cka, target_checkpoint: previous, " PARTS "}\n"                                        \
               "- {metric_name: pwcca, target_checkpoint: final, " PARTS "}\n"                                         \
               "- {metric_name: svcca, target_split: train, " PARTS "}\n"                                              \
               "- {metric_name: procrustes, matrix: layers, " PARTS "}\n"                                              \
               "- {metric_name: per, " PARTS "}\n"                                                                     \
               "- {metric_name: norm, " PARTS "}\n"                                                                    \
               "- {metric_name: gini, data_split: train, " PARTS "}\n"                                                 \
               "- {metric_name: norm, components: [{component_name: simple, data_type: weights, "                      \
               "layer_suffixes: attention.v_proj}]}\n"                                                                 \
               "steps: [0, 1, 2]\n"

static void study(tiny *t, const char *run, const char *yaml)
{
    assert_int_equal(tiny_start(t, NULL, 2), PA_OK);
    const pa_status status = tiny_plan_over(t, run, yaml);
    if (status != PA_OK || pa_analysis_execute(t->analysis, NULL, NULL, &t->results, &t->err) != PA_OK) {
        fail_msg("%s", t->err.message);
    }
}

/* How many rows of two studies differ in a bit of their value; all else must be equal. */
static int64_t count_differences(const tiny *a, const tiny *b)
{
    int64_t n = 0;
    assert_int_equal(pa_results_count(a->results), pa_results_count(b->results));
    for (int64_t i = 0; i < pa_results_count(a->results); i++) {
        const pa_result_row x = tiny_row(a, i);
        const pa_result_row y = tiny_row(b, i);
        assert_string_equal(x.run, y.run);
        assert_string_equal(x.key, y.key);
        assert_string_equal(x.file, y.file);
        assert_int_equal(x.step, y.step);
        assert_int_equal(x.value.n, y.value.n);
        assert_int_equal(x.value.state, y.value.state);
        n += x.value.state == PA_STATE_OK && memcmp(&x.value.value, &y.value.value, sizeof(double)) != 0;
    }
    return n;
}

static void test_a_study_of_a_run_that_was_mixed_up_is_that_of_the_run_that_was_not(void **state)
{
    (void)state;
    static const char *const splits[] = {"train", "val"};
    char plain[128];
    char mixed[128];
    tiny a;
    tiny b;
    tiny c;
    make_run(plain, sizeof(plain), N_STEPS, "batch_size: 4");
    make_run(mixed, sizeof(mixed), N_STEPS, "batch_size: 4");
    write_config(plain, "batch_size: 4", "num_devices: 2, num_nodes: 1");
    for (int64_t step = 0; step < N_STEPS; step++) {
        for (int s = 0; s < 2; s++) {
            write_step(plain, mixed, step, splits[s], PA_ACTIVATIONS);
            write_step(plain, mixed, step, splits[s], PA_WEIGHTS);
        }
    }
    study(&a, plain, STUDY(""));
    study(&b, mixed, STUDY("unscramble: true\n"));
    study(&c, mixed, STUDY(""));
    assert_true(pa_results_count(a.results) > 50);
    assert_int_equal(count_differences(&a, &b), 0);
    assert_true(count_differences(&a, &c) > 30); /* as it matters */
    assert_string_equal(a.log.text, "");
    assert_string_equal(b.log.text, "");
    assert_non_null(strstr(c.log.text, "mixes up the rows"));
    for (int64_t i = 0; i < pa_results_count(b.results); i++) {
        const pa_result_row row = tiny_row(&b, i);
        assert_int_equal(row.unscrambled, row.kind == PA_ACTIVATIONS);
        assert_int_equal(tiny_row(&a, i).unscrambled + tiny_row(&c, i).unscrambled, 0);
    }
    tiny_end(&a);
    tiny_end(&b);
    tiny_end(&c);
    pa_test_remove(plain);
    pa_test_remove(mixed);
}

static uint64_t hash_of(const char *run, const char *yaml)
{
    tiny t;
    uint64_t hash = 0;
    assert_int_equal(tiny_start(&t, NULL, 1), PA_OK);
    if (tiny_plan_over(&t, run, yaml) != PA_OK || pa_plan_hash(t.analysis, &hash, &t.err) != PA_OK) {
        fail_msg("%s", t.err.message);
    }
    tiny_end(&t);
    return hash;
}

#define ONE(line)                                                                                                      \
    line "metrics: [{metric_name: norm, components: [{component_name: simple, data_type: weights, layer_suffixes: "    \
         "a}]}]\n"                                                                                                     \
         "steps: [0]\n"

static void test_a_journal_of_runs_that_were_read_otherwise_is_another(void **state)
{
    (void)state;
    char run[128];
    make_run(run, sizeof(run), 1, "batch_size: 4");
    const uint64_t plain = hash_of(run, ONE(""));
    assert_true(plain == hash_of(run, ONE("unscramble: false\nnaming: auto\n")));
    const uint64_t ordered = hash_of(run, ONE("unscramble: true\n"));
    assert_true(ordered != plain);
    assert_true(hash_of(run, ONE("naming: gpt2\n")) != plain);
    assert_true(hash_of(run, ONE("naming: {a: b}\n")) != hash_of(run, ONE("naming: {a: c}\n")));
    assert_true(hash_of(run, ONE("naming: {a: b}\n")) == hash_of(run, ONE("naming: {'a': [b]}\n")));
    assert_true(hash_of(run, ONE("model: {attention_n_heads: 3}\n")) != plain);
    write_config(run, "batch_size: 5", single);
    assert_true(hash_of(run, ONE("")) == plain);
    assert_true(hash_of(run, ONE("unscramble: true\n")) != ordered);
    pa_test_remove(run);
}
/** @} */

static pa_status read_in_order(const pa_allocator *mem, void *user)
{
    pa_error err = {0};
    pa_context *ctx = NULL;
    pa_matrix *m = NULL;
    const double *values = NULL;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem, .threads = 1};
    pa_status status = pa_context_create(&options, &ctx, &err);
    status = status == PA_OK ? open_matrix(ctx, user, 1, PA_ACTIVATIONS, "a", &m, &err) : status;
    status = status == PA_OK ? pa_matrix_values(m, &values, &err) : status;
    pa_matrix_destroy(m);
    pa_context_destroy(ctx);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    char run[128];
    const stored t = {"layers.0.a", by_numpy, 30, 0, 10, 3, 3, 1, 0};
    make_run(run, sizeof(run), 1, "batch_size: 4");
    write_file(file_of(run, 0, "val", PA_ACTIVATIONS), &t, 1);
    pa_test_oom_sweep(read_in_order, run);
    pa_test_remove(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_numpy_mixed_up_is_in_order),
        cmocka_unit_test(test_every_size_of_the_last_batch_is_put_in_order),
        cmocka_unit_test(test_views_of_longer_storages_are_put_in_order_where_they_end_with_a_batch),
        cmocka_unit_test(test_what_is_not_finite_is_counted_in_every_batch),
        cmocka_unit_test(test_other_kinds_are_not_touched),
        cmocka_unit_test(test_runs_that_cannot_be_meant_are_refused),
        cmocka_unit_test(test_a_study_of_a_run_that_was_mixed_up_is_that_of_the_run_that_was_not),
        cmocka_unit_test(test_a_journal_of_runs_that_were_read_otherwise_is_another),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
