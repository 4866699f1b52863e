/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A journal as a file: what is kept, cut off or refused, and when it is flushed.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "analysis/journal.h"
#include "base/alloc.h"
#include "pa_test_files.h"

enum { PLAN = 0x1234, N_RECORDS = 5, HEADER = 24, FRAME = 20 };

/* In place of the system's: counts, and fails on demand. */
static int flushes;
static int flush_errno;
int fsync(int fd);
int fsync(int fd)
{
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        flushes++;
    }
    errno = flush_errno;
    return flush_errno == 0 ? 0 : -1;
}

/* Record i is `i` letters. */
static void record(int64_t i, char *out)
{
    memset(out, 'a' + (int)(i % 26), (size_t)i);
}

typedef struct reading {
    int64_t count;
    int64_t fail_at;
} reading;

static pa_status read_record(void *user, const char *bytes, int64_t length, pa_error *err)
{
    reading *r = user;
    char expected[300];
    record(r->count, expected);
    assert_int_equal(length, r->count);
    assert_memory_equal(bytes, expected, (size_t)length);
    if (r->fail_at > 0 && r->count == r->fail_at) {
        return pa_fail(err, PA_ERR_FORMAT, "not this one");
    }
    r->count++;
    return PA_OK;
}

typedef struct place {
    char directory[128];
    char path[256];
} place;

static place place_start(void)
{
    place p;
    pa_test_directory(p.directory, sizeof(p.directory));
    pa_test_format(p.path, sizeof(p.path), "%s/a/b/results.journal", p.directory);
    flushes = 0;
    flush_errno = 0;
    return p;
}

static void append(pa_journal *journal, int64_t from, int64_t to)
{
    pa_error err;
    char bytes[300];
    for (int64_t i = from; i < to; i++) {
        record(i, bytes);
        assert_ok(pa_journal_append(journal, bytes, i, &err));
    }
}

/* A journal of records 0 ... n - 1, flushed each time there are `group` of them. */
static void write_journal(const place *p, int64_t n, int64_t group)
{
    pa_error err;
    pa_journal *journal = NULL;
    assert_ok(pa_journal_open(&pa_allocator_default, p->path, PLAN, NULL, NULL, &journal, &err));
    for (int64_t i = 0; i < n; i += group) {
        append(journal, i, i + group < n ? i + group : n);
        assert_ok(pa_journal_sync(journal, &err));
    }
    pa_journal_close(journal);
}

/* Where record i begins. */
static size_t begin_of(int64_t i)
{
    return (size_t)(HEADER + i * FRAME + i * (i - 1) / 2);
}

static pa_status resume(const place *p, reading *r, pa_journal **journal, pa_error *err)
{
    return pa_journal_open(&pa_allocator_default, p->path, PLAN, read_record, r, journal, err);
}

static void test_records_are_read_back_and_more_can_follow(void **state)
{
    (void)state;
    const place p = place_start();
    pa_error err;
    pa_journal *journal = NULL;
    for (int64_t n = 0; n <= 200; n += 50) { /* from nothing on */
        reading r = {.count = 0};
        assert_ok(resume(&p, &r, &journal, &err));
        assert_int_equal(r.count, n);
        append(journal, n, n + 50);
        pa_journal_close(journal);
    }
    reading r = {.count = 0};
    assert_ok(pa_journal_open(&pa_allocator_default, p.path, PLAN, NULL, NULL, &journal, &err));
    pa_journal_close(journal); /* started anew, without a record */
    assert_int_equal(access(p.path, F_OK), -1);
    assert_ok(resume(&p, &r, &journal, &err));
    assert_int_equal(r.count, 0);
    pa_journal_close(journal);
    pa_test_remove(p.directory);
}

static void test_nothing_is_made_before_the_first_record(void **state)
{
    (void)state;
    const place p = place_start();
    pa_error err;
    pa_journal *journal = NULL;
    assert_ok(pa_journal_open(&pa_allocator_default, p.path, PLAN, NULL, NULL, &journal, &err));
    assert_ok(pa_journal_sync(journal, &err));
    assert_int_equal(pa_test_count_files(p.directory), 0);
    pa_journal_close(journal);
    assert_int_equal(pa_test_count_files(p.directory), 0);
    pa_test_remove(p.directory);
}

static void test_a_journal_cut_anywhere_keeps_its_whole_records(void **state)
{
    (void)state;
    const place p = place_start();
    pa_error err;
    write_journal(&p, N_RECORDS, 1);
    pa_test_bytes whole = pa_test_read(p.path);
    assert_int_equal(whole.n, begin_of(N_RECORDS));
    for (size_t n = 0; n <= whole.n; n++) {
        pa_journal *journal = NULL;
        reading r = {.count = 0};
        int64_t kept = 0;
        while (kept < N_RECORDS && begin_of(kept + 1) <= n) {
            kept++;
        }
        pa_test_write(p.path, whole.data, n);
        assert_ok(resume(&p, &r, &journal, &err));
        assert_int_equal(r.count, kept);
        append(journal, kept, N_RECORDS + 1); /* what comes after a cut is whole again */
        pa_journal_close(journal);
        r.count = 0;
        assert_ok(resume(&p, &r, &journal, &err));
        assert_int_equal(r.count, N_RECORDS + 1);
        pa_journal_close(journal);
    }
    pa_test_free(&whole);
    pa_test_remove(p.directory);
}

static void test_damage_before_good_records_is_an_error_and_changes_nothing(void **state)
{
    (void)state;
    const place p = place_start();
    pa_error err;
    write_journal(&p, N_RECORDS, 1);
    pa_test_bytes whole = pa_test_read(p.path);
    const size_t last = begin_of(N_RECORDS - 1);
    for (size_t at = 0; at < whole.n; at++) {
        for (int bit = 0; bit < 8; bit++) {
            pa_journal *journal = NULL;
            reading r = {.count = 0};
            whole.data[at] ^= (unsigned char)(1 << bit);
            pa_test_write(p.path, whole.data, whole.n);
            const pa_status status = resume(&p, &r, &journal, &err);
            if (at < last) {
                assert_int_equal(status, PA_ERR_FORMAT);
                assert_null(journal);
                assert_memory_equal(err.message, p.path, strlen(p.path));
                pa_test_bytes after = pa_test_read(p.path);
                assert_int_equal(after.n, whole.n);
                assert_memory_equal(after.data, whole.data, whole.n);
                pa_test_free(&after);
            } else { /* as if it had not been written to its end */
                assert_int_equal(status, PA_OK);
                assert_int_equal(r.count, N_RECORDS - 1);
                pa_journal_close(journal);
            }
            whole.data[at] ^= (unsigned char)(1 << bit);
        }
    }
    pa_test_free(&whole);
    pa_test_remove(p.directory);
}

/* The disk need not write in order: of records that no flush has made safe, any bytes may be missing; of the header, which
 * is in one sector, the end. */
static void test_records_that_were_not_flushed_may_be_there_in_part(void **state)
{
    (void)state;
    enum { GROUP = 3, ALL = 2 * GROUP };
    const place p = place_start();
    pa_error err;
    pa_journal *journal = NULL;
    for (int64_t flushed = 0; flushed <= GROUP; flushed += GROUP) {
        reading r = {.count = 0};
        write_journal(&p, flushed, GROUP);
        assert_ok(resume(&p, &r, &journal, &err));
        append(journal, flushed, ALL); /* and no flush */
        pa_journal_close(journal);
        pa_test_bytes whole = pa_test_read(p.path);
        assert_int_equal(whole.n, begin_of(ALL));
        for (size_t from = flushed > 0 ? begin_of(flushed) : 0; from < whole.n; from++) {
            for (size_t to = from < HEADER ? HEADER : from + 1; to <= whole.n; to++) {
                pa_test_bytes lost = pa_test_read(p.path);
                int64_t kept = 0;
                memset(lost.data + from, 0, to - from);
                while (kept < ALL && memcmp(lost.data, whole.data, begin_of(kept + 1)) == 0) {
                    kept++;
                }
                pa_test_write(p.path, lost.data, lost.n);
                r.count = 0;
                assert_ok(resume(&p, &r, &journal, &err));
                assert_int_equal(r.count, kept);
                pa_journal_close(journal);
                pa_test_write(p.path, whole.data, whole.n);
                pa_test_free(&lost);
            }
        }
        pa_test_free(&whole);
    }
    pa_test_remove(p.directory);
}

/* To refute each would take quadratic time; that many are refused unread. */
static void test_markers_that_all_claim_the_rest_of_the_file_are_damage(void **state)
{
    (void)state;
    enum { N_MARKERS = 2000 };
    const place p = place_start();
    pa_error err;
    pa_journal *journal = NULL;
    reading r = {.count = 0};
    write_journal(&p, N_RECORDS, 1);
    pa_test_bytes bytes = pa_test_read(p.path);
    const size_t whole = bytes.n;
    for (uint64_t i = 0; i < N_MARKERS; i++) {
        pa_test_put(&bytes, "PAu1", 4);
        pa_test_put_le(&bytes, i + 3 < N_MARKERS ? FRAME * (N_MARKERS - i - 1) : 0, 4);
        pa_test_put_le(&bytes, whole + 1, 8); /* so much would have been flushed */
        pa_test_put_le(&bytes, 0, 4);
    }
    pa_test_write(p.path, bytes.data, bytes.n);
    assert_fails(resume(&p, &r, &journal, &err), PA_ERR_FORMAT, "is damaged at byte");
    assert_null(journal);
    pa_test_write(p.path, bytes.data, whole + 10 * FRAME); /* a few are what chance may bring: looked at, and cut off */
    r.count = 0;
    assert_ok(resume(&p, &r, &journal, &err));
    assert_int_equal(r.count, N_RECORDS);
    pa_journal_close(journal);
    pa_test_free(&bytes);
    pa_test_remove(p.directory);
}

static void test_journals_of_others_are_refused_with_the_reason(void **state)
{
    (void)state;
    const place p = place_start();
    pa_error err;
    pa_journal *journal = NULL;
    reading r = {.count = 0};
    write_journal(&p, N_RECORDS, 1);
    assert_fails(pa_journal_open(&pa_allocator_default, p.path, PLAN + 1, read_record, &r, &journal, &err),
                 PA_ERR_FORMAT, "is the journal of another analysis");
    r.fail_at = 2;
    assert_fails(resume(&p, &r, &journal, &err), PA_ERR_FORMAT, "results.journal: not this one");

    pa_test_bytes whole = pa_test_read(p.path);
    pa_test_patch(&whole, 8, 1, 4);
    pa_test_patch(&whole, 20, crc32(0, whole.data, 20), 4);
    pa_test_write(p.path, whole.data, whole.n);
    assert_fails(resume(&p, &r, &journal, &err), PA_ERR_FORMAT, "is a journal of version 1, this is version 3");
    pa_test_free(&whole);

    for (int i = 0; i < 4; i++) { /* what is no journal is not written over, whatever is asked */
        static const char zeros_first[] = "\0\0\0\0\0\0\0\0my thesis";
        const int anew = i % 2;
        const size_t n = i < 2 ? 9 : sizeof(zeros_first) - 1;
        pa_test_write(p.path, zeros_first + sizeof(zeros_first) - 1 - n, n);
        assert_fails(
            pa_journal_open(&pa_allocator_default, p.path, PLAN, anew ? NULL : read_record, &r, &journal, &err),
            PA_ERR_FORMAT, "is not a journal");
        pa_test_bytes after = pa_test_read(p.path);
        assert_int_equal(after.n, n);
        pa_test_free(&after);
    }
    assert_fails(pa_journal_open(&pa_allocator_default, p.directory, PLAN, NULL, NULL, &journal, &err), PA_ERR_IO,
                 "open");
    pa_test_remove(p.directory);
}

static void test_a_journal_belongs_to_one_process_at_a_time(void **state)
{
    (void)state;
    const place p = place_start();
    pa_error err;
    pa_journal *journal = NULL;
    assert_ok(pa_journal_open(&pa_allocator_default, p.path, PLAN, NULL, NULL, &journal, &err));
    append(journal, 0, 1);
    const pid_t child = fork();
    if (child == 0) {
        pa_journal *other = NULL;
        reading r = {.count = 0};
        const pa_status status = resume(&p, &r, &other, &err);
        _exit(status == PA_ERR_IO && strstr(err.message, "is in use by another process") != NULL ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    pa_journal_close(journal);
    pa_test_remove(p.directory);
}

static void test_records_are_flushed_in_groups(void **state)
{
    (void)state;
    const place p = place_start();
    pa_error err;
    pa_journal *journal = NULL;
    assert_ok(pa_journal_open(&pa_allocator_default, p.path, PLAN, NULL, NULL, &journal, &err));
    append(journal, 0, 63);
    assert_in_range(flushes, 0, 5); /* none, unless the machine is so slow that seconds pass */
    append(journal, 63, 256);
    assert_in_range(flushes, 4, 20);
    const int before = flushes;
    assert_ok(pa_journal_sync(journal, &err)); /* nothing is left to flush */
    assert_int_equal(flushes, before);
    pa_journal_close(journal);
    pa_test_remove(p.directory);
}

/* What may be in memory only is not gone on from, or a later flush would call it safe. */
static void test_after_a_failed_flush_nothing_more_is_taken_and_nothing_unsafe_kept(void **state)
{
    (void)state;
    const place p = place_start();
    pa_error err;
    pa_journal *journal = NULL;
    reading r = {.count = 0};
    for (int64_t safe = 0; safe <= 3; safe += 3) {
        assert_ok(pa_journal_open(&pa_allocator_default, p.path, PLAN, NULL, NULL, &journal, &err));
        append(journal, 0, safe);
        assert_ok(pa_journal_sync(journal, &err));
        append(journal, safe, safe + 2);
        flush_errno = EIO;
        assert_fails(pa_journal_sync(journal, &err), PA_ERR_IO, "results.journal: flush: ");
        flush_errno = 0;
        assert_fails(pa_journal_append(journal, "abc", 3, &err), PA_ERR_IO, "results.journal: flush: ");
        assert_fails(pa_journal_sync(journal, &err), PA_ERR_IO, "results.journal: flush: ");
        pa_journal_close(journal);
        assert_int_equal(access(p.path, F_OK), safe > 0 ? 0 : -1);
        r.count = 0;
        assert_ok(resume(&p, &r, &journal, &err));
        assert_int_equal(r.count, safe);
        pa_journal_close(journal);
    }
    pa_test_remove(p.directory);
}

static void test_a_full_disk_is_an_error_and_what_was_written_stays(void **state)
{
    (void)state;
    const place p = place_start();
    pa_error err;
    pa_journal *journal = NULL;
    reading r = {.count = 0};
    char bytes[300];
    struct rlimit before;
    assert_ok(pa_journal_open(&pa_allocator_default, p.path, PLAN, NULL, NULL, &journal, &err));
    append(journal, 0, 100);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit full = {.rlim_cur = begin_of(100) + 50, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    record(100, bytes);
    const pa_status status = pa_journal_append(journal, bytes, 100, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, PA_ERR_IO);
    assert_non_null(strstr(err.message, "results.journal: write: "));
    assert_fails(pa_journal_append(journal, bytes, 100, &err), PA_ERR_IO, "results.journal: write: ");
    pa_journal_close(journal);
    assert_ok(resume(&p, &r, &journal, &err));
    assert_int_equal(r.count, 100);
    pa_journal_close(journal);
    pa_test_remove(p.directory);
}

static void test_places_that_cannot_be_written_to_are_named(void **state)
{
    (void)state;
    const place p = place_start();
    pa_error err;
    pa_journal *journal = NULL;
    char file[512];
    pa_test_format(file, sizeof(file), "%s/a", p.directory);
    pa_test_write(file, "x", 1); /* where a directory should be */
    assert_ok(pa_journal_open(&pa_allocator_default, p.path, PLAN, NULL, NULL, &journal, &err));
    assert_fails(pa_journal_append(journal, "", 0, &err), PA_ERR_IO, "/a: make directory: ");
    pa_journal_close(journal);
    pa_test_remove(p.directory);
}

static pa_status use(const pa_allocator *mem, void *user)
{
    const place *p = user;
    pa_error err;
    pa_journal *journal = NULL;
    reading r = {.count = 0};
    pa_status status = pa_journal_open(mem, p->path, PLAN, read_record, &r, &journal, &err);
    if (status == PA_OK) {
        status = pa_journal_append(journal, "", 0, &err);
    }
    pa_journal_close(journal);
    if (status == PA_OK) {
        assert_int_equal(unlink(p->path), 0);
    }
    return status;
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    place p = place_start();
    pa_test_oom_sweep(use, &p);
    pa_test_remove(p.directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_are_read_back_and_more_can_follow),
        cmocka_unit_test(test_nothing_is_made_before_the_first_record),
        cmocka_unit_test(test_a_journal_cut_anywhere_keeps_its_whole_records),
        cmocka_unit_test(test_damage_before_good_records_is_an_error_and_changes_nothing),
        cmocka_unit_test(test_records_that_were_not_flushed_may_be_there_in_part),
        cmocka_unit_test(test_markers_that_all_claim_the_rest_of_the_file_are_damage),
        cmocka_unit_test(test_journals_of_others_are_refused_with_the_reason),
        cmocka_unit_test(test_a_journal_belongs_to_one_process_at_a_time),
        cmocka_unit_test(test_records_are_flushed_in_groups),
        cmocka_unit_test(test_after_a_failed_flush_nothing_more_is_taken_and_nothing_unsafe_kept),
        cmocka_unit_test(test_a_full_disk_is_an_error_and_what_was_written_stays),
        cmocka_unit_test(test_places_that_cannot_be_written_to_are_named),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
