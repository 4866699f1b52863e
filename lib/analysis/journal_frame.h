/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The bytes of a journal: a header, and a frame before each record.
 *
 * Header: magic, uint32 version, uint64 plan, uint32 CRC-32 of these. Frame: uint32 marker, uint32 length, uint64
 * flushed, uint32 CRC-32 of length, flushed and the record, which follows. The marker is there to be found behind
 * damage, and `flushed`, how many bytes of the journal were on the disk when the record was written, to tell damage from
 * what a loss of power may leave. All little-endian.
 */
#ifndef PA_ANALYSIS_JOURNAL_FRAME_H
#define PA_ANALYSIS_JOURNAL_FRAME_H
#include <stdint.h>

enum { PA_JOURNAL_MAGIC_BYTES = 8, PA_JOURNAL_HEADER_BYTES = 24, PA_JOURNAL_FRAME_BYTES = 20 };
enum { PA_JOURNAL_VERSION = 3 };

void pa_journal_make_header(char header[PA_JOURNAL_HEADER_BYTES], uint64_t plan);

/** Whether a file that begins with these `n` bytes, at most PA_JOURNAL_HEADER_BYTES, is a journal or was to become one. */
int pa_journal_is_magic(const char *bytes, int64_t n);

int pa_journal_is_header(const char header[PA_JOURNAL_HEADER_BYTES]);
uint32_t pa_journal_version_of(const char header[PA_JOURNAL_HEADER_BYTES]);

void pa_journal_make_frame(char frame[PA_JOURNAL_FRAME_BYTES], const char *bytes, int64_t length, int64_t flushed);

typedef struct pa_journal_frame {
    int64_t length;  /**< Of the record. */
    int64_t flushed; /**< When it was written. */
} pa_journal_frame;

/** Whether these bytes say that they are a frame. */
int pa_journal_is_frame(const char bytes[PA_JOURNAL_FRAME_BYTES], pa_journal_frame *out);

/** Whether the record behind the frame is the one that it was made for. */
int pa_journal_is_record(const char *frame, const pa_journal_frame *told);
#endif
