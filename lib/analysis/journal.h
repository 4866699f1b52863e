/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A file that an interrupted analysis leaves behind: a header and one record after the other, only ever appended.
 *
 * What a record holds is the caller's affair. A record is safe once it has been flushed to the disk, which happens in
 * groups. What was being written when the machine or the process stopped is cut off, with all behind it that had not been
 * flushed; damage to what a later record knows to be flushed is an error.
 */
#ifndef PA_ANALYSIS_JOURNAL_H
#define PA_ANALYSIS_JOURNAL_H
#include "base/error.h"

typedef struct pa_journal pa_journal;

/** Given each record in order, lent for the call; a failure ends the reading. */
typedef pa_status (*pa_journal_read_fn)(void *user, const char *bytes, int64_t length, pa_error *err);

/**
 * Open the journal at `path` for appending. With `read` NULL what is there is discarded; otherwise it is read first, and
 * must have been written under the same `plan`, a number that tells plans apart. The file and the directories above it
 * are made with the first record. PA_ERR_FORMAT: not a journal, damaged, of another version or plan; PA_ERR_IO: cannot be
 * read or is in use by another process; or what `read` returned. Texts begin with the path.
 */
pa_status pa_journal_open(const pa_allocator *mem, const char *path, uint64_t plan, pa_journal_read_fn read, void *user,
                          pa_journal **out, pa_error *err);

/** Append a record. After a failure, of the disk for instance, this and the next always fail, with the same text. */
pa_status pa_journal_append(pa_journal *journal, const char *bytes, int64_t length, pa_error *err);

/** Flush what has been appended. */
pa_status pa_journal_sync(pa_journal *journal, pa_error *err);

/** Close without flushing. A journal without a record is removed. */
void pa_journal_close(pa_journal *journal);
#endif
