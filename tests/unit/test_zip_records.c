/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of zip records: CRC, deflate, reading in parts. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "checkpoint/formats/zip.h"
#include "pa_test_archive.h"

enum { BIG = 200000 };

static char directory[256];
static char path[300];
static unsigned char *big;

static int set_up(void **state)
{
    (void)state;
    pa_test_directory(directory, sizeof(directory));
    pa_test_format(path, sizeof(path), "%s/file.zip", directory);
    big = malloc(BIG);
    uint32_t x = 1;
    for (int i = 0; big != NULL && i < BIG; i++) { /* neither constant nor noise */
        x = x * 1664525U + 1013904223U;
        big[i] = (unsigned char)(i % 7 == 0 ? x >> 24 : (uint32_t)i / 100);
    }
    return big == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    free(big);
    pa_test_remove(directory);
    return 0;
}

/* A record "a/x" as given; the storage of it. */
static pa_status open_record(const void *data, size_t packed, uint64_t size, uint32_t crc, int method,
                             pa_storage **storage, pa_error *err)
{
    pa_test_zip made;
    memset(&made, 0, sizeof(made));
    pa_test_zip_add_raw(&made, "a/x", data, packed, size, crc, method);
    pa_test_zip_finish(&made);
    pa_test_write(path, made.bytes.data, made.bytes.n);
    pa_test_free(&made.bytes);
    pa_file *file = NULL;
    pa_zip *zip = NULL;
    *storage = NULL;
    memset(err, 0, sizeof(*err));
    pa_status status = pa_file_open(&pa_allocator_default, path, &file, err);
    assert_int_equal(status, PA_OK);
    status = pa_zip_open(&pa_allocator_default, file, &zip, err);
    if (status == PA_OK) {
        status = pa_zip_storage(zip, 0, storage, err);
    }
    pa_zip_close(zip);
    pa_file_release(file);
    return status;
}

static uint32_t big_crc(void)
{
    return (uint32_t)crc32(0, big, BIG);
}

static void assert_span(pa_storage *storage, int64_t offset, int64_t bytes)
{
    pa_error err;
    unsigned char *got = malloc((size_t)bytes + 1);
    assert_non_null(got);
    assert_ok(pa_storage_read(storage, offset, bytes, got, &err));
    assert_memory_equal(got, big + offset, (size_t)bytes);
    free(got);
}

static void assert_all_spans(pa_storage *storage)
{
    assert_int_equal(storage->bytes, BIG);
    assert_span(storage, 0, 10);
    assert_span(storage, 65530, 20); /* across a piece of the window */
    assert_span(storage, BIG - 1, 1);
    assert_span(storage, BIG, 0);
    assert_span(storage, 7, BIG - 20); /* most of it: read whole */
    assert_span(storage, 0, BIG);
}

static void test_any_part_of_a_stored_record_is_read(void **state)
{
    (void)state;
    pa_error err;
    pa_storage *storage = NULL;
    assert_ok(open_record(big, BIG, BIG, big_crc(), 0, &storage, &err));
    assert_all_spans(storage);
    pa_storage_release(storage);
}

static void test_any_part_of_a_deflated_record_is_read(void **state)
{
    (void)state;
    pa_error err;
    pa_storage *storage = NULL;
    pa_test_bytes packed = pa_test_deflate(big, BIG);
    assert_true(packed.n < BIG);
    assert_ok(open_record(packed.data, packed.n, BIG, big_crc(), 8, &storage, &err));
    assert_all_spans(storage);
    pa_storage_release(storage);
    pa_test_free(&packed);
}

/* What came: all bytes, in whole pieces and one last; or a refusal of the second piece. */
typedef struct received {
    unsigned char *next;
    int pieces;
    int refuse;
    int is_over;
} received;

static pa_status receive(void *user, const void *bytes, int64_t count, pa_error *err)
{
    received *r = user;
    assert_false(r->is_over);
    if (r->refuse && r->pieces == 1) {
        return pa_fail(err, PA_ERR_FORMAT, "not here");
    }
    memcpy(r->next, bytes, (size_t)count);
    r->next += count;
    r->pieces++;
    r->is_over = count != PA_PIECE;
    return PA_OK;
}

static void assert_pieces(pa_storage *storage)
{
    pa_error err;
    unsigned char *got = malloc(BIG);
    assert_non_null(got);
    for (int64_t offset = 0; offset < 70000; offset += 23456) {
        received r = {.next = got};
        const int64_t bytes = BIG - offset - 11;
        assert_ok(storage->ops->pass(storage, offset, bytes, receive, &r, &err));
        assert_int_equal(r.pieces, (bytes + PA_PIECE - 1) / PA_PIECE);
        assert_memory_equal(got, big + offset, (size_t)bytes);
    }
    received r = {.next = got, .refuse = 1};
    assert_fails(storage->ops->pass(storage, 0, BIG, receive, &r, &err), PA_ERR_FORMAT, "not here");
    assert_string_equal(err.message, "not here"); /* it is not the record that is wrong */
    free(got);
}

static void test_records_come_in_whole_pieces(void **state)
{
    (void)state;
    pa_error err;
    pa_storage *storage = NULL;
    pa_test_bytes packed = pa_test_deflate(big, BIG);
    assert_ok(open_record(big, BIG, BIG, big_crc(), 0, &storage, &err));
    assert_pieces(storage);
    pa_storage_release(storage);
    assert_ok(open_record(packed.data, packed.n, BIG, big_crc(), 8, &storage, &err));
    assert_pieces(storage);
    pa_storage_release(storage);
    pa_test_free(&packed);
}

static void test_a_wrong_crc_is_seen_whatever_is_read(void **state)
{
    (void)state;
    pa_error err;
    pa_storage *storage = NULL;
    unsigned char *got = malloc(BIG);
    assert_non_null(got);
    assert_ok(open_record(big, BIG, BIG, big_crc() ^ 1, 0, &storage, &err));
    assert_fails(pa_storage_read(storage, 0, 10, got, &err), PA_ERR_FORMAT, "CRC");
    assert_fails(pa_storage_read(storage, BIG / 4, BIG / 2, got, &err), PA_ERR_FORMAT, "CRC");
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "x: "));
    pa_storage_release(storage);
    free(got);
}

/* A second reader that comes while the first one has its first piece, and no more. */
typedef struct second {
    pa_storage *storage;
    pthread_t thread;
    atomic_int has_begun;
    pa_status status;
} second;

static void *read_a_part(void *user)
{
    second *s = user;
    unsigned char got[10];
    atomic_store(&s->has_begun, 1);
    s->status = pa_storage_read(s->storage, 5, sizeof(got), got, NULL);
    return NULL;
}

static pa_status let_another_begin(void *user, const void *bytes, int64_t count, pa_error *err)
{
    second *s = user;
    (void)bytes;
    (void)count;
    (void)err;
    if (!atomic_load(&s->has_begun)) {
        assert_int_equal(pthread_create(&s->thread, NULL, read_a_part, s), 0);
        while (!atomic_load(&s->has_begun)) {
        }
        const struct timespec moment = {0, 20000000}; /* in which one that does not wait would be done */
        (void)nanosleep(&moment, NULL);
    }
    return PA_OK;
}

static void test_another_reader_waits_for_the_verdict(void **state)
{
    (void)state;
    static const struct {
        uint32_t wrong;
        pa_status status;
        pa_status second;
    } cases[] = {{1, PA_ERR_FORMAT, PA_ERR_FORMAT}, {0, PA_OK, PA_OK}};
    pa_error err;
    for (int i = 0; i < 2; i++) {
        second s = {.status = PA_ERR_INVALID};
        assert_ok(open_record(big, BIG, BIG, big_crc() ^ cases[i].wrong, 0, &s.storage, &err));
        assert_int_equal(s.storage->ops->pass(s.storage, 0, BIG, let_another_begin, &s, &err), cases[i].status);
        assert_int_equal(pthread_join(s.thread, NULL), 0);
        assert_int_equal(s.status, cases[i].second);
        pa_storage_release(s.storage);
    }
}

/* Parts of a record, over and over: none may ever come without an error. */
static void *read_parts(void *user)
{
    pa_storage *storage = user;
    unsigned char got[1000];
    intptr_t believed = 0;
    for (int64_t i = 0; i < 50; i++) {
        believed += pa_storage_read(storage, i * 3000, sizeof(got), got, NULL) == PA_OK;
    }
    return (void *)believed;
}

static void test_two_threads_find_the_same_record_wrong(void **state)
{
    (void)state;
    pa_error err;
    pa_storage *storage = NULL;
    pthread_t other;
    void *believed = NULL;
    assert_ok(open_record(big, BIG, BIG, big_crc() ^ 1, 0, &storage, &err));
    assert_int_equal(pthread_create(&other, NULL, read_parts, storage), 0);
    assert_null(read_parts(storage));
    assert_int_equal(pthread_join(other, &believed), 0);
    assert_null(believed);
    pa_storage_release(storage);
}

/* Once: what was verified and is damaged behind the reader's back is what the file is watched for. */
static void test_a_verified_record_is_read_in_part(void **state)
{
    (void)state;
    pa_error err;
    pa_file *file = NULL;
    pa_zip *zip = NULL;
    pa_storage *storage = NULL;
    unsigned char got[10];
    assert_ok(open_record(big, BIG, BIG, big_crc(), 0, &storage, &err)); /* writes it */
    pa_storage_release(storage);
    assert_ok(pa_file_open(&pa_allocator_default, path, &file, &err));
    assert_ok(pa_zip_open(&pa_allocator_default, file, &zip, &err));
    assert_ok(pa_zip_storage(zip, 0, &storage, &err));
    const int64_t before = pa_file_bytes_read(file);
    assert_ok(pa_storage_read(storage, 1000, sizeof(got), got, &err));
    assert_int_equal(pa_file_bytes_read(file) - before, BIG);
    assert_ok(pa_storage_read(storage, 2000, sizeof(got), got, &err));
    assert_int_equal(pa_file_bytes_read(file) - before, BIG + (int64_t)sizeof(got));
    pa_storage_release(storage);
    pa_zip_close(zip);
    pa_file_release(file);
}

static void test_a_crc_of_zero_was_not_computed(void **state)
{
    (void)state;
    pa_error err;
    pa_storage *storage = NULL;
    assert_ok(open_record(big, BIG, BIG, 0, 0, &storage, &err));
    assert_all_spans(storage);
    pa_storage_release(storage);
}

static void check_deflated(const void *data, size_t packed, uint64_t size, uint32_t crc, const char *part)
{
    pa_error err;
    pa_storage *storage = NULL;
    unsigned char got[1];
    pa_status status = open_record(data, packed, size, crc, 8, &storage, &err);
    if (status == PA_OK) {
        status = pa_storage_read(storage, 0, 1, got, &err);
    }
    assert_int_equal(status, PA_ERR_FORMAT);
    if (strstr(err.message, part) == NULL) {
        fail_msg("text '%s' does not contain '%s'", err.message, part);
    }
    pa_storage_release(storage);
}

static void test_deflated_records_that_lie_are_refused(void **state)
{
    (void)state;
    pa_test_bytes packed = pa_test_deflate(big, BIG);
    check_deflated(packed.data, packed.n, BIG - 1, big_crc(), "unpacks to more than");
    check_deflated(packed.data, packed.n, BIG + 1, big_crc(), "unpacks to 200000 bytes, 200001 are declared");
    check_deflated(packed.data, packed.n, BIG, big_crc() ^ 1, "CRC");
    check_deflated(packed.data, packed.n - 3, BIG, big_crc(), "damaged");
    check_deflated(packed.data, packed.n, 0xfffffff0, big_crc(), "more than deflate can give");
    packed.data[packed.n / 2] ^= 0x55;
    check_deflated(packed.data, packed.n, BIG, big_crc(), "x: ");
    packed.data[packed.n / 2] ^= 0x55;
    pa_test_put(&packed, "more", 4);
    check_deflated(packed.data, packed.n, BIG, big_crc(), "unpacks to");
    pa_test_free(&packed);
}

/* 50 MB of zeros in 50 KB that claim to be little: nothing beyond the claim is unpacked. */
static void test_a_bomb_stops_at_its_declared_size(void **state)
{
    (void)state;
    const size_t n = 50000000;
    unsigned char *zeros = calloc(n, 1);
    assert_non_null(zeros);
    pa_test_bytes packed = pa_test_deflate(zeros, n);
    free(zeros);
    assert_true(packed.n < 60000);
    check_deflated(packed.data, packed.n, 100, 0, "unpacks to more than the 100 bytes");
    pa_test_free(&packed);
}

static pa_status read_deflated(const pa_allocator *mem, void *user)
{
    (void)user;
    pa_file *file = NULL;
    pa_zip *zip = NULL;
    pa_storage *storage = NULL;
    unsigned char byte = 0;
    pa_status status = pa_file_open(mem, path, &file, NULL);
    if (status == PA_OK) {
        status = pa_zip_open(mem, file, &zip, NULL);
    }
    if (status == PA_OK) {
        status = pa_zip_storage(zip, 0, &storage, NULL);
    }
    if (status == PA_OK) {
        status = pa_storage_read(storage, 100, 1, &byte, NULL);
    }
    pa_storage_release(storage);
    pa_zip_close(zip);
    pa_file_release(file);
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    pa_error err;
    pa_storage *storage = NULL;
    pa_test_bytes packed = pa_test_deflate(big, 1000);
    assert_ok(open_record(packed.data, packed.n, 1000, 0, 8, &storage, &err));
    pa_storage_release(storage);
    pa_test_free(&packed);
    pa_test_oom_sweep(read_deflated, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_part_of_a_stored_record_is_read),
        cmocka_unit_test(test_any_part_of_a_deflated_record_is_read),
        cmocka_unit_test(test_records_come_in_whole_pieces),
        cmocka_unit_test(test_a_wrong_crc_is_seen_whatever_is_read),
        cmocka_unit_test(test_another_reader_waits_for_the_verdict),
        cmocka_unit_test(test_two_threads_find_the_same_record_wrong),
        cmocka_unit_test(test_a_verified_record_is_read_in_part),
        cmocka_unit_test(test_a_crc_of_zero_was_not_computed),
        cmocka_unit_test(test_deflated_records_that_lie_are_refused),
        cmocka_unit_test(test_a_bomb_stops_at_its_declared_size),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
