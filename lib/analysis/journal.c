/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analysis/journal_file.h"
#include "base/alloc.h"
#include "base/crc32.h"
#include "base/system.h"

/*
 * Header: magic, uint32 version, uint64 plan, uint32 CRC-32 of these. Record: uint32 marker, uint32 length, uint32 CRC-32
 * of the length and the bytes, the bytes. The marker is there to be found behind damage. All little-endian.
 */
static const char magic[8] = {'P', 'A', 'j', 'r', 'n', 'l', '\r', '\n'};
enum { VERSION = 2, HEADER_BYTES = 24, FRAME_BYTES = 12 };
static const char marker[4] = {'P', 'A', 'u', '1'};

/* What is checksummed in search of records behind damage: so much, and so many times what there is. */
enum { SEARCH_BYTES = 1 << 20, SEARCH_FACTOR = 4 };

/* A group of records is flushed when it has this many, or when the last flush is this long ago. */
enum { GROUP_RECORDS = 64, GROUP_SECONDS = 1 };

struct pa_journal {
    pa_allocator mem;
    char *path;
    int fd; /* -1 until there is a file */
    uint64_t plan;
    int64_t end;     /* of the last good record; 0 without a header */
    int64_t flushed; /* of it, bytes */
    int64_t records;
    int64_t unsynced; /* records */
    time_t synced;    /* when */
    pa_error failure; /* the first; all later calls fail with it */
};

static void put32(char *to, uint64_t number)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (char)(unsigned char)(number >> (8 * i));
    }
}

static uint32_t get32(const char *from)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++) {
        number |= (uint32_t)(unsigned char)from[i] << (8 * i);
    }
    return number;
}

static uint32_t checksum(const char *a, size_t n, const char *b, size_t m)
{
    return pa_crc32(pa_crc32(0, a, (int64_t)n), b, (int64_t)m);
}

/** @name Reading what is there
 * @{ */

static void make_header(char header[HEADER_BYTES], uint64_t plan)
{
    memcpy(header, magic, sizeof(magic));
    put32(header + 8, VERSION);
    put32(header + 12, plan);
    put32(header + 16, plan >> 32);
    put32(header + 20, checksum(header, 20, "", 0));
}

/* Whether the file is a journal at all; nothing else is ever written over. */
static pa_status check_magic(const pa_journal *journal, int64_t size, pa_error *err)
{
    pa_status status = PA_OK;
    char start[sizeof(magic)];
    const int64_t n = size < (int64_t)sizeof(start) ? size : (int64_t)sizeof(start);
    PA_TRY(pa_journal_read_at(journal->fd, journal->path, 0, start, n, err));
    PA_REQUIRE(memcmp(start, magic, (size_t)n) == 0, err, PA_ERR_FORMAT, "%s: is not a journal", journal->path);

cleanup:
    return status;
}

static pa_status check_header(const pa_journal *journal, pa_error *err)
{
    pa_status status = PA_OK;
    char header[HEADER_BYTES];
    char expected[HEADER_BYTES];
    make_header(expected, journal->plan);
    PA_TRY(pa_journal_read_at(journal->fd, journal->path, 0, header, HEADER_BYTES, err));
    PA_REQUIRE(get32(header + 20) == checksum(header, 20, "", 0), err, PA_ERR_FORMAT, "%s: the header is damaged",
               journal->path);
    PA_REQUIRE(get32(header + 8) == VERSION, err, PA_ERR_FORMAT, "%s: is a journal of version %u, this is version %d",
               journal->path, (unsigned)get32(header + 8), VERSION);
    PA_REQUIRE(memcmp(header, expected, HEADER_BYTES) == 0, err, PA_ERR_FORMAT,
               "%s: is the journal of another analysis: the configuration, the run (of one on the Hub, a commit of a "
               "step) or the library is not the same",
               journal->path);

cleanup:
    return status;
}

/* Whether what begins at `bytes` says that it is a record, and is long enough for one. */
static int claims_record(const char *bytes, int64_t room, int64_t *length)
{
    *length = room >= FRAME_BYTES ? get32(bytes + 4) : 0;
    return room >= FRAME_BYTES && memcmp(bytes, marker, sizeof(marker)) == 0 && *length <= room - FRAME_BYTES;
}

/* Whether a whole good record begins at `bytes`. */
static int is_record(const char *bytes, int64_t room, int64_t *length)
{
    return claims_record(bytes, room, length) &&
           get32(bytes + 8) == checksum(bytes + 4, 4, bytes + FRAME_BYTES, (size_t)*length);
}

/*
 * Markers by the thousand, each claiming all that follows, would take quadratic time to refute. Chance does not make
 * them: when what they claim comes to several times what there is, somebody has put them there.
 */
static int may_have_record_after(const char *bytes, int64_t size, int64_t from)
{
    int64_t length = 0;
    int64_t left = SEARCH_BYTES + SEARCH_FACTOR * (size - from);
    for (int64_t at = from; at < size; at++) {
        if (claims_record(bytes + at, size - at, &length)) {
            left -= length;
            if (left < 0 || is_record(bytes + at, size - at, &length)) {
                return 1;
            }
        }
    }
    return 0;
}

static pa_status read_records(pa_journal *journal, const char *bytes, int64_t size, pa_journal_read_fn read, void *user,
                              pa_error *err)
{
    pa_status status = PA_OK;
    int64_t length = 0;
    int64_t at = HEADER_BYTES;
    for (; is_record(bytes + at, size - at, &length); at += FRAME_BYTES + length) {
        status = read(user, bytes + at + FRAME_BYTES, length, err);
        if (status != PA_OK) {
            pa_error_prefix(err, journal->path);
            goto cleanup;
        }
        journal->records++;
    }
    PA_REQUIRE(!may_have_record_after(bytes, size, at + 1), err, PA_ERR_FORMAT,
               "%s: is damaged at byte %lld of %lld, before good records", journal->path, (long long)at,
               (long long)size);
    journal->end = at;

cleanup:
    return status;
}

static pa_status read_all(pa_journal *journal, int64_t size, pa_journal_read_fn read, void *user, pa_error *err)
{
    pa_status status = PA_OK;
    char *bytes = NULL;
    if (size < HEADER_BYTES) { /* stopped while it was made */
        goto cleanup;
    }
    PA_TRY(check_header(journal, err));
    PA_REQUIRE_MEMORY(bytes = pa_alloc_raw(&journal->mem, size, 1), err, "a journal");
    PA_TRY(pa_journal_read_at(journal->fd, journal->path, 0, bytes, size, err));
    PA_TRY(read_records(journal, bytes, size, read, user, err));

cleanup:
    pa_free(&journal->mem, bytes);
    return status;
}
/** @} */

static time_t now(void)
{
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

pa_status pa_journal_open(const pa_allocator *mem, const char *path, uint64_t plan, pa_journal_read_fn read, void *user,
                          pa_journal **out, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t size = 0;
    *out = NULL;
    pa_journal *journal = pa_alloc(mem, 1, sizeof(*journal));
    PA_REQUIRE_MEMORY(journal, err, "a journal");
    journal->mem = *mem;
    journal->fd = -1;
    journal->plan = plan;
    journal->synced = now();
    PA_REQUIRE_MEMORY(journal->path = pa_strdup(mem, path), err, "a journal");
    PA_TRY(pa_journal_open_file(path, 0, &journal->fd, &size, err));
    if (journal->fd >= 0) {
        PA_TRY(check_magic(journal, size, err));
        if (read != NULL) {
            PA_TRY(read_all(journal, size, read, user, err));
        }
        PA_TRY(pa_cut(journal->fd, path, journal->end, err));
        journal->flushed = journal->end;
    }
    *out = journal;
    journal = NULL;

cleanup:
    if (journal != NULL) {
        journal->records = -1; /* whatever it is, it stays as it is */
        pa_journal_close(journal);
    }
    return status;
}

/* The file and its header, at the first record. */
static pa_status make_file(pa_journal *journal, pa_error *err)
{
    pa_status status = PA_OK;
    char header[HEADER_BYTES];
    int64_t size = 0;
    if (journal->fd < 0) {
        PA_TRY(pa_make_parents(&journal->mem, journal->path, err));
        PA_TRY(pa_journal_open_file(journal->path, 1, &journal->fd, &size, err));
        PA_TRY(check_magic(journal, size, err)); /* somebody may have been faster */
        PA_TRY(pa_cut(journal->fd, journal->path, 0, err));
    }
    if (journal->end == 0) {
        make_header(header, journal->plan);
        PA_TRY(pa_journal_write_at(journal->fd, journal->path, 0, header, HEADER_BYTES, err));
        journal->end = HEADER_BYTES;
    }

cleanup:
    return status;
}

/* After a failure nobody knows what is on the disk: it is remembered, and nothing more is written. */
static pa_status remember(pa_journal *journal, pa_status status, const pa_error *failure, pa_error *err)
{
    if (status != PA_OK) {
        journal->failure = *failure;
        journal->failure.status = status;
    }
    if (status != PA_OK && err != NULL) {
        *err = *failure;
    }
    return status;
}

static pa_status append(pa_journal *journal, const char *bytes, int64_t length, pa_error *err)
{
    pa_status status = PA_OK;
    char *frame = NULL;
    PA_REQUIRE(length >= 0 && length <= INT32_MAX - FRAME_BYTES, err, PA_ERR_LIMIT, "%s: a record of %lld bytes",
               journal->path, (long long)length);
    PA_REQUIRE_MEMORY(frame = pa_alloc_raw(&journal->mem, FRAME_BYTES + length, 1), err, "a journal");
    PA_TRY(make_file(journal, err));
    memcpy(frame, marker, sizeof(marker));
    put32(frame + 4, (uint64_t)length);
    put32(frame + 8, checksum(frame + 4, 4, bytes, (size_t)length));
    memcpy(frame + FRAME_BYTES, bytes, (size_t)length);
    PA_TRY(pa_journal_write_at(journal->fd, journal->path, journal->end, frame, FRAME_BYTES + length, err));
    journal->end += FRAME_BYTES + length;
    journal->records++;
    journal->unsynced++;

cleanup:
    pa_free(&journal->mem, frame);
    return status;
}

pa_status pa_journal_append(pa_journal *journal, const char *bytes, int64_t length, pa_error *err)
{
    pa_error failure = journal->failure;
    pa_status status = failure.status == PA_OK ? append(journal, bytes, length, &failure) : failure.status;
    if (status == PA_OK && (journal->unsynced >= GROUP_RECORDS || now() - journal->synced >= GROUP_SECONDS)) {
        return pa_journal_sync(journal, err);
    }
    return remember(journal, status, &failure, err);
}

/*
 * Records that a flush failed for may read well from memory for as long as the machine runs, and not be on the disk; another
 * flush would say that all is well. Nobody is to go on from them.
 */
static pa_status flush(pa_journal *journal, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_flush(journal->fd, journal->path, err));
    PA_TRY(pa_flush_name(&journal->mem, journal->path, err));
    journal->flushed = journal->end;
    journal->unsynced = 0;
    journal->synced = now();

cleanup:
    if (status != PA_OK && status != PA_ERR_NOMEM) {
        (void)pa_cut(journal->fd, journal->path, journal->flushed, NULL);
        journal->records = journal->flushed > 0 ? journal->records : 0;
    }
    return status;
}

pa_status pa_journal_sync(pa_journal *journal, pa_error *err)
{
    pa_error failure = journal->failure;
    pa_status status = failure.status;
    if (status == PA_OK && journal->unsynced > 0) {
        status = flush(journal, &failure);
    }
    return remember(journal, status, &failure, err);
}

void pa_journal_close(pa_journal *journal)
{
    if (journal != NULL) {
        const pa_allocator mem = journal->mem;
        if (journal->fd >= 0) {
            if (journal->records == 0) {
                (void)unlink(journal->path);
            }
            (void)close(journal->fd);
        }
        pa_free(&mem, journal->path);
        pa_free(&mem, journal);
    }
}
