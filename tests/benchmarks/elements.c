/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief A large matrix through the metrics that look at every element, beside one plain pass over its memory.
 *
 *     elements COLUMNS        (of 10000 rows; float32)
 *
 * Each metric gets a matrix of its own, so that nothing is shared; medians of three. All on one thread.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include <picoanalyze/picoanalyze.h>

enum { ROWS = 10000, REPEATS = 3 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double median(double *s)
{
    const double low = fmin(s[0], s[1]), high = fmax(s[0], s[1]);
    return fmax(low, fmin(high, s[2]));
}

/* Sums of three uniform numbers: bell-shaped, signed, quick to make. */
static void fill(float *x, int64_t count)
{
    uint64_t state = 1;
    for (int64_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const uint64_t parts = (state >> 1 & 0xfffff) + (state >> 21 & 0xfffff) + (state >> 41 & 0xfffff);
        x[i] = (float)((double)parts * 0x1p-20 - 1.5);
    }
}

/* What a single pass costs: read everything, in vectors. */
static float read_all(const float *x, int64_t count)
{
    enum { LANES = 64 };
    float sums[LANES] = {0.0f};
    for (int64_t i = 0; i + LANES <= count; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            sums[k] += x[i + k];
        }
    }
    float total = 0.0f;
    for (int k = 0; k < LANES; k++) {
        total += sums[k];
    }
    return total;
}

static void report(const char *name, double seconds, double pass, int64_t count)
{
    printf("  %-16s %8.3f s  %7.0f million elements/s  %6.2f passes over memory\n", name, seconds,
           1e-6 * (double)count / seconds, seconds / pass);
}

static int measure(pa_context *ctx, const char *metric, const float *x, int64_t columns, double pass)
{
    double seconds[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        pa_error err = {0};
        pa_matrix *m = NULL;
        pa_value value = PA_VALUE_INIT;
        const double start = now();
        const int ok = pa_matrix_borrow(ctx, x, PA_F32, ROWS, columns, columns, 1, &m, &err) == PA_OK &&
                       pa_compute(ctx, metric, NULL, (const pa_matrix *[]){m}, 1, &value, &err) == PA_OK;
        seconds[i] = now() - start;
        pa_matrix_destroy(m);
        if (!ok || value.state != PA_STATE_OK) {
            fprintf(stderr, "elements: %s: %s\n", metric, ok ? value.note : err.message);
            return -1;
        }
    }
    report(metric, median(seconds), pass, ROWS * columns);
    return 0;
}

int main(int argc, char **argv)
{
    const int64_t columns = argc > 1 ? strtoll(argv[1], NULL, 10) : 0;
    float *x = columns > 0 ? malloc((size_t)(ROWS * columns) * sizeof(*x)) : NULL;
    pa_context *ctx = NULL;
    if (x == NULL || pa_context_create(NULL, &ctx, NULL) != PA_OK) {
        fputs("usage: elements COLUMNS\n", stderr);
        return 2;
    }
    fill(x, ROWS * columns);
    double seconds[REPEATS];
    volatile float sink = 0.0f;
    for (int i = 0; i < REPEATS; i++) {
        const double start = now();
        sink = read_all(x, ROWS * columns);
        seconds[i] = now() - start;
    }
    (void)sink;
    const double pass = median(seconds);
    report("(one plain pass)", pass, pass, ROWS * columns);
    int bad = measure(ctx, "norm", x, columns, pass) != 0 || measure(ctx, "hoyer", x, columns, pass) != 0 ||
              measure(ctx, "gini", x, columns, pass) != 0;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("  peak memory %ld MiB, of which the matrix is %lld MiB\n", usage.ru_maxrss / 1024,
           (long long)(ROWS * columns * (int64_t)sizeof(*x) >> 20));
    pa_context_destroy(ctx);
    free(x);
    return bad;
}
