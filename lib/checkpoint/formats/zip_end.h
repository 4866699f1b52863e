/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The end of a zip archive, which says where its directory is. */
#ifndef PA_FORMATS_ZIP_END_H
#define PA_FORMATS_ZIP_END_H
#include "base/file.h"

typedef struct pa_zip_end {
    int64_t count;  /**< Records. */
    int64_t offset; /**< Place of the directory in the file. */
    int64_t size;   /**< Bytes of the directory. */
} pa_zip_end;

/** Read the end records, zip64 or not. On PA_OK the directory lies inside the file and ends where they begin. */
pa_status pa_zip_read_end(pa_file *file, pa_zip_end *out, pa_error *err);
#endif
