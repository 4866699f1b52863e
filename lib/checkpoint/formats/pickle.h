/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Pickles read as data: a stack machine that builds a tree of values and never calls anything.
 *
 * What classes and functions mean is left to hooks (torch_objects.c), which know a fixed list of names.
 */
#ifndef PA_FORMATS_PICKLE_H
#define PA_FORMATS_PICKLE_H
#include "base/error.h"

typedef enum pa_pickle_type {
    PA_PICKLE_NONE,
    PA_PICKLE_BOOL,
    PA_PICKLE_INT,
    PA_PICKLE_REAL,
    PA_PICKLE_TEXT,
    PA_PICKLE_BYTES,
    PA_PICKLE_LIST,
    PA_PICKLE_TUPLE,
    PA_PICKLE_SET,
    PA_PICKLE_DICT,
    PA_PICKLE_GLOBAL,  /**< A name that the hooks know; `object` is theirs. */
    PA_PICKLE_STORAGE, /**< What the hooks made of a persistent id; `object` is theirs. */
    PA_PICKLE_TENSOR,  /**< What the hooks made of a call; `object` is theirs. */
    PA_PICKLE_OPAQUE   /**< A value that nobody here needs to understand; `object` is the hooks', or NULL. */
} pa_pickle_type;

/** A value. All belong to the pickle; several places may share one, and a container may hold itself. */
typedef struct pa_pickle_node pa_pickle_node;
struct pa_pickle_node {
    pa_pickle_type type;
    int16_t is_nested; /**< List, tuple, dict: 1 when there may be a tensor in it, however deep. */
    int16_t is_shared; /**< 0: of the stack or of one container alone; 1: others may refer to it. */
    union {
        int64_t integer; /**< Int, bool. */
        double real;
        const void *object;
        struct {
            const char *bytes; /**< Not terminated; points into the pickle's bytes. */
            int64_t length;
        } text; /**< Text, bytes. */
        struct {
            pa_pickle_node **items; /**< Dict: key, value, key, value ... Repeated keys are kept. */
            int64_t count;
            int64_t capacity;
        } list;               /**< List, tuple, dict. The items of a set are not kept. */
        pa_pickle_node *next; /**< Of those that were released. */
    } u;
};

typedef struct pa_pickle pa_pickle;

/**
 * Meaning of the names in a pickle. `out` is never NULL on PA_OK; nodes are made with the functions below. What hooks
 * are given is gone afterwards, but for `out` if it is a part of it, for the items of `out`, and for the bytes of texts.
 */
typedef struct pa_pickle_hooks {
    void *user;
    /** A name. One that is not known is PA_ERR_UNSUPPORTED. */
    pa_status (*global)(void *user, pa_pickle *pickle, const pa_pickle_node *module, const pa_pickle_node *name,
                        pa_pickle_node **out, pa_error *err);
    /** `callable(*args)`; `callable` is a global or opaque, `args` a tuple. */
    pa_status (*call)(void *user, pa_pickle *pickle, const pa_pickle_node *callable, const pa_pickle_node *args,
                      pa_pickle_node **out, pa_error *err);
    /** A persistent id. */
    pa_status (*persistent)(void *user, pa_pickle *pickle, const pa_pickle_node *id, pa_pickle_node **out,
                            pa_error *err);
} pa_pickle_hooks;

/**
 * Read a pickle of protocol 2 ... 5 that fills `length` bytes, which must stay as long as the pickle. Errors name the
 * byte and the opcode. PA_ERR_FORMAT, PA_ERR_UNSUPPORTED, PA_ERR_LIMIT, PA_ERR_NOMEM or what a hook returned.
 */
pa_status pa_pickle_read(const pa_allocator *mem, const unsigned char *bytes, int64_t length,
                         const pa_pickle_hooks *hooks, pa_pickle **out, pa_error *err);

/** The same of a pickle that something may follow: `used` is how many bytes it takes. */
pa_status pa_pickle_read_first(const pa_allocator *mem, const unsigned char *bytes, int64_t length,
                               const pa_pickle_hooks *hooks, int64_t *used, pa_pickle **out, pa_error *err);
void pa_pickle_destroy(pa_pickle *pickle);

/** How many bytes it takes, up to its end. */
int64_t pa_pickle_bytes(const pa_pickle *pickle);

/** The value that the pickle holds. */
const pa_pickle_node *pa_pickle_root(const pa_pickle *pickle);

/** Zeroed memory that lives as long as the pickle: PA_ERR_LIMIT when it takes too much, PA_ERR_NOMEM. */
pa_status pa_pickle_alloc(pa_pickle *pickle, int64_t count, size_t size, void **out, pa_error *err);
pa_status pa_pickle_node_create(pa_pickle *pickle, pa_pickle_type type, pa_pickle_node **out, pa_error *err);
/** Append to a list, tuple or dict. */
pa_status pa_pickle_node_append(pa_pickle *pickle, pa_pickle_node *list, pa_pickle_node *item, pa_error *err);

/** 1 when a text is exactly that. */
int pa_pickle_is(const pa_pickle_node *node, const char *text);
/** "text", "dict" ... for errors. */
const char *pa_pickle_type_name(pa_pickle_type type);
#endif
