/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/journal_read.h"

#include <string.h>

#include "analysis/journal_file.h"
#include "analysis/journal_frame.h"
#include "base/alloc.h"

/* What is checksummed in search of records behind damage: so much, and so many times what there is. */
enum { SEARCH_BYTES = 1 << 20, SEARCH_FACTOR = 4 };

/* What is read at once, unless a record is larger. */
enum { WINDOW_BYTES = 1 << 20 };

/** A part of the file in memory. It only moves on. */
typedef struct window {
    const pa_journal_source *from;
    char *bytes;
    int64_t capacity;
    int64_t begin; /**< Where in the file it is. */
    int64_t count;
} window;

/* `n` bytes of the file from `at` on, lent until the next call. */
static pa_status look(window *w, int64_t at, int64_t n, const char **out, pa_error *err)
{
    pa_status status = PA_OK;
    if (at + n > w->begin + w->count) {
        const int64_t wanted = n > WINDOW_BYTES ? n : WINDOW_BYTES;
        const int64_t count = wanted < w->from->size - at ? wanted : w->from->size - at;
        const int64_t known = at < w->begin + w->count ? w->begin + w->count - at : 0;
        if (known > 0) {
            memmove(w->bytes, w->bytes + (at - w->begin), (size_t)known);
        }
        w->begin = at;
        w->count = known;
        char *grown = pa_array_grow(w->from->mem, w->bytes, &w->capacity, count, 1);
        PA_REQUIRE_MEMORY(grown, err, "a journal");
        w->bytes = grown;
        PA_TRY(pa_journal_read_at(w->from->fd, w->from->path, at + known, grown + known, count - known, err));
        w->count = count;
    }
    *out = w->bytes + (at - w->begin);

cleanup:
    return status;
}

/* Whether what begins at `at` says that it is a record, and there is room for one. */
static pa_status claims_record(window *w, int64_t at, int *claims, pa_journal_frame *frame, pa_error *err)
{
    pa_status status = PA_OK;
    const char *bytes = NULL;
    const int64_t room = w->from->size - at - PA_JOURNAL_FRAME_BYTES;
    *claims = 0;
    if (room >= 0) {
        PA_TRY(look(w, at, PA_JOURNAL_FRAME_BYTES, &bytes, err));
        *claims = pa_journal_is_frame(bytes, frame) && frame->length <= room;
    }

cleanup:
    return status;
}

/* The whole good record at `at`, or NULL. */
static pa_status find_record(window *w, int64_t at, const char **record, pa_journal_frame *frame, pa_error *err)
{
    pa_status status = PA_OK;
    const char *bytes = NULL;
    int claims = 0;
    *record = NULL;
    PA_TRY(claims_record(w, at, &claims, frame, err));
    if (claims) {
        PA_TRY(look(w, at, PA_JOURNAL_FRAME_BYTES + frame->length, &bytes, err));
        *record = pa_journal_is_record(bytes, frame) ? bytes + PA_JOURNAL_FRAME_BYTES : NULL;
    }

cleanup:
    return status;
}

/*
 * What a flush has made safe is damaged when a good record behind it tells of that flush. All other damage is what a loss of
 * power may leave, in whatever order the disk wrote. Markers by the thousand, each claiming all that follows, would
 * take quadratic time to refute. Chance does not make them: when what they claim comes to several times what there is,
 * somebody has put them there.
 */
static pa_status require_unflushed(window *w, int64_t end, pa_error *err)
{
    pa_status status = PA_OK;
    const int64_t size = w->from->size;
    int64_t left = SEARCH_BYTES + SEARCH_FACTOR * (size - end);
    int was_flushed = 0;
    for (int64_t at = end; at < size && !was_flushed; at++) {
        pa_journal_frame frame = {0, 0};
        const char *record = NULL;
        int claims = 0;
        PA_TRY(claims_record(w, at, &claims, &frame, err));
        if (claims && frame.flushed > end && frame.flushed <= at) {
            left -= frame.length;
            if (left >= 0) {
                PA_TRY(find_record(w, at, &record, &frame, err));
            }
            was_flushed = left < 0 || record != NULL;
        }
    }
    PA_REQUIRE(!was_flushed, err, PA_ERR_FORMAT, "%s: is damaged at byte %lld of %lld, before good records",
               w->from->path, (long long)end, (long long)size);

cleanup:
    return status;
}

pa_status pa_journal_check_magic(const pa_journal_source *from, pa_error *err)
{
    pa_status status = PA_OK;
    char start[PA_JOURNAL_HEADER_BYTES];
    const int64_t n = from->size < (int64_t)sizeof(start) ? from->size : (int64_t)sizeof(start);
    PA_TRY(pa_journal_read_at(from->fd, from->path, 0, start, n, err));
    PA_REQUIRE(pa_journal_is_magic(start, n), err, PA_ERR_FORMAT, "%s: is not a journal", from->path);

cleanup:
    return status;
}

/* Whether there is one; that of another plan is an error. */
static pa_status check_header(const pa_journal_source *from, uint64_t plan, int *there, pa_error *err)
{
    pa_status status = PA_OK;
    char header[PA_JOURNAL_HEADER_BYTES];
    char expected[PA_JOURNAL_HEADER_BYTES];
    *there = 0;
    if (from->size < PA_JOURNAL_HEADER_BYTES) {
        goto cleanup;
    }
    PA_TRY(pa_journal_read_at(from->fd, from->path, 0, header, PA_JOURNAL_HEADER_BYTES, err));
    *there = pa_journal_is_header(header);
    if (*there) {
        pa_journal_make_header(expected, plan);
        PA_REQUIRE(pa_journal_version_of(header) == PA_JOURNAL_VERSION, err, PA_ERR_FORMAT,
                   "%s: is a journal of version %u, this is version %d", from->path,
                   (unsigned)pa_journal_version_of(header), PA_JOURNAL_VERSION);
        PA_REQUIRE(
            memcmp(header, expected, PA_JOURNAL_HEADER_BYTES) == 0, err, PA_ERR_FORMAT,
            "%s: is the journal of another analysis: the configuration, the run (of one on the Hub, a commit of a "
            "step) or the library is not the same",
            from->path);
    }

cleanup:
    return status;
}

pa_status pa_journal_read(const pa_journal_source *from, uint64_t plan, pa_journal_read_fn read, void *user,
                          int64_t *end, int64_t *records, pa_error *err)
{
    pa_status status = PA_OK;
    window w = {.from = from};
    int there = 0;
    int64_t at = 0;
    PA_TRY(check_header(from, plan, &there, err));
    at = there ? PA_JOURNAL_HEADER_BYTES : 0;
    for (;;) {
        pa_journal_frame frame = {0, 0};
        const char *record = NULL;
        if (there) {
            PA_TRY(find_record(&w, at, &record, &frame, err));
        }
        if (record == NULL) {
            break;
        }
        status = read(user, record, frame.length, err);
        if (status != PA_OK) {
            pa_error_prefix(err, from->path);
            goto cleanup;
        }
        at += PA_JOURNAL_FRAME_BYTES + frame.length;
        ++*records;
    }
    PA_TRY(require_unflushed(&w, at, err));
    *end = at;

cleanup:
    pa_free(from->mem, w.bytes);
    return status;
}
