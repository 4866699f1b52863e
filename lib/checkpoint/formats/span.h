/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief A part of a file, or of another storage, as the storage of a tensor. */
#ifndef PA_FORMATS_SPAN_H
#define PA_FORMATS_SPAN_H
#include "base/file.h"
#include "base/storage.h"

/** `bytes` bytes of the file from `offset` on, which the caller has checked; read on demand, valid beyond the archive. */
pa_status pa_span_of_file(pa_file *file, int64_t offset, int64_t bytes, pa_storage **out, pa_error *err);

/** The same of a storage that is not resident. It is retained. */
pa_status pa_span_of_storage(const pa_allocator *mem, pa_storage *base, int64_t offset, int64_t bytes, pa_storage **out,
                             pa_error *err);
#endif
