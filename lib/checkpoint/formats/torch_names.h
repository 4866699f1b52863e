/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The fixed list of names that a pickle of torch.save() may use. */
#ifndef PA_FORMATS_TORCH_NAMES_H
#define PA_FORMATS_TORCH_NAMES_H
#include "checkpoint/formats/pickle.h"
#include "checkpoint/formats/torch_objects.h"

typedef enum pa_torch_role {
    PA_TORCH_STORAGE,        /**< A storage class with elements of `dtype`. */
    PA_TORCH_DTYPE,          /**< An element type. */
    PA_TORCH_TENSOR,         /**< (storage, offset, sizes, strides, ...): a tensor of the storage's type. */
    PA_TORCH_TENSOR_OF_TYPE, /**< (storage, offset, sizes, strides, requires_grad, hooks, dtype, ...). */
    PA_TORCH_PARAMETER,      /**< (tensor, ...): stands for the tensor. */
    PA_TORCH_FROM_TYPE,      /**< (function, type, args, state): stands for function(*args). */
    PA_TORCH_DICT,           /**< () or (pairs), or what makes missing values: a dict. */
    PA_TORCH_SIZE,           /**< (tuple): stands for the tuple. */
    PA_TORCH_OTHER           /**< Known and harmless, but nothing that a matrix could be made of. */
} pa_torch_role;

struct pa_torch_name {
    const char *module;
    const char *name;
    pa_torch_role role;
    pa_dtype dtype;   /**< 0: an element type that cannot be read. */
    const char *what; /**< Of tensors that cannot be read: what they are. */
};

/** The entry of that name, or NULL. */
const pa_torch_name *pa_torch_find_name(const pa_pickle_node *module, const pa_pickle_node *name);

/** Whether a name that is not in the list may be the class of a value that nobody here needs; see torch_foreign.c. */
int pa_torch_is_foreign_class(const pa_pickle_node *module, const pa_pickle_node *name);
#endif
