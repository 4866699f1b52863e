/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/journal.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analysis/journal_file.h"
#include "analysis/journal_frame.h"
#include "analysis/journal_read.h"
#include "base/alloc.h"
#include "base/system.h"

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

static time_t now(void)
{
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

/*
 * Keep what is there up to `end`. What a process that was killed has written need not be on the disk, and what is cut off
 * here could come back behind what is written next: from here on both is certain.
 */
static pa_status keep(pa_journal *journal, int64_t end, pa_error *err)
{
    pa_status status = PA_OK;
    PA_TRY(pa_cut(journal->fd, journal->path, end, err));
    PA_TRY(pa_flush(journal->fd, journal->path, err));
    journal->end = journal->flushed = end;

cleanup:
    return status;
}

pa_status pa_journal_open(const pa_allocator *mem, const char *path, uint64_t plan, pa_journal_read_fn read, void *user,
                          pa_journal **out, pa_error *err)
{
    pa_status status = PA_OK;
    int64_t end = 0;
    *out = NULL;
    pa_journal *journal = pa_alloc(mem, 1, sizeof(*journal));
    PA_REQUIRE_MEMORY(journal, err, "a journal");
    journal->mem = *mem;
    journal->fd = -1;
    journal->plan = plan;
    journal->synced = now();
    PA_REQUIRE_MEMORY(journal->path = pa_strdup(mem, path), err, "a journal");
    pa_journal_source source = {.mem = &journal->mem, .path = journal->path};
    PA_TRY(pa_journal_open_file(path, 0, &journal->fd, &source.size, err));
    if (journal->fd >= 0) {
        source.fd = journal->fd;
        PA_TRY(pa_journal_check_magic(&source, err));
        if (read != NULL) {
            PA_TRY(pa_journal_read(&source, plan, read, user, &end, &journal->records, err));
        }
        PA_TRY(keep(journal, end, err));
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
    char header[PA_JOURNAL_HEADER_BYTES];
    if (journal->fd < 0) {
        pa_journal_source source = {.mem = &journal->mem, .path = journal->path};
        PA_TRY(pa_make_parents(&journal->mem, journal->path, err));
        PA_TRY(pa_journal_open_file(journal->path, 1, &journal->fd, &source.size, err));
        if (source.size > 0) { /* somebody was faster */
            source.fd = journal->fd;
            PA_TRY(pa_journal_check_magic(&source, err));
            PA_TRY(keep(journal, 0, err));
        }
    }
    if (journal->end == 0) {
        pa_journal_make_header(header, journal->plan);
        PA_TRY(pa_journal_write_at(journal->fd, journal->path, 0, header, PA_JOURNAL_HEADER_BYTES, err));
        journal->end = PA_JOURNAL_HEADER_BYTES;
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
    PA_REQUIRE(length >= 0 && length <= INT32_MAX - PA_JOURNAL_FRAME_BYTES, err, PA_ERR_LIMIT,
               "%s: a record of %lld bytes", journal->path, (long long)length);
    PA_REQUIRE_MEMORY(frame = pa_alloc_raw(&journal->mem, PA_JOURNAL_FRAME_BYTES + length, 1), err, "a journal");
    PA_TRY(make_file(journal, err));
    pa_journal_make_frame(frame, bytes, length, journal->flushed);
    memcpy(frame + PA_JOURNAL_FRAME_BYTES, bytes, (size_t)length);
    PA_TRY(pa_journal_write_at(journal->fd, journal->path, journal->end, frame, PA_JOURNAL_FRAME_BYTES + length, err));
    journal->end += PA_JOURNAL_FRAME_BYTES + length;
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
