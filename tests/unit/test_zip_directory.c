/* SPDX-License-Identifier: Apache-2.0 */
/* Zip archives whose directories lie. */
#include "checkpoint/formats/zip.h"
#include "pa_test_archive.h"

static char directory[256];
static char path[300];

static int set_up(void **state)
{
    (void)state;
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/file.zip", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pa_test_remove(directory);
    return 0;
}

/* Two records: a/one "11111" and a/two "22". */
static pa_test_zip two_records(void)
{
    pa_test_zip zip;
    memset(&zip, 0, sizeof(zip));
    pa_test_zip_add(&zip, "a/one", "11111", 5);
    pa_test_zip_add(&zip, "a/two", "22", 2);
    pa_test_zip_finish(&zip);
    return zip;
}

static pa_status open_bytes(const pa_test_bytes *bytes, pa_error *err)
{
    pa_file *file = NULL;
    pa_zip *zip = NULL;
    memset(err, 0, sizeof(*err));
    pa_test_write(path, bytes->data, bytes->n);
    pa_status status = pa_file_open(&pa_allocator_default, path, &file, err);
    assert_int_equal(status, PA_OK);
    status = pa_zip_open(&pa_allocator_default, file, &zip, err);
    assert_true((status == PA_OK) == (zip != NULL));
    pa_zip_close(zip);
    pa_file_release(file);
    return status;
}

/* Open and free what the test made. */
static void check(pa_test_zip *zip, pa_status code, const char *part)
{
    pa_error err;
    if (code == PA_OK) {
        assert_ok(open_bytes(&zip->bytes, &err));
    } else {
        assert_fails(open_bytes(&zip->bytes, &err), code, part);
    }
    pa_test_free(&zip->bytes);
}

/* Change a number of the end record, of entry 1 or of header 1, and see what comes. */
static void check_end(size_t at, uint64_t value, int bytes, pa_status code, const char *part)
{
    pa_test_zip zip = two_records();
    pa_test_patch(&zip.bytes, zip.end + at, value, bytes);
    check(&zip, code, part);
}

static void check_entry(size_t at, uint64_t value, int bytes, pa_status code, const char *part)
{
    pa_test_zip zip = two_records();
    pa_test_patch(&zip.bytes, zip.entry[1] + at, value, bytes);
    check(&zip, code, part);
}

static void check_header(size_t at, uint64_t value, int bytes, pa_status code, const char *part)
{
    pa_test_zip zip = two_records();
    pa_test_patch(&zip.bytes, zip.header[1] + at, value, bytes);
    check(&zip, code, part);
}

static void test_records_are_found_by_their_exact_name(void **state)
{
    (void)state;
    pa_error err;
    pa_test_zip made = two_records();
    pa_file *file = NULL;
    pa_zip *zip = NULL;
    unsigned char *data = NULL;
    pa_test_write(path, made.bytes.data, made.bytes.n);
    assert_ok(pa_file_open(&pa_allocator_default, path, &file, &err));
    assert_ok(pa_zip_open(&pa_allocator_default, file, &zip, &err));
    assert_int_equal(pa_zip_find(zip, "ONE"), -1);
    assert_int_equal(pa_zip_find(zip, "on"), -1);
    assert_int_equal(pa_zip_find(zip, "a/one"), -1);
    assert_int_equal(pa_zip_find(zip, "two"), 1);
    assert_ok(pa_zip_read(zip, pa_zip_find(zip, "one"), 5, &data, &err));
    assert_string_equal((char *)data, "11111");
    pa_free(&pa_allocator_default, data);
    assert_fails(pa_zip_read(zip, 0, 4, &data, &err), PA_ERR_LIMIT, "at most 4");
    pa_zip_close(zip);
    pa_file_release(file);
    pa_test_free(&made.bytes);
}

static void test_an_end_record_that_lies_is_refused(void **state)
{
    (void)state;
    check_end(8, 3, 2, PA_ERR_FORMAT, "two numbers");
    check_end(8, 0x00030003, 4, PA_ERR_FORMAT, "3 records");
    check_end(8, 0x00010001, 4, PA_ERR_FORMAT, "bytes follow");
    check_end(8, 0, 4, PA_ERR_FORMAT, "without a record");
    check_end(8, 0xffffffff, 4, PA_ERR_FORMAT, "65535 records");
    check_end(12, 5, 4, PA_ERR_FORMAT, "do not end at");
    check_end(12, 0xffffffff, 4, PA_ERR_FORMAT, "do not end at");
    check_end(16, 5, 4, PA_ERR_FORMAT, "do not end at");
    check_end(4, 1, 2, PA_ERR_UNSUPPORTED, "several parts");
    check_end(20, 1, 2, PA_ERR_FORMAT, "no end");
    check_end(0, 0, 1, PA_ERR_FORMAT, "no end");
}

static void test_bytes_before_or_after_the_archive_are_refused(void **state)
{
    (void)state;
    pa_test_zip zip = two_records();
    pa_test_put(&zip.bytes, "\n", 1);
    check(&zip, PA_ERR_FORMAT, "appended");

    /* A second archive behind the first: each reader would choose its own. */
    zip = two_records();
    pa_test_zip second = two_records();
    pa_test_put(&zip.bytes, second.bytes.data, second.bytes.n);
    pa_test_free(&second.bytes);
    check(&zip, PA_ERR_FORMAT, "do not end at");

    /* A prefix with all places adjusted, as self-extracting programs have. */
    pa_test_zip prefixed;
    memset(&prefixed, 0, sizeof(prefixed));
    pa_test_put(&prefixed.bytes, "PK\3\4 junk", 9);
    pa_test_zip_add(&prefixed, "a/one", "1", 1);
    pa_test_zip_finish(&prefixed);
    check(&prefixed, PA_ERR_FORMAT, "9 bytes at 0 belong to no record");
}

static void test_a_directory_entry_that_lies_is_refused(void **state)
{
    (void)state;
    check_entry(8, 0x0801, 2, PA_ERR_UNSUPPORTED, "two: encrypted");
    check_entry(8, 0x0840, 2, PA_ERR_UNSUPPORTED, "zip flags 0x0840");
    check_entry(8, 0x0808, 2, PA_ERR_FORMAT, "does not agree"); /* the local header has other flags */
    check_entry(10, 12, 2, PA_ERR_UNSUPPORTED, "compression method 12");
    check_entry(10, 8, 2, PA_ERR_FORMAT, "does not agree");
    check_entry(20, 3, 4, PA_ERR_FORMAT, "stored, but 2 bytes take 3");
    check_entry(24, 3, 4, PA_ERR_FORMAT, "stored, but 3 bytes take 2");
    check_entry(24, 0xffffffff, 4, PA_ERR_FORMAT, "zip64 field is missing");
    check_entry(20, 0x1000000000001000, 8, PA_ERR_FORMAT, "bytes");
    check_entry(28, 200, 2, PA_ERR_FORMAT, "exceeds the directory");
    check_entry(28, 0, 2, PA_ERR_FORMAT, "unsafe record name");
    check_entry(30, 0xffff, 2, PA_ERR_FORMAT, "exceeds the directory");
    check_entry(34, 1, 2, PA_ERR_UNSUPPORTED, "several parts");
    check_entry(42, 0, 4, PA_ERR_FORMAT, "does not agree"); /* both entries at one header */
    check_entry(42, 20, 4, PA_ERR_FORMAT, "does not agree");
    check_entry(42, 0x7fffffff, 4, PA_ERR_FORMAT, "not before the directory");
    check_entry(0, 0, 4, PA_ERR_FORMAT, "no entry");
}

static void test_a_local_header_that_disagrees_is_refused(void **state)
{
    (void)state;
    check_header(0, 0, 4, PA_ERR_FORMAT, "does not agree");
    check_header(8, 8, 2, PA_ERR_FORMAT, "does not agree");
    check_header(26, 4, 2, PA_ERR_FORMAT, "does not agree");
    check_header(30, 'b', 1, PA_ERR_FORMAT, "does not agree");
    check_header(28, 60000, 2, PA_ERR_FORMAT, "exceed the file");
    check_header(18, 77, 4, PA_OK, ""); /* sizes of local headers are never looked at */
}

static void check_names(const char *a, const char *b, pa_status code, const char *part)
{
    pa_test_zip zip;
    memset(&zip, 0, sizeof(zip));
    pa_test_zip_add(&zip, a, "1", 1);
    pa_test_zip_add(&zip, b, "2", 1);
    pa_test_zip_finish(&zip);
    check(&zip, code, part);
}

static void test_names_that_could_fool_somebody_are_refused(void **state)
{
    (void)state;
    check_names("a/x", "a/x", PA_ERR_FORMAT, "same name");
    check_names("a/data.pkl", "a/DATA.PKL", PA_ERR_FORMAT, "same name");
    check_names("a/x", "b/y", PA_ERR_FORMAT, "not in the folder");
    check_names("a/x", "a", PA_ERR_FORMAT, "not in the folder");
    check_names("x", "y", PA_ERR_UNSUPPORTED, "not of torch.save()");
    check_names("a/x", "a/../y", PA_ERR_FORMAT, "unsafe");
    check_names("../x", "../y", PA_ERR_FORMAT, "unsafe");
    check_names("a/x", "a/..", PA_ERR_FORMAT, "unsafe");
    check_names("a/x", "a/./y", PA_ERR_FORMAT, "unsafe");
    check_names("/a/x", "/a/y", PA_ERR_FORMAT, "unsafe");
    check_names("a/x", "a\\y", PA_ERR_FORMAT, "unsafe");
    check_names("a/x", "a/\xff", PA_ERR_FORMAT, "unsafe record name 'a/?'");
    check_names("a/x", "a/\xc0\xaf", PA_ERR_FORMAT, "unsafe"); /* an overlong '/' */
    check_names("a/.data/x", "a/..y", PA_OK, "");
    check_names("a/", "a/data/", PA_OK, ""); /* zip programs add folders */
}

static void test_a_name_with_a_nul_is_refused(void **state)
{
    (void)state;
    check_entry(46 + 3, 0, 1, PA_ERR_FORMAT, "unsafe");
}

static void test_records_that_overlap_or_leave_gaps_are_refused(void **state)
{
    (void)state;
    pa_test_zip zip;
    memset(&zip, 0, sizeof(zip));
    pa_test_zip_add(&zip, "a/one", "11111", 5);
    pa_test_put(&zip.bytes, "hidden", 6);
    pa_test_zip_add(&zip, "a/two", "22", 2);
    pa_test_zip_finish(&zip);
    check(&zip, PA_ERR_FORMAT, "6 bytes at");

    /* One record inside the other's bytes. */
    pa_test_zip inner;
    memset(&inner, 0, sizeof(inner));
    pa_test_zip_add(&inner, "a/two", "22", 2);
    memset(&zip, 0, sizeof(zip));
    pa_test_zip_add(&zip, "a/one", inner.bytes.data, inner.bytes.n);
    pa_test_put(&zip.directory, inner.directory.data, inner.directory.n);
    pa_test_patch(&zip.directory, zip.directory.n - 5 - 4, 35, 4); /* where the inner header is */
    zip.count = 2;
    zip.entry[1] = 0;
    pa_test_zip_finish(&zip);
    pa_test_free(&inner.bytes);
    pa_test_free(&inner.directory);
    check(&zip, PA_ERR_FORMAT, "overlap");
}

/* A record whose sizes follow its bytes, as torch writes them; one number of those that follow is changed. */
static void check_descriptor(size_t at, uint64_t value, int bytes, size_t length, pa_status code, const char *part)
{
    pa_test_zip zip;
    memset(&zip, 0, sizeof(zip));
    pa_test_zip_add(&zip, "a/two", "22", 2);
    pa_test_patch(&zip.bytes, 6, 0x0808, 2);
    pa_test_patch(&zip.directory, 8, 0x0808, 2);
    const size_t place = zip.bytes.n;
    pa_test_put_le(&zip.bytes, 0x08074b50, 4);
    pa_test_put_le(&zip.bytes, crc32(0, (const unsigned char *)"22", 2), 4);
    pa_test_put_le(&zip.bytes, 2, length == 24 ? 8 : 4);
    pa_test_put_le(&zip.bytes, 2, length == 24 ? 8 : 4);
    zip.bytes.n = place + length;
    if (bytes > 0) {
        pa_test_patch(&zip.bytes, place + at, value, bytes);
    }
    pa_test_zip_finish(&zip);
    check(&zip, code, part);
}

static void test_a_data_descriptor_must_agree(void **state)
{
    (void)state;
    check_descriptor(0, 0, 0, 16, PA_OK, "");
    check_descriptor(0, 0, 0, 24, PA_OK, "");
    check_descriptor(0, 1, 4, 16, PA_ERR_FORMAT, "two: the 16 bytes after it");
    check_descriptor(4, 1, 4, 16, PA_ERR_FORMAT, "data descriptor");
    check_descriptor(8, 3, 4, 16, PA_ERR_FORMAT, "data descriptor");
    check_descriptor(12, 3, 4, 16, PA_ERR_FORMAT, "data descriptor");
    check_descriptor(16, 3, 8, 24, PA_ERR_FORMAT, "data descriptor");
    check_descriptor(0, 0, 0, 0, PA_ERR_FORMAT, "the 0 bytes after it");
    check_descriptor(0, 0, 0, 12, PA_ERR_FORMAT, "the 12 bytes after it");
}

/* Give entry 1 an extra field and sizes that refer to it. */
static void check_zip64(const char *extra, size_t n, pa_status code, const char *part)
{
    pa_test_zip zip;
    memset(&zip, 0, sizeof(zip));
    pa_test_zip_add(&zip, "a/one", "11111", 5);
    pa_test_zip_add(&zip, "a/two", "22", 2);
    const size_t at = zip.entry[1];
    pa_test_patch(&zip.directory, at + 20, 0xffffffffffffffff, 8);
    pa_test_patch(&zip.directory, at + 30, n, 2);
    pa_test_put(&zip.directory, extra, n);
    pa_test_zip_finish(&zip);
    check(&zip, code, part);
}

static void test_zip64_fields_are_read_and_must_not_lie(void **state)
{
    (void)state;
#define ZIP64(bytes) bytes, sizeof(bytes) - 1
    check_zip64(ZIP64("\1\0\x10\0"
                      "\2\0\0\0\0\0\0\0"
                      "\2\0\0\0\0\0\0\0"),
                PA_OK, "");
    check_zip64(ZIP64("\7\0\1\0x"
                      "\1\0\x10\0"
                      "\2\0\0\0\0\0\0\0"
                      "\2\0\0\0\0\0\0\0"),
                PA_OK, "");
    check_zip64(ZIP64("\1\0\x10\0"
                      "\3\0\0\0\0\0\0\0"
                      "\3\0\0\0\0\0\0\0"),
                PA_ERR_FORMAT, "two: 3 bytes at");
    check_zip64(ZIP64("\1\0\x10\0"
                      "\2\0\0\0\0\0\0\x80"
                      "\2\0\0\0\0\0\0\x80"),
                PA_ERR_FORMAT, "2^62");
    check_zip64(ZIP64("\1\0\x10\0"
                      "\2\0\0\0\0\0\0\x30"
                      "\2\0\0\0\0\0\0\x30"),
                PA_ERR_FORMAT, "exceed the file");
    check_zip64(ZIP64("\1\0\x08\0"
                      "\2\0\0\0\0\0\0\0"),
                PA_ERR_FORMAT, "bad zip64 field");
    check_zip64(ZIP64("\1\0\x20\0"
                      "\2\0\0\0\0\0\0\0"
                      "\2\0\0\0\0\0\0\0"),
                PA_ERR_FORMAT, "exceeds its record");
    check_zip64(ZIP64("\2\0\x10\0"
                      "\2\0\0\0\0\0\0\0"
                      "\2\0\0\0\0\0\0\0"),
                PA_ERR_FORMAT, "is missing");
    check_zip64(ZIP64("\1\0\x10\0"
                      "\2\0\0\0\0\0\0\0"
                      "\2\0\0\0\0\0\0\0"
                      "\1\0\0\0"),
                PA_ERR_FORMAT, "bad zip64");
    check_zip64(ZIP64("\1\0\x10\0"
                      "\2\0\0\0\0\0\0\0"
                      "\2\0\0\0\0\0\0\0"
                      "\1\0"),
                PA_ERR_FORMAT, "bad extra");
}

/* two_records() with the 64-bit end record and its locator; `at` and `value` change the former. */
static void check_end64(size_t at, uint64_t value, int bytes, pa_status code, const char *part)
{
    pa_test_zip zip = two_records();
    pa_test_bytes end = {NULL, 0};
    pa_test_put(&end, zip.bytes.data + zip.end, 22);
    zip.bytes.n = zip.end;
    const size_t place = zip.bytes.n;
    pa_test_put_le(&zip.bytes, 0x06064b50, 4);
    pa_test_put_le(&zip.bytes, 44, 8);
    pa_test_put_le(&zip.bytes, 0x002d031e, 4);
    pa_test_put_le(&zip.bytes, 0, 8);
    pa_test_put_le(&zip.bytes, 2, 8);
    pa_test_put_le(&zip.bytes, 2, 8);
    pa_test_put_le(&zip.bytes, zip.end - zip.entry[0], 8);
    pa_test_put_le(&zip.bytes, zip.entry[0], 8);
    pa_test_put_le(&zip.bytes, 0x07064b50, 4);
    pa_test_put_le(&zip.bytes, 0, 4);
    pa_test_put_le(&zip.bytes, place, 8);
    pa_test_put_le(&zip.bytes, 1, 4);
    pa_test_put(&zip.bytes, end.data, end.n);
    pa_test_free(&end);
    if (bytes > 0) {
        pa_test_patch(&zip.bytes, place + at, value, bytes);
    }
    check(&zip, code, part);
}

static void test_both_end_records_must_agree(void **state)
{
    (void)state;
    check_end64(0, 0, 0, PA_OK, "");
    check_end64(56 + 20 + 12, 0xffffffffffffffff, 8, PA_OK, ""); /* the old record defers to the new one */
    check_end64(24, 3, 8, PA_ERR_FORMAT, "contradict");
    check_end64(32, 3, 8, PA_ERR_FORMAT, "contradict");
    check_end64(40, 3, 8, PA_ERR_FORMAT, "contradict");
    check_end64(48, 3, 8, PA_ERR_FORMAT, "contradict");
    check_end64(0, 0, 4, PA_ERR_FORMAT, "bad end record");
    check_end64(4, 45, 8, PA_ERR_FORMAT, "bad end record");
    check_end64(16, 1, 4, PA_ERR_UNSUPPORTED, "several parts");
    check_end64(56 + 8, 1, 8, PA_ERR_FORMAT, "not where its locator says");
    check_end64(56 + 16, 2, 4, PA_ERR_UNSUPPORTED, "several parts");
}

static pa_status open_two(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_file *file = NULL;
    pa_zip *zip = NULL;
    pa_status status = pa_file_open(mem, path, &file, NULL);
    if (status == PA_OK) {
        status = pa_zip_open(mem, file, &zip, NULL);
    }
    pa_zip_close(zip);
    pa_file_release(file);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_test_zip zip = two_records();
    pa_test_write(path, zip.bytes.data, zip.bytes.n);
    pa_test_free(&zip.bytes);
    pa_test_oom_sweep(open_two, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_are_found_by_their_exact_name),
        cmocka_unit_test(test_an_end_record_that_lies_is_refused),
        cmocka_unit_test(test_bytes_before_or_after_the_archive_are_refused),
        cmocka_unit_test(test_a_directory_entry_that_lies_is_refused),
        cmocka_unit_test(test_a_local_header_that_disagrees_is_refused),
        cmocka_unit_test(test_names_that_could_fool_somebody_are_refused),
        cmocka_unit_test(test_a_name_with_a_nul_is_refused),
        cmocka_unit_test(test_records_that_overlap_or_leave_gaps_are_refused),
        cmocka_unit_test(test_a_data_descriptor_must_agree),
        cmocka_unit_test(test_zip64_fields_are_read_and_must_not_lie),
        cmocka_unit_test(test_both_end_records_must_agree),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
