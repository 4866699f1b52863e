/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief The answers of suite.yaml with the least work: what the library is measured against.
 *
 *     floor RUN THREADS [--parts]
 *
 * Maps the files of a run that make_run wrote, computes, prints "metric key value" lines; with `--parts`, also how much
 * processor time each part took, on stderr. Written for this one question: no checks, no general case, the schedule
 * by hand.
 */
#include <cblas.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "floor.h"
#include "mapped_run.h"

enum { STEP = 0, TARGET = 50, LAYER = 0, MAX_THREADS = 64, MAX_TASKS = 8 * FLOOR_MAX_HEADS };

typedef enum part { SPECTRUM, CKA, GINI, PARTS } part;
static const char *const part_names[PARTS] = {"spectrum", "cka", "gini"};

typedef struct task {
    part part;
    floor_kind kind;
    int64_t index;
} task;

/** What the threads share. */
typedef struct crew {
    floor_layer layer;
    task tasks[MAX_TASKS];
    int n_tasks, n_threads;
    atomic_int next;
} crew;

typedef struct worker {
    crew *crew;
    floor_counts counts[FLOOR_KINDS];
    double seconds[FLOOR_KINDS][PARTS];
} worker;

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *work(void *user)
{
    worker *w = user;
    crew *c = w->crew;
    floor_layer *l = &c->layer;
    for (int i = atomic_fetch_add(&c->next, 1); i < c->n_tasks; i = atomic_fetch_add(&c->next, 1)) {
        const task t = c->tasks[i];
        const double start = now(CLOCK_THREAD_CPUTIME_ID);
        if (t.part == SPECTRUM) {
            floor_spectrum(l, t.kind);
        } else if (t.part == CKA) {
            floor_cka(l);
        } else {
            floor_gini(l, t.kind, t.index, &w->counts[t.kind]);
        }
        w->seconds[t.kind][t.part] += now(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    return NULL;
}

static void add(crew *c, part p, floor_kind kind, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        c->tasks[c->n_tasks++] = (task){p, kind, i};
    }
}

/* Runs the tasks that were added, in their order as threads become free. */
static void run_tasks(crew *c, worker *workers)
{
    pthread_t threads[MAX_THREADS];
    atomic_store(&c->next, 0);
    for (int i = 1; i < c->n_threads; i++) {
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) {
            exit(1);
        }
    }
    work(&workers[0]);
    for (int i = 1; i < c->n_threads; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void load(floor_layer *l, const char *run)
{
    l->d = mapped_run_setting(run, "d_model");
    l->heads = mapped_run_setting(run, "attention_n_heads");
    l->kv_heads = mapped_run_setting(run, "attention_n_kv_heads");
    l->size = l->d / l->heads;
    l->group = l->heads / l->kv_heads;
    l->v = mapped_run_tensor(run, STEP, "weights", LAYER, MAPPED_V).data;
    l->o = mapped_run_tensor(run, STEP, "weights", LAYER, MAPPED_O).data;
    l->dv = mapped_run_tensor(run, STEP, "gradients", LAYER, MAPPED_V).data;
    l->dout = mapped_run_tensor(run, STEP, "gradients", LAYER, MAPPED_O).data;
    l->target_a = mapped_run_tensor(run, TARGET, "activations", LAYER, MAPPED_V).data;
    l->target_o = mapped_run_tensor(run, TARGET, "weights", LAYER, MAPPED_O).data;
    const mapped_tensor a = mapped_run_tensor(run, STEP, "activations", LAYER, MAPPED_V);
    l->a = a.data;
    l->n = a.count / (l->kv_heads * l->size);
}

static void compute(crew *c, worker *workers)
{
    floor_layer *l = &c->layer;
    add(c, SPECTRUM, FLOOR_GRADIENTS, 1);
    add(c, SPECTRUM, FLOOR_WEIGHTS, 1);
    add(c, CKA, 0, 1);
    add(c, GINI, FLOOR_GRADIENTS, l->heads);
    add(c, GINI, FLOOR_WEIGHTS, l->heads);
    run_tasks(c, workers);
    for (floor_kind kind = 0; kind < FLOOR_KINDS; kind++) {
        floor_counts *counts[MAX_THREADS];
        for (int i = 0; i < c->n_threads; i++) {
            counts[i] = &workers[i].counts[kind];
        }
        floor_gini_all(l, kind, counts, c->n_threads);
    }
}

static void print(const char *metric, const char *kind, const double *values, int64_t heads)
{
    for (int64_t h = 0; h < heads; h++) {
        printf("%s layers.%d.ov_circuit.%s.heads.%" PRId64 " %.17g\n", metric, LAYER, kind, h, values[h]);
    }
    printf("%s layers.%d.ov_circuit.%s %.17g\n", metric, LAYER, kind, values[heads]);
}

static void print_answers(const floor_layer *l)
{
    static const char *const kinds[FLOOR_KINDS] = {"weights", "gradients"};
    const floor_answers *a = &l->answers;
    print("cka", "activations", a->cka, l->heads);
    for (floor_kind kind = 0; kind < FLOOR_KINDS; kind++) {
        print("per", kinds[kind], a->per[kind], l->heads);
        print("gini", kinds[kind], a->gini[kind], l->heads);
        print("norm", kinds[kind], a->norm[kind], l->heads);
        printf("condition_number layers.%d.ov_circuit.%s %.17g\n", LAYER, kinds[kind], a->condition[kind]);
    }
}

static void print_parts(const worker *workers, int n_threads, double wall)
{
    for (int p = 0; p < PARTS; p++) {
        double seconds[FLOOR_KINDS] = {0.0};
        for (int i = 0; i < n_threads; i++) {
            seconds[FLOOR_WEIGHTS] += workers[i].seconds[FLOOR_WEIGHTS][p];
            seconds[FLOOR_GRADIENTS] += workers[i].seconds[FLOOR_GRADIENTS][p];
        }
        fprintf(stderr, "%-14s weights %7.1f ms   gradients %7.1f ms\n", part_names[p], 1e3 * seconds[FLOOR_WEIGHTS],
                1e3 * seconds[FLOOR_GRADIENTS]);
    }
    fprintf(stderr, "%-14s %7.1f ms, %d threads\n", "wall", 1e3 * wall, n_threads);
}

int main(int argc, char **argv)
{
    static crew c;
    static worker workers[MAX_THREADS];
    c.n_threads = argc > 2 ? atoi(argv[2]) : 0;
    if (c.n_threads < 1 || c.n_threads > MAX_THREADS) {
        fputs("usage: floor RUN THREADS [--parts]\n", stderr);
        return 2;
    }
    const double start = now(CLOCK_MONOTONIC);
    openblas_set_num_threads(1);
    load(&c.layer, argv[1]);
    for (int i = 0; i < c.n_threads; i++) {
        workers[i].crew = &c;
        floor_counts_start(&workers[i].counts[FLOOR_WEIGHTS], &c.layer);
        floor_counts_start(&workers[i].counts[FLOOR_GRADIENTS], &c.layer);
    }
    compute(&c, workers);
    print_answers(&c.layer);
    if (argc > 3 && strcmp(argv[3], "--parts") == 0) {
        print_parts(workers, c.n_threads, now(CLOCK_MONOTONIC) - start);
    }
    return 0;
}
