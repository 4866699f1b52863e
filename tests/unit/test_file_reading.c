/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/file.h"
#include "pa_test_files.h"

#include <fcntl.h>

static char directory[256];
static char path[300];

static int set_up(void **state)
{
    (void)state;
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/file", directory);
    pa_test_write(path, "0123456789", 10);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    return 0;
}

static pa_file *open_file(void)
{
    pa_error err;
    pa_file *file = NULL;
    assert_ok(pa_file_open(&pa_allocator_default, path, &file, &err));
    return file;
}

static void test_reads_any_range_and_counts_it(void **state)
{
    (void)state;
    pa_error err;
    char text[11] = "";
    pa_file *file = open_file();
    assert_int_equal(pa_file_size(file), 10);
    assert_string_equal(pa_file_path(file), path);
    assert_ok(pa_file_read(file, 3, 4, text, &err));
    assert_memory_equal(text, "3456", 4);
    assert_ok(pa_file_read(file, 10, 0, text, &err));
    assert_ok(pa_file_read(file, 0, 10, text, &err));
    assert_memory_equal(text, "0123456789", 10);
    assert_int_equal(pa_file_bytes_read(file), 14);
    pa_file_release(file);
}

static void test_a_range_beyond_the_end_is_a_format_error(void **state)
{
    (void)state;
    pa_error err;
    char text[16];
    pa_file *file = open_file();
    assert_fails(pa_file_read(file, 8, 3, text, &err), PA_ERR_FORMAT, "3 bytes at 8");
    assert_fails(pa_file_read(file, 11, 0, text, &err), PA_ERR_FORMAT, "the file has 10");
    assert_fails(pa_file_read(file, -1, 1, text, &err), PA_ERR_FORMAT, "at -1");
    assert_fails(pa_file_read(file, INT64_MAX, 2, text, &err), PA_ERR_FORMAT, path);
    assert_fails(pa_file_read(file, 2, INT64_MAX, text, &err), PA_ERR_FORMAT, path);
    pa_file_release(file);
}

static void test_a_file_that_shrinks_or_changes_is_an_error_and_no_crash(void **state)
{
    (void)state;
    pa_error err;
    char text[16];
    pa_file *file = open_file();
    assert_int_equal(truncate(path, 4), 0);
    assert_fails(pa_file_read(file, 0, 10, text, &err), PA_ERR_IO, "ends at 4 now");
    assert_fails(pa_file_read(file, 0, 2, text, &err), PA_ERR_IO, "has 4 now");
    pa_file_release(file);

    file = open_file();
    const struct timespec other[2] = {{1, 0}, {1, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, other, 0), 0);
    assert_fails(pa_file_read(file, 0, 2, text, &err), PA_ERR_IO, "was written to");
    pa_file_release(file);
}

static void test_what_is_no_file_is_named(void **state)
{
    (void)state;
    pa_error err;
    pa_file *file = NULL;
    char other[400];
    const pa_allocator *mem = &pa_allocator_default;
    assert_fails(pa_file_open(mem, directory, &file, &err), PA_ERR_UNSUPPORTED, "directory");
    assert_null(file);
    pa_test_format(other, sizeof(other), "%s/none", directory);
    assert_fails(pa_file_open(mem, other, &file, &err), PA_ERR_NOT_FOUND, other);
    pa_test_format(other, sizeof(other), "%s/file/below", directory);
    assert_fails(pa_file_open(mem, other, &file, &err), PA_ERR_NOT_FOUND, other);
    pa_test_format(other, sizeof(other), "%s/pipe", directory);
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_fails(pa_file_open(mem, other, &file, &err), PA_ERR_UNSUPPORTED, "not a regular file"); /* and no waiting */
}

static void test_text_is_terminated_and_bounded(void **state)
{
    (void)state;
    pa_error err;
    char *text = NULL;
    int64_t length = 0;
    assert_ok(pa_file_read_text(&pa_allocator_default, path, 10, &text, &length, &err));
    assert_string_equal(text, "0123456789");
    assert_int_equal(length, 10);
    pa_free(&pa_allocator_default, text);
    assert_fails(pa_file_read_text(&pa_allocator_default, path, 9, &text, &length, &err), PA_ERR_LIMIT, "at most 9");
    assert_null(text);
}

static pa_status read_all(const pa_allocator *mem, void *user)
{
    (void)user;
    char *text = NULL;
    int64_t length = 0;
    const pa_status status = pa_file_read_text(mem, path, 10, &text, &length, NULL);
    pa_free(mem, text);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(read_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads_any_range_and_counts_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_range_beyond_the_end_is_a_format_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_shrinks_or_changes_is_an_error_and_no_crash, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_file_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_text_is_terminated_and_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_may_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
