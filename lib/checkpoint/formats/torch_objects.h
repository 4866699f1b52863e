/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief What the names in torch's pickles mean: storages, tensors, and little else. Nothing is ever called. */
#ifndef PA_FORMATS_TORCH_OBJECTS_H
#define PA_FORMATS_TORCH_OBJECTS_H
#include "checkpoint/archive.h"
#include "checkpoint/formats/pickle.h"

typedef struct pa_torch_name pa_torch_name;

/** A storage of a file. Tensors that share a storage share it here. */
typedef struct pa_torch_storage {
    pa_storage *storage;       /**< NULL: not asked for yet. */
    const pa_torch_name *type; /**< Storage class. */
    int64_t numel;             /**< In elements of the class. */
} pa_torch_storage;

/** A key of a storage: at most 20 decimal digits. Anything else could be a path. */
enum { PA_TORCH_KEY_SIZE = 21 };

/** What the hooks need: they turn persistent ids into storages of a file, and calls into tensors. */
typedef struct pa_torch_reader {
    const pa_allocator *mem;
    void *user;       /**< Handed to the functions. */
    int64_t count;    /**< Storages there may be. */
    int32_t id_items; /**< Of a persistent id: 5, in the format before 1.6 6. */
    int32_t swapped;  /**< Elements have the other byte order than this machine. */
    /** The number of the storage of that key, below `count`, and its size; PA_ERR_FORMAT when there is none. */
    pa_status (*find)(void *user, const char *key, int64_t *number, int64_t *bytes, pa_error *err);
    pa_status (*open)(void *user, int64_t number, pa_storage **out, pa_error *err);
    pa_torch_storage *storages; /**< `count`. */
} pa_torch_reader;

/** All but `storages` set, which it allocates. */
pa_status pa_torch_reader_start(pa_torch_reader *reader, pa_error *err);
void pa_torch_reader_end(pa_torch_reader *reader);

/** The parts of a persistent id, checked. */
typedef struct pa_torch_id {
    const pa_torch_name *type; /**< Storage class. */
    char key[PA_TORCH_KEY_SIZE];
    int64_t numel;
    const char *unreadable; /**< What it is when it is of a type that cannot be read, or without elements; else NULL. */
    int32_t in_file;        /**< 0: on the device "meta", without elements. */
} pa_torch_id;
pa_status pa_torch_read_id(const pa_torch_reader *reader, const pa_pickle_node *id, pa_torch_id *out, pa_error *err);

/**
 * Add the tensors of the dict or list that a pickle holds and of those in it: keys and positions, joined by dots, are
 * their names. One that is alone is called what the file at `path` is called. What is none is counted.
 */
pa_status pa_torch_add_tensors(pa_archive *archive, const char *path, const pa_pickle *pickle, pa_error *err);

/** Hooks for pa_pickle_read(). A PA_PICKLE_TENSOR then has a `pa_tensor` as its object, not yet checked. */
pa_pickle_hooks pa_torch_hooks(pa_torch_reader *reader);
#endif
