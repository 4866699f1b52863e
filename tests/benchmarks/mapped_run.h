/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief The tensors of a run that make_run wrote, mapped into memory: just enough of a zip reader for the floor. */
#ifndef MAPPED_RUN_H
#define MAPPED_RUN_H
#include <stdint.h>

enum { MAPPED_V, MAPPED_O, MAPPED_W2, MAPPED_SUFFIXES };

/** One tensor of the validation split: where its elements are and how many; ends the program when it is not there. */
typedef struct mapped_tensor {
    const float *data;
    int64_t count;
} mapped_tensor;

/** `kind` is "weights", "gradients" or "activations". */
mapped_tensor mapped_run_tensor(const char *run, int step, const char *kind, int layer, int suffix);

/** A number of training_config.yaml, such as "d_model". */
int64_t mapped_run_setting(const char *run, const char *name);
#endif
