/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/file.h"
#include "pa_test_files.h"

static char directory[256];
static char a[300], b[300], deep[300];

static int set_up(void **state)
{
    (void)state;
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(a, sizeof(a), "%s/a.json", directory);
    pa_test_format(b, sizeof(b), "%s/b.json", directory);
    pa_test_format(deep, sizeof(deep), "%s/x//y/z.json", directory);
    pa_test_write(a, "old", 3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    return 0;
}

static void assert_content(const char *path, const char *text)
{
    pa_test_bytes bytes = pa_test_read(path);
    assert_int_equal(bytes.n, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.n);
    pa_test_free(&bytes);
}

static void test_files_appear_together_at_commit(void **state)
{
    (void)state;
    pa_error err;
    pa_output *out = NULL;
    assert_ok(pa_output_create(&pa_allocator_default, &out, &err));
    assert_ok(pa_output_write(out, a, "new", 3, &err));
    assert_ok(pa_output_write(out, deep, "deep", 4, &err));
    assert_content(a, "old");
    assert_int_not_equal(access(deep, F_OK), 0);
    assert_ok(pa_output_commit(out, &err));
    assert_content(a, "new");
    assert_content(deep, "deep");
    pa_output_destroy(out);
    assert_int_equal(pa_test_count_files(directory), 2); /* a.json and x: nothing is left beside them */
}

static void test_what_is_not_committed_leaves_no_trace(void **state)
{
    (void)state;
    pa_error err;
    pa_output *out = NULL;
    assert_ok(pa_output_create(&pa_allocator_default, &out, &err));
    assert_ok(pa_output_write(out, a, "new", 3, &err));
    assert_ok(pa_output_write(out, deep, "deep", 4, &err));
    pa_output_destroy(out);
    assert_content(a, "old");
    assert_int_equal(pa_test_count_files(directory), 1); /* the directories are gone too */
}

static void test_failures_name_the_path_and_keep_the_old_file(void **state)
{
    (void)state;
    pa_error err;
    pa_output *out = NULL;
    char below[400];
    assert_ok(pa_output_create(&pa_allocator_default, &out, &err));
    assert_fails(pa_output_write(out, directory, "x", 1, &err), PA_ERR_IO, "is a directory");
    pa_test_format(below, sizeof(below), "%s/below/c.json", a); /* a is a file */
    assert_fails(pa_output_write(out, below, "x", 1, &err), PA_ERR_IO, a);
    assert_ok(pa_output_write(out, b, "b", 1, &err));
    assert_int_equal(mkdir(b, 0700), 0); /* meanwhile */
    assert_ok(pa_output_write(out, a, "new", 3, &err));
    assert_fails(pa_output_commit(out, &err), PA_ERR_IO, b);
    assert_content(a, "old");
    pa_output_destroy(out);
    assert_int_equal(pa_test_count_files(directory), 2); /* a.json and the directory b.json */
}

static pa_status write_two(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_output *out = NULL;
    pa_status status = pa_output_create(mem, &out, NULL);
    if (status == PA_OK) {
        status = pa_output_write(out, a, "new", 3, NULL);
    }
    if (status == PA_OK) {
        status = pa_output_write(out, deep, "deep", 4, NULL);
    }
    if (status == PA_OK) {
        status = pa_output_commit(out, NULL);
    }
    pa_output_destroy(out);
    assert_int_equal(pa_test_count_files(directory), status == PA_OK || access(deep, F_OK) == 0 ? 2 : 1);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_oom_sweep(write_two, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_appear_together_at_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_committed_leaves_no_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures_name_the_path_and_keep_the_old_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_may_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
