/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints as safetensors files: the bytes of the reference implementation, all or nothing, nothing replaced. */
#include "pa_test_archive.h"

static pa_context *ctx;
static char directory[256];
static char out_path[300];
static char warning[1100];

static void keep_warning(void *user, pa_log_level level, const char *message)
{
    (void)user;
    if (level >= PA_LOG_WARNING) {
        pa_test_format(warning, sizeof(warning), "%s", message);
    }
}

static int set_up(void **state)
{
    (void)state;
    const pa_context_options options = {.struct_size = sizeof(options), .log = keep_warning, .threads = 1};
    pa_error err;
    assert_ok(pa_context_create(&options, &ctx, &err));
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(out_path, sizeof(out_path), "%s/out.safetensors", directory);
    warning[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_context_destroy(ctx);
    pa_test_remove(directory);
    return 0;
}

static pa_status convert_file(const char *in, const pa_convert_options *options, pa_error *err)
{
    pa_checkpoint *c = NULL;
    pa_status status = pa_checkpoint_open(ctx, in, &c, err);
    if (status == PA_OK) {
        status = pa_checkpoint_convert(c, out_path, options, err);
    }
    pa_checkpoint_destroy(c);
    return status;
}

static void test_files_of_the_reference_writer_come_out_as_they_went_in(void **state)
{
    (void)state;
    static const char *const files[] = {"types", "dtypes", "names", "empty", "small", "unsigned"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        pa_error err;
        char name[64];
        pa_test_format(name, sizeof(name), "safetensors/%s.safetensors", files[i]);
        const pa_convert_options again = {.struct_size = sizeof(again), .overwrite = 1};
        assert_ok(convert_file(pa_test_data(name), &again, &err));
        pa_test_bytes expected = pa_test_read(pa_test_data(name));
        pa_test_bytes actual = pa_test_read(out_path);
        assert_int_equal(actual.n, expected.n);
        assert_memory_equal(actual.data, expected.data, expected.n);
        pa_test_free(&expected);
        pa_test_free(&actual);
        assert_int_equal(pa_test_count_files(directory), 1);
    }
}

/* Collects the bytes of a tensor. */
static pa_status collect(void *user, const void *bytes, int64_t count, pa_error *err)
{
    (void)err;
    pa_test_put(user, bytes, (size_t)count);
    return PA_OK;
}

static pa_test_bytes bytes_of(const pa_tensor *t)
{
    pa_error err;
    pa_test_bytes all = {NULL, 0};
    assert_ok(pa_tensor_bytes(t, &pa_allocator_default, collect, &all, &err));
    return all;
}

/* The same names, types and shapes; and values, bit for bit where they are no NaN. */
static void check_same_tensors(const pa_archive *before, const pa_archive *after)
{
    assert_int_equal(after->count, before->count);
    for (int64_t i = 0; i < before->count; i++) {
        pa_error err;
        const pa_tensor *a = &before->entries[i].tensor;
        const pa_tensor *b = pa_test_tensor(after, before->entries[i].name);
        const int64_t count = pa_tensor_count(a);
        int64_t nonfinite[2] = {0};
        assert_int_equal(b->dtype, a->dtype);
        assert_int_equal(b->ndim, a->ndim);
        assert_memory_equal(b->shape, a->shape, (size_t)a->ndim * sizeof(*a->shape));
        double *x = calloc((size_t)count + 1, sizeof(*x));
        double *y = calloc((size_t)count + 1, sizeof(*y));
        assert_non_null(x);
        assert_non_null(y);
        assert_ok(pa_tensor_read(a, &pa_allocator_default, x, &nonfinite[0], &err));
        assert_ok(pa_tensor_read(b, &pa_allocator_default, y, &nonfinite[1], &err));
        assert_memory_equal(x, y, (size_t)count * sizeof(*x));
        free(x);
        free(y);
        pa_test_bytes expected = bytes_of(a);
        pa_test_bytes actual = bytes_of(b);
        assert_int_equal(actual.n, expected.n);
        assert_int_equal(actual.n, count * pa_dtype_size(a->dtype));
        if (actual.n > 0) {
            assert_memory_equal(actual.data, expected.data, actual.n);
        }
        pa_test_free(&expected);
        pa_test_free(&actual);
    }
}

static void check_round_trip(const char *name)
{
    pa_error err;
    pa_archive *before = NULL;
    pa_archive *after = NULL;
    const pa_convert_options again = {.struct_size = sizeof(again), .overwrite = 1};
    assert_ok(convert_file(pa_test_data(name), &again, &err));
    assert_ok(pa_archive_open(ctx, pa_test_data(name), &before, &err));
    assert_ok(pa_archive_open(ctx, out_path, &after, &err));
    assert_string_equal(after->format, "safetensors");
    assert_int_equal(after->notes.count, 1);
    assert_string_equal(after->notes.texts[0], "format");
    assert_string_equal(after->notes.texts[1], "pt");
    check_same_tensors(before, after);
    pa_archive_destroy(before);
    pa_archive_destroy(after);
}

static void test_every_format_can_be_converted(void **state)
{
    (void)state;
    static const char *const files[] = {"torch/small.pt",
                                        "torch/views.pt",
                                        "torch/dtypes.pt",
                                        "torch/big_endian.pt",
                                        "torch/deflated.pt",
                                        "torch/legacy.pt",
                                        "torch/mixed.pt",
                                        "torch/attention.pt",
                                        "torch/deepspeed.pt",
                                        "npy/fortran.npy",
                                        "npy/big_endian.npy",
                                        "npy/scalar.npy",
                                        "npy/empty.npy",
                                        "npy/activations.npz",
                                        "npy/compressed.npz",
                                        "safetensors/model.safetensors.index.json",
                                        "safetensors/pytorch_model.bin.index.json"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        check_round_trip(files[i]);
    }
}

static void test_other_byte_orders_and_views_become_plain(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
    assert_ok(pa_archive_open(ctx, pa_test_data("torch/big_endian.pt"), &a, &err));
    assert_true(a->entries[0].tensor.swapped);
    for (int64_t i = 0; i < a->count; i++) {
        pa_archive *small = NULL; /* the same numbers in this machine's order */
        assert_ok(pa_archive_open(ctx, pa_test_data("torch/small.pt"), &small, &err));
        pa_test_bytes swapped = bytes_of(&a->entries[i].tensor);
        pa_test_bytes plain = bytes_of(pa_test_tensor(small, a->entries[i].name));
        assert_int_equal(swapped.n, plain.n);
        assert_memory_equal(swapped.data, plain.data, plain.n);
        pa_test_free(&swapped);
        pa_test_free(&plain);
        pa_archive_destroy(small);
    }
    pa_archive_destroy(a);
    assert_ok(convert_file(pa_test_data("torch/views.pt"), NULL, &err));
    assert_ok(pa_archive_open(ctx, out_path, &a, &err));
    pa_test_assert_tensor(a, "every_other", PA_F32, 2, (int64_t[]){2, 2}, (double[]){0, 3, 12, 15});
    pa_test_assert_tensor(a, "expanded", PA_F32, 2, (int64_t[]){2, 3}, (double[]){5, 5, 5, 7, 7, 7});
    pa_test_assert_tensor(a, "tail", PA_F32, 1, (int64_t[]){4}, (double[]){990, 991, 992, 993});
    pa_archive_destroy(a);
}

/* More than the buffer holds, so that pieces must join. */
static void test_a_large_transpose_is_rearranged_in_pieces(void **state)
{
    (void)state;
    static const pa_storage_ops ops = {.destroy = NULL};
    enum { ROWS = 300, COLS = 401 };
    uint16_t *data = calloc((size_t)ROWS * COLS, sizeof(*data));
    assert_non_null(data);
    for (int i = 0; i < ROWS * COLS; i++) {
        data[i] = (uint16_t)(i * 7919);
    }
    pa_storage storage;
    pa_storage_init(&storage, &ops, data, (int64_t)ROWS * COLS * 2);
    const int64_t shape[2] = {COLS, ROWS};
    const int64_t strides[2] = {1, COLS};
    const pa_tensor view = {&storage, PA_BF16, 0, 2, 0, shape, strides};
    pa_test_bytes all = bytes_of(&view);
    assert_int_equal(all.n, ROWS * COLS * 2);
    for (int i = 0; i < COLS; i++) {
        for (int j = 0; j < ROWS; j++) {
            const unsigned char *p = all.data + 2 * ((size_t)i * ROWS + (size_t)j);
            assert_int_equal(p[0] | p[1] << 8, data[j * COLS + i]);
        }
    }
    pa_test_free(&all);
    free(data);
}

static void test_what_is_left_out_is_told(void **state)
{
    (void)state;
    pa_error err;
    assert_ok(convert_file(pa_test_data("torch/small.pt"), NULL, &err));
    assert_string_equal(warning, "");
    const pa_convert_options again = {.struct_size = sizeof(again), .overwrite = 1};
    assert_ok(convert_file(pa_test_data("torch/mixed.pt"), &again, &err));
    assert_non_null(strstr(warning, "mixed.pt: "));
    assert_non_null(strstr(warning, "entries that are no tensors of a type that can be read, and are left out: "));
}

static void test_a_file_that_is_there_stays_unless_told_otherwise(void **state)
{
    (void)state;
    pa_error err;
    pa_convert_options how = {.struct_size = sizeof(how)};
    pa_test_write(out_path, "old", 3);
    assert_fails(convert_file(pa_test_data("torch/small.pt"), NULL, &err), PA_ERR_EXISTS, out_path);
    assert_fails(convert_file(pa_test_data("torch/small.pt"), &how, &err), PA_ERR_EXISTS, "exists already");
    pa_test_bytes kept = pa_test_read(out_path);
    assert_int_equal(kept.n, 3);
    pa_test_free(&kept);
    how.overwrite = 1;
    assert_ok(convert_file(pa_test_data("torch/small.pt"), &how, &err));
    check_round_trip("torch/small.pt");
    assert_int_equal(pa_test_count_files(directory), 1);
}

/* The input is read to its end before the output takes its name. */
static void test_a_file_can_be_converted_onto_itself(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *a = NULL;
    const pa_convert_options how = {.struct_size = sizeof(how), .overwrite = 1};
    pa_test_bytes bytes = pa_test_read(pa_test_data("torch/small.pt"));
    pa_test_write(out_path, bytes.data, bytes.n);
    pa_test_free(&bytes);
    assert_ok(convert_file(out_path, &how, &err));
    assert_ok(pa_archive_open(ctx, out_path, &a, &err));
    assert_string_equal(a->format, "safetensors");
    assert_int_equal(a->count, 3);
    pa_archive_destroy(a);
}

static void test_failures_are_named_and_leave_nothing(void **state)
{
    (void)state;
    pa_error err;
    pa_checkpoint *c = NULL;
    const pa_convert_options force = {.struct_size = sizeof(force), .overwrite = 1};
    const pa_convert_options old = {.struct_size = 8};
    char below[400];
    assert_ok(pa_checkpoint_open(ctx, pa_test_data("torch/small.pt"), &c, &err));
    pa_test_format(below, sizeof(below), "%s/none/out.safetensors", directory);
    assert_fails(pa_checkpoint_convert(c, below, NULL, &err), PA_ERR_IO, below);
    assert_fails(pa_checkpoint_convert(c, directory, &force, &err), PA_ERR_UNSUPPORTED, "not a regular file");
    assert_fails(pa_checkpoint_convert(c, "/dev/null", &force, &err), PA_ERR_UNSUPPORTED, "not a regular file");
    assert_fails(pa_checkpoint_convert(c, "", NULL, &err), PA_ERR_INVALID, "path");
    assert_fails(pa_checkpoint_convert(NULL, out_path, NULL, &err), PA_ERR_INVALID, "NULL");
    assert_fails(pa_checkpoint_convert(c, out_path, &old, &err), PA_ERR_INVALID, "struct_size 8");
    pa_checkpoint_destroy(c);
    assert_ok(pa_checkpoint_create(ctx, 0, NULL, &c, &err));
    assert_fails(pa_checkpoint_convert(c, out_path, NULL, &err), PA_ERR_INVALID, "in memory");
    pa_checkpoint_destroy(c);
    assert_int_equal(pa_test_count_files(directory), 0);
}

static void test_a_step_of_a_run_is_refused_and_its_state_dict_is_not(void **state)
{
    (void)state;
    pa_error err;
    pa_run *run = NULL;
    pa_checkpoint *step = NULL;
    const pa_checkpoint *dict = NULL;
    char path[4096];
    pa_test_format(path, sizeof(path), "%s", pa_test_data("../../examples/data/pico-decoder-nano-1"));
    assert_ok(pa_run_open(ctx, path, &run, &err));
    assert_ok(pa_run_checkpoint(run, 0, &step, &err));
    assert_fails(pa_checkpoint_convert(step, out_path, NULL, &err), PA_ERR_UNSUPPORTED, "step 0 of a run");
    assert_ok(pa_checkpoint_state_dict(step, &dict, &err));
    assert_ok(pa_checkpoint_convert(dict, out_path, NULL, &err));
    pa_checkpoint_destroy(step);
    pa_run_destroy(run);
}

/* A name that a safetensors file cannot hold, from a pickle: "__metadata__". */
static void test_names_that_cannot_be_are_refused(void **state)
{
    (void)state;
    pa_error err;
    char in[300];
    const float data[1] = {1.0F};
    static const char pickle[] = "\x80\x02}X\x0c\0\0\0"
                                 "__metadata__" PKL_TENSOR(PKL_STORAGE("\1"), "K\0", "K\1\x85", "K\1\x85") "s.";
    pa_test_zip zip = pa_test_torch_zip(pickle, sizeof(pickle) - 1, data, sizeof(data));
    pa_test_zip_finish(&zip);
    pa_test_format(in, sizeof(in), "%s/in.pt", directory);
    pa_test_write(in, zip.bytes.data, zip.bytes.n);
    pa_test_free(&zip.bytes);
    assert_fails(convert_file(in, NULL, &err), PA_ERR_UNSUPPORTED, "in.pt: '__metadata__'");
    assert_int_equal(pa_test_count_files(directory), 1);
}

typedef struct watcher {
    int64_t calls;
    int64_t stop_at;
    pa_convert_progress last;
} watcher;

static int32_t watch(void *user, const pa_convert_progress *progress)
{
    watcher *w = user;
    assert_true(progress->bytes_done >= w->last.bytes_done && progress->tensors_done >= w->last.tensors_done);
    assert_true(pa_test_count_files(directory) == 1 && access(out_path, F_OK) != 0); /* under another name */
    w->last = *progress;
    return w->calls++ != w->stop_at;
}

static void test_progress_comes_to_its_end_and_may_stop_the_work(void **state)
{
    (void)state;
    pa_error err;
    watcher w = {.stop_at = -1};
    const pa_convert_options how = {.struct_size = sizeof(how), .progress = watch, .user = &w};
    assert_ok(convert_file(pa_test_data("torch/small.pt"), &how, &err));
    assert_int_equal(w.last.tensors_done, 3);
    assert_int_equal(w.last.tensors, 3);
    assert_int_equal(w.last.bytes_done, w.last.bytes);
    const int64_t calls = w.calls;
    for (int64_t i = 0; i < calls; i++) {
        assert_int_equal(unlink(out_path) == 0 || i > 0, 1);
        w = (watcher){.stop_at = i};
        assert_fails(convert_file(pa_test_data("torch/small.pt"), &how, &err), PA_ERR_CANCELLED, "cancelled");
        assert_int_equal(w.calls, i + 1);
        assert_int_equal(pa_test_count_files(directory), 0);
    }
}

static pa_status convert_on(const pa_allocator *mem, void *user)
{
    pa_context *own = NULL;
    pa_checkpoint *c = NULL;
    const pa_context_options options = {.struct_size = sizeof(options), .allocator = mem, .threads = 1};
    const pa_convert_options force = {.struct_size = sizeof(force), .overwrite = 1};
    pa_status status = pa_context_create(&options, &own, NULL);
    if (status == PA_OK) {
        status = pa_checkpoint_open(own, user, &c, NULL);
    }
    if (status == PA_OK) {
        status = pa_checkpoint_convert(c, out_path, &force, NULL);
    }
    pa_checkpoint_destroy(c);
    pa_context_destroy(own);
    assert_int_equal(pa_test_count_files(directory), status == PA_OK || access(out_path, F_OK) == 0);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    char in[4096];
    pa_test_format(in, sizeof(in), "%s", pa_test_data("torch/views.pt"));
    pa_test_oom_sweep(convert_on, in);
    pa_test_format(in, sizeof(in), "%s", pa_test_data("safetensors/small.safetensors"));
    pa_test_oom_sweep(convert_on, in);
}

#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIRECTORY(test_files_of_the_reference_writer_come_out_as_they_went_in),
        WITH_DIRECTORY(test_every_format_can_be_converted),
        WITH_DIRECTORY(test_other_byte_orders_and_views_become_plain),
        WITH_DIRECTORY(test_a_large_transpose_is_rearranged_in_pieces),
        WITH_DIRECTORY(test_what_is_left_out_is_told),
        WITH_DIRECTORY(test_a_file_that_is_there_stays_unless_told_otherwise),
        WITH_DIRECTORY(test_a_file_can_be_converted_onto_itself),
        WITH_DIRECTORY(test_failures_are_named_and_leave_nothing),
        WITH_DIRECTORY(test_a_step_of_a_run_is_refused_and_its_state_dict_is_not),
        WITH_DIRECTORY(test_names_that_cannot_be_are_refused),
        WITH_DIRECTORY(test_progress_comes_to_its_end_and_may_stop_the_work),
        WITH_DIRECTORY(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
