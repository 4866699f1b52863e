/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pickles of a few megabytes that use one large value nearly half a million times. Whoever goes through it each time takes
 * minutes and runs into the limit of the tests; read once, each takes a part of a second.
 */
#include "pa_test_archive.h"

enum { LARGE = 450000, TIMES = 450000 };

static pa_context *ctx;
static char directory[256];
static char path[300];

static int set_up(void **state)
{
    (void)state;
    ctx = pa_test_context();
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/file.pt", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    pa_context_destroy(ctx);
    return 0;
}

typedef struct pickle {
    char *bytes;
    size_t n;
    FILE *file;
} pickle;

static void put(pickle *p, const char *bytes, size_t n)
{
    assert_int_equal(fwrite(bytes, 1, n, p->file), n);
}
#define PUT(p, text) put(p, text, sizeof(text) - 1)

static void put_often(pickle *p, const char *bytes, size_t n, int times)
{
    for (int i = 0; i < times; i++) {
        put(p, bytes, n);
    }
}

static void begin(pickle *p)
{
    *p = (pickle){.bytes = NULL};
    p->file = open_memstream(&p->bytes, &p->n);
    assert_non_null(p->file);
}

static pa_status open_it(pickle *p, pa_archive **out, pa_error *err)
{
    static const float four[4] = {1, 2, 3, 4};
    assert_int_equal(fclose(p->file), 0);
    pa_test_zip zip = pa_test_torch_zip(p->bytes, p->n, four, sizeof(four));
    pa_test_zip_finish(&zip);
    const pa_status status = pa_test_try_bytes(ctx, path, zip.bytes.data, zip.bytes.n, out, err);
    pa_test_free(&zip.bytes);
    free(p->bytes);
    return status;
}

/* {"a": (f(x), f(x), ...)}, where f(x) is x. */
static pa_status try_passed_on(const char *function, const char *large, const char *item, const char *end,
                               pa_archive **out, pa_error *err)
{
    pickle p;
    begin(&p);
    PUT(&p, "\x80\x02}X\1\0\0\0a(");
    put(&p, function, strlen(function));
    PUT(&p, "q\0");
    put(&p, large, strlen(large));
    put_often(&p, item, strlen(item), LARGE);
    put(&p, end, strlen(end));
    PUT(&p, "\x85q\1");
    put_often(&p, "h\0h\1R", 5, TIMES);
    PUT(&p, "ts.");
    return open_it(&p, out, err);
}

static void test_a_size_of_many_numbers(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    assert_ok(try_passed_on("ctorch\nSize\n", "(", "N", "t", &archive, &err));
    assert_int_equal(archive->count, 0);
    pa_archive_destroy(archive);
}

static void test_a_dict_of_many_entries(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    assert_fails(try_passed_on("ccollections\nOrderedDict\n", "}(", "NN", "u", &archive, &err), PA_ERR_LIMIT,
                 "more than 1000000 entries");
}

/* Tensors that all have one dict of attributes, of none of which anything is known. */
static void test_metadata_of_many_entries(void **state)
{
    (void)state;
    pa_error err;
    pa_archive *archive = NULL;
    pickle p;
    begin(&p);
    PUT(&p, "\x80\x02}X\1\0\0\0a(ctorch._utils\n_rebuild_tensor_v2\nq\0(" PKL_STORAGE("\4") "K\0))\x89N}(");
    put_often(&p, "N\x89", 2, LARGE);
    PUT(&p, "utq\1");
    put_often(&p, "h\0h\1R", 5, TIMES);
    PUT(&p, "ts.");
    assert_fails(open_it(&p, &archive, &err), PA_ERR_UNSUPPORTED, "conjugated or negated");
}

static void test_the_name_of_a_class_of_many_letters(void **state)
{
    (void)state;
    enum { LETTERS = 5000000 };
    pa_error err;
    pa_archive *archive = NULL;
    pickle p;
    begin(&p);
    PUT(&p, "\x80\x02}X\1\0\0\0a(X\1\0\0\0mq\0X\x40\x4b\x4c\0");
    put_often(&p, "x", 1, LETTERS);
    PUT(&p, "q\1");
    put_often(&p, "h\0h\1\x93", 5, TIMES);
    PUT(&p, "ts.");
    assert_fails(open_it(&p, &archive, &err), PA_ERR_UNSUPPORTED, "is no name that tensors need");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_size_of_many_numbers),
        cmocka_unit_test(test_a_dict_of_many_entries),
        cmocka_unit_test(test_metadata_of_many_entries),
        cmocka_unit_test(test_the_name_of_a_class_of_many_letters),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
