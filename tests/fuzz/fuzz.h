/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What all fuzz targets share: an input as a file, a heap with a limit, and what must hold after every call.
 *
 * A target is one file with LLVMFuzzerTestOneInput(), which hands its body to fuzz_run(). Linked with libFuzzer it is
 * fuzzed (run.sh); linked with runner.c it tries files, in the suite.
 */
#ifndef PA_FUZZ_H
#define PA_FUZZ_H
#include <stddef.h>
#include <stdint.h>

#include <picoanalyze/picoanalyze.h>

#include "checkpoint/archive.h"

/** Try one input. Must give back what it took from the allocator of `ctx`, whatever it returns. */
typedef pa_status (*fuzz_body)(pa_context *ctx, const uint8_t *data, size_t n, pa_error *err);

/**
 * Run `body` and end the process unless: the status is one of the library's, there is a one-line text whenever it is not
 * PA_OK, and all memory came back. For one input in eight, chosen by its bytes, again with one allocation failing:
 * that must be told as PA_ERR_NOMEM.
 */
void fuzz_run(fuzz_body body, const uint8_t *data, size_t n);

/** The allocator behind fuzz_run(): 256 MiB and no more. */
const pa_allocator *fuzz_memory(void);

/** A file that the library alone can open and read, and that costs no system call; bytes and path are borrowed. */
const char *fuzz_memory_file(const char *path, const uint8_t *data, size_t n);

/** Path of a file of the system that holds the input and may be written; one for the whole process, overwritten by each
 * call. */
const char *fuzz_file(const uint8_t *data, size_t n);

/** Path of a test's data, below tests/data; lent until the next call. */
const char *fuzz_data_path(const char *name);

/** End the process, with a text, when something that must hold does not. */
void fuzz_require(int holds, const char *what);

/** Check and read every tensor of an archive (up to some thousands of elements in all). */
pa_status fuzz_read_tensors(const pa_archive *archive, pa_error *err);

/** Body of the targets of file formats: open the input as a tensor file, read its tensors. */
pa_status fuzz_archive(pa_context *ctx, const uint8_t *data, size_t n, pa_error *err);

/** What libFuzzer calls, and runner.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
#endif
