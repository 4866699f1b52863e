/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/formats/zip_end.h"

#include "checkpoint/formats/bytes.h"

enum { END_BYTES = 22, LOCATOR_BYTES = 20, END64_BYTES = 56 };
enum { SIGNATURE_END = 0x06054b50, SIGNATURE_LOCATOR = 0x07064b50, SIGNATURE_END64 = 0x06064b50 };

/* The 64-bit record must repeat what the old one says, wherever that is not all ones. */
static int agree(uint32_t narrow, uint32_t all_ones, uint64_t wide)
{
    return narrow == all_ones || narrow == wide;
}

static pa_status read_end64(pa_file *file, const unsigned char *locator, const unsigned char *end, int64_t place,
                            uint64_t fields[3], pa_error *err)
{
    pa_status status = PA_OK;
    unsigned char wide[END64_BYTES];
    PA_REQUIRE(pa_le32(locator + 4) == 0 && pa_le32(locator + 16) <= 1, err, PA_ERR_UNSUPPORTED,
               "zip archive in several parts");
    PA_REQUIRE(place >= 0 && pa_le64(locator + 8) == (uint64_t)place, err, PA_ERR_FORMAT,
               "zip64: the end record is not where its locator says");
    PA_TRY(pa_file_read(file, place, END64_BYTES, wide, err));
    PA_REQUIRE(pa_le32(wide) == SIGNATURE_END64 && pa_le64(wide + 4) == END64_BYTES - 12, err, PA_ERR_FORMAT,
               "zip64: bad end record");
    PA_REQUIRE(pa_le32(wide + 16) == 0 && pa_le32(wide + 20) == 0, err, PA_ERR_UNSUPPORTED,
               "zip archive in several parts");
    fields[0] = pa_le64(wide + 32);
    fields[1] = pa_le64(wide + 40);
    fields[2] = pa_le64(wide + 48);
    PA_REQUIRE(pa_le64(wide + 24) == fields[0] && agree(pa_le16(end + 10), 0xffff, fields[0]) &&
                   agree(pa_le32(end + 12), 0xffffffff, fields[1]) && agree(pa_le32(end + 16), 0xffffffff, fields[2]),
               err, PA_ERR_FORMAT, "zip64: the two end records contradict each other");

cleanup:
    return status;
}

pa_status pa_zip_read_end(pa_file *file, pa_zip_end *out, pa_error *err)
{
    pa_status status = PA_OK;
    unsigned char tail[LOCATOR_BYTES + END_BYTES] = {0};
    const int64_t size = pa_file_size(file);
    const int64_t have = size < (int64_t)sizeof(tail) ? size : (int64_t)sizeof(tail);
    const unsigned char *end = tail + LOCATOR_BYTES;
    int64_t place = size - END_BYTES; /* where the directory must end */
    PA_REQUIRE(size >= END_BYTES, err, PA_ERR_FORMAT, "%lld bytes are too few for a zip archive", (long long)size);
    PA_TRY(pa_file_read(file, size - have, have, tail + sizeof(tail) - have, err));
    PA_REQUIRE(pa_le32(end) == SIGNATURE_END && pa_le16(end + 20) == 0, err, PA_ERR_FORMAT,
               "no end of a zip directory in the last %d bytes: truncated, or bytes were appended", END_BYTES);
    PA_REQUIRE(pa_le16(end + 4) == 0 && pa_le16(end + 6) == 0, err, PA_ERR_UNSUPPORTED, "zip archive in several parts");

    uint64_t fields[3] = {pa_le16(end + 10), pa_le32(end + 12), pa_le32(end + 16)}; /* count, size, offset */
    PA_REQUIRE(pa_le16(end + 8) == fields[0], err, PA_ERR_FORMAT, "zip directory: two numbers of records, %d and %d",
               (int)pa_le16(end + 8), (int)fields[0]);
    if (pa_le32(tail) == SIGNATURE_LOCATOR) {
        place -= LOCATOR_BYTES + END64_BYTES;
        PA_TRY(read_end64(file, tail, end, place, fields, err));
    }
    PA_REQUIRE(fields[1] <= (uint64_t)place && fields[2] == (uint64_t)place - fields[1], err, PA_ERR_FORMAT,
               "zip directory: %llu bytes at %llu do not end at %lld", (unsigned long long)fields[1],
               (unsigned long long)fields[2], (long long)place);
    /* A directory entry has 46 bytes at least. */
    PA_REQUIRE(fields[0] <= fields[1] / 46, err, PA_ERR_FORMAT, "zip directory: %llu records in %llu bytes",
               (unsigned long long)fields[0], (unsigned long long)fields[1]);
    *out = (pa_zip_end){(int64_t)fields[0], (int64_t)fields[2], (int64_t)fields[1]};

cleanup:
    return status;
}
