/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The system calls under a journal: each whole, or an error that names the path and the reason. */
#ifndef PA_ANALYSIS_JOURNAL_FILE_H
#define PA_ANALYSIS_JOURNAL_FILE_H
#include "base/error.h"

/**
 * Open for reading and writing and keep other processes out until it is closed. `*fd` is -1 when there is no such file
 * and `create` is 0.
 */
pa_status pa_journal_open_file(const char *path, int create, int *fd, int64_t *size, pa_error *err);

pa_status pa_journal_read_at(int fd, const char *path, int64_t offset, char *bytes, int64_t n, pa_error *err);
pa_status pa_journal_write_at(int fd, const char *path, int64_t offset, const char *bytes, int64_t n, pa_error *err);
#endif
