/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The records of a journal that is there, in memory for little more than the largest of them. */
#ifndef PA_ANALYSIS_JOURNAL_READ_H
#define PA_ANALYSIS_JOURNAL_READ_H
#include "analysis/journal.h"

/** A journal that has been opened. */
typedef struct pa_journal_source {
    const pa_allocator *mem;
    const char *path;
    int fd;
    int64_t size;
} pa_journal_source;

/** Whether it is a journal at all; nothing else is ever written over. */
pa_status pa_journal_check_magic(const pa_journal_source *from, pa_error *err);

/**
 * Read it from begin to end. `*end` is where the next record goes, 0 when there is not even a header: what is behind was
 * not flushed, and not written to its end.
 */
pa_status pa_journal_read(const pa_journal_source *from, uint64_t plan, pa_journal_read_fn read, void *user,
                          int64_t *end, int64_t *records, pa_error *err);
#endif
