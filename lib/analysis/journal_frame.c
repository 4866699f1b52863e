/* SPDX-License-Identifier: Apache-2.0 */
#include "analysis/journal_frame.h"

#include <string.h>

#include "base/crc32.h"

static const char magic[PA_JOURNAL_MAGIC_BYTES] = {'P', 'A', 'j', 'r', 'n', 'l', '\r', '\n'};
static const char marker[4] = {'P', 'A', 'u', '1'};

enum { VERSION_AT = 8, PLAN_AT = 12, HEADER_CRC_AT = 20, LENGTH_AT = 4, FLUSHED_AT = 8, CRC_AT = 16 };

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

void pa_journal_make_header(char header[PA_JOURNAL_HEADER_BYTES], uint64_t plan)
{
    memcpy(header, magic, sizeof(magic));
    put32(header + VERSION_AT, PA_JOURNAL_VERSION);
    put32(header + PLAN_AT, plan);
    put32(header + PLAN_AT + 4, plan >> 32);
    put32(header + HEADER_CRC_AT, pa_crc32(0, header, HEADER_CRC_AT));
}

/* A loss of power may leave zeros where bytes had been written, then in all of the header. */
int pa_journal_is_magic(const char *bytes, int64_t n)
{
    int64_t same = 0;
    while (same < n && same < PA_JOURNAL_MAGIC_BYTES && bytes[same] == magic[same]) {
        same++;
    }
    if (same == PA_JOURNAL_MAGIC_BYTES) {
        return 1;
    }
    while (same < n && bytes[same] == '\0') {
        same++;
    }
    return same == n;
}

int pa_journal_is_header(const char header[PA_JOURNAL_HEADER_BYTES])
{
    return memcmp(header, magic, sizeof(magic)) == 0 &&
           get32(header + HEADER_CRC_AT) == pa_crc32(0, header, HEADER_CRC_AT);
}

uint32_t pa_journal_version_of(const char header[PA_JOURNAL_HEADER_BYTES])
{
    return get32(header + VERSION_AT);
}

static uint32_t checksum(const char *frame, const char *bytes, int64_t length)
{
    return pa_crc32(pa_crc32(0, frame + LENGTH_AT, CRC_AT - LENGTH_AT), bytes, length);
}

void pa_journal_make_frame(char frame[PA_JOURNAL_FRAME_BYTES], const char *bytes, int64_t length, int64_t flushed)
{
    memcpy(frame, marker, sizeof(marker));
    put32(frame + LENGTH_AT, (uint64_t)length);
    put32(frame + FLUSHED_AT, (uint64_t)flushed);
    put32(frame + FLUSHED_AT + 4, (uint64_t)flushed >> 32);
    put32(frame + CRC_AT, checksum(frame, bytes, length));
}

int pa_journal_is_frame(const char bytes[PA_JOURNAL_FRAME_BYTES], pa_journal_frame *out)
{
    const uint64_t flushed = get32(bytes + FLUSHED_AT) | (uint64_t)get32(bytes + FLUSHED_AT + 4) << 32;
    out->length = get32(bytes + LENGTH_AT);
    out->flushed = flushed <= INT64_MAX ? (int64_t)flushed : INT64_MAX;
    return memcmp(bytes, marker, sizeof(marker)) == 0;
}

int pa_journal_is_record(const char *frame, const pa_journal_frame *told)
{
    return get32(frame + CRC_AT) == checksum(frame, frame + PA_JOURNAL_FRAME_BYTES, told->length);
}
