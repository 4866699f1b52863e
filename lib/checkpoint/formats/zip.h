/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Zip archives as torch.save() writes them: records under one top folder, stored or deflated.
 *
 * Opening reads and checks the directory only. Everything a reader could be fooled with is refused: records that
 * overlap or repeat (also when case is ignored), sizes that lie, bytes that belong to no record.
 */
#ifndef PA_FORMATS_ZIP_H
#define PA_FORMATS_ZIP_H
#include "base/file.h"
#include "base/storage.h"

/** One record. Sizes and CRC are the directory's; those of local headers are never looked at. */
typedef struct pa_zip_entry {
    const char *name; /**< Below the top folder; NUL-terminated UTF-8. */
    int64_t header;   /**< Place of the local header in the file. */
    int64_t data;     /**< Place of the bytes in the file. */
    int64_t packed;   /**< Bytes in the file. */
    int64_t size;     /**< Bytes when unpacked; the same when stored. */
    uint32_t crc;     /**< Of the unpacked bytes; 0 for "not computed". */
    uint16_t flags;   /**< As in the headers. */
    uint16_t method;  /**< 0 stored, 8 deflated. */
} pa_zip_entry;

typedef struct pa_zip {
    const pa_allocator *mem;
    pa_file *file;        /**< Borrowed. */
    unsigned char *bytes; /**< The directory; holds the names. */
    pa_zip_entry *entries;
    int64_t *order; /**< Entry numbers by name, case ignored; of a flat one by place. */
    int64_t count;
} pa_zip;

/** Read and check the directory. PA_ERR_FORMAT, PA_ERR_UNSUPPORTED, PA_ERR_LIMIT, PA_ERR_IO, PA_ERR_NOMEM. */
pa_status pa_zip_open(const pa_allocator *mem, pa_file *file, pa_zip **out, pa_error *err);
/** The same for archives of other programs: records keep their names, which may repeat; not for pa_zip_find(). */
pa_status pa_zip_open_flat(const pa_allocator *mem, pa_file *file, pa_zip **out, pa_error *err);
void pa_zip_close(pa_zip *zip);

/** Number of the record of that name (case matters), or -1. */
int64_t pa_zip_find(const pa_zip *zip, const char *name);

/** A whole record that fits into memory, CRC checked, with a NUL appended; longer than `limit` is PA_ERR_LIMIT. */
pa_status pa_zip_read(const pa_zip *zip, int64_t entry, int64_t limit, unsigned char **data, pa_error *err);

/** The first `bytes` bytes of a record, which has as many. The rest is not looked at, and neither is the CRC. */
pa_status pa_zip_peek(const pa_zip *zip, int64_t entry, int64_t bytes, unsigned char *dst, pa_error *err);

/** Read a record for its CRC alone, where it has one. */
pa_status pa_zip_check(const pa_zip *zip, int64_t number, pa_error *err);

/** A record as the storage of tensors: read on demand, valid beyond the archive. */
pa_status pa_zip_storage(const pa_zip *zip, int64_t entry, pa_storage **out, pa_error *err);
#endif
