/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief System calls on files: each is continued when a signal interrupts it, and whole or an error that names the
 * path, what was tried and the reason. */
#ifndef PA_BASE_SYSTEM_H
#define PA_BASE_SYSTEM_H
#include <dirent.h>

#include "base/error.h"

/** PA_ERR_IO, "<path>: <action>: <reason>", for the present errno. */
pa_status pa_fail_errno(pa_error *err, const char *path, const char *action);

/** What is at a path, behind links. */
typedef enum pa_path_kind { PA_PATH_NONE, PA_PATH_FILE, PA_PATH_DIRECTORY, PA_PATH_OTHER } pa_path_kind;

/** PA_ERR_IO when that cannot be told: a path that cannot be looked at is not one where nothing is. */
pa_status pa_path_look(const char *path, pa_path_kind *out, pa_error *err);

/** The names in a directory, in no order. End it with closedir(). PA_ERR_NOT_FOUND, PA_ERR_IO. */
pa_status pa_listing_open(const char *path, DIR **out, pa_error *err);
/** NULL behind the last. A listing that breaks off is PA_ERR_IO, not a shorter one. */
pa_status pa_listing_next(DIR *directory, const char *path, const char **name, pa_error *err);

/** Unless there is one: then `*made` is 0. */
pa_status pa_make_directory(const char *path, int *made, pa_error *err);
/** All directories above `path`, with their names on the disk. */
pa_status pa_make_parents(const pa_allocator *mem, const char *path, pa_error *err);

/** open() with O_CLOEXEC; -1 and errno as it has them. */
int pa_open(const char *path, int flags);

/** All `n` bytes at the file's position. */
pa_status pa_write_all(int fd, const char *path, const void *bytes, int64_t n, pa_error *err);

pa_status pa_cut(int fd, const char *path, int64_t size, pa_error *err);

/** To the disk, where there is one below. After an error nobody knows what is on it, and trying again would not tell. */
pa_status pa_flush(int fd, const char *path, pa_error *err);

/** The name `path`, that is the directory it is in, to the disk; some file systems cannot, which is no error. */
pa_status pa_flush_name(const pa_allocator *mem, const char *path, pa_error *err);

/** Close what was written: only now some file systems tell that it did not arrive. */
pa_status pa_close_written(int fd, const char *path, pa_error *err);
#endif
