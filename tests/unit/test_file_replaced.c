/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A file that another process replaces, overwrites, cuts or appends to while its tensors are read: the data of one
 * version, or an error that names the file; never a mix, never a signal.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <picoanalyze/checkpoint.h>
#include <picoanalyze/matrix.h>

#include "pa_sanitizers.h"
#include "pa_test_files.h"

enum {
    RUNS = PA_UNDER_ASAN || PA_UNDER_TSAN ? 50 : 300, /* of each kind of change */
    N_TENSORS = 4,
    SIDE = 128,
    N_VALUES = N_TENSORS * SIDE * SIDE,
    MAX_DELAY = 400 /* microseconds: what reading takes */
};

typedef enum change { REPLACE, OVERWRITE, CUT, APPEND } change;

/* The writer waits for `asked` to be the number of a run, changes the file, and answers. */
typedef struct exchange {
    char directory[128];
    char path[160];
    char beside[160];
    change change;
    size_t header; /* bytes before the values */
    atomic_int asked;
    atomic_int answered;
    int failures; /* of the writer */
} exchange;

/* All values of version v are v. */
static pa_test_bytes make_version(int version, size_t *header)
{
    char entry[256];
    pa_test_bytes text = {NULL, 0};
    pa_test_bytes file = {NULL, 0};
    const int bytes = SIDE * SIDE * (int)sizeof(float);
    for (int i = 0; i < N_TENSORS; i++) {
        pa_test_format(entry, sizeof(entry),
                       "%c\"layers.%d.attention.v_proj.weight\":{\"dtype\":\"F32\",\"shape\":[%d,%d],"
                       "\"data_offsets\":[%d,%d]}",
                       i == 0 ? '{' : ',', i, SIDE, SIDE, i * bytes, (i + 1) * bytes);
        pa_test_put(&text, entry, strlen(entry));
    }
    pa_test_put(&text, "}", 1);
    pa_test_put_le(&file, text.n, 8);
    pa_test_put(&file, text.data, text.n);
    *header = file.n;
    const float value = (float)version;
    for (int i = 0; i < N_VALUES; i++) {
        pa_test_put(&file, &value, sizeof(value));
    }
    pa_test_free(&text);
    return file;
}

/* Whole, and long enough ago for the clock of the file system to have moved on. */
static void write_version(const char *path, int version, size_t *header)
{
    struct stat info;
    struct timespec now;
    pa_test_bytes file = make_version(version, header);
    (void)unlink(path); /* some file systems flush what is written into a file that was emptied */
    pa_test_write(path, file.data, file.n);
    pa_test_free(&file);
    assert_int_equal(stat(path, &info), 0);
    do {
        const struct timespec pause = {.tv_nsec = 500000};
        (void)nanosleep(&pause, NULL);
        assert_int_equal(clock_gettime(CLOCK_REALTIME_COARSE, &now), 0);
    } while (now.tv_sec < info.st_mtim.tv_sec ||
             (now.tv_sec == info.st_mtim.tv_sec && now.tv_nsec <= info.st_mtim.tv_nsec));
}

static int overwrite(const exchange *x, int version)
{
    static float values[N_VALUES];
    for (int i = 0; i < N_VALUES; i++) {
        values[i] = (float)version;
    }
    const int fd = open(x->path, O_WRONLY);
    const ssize_t put = pwrite(fd, values, sizeof(values), (off_t)x->header);
    return close(fd) == 0 && put == (ssize_t)sizeof(values);
}

static int append(const exchange *x)
{
    const int fd = open(x->path, O_WRONLY | O_APPEND);
    const ssize_t put = write(fd, "more", 4);
    return close(fd) == 0 && put == 4;
}

static int change_file(const exchange *x, int version)
{
    switch (x->change) {
    case REPLACE:
        return rename(x->beside, x->path) == 0;
    case OVERWRITE:
        return overwrite(x, version);
    case CUT:
        return truncate(x->path, (off_t)x->header + version * 37 % (N_VALUES * 4)) == 0;
    case APPEND:
        return append(x);
    }
    return 0;
}

static void *write_along(void *user)
{
    exchange *x = user;
    for (int run = 1; run <= RUNS; run++) {
        while (atomic_load(&x->asked) < run) {
            const struct timespec pause = {.tv_nsec = 20000};
            (void)nanosleep(&pause, NULL);
        }
        const struct timespec delay = {.tv_nsec = 1000L * (run * 7919L % MAX_DELAY)};
        (void)nanosleep(&delay, NULL);
        x->failures += !change_file(x, 2 * run + 1);
        atomic_store(&x->answered, run);
    }
    return NULL;
}

/* PA_OK with the value that all have; it fails the test when they differ. */
static pa_status read_tensors(const pa_checkpoint *checkpoint, double *value, pa_error *err)
{
    pa_status status = PA_OK;
    for (int i = 0; status == PA_OK && i < N_TENSORS; i++) {
        pa_matrix *m = NULL;
        const double *values = NULL;
        status = pa_checkpoint_matrix(checkpoint, "", PA_WEIGHTS, i, "attention.v_proj", &m, err);
        if (status == PA_OK) {
            status = pa_matrix_values(m, &values, err);
        }
        for (int64_t k = 0; status == PA_OK && k < SIDE * SIDE; k++) {
            *value = i == 0 && k == 0 ? values[0] : *value;
            assert_true(values[k] == *value);
        }
        pa_matrix_destroy(m);
    }
    return status;
}

/* Number of runs that ended in an error. What is read without one is what was there when the file was opened. */
static int read_while(exchange *x, change how)
{
    pthread_t writer;
    int errors = 0;
    pa_error err;
    pa_context *ctx = pa_test_context();
    pa_test_directory(x->directory, sizeof(x->directory));
    pa_test_format(x->path, sizeof(x->path), "%s/model.safetensors", x->directory);
    pa_test_format(x->beside, sizeof(x->beside), "%s/beside", x->directory);
    x->change = how;
    x->failures = 0;
    atomic_init(&x->asked, 0);
    atomic_init(&x->answered, 0);
    assert_int_equal(pthread_create(&writer, NULL, write_along, x), 0);
    for (int run = 1; run <= RUNS; run++) {
        pa_checkpoint *checkpoint = NULL;
        double value = 0.0;
        if (how == REPLACE) {
            write_version(x->beside, 2 * run + 1, &x->header);
        }
        write_version(x->path, 2 * run, &x->header);
        assert_ok(pa_checkpoint_open(ctx, x->path, &checkpoint, &err));
        atomic_store(&x->asked, run);
        const pa_status status = read_tensors(checkpoint, &value, &err);
        if (status == PA_OK) {
            assert_true(value == 2.0 * run);
        } else {
            assert_int_equal(status, PA_ERR_IO);
            assert_memory_equal(err.message, x->path, strlen(x->path));
            errors++;
        }
        pa_checkpoint_destroy(checkpoint);
        while (atomic_load(&x->answered) < run) {
            const struct timespec pause = {.tv_nsec = 20000};
            (void)nanosleep(&pause, NULL);
        }
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(x->failures, 0);
    pa_context_destroy(ctx);
    pa_test_remove(x->directory);
    print_message("%d of %d runs ended in an error\n", errors, RUNS);
    return errors;
}

static void test_a_file_with_another_under_its_name_is_read_to_its_end(void **state)
{
    (void)state;
    exchange x;
    assert_int_equal(read_while(&x, REPLACE), 0);
}

static void test_a_file_that_is_overwritten_is_never_read_as_a_mix(void **state)
{
    (void)state;
    exchange x;
    assert_int_not_equal(read_while(&x, OVERWRITE), 0);
}

static void test_a_file_that_is_cut_is_an_error_and_no_signal(void **state)
{
    (void)state;
    exchange x;
    assert_int_not_equal(read_while(&x, CUT), 0);
}

static void test_a_file_that_is_appended_to_is_an_error(void **state)
{
    (void)state;
    exchange x;
    assert_int_not_equal(read_while(&x, APPEND), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_with_another_under_its_name_is_read_to_its_end),
        cmocka_unit_test(test_a_file_that_is_overwritten_is_never_read_as_a_mix),
        cmocka_unit_test(test_a_file_that_is_cut_is_an_error_and_no_signal),
        cmocka_unit_test(test_a_file_that_is_appended_to_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
