/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Writes a run as pico-train does, with random tensors of any size.
 *
 *     make_run --d_model 768 --layers 1 --heads 12 --kv_heads 4 --samples 1024 --steps 0,50 --out DIR
 *
 * Each step has the files of the validation split, and with `--train` those of the training split:
 * weights, gradients and activations of attention.v_proj, attention.o_proj and swiglu.w_2, float32. A tensor is
 * independent normal noise that all steps share, plus a drift of rank 8 that grows linearly over the steps and has a
 * third of the noise's norm at the last. The same arguments give the same bytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "torch_file.h"

enum { SUFFIXES = 3, KINDS = 3, RANK = 8, MAX_STEPS = 1000 };

typedef struct shape {
    int64_t d_model, layers, heads, kv_heads, hidden, samples;
    int64_t steps[MAX_STEPS];
    int n_steps;
    int sparse, train;
    const char *out;
} shape;

typedef struct random_source {
    uint64_t state;
} random_source;

/* splitmix64, then the polar method's cousin of Box and Muller: quick enough, and the same everywhere up to libm. */
static double uniform(random_source *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return ((double)((z ^ z >> 31) >> 11) + 0.5) * 0x1p-53;
}

static void normal(random_source *r, double scale, float *out, int64_t count)
{
    for (int64_t i = 0; i < count; i += 2) {
        const double radius = scale * sqrt(-2.0 * log(uniform(r)));
        const double angle = 6.283185307179586 * uniform(r);
        out[i] = (float)(radius * cos(angle));
        if (i + 1 < count) {
            out[i + 1] = (float)(radius * sin(angle));
        }
    }
}

/** What is being written: the file of one kind at one step. */
typedef struct file {
    const shape *s;
    int kind;
    double progress; /* 0 at the first step, 1 at the last */
} file;

static void fill(void *user, int index, const torch_tensor *t, float *out)
{
    static const double scales[KINDS] = {0.02, 1e-3, 1.0}; /* of weights, gradients, activations */
    const file *f = user;
    random_source r = {0x5eed0000u + (uint64_t)(index * KINDS + f->kind) * 0x100000001u};
    const double scale = scales[f->kind];
    normal(&r, scale, out, t->rows * t->cols);
    float *left = malloc((size_t)t->rows * RANK * sizeof(*left));
    float *right = malloc((size_t)t->cols * RANK * sizeof(*right));
    if (left == NULL || right == NULL) {
        exit(1);
    }
    normal(&r, 1.0, left, t->rows * RANK);
    normal(&r, scale * f->progress / (3.0 * sqrt(RANK)), right, t->cols * RANK);
    for (int64_t i = 0; i < t->rows && f->progress > 0.0; i++) {
        for (int k = 0; k < RANK; k++) {
            const float factor = left[i * RANK + k];
            for (int64_t j = 0; j < t->cols; j++) {
                out[i * t->cols + j] += factor * right[k * t->cols + j];
            }
        }
    }
    free(left);
    free(right);
}

static int describe(const shape *s, int kind, torch_tensor *tensors)
{
    static const char *const suffixes[SUFFIXES] = {"attention.v_proj", "attention.o_proj", "swiglu.w_2"};
    const int64_t kv = s->d_model / s->heads * s->kv_heads;
    const int64_t rows[SUFFIXES] = {kv, s->d_model, s->d_model};
    const int64_t cols[SUFFIXES] = {s->d_model, s->d_model, s->hidden};
    int count = 0;
    for (int64_t layer = 0; layer < s->layers; layer++) {
        for (int i = 0; i < SUFFIXES; i++, count++) {
            torch_tensor *t = &tensors[count];
            (void)snprintf(t->name, sizeof(t->name), "layers.%" PRId64 ".%s", layer, suffixes[i]);
            t->rows = kind == 2 ? s->samples : rows[i];
            t->cols = kind == 2 ? rows[i] : cols[i];
        }
    }
    return count;
}

static int make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const int bad = mkdir(path, 0777) != 0 && errno != EEXIST;
        if (bad) {
            perror(path);
            return -1;
        }
        *slash = '/';
    }
    return 0;
}

static int write_step(const shape *s, int64_t step, const char *split)
{
    static const char *const kinds[KINDS] = {"weights", "gradients", "activations"};
    const int64_t first = s->steps[0];
    const int64_t last = s->steps[s->n_steps - 1];
    torch_tensor tensors[TORCH_FILE_MAX];
    char path[4096];
    for (int kind = 0; kind < KINDS; kind++) {
        (void)snprintf(path, sizeof(path), "%s/checkpoints/step_%" PRId64 "/learning_dynamics/%s_%s.pt", s->out, step,
                       split, kinds[kind]);
        file f = {s, kind, last > first ? (double)(step - first) / (double)(last - first) : 0.0};
        const int count = describe(s, kind, tensors);
        if (make_directories(path) != 0 || torch_file_write(path, tensors, count, s->sparse ? NULL : fill, &f) != 0) {
            return -1;
        }
    }
    return 0;
}

static int write_config(const shape *s)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/training_config.yaml", s->out);
    FILE *f = fopen(path, "w");
    if (f == NULL) {
        perror(path);
        return -1;
    }
    fprintf(f,
            "checkpointing:\n  run_name: bench-%" PRId64 "\nmodel:\n  activation_hidden_dim: %" PRId64
            "\n  attention_n_heads: %" PRId64 "\n  attention_n_kv_heads: %" PRId64 "\n  d_model: %" PRId64
            "\n  model_type: pico_decoder\n  n_layers: %" PRId64 "\n",
            s->d_model, s->hidden, s->heads, s->kv_heads, s->d_model, s->layers);
    return fclose(f);
}

/* "0,50" or "FIRST:LAST"; ascending. */
static int parse_steps(shape *s, const char *text)
{
    char *end = NULL;
    int64_t step = strtoll(text, &end, 10);
    s->steps[s->n_steps++] = step;
    const int64_t last = *end == ':' ? strtoll(end + 1, &end, 10) : step;
    while (step < last && s->n_steps < MAX_STEPS) {
        s->steps[s->n_steps++] = ++step;
    }
    while (*end == ',' && s->n_steps < MAX_STEPS) {
        s->steps[s->n_steps++] = strtoll(end + 1, &end, 10);
    }
    return *end == '\0';
}

static int parse(int argc, char **argv, shape *s)
{
    struct {
        const char *name;
        int64_t *value;
    } numbers[] = {{"--d_model", &s->d_model},   {"--layers", &s->layers}, {"--heads", &s->heads},
                   {"--kv_heads", &s->kv_heads}, {"--hidden", &s->hidden}, {"--samples", &s->samples}};
    int ok = 1;
    for (int i = 1; i < argc && ok; i++) {
        s->sparse |= strcmp(argv[i], "--sparse") == 0;
        s->train |= strcmp(argv[i], "--train") == 0;
        int known = strcmp(argv[i], "--sparse") == 0 || strcmp(argv[i], "--train") == 0;
        const char *value = !known && i + 1 < argc ? argv[i + 1] : NULL;
        for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]) && value != NULL && !known; k++) {
            known = strcmp(argv[i], numbers[k].name) == 0;
            *numbers[k].value = known ? strtoll(value, NULL, 10) : *numbers[k].value;
        }
        if (!known && value != NULL && strcmp(argv[i], "--out") == 0) {
            known = 1;
            s->out = value;
        } else if (!known && value != NULL && strcmp(argv[i], "--steps") == 0) {
            known = parse_steps(s, value);
        }
        ok = known;
        i += value != NULL;
    }
    s->hidden = s->hidden > 0 ? s->hidden : 4 * s->d_model;
    return ok && s->out != NULL && s->n_steps > 0 && s->d_model > 0 && s->layers > 0 && s->heads > 0 &&
           s->kv_heads > 0 && s->samples > 0 && s->d_model % s->heads == 0 && s->heads % s->kv_heads == 0 &&
           s->layers * SUFFIXES <= TORCH_FILE_MAX;
}

int main(int argc, char **argv)
{
    shape s = {.layers = 1, .heads = 12, .kv_heads = 4, .samples = 1024};
    if (!parse(argc, argv, &s)) {
        fputs("usage: make_run --d_model N --steps A,B,...|A:B --out DIR [--layers N] [--heads N] [--kv_heads N]\n"
              "                [--hidden N] [--samples N] [--sparse] [--train]\n",
              stderr);
        return 2;
    }
    int bad = 0;
    for (int i = 0; i < s.n_steps && !bad; i++) {
        bad = write_step(&s, s.steps[i], "val") != 0;
        if (s.train && !bad) {
            bad = write_step(&s, s.steps[i], "train") != 0;
        }
    }
    return bad || write_config(&s) != 0;
}
