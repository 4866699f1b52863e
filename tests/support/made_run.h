/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Runs of any number of steps and layers, written by the test that needs them. */
#ifndef MADE_RUN_H
#define MADE_RUN_H
#include "pa_random.h"
#include "pa_test_files.h"

/** Weights and activations of attention.v_proj and attention.o_proj, all [size, size], f32, in the split val. */
typedef struct made_run {
    char path[128];
    int64_t n_steps; /**< Steps 0, 1, 2 ... */
    int64_t n_layers;
    int64_t size;
} made_run;

static inline void made_run_put_text(pa_test_bytes *b, const char *text)
{
    pa_test_put(b, "X", 1);
    pa_test_put_le(b, strlen(text), 4);
    pa_test_put(b, text, strlen(text));
}

static inline void made_run_put_int(pa_test_bytes *b, int64_t number)
{
    pa_test_put(b, "J", 1);
    pa_test_put_le(b, (uint64_t)number, 4);
}

/* (a, b) */
static inline void made_run_put_pair(pa_test_bytes *b, int64_t first, int64_t second)
{
    pa_test_put(b, "(", 1);
    made_run_put_int(b, first);
    made_run_put_int(b, second);
    pa_test_put(b, "t", 1);
}

/* Tensor number `index` of the one storage of a file of `count` tensors. */
static inline void made_run_put_tensor(pa_test_bytes *b, int64_t index, int64_t count, int64_t size)
{
    const int64_t elements = size * size;
    pa_test_put_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    made_run_put_text(b, "storage");
    pa_test_put_text(b, "ctorch\nFloatStorage\n");
    made_run_put_text(b, "0");
    made_run_put_text(b, "cpu");
    made_run_put_int(b, count * elements);
    pa_test_put_text(b, "tQ");
    made_run_put_int(b, index * elements);
    made_run_put_pair(b, size, size);
    made_run_put_pair(b, size, 1);
    pa_test_put_text(b, "\x89"
                        "ccollections\nOrderedDict\n)R"
                        "tR");
}

static inline void made_run_write_file(const made_run *run, int64_t step, pa_kind kind)
{
    static const char *const suffixes[] = {"attention.v_proj", "attention.o_proj"};
    const int64_t count = 2 * run->n_layers;
    const int64_t elements = count * run->size * run->size;
    char name[512];
    pa_test_bytes pickle = {NULL, 0};
    pa_random random = {(uint64_t)(10 * step + kind + 1)};
    float *data = malloc((size_t)elements * sizeof(*data));
    assert_non_null(data);
    for (int64_t i = 0; i < elements; i++) {
        data[i] = (float)pa_random_normal(&random);
    }
    pa_test_put_text(&pickle, "\x80\x02}(");
    for (int64_t i = 0; i < count; i++) {
        pa_test_format(name, sizeof(name), "layers.%d.%s", (int)(i / 2), suffixes[i % 2]);
        made_run_put_text(&pickle, name);
        made_run_put_tensor(&pickle, i, count, run->size);
    }
    pa_test_put_text(&pickle, "u.");
    pa_test_zip zip = pa_test_torch_zip(pickle.data, pickle.n, data, (size_t)elements * sizeof(*data));
    pa_test_zip_finish(&zip);
    pa_test_format(name, sizeof(name), "%s/checkpoints/step_%d/learning_dynamics/val_%s.pt", run->path, (int)step,
                   pa_kind_name(kind));
    pa_test_write(name, zip.bytes.data, zip.bytes.n);
    pa_test_free(&zip.bytes);
    pa_test_free(&pickle);
    free(data);
}

/** Bytes of a tensor as it is stored. */
static inline int64_t made_run_tensor_bytes(const made_run *run)
{
    return run->size * run->size * (int64_t)sizeof(float);
}

/** Write a run to a new directory; remove that with pa_test_remove(). */
static inline made_run made_run_write(int64_t n_steps, int64_t n_layers, int64_t size)
{
    made_run run = {.n_steps = n_steps, .n_layers = n_layers, .size = size};
    char path[512];
    char config[256];
    pa_test_directory(run.path, sizeof(run.path));
    pa_test_format(path, sizeof(path), "%s/checkpoints", run.path);
    assert_int_equal(mkdir(path, 0777), 0);
    for (int64_t step = 0; step < n_steps; step++) {
        pa_test_format(path, sizeof(path), "%s/checkpoints/step_%d", run.path, (int)step);
        assert_int_equal(mkdir(path, 0777), 0);
        pa_test_format(path, sizeof(path), "%s/checkpoints/step_%d/learning_dynamics", run.path, (int)step);
        assert_int_equal(mkdir(path, 0777), 0);
        made_run_write_file(&run, step, PA_WEIGHTS);
        made_run_write_file(&run, step, PA_ACTIVATIONS);
    }
    pa_test_format(config, sizeof(config),
                   "checkpointing: {run_name: made}\nmodel: {d_model: %d, n_layers: %d, attention_n_heads: 2, "
                   "attention_n_kv_heads: 2}\n",
                   (int)size, (int)n_layers);
    pa_test_format(path, sizeof(path), "%s/training_config.yaml", run.path);
    pa_test_write(path, config, strlen(config));
    return run;
}
#endif
