/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What the names in torch's pickles mean: storages, tensors, and little else. Nothing is ever called. */
#ifndef PA_FORMATS_TORCH_OBJECTS_H
#define PA_FORMATS_TORCH_OBJECTS_H
#include "base/storage.h"
#include "checkpoint/formats/pickle.h"
#include "checkpoint/formats/zip.h"

typedef struct pa_torch_name pa_torch_name;

/** A record that a storage was made of. Tensors that share a storage share it here. */
typedef struct pa_torch_storage {
    pa_storage *storage;       /**< NULL: not asked for yet. */
    const pa_torch_name *type; /**< Storage class. */
    int64_t numel;             /**< In elements of the class. */
} pa_torch_storage;

/** What the hooks need: they turn persistent ids into storages of the archive, and calls into tensors. */
typedef struct pa_torch_reader {
    const pa_allocator *mem;
    const pa_zip *zip;
    int32_t swapped;            /**< Elements have the other byte order than this machine. */
    pa_torch_storage *storages; /**< One a record of the archive. */
} pa_torch_reader;

/** `mem`, `zip` and `swapped` borrowed and set; allocates the rest. */
pa_status pa_torch_reader_start(pa_torch_reader *reader, pa_error *err);
void pa_torch_reader_end(pa_torch_reader *reader);

/** Hooks for pa_pickle_read(). A PA_PICKLE_TENSOR then has a `pa_tensor` as its object, not yet checked. */
pa_pickle_hooks pa_torch_hooks(pa_torch_reader *reader);
#endif
